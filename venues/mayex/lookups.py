"""The signed reads of Mayex that concern orders: what rests, how one stands, and what became of a lost one.

The document has no look-up of one order. It is looked for among what rests, then in the history of its contract:
in that order, since what ends meanwhile goes from the one to the other. All who ask at about the same time share
these reads, for a history weighs five of the 200 units a minute.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import Protocol

import msgspec

from venues.errors import DecodeError, OrderNotFound, VenueUnavailable
from venues.mayex import VENUE
from venues.mayex.client import Client
from venues.mayex.figures import instrument_id, symbol_of
from venues.mayex.histories import Histories
from venues.mayex.memory import Known, OrderMemory
from venues.mayex.models.trading import OpenOrder
from venues.mayex.models.trading import Order as Answer
from venues.mayex.parse_orders import (
    Facts,
    facts_of_answer,
    facts_of_push,
    facts_of_row,
    parse_order,
    tells_type,
)
from venues.mayex.pushes import PushedOrder
from venues.mayex.remedies import REMEDIES
from venues.mayex.sides import position_id_of
from venues.model import Instrument, InstrumentId, MarginMode, Order, Side
from venues.transport.clock import ServerClock
from venues.transport.joined_reads import JoinedRead
from venues.transport.listing import InstrumentList
from venues.transport.signed_reads import SignedReads

logger = logging.getLogger(__name__)

_MOST_UNREAD = 1_000


class Undecided(VenueUnavailable):
    """It was not found, which says nothing: what is listed does not reach back so far, or can not be read."""


class Terms(Protocol):
    """What is known of positions and of how contracts are set: the account's."""

    def margin_mode_of(self, instrument: InstrumentId, side: Side) -> MarginMode | None:
        """Returns the mode of the only position that an order of this side would add to; None without one."""
        ...

    def leverage_of(self, instrument: InstrumentId, margin_mode: MarginMode) -> Decimal | None:
        """Returns the leverage as it was set or told; None where nobody knows."""
        ...

    def quantity_of(self, instrument: InstrumentId, position_id: str) -> Decimal | None:
        """Returns what a position holds; None where there is none, or nobody knows."""
        ...


