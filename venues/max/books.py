"""The subscribed books, each proven by its numbers, and how a broken one is mended.

A broken book is told at once and can not be read; the next full one makes it good, which only a subscription
brings. All that are broken at a time are subscribed anew together, at once, then after 1 s, 2 s, 4 s ... at most
every 10 s, until none is broken: two messages a round, however many they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from venues.book import Book, Fault
from venues.events import BookDelta, Event
from venues.max.depth import DepthFeed
from venues.max.parse import instrument_id
from venues.max.wire import Message

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0  # seconds
_HEALTHY = 30.0  # after so long without a fault the pauses begin anew
_PATIENCE = 5.0  # for the full book of a subscription
_EMPTY = 60.0  # between two questions about a book that was empty when it was asked for
_NOWHERE = -2  # a number at which no book stands: -1 would mean that there are no numbers


class Books:
    """The books of all subscribed markets. `subscribe_anew` has `broken` asked for; `now` is in seconds."""

    def __init__(
        self, subscribe_anew: Callable[[], None], now: Callable[[], float], *, time_scale: float = 1.0
    ) -> None:
        self._subscribe_anew = subscribe_anew
        self._now = now
        self._scale = time_scale
        self._feeds: dict[str, DepthFeed] = {}
        self._awaited: dict[str, float] = {}  # market -> until when its full book is waited for
        self._told: set[str] = set()  # whose fault has been told
        self._tries = 0
        self._not_before = self._broken_at = float("-inf")
        self.faults = 0  # that were found

    def __contains__(self, market: str) -> bool:
        return market in self._feeds

    def open(self, market: str) -> None:
        """Begins to keep a book, empty and not valid; one that is kept stays as it is."""
        if market not in self._feeds:
            self._feeds[market] = DepthFeed(market)
            self._expect(market)

    def close(self, market: str) -> None:
        """Keeps a book no longer, and lets nobody read it who still holds it."""
        feed = self._feeds.pop(market, None)
        if feed is not None:
            feed.book.invalidate("it is no longer subscribed")
        self._awaited.pop(market, None)
        self._told.discard(market)

    def book(self, market: str) -> Book | None:
        feed = self._feeds.get(market)
        return feed.book if feed is not None else None

    def take(self, message: Message, ts_recv: int, events: list[Event]) -> None:
        """Applies a message and adds what it tells to `events`. Raises DecodeError: `doubt` then breaks it."""
        feed = self._feeds.get(message.market)
        if feed is None:
            return  # unsubscribed while it was on its way
        book, was_valid = feed.book, feed.book.is_valid
        event = feed.take(message, ts_recv)
        if event is not None:
            events.append(event)
            self._told.discard(message.market)
            if feed.is_waiting:
                self._expect(message.market, _EMPTY if feed.emptied > 1 else _PATIENCE)
            elif message.is_snapshot:
                self._awaited.pop(message.market, None)
        elif not book.is_valid and (was_valid or message.is_snapshot):
            self._awaited.pop(message.market, None)
            self._break(message.market, book, ts_recv, events)

    def break_all(self, why: str, ts: int, events: list[Event]) -> None:
        """Makes every book unreadable, since the connection was lost."""
        for market, feed in self._feeds.items():
            feed.restart()
            if feed.book.fault is not Fault.WAITING:
                if feed.book.is_valid:
                    feed.book.invalidate(why)
                self._tell(market, feed.book, ts, events)

    def expect_all(self) -> None:
        """Notes that every book was subscribed by a new connection just now."""
        for market in self._feeds:
            self._expect(market)

    def doubt(self, raw: bytes, ts: int, events: list[Event]) -> None:
        """Breaks the books that a frame was about which nobody can read; all of them where it does not tell."""
        if b"book" not in raw:
            return
        named = [market for market in self._feeds if f'"{market}"'.encode() in raw]
        for market in named or list(self._feeds):
            book = self._feeds[market].book
            if book.is_valid:
                book.invalidate("a message could not be read")
                self._break(market, book, ts, events)

    def broken(self) -> Sequence[str]:
        """Returns the markets whose full book has to be asked for again."""
        now = self._now()
        return [
            market
            for market, feed in self._feeds.items()
            if (feed.is_waiting or not feed.book.is_valid) and self._awaited.get(market, now) <= now
        ]

    def asked_for(self, markets: Sequence[str]) -> None:
        """Notes that the full books of these were asked for just now."""
        for market in markets:
            if market in self._feeds:
                self._expect(market)

    def look(self) -> None:
        """Has mended what is broken, as often as it may. Called now and then, also to begin the pauses anew."""
        now = self._now()
        if not self.broken():
            if now - self._broken_at >= _HEALTHY * self._scale:
                self._tries = 0
            return
        self._broken_at = now
        if now >= self._not_before:
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._tries, 16))
            self._not_before = now + pause * self._scale
            self._tries += 1
            self._subscribe_anew()

    def _expect(self, market: str, patience: float = _PATIENCE) -> None:
        self._awaited[market] = self._now() + patience * self._scale

    def _break(self, market: str, book: Book, ts: int, events: list[Event]) -> None:
        if market not in self._told:
            self.faults += 1
        self._tell(market, book, ts, events)
        self.look()

    def _tell(self, market: str, book: Book, ts: int, events: list[Event]) -> None:
        """Adds an event that breaks every other book which follows this one."""
        if market not in self._told:
            self._told.add(market)
            events.append(BookDelta(instrument_id(market), (), (), _NOWHERE, book.sequence, book.ts_event, ts))
