"""The subscribed books of a venue that are proven on every push: broken at once, and mended without a storm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from venues.book import Book, Fault
from venues.events import BookDelta, BookSnapshot, Event
from venues.model import InstrumentId

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0  # seconds
_HEALTHY = 30.0  # after so long without a fault the pauses begin anew
_NOWHERE = -2  # a number at which no book stands: -1 would mean that there are no numbers


class Feed(Protocol):
    """What proves one book."""

    @property
    def book(self) -> Book: ...

    def restart(self) -> None:
        """Waits for the next full book: the connection was lost."""
        ...


F = TypeVar("F", bound=Feed)


class KeptBooks(Generic[F]):
    """The books by their markets, and which of them were told to be broken. `instrument` names a market's.

    `word` is what each message about a book has in it, and `others` are those of the other messages.
    """

    def __init__(self, instrument: Callable[[str], InstrumentId], word: bytes, others: Sequence[bytes]) -> None:
        self._instrument = instrument
        self._word = word
        self._others = others
        self._told: set[str] = set()  # whose fault has been told
        self.feeds: dict[str, F] = {}
        self.faults = 0  # that were found

    def __contains__(self, market: str) -> bool:
        return market in self.feeds

    @property
    def has_told(self) -> bool:
        """Whether any book is told to be broken."""
        return bool(self._told)

    def open(self, market: str, make: Callable[[], F]) -> bool:
        """Begins to keep a book, empty and not valid; False for one that is kept, which stays as it is."""
        if market in self.feeds:
            return False
        self.feeds[market] = make()
        return True

    def close(self, market: str) -> None:
        """Keeps a book no longer, and lets nobody read it who still holds it."""
        feed = self.feeds.pop(market, None)
        if feed is not None:
            feed.book.invalidate("it is no longer subscribed")
        self._told.discard(market)

    def book(self, market: str) -> Book | None:
        feed = self.feeds.get(market)
        return feed.book if feed is not None else None

    def broke(self, market: str, ts: int, events: list[Event]) -> None:
        """Adds to `events` that a book is broken, once until it is healed; `ts` is when it was received."""
        if market not in self._told:
            self.faults += 1
        self._tell(market, ts, events)

    def healed(self, market: str) -> None:
        """Notes that a book can be read again."""
        self._told.discard(market)

    def break_all(self, why: str, ts: int, events: list[Event]) -> None:
        """Makes every book unreadable, since the connection was lost."""
        for market, feed in self.feeds.items():
            feed.restart()
            if feed.book.fault is not Fault.WAITING:
                if feed.book.is_valid:
                    feed.book.invalidate(why)
                self._tell(market, ts, events)

    def doubt(self, raw: bytes, ts: int, events: list[Event]) -> list[str]:
        """Breaks the books that a frame may be about which nobody can read; all of them where it names none.

        A change that was lost with it is given away by the next one only, for which a quiet market waits long.
        What is whole and says nothing of books is something else, of which the document does not tell. Returns
        those that were valid until now.
        """
        if self._word not in raw and (any(word in raw for word in self._others) or _is_json(raw)):
            return []
        named = [market for market in self.feeds if market.encode() in raw]
        valid = [market for market in named or list(self.feeds) if self.feeds[market].book.is_valid]
        for market in valid:
            self.feeds[market].book.invalidate("a message could not be read")
            self.broke(market, ts, events)
        return valid

    def _tell(self, market: str, ts: int, events: list[Event]) -> None:
        """Adds an event that breaks every other book which follows this one."""
        if market not in self._told:
            self._told.add(market)
            book = self.feeds[market].book
            events.append(BookDelta(self._instrument(market), (), (), _NOWHERE, book.sequence, book.ts_event, ts))


class Mending:
    """When broken books are asked for again: at once, then after 1, 2, 4 s ... at most every 10 s.

    `ask` asks for all that are broken; `now` is in seconds.
    """

    def __init__(self, ask: Callable[[], None], now: Callable[[], float], *, time_scale: float = 1.0) -> None:
        self._ask = ask
        self._now = now
        self._scale = time_scale
        self._tries = 0
        self._not_before = self._mended_at = self._broken_at = float("-inf")

    def look(self, *, is_broken: bool, is_doubtful: bool = False) -> None:
        """Asks where it may. Called now and then, also to begin the pauses anew.

        What is doubtful can be read, and is asked for with the longest pauses only.
        """
        now = self._now()
        if not is_broken and not is_doubtful:
            if now - self._broken_at >= _HEALTHY * self._scale:
                self._tries = 0
            return
        self._broken_at = now
        if now >= (self._not_before if is_broken else self._mended_at + _LONGEST_PAUSE * self._scale):
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._tries, 16))
            self._not_before = now + pause * self._scale
            self._mended_at = now
            self._tries += 1
            self._ask()


def _is_json(raw: bytes) -> bool:
    try:
        msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True


def trimmed(
    book: Book, limit: int, apply: Callable[[BookSnapshot | BookDelta], bool], event: BookDelta
) -> BookDelta:
    """Deletes what stands behind the `limit` levels of a side, by `apply`; returns `event` with that done too.

    A venue tells no end of a level that left the part of the book that it shows.
    """
    counts = book.depth()
    if max(counts) <= limit:
        return event
    bids, asks = book.top(max(counts))
    gone_bids = tuple((price, "0") for price, _ in bids[limit:])
    gone_asks = tuple((price, "0") for price, _ in asks[limit:])
    apply(msgspec.structs.replace(event, previous=-1, bids=gone_bids, asks=gone_asks))
    return msgspec.structs.replace(event, bids=event.bids + gone_bids, asks=event.asks + gone_asks)
