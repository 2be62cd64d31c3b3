"""The venue at a scripted MAX, with everything that it told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from itertools import count
from typing import Any

from tests.venues.max.client_rig import shared_tls
from tests.venues.max.scripted_max import KEY, SECRET
from tests.venues.max.scripted_venue import TIME_MS, RoutedRest, ScriptedStream, order_row, user, user_order
from tests.venues.transport.stream_rig import open_descriptors, until
from tests.venues.transport.venue_rig import Consumer
from venues.commands import Channel, OrderRequest, Subscription
from venues.max.venue import MaxVenue, Settings
from venues.model import InstrumentId, OrderType, Side
from venues.port import Credentials, Departure

BTC, ETH, USDT = (InstrumentId("max", symbol) for symbol in ("BTCTWD", "ETHTWD", "USDTTWD"))
CREDENTIALS = Credentials(KEY, SECRET)
BOOK = Subscription(Channel.BOOK, BTC)
ACCOUNT = Subscription(Channel.ACCOUNT)


class VenueRig(Consumer[MaxVenue]):
    """The venue at both halves of a scripted MAX."""

    def __init__(self, stream: ScriptedStream, rest: RoutedRest, **settings: Any) -> None:
        super().__init__(TIME_MS * 1_000_000)
        self.stream = stream
        self.rest = rest
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
        self.follow()

    async def depart(self, departure: Departure) -> None:
        self.departures.append(departure)


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
