"""The venue at a scripted CoinEx, with everything that it told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from tests.venues.coinex.scripted_coinex import TIME_MS, ScriptedRest, ScriptedStream
from tests.venues.transport.stream_rig import open_descriptors, until
from venues.book import Book
from venues.coinex.venue import CoinexVenue, Settings
from venues.commands import Channel, Subscription
from venues.events import BookDelta, BookSnapshot, Event, LinkState, Notice, StreamStatus
from venues.model import InstrumentId
from venues.port import Credentials

T = TypeVar("T")

BTC, ETH, CET = (InstrumentId("coinex", symbol) for symbol in ("BTCUSDT", "ETHUSDT", "CETUSDT"))
KEY = Credentials("ACCESS_TEST", "SECRET_TEST")
BOOK = Subscription(Channel.BOOK, BTC)
ACCOUNT = Subscription(Channel.ACCOUNT)


class VenueRig:
    """The venue, its consumer and what it told; `books` follows the events alone, without any checksum."""

    def __init__(self, stream: ScriptedStream, rest: ScriptedRest, **settings: Any) -> None:
        self.stream = stream
        self.rest = rest
        self.events: list[Event] = []
        self.batches: list[int] = []
        self.books: dict[InstrumentId, Book] = {}
        self.pace = asyncio.Event()  # unset: nothing is taken
        self.pace.set()
        given: dict[str, Any] = {"rest_url": rest.origin, "ws_url": stream.url, "seed": 4} | settings
        self.venue = CoinexVenue(Settings(**given), wall=self.wall, monotonic=asyncio.get_running_loop().time)
        self.follow()

    def follow(self) -> None:
        """Begins to take what is told."""
        self._consumer = asyncio.create_task(self._consume())

    def wall(self) -> int:
        """Our clock: the loop's seconds after the venue's beginning."""
        return TIME_MS * 1_000_000 + round(asyncio.get_running_loop().time() * 1e9)

    def of(self, kind: type[T]) -> list[T]:
        """Returns the events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def states(self) -> list[LinkState]:
        """The states that were told, each once in a row."""
        told = [status.state for status in self.of(StreamStatus)]
        return [state for at, state in enumerate(told) if at == 0 or told[at - 1] is not state]

    @property
    def state(self) -> LinkState:
        return self.of(StreamStatus)[-1].state

    @property
    def notices(self) -> list[str]:
        return [notice.text for notice in self.of(Notice)]

    async def _consume(self) -> None:
        async for batch in self.venue.events():
            assert batch
            self.batches.append(len(batch))
            self.events += batch
            for event in batch:
                if isinstance(event, BookSnapshot | BookDelta):
                    book = self.books.setdefault(event.instrument, Book(event.instrument))
                    book.apply(event)
            await self.pace.wait()

    async def aclose(self) -> None:
        self.pace.set()
        await self.venue.aclose()
        await self._consumer


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
