"""Rows of Pumpkin's answers on their way into memory: what is theirs, what is ours, and what belongs together."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from venues.errors import OrderNotFound
from venues.model import Instrument, InstrumentId, MarginMode, Order, Side
from venues.pumpkin import VENUE
from venues.pumpkin.figures import base_of, instrument_id
from venues.pumpkin.memory import Kind, Known, OrderMemory
from venues.pumpkin.models import Order as Row
from venues.pumpkin.models import PlanOrder, ProfitStop
from venues.pumpkin.parse_orders import child_of, parse_order, source_of, status_of
from venues.pumpkin.plan_orders import is_like, look_of, parse_exit, parse_plan, the_only_one

logger = logging.getLogger(__name__)


class Terms(Protocol):
    """What is known of positions and of how contracts are set: the account's."""

    def leverage_of(self, instrument: InstrumentId, position_id: str = "") -> int | None:
        """Returns the leverage of a position, or the one set here; None where it is not known for sure."""
        ...

    def margin_mode_of(self, instrument: InstrumentId) -> MarginMode | None: ...

    def position_id_of(self, instrument: InstrumentId, closing_side: Side) -> str:
        """Returns the only position that an order of this side closes; empty where there is none, or several."""
        ...


class Instruments(Protocol):
    """The contracts, as far as they have been read."""

    def known(self, instrument: InstrumentId) -> Instrument | None: ...

    async def one(self, instrument: InstrumentId) -> Instrument:
        """Raises UnknownInstrument, or what the read of the contracts raises."""
        ...

    async def all(self) -> Mapping[InstrumentId, Instrument]:
        """Raises VenueError."""
        ...


