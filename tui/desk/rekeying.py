"""Goes on with a venue that is opened with another key, while the desk runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Protocol

from tui.desk.control import Outcome, Verdict, denied
from tui.desk.guards import Guards
from tui.desk.inert import sanitise
from tui.desk.link import Link
from tui.desk.orders import Tracked
from tui.desk.roster import Roster, mixture, mode_of
from tui.desk.store import Store, Topic
from tui.desk.supervision import Supervisor
from tui.desk.tasks import cancelled
from venues.errors import OrderNotFound, VenueError
from venues.model import Order, OrderStatus
from venues.port import Mode, Permissions, Venue

_RESTING = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})
_LOOKUPS = 3  # orders that ended within the last moment may not be listed any more, and still be found
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

    async def take_profile(self, link: Link) -> str:
        """Takes the profile for a venue that was only watched; returns why it can not be had, empty if it is."""
        ...

    def note_permissions(self, link: Link, permissions: Permissions) -> None: ...


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
        self._worth_before: dict[str, Decimal | None] = {}  # by venue, until its account has been read back
        self._swaps: set[asyncio.Task[Outcome]] = set()
        self._closing: set[asyncio.Task[None]] = set()  # of venues that were left

    async def run(self, venue: Venue, permissions: Permissions) -> Outcome:
        """Goes on with `venue` in the place of the open one of its name, read back before anything is sent to it.

        `permissions` are what is known of its key, until the venue itself tells them. Once begun it is carried
        through, also where whoever asked for it stops waiting; a `venue` that is not taken is closed.
        """
        swap = asyncio.create_task(self._swap(venue, permissions))
        self._swaps.add(swap)
        swap.add_done_callback(self._swaps.discard)
        return await asyncio.shield(swap)

    async def compare(self, venue: Venue) -> str:
        """Returns why the open venue of this name would not go on with `venue`, which is closed again.

        It says so where what is open there would be lost sight of; whatever else stands against it, does not.
        """
        link = self._roster.links.get(venue.name)
        try:
            return await self._another_account(link, venue) if link is not None and _is_traded_on(link) else ""
        finally:
            await self._close(venue)

    def note_reconciled(self, link: Link) -> bool:
        """Hears that a venue's account is as it is shown; says whether the day's P&L now counts from elsewhere.

        What the change of a key has brought or taken is none, and nothing is what was not read before.
        """
        ledger, is_changed = self._store.ledger, link.name in self._worth_before
        before = self._worth_before.pop(link.name) if is_changed else self._store.worth()
        is_new = ledger.basis.note_read(link.name)
        if not is_new and not is_changed:
            return False
        after = self._store.worth()
        self._store.is_counting_anew = bool(self._worth_before)
        if ledger.day_open is None or before is None or after is None:
            ledger.day_open = None  # it counts from when all of it can be valued
        else:
            ledger.day_open += after - before
        return True

    async def aclose(self) -> None:
        """Ends what is under way: the desk closes."""
        await cancelled(self._swaps)
        await cancelled(self._closing)

    async def _swap(self, venue: Venue, permissions: Permissions) -> Outcome:
        outcome = denied("key", "")
        try:
            outcome = await self._try(venue, permissions)
        finally:
            if outcome.verdict is not Verdict.SENT:
                await self._close(venue)
        return outcome

    async def _try(self, venue: Venue, permissions: Permissions) -> Outcome:
        async with self._is_swapping:
            if why := await self._hindrance(venue):
                return denied("key", why)
            link = self._roster.links[venue.name]
            self._supervisor.lose(link)  # nothing that adds risk is sent from here on
            if _is_traded_on(link):
                why = "not compared"
                try:
                    why = await self._another_account(link, venue)
                finally:
                    if why:
                        self._supervisor.distrust(link)  # read back, and on as before
                if why:
                    return denied("key", why)
            await self._serving.cease(link)
            # Cancels, and what the detach policy sends, go by the old one up to here, by the new one from here on.
            old = link.venue
            self._worth_before.setdefault(link.name, self._store.worth())
            self._store.is_counting_anew = True
            self._store.distrust_books(link.name)
            self._roster.exchange(link, venue)
            self._store.margins.forget(link.name)  # of another account, perhaps
            self._store.mark_dirty(Topic.MARGINS, Topic.ACCOUNTS)
            if not link.has_account:
                self._store.forget_account(link.name)
                self.note_reconciled(link)
            self._guards.arming_refusals.pop(link.name, None)
            self._follow_mode(link, old.capabilities.mode)
            self._serving.note_permissions(link, permissions)
            self._serving.serve(link)
            closing = asyncio.create_task(self._leave(old, link.name))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
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
            return "" if _is_traded_on(link) else await self._serving.take_profile(link)
        if _is_traded_on(link) and link.has_account and not link.is_reconciled:
            return f"what is open at {link.name} has not been read back yet: try again"
        if why := self._funds_left(link):
            return why
        if _is_traded_on(link) and (left := self._left_there(link)):
            # Without a key nobody could cancel or close them from here.
            return f"{left} at {link.name}: it goes on with the key that it has until nothing is left"
        return ""

    async def _another_account(self, link: Link, venue: Venue) -> str:
        """Returns why what this desk has at the venue would be lost sight of: the new key is not that account's.

        A key of another account would not find our orders, and a miss counts as a proof that they are over.
        """
        if venue.capabilities.mode is Mode.READ_ONLY:
            return ""  # nothing is left there
        if not await self._answers_came(link.name):
            return f"commands to {link.name} are not answered yet: try again"
        if why := self._funds_left(link):
            return why
        tracked = [each for each in self._store.orders.open_orders(link.name) if each.status in _RESTING]
        unknown = any(each.status is OrderStatus.UNKNOWN for each in self._store.orders.open_orders(link.name))
        held = {key[0] for key in self._store.ledger.positions if key[0].venue == link.name}
        if not (tracked or unknown or held):
            return ""
        try:
            async with asyncio.timeout(self._patience):
                if tracked and await _knows_one(venue, tracked):
                    return ""
                if not tracked and held and held & {one.instrument for one in await venue.fetch_positions()}:
                    return ""
        except TimeoutError:
            return f"what is open at {link.name} could not be read with the new key in {self._patience:g} s"
        except VenueError as error:
            return f"what is open at {link.name} could not be read with the new key: {sanitise(str(error))}"
        if tracked:
            return (
                f"the new key seems to be of another account: it finds nothing of the {self._left_there(link)} "
                f"that this desk has at {link.name}. Close them first, or open a desk of its own with --account"
            )
        if not unknown:
            # Positions are read, and never proven by a miss: they may have been closed elsewhere.
            self._guards.lock(f"{link.name}: none of the positions is there with the new key")
            self._store.change_desk(is_armed=False, lock_reason=self._guards.lock_reason)
            return ""
        return (
            f"an order at {link.name} is UNKNOWN, and only the key that sent it can prove what became of it: "
            "settle it first (u)"
        )

    def _funds_left(self, link: Link) -> str:
        """Returns why the key stays that can prove what became of funds that move; empty where it may go."""
        if link.has_account and self._store.funds.open(link.name):
            what = f"a loan, transfer or change of margin at {link.name}"
            return f"{what} is not over: this key alone can prove what it is"
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

    async def _leave(self, venue: Venue, name: str) -> None:
        """Closes the venue that is left, once what was sent by it has had its answers."""
        try:
            await self._answers_came(name)  # what is late becomes UNKNOWN by closing it, and is looked up
        finally:
            await self._close(venue)

    async def _close(self, venue: Venue) -> None:
        try:
            async with asyncio.timeout(_CLOSING):
                await venue.aclose()
        except (VenueError, TimeoutError) as error:
            self._store.log(f"{venue.name} did not close well: {type(error).__name__}")

    async def _answers_came(self, name: str) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                while any(tracked.in_flight for tracked in self._store.orders.open_orders(name)):
                    await self._sleep(_LOOK_SECONDS)
        except TimeoutError:
            return False
        return True

    def _follow_mode(self, link: Link, was: Mode) -> None:
        """Shows the desk's mode as it now is; where a venue becomes LIVE it is locked, as one that starts LIVE."""
        mode = mode_of(self._roster.modes)
        if link.venue.capabilities.mode is Mode.LIVE and was is not Mode.LIVE:
            self._guards.lock(f"{link.name} has become LIVE")
        self._store.change_desk(mode=mode, is_armed=self._guards.is_armed, lock_reason=self._guards.lock_reason)


def _is_traded_on(link: Link) -> bool:
    """Whether orders could have been sent to it, be its key still taken or not."""
    return link.venue.capabilities.mode is not Mode.READ_ONLY


async def _knows_one(venue: Venue, tracked: Sequence[Tracked]) -> bool:
    """Says whether the account of `venue` has one of these orders. Raises VenueError."""
    listed = await venue.fetch_open_orders()
    if _ids_of(listed) & _ids_of([each.order for each in tracked]):
        return True
    for each in tracked[:_LOOKUPS]:
        try:
            await venue.fetch_order(each.order.instrument, each.order.client_order_id, each.order.venue_order_id)
        except OrderNotFound:
            continue
        return True
    return False


def _ids_of(orders: Sequence[Order]) -> set[str]:
    return {name for order in orders for name in (order.client_order_id, order.venue_order_id) if name}


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
