"""Asks for secrets on the plain terminal, without echo, or takes them from one line of standard input.

Never an argument and never the environment: other users of the machine can read both.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import sys
import termios
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from types import FrameType, TracebackType
from typing import Any, BinaryIO, NoReturn, Self

import click

from tui.desk.inert import sanitise
from tui.desk.key_control import KeyField
from venues.port import Credentials
from venues.secret import Secret

LONGEST = 1_000  # characters of one part; the longest key of a venue has a few hundred
LONGEST_PROMPT = 1_000
_PIECE = 4_096  # bytes: the most that the kernel keeps of one line
_TERMINAL = "/dev/tty"
_PASTE_MARKS = re.compile(r"\x1b\[20[01]~")
# What a web page puts around a key that is copied from it, beside white space: none of it can be seen.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_UNWANTED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ENDINGS = (signal.SIGTERM, signal.SIGHUP)


class Refused(click.ClickException):
    """What was entered can not be used; the words say why, and never show it."""


class NoTerminal(click.ClickException):
    """There is no terminal to ask on."""

    def __init__(self) -> None:
        super().__init__("there is no terminal to ask on; give it on standard input (see --help)")


def part_of(text: str, label: str, *, is_key: bool = True) -> Secret:
    """Returns what was typed or pasted, without what a paste puts around it; empty stays empty.

    Of a key (`is_key`) white space around it goes too, and it may hold none; a password is kept as it is.

    Raises:
        Refused: it is too long or holds what can not be part of it.
    """
    kept = _PASTE_MARKS.sub("", text).rstrip("\r\n")
    if is_key:
        kept = kept.strip().strip(_INVISIBLE).strip()
    if len(kept) > LONGEST:
        raise Refused(f"the {label} is longer than {LONGEST:,} characters: paste it alone")
    if any(unicodedata.category(each) in _UNWANTED for each in kept):
        raise Refused(
            f"the {label} holds control characters or invisible ones: paste it alone, without keys such "
            "as the arrows"
        )
    if is_key and any(each.isspace() for each in kept):
        raise Refused(f"the {label} holds white space: paste it alone")
    return Secret(kept)


class Terminal:
    """The terminal that the user sits at, with echo off for as long as the context is open.

    What was typed ahead is thrown away when it is left: the rest of a paste must not reach the shell, which
    would show it and keep it in its history. Ctrl+C raises KeyboardInterrupt, the end of input EOFError.
    """

    def __init__(self, path: str = _TERMINAL) -> None:
        """Raises NoTerminal."""
        self._descriptor = _opened(path)
        self._before: list[Any] | None = None
        self._handlers: list[tuple[signal.Signals, Any]] = []

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undoing:
            undoing.callback(self._restore)
            try:
                before = termios.tcgetattr(self._descriptor)
            except termios.error:
                raise NoTerminal from None
            self._catch_endings()
            self._before = before
            # What was typed before was not typed for this; and a shell's line editor has made no lines of it.
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, _without_echo(before))
            undoing.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def say(self, text: str) -> None:
        """Writes a line."""
        self._write(f"{sanitise(text, LONGEST_PROMPT)}\r\n")

    def ask(self, label: str, *, is_key: bool = True, hint: str = "not shown") -> Secret:
        """Asks for one line and returns it, empty where nothing was entered. Raises Refused and EOFError."""
        self._write(sanitise(f"{label} ({hint}): ", LONGEST_PROMPT))
        try:
            return part_of(self._line(label), label, is_key=is_key)
        finally:
            self._write("\r\n")

    def ask_until_given(self, label: str) -> Secret:
        """Asks again for as long as nothing was entered: a paste may begin with an empty line."""
        while not (given := self.ask(label)):
            self.say(f"the {label} is needed; Ctrl+C leaves, and nothing is stored")
        return given

    def _line(self, label: str) -> str:
        said = b""
        while not said.endswith(b"\n"):
            try:
                piece = os.read(self._descriptor, _PIECE)
            except OSError:  # the terminal is gone
                piece = b""
            if not piece:
                raise EOFError
            said += piece
            if len(said) > 4 * LONGEST + _PIECE:
                raise Refused(f"the {label} is longer than {LONGEST:,} characters: paste it alone")
        return _decoded(said, label)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # of a terminal that is gone, reading tells
            os.write(self._descriptor, text.encode())

    def _catch_endings(self) -> None:
        """Has a signal that ends the program unwind it: a terminal without echo must not be left behind."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _ENDINGS:
            self._handlers.append((number, signal.signal(number, _leave)))

    def _restore(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        try:
            if self._before is not None:
                termios.tcsetattr(descriptor, termios.TCSAFLUSH, self._before)
        except termios.error:
            pass  # it is gone: there is nothing to restore
        finally:
            os.close(descriptor)
            while self._handlers:
                signal.signal(*self._handlers.pop())


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    raise click.exceptions.Exit(128 + number)


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        pass
    # A terminal that does not control this program is one all the same.
    if is_terminal(sys.stdin):
        return os.dup(sys.stdin.fileno())
    raise NoTerminal


def _without_echo(before: Sequence[Any]) -> list[Any]:
    """Returns the settings: whole lines, no echo, Ctrl+C works, and nothing can stop it half-way."""
    changed = list(before)
    changed[0] |= termios.ICRNL
    changed[3] = (changed[3] | termios.ICANON | termios.ISIG) & ~(termios.ECHO | termios.ECHONL)
    characters = list(changed[6])
    # Ctrl+Z and Ctrl+\ would leave the terminal to the shell without echo.
    for which in (termios.VSUSP, termios.VQUIT):
        characters[which] = b"\x00"
    changed[6] = characters
    return changed


def is_terminal(stream: Any) -> bool:
    """Says whether a stream is one; a closed or absent one is none."""
    try:
        return bool(stream is not None and stream.isatty())
    except ValueError:
        return False


def has_terminal(path: str = _TERMINAL) -> bool:
    """Says whether there is a terminal to ask on."""
    try:
        os.close(_opened(path))
    except NoTerminal:
        return False
    return True


@contextlib.contextmanager
def without_echo() -> Iterator[None]:
    """Keeps echo off between questions as well: whoever types ahead while something is tried may type a key."""
    if not has_terminal():
        yield
        return
    with Terminal():
        yield


class Lines:
    """Standard input that is no terminal, a line at a time."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        if stream is None and sys.stdin is None:
            raise Refused("standard input is closed, and there is nothing else to read from")
        self._stream = stream if stream is not None else sys.stdin.buffer

    def next(self, label: str, parts: int = 1) -> str:
        """Returns the next line as it is. Raises Refused where there is none, or where it is far too long."""
        most = parts * 4 * (LONGEST + 1) + 2
        said = self._stream.readline(most)
        if not said:
            raise Refused(f"standard input ended before the {label}")
        if len(said) == most:
            raise Refused(f"the line with the {label} on standard input is too long")
        return _decoded(said, label)


def line_of_input(label: str, patience: float) -> Secret | None:
    """Returns a line of standard input that is no terminal, None where none comes within `patience` seconds."""
    if sys.stdin is None or not select.select([sys.stdin], [], [], patience)[0]:
        return None
    try:
        return part_of(Lines().next(label), label, is_key=False) or None
    except Refused:
        return None


def _decoded(said: bytes, label: str) -> str:
    try:
        return said.decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        raise Refused(f"the {label} is no UTF-8 text") from None


def credentials_from(terminal: Terminal, fields: Sequence[KeyField]) -> Credentials:
    """Asks for each part of a key, none of it shown."""
    parts = {
        field.attribute: terminal.ask(field.label, hint="not shown; Enter for none")
        if field.is_optional
        else terminal.ask_until_given(field.label)
        for field in fields
    }
    return _credentials(parts)


def credentials_of_line(line: str, fields: Sequence[KeyField]) -> Credentials:
    """Returns the key whose parts stand in one line, with white space between. Raises Refused."""
    words = _PASTE_MARKS.sub("", line).strip(_INVISIBLE).split()
    needed = [field for field in fields if not field.is_optional]
    if not len(needed) <= len(words) <= len(fields):
        wanted = ", then ".join(field.label + (" (if any)" if field.is_optional else "") for field in fields)
        count = "1 word" if len(words) == 1 else f"{len(words)} words"
        raise Refused(f"one line of standard input holds {count}, and should hold: {wanted}, white space between")
    return _credentials(
        {field.attribute: part_of(word, field.label) for field, word in zip(fields, words, strict=False)}
    )


def _credentials(parts: dict[str, Secret]) -> Credentials:
    sub_account = parts.pop("sub_account", Secret(""))
    return Credentials(**parts, sub_account=sub_account.reveal())
