"""Books that break by the dozen: what the exchange counts of the connection, and that all of them are mended.

The adapter and the local exchange share the loop's virtual time, so that its minutes are real ones for both.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.venues.max.client_rig import shared_tls
from tests.venues.max.fifty_books import BOOKS, FIFTY, PER_MINUTE, PER_SECOND, Stir
from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.book import Book
from venues.commands import Channel, Subscription
from venues.events import LinkState, StreamStatus
from venues.max.venue import MaxVenue, Settings
from venues.model import InstrumentId
from venues.simulators.faults import Faults
from venues.simulators.max.exchange import MaxSimulator, create
from venues.simulators.port import SimulatorSettings
from venues.simulators.serving import Practice, serving_simulator

_BEGINNING = 1_700_000_000_000_000_000  # nanoseconds UTC
_PATIENCE = 16.0  # seconds: the longest pause, what a full book may take, and the looks between


class LoopClock:
    """The loop's own time."""

    def time_ns(self) -> int:
        return _BEGINNING + round(asyncio.get_running_loop().time() * 1e9)

    async def sleep(self, seconds: float) -> None:
        await passes(seconds)


class Storm:
    """The exchange with its fifty books, and the adapter that follows them."""

    def __init__(self, simulator: MaxSimulator, practice: Practice, clock: LoopClock) -> None:
        self.simulator = simulator
        self.faults = simulator.faults
        self.stir = Stir(simulator.market)
        self.names = list(simulator.market.instruments)
        self.states: list[LinkState] = []
        self.venue = MaxVenue(
            Settings(rest_url=practice.rest_url, ws_url=practice.ws_url, seed=4),
            tls=shared_tls(),
            wall=clock.time_ns,
            monotonic=asyncio.get_running_loop().time,
        )
        self._consumer = asyncio.create_task(self._consume())

    async def open(self) -> None:
        await self.venue.connect()
        await self.venue.fetch_instruments()
        wanted = [Subscription(Channel.BOOK, InstrumentId("max", name)) for name in self.names]
        await asyncio.gather(*map(self.venue.subscribe, wanted))
        await until(self.is_true)

    @property
    def books(self) -> list[Book]:
        found = [self.venue.book(InstrumentId("max", name)) for name in self.names]
        return [book for book in found if book is not None]

    @property
    def found(self) -> int:
        """Books that were found broken, each as often as it was."""
        return self.venue._market.books.faults

    @property
    def sent(self) -> dict[str, int]:
        """What the exchange has counted of its only connection."""
        (row,) = self.simulator.publisher.rows()
        return row

    def is_true(self) -> bool:
        """Whether every book can be read, and is the exchange's own."""
        market = self.simulator.market
        for name, book in zip(self.names, self.books, strict=True):
            if not book.is_valid or [_floats(side) for side in book.top(BOOKS)] != [
                _floats(list(side)[:BOOKS]) for side in market.book(name)
            ]:
                return False
        return True

    async def rages(self, seconds: float, every: float) -> None:
        """Has all books change now and then."""
        for _ in range(round(seconds / every)):
            self.stir()
            await passes(every)

    async def calms(self) -> float:
        """Heals the exchange, lets a last change show what is missing; returns the seconds until all is right."""
        began = asyncio.get_running_loop().time()
        self.faults.heal()
        self.stir()
        await until(self.is_true, 60)
        return asyncio.get_running_loop().time() - began

    async def aclose(self) -> None:
        await self.venue.aclose()
        await self._consumer

    async def _consume(self) -> None:
        async for batch in self.venue.events():
            self.states += [event.state for event in batch if isinstance(event, StreamStatus)]


def _floats(levels: list[tuple[str, str]]) -> list[tuple[float, float]]:
    return [(float(price), float(volume)) for price, volume in levels]


@asynccontextmanager
async def storm() -> AsyncIterator[Storm]:
    clock = LoopClock()
    simulator = create(SimulatorSettings(seed=5, rate=0, symbols=FIFTY), Faults(""), clock=clock)
    async with serving_simulator(simulator) as practice:
        opened = Storm(simulator, practice, clock)
        try:
            await opened.open()
            yield opened
            assert set(opened.states) <= {LinkState.LIVE, LinkState.STALE}  # never closed, and never banned
        finally:
            await opened.aclose()


@in_virtual_time
async def test_fifty_gaps_in_one_moment_are_mended_by_two_messages() -> None:
    async with storm() as raging:
        assert len(raging.books) == BOOKS
        before = raging.sent
        raging.faults.switch(f"gap:1*{BOOKS}")
        await raging.rages(0.2, 0.2)
        assert raging.faults.done("gap") == BOOKS
        assert raging.found == 0  # until the next change shows that one is missing
        raging.stir()
        await until(lambda: raging.found == BOOKS)
        assert await raging.calms() < 1
        assert raging.sent["messages"] == before["messages"] + 2  # the end and the beginning of all fifty


@in_virtual_time
async def test_minutes_of_gaps_stay_within_what_a_connection_may_send() -> None:
    async with storm() as raging:
        raging.faults.switch("gap:0.4")
        await raging.rages(120, 2.0)
        sent = raging.sent
        assert raging.found > 5 * BOOKS
        assert sent["messages"] > 20
        assert sent["most_a_second"] <= PER_SECOND
        assert sent["most_a_minute"] <= PER_MINUTE // 5  # two a round, after 1, 2, 4, 8 and then every 10 s
        assert await raging.calms() < _PATIENCE


@in_virtual_time
async def test_minutes_of_refusals_too() -> None:
    """Of what is refused the parts are asked for: a hundred messages each time, were they not held back."""
    async with storm() as raging:
        raging.faults.switch("gap:0.4,subscribe-refused")
        await raging.rages(100, 2.0)
        sent = raging.sent
        assert sent["messages"] > 1 * PER_MINUTE
        assert sent["most_a_second"] <= PER_SECOND * 4 // 5  # the rest is kept for what is no subscription
        assert sent["most_a_minute"] <= PER_MINUTE * 4 // 5
        await raging.calms()
