"""Nonces: unique and strictly rising for each key, across processes and restarts.

The counter is a row in SQLite, moved on by a single statement. It starts at the time in milliseconds, so that the
loss of the file costs nothing, and a burst may run ahead of the clock only so far: venues refuse what is too far
from their own time.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from venues.errors import ClockSkew, ConfigurationError, RateLimited

_NEXT = """
insert into nonce (key, value) values (:key, :now)
on conflict (key) do update set value = max(value + 1, excluded.value)
    where max(value + 1, excluded.value) <= :latest
returning value
"""
_BURST = 60_000  # milliseconds; what is farther ahead than this comes from a clock that went back


class Nonces:
    """The counters of one profile, in milliseconds of Unix time. One object a thread; any number of processes.

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
    ) -> None:
        self._now_ms = now_ms
        self._most_ahead = most_ahead_ms
        _create_private(path)
        try:
            self._database = sqlite3.connect(path, timeout=patience, isolation_level=None)
        except sqlite3.Error as error:
            raise _unusable(error) from None
        try:
            self._database.execute("pragma journal_mode = wal")
            # Nothing is lost with the last rows: after a power cut the clock is ahead of them anyway.
            self._database.execute("pragma synchronous = normal")
            self._database.execute(
                "create table if not exists nonce (key text primary key, value integer not null) without rowid"
            )
        except sqlite3.Error as error:
            self._database.close()
            raise _unusable(error) from None

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


def fingerprint(key: str) -> str:
    """Names an API key in a file without keeping it there."""
    return hashlib.sha256(b"pitside nonce\0" + key.encode()).hexdigest()[:32]


def _create_private(path: Path) -> None:
    """Makes the file before SQLite does, which would leave it readable to all; -wal and -shm take its mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_ours(path.parent.stat(), path.parent, 0o022)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        _check_ours(path.stat(follow_symlinks=False), path, 0o077)
    except OSError as error:
        raise _unusable(error) from None


def _check_ours(status: os.stat_result, path: Path, forbidden: int) -> None:
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & forbidden:
        raise ConfigurationError("", f"{path} belongs to others too: it must be yours alone (chmod go-rwx)")


def _unusable(error: Exception) -> ConfigurationError:
    return ConfigurationError("", f"the nonce counter can not be used: {error}")
