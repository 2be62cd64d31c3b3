"""The venue's clock, by the Date of its answers; until one is known, by what pushes say of themselves."""

from __future__ import annotations

import pytest

from tests.venues.mayex.scripted_mayex import client_at
from venues.errors import DecodeError
from venues.mayex import VENUE
from venues.mayex.timekeeping import DateClock, make_timekeeper
from venues.model import NANOSECONDS

SECOND = NANOSECONDS


class Venue:
    """Its clock `ahead` of ours by seconds, and a Date that it writes down once in `every` seconds."""

    def __init__(self, ahead: float, every: float = 1.0) -> None:
        self.ahead = round(ahead * SECOND)
        self.every = round(every * SECOND)
        self.passed = 0
        self.clock = DateClock(VENUE, is_corrected=True, wall=self.wall, monotonic=lambda: self.passed)

    def wall(self) -> int:
        return 1_700_000_000 * SECOND + 250_000_000 + self.passed

    async def time(self) -> int:
        self.passed += 4_000_000
        written = (self.wall() + self.ahead) // self.every * self.every
        self.passed += 4_000_000
        return written // SECOND * SECOND


@pytest.mark.parametrize("every", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("ahead", [0.0, -3.4, 7.7])
async def test_the_truth_is_within_what_is_known_however_old_the_date_is(ahead: float, every: float) -> None:
    venue, told = Venue(ahead, every), list[int | None]()
    keeper = make_timekeeper(venue.clock, venue, told.append)
    for _ in range(8):
        venue.clock.forget()
        await keeper.known()
        said = venue.clock.venue_time()
        assert said is not None and said.uncertainty <= SECOND + 4_000_000
        assert abs(said.now - (venue.wall() + venue.ahead)) <= said.uncertainty
        assert (told[-1] == 0) == (ahead == 0.0)
        venue.passed += 61 * SECOND + 170_000_000
    for _ in range(8):
        await venue.clock.measure(venue.time)
        venue.passed += 61 * SECOND + 170_000_000
    assert abs(venue.clock.now() - (venue.wall() + venue.ahead)) <= (venue.clock.uncertainty or 0) <= SECOND
    assert venue.clock.until_turn == 0.0


async def test_pushes_tell_how_far_the_clocks_are_apart_and_prove_nothing() -> None:
    venue = Venue(5.0)
    known = [venue.clock.offset]
    for late in (300, 20, 900):
        venue.clock.hear(venue.wall() + venue.ahead - late * 1_000_000, venue.wall())
        known.append(venue.clock.offset)
    assert known == [None, 4_700_000_000, 4_980_000_000, 4_980_000_000]
    assert venue.clock.venue_time() is None and venue.clock.smallest_offset is None
    assert await venue.clock.measure(venue.time)
    assert abs(venue.clock.now() - (venue.wall() + venue.ahead)) <= SECOND + 4_000_000


async def test_the_date_is_that_of_an_answer() -> None:
    async with client_at(has_key=False) as (client, venue):
        venue.answer({"status": 0, "data": []}, Date="Tue, 14 Nov 2023 22:13:20 GMT")
        assert await client.time() == 1_700_000_000 * SECOND
    async with client_at(has_key=False) as (client, venue):
        venue.data([])
        with pytest.raises(DecodeError):
            await client.time()
