"""The subscribed books, each proven by its numbers, and how a broken one is mended.

A broken book is told at once and can not be read; the next full one makes it good, which only a subscription
brings. All that are broken at a time are subscribed anew together, at once, then after 1 s, 2 s, 4 s ... at most
every 10 s, until none is broken: two messages a round, however many they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from venues.book import Book
from venues.events import Event
from venues.max.depth import DepthFeed
from venues.max.parse import instrument_id
from venues.max.wire import Message
from venues.transport.books import KeptBooks, Mending

_WORD = b'"book"'
_OTHERS = (b'"trade"', b'"ticker"', b'"kline"', b'"market_status"')
_PATIENCE = 5.0  # for the full book of a subscription
_EMPTY = 60.0  # between two questions about a book that was empty when it was asked for


class Books:
    """The books of all subscribed markets. `subscribe_anew` has `broken` asked for; `now` is in seconds."""

    def __init__(
        self, subscribe_anew: Callable[[], None], now: Callable[[], float], *, time_scale: float = 1.0
    ) -> None:
        self._now = now
        self._scale = time_scale
        self._kept: KeptBooks[DepthFeed] = KeptBooks(instrument_id, _WORD, _OTHERS)
        self._mending = Mending(subscribe_anew, now, time_scale=time_scale)
        self._awaited: dict[str, float] = {}  # market -> until when its full book is waited for

    def __contains__(self, market: str) -> bool:
        return market in self._kept

    @property
    def faults(self) -> int:
        """How many were found."""
        return self._kept.faults

    def open(self, market: str) -> None:
        """Begins to keep a book, empty and not valid; one that is kept stays as it is."""
        if self._kept.open(market, lambda: DepthFeed(market)):
            self._expect(market)

    def close(self, market: str) -> None:
        """Keeps a book no longer, and lets nobody read it who still holds it."""
        self._kept.close(market)
        self._awaited.pop(market, None)

    def book(self, market: str) -> Book | None:
        return self._kept.book(market)

    def take(self, message: Message, ts_recv: int, events: list[Event]) -> None:
        """Applies a message and adds what it tells to `events`. Raises DecodeError: `doubt` then breaks it."""
        feed = self._kept.feeds.get(message.market)
        if feed is None:
            return  # unsubscribed while it was on its way
        book, was_valid = feed.book, feed.book.is_valid
        event = feed.take(message, ts_recv)
        if event is not None:
            events.append(event)
            self._kept.healed(message.market)
            if feed.is_waiting:
                self._expect(message.market, _EMPTY if feed.emptied > 1 else _PATIENCE)
            elif message.is_snapshot:
                self._awaited.pop(message.market, None)
        elif not book.is_valid and (was_valid or message.is_snapshot):
            self._awaited.pop(message.market, None)
            self._kept.broke(message.market, ts_recv, events)
            self.look()

    def break_all(self, why: str, ts: int, events: list[Event]) -> None:
        """Makes every book unreadable, since the connection was lost."""
        self._kept.break_all(why, ts, events)

    def expect_all(self) -> None:
        """Notes that every book was subscribed by a new connection just now."""
        for market in self._kept.feeds:
            self._expect(market)

    def doubt(self, raw: bytes, ts: int, events: list[Event]) -> None:
        """Breaks the books that a frame may be about which nobody can read; all of them where it names none."""
        if self._kept.doubt(raw, ts, events):
            self.look()

    def broken(self) -> Sequence[str]:
        """Returns the markets whose full book has to be asked for again."""
        now = self._now()
        return [
            market
            for market, feed in self._kept.feeds.items()
            if (feed.is_waiting or not feed.book.is_valid) and self._awaited.get(market, now) <= now
        ]

    def asked_for(self, markets: Sequence[str]) -> None:
        """Notes that the full books of these were asked for just now."""
        for market in markets:
            if market in self._kept:
                self._expect(market)

    def look(self) -> None:
        """Has mended what is broken, as often as it may. Called now and then, also to begin the pauses anew."""
        self._mending.look(is_broken=bool(self.broken()))

    def _expect(self, market: str, patience: float = _PATIENCE) -> None:
        self._awaited[market] = self._now() + patience * self._scale
