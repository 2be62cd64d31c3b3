"""What the vault and its child process say to each other: one request in, lines of JSON out."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from tui.desk.key_entries import KeyName, KeyringState, KeyStore

SERVICE_PREFIX = "pitside/"  # a venue's service name in the keyring; the account is the user name


class Verb(StrEnum):
    """What the child is to do."""

    STATE = "state"
    READ = "read"
    WRITE = "write"
    REMOVE = "remove"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted. `until` is the monotonic clock's seconds that the child will be killed at."""

    parent: int  # process id: without its parent the child ends
    store: KeyStore
    folder: str
    scratch: str  # an empty folder for sockets, which the parent removes
    verb: Verb
    names: tuple[KeyName, ...] = ()
    value: str = ""
    password: str | None = None
    until: float
    forced: str = ""  # the backend's class that PYTHON_KEYRING_BACKEND asks for

    def __repr__(self) -> str:
        return f"Request({self.verb}, ***)"


class Stored(msgspec.Struct, frozen=True):
    """One key as it is stored: the text of `key_codec`."""

    name: KeyName
    value: str

    def __repr__(self) -> str:
        return f"Stored({self.name}, ***)"


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the child. `state` is set in the last one alone.

    `is_asking`: whoever keeps the keys is about to ask the user. `listed` is None where it can not be listed.
    """

    is_asking: bool = False
    state: KeyringState | None = None
    values: tuple[Stored, ...] = ()
    listed: tuple[KeyName, ...] | None = None
    was_there: bool = False

    def __repr__(self) -> str:
        return f"Line({self.state}, ***)"
