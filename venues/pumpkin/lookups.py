"""The signed reads of Pumpkin that concern orders: what rests, how one stands, and what became of a lost one.

No look-up knows our own id. What was lost is looked for by the echo of it, among what rests, in the list and in
the history, from a minute before it left. A hit settles it. That it is nowhere proves nothing, however late.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from decimal import Decimal

from venues.errors import BadRequest, OrderNotFound, VenueError
from venues.model import NANOSECONDS, InstrumentId, Order
from venues.pumpkin import VENUE
from venues.pumpkin.client import Client
from venues.pumpkin.figures import symbol_of
from venues.pumpkin.intake import Instruments, Intake, Terms
from venues.pumpkin.memory import Kind, Known, OrderMemory, split_id
from venues.pumpkin.models import EntrustState, PlanOrder, ProfitStop
from venues.pumpkin.models import Order as Row
from venues.pumpkin.order_lists import OrderLists
from venues.pumpkin.parameters import MOST_A_PAGE
from venues.pumpkin.parse_orders import source_of
from venues.pumpkin.remedies import REMEDIES
from venues.transport.clock import ServerClock
from venues.transport.signed_reads import SignedReads
from venues.transport.together import together

_BEFORE = 60 * NANOSECONDS  # how long before it left a lost order is looked for: the venue's clocks may differ
_PAST = (
    EntrustState.TRIGGERED,
    EntrustState.USER_REVOCATION,
    EntrustState.PLATFORM_REVOCATION,
    EntrustState.EXPIRED,
)

_MOST_LOOKS = 5  # at one lost order, while what waits is read; whoever asks for it looks again


class Lookups(SignedReads):
    """Reads of one account. What they find goes into `memory`, and comes out as what is known best.

    An urgent read may use what the quotas keep for cancels.

    Raises (all that read):
        OrderNotFound: which proves nothing.
        VenueError: with the remedy where there is one.
    """

    def __init__(
        self,
        client: Client,
        memory: OrderMemory,
        listing: Instruments,
        clock: ServerClock,
        terms: Terms,
        *,
        has_credentials: bool,
    ) -> None:
        super().__init__(REMEDIES, clock, has_credentials=has_credentials)
        self._client = client
        self._memory = memory
        self._listing = listing
        self._lists = OrderLists(client, listing)
        self._intake = Intake(memory, listing, terms)

    async def open_orders(self, instrument: InstrumentId | None = None, *, is_urgent: bool = False) -> list[Order]:
        """Returns all that rests and all that waits: orders, plan orders and exits, each once."""
        self.require_key()
        await self.read(self._listing.all())
        symbol = symbol_of(instrument) if instrument is not None else None
        at = self.as_of()
        rows, plans, exits = await self.read(
            together(
                self._lists.resting(symbol, is_urgent=is_urgent),
                self._lists.plans(symbol, is_urgent=is_urgent),
                self._lists.exits(symbol, is_urgent=is_urgent),
            )
        )
        await self._look_for_lost(plans, exits, is_urgent)
        waiting = [*self._intake.plans(plans, at), *self._intake.exits(exits, at)]
        found = [*waiting, *[await self._take(row, at, is_urgent) for row in rows]]
        each_once = {id(known): known.last for known in found if known is not None}.values()
        return [order for order in each_once if order is not None and order.is_open]

    async def _look_for_lost(
        self, plans: Sequence[PlanOrder], exits: Sequence[ProfitStop], is_urgent: bool
    ) -> None:
        """Looks for what was lost where something that waits looks like it, a few times."""
        lost = [
            *self._intake.greet(Kind.PLAN, self._intake.parsed_plans(plans)),
            *self._intake.greet(Kind.EXIT, self._intake.parsed_exits(exits)),
        ]
        for wish in lost:
            if wish.looks < _MOST_LOOKS:
                wish.looks += 1
                with contextlib.suppress(VenueError):  # what rests is told all the same
                    await self._by_look(wish.instrument, wish, is_urgent)

    async def order(
        self, instrument: InstrumentId, client_id: str, order_id: str, *, is_urgent: bool = False
    ) -> Order:
        """Returns an order as it stands, by the port's ids."""
        self.require_key()
        await self.read(self._listing.one(instrument))
        known = self._memory.find(client_id, order_id)
        kind, number = split_id(order_id)
        if known is not None:
            kind, number = (Kind.ORDER, known.child) if known.child else (known.kind, known.number)
        if not number:
            known = await self._lost(instrument, client_id, known, is_urgent)
        elif not (number.isdecimal() and number.isascii()):
            raise OrderNotFound(VENUE, "no order of the venue has such an id")
        else:
            known = await self._by_kind(kind, number, is_urgent)
        if known.last is None or known.instrument != instrument:
            raise OrderNotFound(VENUE, "the order with this id is one of another contract")
        self._memory.name(known, client_id)
        return known.last

    async def by_number(self, number: str, *, is_urgent: bool = False) -> Order:
        """Returns the order of this number in the book; of one that was triggered, what had placed it."""
        self.require_key()
        await self.read(self._listing.all())
        return _told(await self._by_kind(Kind.ORDER, number, is_urgent))

    async def by_numbers(self, numbers: Sequence[str], *, is_urgent: bool = False) -> list[Order]:
        """Returns those orders of these numbers that are found, by one call for each hundred."""
        at, found = self.as_of(), list[Order]()
        for first in range(0, len(numbers), MOST_A_PAGE):
            part = numbers[first : first + MOST_A_PAGE]
            for row in await self.read(self._client.orders_by_ids(part, is_urgent=is_urgent)):
                if (known := await self._take(row, at, is_urgent)) is not None:
                    found.append(_told(known))
        return found

    def take_push(self, number: str, state: str, executed: Decimal, average: Decimal) -> Order | None:
        """Takes the few things that a push tells of an order, in contracts; None where nothing of it is new.

        Raises:
            OrderNotFound: nobody here knows that order: `by_number` reads it.
        """
        return self._intake.push(number, state, executed, average, self.as_of())

    async def _by_kind(self, kind: Kind, number: str, is_urgent: bool) -> Known:
        found: Known | None
        if kind is Kind.ORDER:
            at = self.as_of()
            row = await self.read(self._client.order(number, is_urgent=is_urgent))
            found = await self._take(row, at, is_urgent)
        else:
            found = await self._entry(kind, number, is_urgent)
            if found is not None and found.last is not None and found.last.is_triggered and found.last.is_open:
                await self._follow(found, is_urgent)
        if found is None:
            raise OrderNotFound(VENUE, "an order of a contract that is not listed")
        return found

    async def _entry(self, kind: Kind, number: str, is_urgent: bool) -> Known | None:
        """Reads a plan order or an exit; None where its contract is not listed."""
        at = self.as_of()
        if kind is Kind.PLAN:
            row = await self.read(self._client.plan(number, is_urgent=is_urgent))
            orders = self._intake.parsed_plans([row])
        else:
            told = await self.read(self._client.profit_stop(number, is_urgent=is_urgent))
            orders = self._intake.parsed_exits([told])
        return self._intake.entry(kind, orders[0], at) if orders else None

    async def _follow(self, known: Known, is_urgent: bool) -> None:
        """Reads the order that a triggered one has placed; leaves it triggered where that is not shown yet.

        The list of orders and plan orders together names it, which an exit is not in; else its own row does.
        """
        at = self.as_of()
        symbol, made = symbol_of(known.instrument), known.last.ts_created if known.last is not None else 0
        child = known.child
        if not child and known.kind is Kind.PLAN:
            child = await self.read(self._lists.named_child(symbol, known.number, made))
        if child:
            await self._take(await self.read(self._client.order(child, is_urgent=is_urgent)), at, is_urgent)
            return
        async for row in self._lists.orders(symbol, made, is_urgent=is_urgent):
            if source_of(row) == known.number:
                await self._take(row, at, is_urgent)
                return

    async def _take(self, row: Row, at: int, is_urgent: bool) -> Known | None:
        async def find_source(number: str) -> Known | None:
            for kind in (Kind.PLAN, Kind.EXIT):
                try:
                    return await self._entry(kind, number, is_urgent)
                except (OrderNotFound, BadRequest):  # no list of words for "there is none" is known
                    continue
            return None

        return await self._intake.order(row, at, find_source)

    async def _lost(self, instrument: InstrumentId, client_id: str, known: Known | None, is_urgent: bool) -> Known:
        """Looks for an order whose answer was lost."""
        if known is not None and known.kind is not Kind.ORDER:
            found = await self._by_look(instrument, known, is_urgent)
        else:
            sent_after = known.sent_after if known is not None else 0
            found = await self._by_echo(instrument, client_id, sent_after, is_urgent)
        if found is None:
            raise OrderNotFound(VENUE, "it is not shown; that proves nothing here")
        return found

    async def _by_echo(
        self, instrument: InstrumentId, client_id: str, sent_after: int, is_urgent: bool
    ) -> Known | None:
        if not client_id:
            return None
        symbol, since, at = symbol_of(instrument), sent_after - _BEFORE, self.as_of()
        for row in await self.read(self._client.open_orders_of([symbol], is_urgent=is_urgent)):
            if row.client_order_id == client_id:
                return await self._take(row, at, is_urgent)
        listed = self._lists.orders(symbol, since, is_urgent=is_urgent)
        for rows in (listed, self._lists.past_orders(symbol, since)):
            at = self.as_of()
            async for row in rows:
                if row.client_order_id == client_id:
                    return await self._take(row, at, is_urgent)
        return None

    async def _by_look(self, instrument: InstrumentId, wish: Known, is_urgent: bool) -> Known | None:
        """Looks for a plan order or an exit, which echo nothing of ours."""
        if not wish.sent_after:
            return None
        symbol, since = symbol_of(instrument), wish.sent_after - _BEFORE
        # What waits first: what ends meanwhile is in both, and what is in neither would make a twin the only one.
        if wish.kind is Kind.PLAN:
            waiting = await self.read(self._lists.plans(symbol, is_urgent=is_urgent))
            past = await self.read(self._lists.past_plans(symbol, since))
            entries = self._intake.parsed_plans([*waiting, *past])
        else:
            rows = await self.read(self._lists.exits(symbol, is_urgent=is_urgent))
            for state in _PAST:
                rows += await self.read(self._lists.past_exits(symbol, state, since, is_urgent=is_urgent))
            entries = self._intake.parsed_exits(rows)
        self._intake.settle(wish.kind, list({each.venue_order_id: each for each in entries}.values()))
        if not wish.number:
            return None
        return await self._by_kind(wish.kind, wish.number, is_urgent)


def _told(known: Known) -> Order:
    if known.last is None:
        raise OrderNotFound(VENUE, "an order of which nothing is known")
    return known.last
