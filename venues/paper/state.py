"""The paper account's file: what is kept of it from one run to the next.

JSON, replaced atomically, readable by its owner only. A file that can not be used is never written over: one that
a newer version wrote stops the start and says so; a broken one is renamed, and the trader is told.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec

from venues.errors import ConfigurationError
from venues.model import Order

VERSION = 1
_VENUE = "paper"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds. `account` is the exchange's own state; `prices` the last ones by symbol, as text."""

    version: int = VERSION
    seed: int
    session: int  # how many times the market was opened with this account, this one included
    ts_saved: int  # paper time, nanoseconds UTC
    is_clean: bool = False  # the desk said goodbye: nothing rests and nothing changed after it
    account: dict[str, Any]
    prices: dict[str, str]
    resting: tuple[Order, ...] = ()  # what rested when it was saved; where is_clean, what was cancelled at exit


class _Versioned(msgspec.Struct, frozen=True):
    version: int


class BrokenState(Exception):
    """The file is there and makes no sense; the message says what is wrong with it."""


class StateFile:
    """One profile's state file. Not safe for two writers: the caller holds the profile's lock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> Kept | None:
        """Returns what was kept, or None where there is no file.

        Raises:
            BrokenState: the content can not be read; `set_aside` keeps it.
            ConfigurationError: it may not be read, or a newer version wrote it. It is left as it is.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationError(
                _VENUE,
                f"the paper account in {self.path} can not be read ({error.strerror}); make it readable, "
                "or name another place for it",
            ) from error
        try:
            version = msgspec.json.decode(content, type=_Versioned).version
            if version > VERSION:
                raise ConfigurationError(
                    _VENUE,
                    f"the paper account in {self.path} was kept by a newer version of this program (format "
                    f"{version}, this one knows {VERSION}); use that version, or start anew with --fresh, which "
                    "renames the file and keeps it",
                )
            return msgspec.json.decode(content, type=Kept)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BrokenState(str(error)) from error

    def set_aside(self, suffix: str) -> Path | None:
        """Renames the file to a name that is free, ending in `suffix` (and a number); None where there is none.

        Raises:
            ConfigurationError: it can not be renamed.
        """
        number = 1
        target = self.path.with_name(f"{self.path.name}.{suffix}")
        while target.exists():
            number += 1
            target = self.path.with_name(f"{self.path.name}.{suffix}-{number}")
        try:
            self.path.rename(target)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unwritable(self.path, error) from error
        return target

    def save(self, content: bytes) -> None:
        """Replaces the file, durably: after a crash there is the old one or the new one, whole.

        Raises:
            ConfigurationError: it can not be written.
        """
        folder = self.path.parent
        draft = self.path.with_name(f".{self.path.name}.draft")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)  # of a run that was killed in the middle
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
            _sync_folder(folder)
        except OSError as error:
            raise _unwritable(self.path, error) from error


def encode(kept: Kept) -> bytes:
    """Returns the file's content."""
    return msgspec.json.encode(kept)


def session_seed(seed: int, session: int, purpose: str = "flow") -> int:
    """Returns the seed of one session's random process, the same on every machine."""
    digest = hashlib.sha256(f"{seed}:{session}:{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        _VENUE,
        f"the paper account can not be kept in {path} ({error.strerror}); free some space there or make the "
        "folder writable, or name another place for it",
    )
