"""One instrument of the paper exchange: its book, its mark price, its funding."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from venues.events import BookDelta, MarkPrice
from venues.model import NANOSECONDS, Instrument
from venues.paper.matching import MatchingEngine
from venues.rounding import nearest_to

if TYPE_CHECKING:
    from venues.paper.orders import PaperOrder

FUNDING_INTERVAL = 8 * 3600 * NANOSECONDS  # 00:00, 08:00 and 16:00 UTC, since the epoch began at midnight
DEFAULT_FUNDING_RATE = Decimal("0.0001")


def next_funding(now: int) -> int:
    """Returns the first funding time after `now`, both in nanoseconds UTC."""
    return (now // FUNDING_INTERVAL + 1) * FUNDING_INTERVAL


class Market:
    """The book and everything that is known about one instrument."""

    __slots__ = (
        "engine",
        "funding_rate",
        "id",
        "index",
        "instrument",
        "is_mark_stale",
        "mark",
        "sequence",
        "told",
        "triggers",
    )

    def __init__(self, instrument: Instrument, closable: Callable[[str, int], int]) -> None:
        self.instrument = instrument
        self.id = instrument.id
        self.engine = MatchingEngine(instrument, closable)
        self.sequence = 0
        self.index: Decimal | None = None
        self.mark: Decimal | None = None
        self.is_mark_stale = False
        self.funding_rate = DEFAULT_FUNDING_RATE
        self.told: MarkPrice | None = None
        self.triggers: dict[int, PaperOrder] = {}

    def best(self, sign: int) -> Decimal | None:
        ticks = self.engine.best(sign)
        return None if ticks is None else self.engine.price(ticks)

    @property
    def last(self) -> Decimal | None:
        ticks = self.engine.last_ticks
        return None if ticks is None else self.engine.price(ticks)

    def refresh_mark(self) -> None:
        """Sets the mark: the median of last, mid and index, on the tick.

        With one of the three missing it is the index, else the mid; an older mark stays where there is nothing.
        """
        self.is_mark_stale = False
        bid, ask = self.best(1), self.best(-1)
        mid = None if bid is None or ask is None else (bid + ask) / 2
        known = [price for price in (self.index, mid, self.last) if price is not None]
        if known:
            mark = sorted(known)[1] if len(known) == 3 else known[0]
            self.mark = nearest_to(mark, self.instrument.tick_size)

    def mark_price(self, now: int) -> MarkPrice | None:
        if self.mark is None:
            return None
        return MarkPrice(self.id, self.mark, self.index, self.funding_rate, next_funding(now), now)

    def news(self, now: int) -> MarkPrice | None:
        """Returns the mark price if anything about it differs from what was told last."""
        mark = self.mark_price(now)
        if mark is None:
            return None
        told = self.told
        if told is not None and _facts(told) == _facts(mark):
            return None
        self.told = mark
        return mark

    def take_delta(self, now: int) -> BookDelta:
        """Returns all that has changed in the book since the last call, as one delta."""
        bids, asks = self.engine.take_changes()
        previous = self.sequence
        self.sequence = previous + 1
        return BookDelta(self.id, bids, asks, previous, previous + 1, now, now)


def _facts(mark: MarkPrice) -> tuple[object, ...]:
    return mark.mark, mark.index, mark.funding_rate, mark.ts_next_funding
