"""What becomes of a wish about API keys: each is tried before it is kept, and the running desk is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TypeAlias

from msgspec.structs import replace

from tui.desk.inert import sanitise
from tui.desk.key_control import KeyField, KeyReport, KeyRow, KeysView, NewKey
from tui.desk.key_entries import KeyEntry, KeyName, KeyringCode, KeyringFault, KeyringState
from tui.desk.key_trial import PATIENCE, Trial, Verdict, reason_of, try_key
from tui.desk.key_words import (
    YOU,
    added_words,
    joined,
    no_such_key,
    refused_words,
    tested_words,
    withdrawal_warning,
)
from tui.desk.vault import Vault
from venues.errors import VenueError
from venues.port import Permissions, Venue
from venues.registry import key_parts, venue_names
from venues.secret import Secret

PutInUse: TypeAlias = Callable[[KeyName, KeyEntry | None], Awaitable[str]]

_FIELDS = {
    "key": KeyField(attribute="key", label="API key"),
    "secret": KeyField(attribute="secret", label="secret"),
    "passphrase": KeyField(attribute="passphrase", label="passphrase"),
    "sub_account": KeyField(attribute="sub_account", label="sub-account", is_hidden=False, is_optional=True),
}
_YOU_SAID = Permissions(trade=False, told_by=YOU)


def key_fields(venue: str) -> tuple[KeyField, ...]:
    """Returns what a venue's key consists of, to be asked for in this order; nothing where it takes none."""
    return tuple(_FIELDS[part] for part in key_parts(venue))


def can_be_tried(state: KeyringState) -> bool:
    """Says whether reading can work: what is locked, and not for us to unlock, may ask its user by itself."""
    return state.is_open or (state.code is KeyringCode.LOCKED and not state.needs_password)


def keyed_venues() -> tuple[tuple[str, tuple[KeyField, ...]], ...]:
    """Returns the venues that can have a key, with what it consists of."""
    return tuple((name, fields) for name in venue_names() if (fields := key_fields(name)))


async def _find_nothing(_entry: KeyEntry) -> str:
    return ""


async def _leave_desk(_name: KeyName, _entry: KeyEntry | None) -> str:
    return ""


