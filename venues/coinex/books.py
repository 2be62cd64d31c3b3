"""The subscribed books, each proven by its checksum on every push, and how a broken one is mended.

Nothing is numbered, so a lost push is found by the checksum of the next one, or by a time that goes backwards. A
broken book is told at once and can not be read; the next full push makes it good. The venue sends one a minute,
and one after each subscription: all books are subscribed anew at once, then after 1 s, 2 s, 4 s ... at most every
10 s, until none is broken.
"""

from __future__ import annotations

from collections.abc import Callable

from venues.book import Book, Fault, Verification
from venues.coinex.depth import DepthFeed
from venues.coinex.messages import DepthUpdate
from venues.coinex.parse import instrument_id
from venues.events import BookDelta, Event

LIMIT = 50  # levels a side, the most that there are

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0  # seconds
_HEALTHY = 30.0  # after so long without a fault the pauses begin anew
_PATIENCE = 5.0  # for the first full push of a subscription
_NOWHERE = -2  # a number at which no book stands: -1 would mean that there are no numbers


class Books:
    """The books of all subscribed markets. `subscribe_anew` asks for all of them; `now` is in seconds."""

    def __init__(
        self, subscribe_anew: Callable[[], None], now: Callable[[], float], *, time_scale: float = 1.0
    ) -> None:
        self._subscribe_anew = subscribe_anew
        self._now = now
        self._scale = time_scale
        self._feeds: dict[str, DepthFeed] = {}
        self._awaited: dict[str, float] = {}  # market -> since when its first full push is waited for
        self._told: set[str] = set()  # whose fault has been told
        self._doubtful: set[str] = set()  # valid, and with checksums that never matched since the full push
        self._tries = 0
        self._not_before = self._mended_at = float("-inf")
        self._broken_at = float("-inf")
        self.faults = 0  # that were found

    def __contains__(self, market: str) -> bool:
        return market in self._feeds

    def open(self, market: str, limit: int = LIMIT) -> None:
        """Begins to keep a book, empty and not valid; one that is kept stays as it is."""
        if market not in self._feeds:
            self._feeds[market] = DepthFeed(market, limit)
            self._awaited[market] = self._now()

    def close(self, market: str) -> None:
        """Keeps a book no longer, and lets nobody read it who still holds it."""
        feed = self._feeds.pop(market, None)
        if feed is not None:
            feed.book.invalidate("it is no longer subscribed")
        self._awaited.pop(market, None)
        self._told.discard(market)
        self._doubtful.discard(market)

    def book(self, market: str) -> Book | None:
        feed = self._feeds.get(market)
        return feed.book if feed is not None else None

    def take(self, push: DepthUpdate, ts_recv: int, events: list[Event]) -> None:
        """Applies a push and adds what it tells to `events`.

        Raises:
            DecodeError: its checksum is none; the book is broken then, which `events` is told.
        """
        is_full, depth, market = push.params
        feed = self._feeds.get(market)
        if feed is None:
            return  # unsubscribed while it was on its way
        book = feed.book
        event = None
        try:
            event = feed.take(push, ts_recv)
        finally:
            if event is None:
                if is_full:
                    self._awaited.pop(market, None)
                self._break(market, book, ts_recv, events)
        if event is None:
            return
        events.append(event)
        if self._awaited or self._told or self._doubtful or book.verification is Verification.UNVERIFIED:
            self._heal(market, book, depth.checksum)

    def break_all(self, why: str, ts: int, events: list[Event]) -> None:
        """Makes every book unreadable, since the connection was lost."""
        for market, feed in self._feeds.items():
            feed.restart()
            if feed.book.fault is not Fault.WAITING:
                if feed.book.is_valid:
                    feed.book.invalidate(why)
                self._tell(market, feed.book, ts, events)
        self._doubtful.clear()

    def expect_all(self) -> None:
        """Notes that every book was subscribed by a new connection just now."""
        self._awaited = dict.fromkeys(self._feeds, self._now())

    def doubt(self, raw: bytes, ts: int, events: list[Event]) -> None:
        """Breaks the books that a frame was about which nobody can read; all of them where it does not tell."""
        if b"depth" not in raw:
            return
        named = [market for market in self._feeds if f'"{market}"'.encode() in raw]
        for market in named or list(self._feeds):
            book = self._feeds[market].book
            if book.is_valid:
                book.invalidate("a push could not be read")
                self._break(market, book, ts, events)

    def look(self) -> None:
        """Mends what is broken, as often as it may. Called now and then, also to begin the pauses anew."""
        now = self._now()
        patience = now - _PATIENCE * self._scale
        is_broken = any(
            not feed.book.is_valid and self._awaited.get(market, patience) <= patience
            for market, feed in self._feeds.items()
        )
        if not is_broken and not self._doubtful:
            if now - self._broken_at >= _HEALTHY * self._scale:
                self._tries = 0
            return
        self._broken_at = now
        if now >= (self._not_before if is_broken else self._mended_at + _LONGEST_PAUSE * self._scale):
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._tries, 16))
            self._not_before = now + pause * self._scale
            self._mended_at = now
            self._tries += 1
            self._subscribe_anew()

    def _break(self, market: str, book: Book, ts: int, events: list[Event]) -> None:
        if book.fault is Fault.WAITING:
            return  # a change before the first full push
        if market not in self._told:
            self.faults += 1
        self._tell(market, book, ts, events)
        self.look()

    def _tell(self, market: str, book: Book, ts: int, events: list[Event]) -> None:
        """Adds an event that breaks every other book which follows this one."""
        if market not in self._told:
            self._told.add(market)
            events.append(BookDelta(instrument_id(market), (), (), _NOWHERE, book.sequence, book.ts_event, ts))

    def _heal(self, market: str, book: Book, checksum: int | None) -> None:
        self._awaited.pop(market, None)
        self._told.discard(market)
        if checksum and book.verification is Verification.UNVERIFIED:
            self._doubtful.add(market)
            self.look()
        else:
            self._doubtful.discard(market)
