"""The candles that were told: there is no read of them, so that they begin where they were first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from venues.model import Bar, InstrumentId
from venues.transport.recent import Recent

KEPT = 1_000
_LEFT = 100  # markets and intervals whose candles are known

Key: TypeAlias = tuple[InstrumentId, int]


class Candles:
    """Knows the candles of each market and interval, the newest state of each."""

    def __init__(self) -> None:
        self._known: Recent[Key, dict[int, Bar]] = Recent(_LEFT)

    def take(self, bar: Bar) -> bool:
        """Takes a state of a candle; returns whether it is news: within one the volume only grows."""
        key = bar.instrument, bar.interval
        bars = self._known.pop(key, {})
        self._known[key] = bars
        newest = next(reversed(bars.values()), None)
        if newest is not None and (bar.ts_open, bar.volume) < (newest.ts_open, newest.volume):
            return False
        if newest == bar:
            return False
        bars[bar.ts_open] = bar
        if len(bars) > KEPT:
            del bars[next(iter(bars))]
        return True

    def newest(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        """Returns the newest, oldest first."""
        bars = self._known.get((instrument, interval), {})
        return list(bars.values())[-limit:] if limit > 0 else []
