"""The book of one market, proven by the numbers of its messages: there is no checksum.

`v` is the version that the numbers count within, `fi` and `li` the first and the last of a message. An update
whose `li` is not beyond the book's is old; one that begins right after it is applied; anything else is a gap. Of
one that begins within what is known and ends beyond, one rule of the document says to discard it, and the next to
process it: the book is subscribed anew. Where that happens again right after the full book, the update is
processed, since its levels are whole volumes; the venue then makes its snapshots in the middle of a batch.

Messages without any number, as they were once, make a book that is valid and called unverified.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from venues.book import Book
from venues.events import BookDelta, BookSnapshot, Level
from venues.max.channels import DEPTH
from venues.max.parse import instrument_id, parse_depth
from venues.max.wire import Message
from venues.transport.books import trimmed

_UNNUMBERED = -1
_PROVEN = 1


def _proof(_bids: Sequence[Level], _asks: Sequence[Level]) -> int:
    """Stands for a checksum: what has numbers bears the same, and counts as verified by them."""
    return _PROVEN


class DepthFeed:
    """The book of `market` as told, `limit` levels a side. `is_waiting`: it was emptied, and a full one is due.

    Levels that fell behind `limit` are deleted here, whether or not the venue says so.
    """

    def __init__(self, market: str, limit: int = DEPTH) -> None:
        self.market = market
        self.limit = limit
        self.book = Book(instrument_id(market), _proof)
        self.is_waiting = False
        self.emptied = 0  # empty snapshots in a row
        self.version = _UNNUMBERED  # that the numbers count within
        self._is_fresh = False  # nothing was applied since the full book
        self._overlaps = 0  # in a row

    def restart(self) -> None:
        """Notes that another connection begins."""
        self.is_waiting = False
        self.emptied = 0

    def take(self, message: Message, ts_recv: int) -> BookSnapshot | BookDelta | None:
        """Applies a message and returns it as the event that does the same to any other book.

        None where it changes nothing, or where the book is not valid afterwards.

        Raises:
            DecodeError: it is not of the documented shape.
            ValueError: it is about another market.
        """
        book = self.book
        if message.market != self.market:
            raise ValueError(f"a message of {message.market[:40]!r} was given to the feed of {self.market}")
        event = parse_depth(message, ts_recv, book.instrument)
        if isinstance(event, BookSnapshot):
            return self._take_full(event, message)
        if not book.is_valid or self.is_waiting:
            return None
        if _version_of(message) != self.version:
            book.invalidate(f"its numbers began anew with version {message.version}")
            return None
        if self.version == _UNNUMBERED:
            return self._take_unnumbered(event)
        if event.sequence <= book.sequence:
            return None
        if event.previous < book.sequence:
            self._overlaps += 1
            if not self._is_fresh or self._overlaps < 2:
                book.invalidate(f"a change of {event.previous + 1} to {event.sequence} overlaps {book.sequence}")
                return None
            event = msgspec.structs.replace(event, previous=book.sequence)
        else:
            self._overlaps = 0
        self._is_fresh = False
        return trimmed(self.book, self.limit, self._apply, event) if self._apply(event) else None

    def _take_unnumbered(self, event: BookDelta) -> BookDelta | None:
        if event.sequence < self.book.sequence:
            self.book.invalidate("a change that is older than the one before it")
            return None
        return trimmed(self.book, self.limit, self._apply, event) if self._apply(event) else None

    def _take_full(self, event: BookSnapshot, message: Message) -> BookSnapshot | None:
        book, version = self.book, _version_of(message)
        if book.is_valid and (version, event.sequence) < (self.version, book.sequence):
            return None  # one that was overtaken
        self.version = version
        self.is_waiting = not event.bids and not event.asks
        self.emptied = self.emptied + 1 if self.is_waiting else 0
        self._is_fresh = True
        if not self._apply(event):
            return None
        bids, asks = book.depth()
        if bids > self.limit or asks > self.limit:
            event = msgspec.structs.replace(event, bids=event.bids[: self.limit], asks=event.asks[: self.limit])
            self._apply(event)
        return event

    def _apply(self, event: BookSnapshot | BookDelta) -> bool:
        if self.version == _UNNUMBERED:
            return self.book.apply(event)
        return self.book.apply(msgspec.structs.replace(event, checksum=_PROVEN))


def _version_of(message: Message) -> int:
    return message.version if message.version is not None else _UNNUMBERED
