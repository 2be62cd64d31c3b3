"""The keys of one running desk: which of its venues are signed with one, and going on with another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeAlias

from tui.desk.control import Verdict
from tui.desk.key_entries import KeyEntry, KeyName
from tui.desk.key_service import KeyService
from tui.desk.session import Session
from tui.desk.vault import Vault
from venues.port import UNTOLD, Mode, Venue
from venues.registry import key_parts

OpenWith: TypeAlias = Callable[[KeyName, KeyEntry | None], Venue]


class DeskKeys:
    """Has `session` use the keys of its account. `open_with` makes an unconnected venue, with a key or without.

    `used` are the keys that its venues were opened with.
    """

    def __init__(self, session: Session, account: str, open_with: OpenWith, used: Iterable[KeyName] = ()) -> None:
        self._session = session
        self._account = account
        self._open_with = open_with
        self._used = set(used)

    def service(self, vault: Vault) -> KeyService:
        """Returns what the screens ask, on the session's loop."""
        return KeyService(
            vault,
            lambda entry: self._open_with(entry.name, entry),
            put_in_use=self.put_in_use,
            in_use=lambda: frozenset(self._used),
            lacking=self.lacking,
            compare=self.compare,
        )

    def lacking(self) -> frozenset[KeyName]:
        """Returns the keys that open venues would be signed with, and are not."""
        names = {KeyName(name, self._account) for name in self._session.links if key_parts(name)}
        return frozenset(names - self._used)

    async def compare(self, entry: KeyEntry) -> str:
        """Returns why the desk would lose sight of what it has open with this key in the place of the one in use.

        Raises:
            VenueError: no venue can be made with it.
        """
        if entry.name not in self._used:
            return ""
        return await self._session.rekeying.compare(await asyncio.to_thread(self._open_with, entry.name, entry))

    async def put_in_use(self, name: KeyName, entry: KeyEntry | None) -> str:
        """Has the desk go on with a key, or without (None); returns what that means, empty where it is not meant.

        Raises:
            VenueError: no venue can be made with it.
        """
        link = self._session.links.get(name.venue)
        if link is None or name.account != self._account or (entry is None and name not in self._used):
            return ""
        if link.venue.capabilities.mode is Mode.PRACTICE:
            return "this desk practises, and uses no keys"
        # An adapter's import alone can take a fifth of a second, in which this loop has orders to send.
        venue = await asyncio.to_thread(self._open_with, name, entry)
        outcome = await self._session.rekey(venue, entry.permissions if entry is not None else UNTOLD)
        if outcome.verdict is not Verdict.SENT:
            return f"on this desk nothing changes: {'; '.join(reason.text for reason in outcome.reasons)}"
        self._session.store.log(f"{name}: {'no key is used any more' if entry is None else 'another key is used'}")
        if entry is None:
            self._used.discard(name)
            return f"{name.venue} can only be watched now"
        self._used.add(name)
        if venue.capabilities.mode is Mode.READ_ONLY:
            return f"{name.venue} is READ-ONLY with it, its account is shown"
        locked = "" if self._session.guards.is_armed else ", and the desk locked: A arms it"
        return f"{name.venue} is {venue.capabilities.mode.value} with it{locked}"
