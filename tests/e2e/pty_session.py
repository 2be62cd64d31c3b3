"""A program on a real pseudo-terminal: its screen, the bytes it wrote, its keys, its signals, its end.

    with PtySession([sys.executable, "-m", "tui", "--seed", "1"], home=tmp_path) as desk:
        desk.wait_for("PAPER")                    # text, or a predicate of the session
        desk.send("j", "ctrl+k", "enter")         # named keys; `desk.type("0.25")` for text
        desk.wait_for(lambda s: "0.25" in s.line(12))
        desk.resize(24, 80)
        desk.signal(signal.SIGTERM)
        end = desk.wait_exit(5)
        assert end.code == 143 and desk.modes().is_restored

A thread reads what the program writes and feeds a terminal emulator; every wait is woken by that thread. The
terminal has synchronised output, so that nobody sees the half of a frame. The program gets a home of its own below
`home`, a terminal with true colour, and no network where the machine allows to take it away.
"""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte
from pyte.screens import wcwidth

PROJECT_ROOT = Path(__file__).parent.parent.parent

KEYS = {
    "enter": "\r", "esc": "\x1b", "escape": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "backspace": "\x7f",
    "space": " ", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H",
    "end": "\x1b[F", "insert": "\x1b[2~", "delete": "\x1b[3~", "pageup": "\x1b[5~", "pagedown": "\x1b[6~",
    "f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS", "f5": "\x1b[15~", "f6": "\x1b[17~",
    "f7": "\x1b[18~", "f8": "\x1b[19~", "f9": "\x1b[20~", "f10": "\x1b[21~", "f11": "\x1b[23~", "f12": "\x1b[24~",
    "shift+up": "\x1b[1;2A", "shift+down": "\x1b[1;2B", "shift+right": "\x1b[1;2C", "shift+left": "\x1b[1;2D",
    "ctrl+up": "\x1b[1;5A", "ctrl+down": "\x1b[1;5B", "ctrl+right": "\x1b[1;5C", "ctrl+left": "\x1b[1;5D",
}  # fmt: skip

_MODE = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
# Mode 2026: a program asks whether the terminal has it; what is written while it is on is shown when it goes off.
_HAS_SYNCHRONISED = b"\x1b[?2026$p"
_YES_BUT_OFF = b"\x1b[?2026;2$y"
_FRAME_BEGINS, _FRAME_ENDS = b"\x1b[?2026h", b"\x1b[?2026l"
_MOUSE = frozenset({1000, 1002, 1003, 1006, 1015, 1016})
_READ_BYTES = 65536
_LOOK_SECONDS = 0.02


def key_bytes(name: str) -> bytes:
    """Returns what a terminal sends for a key: "a", "ctrl+x", "alt+b", "enter", "f1", "up", ...

    Raises:
        KeyError: no terminal sends such a key.
    """
    if name in KEYS:
        return KEYS[name].encode()
    if name.startswith("ctrl+") and len(name) == 6 and "@" <= name[5].upper() <= "_":
        return bytes([ord(name[5].upper()) & 0x1F])
    if name.startswith("alt+"):
        return b"\x1b" + key_bytes(name[4:])
    if len(name) == 1:
        return name.encode()
    raise KeyError(name)


@dataclass(frozen=True)
class Modes:
    """How the program left the terminal, from all the bytes that were read and the line settings."""

    is_alternate_screen: bool
    is_cursor_visible: bool
    is_mouse_on: bool
    is_bracketed_paste: bool
    is_focus_reported: bool
    is_autowrap: bool
    is_synchronised: bool
    are_attributes_restored: bool

    @property
    def is_restored(self) -> bool:
        return (
            not self.is_alternate_screen
            and self.is_cursor_visible
            and not self.is_mouse_on
            and not self.is_bracketed_paste
            and not self.is_focus_reported
            and self.is_autowrap
            and not self.is_synchronised
            and self.are_attributes_restored
        )


@dataclass(frozen=True)
class End:
    """How a program ended: the exit code (minus the number of a signal that killed it), and when (monotonic)."""

    code: int
    at: float


