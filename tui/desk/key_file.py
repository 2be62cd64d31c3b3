"""All keys in one encrypted file, for machines without a keyring, and for those who choose it.

The file is one of keyrings.cryptfile (argon2id, AES-GCM), with one text in it: all keys. A change is written
beside it and put in its place whole, so that a full disk, a kill or a wrong password loses nothing.
"""

from __future__ import annotations

import binascii
import configparser
import errno
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, TypeAlias

import msgspec

from tui.desk import vault_words
from tui.desk.key_entries import KeyName, KeyringFault, KeyringState
from tui.desk.vault_wire import Line, Request, Stored, Verb
from tui.paths import UnsafePath, check_private

FILE_NAME = "keys.crypt"
_SERVICE, _USER = "pitside", "keys"
_LONGEST = 4_000_000  # bytes; one key takes about 500
# What damaged contents raise; they are ValueErrors, as a wrong password is.
_DAMAGED = (
    binascii.Error,
    UnicodeError,
    msgspec.DecodeError,
    configparser.Error,
    KeyError,
    TypeError,
    AttributeError,
)


class EncryptedFile(Protocol):
    """What is used of keyrings.cryptfile; the key is derived once, by argon2."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...


# Opens or makes a file. Raises ValueError where the password is another.
Open: TypeAlias = Callable[[Path], EncryptedFile]


class _Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    keys: tuple[Stored, ...] = ()

    def __repr__(self) -> str:
        return "_Keys(***)"


def closed_state(folder: Path) -> KeyringState:
    """Returns how the file is for who has no password."""
    path = folder / FILE_NAME
    if not os.path.lexists(path):
        return vault_words.file_absent(path)
    try:
        check_private(path)
    except UnsafePath as error:
        return vault_words.file_broken(path, str(error))
    return vault_words.file_locked(path)


def serve_file(request: Request, open_file: Open) -> Line:
    """Does what is asked for. With a password and no file yet, the file is made.

    Raises:
        KeyringFault: it can not be opened or written; it is as it was.
    """
    path = Path(request.folder) / FILE_NAME
    state = closed_state(path.parent)
    if not state.needs_password or request.password is None or not request.password.strip():
        return Line(state=state)
    try:
        keys = {} if state.creates else _read(path, open_file)
        was_there = False
        match request.verb:
            case Verb.WRITE:
                [name] = request.names
                _replace(path, {**keys, name: request.value}, open_file)
                keys[name] = request.value
            case Verb.REMOVE if request.names[0] in keys:
                was_there = True
                del keys[request.names[0]]
                _replace(path, keys, open_file)
            case _ if state.creates:
                _replace(path, keys, open_file)
            case _:
                pass
    except OSError as error:
        raise KeyringFault(_disk_state(path, error)) from None
    values = tuple(Stored(name, keys[name]) for name in request.names if name in keys)
    return Line(
        state=vault_words.file_open(path),
        values=values if request.verb is Verb.READ else (),
        listed=tuple(sorted(keys)),
        was_there=was_there,
    )


def _read(path: Path, open_file: Open) -> dict[KeyName, str]:
    if path.stat().st_size > _LONGEST:
        raise KeyringFault(vault_words.file_broken(path, "it is too long to be one of pitside's"))
    try:
        contents = configparser.RawConfigParser()
        contents.read_string(path.read_text())
        # The library would take a file that lacks this one for a new one, and write to it.
        if "password_20reference" not in contents["keyring_2Dsetting"]:
            raise KeyError("password reference")
        text = open_file(path).get_password(_SERVICE, _USER)
        if text is None:
            raise KeyError(_USER)
        keys = msgspec.json.decode(text, type=_Keys)
    except _DAMAGED as error:
        raise KeyringFault(vault_words.file_broken(path, f"it is damaged ({type(error).__name__})")) from None
    except ValueError as error:
        if "scheme" in str(error):
            raise KeyringFault(vault_words.file_broken(path, str(error))) from None
        raise KeyringFault(vault_words.file_denied(path)) from None
    if keys.version != 1:
        raise KeyringFault(vault_words.file_broken(path, f"a newer pitside wrote it (version {keys.version})"))
    return {stored.name: stored.value for stored in keys.keys}


def _replace(path: Path, keys: dict[KeyName, str], open_file: Open) -> None:
    text = msgspec.json.encode(_Keys(1, tuple(Stored(*pair) for pair in sorted(keys.items())))).decode()
    fresh = path.with_name(f"{FILE_NAME}.new")
    fresh.unlink(missing_ok=True)
    with ExitStack() as undoing:
        undoing.callback(fresh.unlink, missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as copy:
            if path.exists():
                copy.write(path.read_bytes())
        beside = open_file(fresh)
        beside.set_password(_SERVICE, _USER, text)
        if _read(fresh, lambda _path: beside) != keys:
            raise KeyringFault(vault_words.file_broken(fresh, "what was written does not read back"))
        _to_disk(fresh)
        fresh.replace(path)
    _to_disk(path.parent)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _disk_state(path: Path, error: OSError) -> KeyringState:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return vault_words.broken(
            f"the disk is full ({path.parent})", "free some space; the keys are as they were"
        )
    why = f"{error.filename or path}: {error.strerror or error}"
    return vault_words.broken(why, f"make {path.parent} a folder that you can write to")
