"""The log file of a profile: what went wrong, without any secret, and never on the trader's screen."""

from __future__ import annotations

import logging
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, Full, Queue
from types import TracebackType
from typing import Self

from tui.desk.inert import sanitise
from tui.hardening import show_errors_plainly
from tui.paths import UnsafePath, make_private_dir
from tui.redaction import RedactingFilter, Redactor
from venues.transport.privacy import quiet_loggers

_logger = logging.getLogger(__name__)

LOG_NAME = "pitside.log"
LARGEST = 1_000_000  # bytes of one file
KEPT = 3  # files: pitside.log, pitside.log.1, pitside.log.2

_MOST_WAITING = 1_000  # lines; more are counted and left out
_LONGEST = 4_000  # characters of a line
_AT_ONCE = 16_384  # bytes of one write
_CLOSING = 1.0  # seconds that closing waits for a disk that does not answer
_QUIET = ("websockets", "keyring", "jeepney", "secretstorage", "asyncio", "textual", "rich")


def open_log(
    state_dir: Path,
    redactor: Redactor,
    *,
    largest: int = LARGEST,
    write: Callable[[int, bytes], int] = os.write,
) -> Log:
    """Sends every warning of this process to `pitside.log` in `state_dir`, masked by `redactor`; returns it open.

    From now on nothing is written to the screen by whoever logs. Nothing is done on the disk before the first line
    is there, and that in a thread; where it can not be written the lines are counted and lost. It does not raise.
    """
    log = Log(state_dir / LOG_NAME, redactor, largest=largest, write=write)
    log.open()
    return log


class Log:
    """The log while it is open; `close` puts Python's logging back as it was. May be closed twice."""

    def __init__(
        self, path: Path, redactor: Redactor, *, largest: int, write: Callable[[int, bytes], int]
    ) -> None:
        self.path = path
        self._handler = _Handler(_File(path, largest, write))
        self._handler.addFilter(RedactingFilter(redactor))
        self._redactor = redactor
        self._before: tuple[int, logging.Handler | None, bool] | None = None
        self._levels: dict[str, int] = {}
        self._put_back: Callable[[], None] = lambda: None
        self._unquiet: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            # It may be the one that ends the process, and is then still to be printed without what it quotes.
            self._put_back = lambda: None
        self.close()

    @property
    def lost(self) -> int:
        """How many lines could not be written so far."""
        return self._handler.lost

    def open(self) -> None:
        root = logging.getLogger()
        self._before = root.level, logging.lastResort, logging.raiseExceptions
        root.addHandler(self._handler)
        root.setLevel(logging.WARNING)
        # What would else be written to stderr, which is the trader's screen.
        logging.lastResort = None
        logging.raiseExceptions = False
        logging.captureWarnings(True)
        self._unquiet = quiet_loggers()
        for name in _QUIET:
            logger = logging.getLogger(name)
            self._levels[name] = logger.level
            logger.setLevel(max(logger.level, logging.WARNING))
        self._put_back = show_errors_plainly(
            self._redactor.clean,
            lambda where, error: _logger.error("an error that nobody caught %s", where, exc_info=error),
        )

    def close(self) -> None:
        """Writes what waits, for a second at most."""
        if self._before is None:
            return
        root = logging.getLogger()
        root.removeHandler(self._handler)
        level, logging.lastResort, logging.raiseExceptions = self._before
        self._before = None
        root.setLevel(level)
        logging.captureWarnings(False)
        for name, was in self._levels.items():
            logging.getLogger(name).setLevel(was)
        self._unquiet()
        self._put_back()
        self._handler.close()


