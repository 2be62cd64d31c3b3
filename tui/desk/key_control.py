"""What screens and commands may ask about API keys, and what they are told. A secret only ever goes in."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

import msgspec

from tui.desk.key_entries import KeyName, KeyringState
from venues.port import Credentials, Permissions
from venues.secret import Secret


class KeyField(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a venue's key consists of. `attribute` is that of `Credentials`."""

    attribute: str
    label: str
    is_hidden: bool = True
    is_optional: bool = False


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One stored key. `masked` is empty while the keyring has not been opened; `created_at` in nanoseconds UTC."""

    name: KeyName
    masked: str = ""
    permissions: Permissions = Permissions()
    created_at: int = 0
    is_in_use: bool = False  # an open venue of this desk is signed with it


class KeysView(msgspec.Struct, frozen=True, kw_only=True):
    """All stored keys, and how the place is that they are kept in. `venues` can have a key, with their fields."""

    state: KeyringState
    rows: tuple[KeyRow, ...] = ()
    venues: tuple[tuple[str, tuple[KeyField, ...]], ...] = ()


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that is to be stored. `is_read_only`: it is to be used for reading, whatever it may do.

    `is_untested` stores it although the venue refused it: some take a new key only after minutes.
    """

    name: KeyName
    credentials: Credentials
    is_read_only: bool = False
    is_untested: bool = False


class KeyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a wish. `state` is set where the keyring stood in the way; `warning` names a risk."""

    is_done: bool
    words: str
    warning: str = ""
    state: KeyringState | None = None
    is_refused: bool = False  # the venue does not take the key: `is_untested` would store it


class KeyDesk(Protocol):
    """What screens may ask for. Thread-safe; each returns at once with a future that never raises KeyringFault."""

    def list_keys(self, password: Secret | None = None) -> Future[KeysView]:
        """Lists what is stored; with a password the keyring is opened for it."""
        ...

    def add_key(self, wanted: NewKey, password: Secret | None = None) -> Future[KeyReport]:
        """Tests a key by a signed read, stores it, and has the running desk use it."""
        ...

    def test_key(self, name: KeyName, password: Secret | None = None) -> Future[KeyReport]:
        """Reads the account with a stored key."""
        ...

    def remove_key(self, name: KeyName, password: Secret | None = None) -> Future[KeyReport]:
        """Deletes a key; a venue that uses it goes on without: it can then only be watched."""
        ...

    def use_keys(self, password: Secret | None = None) -> Future[KeyReport]:
        """Reads the keys of the venues that are open for reading only for want of one, and uses them."""
        ...
