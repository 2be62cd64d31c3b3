"""The venue at a scripted CoinEx, with everything that it told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tests.venues.coinex.scripted_coinex import TIME_MS, ScriptedRest, ScriptedStream
from tests.venues.transport.stream_rig import open_descriptors, until
from tests.venues.transport.venue_rig import Consumer
from venues.coinex.venue import CoinexVenue, Settings
from venues.commands import Channel, Subscription
from venues.model import InstrumentId
from venues.port import Credentials

BTC, ETH, CET = (InstrumentId("coinex", symbol) for symbol in ("BTCUSDT", "ETHUSDT", "CETUSDT"))
KEY = Credentials("ACCESS_TEST", "SECRET_TEST")
BOOK = Subscription(Channel.BOOK, BTC)
ACCOUNT = Subscription(Channel.ACCOUNT)


class VenueRig(Consumer[CoinexVenue]):
    """The venue at both halves of a scripted CoinEx."""

    def __init__(self, stream: ScriptedStream, rest: ScriptedRest, **settings: Any) -> None:
        super().__init__(TIME_MS * 1_000_000)
        self.stream = stream
        self.rest = rest
        given: dict[str, Any] = {"rest_url": rest.origin, "ws_url": stream.url, "seed": 4} | settings
        self.venue = CoinexVenue(Settings(**given), wall=self.wall, monotonic=asyncio.get_running_loop().time)
        self.follow()


@asynccontextmanager
async def connected(*, connects: bool = True, **settings: Any) -> AsyncIterator[VenueRig]:
    """Gives a venue at a scripted CoinEx; nothing is left of either."""
    before = open_descriptors()
    async with AsyncExitStack() as stack:
        stream = await stack.enter_async_context(ScriptedStream())
        rest = await stack.enter_async_context(ScriptedRest())
        rig = VenueRig(stream, rest, **settings)
        stack.push_async_callback(rig.aclose)
        if connects:
            await rig.venue.connect()
        yield rig
    await until(lambda: len(asyncio.all_tasks()) == 1 and open_descriptors() == before)