class _Handler(logging.Handler):
    """Hands records to a thread: of 3,000 writes to a busy disk one took 24 ms, which no loop of the desk has."""

    def __init__(self, file: _File) -> None:
        super().__init__()
        self._file = file
        self._records: Queue[logging.LogRecord | None] = Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._left_out = 0
        self._is_ending = False

    @property
    def lost(self) -> int:
        return self._left_out + self._file.lost

    def emit(self, record: logging.LogRecord) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            with suppress(RuntimeError), _no_signals():  # RuntimeError: the interpreter is ending
                self._thread.start()
        try:
            self._records.put_nowait(record)
        except Full:
            self._left_out += 1

    def close(self) -> None:
        super().close()
        thread, self._thread = self._thread, None
        if thread is None or not thread.ident:
            return
        self._is_ending = True
        until = time.monotonic() + _CLOSING
        with suppress(Full):
            self._records.put(None, timeout=_CLOSING)
        thread.join(max(0.0, until - time.monotonic()))
        if not thread.is_alive():
            self._file.close()

    def _run(self) -> None:
        told, is_open = 0, True
        while is_open:
            waiting = [self._records.get()]
            with suppress(Empty):
                while len(waiting) < _MOST_WAITING:
                    waiting.append(self._records.get_nowait())
            is_open = None not in waiting
            lines = [_line_of(record) for record in waiting if record is not None]
            if (left_out := self._left_out) > told:
                lines.append(_stamped(time.time(), "WARNING", f"log: {left_out - told} lines were left out"))
                told = left_out
            self._file.write(lines)
            if self._is_ending and self._records.empty():
                return


@contextmanager
def _no_signals() -> Iterator[None]:
    """A thread that begins here takes no signal from whoever waits for it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _File:
    """The newest file and those before it. Another process may write to it, and may have turned it over."""

    def __init__(self, path: Path, largest: int, write: Callable[[int, bytes], int]) -> None:
        self._path = path
        self._largest = largest
        self._write = write
        self._descriptor: int | None = None
        self._is_broken_off = False  # the last line was not written to its end
        self.lost = 0

    def write(self, lines: list[str]) -> None:
        """Appends lines, each with its end; those that can not be written are counted."""
        piece: list[bytes] = []
        for raw in [line.encode("utf-8", "replace") for line in lines]:
            if piece and sum(map(len, piece)) + len(raw) > min(self._largest, _AT_ONCE):
                self._append(piece)
                piece = []
            piece.append(raw)
        if piece:
            self._append(piece)

    def _append(self, lines: list[bytes]) -> None:
        raw = b"".join(lines)
        try:
            descriptor = self._ready(len(raw))
            if self._is_broken_off:
                raw = b"\n" + raw
            done = self._write(descriptor, raw)
            self._is_broken_off = done < len(raw)
            if self._is_broken_off:
                self.lost += raw[done:].count(b"\n")
        except (OSError, UnsafePath):
            self.lost += len(lines)
            self.close()

    def close(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def _ready(self, size: int) -> int:
        """Returns the descriptor to write `size` bytes to. Raises OSError and UnsafePath."""
        descriptor = self._current()
        if os.fstat(descriptor).st_size + size > self._largest and os.fstat(descriptor).st_size:
            self.close()
            for number in range(KEPT - 1, 0, -1):
                older = self._path.with_name(f"{LOG_NAME}.{number}")
                newer = self._path if number == 1 else self._path.with_name(f"{LOG_NAME}.{number - 1}")
                with suppress(FileNotFoundError):
                    newer.replace(older)
            descriptor = self._current()
        return descriptor

    def _current(self) -> int:
        if self._descriptor is not None:
            ours = os.fstat(self._descriptor)
            with suppress(FileNotFoundError):
                theirs = self._path.lstat()
                if (theirs.st_dev, theirs.st_ino) == (ours.st_dev, ours.st_ino):
                    return self._descriptor
            self.close()
        make_private_dir(self._path.parent)
        # Neither a link that leads elsewhere is followed, nor a pipe waited for.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
            os.close(descriptor)
            raise UnsafePath(f"{self._path} is not a file of ours")
        os.fchmod(descriptor, 0o600)
        self._descriptor = descriptor
        return descriptor


def _line_of(record: logging.LogRecord) -> str:
    """Returns a record as one line; its filter has cleaned it, and put its traceback into words."""
    words = str(record.msg)
    for more in (record.exc_text, record.stack_info):
        if more:
            words += " | " + " | ".join(part.strip() for part in more.splitlines())
    return _stamped(record.created, record.levelname, f"{record.name}: {words}")


def _stamped(seconds: float, level: str, words: str) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
    return f"{stamp} {level} {sanitise(words, _LONGEST)}\n"
