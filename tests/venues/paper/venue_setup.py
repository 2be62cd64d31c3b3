"""A paper venue with a listener on its events, for the tests of its port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TypeVar

from venues.commands import Channel, OrderRequest, Subscription
from venues.events import BookDelta, BookSnapshot, Event, Level
from venues.model import InstrumentId, OrderType, Side
from venues.paper.venue import PaperVenue, Settings

BTC = InstrumentId("paper", "BTC-USDT")
BTC_PERP = InstrumentId("paper", "BTC-PERP")
ETH_PERP = InstrumentId("paper", "ETH-PERP")
ACCOUNT = Subscription(Channel.ACCOUNT)
PATIENCE = 20.0  # seconds: only a failure waits that long

Kind = TypeVar("Kind", bound=Event)


class Listener:
    """Consumes a venue's events and lets a test wait for what it expects of them."""

    def __init__(self, venue: PaperVenue) -> None:
        self.venue = venue
        self.events: list[Event] = []
        self.is_over = False
        self._news = asyncio.Condition()
        self.task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        try:
            async for batch in self.venue.events():
                assert batch
                async with self._news:
                    self.events += batch
                    self._news.notify_all()
        finally:
            self.is_over = True
            async with self._news:
                self._news.notify_all()

    async def until(self, is_true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._news:
            while not is_true():
                assert not self.is_over, "the events ended before what was waited for"
                await self._news.wait()

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def desk(settings: Settings | None = None, *subscriptions: Subscription) -> AsyncIterator[Listener]:
    """An open venue that is closed afterwards, and listened to until its very end."""
    venue = PaperVenue(settings or Settings())
    for subscription in subscriptions:
        await venue.subscribe(subscription)
    await venue.connect()
    listener = Listener(venue)
    try:
        yield listener
    finally:
        await venue.aclose()
        async with asyncio.timeout(PATIENCE):
            await listener.task


class LocalBook:
    """A book kept from events alone: it asserts that nothing is missing between them."""

    def __init__(self, instrument: InstrumentId) -> None:
        self.instrument = instrument
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.sequence = -1
        self.snapshots = 0

    def apply(self, event: Event) -> None:
        if isinstance(event, BookSnapshot) and event.instrument == self.instrument:
            self.bids, self.asks = dict(event.bids), dict(event.asks)
            self.sequence = event.sequence
            self.snapshots += 1
        elif isinstance(event, BookDelta) and event.instrument == self.instrument:
            assert self.snapshots, "a delta came before the first snapshot"
            assert event.previous == self.sequence
            self.sequence = event.sequence
            for side, levels in ((self.bids, event.bids), (self.asks, event.asks)):
                for price, quantity in levels:
                    if Decimal(quantity):
                        side[price] = quantity
                    else:
                        del side[price]

    def levels(self) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        bids = sorted(self.bids.items(), key=lambda level: -Decimal(level[0]))
        return tuple(bids), tuple(sorted(self.asks.items(), key=lambda level: Decimal(level[0])))


def limit(client_order_id: str, side: Side, price: Decimal, quantity: str = "0.01") -> OrderRequest:
    return OrderRequest(
        instrument=BTC_PERP,
        client_order_id=client_order_id,
        side=side,
        type=OrderType.LIMIT,
        quantity=Decimal(quantity),
        price=price,
    )


def market(client_order_id: str, side: Side, quantity: str = "0.01") -> OrderRequest:
    return OrderRequest(
        instrument=BTC_PERP,
        client_order_id=client_order_id,
        side=side,
        type=OrderType.MARKET,
        quantity=Decimal(quantity),
    )
