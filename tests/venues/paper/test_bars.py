"""Candles: the invented past, and what trades make of it."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import pairwise

import pytest

from venues.model import NANOSECONDS, Bar
from venues.paper.bars import DAY, HISTORY, INTERVALS, KEPT, CandleSeries, past_candles
from venues.paper.instruments import listings

NOW = 1_700_000_003 * NANOSECONDS + 123
LISTING = listings()[0]
TICK, LOT = LISTING.instrument.tick_size, LISTING.instrument.lot_size
CLOSING = int(LISTING.opening_price / TICK)


def series(seed: int = 1) -> CandleSeries:
    return CandleSeries(LISTING.instrument, past_candles(random.Random(seed), CLOSING, NOW, 0.02, 50.0))


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_full_past_is_there_from_the_first_second(interval: int) -> None:
    bars = series().fetch(interval, 10_000, NOW)
    assert 300 <= HISTORY <= len(bars) <= KEPT
    assert bars[-1].close == LISTING.opening_price
    assert bars[-1].ts_open <= NOW < bars[-1].ts_open + interval * NANOSECONDS
    for before, after in pairwise(bars):
        assert after.ts_open - before.ts_open == interval * NANOSECONDS
        assert after.open == before.close
    for bar in bars:
        assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.volume > 0
        assert bar.ts_open % (interval * NANOSECONDS) == 0


@pytest.mark.parametrize(("fine", "coarse"), list(pairwise(INTERVALS)))
def test_intervals_agree_with_each_other(fine: int, coarse: int) -> None:
    candles = series()
    rng = random.Random(2)
    now = NOW
    for _ in range(500):
        now += rng.randrange(3 * NANOSECONDS)
        candles.add_trade(CLOSING + rng.randrange(-50, 50), rng.randrange(1, 9), now)
    fines = candles.fetch(fine, 10_000, now)
    parts: dict[int, list[Bar]] = {}
    for bar in fines:
        parts.setdefault(bar.ts_open // (coarse * NANOSECONDS), []).append(bar)
    compared = 0
    for whole in candles.fetch(coarse, 10_000, now):
        inside = parts.get(whole.ts_open // (coarse * NANOSECONDS), [])
        if not inside or inside[0].ts_open != whole.ts_open:
            continue  # the fine ones do not reach back that far
        compared += 1
        assert (whole.open, whole.close) == (inside[0].open, inside[-1].close)
        assert whole.high == max(bar.high for bar in inside)
        assert whole.low == min(bar.low for bar in inside)
        assert whole.volume == sum(bar.volume for bar in inside)
    assert compared >= HISTORY // (coarse // fine) - 1


def test_trades_form_the_newest_candle_and_time_opens_the_next() -> None:
    candles = series()
    start = (NOW // (60 * NANOSECONDS) + 1) * 60 * NANOSECONDS
    for ticks, lots in ((CLOSING + 10, 3), (CLOSING - 10, 4), (CLOSING + 5, 5)):
        candles.add_trade(ticks, lots, start + 7)
    newest = candles.newest(60, start + 30 * NANOSECONDS)
    assert newest.ts_open == start
    assert (newest.open, newest.high) == ((CLOSING + 10) * TICK, (CLOSING + 10) * TICK)
    assert (newest.low, newest.close) == ((CLOSING - 10) * TICK, (CLOSING + 5) * TICK)
    assert newest.volume == 12 * LOT
    flat = candles.newest(60, start + 200 * NANOSECONDS)
    assert flat.ts_open == start + 180 * NANOSECONDS
    assert {flat.open, flat.high, flat.low, flat.close} == {(CLOSING + 5) * TICK}
    assert flat.volume == 0
    assert candles.last == (CLOSING + 5) * TICK


def test_a_long_silence_keeps_memory_bounded() -> None:
    candles = series()
    later = NOW + 400 * DAY * NANOSECONDS
    candles.add_trade(CLOSING, 1, later)
    for interval in INTERVALS:
        bars = candles.fetch(interval, 10_000, later)
        assert len(bars) <= KEPT
        assert bars[-1].volume == LOT
        assert [b.ts_open - a.ts_open for a, b in pairwise(bars)] == ([interval * NANOSECONDS] * (len(bars) - 1))


def test_the_day_is_what_its_candles_say_and_follows_trades() -> None:
    candles = series()
    opened, high, low, volume = candles.day(NOW)
    day = candles.fetch(300, DAY // 300, NOW)
    assert opened == day[0].open
    assert (high, low) == (max(bar.high for bar in day), min(bar.low for bar in day))
    assert volume == sum(bar.volume for bar in day)
    candles.add_trade(CLOSING * 2, 7, NOW + 1)
    assert candles.day(NOW + 1) == (opened, CLOSING * 2 * TICK, low, volume + 7 * LOT)


def test_the_past_is_the_seeds_own() -> None:
    assert series(1).fetch(900, 50, NOW) == series(1).fetch(900, 50, NOW)
    assert series(1).fetch(900, 50, NOW) != series(2).fetch(900, 50, NOW)


def test_an_interval_that_there_is_not_and_an_empty_past_are_refused() -> None:
    with pytest.raises(KeyError):
        series().fetch(7, 10, NOW)
    with pytest.raises(ValueError, match="past"):
        CandleSeries(LISTING.instrument, [])


def test_the_limit_counts_from_the_newest() -> None:
    candles = series()
    assert candles.fetch(60, 5, NOW) == candles.fetch(60, 100, NOW)[-5:]
    assert candles.fetch(60, 0, NOW) == ()
    assert isinstance(candles.fetch(60, 1, NOW)[0].open, Decimal)
