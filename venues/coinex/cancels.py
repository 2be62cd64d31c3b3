"""Cancels of one order or stop at CoinEx.

Of an order whose kind or id nobody knows all that it may be is cancelled, one after the other, until something
was. A cancel names an id or a client id, always; by a client id only what is ours, for others may share theirs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from venues.coinex import VENUE, orders
from venues.coinex.codes import item_error, judge_change
from venues.coinex.finder import Finder
from venues.coinex.lookups import Lookups, note_progress
from venues.coinex.memory import Known, OrderMemory
from venues.coinex.parse_orders import parse_canceled
from venues.coinex.trading import Instruments
from venues.coinex.wire import WireOrder
from venues.commands import CancelRequest
from venues.errors import DecodeError, NotSent, OrderError, OrderNotFound, OutcomeUnknown, VenueError
from venues.events import Event, OrderUpdate
from venues.model import InstrumentId, Order, OrderStatus
from venues.port import Depart
from venues.transport.asides import Asides
from venues.transport.exchange import Request
from venues.transport.sending import HttpSender

_FIND_FIRST = 1.0  # seconds; what is to be cancelled is not looked for any longer

_Way: TypeAlias = Callable[[Depart | None], Awaitable[Order]]


class Cancels:
    """Cancels orders of one account.

    `emit` gets what an answer tells of other orders than the one asked about; `on_short` hears of an order that
    has traded more than its executions add up to.
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
    ) -> None:
        self._sender = sender
        self._asides = asides
        self._memory = memory
        self._lookups = lookups
        self._finder = finder
        self._instruments = instruments
        self._emit = emit
        self._on_short = on_short

    async def cancel(self, request: CancelRequest, depart: Depart | None) -> Order:
        """Returns the order as it then is. Raises OrderError, NotSent or OutcomeUnknown."""
        self._sender.require_key()
        known = self._memory.find(request.client_order_id, request.venue_order_id)
        if known is None:
            look = self._finder.find(request.instrument, request.client_order_id, request.venue_order_id)
            await self._asides.find(look, _FIND_FIRST)
            known = self._memory.find(request.client_order_id, request.venue_order_id)
        missing: VenueError = NotSent(VENUE, "nothing is known by which the order could be cancelled")
        try:
            ways = self._ways(request, known)
        except VenueError as error:
            raise NotSent(VENUE, error.message, error.code) from None
        for way in ways:
            try:
                return await way(depart)
            except OrderNotFound as error:
                missing = error
        raise missing

    def _ways(self, request: CancelRequest, known: Known | None) -> list[_Way]:
        """Returns the cancels to be sent, each only where the one before it found nothing. Raises BadRequest."""
        instrument, client_id, venue_id = request.instrument, request.client_order_id, request.venue_order_id
        market = instrument.symbol
        if known is not None and known.order_id:
            return [self._order(orders.cancel(market, known.order_id, known.account_id), instrument)]
        ways: list[_Way] = []
        account = known.account_id if known is not None else 0
        stop_id = known.stop_id if known is not None else venue_id
        if known is None and venue_id:
            ways.append(self._order(orders.cancel(market, venue_id), instrument))
        if stop_id:
            ways.append(self._stop(orders.cancel_stop(market, stop_id, account), known))
        if client_id and (known is not None or not venue_id):
            named = self._named(orders.cancel_by_client_id(market, client_id, account), instrument)
            if stop_id:  # the stop may be an order by now
                return [*ways, named]
            stop = self._named_stop(orders.cancel_stop_by_client_id(market, client_id, account), known)
            ways += [stop, named] if known is not None and known.is_stop else [named, stop]
        return ways

    def _order(self, wire: Request, instrument: InstrumentId) -> _Way:
        async def cancel(depart: Depart | None) -> Order:
            at = self._lookups.now()
            answer = await self._sender.send(wire, orders.Canceled, judge_change, depart)
            return self._canceled(answer.data, instrument, at)

        return cancel

    def _named(self, wire: Request, instrument: InstrumentId) -> _Way:
        async def cancel(depart: Depart | None) -> Order:
            at = self._lookups.now()
            answer = await self._sender.send(wire, orders.CanceledByClientId, judge_change, depart)
            problems = [item_error(item.code, item.message, is_new=False) for item in answer.data]
            ended = [
                self._canceled(item.order, instrument, at)
                for item, problem in zip(answer.data, problems, strict=True)
                if problem is None and item.order is not None
            ]
            if not ended:
                raise _verdict(problems)
            self._emit([OrderUpdate(other) for other in ended[1:]])
            return ended[0]

        return cancel

    def _stop(self, wire: Request, known: Known | None) -> _Way:
        async def cancel(depart: Depart | None) -> Order:
            at = self._lookups.now()
            await self._sender.send(wire, orders.Done, judge_change, depart)
            return self._ended_stop(known, at)

        return cancel

    def _named_stop(self, wire: Request, known: Known | None) -> _Way:
        async def cancel(depart: Depart | None) -> Order:
            at = self._lookups.now()
            answer = await self._sender.send(wire, orders.StopsCanceledByClientId, judge_change, depart)
            problems = [item_error(item.code, item.message, is_new=False) for item in answer.data]
            if None not in problems:
                raise _verdict(problems)
            return self._ended_stop(known, at)

        return cancel

    def _canceled(self, row: WireOrder, instrument: InstrumentId, at: int) -> Order:
        try:
            order = parse_canceled(row, self._instruments.known(instrument))
            if order.instrument != instrument:
                raise DecodeError(VENUE, "the answer is about another market")
            known, is_new = self._memory.learn(
                order.instrument, order.venue_order_id, order.client_order_id, account_id=row.account_id
            )
            note_progress(known, row, is_new=is_new)
        except DecodeError as error:
            raise OutcomeUnknown(VENUE, f"cancelled, and {error.message}") from None
        if known.is_short:
            self._on_short(known)
        return known.complete(order, at)

    def _ended_stop(self, known: Known | None, at: int) -> Order:
        """The answer tells nothing of the stop: what is known of it has to do."""
        order = known.as_asked(OrderStatus.CANCELED, at) if known is not None else None
        if known is None or order is None:
            raise OutcomeUnknown(VENUE, "cancelled, and the venue does not tell what it was")
        known.last = order
        return order


def _verdict(problems: Sequence[VenueError | None]) -> VenueError:
    """Returns what the answers for each order that shares a client id prove together: none was cancelled."""
    found = [problem for problem in problems if problem is not None]
    for problem in found:
        if not isinstance(problem, OrderError):
            return OutcomeUnknown(VENUE, problem.message, problem.code)
    for problem in found:
        if not isinstance(problem, OrderNotFound):
            return problem
    if len(found) < len(problems):
        return OutcomeUnknown(VENUE, "cancelled, and the venue does not tell what")
    return found[0] if found else OrderNotFound(VENUE, "no order has this client id")
