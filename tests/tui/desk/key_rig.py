"""A key service on a real exchange of its own, with a vault that is kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from tui.desk.key_control import KeyReport, NewKey
from tui.desk.key_entries import KeyEntry, KeyName, KeyringCode, KeyringFault, KeyringState
from tui.desk.key_service import KeyService
from tui.desk.vault import Vault
from venues.coinex.settings import Settings
from venues.coinex.venue import CoinexVenue
from venues.errors import VenueError
from venues.port import Credentials, Permissions, Venue
from venues.registry import create_venue
from venues.secret import Secret
from venues.simulators.serving import Practice

MAIN = KeyName("coinex")
NOW = 1_750_000_000_000_000_000
OTHER_KEY = "ACCESS0CANARY0KEY0OF0NOBODY"
OTHER_SECRET = "5ECRET0CANARY0OF0NOBODY"
CANARIES = (OTHER_KEY, OTHER_SECRET)

OPEN = KeyringState(code=KeyringCode.READY, words="the keyring is open")
LOCKED = KeyringState(
    code=KeyringCode.LOCKED, words="the keyring is locked", remedy="type its password", needs_password=True
)
WRONG = KeyringState(code=KeyringCode.DENIED, words="that is another password", needs_password=True)


class MemoryVault(Vault):
    """Keeps keys for as long as it lives. With a `password` set, nothing is read or written without it."""

    def __init__(self, *entries: KeyEntry, password: str = "") -> None:
        super().__init__(Path("/nowhere"))
        self.entries = {entry.name: entry for entry in entries}
        self.listed: list[KeyName] = list(self.entries)
        self.password = password
        self.opened = 0  # how often it was read or written
        self.fault: KeyringState | None = None

    def names(self) -> list[KeyName]:
        return list(self.listed)

    def state(self, password: Secret | None = None) -> KeyringState:
        if self.fault is not None:
            return self.fault
        if not self.password or (password is not None and password.reveal() == self.password):
            return OPEN
        return LOCKED if password is None else WRONG

    def _unlock(self, password: Secret | None) -> None:
        self.opened += 1
        if not (state := self.state(password)).is_open:
            raise KeyringFault(state)

    def read(self, names: Iterable[KeyName], password: Secret | None = None) -> dict[KeyName, KeyEntry]:
        self._unlock(password)
        return {name: self.entries[name] for name in names if name in self.entries}

    def write(self, entry: KeyEntry, password: Secret | None = None) -> None:
        self._unlock(password)
        self.entries[entry.name] = entry
        self.listed = list({*self.listed, entry.name})

    def remove(self, name: KeyName, password: Secret | None = None) -> bool:
        self._unlock(password)
        self.listed = [each for each in self.listed if each != name]
        return self.entries.pop(name, None) is not None


class Telling(CoinexVenue):
    """CoinEx as it would be if it told what a key may do."""

    told: Permissions | VenueError = Permissions()

    async def fetch_permissions(self) -> Permissions:
        if isinstance(self.told, VenueError):
            raise self.told
        return self.told


class Desk:
    """What a running desk was told about keys."""

    def __init__(self, *in_use: KeyName) -> None:
        self.keys: set[KeyName] = set(in_use)
        self.told: list[tuple[KeyName, Credentials | None]] = []
        self.failure: VenueError | None = None

    def in_use(self) -> Collection[KeyName]:
        return self.keys

    async def put_in_use(self, name: KeyName, entry: KeyEntry | None) -> str:
        if self.failure is not None:
            raise self.failure
        self.told.append((name, None if entry is None else entry.credentials))
        (self.keys.discard if entry is None else self.keys.add)(name)
        return f"the desk heard of {name}"


class Rig:
    """A service, its vault, the desk beside it and the exchange that it asks."""

    def __init__(self, practice: Practice, vault: MemoryVault, desk: Desk, patience: float = 10.0) -> None:
        self.practice = practice
        self.vault = vault
        self.desk = desk
        self.tells: Permissions | VenueError | None = None
        self.opened: list[Venue] = []
        self.make: Callable[[KeyEntry], Venue] = self.venue_of
        self.service = KeyService(
            vault,
            lambda entry: self.make(entry),
            clock=lambda: NOW,
            patience=patience,
            put_in_use=desk.put_in_use,
            in_use=desk.in_use,
        )

    def good(self) -> Credentials:
        return Credentials(self.practice.api_key, self.practice.api_secret)

    def settings(self, entry: KeyEntry) -> dict[str, Any]:
        return {
            "rest_url": self.practice.rest_url,
            "ws_url": self.practice.ws_url,
            "credentials": entry.credentials,
            "may_trade": entry.may_trade,
            "account": entry.name.account,
        }

    def venue_of(self, entry: KeyEntry) -> Venue:
        if self.tells is None:
            venue: Venue = create_venue("coinex", self.settings(entry))
        else:
            telling = Telling(Settings(**self.settings(entry)))
            telling.told = self.tells
            venue = telling
        self.opened.append(venue)
        return venue

    async def add(self, credentials: Credentials, **how: Any) -> KeyReport:
        return await self.service.add(NewKey(name=MAIN, credentials=credentials, **how))

    def stored(self) -> KeyEntry | None:
        return self.vault.entries.get(MAIN)


def wrong_secret(practice: Practice) -> Credentials:
    """A key of the exchange with the secret of another."""
    return Credentials(practice.api_key, OTHER_SECRET)


def entry_of(credentials: Credentials, name: KeyName = MAIN, **what: Any) -> KeyEntry:
    return KeyEntry(name=name, credentials=credentials, created_at=NOW - 1, **what)


def spoken(report: KeyReport) -> str:
    """Returns everything that a report says, in any way."""
    return f"{report.words} {report.warning} {report!r} {report}"
