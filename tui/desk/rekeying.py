"""Goes on with a venue that is opened with another key, while the desk runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from tui.desk.control import Outcome, Reason, Verdict
from tui.desk.guards import Guards
from tui.desk.link import Link
from tui.desk.roster import Roster, mixture, mode_of
from tui.desk.store import Store
from tui.desk.supervision import Supervisor
from venues.model import OrderStatus
from venues.port import Mode, Venue

_LOOK_SECONDS = 0.02
_CLOSING = 2.0  # seconds that the venue is given to close which is left


class Serving(Protocol):
    """How the session runs its venues."""

    def serve(self, link: Link) -> None:
        """Begins to run a venue."""
        ...

    async def cease(self, link: Link) -> None:
        """Ends the running of a venue."""
        ...

    async def take_profile(self) -> str:
        """Takes the profile for a desk that only watched; returns why it can not be had, empty where it is."""
        ...


class Rekeying:
    """Puts another `Venue` in the place of the one that is open. `sleep` and `patience` are in seconds.

    The link stays the same, so that whoever settles an order of it goes on by the new key.
    """

    def __init__(
        self,
        roster: Roster,
        store: Store,
        guards: Guards,
        supervisor: Supervisor,
        serving: Serving,
        sleep: Callable[[float], Awaitable[None]],
        patience: float = 5.0,
    ) -> None:
        self._roster = roster
        self._store = store
        self._guards = guards
        self._supervisor = supervisor
        self._serving = serving
        self._sleep = sleep
        self._patience = patience
        self._is_swapping = asyncio.Lock()

    async def run(self, venue: Venue) -> Outcome:
        """Closes the venue of this name and goes on with `venue`, read back before anything is sent to it."""
        async with self._is_swapping:
            if why := await self._hindrance(venue):
                return Outcome(verdict=Verdict.DENIED, reasons=(Reason("key", why),))
            link = self._roster.links[venue.name]
            # Nothing new is sent from here on, and what is on its way gets its answer by the key that signed it.
            self._supervisor.lose(link)
            await self._let_answers_come(link)
            await self._serving.cease(link)
            await self._close(link.venue)
            self._store.distrust_books(link.name)
            was = mode_of(self._roster.modes)
            self._roster.exchange(link, venue)
            if not link.has_account:
                self._store.forget_account(link.name)
            self._follow_mode(was)
            self._serving.serve(link)
            return Outcome(verdict=Verdict.SENT)

    async def _hindrance(self, venue: Venue) -> str:
        link, mode = self._roster.links.get(venue.name), venue.capabilities.mode
        if link is None:
            return f"{venue.name} is not open on this desk"
        if self._guards.is_read_only:
            return self._guards.read_only_reason
        others = [other.venue.capabilities.mode for other in self._roster.links.values() if other is not link]
        if why := mixture({*others, mode}):
            return why
        if mode is not Mode.READ_ONLY:
            return "" if link.takes_orders else await self._serving.take_profile()
        if link.takes_orders and (left := self._left_there(link)):
            # Without a key nobody could cancel or close them from here.
            return f"{left} at {link.name}: it goes on with the key that it has until nothing is left"
        return ""

    def _left_there(self, link: Link) -> str:
        orders = list(self._store.orders.open_orders(link.name))
        unknown = sum(tracked.status is OrderStatus.UNKNOWN for tracked in orders)
        positions = sum(key.venue == link.name for key in self._store.held())
        parts = (
            [_count(len(orders), "open order") + (f" ({unknown} UNKNOWN)" if unknown else "")] if orders else []
        )
        parts += [_count(positions, "position")] if positions else []
        return " and ".join(parts)

    async def _let_answers_come(self, link: Link) -> None:
        try:
            async with asyncio.timeout(self._patience):
                while any(tracked.in_flight for tracked in self._store.orders.open_orders(link.name)):
                    await self._sleep(_LOOK_SECONDS)
        except TimeoutError:
            pass  # closing the venue makes them UNKNOWN, and they are looked up by the new key

    async def _close(self, venue: Venue) -> None:
        closing = asyncio.ensure_future(venue.aclose())
        await asyncio.wait({closing}, timeout=_CLOSING)
        if closing.done() and not closing.cancelled() and (error := closing.exception()) is not None:
            self._store.log(f"{venue.name} did not close well: {type(error).__name__}")

    def _follow_mode(self, was: Mode) -> None:
        """Shows the desk's mode as it now is; a desk that becomes LIVE is locked, as one that starts LIVE."""
        mode = mode_of(self._roster.modes)
        if mode is Mode.LIVE and was is not Mode.LIVE:
            self._guards.lock("a LIVE desk starts locked")
        self._store.change_desk(mode=mode, is_armed=self._guards.is_armed, lock_reason=self._guards.lock_reason)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
