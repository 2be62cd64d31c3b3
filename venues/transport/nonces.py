"""Nonces: unique and strictly rising for each key, across processes and restarts.

The counter is a row in SQLite, moved on by a single statement. It starts at the time in milliseconds, so that the
loss of the file costs nothing, and a burst may run ahead of the clock only so far: venues refuse what is too far
from their own time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import stat
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import platformdirs

from venues.errors import ClockSkew, ConfigurationError, RateLimited
from venues.secret import Secret

_NEXT = """
insert into nonce (key, value) values (:key, :now)
on conflict (key) do update set value = max(value + 1, excluded.value)
    where max(value + 1, excluded.value) <= :latest
returning value
"""
_STEP = 0.002  # seconds
_BURST = 60_000  # milliseconds; what is farther ahead than this comes from a clock that went back


class Nonces:
    """The counters in one file, in milliseconds of Unix time. One object a thread; any number of processes.

    Raises:
        ConfigurationError: the file can not be used, or is not ours alone.
    """

    def __init__(
        self,
        path: Path,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        most_ahead_ms: int = 10_000,
        patience: float = 2.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`patience` is how long, in seconds, to wait for other programs that have the file."""
        self._now_ms = now_ms
        self._most_ahead = most_ahead_ms
        _create_private(path)
        try:
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None)
        except sqlite3.Error as error:
            raise _unusable(error) from None
        deadline = time.monotonic() + patience
        with contextlib.ExitStack() as stack:
            stack.callback(self._database.close)
            while not self._is_set_up():
                if time.monotonic() > deadline:
                    raise ConfigurationError("", "the nonce counter is held by another program")
                sleep(_STEP)
            self._database.execute(f"pragma busy_timeout = {round(patience * 1000)}")
            stack.pop_all()

    def _is_set_up(self) -> bool:
        """Readies the file; False while another process does, or is the last to leave it.

        SQLite has a patience of its own, but not for these two.
        """
        try:
            self._database.execute("pragma journal_mode = wal")
            # Nothing is lost with the last rows: after a power cut the clock is ahead of them anyway.
            self._database.execute("pragma synchronous = normal")
            self._database.execute(
                "create table if not exists nonce (key text primary key, value integer not null) without rowid"
            )
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                return False
            raise _unusable(error) from None
        return True

    def next(self, key: str, venue: str) -> int:
        """Returns a number that was never returned for this API key, above all that were.

        Raises:
            RateLimited: a burst ran too far ahead of the clock; it says how long to wait.
            ClockSkew: the clock went back since the last one.
            ConfigurationError: the file can not be written.
        """
        now = self._now_ms()
        row = {"key": fingerprint(key), "now": now, "latest": now + self._most_ahead}
        try:
            found = self._database.execute(_NEXT, row).fetchall()
            if found:
                return int(found[0][0])
            [(last,)] = self._database.execute("select value from nonce where key = :key", row).fetchall()
        except sqlite3.Error as error:
            raise _unusable(error) from None
        ahead = last + 1 - now
        if ahead > self._most_ahead + _BURST:
            raise ClockSkew(venue, f"this machine's clock is {ahead / 1000:.0f} s behind the last request sent")
        wait = (ahead - self._most_ahead) / 1000
        raise RateLimited(venue, "too many requests at once: the nonce runs ahead of the clock", retry_after=wait)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Nonces:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class KeyNonces:
    """The nonces of one API key: called, it returns the next. The file is opened by the first call."""

    def __init__(
        self,
        key: Secret,
        venue: str,
        *,
        path: Path | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        most_ahead_ms: int = 10_000,
    ) -> None:
        """Without a `path` it is the file that every program of this user shares, as they do the key."""
        self._key = key
        self._venue = venue
        self._path = path
        self._now_ms = now_ms
        self._most_ahead = most_ahead_ms
        self._nonces: Nonces | None = None

    def __call__(self) -> int:
        """Returns milliseconds. Raises as `Nonces.next` does."""
        if self._nonces is None:
            path = self._path or shared_path()
            self._nonces = Nonces(path, now_ms=self._now_ms, most_ahead_ms=self._most_ahead)
        return self._nonces.next(self._key.reveal(), self._venue)

    def close(self) -> None:
        """Closes the file; the next call opens it again."""
        nonces, self._nonces = self._nonces, None
        if nonces is not None:
            nonces.close()


def shared_path() -> Path:
    """Returns the file of counters of this user: keys are the user's, whatever program or profile they are in."""
    return Path(platformdirs.user_state_dir("pitside", appauthor=False)) / "nonces.sqlite3"


def fingerprint(key: str) -> str:
    """Names an API key in a file without keeping it there."""
    return hashlib.sha256(b"pitside nonce\0" + key.encode()).hexdigest()[:32]


def _create_private(path: Path) -> None:
    """Makes the file before SQLite does, which would leave it readable to all; -wal and -shm take its mode.

    One that is there is not opened: closing it would drop the locks that SQLite holds on it in this process.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_ours(path.parent.stat(), path.parent, 0o022)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        _check_ours(path.stat(follow_symlinks=False), path, 0o077)
    except OSError as error:
        raise _unusable(error) from None


def _check_ours(status: os.stat_result, path: Path, forbidden: int) -> None:
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & forbidden:
        raise ConfigurationError("", f"{path} belongs to others too: it must be yours alone (chmod go-rwx)")


def _unusable(error: Exception) -> ConfigurationError:
    return ConfigurationError("", f"the nonce counter can not be used: {error}")
