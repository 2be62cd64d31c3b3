"""The venue at a scripted MAX, with everything that it told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from tests.venues.max.client_rig import shared_tls
from tests.venues.max.scripted_max import KEY, SECRET
from tests.venues.max.scripted_venue import TIME_MS, RoutedRest, ScriptedStream, order_row, user, user_order
from tests.venues.transport.stream_rig import open_descriptors, until
from venues.book import Book
from venues.commands import Channel, OrderRequest, Subscription
from venues.events import BookDelta, BookSnapshot, Event, FillUpdate, LinkState, Notice, OrderUpdate, StreamStatus
from venues.max.venue import MaxVenue, Settings
from venues.model import Fill, InstrumentId, Order, OrderType, Side
from venues.port import Credentials, Departure

T = TypeVar("T")

BTC, ETH, USDT = (InstrumentId("max", symbol) for symbol in ("BTCTWD", "ETHTWD", "USDTTWD"))
CREDENTIALS = Credentials(KEY, SECRET)
BOOK = Subscription(Channel.BOOK, BTC)
ACCOUNT = Subscription(Channel.ACCOUNT)


class VenueRig:
    """The venue, its consumer and what it told; `books` follows the events alone."""

    def __init__(self, stream: ScriptedStream, rest: RoutedRest, **settings: Any) -> None:
        self.stream = stream
        self.rest = rest
        self.events: list[Event] = []
        self.books: dict[InstrumentId, Book] = {}
        self.departures: list[Departure] = []
        numbers = count(TIME_MS + 10)
        given: dict[str, Any] = {"rest_url": rest.origin, "ws_url": stream.url, "seed": 4} | settings
        self.venue = MaxVenue(
            Settings(**given),
            tls=shared_tls(),
            nonces=lambda: next(numbers),
            wall=self.wall,
            monotonic=asyncio.get_running_loop().time,
        )
        self._consumer = asyncio.create_task(self._consume())

    def wall(self) -> int:
        """Our clock: the loop's seconds after the venue's beginning."""
        return TIME_MS * 1_000_000 + round(asyncio.get_running_loop().time() * 1e9)

    def of(self, kind: type[T]) -> list[T]:
        """Returns the events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def orders(self) -> list[Order]:
        return [event.order for event in self.of(OrderUpdate)]

    @property
    def fills(self) -> list[Fill]:
        return [event.fill for event in self.of(FillUpdate)]

    @property
    def state(self) -> LinkState:
        return self.of(StreamStatus)[-1].state

    @property
    def notices(self) -> list[str]:
        return [notice.text for notice in self.of(Notice)]

    async def depart(self, departure: Departure) -> None:
        self.departures.append(departure)

    async def _consume(self) -> None:
        async for batch in self.venue.events():
            assert batch
            self.events += batch
            for event in batch:
                if isinstance(event, BookSnapshot | BookDelta):
                    self.books.setdefault(event.instrument, Book(event.instrument)).apply(event)

    async def aclose(self) -> None:
        await self.venue.aclose()
        await self._consumer


@asynccontextmanager
async def connected(
    *, connects: bool = True, has_key: bool = False, account: bool = False, **settings: Any
) -> AsyncIterator[VenueRig]:
    """Gives a venue at a scripted MAX; nothing is left of either."""
    before = open_descriptors()
    async with AsyncExitStack() as stack:
        stream, rest = ScriptedStream(), RoutedRest()
        await stack.enter_async_context(stream)
        await stack.enter_async_context(rest)
        if has_key or account:
            settings["credentials"] = CREDENTIALS
        rig = VenueRig(stream, rest, **settings)
        stack.push_async_callback(rig.aclose)
        if connects:
            await rig.venue.connect()
            await until(rig.venue.venue_time)
        if account:
            await rig.venue.subscribe(ACCOUNT)
        yield rig
    await until(lambda: len(asyncio.all_tasks()) == 1 and open_descriptors() == before)


def request_for(kind: OrderType = OrderType.LIMIT, **changes: Any) -> OrderRequest:
    fields: dict[str, Any] = {
        "instrument": BTC, "client_order_id": "s1", "side": Side.BUY, "type": kind, "quantity": Decimal(1),
    }  # fmt: skip
    if kind.has_price:
        fields["price"] = Decimal(30_000)
    if kind.has_trigger:
        fields["trigger_price"] = Decimal(31_000)
    return OrderRequest(**fields | changes)


def books_orders(rig: VenueRig, **changes: Any) -> None:
    """Has orders accepted, and told of by the stream a moment later."""

    def place(call: Any) -> dict[str, Any]:
        told = {"ci": call.parameters["client_oid"], **changes}
        asyncio.get_running_loop().call_later(0.01, rig.stream.push, user("order_update", "o", user_order(**told)))
        return order_row(client_oid=call.parameters["client_oid"])

    rig.rest.on("POST /wallet/spot/order", place)
