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
from venues.events import Event
from venues.transport.books import KeptBooks, Mending

LIMIT = 50  # levels a side, the most that there are

_WORD = b'"depth.update"'
_OTHERS = (b'"deals.update"', b'"state.update"', b'"index.update"')
_PATIENCE = 5.0  # for the first full push of a subscription


class Books:
    """The books of all subscribed markets. `subscribe_anew` asks for all of them; `now` is in seconds."""

    def __init__(
        self, subscribe_anew: Callable[[], None], now: Callable[[], float], *, time_scale: float = 1.0
    ) -> None:
        self._now = now
        self._scale = time_scale
        self._kept: KeptBooks[DepthFeed] = KeptBooks(instrument_id, _WORD, _OTHERS)
        self._mending = Mending(subscribe_anew, now, time_scale=time_scale)
        self._awaited: dict[str, float] = {}  # market -> since when its first full push is waited for
        self._doubtful: set[str] = set()  # valid, and with checksums that never matched since the full push

    def __contains__(self, market: str) -> bool:
        return market in self._kept

    @property
    def faults(self) -> int:
        """How many were found."""
        return self._kept.faults

    def open(self, market: str, limit: int = LIMIT) -> None:
        """Begins to keep a book, empty and not valid; one that is kept stays as it is."""
        if self._kept.open(market, lambda: DepthFeed(market, limit)):
            self._awaited[market] = self._now()

    def close(self, market: str) -> None:
        """Keeps a book no longer, and lets nobody read it who still holds it."""
        self._kept.close(market)
        self._awaited.pop(market, None)
        self._doubtful.discard(market)

    def book(self, market: str) -> Book | None:
        return self._kept.book(market)

    def take(self, push: DepthUpdate, ts_recv: int, events: list[Event]) -> None:
        """Applies a push and adds what it tells to `events`.

        Raises:
            DecodeError: its checksum is none; the book is broken then, which `events` is told.
        """
        is_full, depth, market = push.params
        feed = self._kept.feeds.get(market)
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
        if self._awaited or self._kept.has_told or self._doubtful or book.verification is Verification.UNVERIFIED:
            self._heal(market, book, depth.checksum)

    def break_all(self, why: str, ts: int, events: list[Event]) -> None:
        """Makes every book unreadable, since the connection was lost."""
        self._kept.break_all(why, ts, events)
        self._doubtful.clear()

    def expect_all(self) -> None:
        """Notes that every book was subscribed by a new connection just now."""
        self._awaited = dict.fromkeys(self._kept.feeds, self._now())

    def doubt(self, raw: bytes, ts: int, events: list[Event]) -> None:
        """Breaks the books that a frame may be about which nobody can read; all of them where it names none."""
        if self._kept.doubt(raw, ts, events):
            self.look()

    def look(self) -> None:
        """Mends what is broken, as often as it may. Called now and then, also to begin the pauses anew."""
        patience = self._now() - _PATIENCE * self._scale
        is_broken = any(
            not feed.book.is_valid and self._awaited.get(market, patience) <= patience
            for market, feed in self._kept.feeds.items()
        )
        self._mending.look(is_broken=is_broken, is_doubtful=bool(self._doubtful))

    def _break(self, market: str, book: Book, ts: int, events: list[Event]) -> None:
        if book.fault is Fault.WAITING:
            return  # a change before the first full push
        self._kept.broke(market, ts, events)
        self.look()

    def _heal(self, market: str, book: Book, checksum: int | None) -> None:
        self._awaited.pop(market, None)
        self._kept.healed(market)
        if checksum and book.verification is Verification.UNVERIFIED:
            self._doubtful.add(market)
            self.look()
        else:
            self._doubtful.discard(market)
