"""The book of one market, proven by the venue's checksum on every push.

The checksum is the CRC-32 of all prices and amounts as the venue wrote them, bids first, each side best first, as
a signed integer. It is the only thing that tells of a lost push, since nothing is numbered.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from zlib import crc32

import msgspec

from venues.book import Book, Checksum
from venues.coinex.messages import DepthUpdate
from venues.coinex.parse import instrument_id, parse_depth
from venues.events import BookDelta, BookSnapshot, Level

DEPTHS = (5, 10, 20, 50)
_MOST_LATE = 3  # then it is the venue's clock that was set back


def checksum(bids: Sequence[Level], asks: Sequence[Level]) -> int:
    """Returns the venue's checksum of a book, best levels first, in the venue's own text."""
    joined = ":".join(chain.from_iterable(chain(bids, asks)))
    unsigned = crc32(joined.encode())
    return unsigned - 2**32 if unsigned >= 2**31 else unsigned


def checksum_of_best(limit: int) -> Checksum:
    """Returns the checksum of a book of which the venue shows `limit` levels a side."""

    def compute(bids: Sequence[Level], asks: Sequence[Level]) -> int:
        if len(bids) > limit or len(asks) > limit:
            return checksum(bids[:limit], asks[:limit])
        return checksum(bids, asks)

    return compute


class DepthFeed:
    """The book of `market` as pushed, `limit` levels a side; `book` says whether it is valid and verified.

    Levels that fell behind `limit` are deleted here, for the venue says nothing more of them.
    """

    def __init__(self, market: str, limit: int) -> None:
        self.market = market
        self.limit = limit
        self.book = Book(instrument_id(market), checksum_of_best(limit))
        self._newest = 0  # the venue's time of the newest push
        self._late = 0  # pushes in a row that were older

    def restart(self) -> None:
        """Notes that another connection begins, whose pushes may come from a server with another clock."""
        self._newest, self._late = 0, 0

    def take(self, push: DepthUpdate, ts_recv: int) -> BookSnapshot | BookDelta | None:
        """Applies a push and returns it as the event that does the same to any other book.

        None when the book is not valid afterwards, and there is nothing to do but to wait for a full push or to
        subscribe again. A push that is older than the last one is a fault like a wrong checksum, a full one too.

        Raises:
            DecodeError: the checksum is no number of 32 bits.
            ValueError: the push is about another market.
        """
        book = self.book
        if push.params[2] != self.market:
            raise ValueError(f"a push of {push.params[2][:40]!r} was given to the feed of {self.market}")
        event = parse_depth(push, ts_recv, book.instrument)
        if event.sequence < self._newest and self._late < _MOST_LATE:
            self._late += 1
            book.invalidate(f"a push of {event.sequence} after one of {self._newest}")
            return None
        self._newest, self._late = event.sequence, 0
        if not book.apply(event):
            return None
        bids, asks = book.depth()
        if bids > self.limit or asks > self.limit:
            return self._trimmed(event)
        return event

    def _trimmed(self, event: BookSnapshot | BookDelta) -> BookSnapshot | BookDelta:
        """Deletes what stands behind the limit, and returns `event` with that done too."""
        bids, asks = self.book.top(max(self.book.depth()))
        if isinstance(event, BookSnapshot):
            event = msgspec.structs.replace(event, bids=tuple(bids[: self.limit]), asks=tuple(asks[: self.limit]))
            self.book.apply(event)
            return event
        gone_bids = tuple((price, "0") for price, _ in bids[self.limit :])
        gone_asks = tuple((price, "0") for price, _ in asks[self.limit :])
        self.book.apply(msgspec.structs.replace(event, bids=gone_bids, asks=gone_asks))
        return msgspec.structs.replace(event, bids=event.bids + gone_bids, asks=event.asks + gone_asks)
