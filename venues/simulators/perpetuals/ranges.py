"""Between which prices a market went since somebody looked: of its trades, and of its marks."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from venues.events import MarkPrice, Trade


class PriceKind(StrEnum):
    LAST = "last"
    MARK = "mark"


class PriceRange(NamedTuple):
    symbol: str
    kind: PriceKind
    low: Decimal
    high: Decimal


class PriceRanges:
    """What was noted and not yet taken, one range for each symbol and kind of price."""

    def __init__(self) -> None:
        self._ranges: dict[tuple[str, PriceKind], tuple[Decimal, Decimal]] = {}

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def note(self, event: Trade | MarkPrice) -> None:
        price, kind = (event.price, PriceKind.LAST) if isinstance(event, Trade) else (event.mark, PriceKind.MARK)
        key = event.instrument.symbol, kind
        low, high = self._ranges.get(key, (price, price))
        self._ranges[key] = min(low, price), max(high, price)

    def take(self) -> list[PriceRange]:
        """Returns the ranges, and begins anew."""
        ranges, self._ranges = self._ranges, {}
        return [PriceRange(*key, *found) for key, found in ranges.items()]
