"""The book of one contract, from pushes that are proven by their numbers and from whole books that were read.

There is no checksum. `U` and `u` are the first and the last change of a push. Inferred, since the document has no
rule: one whose `u` is not beyond the book's is old; one that begins at the next change or before it and ends at it
or beyond is applied, since its levels are whole quantities; anything else is a gap. A book that is read by REST
has the same numbers: pushes that came while it was on its way continue it.

A push in protobuf does not tell whether it is a whole book: it is taken for one where it has all levels that there
can be on both sides, and removes none. Else it is changes, and where there is no book to change one is read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from venues.book import Book
from venues.events import BookDelta, BookSnapshot, Level
from venues.model import InstrumentId
from venues.pumpkin.parse import Lots
from venues.pumpkin.wire import WireDepth
from venues.transport.books import trimmed

DEPTH = 50  # levels a side, the most that there are
_PROVEN = 1
_MOST_WAITING = 256  # pushes that a book which is being read may continue with
_MOST_OLD = 3  # answers in a row that are older than the book, after which it is the book that is wrong
_MOST_BEHIND = 5  # pushes in a row that are: then a read decides whether the numbers have begun anew


def _proof(_bids: Sequence[Level], _asks: Sequence[Level]) -> int:
    """Stands for a checksum: what has numbers bears the same, and counts as verified by them."""
    return _PROVEN


class DepthFeed:
    """The book of a contract, `limit` levels a side. `is_streamed`: the pushes continue it, none is missing."""

    def __init__(self, instrument: InstrumentId, lots: Lots, limit: int = DEPTH) -> None:
        self.instrument = instrument
        self.lots = lots
        self.limit = limit
        self.book = Book(instrument, _proof)
        self.is_streamed = False
        self._waiting: deque[WireDepth] = deque(maxlen=_MOST_WAITING)
        self._old = 0
        self._behind = 0
        self._overtaken = 0  # whole books of the stream that were older than what was read

    @property
    def is_carried(self) -> bool:
        """Whether the stream keeps it right: nothing has to be read."""
        return self.is_streamed and self.book.is_valid

    def restart(self) -> None:
        """Waits for the next whole book: the connection was lost."""
        self.is_streamed = False
        self._behind = 0
        self._waiting.clear()

    def take(self, wire: WireDepth, ts_event: int, ts_recv: int) -> BookSnapshot | BookDelta | None:
        """Applies a push and returns it as the event that does the same to any other book.

        None where it changes nothing, or where the book is not valid afterwards.

        Raises:
            DecodeError: a quantity is no number.
        """
        book = self.book
        if self._is_whole(wire):
            event = BookSnapshot(
                self.instrument,
                tuple(level for level in self.lots.levels(wire.bids) if level[1] != "0")[: self.limit],
                tuple(level for level in self.lots.levels(wire.asks) if level[1] != "0")[: self.limit],
                wire.last,
                ts_event,
                ts_recv,
            )
            if book.is_valid and wire.last < book.sequence and not self._counts_otherwise():
                self._note_behind()
                return None  # one that was overtaken
            self._waiting.clear()
            self._overtaken = 0
            if not event.bids and not event.asks:
                self.is_streamed = False
                book.invalidate("the whole book came without a level")
                return None
            self.is_streamed = self._apply(event)
            return event if self.is_streamed else None
        if not wire.last:
            return self._take_unnumbered(wire, ts_event, ts_recv)
        if not book.is_valid:
            self._waiting.append(wire)
            return None
        if wire.last <= book.sequence:
            if self._note_behind():
                self._waiting.append(wire)
            return None
        if wire.first > book.sequence + 1:
            self._waiting.append(wire)
            if self.is_streamed:
                self.is_streamed = False
                book.invalidate(f"a change of {wire.first} to {wire.last} does not follow {book.sequence}")
            return None
        return self._change(wire, ts_event, ts_recv)

    def take_read(self, read: BookSnapshot, *, is_silent: bool = False) -> list[BookSnapshot | BookDelta]:
        """Takes a whole book that was read, and the pushes that continue it; returns what tells of them.

        `is_silent`: the stream has not told of this book for so long that what is newer was lost on it.
        """
        book = self.book
        if is_silent and read.sequence > book.sequence:
            self.is_streamed = False
        # A stream that has fallen silent may have lost its last word: what is newer puts it right.
        self.is_streamed = self.is_carried
        if book.is_valid and read.sequence < book.sequence:
            self._old += 1
            if self.is_streamed or self._old < _MOST_OLD:
                return []
        self._old = 0
        read = msgspec.structs.replace(read, bids=read.bids[: self.limit], asks=read.asks[: self.limit])
        events: list[BookSnapshot | BookDelta] = []
        event = self._changes(read) if book.is_valid and read.sequence >= book.sequence else read
        if event is None:
            return []
        if self._apply(event):
            events.append(event)
        waiting, self._waiting = list(self._waiting), deque(maxlen=_MOST_WAITING)
        for wire in waiting:
            follows = self.take(wire, read.ts_event, read.ts_recv)
            if follows is not None:
                events.append(follows)
        return events

    def _note_behind(self) -> bool:
        """Notes a push that is older than the book; returns whether the numbers may have begun anew.

        Then nothing that the stream tells counts until a read has decided it: the next one that is older, too, is
        taken.
        """
        self._behind += 1
        if self._behind < _MOST_BEHIND:
            return False
        if self.is_streamed:
            self.is_streamed = False
            self._old = _MOST_OLD
        return True

    def _counts_otherwise(self) -> bool:
        """Whether the stream's numbers seem to be none of REST's: its whole books are old again and again."""
        if self.is_streamed:
            return False
        self._overtaken += 1
        return self._overtaken >= _MOST_OLD

    def _is_whole(self, wire: WireDepth) -> bool:
        if wire.is_whole is not None:
            return wire.is_whole
        # Changes have a few levels of two hundred: what is as deep as a book can be is one.
        return len(wire.bids) >= self.limit and len(wire.asks) >= self.limit and not _removes(wire)

    def _change(self, wire: WireDepth, ts_event: int, ts_recv: int) -> BookDelta | None:
        bids, asks = self.lots.levels(wire.bids), self.lots.levels(wire.asks)
        event = BookDelta(self.instrument, bids, asks, self.book.sequence, wire.last, ts_event, ts_recv)
        self.is_streamed = self._apply(event)
        return trimmed(self.book, self.limit, self._apply, event) if self.is_streamed else None

    def _take_unnumbered(self, wire: WireDepth, ts_event: int, ts_recv: int) -> BookDelta | None:
        """Applies changes that have no number: then the order of arrival is all there is, and proves nothing."""
        if not self.book.is_valid:
            return None
        bids, asks = self.lots.levels(wire.bids), self.lots.levels(wire.asks)
        event = BookDelta(self.instrument, bids, asks, -1, self.book.sequence, ts_event, ts_recv)
        self.is_streamed = self.book.apply(event)
        return trimmed(self.book, self.limit, self._apply, event) if self.is_streamed else None

    def _changes(self, read: BookSnapshot) -> BookDelta | None:
        """Returns what makes the book that is kept into one that was read; None where they are the same."""
        standing = self.book.top(self.limit)
        bids, asks = (_difference(old, new) for old, new in zip(standing, (read.bids, read.asks), strict=True))
        if not bids and not asks and read.sequence == self.book.sequence:
            return None
        return BookDelta(
            self.instrument, bids, asks, self.book.sequence, read.sequence, read.ts_event, read.ts_recv
        )

    def _apply(self, event: BookSnapshot | BookDelta) -> bool:
        self._behind = 0
        is_numbered = event.sequence > 0
        return self.book.apply(msgspec.structs.replace(event, checksum=_PROVEN) if is_numbered else event)


def _removes(wire: WireDepth) -> bool:
    return any(not quantity.strip("0.") for _, quantity in (*wire.bids, *wire.asks))


def _difference(old: Sequence[Level], new: Sequence[Level]) -> tuple[Level, ...]:
    """Returns the changes from one side to another; one price may be written in two ways."""
    before = {Decimal(price): quantity for price, quantity in old}
    after = {Decimal(price) for price, _ in new}
    told = [level for level in new if before.get(Decimal(level[0])) != level[1]]
    return tuple(told) + tuple((price, "0") for price, _ in old if Decimal(price) not in after)
