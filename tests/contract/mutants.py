"""Adapters with one defect each, put between a good adapter and the suite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from venues.commands import CancelRequest, OrderRequest
from venues.errors import NotSent, OrderNotFound, OrderRejected, OutcomeUnknown
from venues.events import (
    BalanceUpdate,
    BookDelta,
    Event,
    FillUpdate,
    Level,
    LinkState,
    OrderUpdate,
    StreamStatus,
    Ticker,
    Trade,
)
from venues.model import Bar, Fill, InstrumentId, Order, OrderStatus, OrderType, Side, TimeInForce
from venues.port import Depart, Departure, Venue, VenueTime

replace = msgspec.structs.replace


def _delta(event: BookDelta, bids: tuple[Level, ...], previous: int) -> BookDelta:
    return BookDelta(
        event.instrument, bids, event.asks, previous, event.sequence, event.ts_event, event.ts_recv, event.checksum
    )


class Mutant:
    """Does what the venue does. A defect overrides one thing."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue

    def __getattr__(self, name: str) -> Any:
        return getattr(self.venue, name)

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        async for batch in self.venue.events():
            changed = [changed for event in batch for changed in self.told(event)]
            if changed:
                yield changed

    def told(self, event: Event) -> Iterable[Event]:
        """Returns what becomes of an event."""
        return (event,)


class LosesFills(Mutant):
    count = 0

    def told(self, event: Event) -> Iterable[Event]:
        self.count += isinstance(event, FillUpdate)
        return () if isinstance(event, FillUpdate) and self.count % 2 else (event,)


class TellsFillsTwice(Mutant):
    def told(self, event: Event) -> Iterable[Event]:
        return (event, event) if isinstance(event, FillUpdate) else (event,)


class InventsFills(Mutant):
    def told(self, event: Event) -> Iterable[Event]:
        if isinstance(event, FillUpdate):
            return (event, FillUpdate(replace(event.fill, trade_id=f"{event.fill.trade_id}x")))
        return (event,)


class MistakesFees(Mutant):
    def told(self, event: Event) -> Iterable[Event]:
        if isinstance(event, FillUpdate):
            return (FillUpdate(replace(event.fill, fee=-event.fill.fee)),)
        return (event,)


class LosesOrderUpdates(Mutant):
    def told(self, event: Event) -> Iterable[Event]:
        if isinstance(event, OrderUpdate) and event.order.status.is_terminal:
            return ()
        return (event,)


class TellsOrdersTwice(Mutant):
    """No defect: an order may be told again, as after each reading back, and nobody may be misled by it."""

    def told(self, event: Event) -> Iterable[Event]:
        return (event, event) if isinstance(event, OrderUpdate) else (event,)


class CallsPartFillsFilled(Mutant):
    def told(self, event: Event) -> Iterable[Event]:
        if isinstance(event, OrderUpdate) and event.order.status is OrderStatus.PARTIALLY_FILLED:
            return (OrderUpdate(replace(event.order, status=OrderStatus.FILLED)),)
        return (event,)


class HidesWhatIsForeign(Mutant):
    def told(self, event: Event) -> Iterable[Event]:
        is_foreign = isinstance(event, OrderUpdate) and not event.order.client_order_id.startswith(
            self.venue.capabilities.mode.prefix
        )
        return () if is_foreign else (event,)


class SwallowsGaps(Mutant):
    """Leaves out a change of the book and joins what is before and after, so that no number is missing."""

    count = 0
    previous: int | None = None

    def told(self, event: Event) -> Iterable[Event]:
        if not isinstance(event, BookDelta):
            return (event,)
        self.count += 1
        if self.count % 50 == 7:
            self.previous = event.previous if self.previous is None else self.previous
            return ()
        joined = event
        if self.previous is not None:
            joined = _delta(event, event.bids, self.previous)
        self.previous = None
        return (joined,)


class KeepsOldLevels(Mutant):
    def told(self, event: Event) -> Iterable[Event]:
        if isinstance(event, BookDelta):
            bids = tuple(level for level in event.bids if Decimal(level[1]))
            return (_delta(event, bids, event.previous),)
        return (event,)


class TellsTradesTwice(Mutant):
    def told(self, event: Event) -> Iterable[Event]:
        return (event, event) if isinstance(event, Trade) else (event,)


class MistakesTheAggressor(Mutant):
    def told(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Trade):
            return (
                Trade(
                    event.instrument, event.trade_id, event.side.opposite, event.price, event.quantity,
                    event.ts_event, event.ts_recv,
                ),
            )  # fmt: skip
        return (event,)


