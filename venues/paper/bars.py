"""Candles of the paper market: a seeded past that ends at the opening price, and what the trades make of it.

One path of prices is drawn backwards, in fine steps near the present and coarse ones long ago; every interval is
aggregated from it, so that all of them agree with each other. Prices are whole ticks and volumes whole lots here.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice

from venues.model import NANOSECONDS, Bar, Instrument
from venues.paper.tables import EXPONENTIAL, GAUSS, SIZE

INTERVALS = (5, 15, 60, 300, 900, 3600, 14400, 86400)  # seconds; each divides the next
HISTORY = 320  # candles of each interval that exist from the first second
KEPT = 1000  # candles of each interval that are remembered
DAY = 86400
_DAY_INTERVAL = 300  # the interval from which the last 24 h are summed
_DAY_BARS = DAY // _DAY_INTERVAL

# start in seconds, then open, high, low and close in ticks, then the volume in lots; a list, updated in place
Candle = list[int]


class CandleSeries:
    """The candles of one instrument in every interval. Times are paper time, in seconds inside."""

    def __init__(self, instrument: Instrument, past: Sequence[Sequence[Candle]]) -> None:
        """`past` is what `past_candles` has drawn: by interval, finest first."""
        if len(past) != len(INTERVALS) or not all(past):
            raise ValueError("a series of candles needs a past of every interval")
        self.instrument = instrument
        self._tick = instrument.tick_size
        self._lot = instrument.lot_size
        self._series: dict[int, deque[Candle]] = {}
        finer: list[Candle] = []
        for interval, older in zip(INTERVALS, past, strict=True):
            finer = [*older, *aggregate(finer, interval)]
            self._series[interval] = deque((candle.copy() for candle in finer[-KEPT:]), KEPT)
        self._day_mark = -1
        self._day: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def last(self) -> Decimal:
        """The newest trade's price."""
        return self._series[INTERVALS[0]][-1][4] * self._tick

    def add_trade(self, ticks: int, lots: int, ts: int) -> None:
        """Adds a trade at `ts` (nanoseconds) to the forming candle of every interval."""
        second = ts // NANOSECONDS
        for interval, series in self._series.items():
            candle = series[-1]
            if second >= candle[0] + interval:
                candle = self._open_candle(series, interval, second, ticks)
            if ticks > candle[2]:
                candle[2] = ticks
            if ticks < candle[3]:
                candle[3] = ticks
            candle[4] = ticks
            candle[5] += lots

    def fetch(self, interval: int, limit: int, now: int) -> tuple[Bar, ...]:
        """Returns the newest candles, oldest first; the last one is forming at `now` (nanoseconds).

        Raises:
            KeyError: there is no such interval.
        """
        series = self._series[interval]
        self._catch_up(series, interval, now // NANOSECONDS)
        first = max(0, len(series) - max(0, limit))
        return tuple(self._bar(candle, interval) for candle in islice(series, first, None))

    def newest(self, interval: int, now: int) -> Bar:
        """Returns the candle that is forming at `now` (nanoseconds)."""
        series = self._series[interval]
        self._catch_up(series, interval, now // NANOSECONDS)
        return self._bar(series[-1], interval)

    def day(self, now: int) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Returns open, high, low and volume of the last 24 h, to the five minutes."""
        series = self._series[_DAY_INTERVAL]
        self._catch_up(series, _DAY_INTERVAL, now // NANOSECONDS)
        newest = series[-1]
        if newest[0] != self._day_mark:
            window = list(islice(series, max(0, len(series) - _DAY_BARS), len(series) - 1)) or [newest]
            closed = window if window[-1] is not newest else []
            self._day_mark = newest[0]
            self._day = (
                window[0][1],
                max((candle[2] for candle in closed), default=newest[2]),
                min((candle[3] for candle in closed), default=newest[3]),
                sum(candle[5] for candle in closed),
            )
        first, high, low, volume = self._day
        return (
            first * self._tick,
            max(high, newest[2]) * self._tick,
            min(low, newest[3]) * self._tick,
            (volume + newest[5]) * self._lot,
        )

    def _open_candle(self, series: deque[Candle], interval: int, second: int, ticks: int) -> Candle:
        start = second - second % interval
        self._catch_up(series, interval, start - interval)
        candle = [start, ticks, ticks, ticks, ticks, 0]
        series.append(candle)
        return candle

    def _catch_up(self, series: deque[Candle], interval: int, second: int) -> None:
        """Fills in the candles in which nothing traded, up to the one that holds `second`."""
        last = series[-1]
        start = second - second % interval
        # More missing ones than are kept would only push each other out.
        following = max(last[0] + interval, start - (KEPT - 1) * interval)
        close = last[4]
        for ts in range(following, start + 1, interval):
            series.append([ts, close, close, close, close, 0])

    def _bar(self, candle: Candle, interval: int) -> Bar:
        tick = self._tick
        return Bar(
            instrument=self.instrument.id,
            interval=interval,
            ts_open=candle[0] * NANOSECONDS,
            open=candle[1] * tick,
            high=candle[2] * tick,
            low=candle[3] * tick,
            close=candle[4] * tick,
            volume=candle[5] * self._lot,
        )


def aggregate(candles: Iterable[Candle], interval: int) -> Iterator[Candle]:
    """Yields candles of `interval` seconds made of finer ones, which come oldest first."""
    current: Candle | None = None
    for candle in candles:
        start = candle[0] - candle[0] % interval
        if current is not None and current[0] == start:
            current[2] = max(current[2], candle[2])
            current[3] = min(current[3], candle[3])
            current[4] = candle[4]
            current[5] += candle[5]
        else:
            if current is not None:
                yield current
            current = [start, *candle[1:]]
    if current is not None:
        yield current


def past_candles(
    rng: random.Random, closing_ticks: int, now: int, daily_volatility: float, lots_per_second: float
) -> list[list[Candle]]:
    """Draws a past that ends at `closing_ticks` in the five seconds that hold `now` (nanoseconds).

    Returns the candles of each interval that are older than those of the finer ones, oldest first: together
    with the finer ones, at least `HISTORY` of each. `daily_volatility` is the standard deviation of a day's
    return, as a fraction.
    """
    past: list[list[Candle]] = []
    draw, exp = rng.random, math.exp
    start = now // NANOSECONDS
    start -= start % INTERVALS[0]
    upper = start + INTERVALS[0]
    close = closing_ticks
    mood = 0.0  # log of the volatility against its mean: it lingers, so that quiet and wild hours come in runs
    for interval, coarser in zip(INTERVALS, (*INTERVALS[1:], INTERVALS[-1]), strict=True):
        lower = start - HISTORY * interval
        lower -= lower % coarser
        scale = daily_volatility * math.sqrt(interval / DAY)
        candles: list[Candle] = []
        for ts in range(upper - interval, lower - 1, -interval):
            mood = 0.97 * mood + 0.12 * GAUSS[int(draw() * SIZE)]
            wildness = exp(mood)
            move = scale * wildness
            opened = max(2, round(close * exp(-move * GAUSS[int(draw() * SIZE)])))
            above, below = (opened, close) if opened > close else (close, opened)
            wick = 0.6 * close * move
            high = above + int(wick * EXPONENTIAL[int(draw() * SIZE)])
            low = max(1, below - int(wick * EXPONENTIAL[int(draw() * SIZE)]))
            lots = lots_per_second * interval * wildness * (0.6 + 0.8 * draw())
            candles.append([ts, opened, high, low, close, int(lots) + 1])
            close = opened
        upper = lower
        candles.reverse()
        past.append(candles)
    return past
