"""Our executions, each told once, by the venue's own number of it, whether a push or a read brings it.

Neither the list nor a push of a trade says all of it: its side is its order's, and whether it made or took follows
from the order and from its fee. A fee above zero is paid, whatever the document's note says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from venues.errors import DecodeError
from venues.events import Event, FillUpdate, OrderUpdate
from venues.model import (
    NANOSECONDS,
    Fill,
    Instrument,
    InstrumentId,
    Liquidity,
    Order,
    OrderType,
    Side,
    TimeInForce,
)
from venues.pumpkin import VENUE
from venues.pumpkin.client import Client
from venues.pumpkin.figures import base_of, instrument_id, ns_of_milliseconds
from venues.pumpkin.lookups import Lookups
from venues.pumpkin.memory import Known, OrderMemory
from venues.pumpkin.models import Fill as Row
from venues.pumpkin.models import Order as OrderRow
from venues.pumpkin.parameters import FIRST_MOMENT, MOST_A_PAGE
from venues.pumpkin.positions import Positions
from venues.pumpkin.pushes import PushedOrder, PushedTrade
from venues.transport.pursuit import MOST_MISSES, Pursuit
from venues.transport.recent import Recent
from venues.transport.short_orders import ShortOrders
from venues.transport.signed_reads import gathered

logger = logging.getLogger(__name__)

_OVERLAP = 30 * NANOSECONDS  # how far each read begins before the one that went before it: the list may lag
_ALONE_AFTER = 2  # reads in which executions of an order were missing: from then on it is asked for by itself
_MOST_ALONE = 3  # orders at once
_MOST_TOLD = 20_000
_AT_MARKET = frozenset({OrderType.MARKET, OrderType.STOP, OrderType.TAKE_PROFIT})
_HURRIED = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class Fills:
    """Makes `Fill`s, each once. `emit` gets those that had to be asked for.

    `on_fill` hears of each with its order, before it is told; `on_order` of each order that was met by its number.
    """

    def __init__(
        self,
        client: Client,
        memory: OrderMemory,
        lookups: Lookups,
        positions: Positions,
        instrument: Callable[[InstrumentId], Instrument | None],
        emit: Callable[[Sequence[Event]], None],
        *,
        on_fill: Callable[[Fill, Order], None],
        on_order: Callable[[Order], None],
        sleep: Callable[[float], Awaitable[None]],
        time_scale: float = 1.0,
    ) -> None:
        self._client = client
        self._memory = memory
        self._lookups = lookups
        self._positions = positions
        self._instrument = instrument
        self._emit = emit
        self._on_fill = on_fill
        self._on_order = on_order
        self._turn = asyncio.Lock()
        self._told: Recent[str, None] = Recent(_MOST_TOLD)
        # Nobody documents the pushes: their numbers are believed once a list has had one of them.
        self._pushed: dict[str, None] = {}
        self._is_proven = False
        self._strangers: dict[str, int] = {}  # orders' numbers -> reads in which they were not found
        self._given_up: Recent[str, None] = Recent(_MOST_TOLD)  # strangers that nothing shows
        self._short = ShortOrders(memory)
        self._pursuit = Pursuit(
            VENUE, "our executions", self._is_wanting, self._pursue, sleep=sleep, time_scale=time_scale
        )
        self.began = 0  # the venue's clock: what was executed before is no news
        self._since = 0

    def begin(self, at: int) -> None:
        """Is told the venue's time when the account is first followed, nanoseconds."""
        if not self.began:
            self.began = self._since = at - at % 1_000_000  # the venue tells milliseconds

    # What the stream tells.

    def take_order(self, push: PushedOrder) -> list[Event]:
        """Takes a push of an order; one that nobody here knows is read."""
        known = self._memory.find("", push.order_id)
        if known is None or known.last is None:
            self._meet(push.order_id)
            return []
        self._lookups.take_push(push.order_id, push.state, push.executed_qty, push.avg_price)
        self.want(known)
        if known.last is known.shown:
            return []
        known.shown = known.last
        return [OrderUpdate(known.last)]

    def take_trade(self, push: PushedTrade) -> list[Event]:
        """Takes a push of an execution; one that does not say enough is read. Raises DecodeError."""
        if push.exec_id in self._told:
            return []
        known = self._memory.find("", push.order_id)
        if push.exec_id is None or push.fee is None or known is None or known.last is None or not self._is_proven:
            self._note_pushed(push.exec_id)
            self._meet(push.order_id)
            return []
        row = Row(
            order_id=push.order_id, exec_id=push.exec_id, symbol=push.symbol, quantity=push.quantity,
            price=push.price, fee=push.fee, fee_coin=push.fee_coin or "", timestamp=push.timestamp,
        )  # fmt: skip
        fill = self._tell(row, known, known.last)
        return [FillUpdate(fill)] if fill is not None else []

    def want(self, known: Known) -> None:
        """Has executions read until they add up to what the venue says of an order."""
        if self._short.want(known):
            self._pursuit.wake()

    # What is read.

    async def read(self) -> list[Event]:
        """Reads what was executed since the last read, and returns what of it is new. Raises VenueError."""
        async with self._turn:  # two at once would both meet the same orders
            at = self._lookups.as_of()
            rows = await self._rows(max(self._since - _OVERLAP, self.began))
            events = await self._take(rows)
            # What waits for its order is read again, however long that takes.
            waiting = (_moment(row) for row in rows if row.order_id in self._strangers)
            self._since = max(self._since, min(waiting, default=at))
            return events

    async def fetch(self, since: int) -> list[Fill]:
        """Returns our fills from `since` on, oldest first, whether they were told or not. Raises VenueError."""
        rows = await self._rows(since)
        strange = [row.order_id for row in rows if not self._is_met(row.order_id)]
        orders = await self._orders_of(rows)
        for number in strange:  # they are history: what is over of them is no news
            known = self._memory.find("", number)
            if known is not None and known.is_over:
                known.shown = known.last
        profits = await self._past_entries(rows)
        fills: list[Fill] = []
        for row in rows:
            known, order = self._memory.find("", row.order_id), orders.get(row.order_id)
            if known is None or order is None:
                continue
            try:
                found = self._parse(row, known, order)
            except DecodeError as error:
                _warn_of(row, error)
                continue
            if found is not None:
                entry = profits.get(row.order_id)
                fills.append(found if entry is None else _with_profit(found, entry))
        return sorted((fill for fill in fills if fill.ts_event >= since), key=lambda one: one.ts_event)

    def untold_orders(self) -> list[Event]:
        """Returns the orders of which a command, a push or a read has learnt what no event has told."""
        return [OrderUpdate(order) for order in self._memory.news()]

    def resynced(self) -> None:
        """Asks at once for what is missing: the stream was away."""
        self._short.restart()
        self._pursuit.wake()

    async def aclose(self) -> None:
        """Ends the reads under way."""
        await self._pursuit.aclose()

    async def _rows(self, since: int) -> list[Row]:
        start = max(since // 1_000_000, FIRST_MOMENT)
        answer = self._client.iter_fills(start_time=start if since else None)
        rows = await self._lookups.read(gathered(answer))
        return sorted(rows, key=lambda row: (row.timestamp, len(row.exec_id), row.exec_id))

    async def _orders_of(self, rows: Iterable[Row]) -> dict[str, Order]:
        """Returns the orders of fills by their numbers, those that are not known read. Raises VenueError."""
        numbers = dict.fromkeys(row.order_id for row in rows)
        unknown = [each for each in numbers if not self._is_met(each)]
        for order in await self._lookups.by_numbers(unknown) if unknown else ():
            self._on_order(order)
        found = ((each, self._memory.find("", each)) for each in numbers)
        return {each: known.last for each, known in found if known is not None and known.last is not None}

    async def _take(self, rows: Sequence[Row]) -> list[Event]:
        """Returns what is new of a read, the orders that were not known with it. Raises VenueError."""
        self._is_proven |= any(row.exec_id in self._pushed for row in rows)
        new = [row for row in rows if row.exec_id not in self._told and _moment(row) >= self.began]
        orders = await self._orders_of(new)
        events = self.untold_orders()
        for row in new:
            known, order = self._memory.find("", row.order_id), orders.get(row.order_id)
            if known is None or order is None:
                if row.order_id not in self._given_up:
                    self._meet(row.order_id)
                continue
            try:
                fill = self._tell(row, known, order)
            except DecodeError as error:  # one that is none must not hide the others
                _warn_of(row, error)
                self._told[row.exec_id] = None
                continue
            if fill is not None:
                events.append(FillUpdate(fill))
        return events

    async def _pursue(self) -> None:
        """Reads once what is wanting. Raises VenueError."""
        async with self._turn:
            strangers = [each for each in self._strangers if not self._is_met(each)]
            found = await self._lookups.by_numbers(strangers, is_urgent=True) if strangers else []
            for order in found:
                self._on_order(order)
        self._emit(await self.read())
        for number in list(self._strangers):
            self._strangers[number] += 1
            if self._is_met(number):
                del self._strangers[number]
            elif self._strangers[number] >= MOST_MISSES:
                logger.warning("the venue does not show order %s, of which it lists executions", number[:40])
                del self._strangers[number]
                self._given_up[number] = None
        await self._read_alone()
        self._short.count()

    async def _read_alone(self) -> None:
        """Reads all executions of orders of which some stay missing: the list may tell of them very late.

        Raises VenueError.
        """
        for known in self._short.late(_ALONE_AFTER)[:_MOST_ALONE]:
            number = known.child or known.number
            async with self._turn:
                rows = await self._lookups.read(gathered(self._client.iter_fills(order_id=number)))
                self._emit(await self._take(sorted(rows, key=lambda row: row.timestamp)))

    def _is_wanting(self) -> bool:
        return self._short.is_any() or bool(self._strangers)

    def _meet(self, number: str) -> None:
        self._strangers.setdefault(number, 0)
        self._pursuit.wake()

    def _is_met(self, number: str) -> bool:
        known = self._memory.find("", number)
        return known is not None and known.last is not None

    # What a row is.

    def _tell(self, row: Row, known: Known, order: Order) -> Fill | None:
        fill = self._parse(row, known, order)
        if fill is None or row.exec_id in self._told:
            return None
        self._told[row.exec_id] = None
        known.told += fill.quantity
        self._on_fill(fill, order)
        return fill

    def _note_pushed(self, exec_id: str | None) -> None:
        if exec_id and not self._is_proven and len(self._pushed) < _MOST_TOLD:
            self._pushed[exec_id] = None

    def _parse(self, row: Row, known: Known, order: Order) -> Fill | None:
        """Returns a fill; None where its contract is not listed. Raises DecodeError."""
        instrument = self._instrument(instrument_id(row.symbol))
        if instrument is None:
            return None
        if row.quantity <= 0 or row.price <= 0 or not row.exec_id or instrument.id != order.instrument:
            raise DecodeError(VENUE, "an execution that can not be")
        quantity = base_of(row.quantity, instrument.contract_size)
        fill = Fill(
            instrument=instrument.id,
            trade_id=row.exec_id,
            client_order_id=known.client_id,
            venue_order_id=known.order_id,
            side=order.side,
            price=row.price,
            quantity=quantity,
            fee=row.fee_paid,
            fee_currency=row.fee_coin.upper() or instrument.settle,
            liquidity=liquidity_of(order, instrument, row.price * quantity, row.fee_paid),
            ts_event=_moment(row),
        )
        if not order.reduce_only:
            return fill
        entry = self._positions.entry_of(instrument.id, order.position_id, order.side)
        return fill if entry is None else _with_profit(fill, entry)

    async def _past_entries(self, rows: Sequence[Row]) -> dict[str, Decimal]:
        """Returns at which prices was opened what was closed before we looked, by the profits of the orders."""
        past = dict.fromkeys(row.order_id for row in rows if _moment(row) < self.began or not self.began)
        numbers, entries = list(past), dict[str, Decimal]()
        for first in range(0, len(numbers), MOST_A_PAGE):
            part = numbers[first : first + MOST_A_PAGE]
            for row in await self._lookups.read(self._client.orders_by_ids(part)):
                if (entry := self._entry_of(row)) is not None:
                    entries[row.order_id] = entry
        return entries

    def _entry_of(self, row: OrderRow) -> Decimal | None:
        instrument = self._instrument(instrument_id(row.symbol))
        if instrument is None or row.close_profit is None or not row.executed_qty:
            return None
        sign = -1 if row.order_side == "BUY" else 1
        return row.avg_price - sign * row.close_profit / base_of(row.executed_qty, instrument.contract_size)


def liquidity_of(order: Order, instrument: Instrument, notional: Decimal, fee: Decimal) -> Liquidity:
    """Returns whether an execution made or took: what can not rest took, all else is told by the nearer fee."""
    if order.post_only:
        return Liquidity.MAKER
    if order.type in _AT_MARKET or order.time_in_force in _HURRIED or order.is_liquidation:
        return Liquidity.TAKER
    made, took = (abs(fee - rate * notional) for rate in (instrument.maker_fee, instrument.taker_fee))
    return Liquidity.MAKER if made < took else Liquidity.TAKER


def _with_profit(fill: Fill, entry: Decimal) -> Fill:
    sign = 1 if fill.side is Side.SELL else -1
    return msgspec.structs.replace(fill, realized_pnl=sign * (fill.price - entry) * fill.quantity)


def _warn_of(row: Row, error: DecodeError) -> None:
    logger.warning("execution %s of order %s: %s", row.exec_id[:40], row.order_id[:40], error.message)


def _moment(row: Row) -> int:
    return ns_of_milliseconds(row.timestamp)
