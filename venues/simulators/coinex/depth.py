"""What CoinEx shows of a book: cut to the subscribed depth, told in full or by changes, with a checksum.

Document: "Market Depth Query", "Market Depth Push". A checksum is over the texts exactly as they are sent.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import chain
from typing import NamedTuple

import msgspec

from venues.events import Level
from venues.model import ZERO

LIMITS = (5, 10, 20, 50)
INTERVALS: Mapping[str, Decimal] = {
    text: Decimal(text) for text in ("0", "10", "1", *(f"0.{'0' * zeros}1" for zeros in range(8)))
}
"""The texts by which levels may be merged, REST's and the stream's; "0" leaves them as they are."""


class DepthTopic(NamedTuple):
    """What one depth subscription asks for. Those that differ in `is_diff` alone share their computation."""

    market: str
    limit: int
    interval: str
    is_diff: bool = True


class DepthBody(msgspec.Struct, frozen=True, gc=False):
    """The object of an answer or a push: a whole book, or what has changed of it. `time` is in milliseconds."""

    asks: list[Level]
    bids: list[Level]
    last: str
    time: int
    checksum: int


class Window(msgspec.Struct, frozen=True, gc=False):
    """The best levels of a book at one moment, {price: amount} best first; `time` is in milliseconds."""

    bids: dict[str, str]
    asks: dict[str, str]
    last: str
    time: int
    checksum: int

    @property
    def is_empty(self) -> bool:
        return not self.bids and not self.asks

    def has_same_book(self, other: Window) -> bool:
        return self.bids == other.bids and self.asks == other.asks

    def body(self) -> DepthBody:
        """Returns the whole of it."""
        return DepthBody(list(self.asks.items()), list(self.bids.items()), self.last, self.time, self.checksum)

    def changes_since(self, before: Window) -> DepthBody:
        """Returns what makes `before` into this; the checksum is over the whole of this."""
        return DepthBody(
            changes(before.asks, self.asks, is_bids=False),
            changes(before.bids, self.bids, is_bids=True),
            self.last,
            self.time,
            self.checksum,
        )


def cut(levels: Sequence[Level], limit: int, interval: str, *, is_bids: bool) -> Sequence[Level]:
    """Returns the best `limit` levels of a side (best first), merged by one of `INTERVALS`.

    Bids are rounded down and asks up, so that a merged book never crosses. A price keeps its decimals.
    """
    step = INTERVALS[interval]
    if not step:
        return levels[:limit]
    rounding = ROUND_FLOOR if is_bids else ROUND_CEILING
    sums: dict[Decimal, Decimal] = {}
    for price_text, amount in levels:
        price = Decimal(price_text)
        if price % step:
            price = ((price / step).to_integral_value(rounding) * step).quantize(price)
        if price not in sums and len(sums) == limit:
            break
        sums[price] = sums.get(price, ZERO) + Decimal(amount)
    # Far bids of a cheap market may round to zero, which is no price.
    return [(f"{price:f}", f"{amount:f}") for price, amount in sums.items() if price]


def make_window(bids: Iterable[Level], asks: Iterable[Level], last: str, time: int) -> Window:
    """Makes a window of levels that are cut to its depth already, best first."""
    best_bids, best_asks = dict(bids), dict(asks)
    return Window(best_bids, best_asks, last, time, checksum(best_bids.items(), best_asks.items()))


def checksum(bids: Iterable[Level], asks: Iterable[Level]) -> int:
    """Returns the signed 32-bit CRC-32 of "price:amount:…", the bids and then the asks, best first."""
    crc = zlib.crc32(":".join(chain(chain.from_iterable(bids), chain.from_iterable(asks))).encode())
    return crc - (1 << 32) if crc >> 31 else crc


def changes(before: Mapping[str, str], after: Mapping[str, str], *, is_bids: bool) -> list[Level]:
    """Returns what makes `before` into `after`, best first: new amounts, and "0" for what is no longer shown.

    A level that better ones pushed out is told as gone too: a client that cuts to its depth has dropped it
    already, and one that does not cut ends with the same book.
    """
    told = [(price, amount) for price, amount in after.items() if before.get(price) != amount]
    gone = [(price, "0") for price in before if price not in after]
    if gone:
        told += gone
        told.sort(key=lambda level: Decimal(level[0]), reverse=is_bids)
    return told
