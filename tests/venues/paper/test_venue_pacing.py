"""The paper clock against the wall's, with both clocks in the test's hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from tests.venues.paper.venue_setup import BTC_PERP, PATIENCE, Listener, LocalBook, market
from venues.commands import Channel, Subscription
from venues.events import BookDelta, Event, Notice, StreamStatus, Trade
from venues.model import NANOSECONDS, Side
from venues.paper.venue import PaperVenue, Settings

WALL = 1_700_000_000 * NANOSECONDS
BOOK = Subscription(Channel.BOOK, BTC_PERP)
TRADES = Subscription(Channel.TRADES, BTC_PERP)


class Time:
    """A wall and a monotonic clock that go on only while somebody sleeps, or when the test says so."""

    def __init__(self, per_look: int = 0) -> None:
        self.passed = 0
        self.sleeps = 0
        self._awaited: list[tuple[Callable[[], bool], asyncio.Event]] = []
        self._suspended = 0
        self._per_look = per_look

    def wall(self) -> int:
        return WALL + self._suspended + self.passed

    def monotonic(self) -> int:
        self.passed += self._per_look
        return self.passed

    def suspend(self, duration: int) -> None:
        self._suspended += duration

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        self.passed += int(seconds * NANOSECONDS)
        for is_true, event in self._awaited:
            if is_true():
                event.set()
        await asyncio.sleep(0)

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Waits for something that is looked at in each sleep."""
        event = asyncio.Event()
        self._awaited.append((is_true, event))
        async with asyncio.timeout(PATIENCE):
            await event.wait()
        self._awaited.remove((is_true, event))

    async def until_passed(self, moment: int) -> None:
        await self.until(lambda: self.passed >= moment)

    async def until_slept(self, count: int) -> None:
        await self.until(lambda: self.sleeps >= count)


def venue_at(time: Time, settings: Settings) -> PaperVenue:
    return PaperVenue(settings, clock=time.wall, monotonic=time.monotonic, sleep=time.sleep)


async def told_until(time: Time, until: int) -> list[Event]:
    """Returns the market events of the first `until` nanoseconds of paper time."""
    venue = venue_at(time, Settings(seed=3, rate=500, start=WALL, latency_ms=0))
    for subscription in (BOOK, TRADES):
        await venue.subscribe(subscription)
    await venue.connect()
    listener = Listener(venue)
    await listener.until(lambda: any(e.ts_event > WALL + until for e in listener.of(BookDelta)))
    await venue.aclose()
    await listener.task
    return [e for e in listener.events if isinstance(e, BookDelta | Trade) and e.ts_event <= WALL + until]


async def test_the_pace_of_the_wall_changes_no_byte() -> None:
    smooth, late = Time(), Time(per_look=3_000_000)
    first = msgspec.json.encode(await told_until(smooth, 4 * NANOSECONDS))
    second = msgspec.json.encode(await told_until(late, 4 * NANOSECONDS))
    assert len(first) > 10_000
    assert first == second


async def test_paper_time_follows_the_wall_and_speed_scales_it() -> None:
    for speed in (1.0, 4.0):
        time = Time()
        venue = venue_at(time, Settings(speed=speed, start=WALL))
        await venue.connect()
        await time.until_passed(5 * NANOSECONDS)
        now = (await venue.fetch_tickers([BTC_PERP]))[0].ts_event
        assert now - WALL == pytest.approx(speed * time.passed, abs=speed * 0.05 * NANOSECONDS)
        await venue.aclose()


async def test_the_time_that_opening_takes_is_lived_through() -> None:
    time = Time()
    looks = iter([WALL - 400_000_000])  # the first look at the clock is before the market is opened
    venue = PaperVenue(
        Settings(rate=500), clock=lambda: next(looks, time.wall()), monotonic=time.monotonic, sleep=time.sleep
    )
    await venue.connect()
    listener = Listener(venue)
    await time.until_passed(3 * NANOSECONDS)
    offsets = [status.clock_offset for status in listener.of(StreamStatus) if status.clock_offset is not None]
    assert len(offsets) >= 2
    assert all(abs(offset) <= 20_000_000 for offset in offsets), offsets
    await venue.aclose()
    await listener.task


async def test_a_late_market_is_moved_more_slowly_and_skips_nothing() -> None:
    time = Time()
    venue = venue_at(time, Settings(rate=1000))
    await venue.subscribe(BOOK)
    await venue.connect()
    listener = Listener(venue)
    await time.until_passed(NANOSECONDS)
    time.passed += 30 * NANOSECONDS  # the process was stopped
    await listener.until(lambda: listener.of(StreamStatus)[-1].ts_event > WALL + 3 * NANOSECONDS)
    offset = listener.of(StreamStatus)[-1].clock_offset
    assert offset is not None
    assert -31 * NANOSECONDS < offset < -27 * NANOSECONDS
    book = LocalBook(BTC_PERP)
    for event in listener.events:
        book.apply(event)
    assert book.snapshots == 1
    await venue.aclose()
    await listener.task


async def test_a_suspended_machine_finds_the_market_in_the_present() -> None:
    time = Time()
    venue = venue_at(time, Settings(rate=1000))
    await venue.subscribe(BOOK)
    await venue.connect()
    listener = Listener(venue)
    await venue.submit_order(market("p1", Side.BUY))
    before = listener.events[-1] if listener.events else None
    time.suspend(9 * 3600 * NANOSECONDS)
    await listener.until(lambda: any("540 min" in notice.text for notice in listener.of(Notice)))
    await listener.until(lambda: listener.events[-1] is not before and bool(listener.of(BookDelta)))
    ticker = (await venue.fetch_tickers([BTC_PERP]))[0]
    assert abs(ticker.ts_event - time.wall()) < NANOSECONDS
    position = (await venue.fetch_positions())[0]
    assert position.funding != 0  # eight hours passed: it was paid
    assert len(await venue.fetch_bars(BTC_PERP, 60, 1000)) >= 320 + 540
    await venue.aclose()
    await listener.task


async def test_a_slice_is_bounded_however_much_is_due() -> None:
    time = Time(per_look=1_000_000)  # as if 32 actions took a millisecond
    venue = venue_at(time, Settings(rate=5000, start=WALL, speed=1000))
    await venue.subscribe(BOOK)
    await venue.connect()
    session = venue._session
    assert session is not None
    made: list[int] = []
    sequence, sleeps = session.exchange.snapshot(BTC_PERP, 0).sequence, time.sleeps
    while len(made) < 50:
        await time.until_slept(sleeps + 1)
        now = session.exchange.snapshot(BTC_PERP, 0).sequence
        made.append((now - sequence) // (time.sleeps - sleeps))
        sequence, sleeps = now, time.sleeps
    assert 0 < max(made) <= 9 * 32
    await venue.aclose()