class KeyService:
    """Lists, adds, tests and removes keys, and has a running desk use them. None of it raises KeyringFault.

    `open_with` makes an unconnected venue with a key, and may raise VenueError. `put_in_use` has the running desk
    use a key from now on, or go on without (None), and returns words about it, empty where no venue is concerned.
    `compare` returns why the desk would lose sight of something by a key, empty where it would not.
    `in_use` names the keys that open venues are signed with, `lacking` those that open venues would be. `clock` is
    in nanoseconds UTC, `patience` in seconds, for one test.
    """

    def __init__(
        self,
        vault: Vault,
        open_with: Callable[[KeyEntry], Venue],
        *,
        clock: Callable[[], int] = time.time_ns,
        patience: float = PATIENCE,
        put_in_use: PutInUse = _leave_desk,
        in_use: Callable[[], Collection[KeyName]] = tuple,
        lacking: Callable[[], Collection[KeyName]] | None = None,
        compare: Callable[[KeyEntry], Awaitable[str]] = _find_nothing,
    ) -> None:
        self.vault = vault
        self.open_with = open_with
        self.put_in_use = put_in_use
        self.in_use = in_use
        self.lacking = lacking
        self.compare = compare
        self._clock = clock
        self._patience = patience
        self._waiting: set[KeyName] = set()  # stored, and not used before a test has passed
        self._turn = asyncio.Lock()  # two wishes at once would overwrite what the other one read

    async def list(self, password: Secret | None = None) -> KeysView:
        """Returns what is stored, by name alone where the place is not open."""
        in_use = set(self.in_use())
        entries: dict[KeyName, KeyEntry] = {}
        names: Iterable[KeyName] = ()
        async with self._turn:
            try:
                names = await asyncio.to_thread(self.vault.names)
                state = await asyncio.to_thread(self.vault.state, password)
                if names and can_be_tried(state):
                    entries = await asyncio.to_thread(self.vault.read, names, password)
                    if not state.is_open:
                        state = await asyncio.to_thread(self.vault.state, password)
            except KeyringFault as fault:
                state = fault.state
        rows = tuple(_row_of(name, entries.get(name), is_in_use=name in in_use) for name in sorted(names))
        return KeysView(state=state, rows=rows, venues=keyed_venues())

    async def add(self, wanted: NewKey, password: Secret | None = None) -> KeyReport:
        """Tries a key, stores it in the place of an older one, and has the running desk use it."""
        name = wanted.name
        entry = KeyEntry(name=name, credentials=wanted.credentials, created_at=self._clock())
        if wanted.is_read_only:
            entry = replace(entry, permissions=_YOU_SAID)
        trial = await try_key(entry, self.open_with, self._patience)
        entry = _with_rights(entry, trial)
        is_refused = trial.verdict is Verdict.REFUSED
        async with self._turn:
            try:
                is_rotated = name in await asyncio.to_thread(self.vault.names)
                if trial.verdict is Verdict.UNUSABLE or (is_refused and not wanted.is_untested):
                    words = refused_words(name, trial, is_kept=is_rotated)
                    return KeyReport(is_done=False, words=words, is_refused=is_refused)
                if trial.verdict is Verdict.WORKS and (why := await self.compare(entry)):
                    # The older one is the only way to what is open there, and no venue shows it again.
                    return KeyReport(is_done=False, words=joined([f"{name}: {why}", "nothing was stored"]))
                await asyncio.to_thread(self.vault.write, entry, password)
            except KeyringFault as fault:
                return _fault_report(fault)
            words = added_words(entry, trial, is_rotated=is_rotated)
            return KeyReport(
                is_done=True,
                words=joined([words, await self._begin_use(entry, trial)]),
                warning=withdrawal_warning(name, entry.permissions),
            )

    async def test(self, name: KeyName, password: Secret | None = None) -> KeyReport:
        """Reads the account with a stored key, and keeps what the venue tells that it may do."""
        try:
            stored = await self._read([name], password)
        except KeyringFault as fault:
            return _fault_report(fault)
        if (entry := stored.get(name)) is None:
            return KeyReport(is_done=False, words=no_such_key(name))
        trial = await try_key(entry, self.open_with, self._patience)
        found = _with_rights(entry, trial)
        words = tested_words(found, trial)
        if trial.verdict is not Verdict.WORKS:
            return KeyReport(is_done=False, words=words, is_refused=trial.verdict is Verdict.REFUSED)
        async with self._turn:
            if found != entry or name in self._waiting:
                try:
                    # The test took seconds: a rotation meanwhile, here or by the command, must not be undone.
                    if (await asyncio.to_thread(self.vault.read, [name], password)).get(name) != entry:
                        words = joined([words, "it was replaced or removed meanwhile, which stays so"])
                        return KeyReport(is_done=True, words=words)
                    if found != entry:
                        await asyncio.to_thread(self.vault.write, found, password)
                except KeyringFault as fault:
                    words = joined([words, f"what it may do could not be stored: {fault.state.words}"])
            if name in self._waiting:
                words = joined([words, await self._begin_use(found, trial)])
        return KeyReport(is_done=True, words=words, warning=withdrawal_warning(name, found.permissions))

    async def remove(self, name: KeyName, password: Secret | None = None) -> KeyReport:
        """Deletes a key; a venue that uses it goes on without."""
        async with self._turn:
            try:
                was_there = await asyncio.to_thread(self.vault.remove, name, password)
            except KeyringFault as fault:
                return _fault_report(fault)
            self._waiting.discard(name)
            if not was_there:
                return KeyReport(is_done=False, words=no_such_key(name))
            return KeyReport(is_done=True, words=joined([f"{name}: removed", await self._tell_desk(name, None)]))

    async def use(self, password: Secret | None = None) -> KeyReport:
        """Reads the keys that open venues lack, and has the running desk use them."""
        lacking = None if self.lacking is None else set(self.lacking())
        in_use = set(self.in_use())
        try:
            names = await asyncio.to_thread(self.vault.names)
            wanted = [name for name in names if name not in in_use and (lacking is None or name in lacking)]
            if not wanted:
                return KeyReport(is_done=False, words="no key is stored that an open venue could use and does not")
            entries = await self._read(wanted, password)
        except KeyringFault as fault:
            return _fault_report(fault)
        told = [f"{no_such_key(name)} any more" for name in wanted if name not in entries]
        async with self._turn:
            for name, entry in sorted(entries.items()):
                told.append(await self._tell_desk(name, entry) or f"{name}: no open venue uses it")
        return KeyReport(is_done=bool(entries), words=joined(told))

    async def _read(self, names: Iterable[KeyName], password: Secret | None) -> dict[KeyName, KeyEntry]:
        async with self._turn:
            return await asyncio.to_thread(self.vault.read, names, password)

    async def _begin_use(self, entry: KeyEntry, trial: Trial) -> str:
        """Has the desk use what was stored; one that may not work takes the place of no other."""
        name = entry.name
        is_unsure = trial.verdict is not Verdict.WORKS
        if trial.verdict is Verdict.REFUSED or (is_unsure and name in self.in_use()):
            self._waiting.add(name)
            goes_on = (
                "the desk goes on with the older one" if name in self.in_use() else "the desk does not use it"
            )
            return f"{goes_on} until a test of it passes"
        self._waiting.discard(name)
        return await self._tell_desk(name, entry)

    async def _tell_desk(self, name: KeyName, entry: KeyEntry | None) -> str:
        try:
            return await self.put_in_use(name, entry)
        except VenueError as error:
            reason = reason_of(error, entry.credentials) if entry is not None else sanitise(str(error))
            return f"the desk could not take it over: {reason}"


def _with_rights(entry: KeyEntry, trial: Trial) -> KeyEntry:
    """Returns a key with what the venue told; what its owner said holds besides."""
    told, known = trial.permissions, entry.permissions
    if told == Permissions():
        return entry
    if known.trade is False and known.told_by == YOU:
        told = replace(told, trade=False, told_by=YOU)
    return replace(entry, permissions=told)


def _row_of(name: KeyName, entry: KeyEntry | None, *, is_in_use: bool) -> KeyRow:
    if entry is None:
        return KeyRow(name=name, is_in_use=is_in_use)
    return KeyRow(
        name=name,
        masked=entry.credentials.key.masked(),
        permissions=entry.permissions,
        created_at=entry.created_at,
        is_in_use=is_in_use,
    )


def _fault_report(fault: KeyringFault) -> KeyReport:
    return KeyReport(is_done=False, words=str(fault), state=fault.state)