class Lookups(SignedReads):
    """Reads of one account. What they find goes into `memory`, and comes out as what is known best.

    An urgent read may use what the quota keeps for cancels.

    Raises (all that read):
        OrderNotFound: it neither rests nor is in the history, which reaches back to when it was sent. That proves
            nothing before the request's deadline is over.
        VenueError: with the remedy where there is one. Undecided is of a history that is cut before.

    One row that can not be read hides no other: `warn` is told of it once, and who looks for it gets the reason.
    `free` is the share of the quota that is left.
    """

    def __init__(
        self,
        client: Client,
        memory: OrderMemory,
        listing: InstrumentList,
        clock: ServerClock,
        terms: Terms,
        *,
        has_credentials: bool,
        warn: Callable[[str], None] = lambda _: None,
        free: Callable[[], float] = lambda: 1.0,
    ) -> None:
        super().__init__(REMEDIES, clock, has_credentials=has_credentials)
        self._client = client
        self._memory = memory
        self._listing = listing
        self._terms = terms
        self._unlisted: set[str] = set()
        self._warn = warn
        self._unread: dict[str, str] = {}  # by the numbers and our ids of rows that can not be read: why
        self._histories = Histories(client, self._take_rows, self.read, self.as_of, lambda: memory.forgotten, free)
        self._resting = {
            is_urgent: JoinedRead(partial(self._read_resting, is_urgent)) for is_urgent in (False, True)
        }

    async def aclose(self) -> None:
        """Ends the reads under way. May be called twice."""
        await self._histories.aclose()
        for read in self._resting.values():
            await read.aclose()

    async def open_orders(self, instrument: InstrumentId | None = None, *, is_urgent: bool = False) -> list[Order]:
        """Returns every order that rests, or waits for its trigger."""
        self.require_key()
        await self.read(self._listing.all())
        found = await self._resting[is_urgent].fresh()
        return [
            known.last
            for known in found
            if known.last is not None and known.last.is_open and instrument in (None, known.instrument)
        ]

    async def order(
        self,
        instrument: InstrumentId,
        client_id: str,
        order_id: str,
        *,
        is_urgent: bool = False,
        changed_after: int = 0,
    ) -> Order:
        """Returns an order as it stands, by the venue's number, or by our own id alone.

        `changed_after` is a moment (nanoseconds UTC) after which it is known to have changed; 0: nobody knows.
        """
        self.require_key()
        await self.read(self._listing.one(instrument))
        symbol = symbol_of(instrument)
        resting = await self._resting[is_urgent].fresh()

        def found() -> Known | None:
            known = self._memory.find(client_id, order_id)
            return known if known is not None and (known in resting or known.is_over) else None

        if found() is None:
            since = max(changed_after, _changed_after(self._memory.find(client_id, order_id)))
            reaches = await self._histories.look(symbol, since, lambda: found() is not None, is_urgent=is_urgent)
            if found() is None and not reaches:
                raise Undecided(VENUE, "not found in what the history shows, which does not reach back to it")
        known = found()
        if known is None:
            self._check_miss(client_id, order_id)
            raise OrderNotFound(VENUE, "it neither rests nor is in the history")
        if known.last is None or known.instrument != instrument:
            raise OrderNotFound(VENUE, "the order with this id is one of another contract")
        self._memory.name(known, client_id)
        return known.last

    async def look_at(self, meant: Collection[Known], *, is_urgent: bool = False) -> None:
        """Looks how several orders stand: one read for all, one more for each contract of which some are gone."""
        resting = await self._resting[is_urgent].fresh()
        for instrument in sorted({known.instrument for known in meant}):
            gone = [
                known
                for known in meant
                if known.instrument == instrument and known not in resting and not known.is_over
            ]
            if gone:
                since = min(map(_changed_after, gone))
                await self._histories.look(symbol_of(instrument), since, _are_over(gone), is_urgent=is_urgent)

    def take_answer(self, known: Known, row: Answer, at: int) -> None:
        """Takes the answer to a command about an order, of which it tells no moment. Raises DecodeError."""
        if (instrument := self._instrument(row.symbol)) is not None:
            order = self._parsed(facts_of_answer(row), instrument)
            known.take(msgspec.structs.replace(order, ts_created=at, ts_event=at), at)

    def take_push(self, row: PushedOrder) -> Known | None:
        """Takes what a push tells of an order; None where it tells too little, and what rests has to be read.

        Raises:
            DecodeError: it is not what the platform's document has.
        """
        instrument, facts = self._instrument(row.symbol), facts_of_push(row)
        if instrument is None or facts is None:
            return None
        known = self._memory.find(facts.client_id or "", str(facts.order_id))
        if known is None and not tells_type(facts):
            return None
        return self._take(facts, instrument, self.as_of())

    async def _read_resting(self, is_urgent: bool) -> list[Known]:
        at = self.as_of()
        rows = await self.read(self._client.open_orders(is_urgent=is_urgent))
        if (found := self._take_rows(rows, at)) or not (unread := self._unread.keys() & _numbers(rows)):
            return found
        raise DecodeError(VENUE, self._unread[min(unread)])  # none of them can be read: that is no empty list

    def _take_rows(self, rows: Sequence[OpenOrder], at: int) -> list[Known]:
        found: list[Known] = []
        for row in rows:
            instrument = self._instrument(row.symbol)
            if instrument is None:
                continue
            names = {str(row.order_id), row.client_order_id or ""} - {""}
            try:
                found.append(self._take(facts_of_row(row), instrument, at))
            except DecodeError as error:
                self._set_aside(row, names, error)
                if (known := self._memory.find("", str(row.order_id))) is not None:
                    found.append(known)  # it is there, as it was told last
            else:
                for name in names & self._unread.keys():
                    del self._unread[name]
        return found

    def _set_aside(self, row: OpenOrder, names: Collection[str], error: DecodeError) -> None:
        number = str(row.order_id)
        if number not in self._unread:
            self._warn(f"order {number} of {row.symbol[:40]} can not be read, and is not shown: {error.message}")
        self._unread.update(dict.fromkeys(names, error.message))
        while len(self._unread) > _MOST_UNREAD:
            del self._unread[next(iter(self._unread))]

    def _check_miss(self, client_id: str, order_id: str) -> None:
        """Raises Undecided where there is one of these names all the same: that is no miss."""
        why = next((self._unread[name] for name in (order_id, client_id) if name in self._unread), None)
        if why is not None:
            raise Undecided(VENUE, f"it is there, and can not be read: {why}")
        if not order_id and self._memory.has_namesake(client_id):
            raise Undecided(VENUE, "there is an order with this client id, and it is not as it was asked for")

    def _take(self, facts: Facts, instrument: Instrument, at: int) -> Known:
        order = self._parsed(facts, instrument)
        known = self._memory.learn(order)
        known.take(order, at)
        return known

    def _parsed(self, facts: Facts, instrument: Instrument) -> Order:
        position_id = position_id_of(facts.position_side, isolated=facts.isolated)
        held = self._terms.quantity_of(instrument.id, position_id) if not facts.quantity else None
        order = parse_order(facts, instrument, held)
        known = self._memory.find("", order.venue_order_id)
        if known is not None and known.last is not None and known.last.type.has_trigger and not tells_type(facts):
            return msgspec.structs.replace(order, type=known.last.type)
        return order

    def _instrument(self, symbol: str) -> Instrument | None:
        """Returns a contract; None where it is not listed, and nothing can be said of its orders."""
        found = self._listing.known(instrument_id(symbol))
        if found is None and symbol not in self._unlisted:
            self._unlisted.add(symbol)
            logger.warning("orders of %s can not be shown: it is not listed", symbol[:40])
        return found


def _numbers(rows: Iterable[OpenOrder]) -> set[str]:
    return {str(row.order_id) for row in rows}


def _changed_after(known: Known | None) -> int:
    """Returns a moment after which an order has changed, if it has ended; 0 where nobody knows."""
    if known is None:
        return 0
    return max(known.sent_after, known.last.ts_event if known.last is not None else 0)


def _are_over(orders: Iterable[Known]) -> Callable[[], bool]:
    return lambda: all(known.is_over for known in orders)
