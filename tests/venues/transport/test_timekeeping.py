"""A clock that is told in whole seconds, known more closely than any of its answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.errors import ConnectionLost
from venues.model import NANOSECONDS
from venues.transport.timekeeping import SecondsClock, Timekeeper

NARROW = 20_000_000
FLIGHT = 0.004  # seconds, each way


class Venue:
    """Its clock beside ours, `skew` nanoseconds ahead, and told in whole seconds."""

    def __init__(self, skew: int) -> None:
        self.skew = skew
        self.asked: list[float] = []
        self.is_away = False
        self.told: list[int | None] = []
        self.set_by = 0  # nanoseconds by which our own clock was set
        self.clock = SecondsClock("here", is_corrected=True, wall=self.wall, monotonic=self.steady)

    def steady(self) -> int:
        return round(asyncio.get_running_loop().time() * NANOSECONDS)

    def wall(self) -> int:
        return 1_700_000_000 * NANOSECONDS + 123_456_789 + self.steady() + self.set_by

    async def read(self) -> int:
        self.asked.append(asyncio.get_running_loop().time())
        if self.is_away:
            raise ConnectionLost("here", "away")
        await passes(FLIGHT)
        now = self.wall() - self.set_by + self.skew
        await passes(FLIGHT)
        return now // NANOSECONDS * NANOSECONDS

    def keeper(self, *, every: float = 10.0, tries: int = 6) -> Timekeeper:
        return Timekeeper(self.clock, self.read, self.told.append, every=every, narrow=NARROW, tries=tries)


@asynccontextmanager
async def running(keeper: Timekeeper) -> AsyncIterator[None]:
    task = asyncio.create_task(keeper.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("skew", [0, 7_300_000_000, -2_450_000_000])
def test_the_turn_of_the_second_is_found(skew: int) -> None:
    @in_virtual_time
    async def test() -> None:
        venue = Venue(skew)
        async with running(venue.keeper()):
            await until(lambda: venue.clock.uncertainty is not None)
            assert (venue.clock.uncertainty or 0) > NANOSECONDS // 3  # one answer leaves a second open
            await until(lambda: (venue.clock.uncertainty or NANOSECONDS) <= NARROW, 60)
            time = venue.clock.venue_time()
        assert time is not None
        assert abs(time.now - venue.wall() - skew) <= time.uncertainty
        bounds = venue.clock.bounds
        assert bounds is not None
        assert bounds[0] <= skew <= bounds[1]
        assert venue.told[-1] == venue.clock.smallest_offset

    test()


@in_virtual_time
async def test_no_more_than_so_many_tries_a_round() -> None:
    venue = Venue(300_000_000)
    async with running(venue.keeper(every=1_000.0, tries=2)):
        await passes(60)
        assert len(venue.asked) == 2


@in_virtual_time
async def test_what_is_wanted_comes_at_once_and_a_failure_is_no_end() -> None:
    venue = Venue(0)
    venue.is_away = True
    keeper = venue.keeper(every=100.0)
    async with running(keeper):
        await passes(50)
        assert len(venue.asked) == 1
        venue.is_away = False
        keeper.want()
        await passes(1)
        assert len(venue.asked) > 1
        count = len(venue.asked)
        await until(lambda: len(venue.asked) > count, 150)


@in_virtual_time
async def test_it_is_asked_for_only_where_nothing_is_known() -> None:
    venue = Venue(0)
    keeper = venue.keeper()
    await keeper.known()
    await keeper.known()
    assert len(venue.asked) == 1
    venue.clock.forget()
    venue.is_away = True
    await keeper.known()  # nor is it an error that nobody answers
    assert venue.clock.best is None


@in_virtual_time
async def test_a_clock_that_was_set_forgets_what_it_knew() -> None:
    venue = Venue(0)
    assert await venue.clock.measure(venue.read)
    venue.set_by = 40 * NANOSECONDS  # between two answers: they contradict each other
    assert not await venue.clock.measure(venue.read)
    bounds = venue.clock.bounds  # the newer answer alone counts
    assert bounds is not None
    assert bounds[0] <= -40 * NANOSECONDS <= bounds[1]

    async def read() -> int:
        venue.set_by += NANOSECONDS  # while it was asked
        return await venue.read()

    assert not await venue.clock.measure(read)
    assert venue.clock.bounds is None
    assert (venue.clock.as_of(), venue.clock.now_if_known(), venue.clock.venue_time()) == (0, 0, None)


@in_virtual_time
async def test_what_is_read_from_now_on_was_true_at_a_moment_that_is_over() -> None:
    venue = Venue(5 * NANOSECONDS)
    await venue.clock.measure(venue.read)
    assert venue.clock.as_of() <= venue.wall() + venue.skew
    assert venue.clock.now_if_known() == venue.clock.now()
