"""Whose keys are stored: a list of names without a secret, and the lock of whoever changes keys."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from tui.desk.key_entries import KeyName, KeyStore
from tui.paths import make_private_dir

FILE_NAME = "keys.json"
LOCK_NAME = "keys.lock"
_LONGEST = 1_000_000  # bytes


class LockHeld(Exception):
    """Another process has been changing keys for all the time that there was."""


class _Index(msgspec.Struct, frozen=True, kw_only=True):
    version: int = 1
    keyring: tuple[KeyName, ...] = ()
    file: tuple[KeyName, ...] = ()

    def of(self, store: KeyStore) -> tuple[KeyName, ...]:
        return self.file if store is KeyStore.FILE else self.keyring


class VaultIndex:
    """The names in `folder`. A list that can not be read counts as empty, and is set aside when it is replaced."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def names(self, store: KeyStore) -> list[KeyName]:
        """Returns the names kept in a store, sorted."""
        index = self._read()
        return sorted(index.of(store)) if index is not None else []

    def put(self, store: KeyStore, names: Iterable[KeyName]) -> None:
        """Writes the names kept in a store, if they are others. Raises OSError, UnsafePath."""
        known = self._read()
        index = known or _Index()
        wanted = tuple(sorted(set(names)))
        if wanted == index.of(store):
            return
        make_private_dir(self._path.parent)
        if known is None and os.path.lexists(self._path):
            self._path.replace(self._path.with_name(f"{FILE_NAME}.broken"))
        index = msgspec.structs.replace(index, **{store.value: wanted})
        fresh = self._path.with_name(f"{FILE_NAME}.new")
        fresh.unlink(missing_ok=True)
        with ExitStack() as undoing:
            undoing.callback(fresh.unlink, missing_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(index))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)

    def _read(self) -> _Index | None:
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.read(_LONGEST), type=_Index)
        except (OSError, msgspec.DecodeError, UnicodeError, RecursionError):
            return None


@contextmanager
def vault_lock(
    folder: Path,
    until: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[None]:
    """Holds the right to change keys. `until` and `clock` are in seconds of the monotonic clock.

    Raises:
        LockHeld: another process has it all that time.
        OSError, UnsafePath: the folder can not be used.
    """
    make_private_dir(folder)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(folder / LOCK_NAME, flags, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if clock() >= until:
                    raise LockHeld from None
                sleep(0.02)
        yield
    finally:
        os.close(descriptor)