class Intake:
    """Takes rows into `memory`. `at` is the venue's clock before they were asked for, nanoseconds UTC."""

    def __init__(self, memory: OrderMemory, listing: Instruments, terms: Terms) -> None:
        self._memory = memory
        self._listing = listing
        self._terms = terms
        self._unlisted: set[str] = set()

    def plans(self, rows: Sequence[PlanOrder], at: int) -> list[Known]:
        """Takes plan orders that wait. Raises DecodeError."""
        return [self.entry(Kind.PLAN, order, at) for order in self.parsed_plans(rows)]

    def exits(self, rows: Sequence[ProfitStop], at: int) -> list[Known]:
        """Takes exits that wait. Raises DecodeError."""
        return [self.entry(Kind.EXIT, order, at) for order in self.parsed_exits(rows)]

    def parsed_plans(self, rows: Iterable[PlanOrder]) -> list[Order]:
        """Raises DecodeError."""
        found = ((row, self._instrument(row.symbol)) for row in rows)
        return [parse_plan(row, instrument) for row, instrument in found if instrument is not None]

    def parsed_exits(self, rows: Iterable[ProfitStop]) -> list[Order]:
        """Raises DecodeError."""
        found = ((row, self._instrument(row.symbol)) for row in rows)
        return [
            parse_exit(row, instrument, self._terms.position_id_of(instrument.id, _closing(row)))
            for row, instrument in found
            if instrument is not None
        ]

    def entry(self, kind: Kind, order: Order, at: int) -> Known:
        """Takes one plan order or exit; of one whose order is known, that order tells more."""
        known = self._memory.learn(kind, order)
        if not known.child:
            known.take(order, at)
        return known

    def greet(self, kind: Kind, entries: Sequence[Order]) -> list[Known]:
        """Names what is on its way now by what waits already; its answer takes a wrong claim back.

        Returns those whose answers were lost and which an entry looks like. Nothing takes that back: they are not
        settled by what waits alone, since what arrived may be over, and what waits be a twin from elsewhere.
        """
        self._settle(kind, entries, [each for each in self._memory.lost(kind) if each.is_on_its_way])
        lost = [each for each in self._memory.lost(kind) if not each.is_on_its_way]
        return [each for each in lost if self._fitting(each, entries)]

    def settle(self, kind: Kind, entries: Sequence[Order]) -> None:
        """Names those whose answers were lost by the entries, waiting or over, that can be nobody else's."""
        self._settle(kind, entries, self._memory.lost(kind))

    def _settle(self, kind: Kind, entries: Sequence[Order], wishes: Sequence[Known]) -> None:
        """Two wishes that look the same stay lost: either could be the one that arrived."""
        unanswered = self._memory.unanswered(kind)
        for wish in wishes:
            if any(_are_alike(wish, other) for other in unanswered if other is not wish):
                continue
            entry = the_only_one(self._fitting(wish, entries))
            if entry is not None:
                self._memory.claim(wish, entry.venue_order_id)

    def _fitting(self, wish: Known, entries: Iterable[Order]) -> list[Order]:
        """Returns the entries that nobody has claimed, and that could be what became of a wish.

        The venue tells milliseconds.
        """
        asked, since = wish.asked, wish.sent_after - wish.sent_after % 1_000_000
        if asked is None:
            return []
        return [
            each
            for each in entries
            if each.ts_created >= since and is_like(asked, each) and self._is_free(wish, each)
        ]

    async def order(
        self, row: Row, at: int, find_source: Callable[[str], Awaitable[Known | None]]
    ) -> Known | None:
        """Takes an order of the book; None where its contract is not listed.

        One that a plan order or an exit has placed is taken as that; `find_source` reads one by its number. Where
        it is not found the order stands for itself, from then on.

        Raises:
            DecodeError, and what `find_source` raises.
        """
        instrument = self._instrument(row.symbol)
        if instrument is None:
            return None
        order = parse_order(row, instrument)
        number = source_of(row)
        if number:
            source = self._memory.find("", order.venue_order_id)
            if source is None:
                source = self._memory.source(number) or await find_source(number)
                if source is not None:
                    self._memory.link(source, order.venue_order_id)
            if source is not None and source.child == order.venue_order_id and source.last is not None:
                source.take(child_of(source.last, order), at)
                return source
        known = self._memory.learn(Kind.ORDER, order)
        known.take(order, at)
        return known

    def push(self, number: str, state: str, executed: Decimal, average: Decimal, at: int) -> Order | None:
        """Takes the few things that a push tells of an order, in contracts; None where nothing of it is new.

        Raises:
            OrderNotFound: nobody here knows that order.
        """
        known = self._memory.find("", number)
        instrument = self._listing.known(known.instrument) if known is not None else None
        if known is None or known.last is None or instrument is None:
            raise OrderNotFound(VENUE, "an order of which nothing is known")
        filled = base_of(executed, instrument.contract_size)
        told = msgspec.structs.replace(
            known.last,
            status=status_of(state, known.last.quantity, filled),
            filled_quantity=filled,
            average_price=average if filled and average > 0 else known.last.average_price,
            is_triggered=known.last.is_triggered or bool(known.child),
        )
        return known.take(told, at)

    def _is_free(self, wish: Known, entry: Order) -> bool:
        known = self._memory.find("", f"{wish.kind}{entry.venue_order_id}")
        return known is None or (known.asked is None and known.client_id in ("", wish.client_id))

    def _instrument(self, symbol: str) -> Instrument | None:
        """Returns a contract, without whose size nothing can be told of an order; None where it is not listed."""
        found = self._listing.known(instrument_id(symbol))
        if found is None and symbol not in self._unlisted:
            self._unlisted.add(symbol)
            logger.warning("orders of %s can not be shown: it is not listed", symbol[:40])
        return found


def _closing(row: ProfitStop) -> Side:
    return Side.SELL if row.position_side == "LONG" else Side.BUY


def _are_alike(wish: Known, other: Known) -> bool:
    return wish.asked is not None and other.asked is not None and look_of(wish.asked) == look_of(other.asked)