class PtySession:
    """Runs `argv` on a fresh pty whose session it leads. Leave the `with` block to have it ended and reaped.

    With `is_controlling` false the program gets the terminal but not as its controlling one, so that no SIGHUP
    comes when the terminal is closed. With `is_synchronised` false the terminal has no synchronised output, and
    shows each piece of a frame as it comes.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        home: Path,
        rows: int = 40,
        columns: int = 120,
        environment: Mapping[str, str] | None = None,
        has_network: bool = False,
        is_controlling: bool = True,
        is_synchronised: bool = True,
    ) -> None:
        self.rows, self.columns = rows, columns
        self.raw = bytearray()
        self._is_synchronised = is_synchronised
        self._held = b""  # of what was read: a frame that has begun and not ended
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self.screen)
        self._lines: list[str] = []  # of the screen, but for those that have changed since
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._news = threading.Condition()
        self._is_reading = threading.Event()
        self._is_reading.set()
        self._has_ended = threading.Event()
        self._end: End | None = None
        self._master, self._slave = os.openpty()
        set_size(self._slave, rows, columns)
        # The slave stays open here, so that the settings and the last bytes can be read after the program's end.
        self._attributes_before = termios.tcgetattr(self._slave)
        self._wake_read, self._wake_write = os.pipe()
        command = list(argv) if has_network else [*without_network(), *argv]
        if is_controlling:
            command = [sys.executable, "-S", "-c", _TAKE_TERMINAL, *command]
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            command,
            stdin=self._slave, stdout=self._slave, stderr=self._slave,
            cwd=PROJECT_ROOT, env=child_environment(home, environment or {}), start_new_session=True,
        )  # fmt: skip
        self.pid = self._process.pid
        self._threads = [
            threading.Thread(target=self._read, name=f"pty-{self.pid}", daemon=True),
            threading.Thread(target=self._reap, name=f"reap-{self.pid}", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._end is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self._has_ended.wait(10)
        self.close()
        for thread in self._threads:
            thread.join(10)
        for descriptor in (self._wake_read, self._wake_write):
            os.close(descriptor)

    @staticmethod
    def clock() -> float:
        """The clock of all times here, in seconds."""
        return time.monotonic()

    # What is on the screen.

    @property
    def text(self) -> str:
        """The screen as lines of text."""
        with self._news:
            return "\n".join(self._display())

    def line(self, y: int) -> str:
        """One line of the screen, 0 is the top."""
        with self._news:
            return self._display()[y]

    def cell(self, y: int, x: int) -> Any:
        """One cell as pyte's Char: `data`, `fg`, `bg`, `bold`, `reverse`, ..."""
        with self._news:
            return self.screen.buffer[y][x]

    def find(self, text: str) -> tuple[int, int] | None:
        """Returns (y, x) of the first place where `text` is on the screen."""
        for y, line in enumerate(self.text.split("\n")):
            if (x := line.find(text)) >= 0:
                return y, x
        return None

    def bytes_written(self) -> bytes:
        """Everything that the program wrote and that was read so far."""
        with self._news:
            return bytes(self.raw)

    def wait_for(self, condition: str | Callable[[PtySession], bool], timeout: float = 10.0) -> float:
        """Waits until a text is on the screen, or a predicate of this session holds; returns the seconds it took.

        Raises:
            TimeoutError: with the screen as it is then.
        """
        is_met = condition if callable(condition) else (lambda session: condition in session.text)
        start = time.monotonic()
        with self._news:
            while not is_met(self):
                left = start + timeout - time.monotonic()
                if left <= 0 or self._is_silent():
                    after = "" if self._end is None else f" and it ended with {self._end.code}"
                    raise TimeoutError(f"not within {timeout} s{after}: {condition!r}; the screen is\n{self.text}")
                # Predicates may be about other things than the screen: files, the clock.
                self._news.wait(min(left, _LOOK_SECONDS))
        return time.monotonic() - start

    # What is done to it.

    def send(self, *keys: str) -> None:
        """Presses keys by name, each as one write."""
        for name in keys:
            self.send_bytes(key_bytes(name))

    def type(self, text: str) -> None:
        """Types text, a character a key."""
        self.send_bytes(text.encode())

    def paste(self, text: str) -> None:
        """Pastes text, bracketed as a terminal does."""
        self.send_bytes(b"\x1b[200~" + text.encode() + b"\x1b[201~")

    def send_bytes(self, data: bytes) -> None:
        """Sends raw bytes, whatever they are; waits while the program does not read."""
        while data:
            data = data[os.write(self._master, data) :]

    def unread_bytes(self) -> int:
        """Returns how many bytes of what was sent the program has not read yet."""
        return int.from_bytes(fcntl.ioctl(self._slave, termios.FIONREAD, bytes(4)), sys.byteorder)

    def resize(self, rows: int, columns: int) -> None:
        """Changes the terminal's size; the kernel tells the program."""
        with self._news:
            self.rows, self.columns = rows, columns
            self.screen.resize(rows, columns)
            self._lines = []
        set_size(self._master, rows, columns)

    def stop_reading(self) -> None:
        """Takes nothing any more; the kernel still buffers some 64 KiB. See `stall`."""
        self._is_reading.clear()
        os.write(self._wake_write, b".")

    def stall(self) -> None:
        """Stops reading, and fills what the kernel would still take: from now on not a byte can be written.

        It is filled with NULs, which every terminal ignores.
        """
        self.stop_reading()
        descriptor = os.open(os.ttyname(self._slave), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            # The reader may take one more piece after it was told to stop.
            while select.select([], [descriptor], [], _LOOK_SECONDS)[1]:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        os.write(descriptor, bytes(4096))
        finally:
            os.close(descriptor)

    def resume_reading(self) -> None:
        """Takes everything again."""
        self._is_reading.set()

    def close(self) -> None:
        """Closes the terminal, as when its window is closed: the kernel hangs up."""
        self._is_reading.set()
        with self._news:
            master, self._master = self._master, -1
            slave, self._slave = self._slave, -1
        os.write(self._wake_write, b".")
        if self._threads[0] is not threading.current_thread():
            self._threads[0].join(10)
        for descriptor in (slave, master):
            if descriptor >= 0:
                os.close(descriptor)

    def signal(self, number: int) -> None:
        """Sends a signal to the program alone."""
        os.kill(self.pid, number)

    # How it ended.

    def is_running(self) -> bool:
        """Whether the program has not ended."""
        return self._end is None

    def wait_exit(self, timeout: float = 10.0) -> End:
        """Waits for the program's end.

        Raises:
            TimeoutError: it is still running; the message has the screen.
        """
        if not self._has_ended.wait(timeout) or self._end is None:
            raise TimeoutError(f"still running after {timeout} s; the screen is\n{self.text}")
        self._drain()
        return self._end

    def modes(self) -> Modes:
        """Reads off bytes and line settings how the terminal was left: after `wait_exit`, before `close`."""
        with self._news:
            raw = bytes(self.raw)
        on = {7, 25}
        for numbers, switch in _MODE.findall(raw):
            changed = {int(number) for number in numbers.split(b";") if number}
            on = on | changed if switch == b"h" else on - changed
        return Modes(
            is_alternate_screen=bool(on & {47, 1047, 1049}),
            is_cursor_visible=25 in on,
            is_mouse_on=bool(on & _MOUSE),
            is_bracketed_paste=2004 in on,
            is_focus_reported=1004 in on,
            is_autowrap=7 in on,
            is_synchronised=2026 in on,
            are_attributes_restored=termios.tcgetattr(self._slave) == self._attributes_before,
        )

    def _display(self) -> list[str]:
        """Returns the lines. Only what has changed is put together: at each of a hundred frames somebody looks."""
        changed = self.screen.dirty
        if not self._lines:
            self._lines = [""] * self.rows
            changed.update(range(self.rows))
        for y in changed | {y - 1 for y in changed}:  # a combining character changes the end of the line before
            if 0 <= y < self.rows:
                self._lines[y] = _text_of(self.screen.buffer[y], self.columns)
        changed.clear()
        return self._lines

    def _read(self) -> None:
        while True:
            self._is_reading.wait()
            master = self._master
            if master < 0:
                return
            ready, _, _ = select.select([master, self._wake_read], [], [])
            if self._wake_read in ready:
                os.read(self._wake_read, _READ_BYTES)
                continue
            try:
                self._take(os.read(master, _READ_BYTES))
            except OSError:
                return

    def _take(self, data: bytes) -> None:
        with self._news:
            before = bytes(self.raw[1 - len(_HAS_SYNCHRONISED) :])
            self.raw += data
            if self._is_synchronised and _HAS_SYNCHRONISED in before + data:
                os.write(self._master, _YES_BUT_OFF)
            data, self._held = self._held + data, b""
            if self._is_synchronised and self._end is None:
                data, self._held = _without_begun_frame(data)
            self._show(data)

    def _show(self, data: bytes) -> None:
        self._stream.feed(self._decoder.decode(data))
        self._news.notify_all()

    def _drain(self) -> None:
        """Waits until all that the program left behind has been read, if anybody reads."""
        while self._is_reading.is_set() and self._master >= 0:
            with self._news:
                if not select.select([self._master], [], [], 0)[0]:
                    return
                self._news.wait(0.05)

    def _is_silent(self) -> bool:
        """Whether nothing more can come: it has ended, and all it left behind was read."""
        if self._end is None or time.monotonic() - self._end.at < 1 or not self._is_reading.is_set():
            return False
        return self._master < 0 or not select.select([self._master], [], [], 0)[0]

    def _reap(self) -> None:
        code = self._process.wait()
        self._end = End(code, time.monotonic())
        self._has_ended.set()
        with self._news:
            held, self._held = self._held, b""
            self._show(held)


# Makes the terminal on standard input the controlling one, and becomes the program: no thread has run yet.
_TAKE_TERMINAL = (
    # Whoever starts the tests in the background has SIGINT ignored, which a program would inherit.
    "import fcntl,os,signal,sys,termios; fcntl.ioctl(0,termios.TIOCSCTTY,0);"
    "signal.signal(signal.SIGINT,signal.SIG_DFL); os.execvp(sys.argv[1],sys.argv[1:])"
)


def set_size(descriptor: int, rows: int, columns: int) -> None:
    """Sets a terminal's size; its foreground processes get SIGWINCH when it is another one."""
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _without_begun_frame(data: bytes) -> tuple[bytes, bytes]:
    """Splits before the beginning of a frame, or the first bytes of one, whose end has not come."""
    begun = data.rfind(_FRAME_BEGINS)
    if begun >= 0 and data.find(_FRAME_ENDS, begun) < 0:
        return data[:begun], data[begun:]
    part = next((n for n in range(len(_FRAME_BEGINS) - 1, 0, -1) if data.endswith(_FRAME_BEGINS[:n])), 0)
    return data[: len(data) - part], data[len(data) - part :]


def _text_of(cells: Mapping[int, Any], columns: int) -> str:
    """Returns a line's text; a character of two columns hides the cell behind it."""
    text, is_hidden = list[str](), False
    for x in range(columns):
        char = "" if is_hidden else str(cells[x].data)
        is_hidden = not char.isascii() and wcwidth(char[0]) == 2
        text.append(char)
    return "".join(text)


def child_environment(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment of a program under test: nothing of the user's own but where programs are."""
    kept = {name: os.environ[name] for name in ("PATH", "VIRTUAL_ENV") if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(PROJECT_ROOT),
        **extra,
    }


@lru_cache(maxsize=1)
def without_network() -> tuple[str, ...]:
    """Returns the words before a command that take the network away from it, none where that is not allowed."""
    if (unshare := shutil.which("unshare")) is None:
        return ()
    for words in ((unshare, "-n"), (unshare, "-r", "-n")):
        if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
            return words
    return ()