class LosesTickers(Mutant):
    def told(self, event: Event) -> Iterable[Event]:
        return () if isinstance(event, Ticker) else (event,)


class LosesBalances(Mutant):
    def told(self, event: Event) -> Iterable[Event]:
        return () if isinstance(event, BalanceUpdate) else (event,)


class NeverSaysThatItIsOld(Mutant):
    """And shows the last book that it had, whatever became of it."""

    def told(self, event: Event) -> Iterable[Event]:
        if isinstance(event, StreamStatus):
            return (replace(event, state=LinkState.LIVE),)
        return (event,)

    def __getattr__(self, name: str) -> Any:
        if name == "book":
            raise AttributeError(name)  # the desk builds its own then, and nobody tells it that it is broken
        return super().__getattr__(name)


class SwapsCloseAndHigh(Mutant):
    async def fetch_bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        bars = await self.venue.fetch_bars(instrument, interval, limit)
        return [replace(bar, close=bar.high, high=bar.close) for bar in bars]


class ReadsNoFillsBack(Mutant):
    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        return ()


class ForgetsSince(Mutant):
    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        return await self.venue.fetch_fills(0)


class ReadsNoOrdersBack(Mutant):
    async def fetch_open_orders(self) -> Sequence[Order]:
        return ()


class CancelsEverything(Mutant):
    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        done = await self.venue.cancel_order(request, depart=depart)
        await self.venue.cancel_all_orders(request.instrument)
        return done


class CancelsNothing(Mutant):
    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        found = await self.venue.fetch_order(request.instrument, request.client_order_id, request.venue_order_id)
        return replace(found, status=OrderStatus.CANCELED)


class CancelsBothSides(Mutant):
    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        return await self.venue.cancel_all_orders(instrument, None, depart=depart)


class LeavesStops(Mutant):
    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        return [
            await self.venue.cancel_order(
                CancelRequest(
                    instrument=order.instrument,
                    client_order_id=order.client_order_id,
                    venue_order_id=order.venue_order_id,
                )
            )
            for order in await self.venue.fetch_open_orders()
            if instrument in (None, order.instrument) and side in (None, order.side) and not order.type.has_trigger
        ]


class IgnoresPostOnly(Mutant):
    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        return await self.venue.submit_order(replace(request, post_only=False), depart=depart)


class IgnoresHowLong(Mutant):
    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        return await self.venue.submit_order(replace(request, time_in_force=TimeInForce.GTC), depart=depart)


class TakesStopsForMarketOrders(Mutant):
    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        if request.type is OrderType.STOP:
            request = replace(request, type=OrderType.MARKET, trigger_price=None)
        return await self.venue.submit_order(request, depart=depart)


class DropsWhatIsNotClaimed(Mutant):
    """Takes an order with flags that mean nothing here, as if it had none."""

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        plain = replace(request, reduce_only=False, take_profit=None, stop_loss=None)
        return await self.venue.submit_order(plain, depart=depart)


class SendsBeforeTheJournal(Mutant):
    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        done = await self.venue.submit_order(request)
        if depart is not None:
            await depart(Departure())
        return done


class NeverAsksTheJournal(Mutant):
    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        return await self.venue.cancel_order(request)


class CallsItRefused(Mutant):
    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        try:
            return await self.venue.submit_order(request, depart=depart)
        except OutcomeUnknown as error:
            raise OrderRejected(error.venue, error.message) from None


class CallsItNotSent(Mutant):
    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        try:
            return await self.venue.cancel_order(request, depart=depart)
        except OutcomeUnknown as error:
            raise NotSent(error.venue, error.message) from None


class TriesAgain(Mutant):
    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        try:
            return await self.venue.submit_order(request, depart=depart)
        except OutcomeUnknown:
            return await self.venue.submit_order(request, depart=depart)


class CallsAFailedLookupAMiss(Mutant):
    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        outcome = await asyncio.gather(
            self.venue.fetch_order(instrument, client_order_id, venue_order_id), return_exceptions=True
        )
        if isinstance(outcome[0], BaseException):
            raise OrderNotFound(self.venue.name, "it is not there")
        return outcome[0]


class LeavesATask(Mutant):
    left: asyncio.Task[bool] | None = None

    async def aclose(self) -> None:
        await self.venue.aclose()
        self.left = asyncio.create_task(asyncio.Event().wait())


class IsAheadOfTime(Mutant):
    def venue_time(self) -> VenueTime | None:
        said = self.venue.venue_time()
        return None if said is None else VenueTime(said.now + 2_000_000_000, said.uncertainty)
