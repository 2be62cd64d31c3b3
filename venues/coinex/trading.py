"""New orders and amendments at CoinEx.

They end in the order as it then is, or raise an OrderError, NotSent or OutcomeUnknown, and nothing else. What the
venue leaves out of an answer (the id of a stop) is read after it, in bounded time; that such a read fails changes
nothing about the command.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from venues.coinex import VENUE, endpoints, orders
from venues.coinex.codes import judge_change, judge_new_order
from venues.coinex.figures import positive
from venues.coinex.finder import Finder
from venues.coinex.lookups import Lookups, note_progress
from venues.coinex.memory import Known, OrderMemory
from venues.coinex.parse_orders import parse_order
from venues.coinex.wire import WireOrder
from venues.commands import AmendRequest, OrderRequest
from venues.errors import DecodeError, NotSent, OrderError, OrderNotFound, OutcomeUnknown, VenueError
from venues.events import Event, OrderUpdate
from venues.model import Instrument, InstrumentId, Order, OrderStatus, OrderType, Side
from venues.port import Depart
from venues.transport.asides import Asides
from venues.transport.sending import HttpSender

_LOOK_FOR_STOP = 3.0  # seconds in all
_STOP_PAUSES = (0.0, 0.1, 0.3, 0.6)
_PROTECTS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


class Instruments(Protocol):
    """The markets, as far as they have been read."""

    def known(self, instrument: InstrumentId) -> Instrument | None: ...

    async def one(self, instrument: InstrumentId) -> Instrument:
        """Raises UnknownInstrument, or what the read of the markets raises."""
        ...


class Commands:
    """Places and amends the orders of one account.

    `emit` gets what was held back while an order was amended; `on_short` hears of an order that has traded more
    than its executions add up to, `on_doubt` of one that has to be looked up.
    """

    def __init__(
        self,
        sender: HttpSender,
        asides: Asides,
        memory: OrderMemory,
        lookups: Lookups,
        finder: Finder,
        instruments: Instruments,
        *,
        emit: Callable[[Sequence[Event]], None],
        on_short: Callable[[Known], None],
        on_doubt: Callable[[Known], None],
        last_price: Callable[[InstrumentId], Decimal | None],
        sleep: Callable[[float], Awaitable[None]],
        time_scale: float,
    ) -> None:
        self._sender = sender
        self._asides = asides
        self._memory = memory
        self._lookups = lookups
        self._finder = finder
        self._instruments = instruments
        self._emit = emit
        self._on_short = on_short
        self._on_doubt = on_doubt
        self._last_price = last_price
        self._sleep = sleep
        self._scale = time_scale

    async def submit(self, request: OrderRequest, depart: Depart | None) -> Order:
        """Places an order."""
        self._sender.require_key()
        try:
            instrument = await self._instruments.one(request.instrument)
            wire = orders.submit(request, instrument)
            if request.type.has_trigger:
                await self._check_trigger(request)
        except VenueError as error:
            raise NotSent(VENUE, error.message, error.code) from None
        known = self._memory.submitted(request)
        at = self._lookups.now()
        try:
            if request.type.has_trigger:
                await self._sender.send(wire, orders.StopSubmitted, judge_new_order, depart)
                return await self._placed_stop(request, known, at)
            answer = await self._sender.send(wire, orders.Submitted, judge_new_order, depart)
        except (OrderError, NotSent):
            known.last = known.as_asked(OrderStatus.REJECTED, at)
            raise
        return self._answered(known, answer.data, request.instrument, at)

    async def amend(self, request: AmendRequest, depart: Depart | None) -> Order:
        """Changes an order that rests, or a stop that waits."""
        self._sender.require_key()
        try:
            known, order_id = await self._found(request)
            is_stop = known.is_stop
            change = msgspec.structs.replace(request, venue_order_id=order_id)
            wire = orders.amend(change, is_stop=is_stop)
            if request.trigger_price is not None and known.last is not None:
                await self._check_side(request.instrument, known.last.type, known.last.side, request.trigger_price)
        except VenueError as error:
            raise NotSent(VENUE, error.message, error.code) from None
        at = self._lookups.now()
        if is_stop:
            await self._sender.send(wire, orders.StopModified, judge_change, depart)
            known.amended(request)
            return await self._changed_stop(known, order_id, at)
        known.is_amending = True
        try:
            answer = await self._sender.send(wire, orders.Modified, judge_change, depart)
            known.amended(request)
            order = self._amended(known, answer.data, request.instrument, at)
        except OutcomeUnknown:
            known.may_be_reissued = True
            raise
        finally:
            known.is_amending = False
            self._release(known)
        return order

    def _answered(self, known: Known, row: WireOrder, instrument: InstrumentId, at: int) -> Order:
        """Returns the order of an answer. Raises OutcomeUnknown where the answer is about another one."""
        try:
            order = parse_order(row, self._instruments.known(instrument))
            if order.instrument != instrument:
                raise DecodeError(VENUE, "the answer is about another market")
            self._memory.learn(
                instrument,
                order.venue_order_id,
                known.client_id or order.client_order_id,
                account_id=row.account_id,
            )
            note_progress(known, row)
        except DecodeError as error:
            raise OutcomeUnknown(VENUE, f"taken, and {error.message}") from None
        if known.is_short:
            self._on_short(known)
        return known.complete(order, at)

    async def _check_trigger(self, request: OrderRequest) -> None:
        if request.trigger_price is not None:
            await self._check_side(request.instrument, request.type, request.side, request.trigger_price)

    async def _check_side(self, instrument: InstrumentId, kind: OrderType, side: Side, trigger: Decimal) -> None:
        """The venue takes a trigger from whichever side the market stands on, so we have to look.

        Raises NotSent.
        """
        last = self._last_price(instrument)
        if last is None:
            try:
                answer = await self._lookups.fetch(endpoints.market_ticker(instrument.symbol), endpoints.TickerAt)
                last = positive(answer.data.ticker.last)
            except VenueError as error:
                words = f"the last price is needed to tell on which side of the market it lies: {error.message}"
                raise NotSent(VENUE, words, error.code) from None
        is_above = (side is Side.BUY) is (kind in _PROTECTS)
        if (trigger > last) if is_above else (trigger < last):
            return
        where, what = "above" if is_above else "below", "stop" if kind in _PROTECTS else "take profit"
        words = f"a {side} {what} has its trigger {where} the last price, {last:f}: it would be the opposite"
        raise NotSent(VENUE, words)

    async def _placed_stop(self, request: OrderRequest, known: Known, at: int) -> Order:
        """Returns a stop that was taken, with the id that the answer did not tell where it can be found."""
        found = await self._asides.find(self._find_stop(request), _LOOK_FOR_STOP)
        found = found or known.last or known.as_asked(OrderStatus.NEW, at)
        if found is None:
            raise OutcomeUnknown(VENUE, "taken, and not remembered")
        return found

    async def _find_stop(self, request: OrderRequest) -> Order | None:
        for pause in _STOP_PAUSES:
            if pause:
                await self._sleep(pause * self._scale)
            try:
                return await self._finder.find(request.instrument, request.client_order_id, "")
            except OrderNotFound:
                continue
        return None

    async def _found(self, request: AmendRequest) -> tuple[Known, str]:
        """Returns the order that is meant, and its id. Raises VenueError."""
        known = self._memory.find(request.client_order_id, request.venue_order_id)
        if known is None or not (known.order_id or known.stop_id):
            await self._finder.find(request.instrument, request.client_order_id, request.venue_order_id)
            known = self._memory.find(request.client_order_id, request.venue_order_id)
        if known is None:
            raise OrderNotFound(VENUE, "the venue does not have the order")
        return known, known.order_id or known.stop_id

    def _amended(self, known: Known, row: WireOrder, instrument: InstrumentId, at: int) -> Order:
        """Returns the order of an answer whose id is the order's from now on."""
        if str(row.id) != known.order_id and row.id:
            self._memory.reissued(known, str(row.id))
        return self._answered(known, row, instrument, at)

    def _release(self, known: Known) -> None:
        """Tells the end of an order that came while it was amended, unless the amendment is what ended it."""
        if known.held is None:
            return
        if known.may_be_reissued:
            self._on_doubt(known)
            return
        held, known.held = known.held, None
        self._emit([OrderUpdate(known.complete(held))])

    async def _changed_stop(self, known: Known, stop_id: str, at: int) -> Order:
        instrument, client_id = known.instrument, known.client_id
        found = await self._asides.find(self._finder.find(instrument, client_id, stop_id), _LOOK_FOR_STOP)
        found = found or known.as_asked(OrderStatus.NEW, at)
        if found is None:
            raise OutcomeUnknown(VENUE, "changed, and the venue does not tell into what")
        return found
