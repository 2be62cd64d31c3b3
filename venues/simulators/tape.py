"""What one market has traded: the newest trades, candles, and the summary of a day."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cached_property, partial
from itertools import islice
from typing import NamedTuple

from venues.events import Trade
from venues.model import NANOSECONDS, ZERO, Bar, Instrument
from venues.paper.bars import DAY, INTERVALS, CandleSeries, past_candles
from venues.paper.instruments import Listing

TRADES_KEPT = 1_000
_TRADED_SHARE = 0.05  # of a typical resting order, by message: what the crowd trades in the mean


class Day(NamedTuple):
    """A market's summary over a period, in base units but for `value`, which is an estimate in quote units."""

    open: Decimal
    last: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    value: Decimal
    buy_total: Decimal  # what all bids add up to now
    sell_total: Decimal


class Tape:
    """Trades and candles of one instrument, on a past that is drawn from the seed."""

    def __init__(self, listing: Listing, *, seed: int, rate: float, start: int) -> None:
        self.instrument: Instrument = listing.instrument
        self._trades: deque[Trade] = deque(maxlen=TRADES_KEPT)
        self._opening = int(listing.opening_price / self.instrument.tick_size)
        self._draw_past = partial(
            past_candles, random.Random(f"{seed}:past:{listing.coin}"), self._opening, start,
            listing.daily_volatility, rate * listing.typical_lots * _TRADED_SHARE,
        )  # fmt: skip

    @cached_property
    def _series(self) -> CandleSeries:
        """The candles, drawn when they are first asked for: they are half of the work of an opening."""
        series = CandleSeries(self.instrument, self._draw_past())
        for trade in self._trades:
            self._count(series, trade)
        return series

    @property
    def last(self) -> Decimal:
        """The newest trade's price, or the opening price."""
        return self._trades[-1].price if self._trades else self._opening * self.instrument.tick_size

    def add(self, trade: Trade) -> None:
        if "_series" in self.__dict__ or len(self._trades) == TRADES_KEPT:  # the oldest one is forgotten now
            self._count(self._series, trade)
        self._trades.append(trade)

    def _count(self, series: CandleSeries, trade: Trade) -> None:
        instrument = self.instrument
        series.add_trade(
            int(trade.price / instrument.tick_size), int(trade.quantity / instrument.lot_size), trade.ts_event
        )

    def trades(self, count: int, after: int) -> list[Trade]:
        """Returns trades with a number above `after`, newest first."""
        newest = islice(reversed(self._trades), max(0, count))
        return [trade for trade in newest if int(trade.trade_id) > after]

    def summary(self, period: int, now: int) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Returns open, high, low and volume of the last `period` seconds: a day, or what the candles have."""
        if period == DAY:
            return self._series.day(now)
        fine = next((one for one in INTERVALS if period <= one * 300), INTERVALS[-1])
        bars = self._series.fetch(fine, max(1, period // fine), now)
        return (
            bars[0].open,
            max(bar.high for bar in bars),
            min(bar.low for bar in bars),
            sum((bar.volume for bar in bars), ZERO),
        )

    def bars(self, interval: int, count: int, now: int) -> list[Bar]:
        """Returns the newest candles of any multiple of a known interval (seconds), oldest first.

        Raises:
            ValueError: no known interval divides it.
        """
        finer = next((one for one in reversed(INTERVALS) if interval % one == 0), None)
        if finer is None or interval <= 0:
            raise ValueError(f"there are no candles of {interval} s")
        if finer == interval:
            return list(self._series.fetch(interval, count, now))
        width = interval * NANOSECONDS
        fine = self._series.fetch(finer, count * (interval // finer), now)
        return joined(fine, interval, lambda at: at - at % width)[-count:]


def joined(bars: Iterable[Bar], interval: int, start_of: Callable[[int], int]) -> list[Bar]:
    """Returns candles made of finer ones; `start_of` says when the one begins in which a moment is (ns)."""
    found: list[Bar] = []
    for bar in bars:
        start = start_of(bar.ts_open)
        before = found.pop() if found and found[-1].ts_open == start else bar
        whole = Bar(
            instrument=bar.instrument, interval=interval, ts_open=start, open=before.open,
            high=max(before.high, bar.high), low=min(before.low, bar.low), close=bar.close,
            volume=bar.volume if before is bar else before.volume + bar.volume,
        )  # fmt: skip
        found.append(whole)
    return found
