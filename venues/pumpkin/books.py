"""The subscribed books, from the stream where it continues them, else from what is read.

A broken book is told at once and can not be read until a whole one comes: of the stream, or of a read that begins
at once, and goes on with the other polls until the stream continues the book.
"""

from __future__ import annotations

from collections.abc import Callable

from venues.book import Book
from venues.errors import DecodeError
from venues.events import BookSnapshot, Event
from venues.model import Instrument
from venues.pumpkin.depth import DepthFeed
from venues.pumpkin.figures import instrument_id
from venues.pumpkin.parse import Lots
from venues.pumpkin.wire import WireDepth
from venues.transport.books import KeptBooks

_HURRY = 0.5  # seconds between two reads of a broken book that do not wait for their turn
_PATIENCE = 5.0  # until a subscription that continues no book is made anew
_AGAIN = 30.0
_SILENT = 4.0  # without a push about a book, after which it is read: no other message proves that its own come
_WORD = b'"depth'
_OTHERS = (b'"kline"', b'"trade"')


class Books:
    """The books of all subscribed contracts. `hurry` has one read; `now` is in seconds."""

    def __init__(self, hurry: Callable[[str], None], now: Callable[[], float], *, time_scale: float = 1.0) -> None:
        self._hurry = hurry
        self._now = now
        self._scale = time_scale
        self._kept: KeptBooks[DepthFeed] = KeptBooks(instrument_id, _WORD, _OTHERS)
        self._hurried: dict[str, float] = {}
        self._idle_since: dict[str, float] = {}  # books that the stream does not continue
        self._heard: dict[str, float] = {}  # when the stream, or a read that found nothing newer, told of a book

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._kept

    @property
    def faults(self) -> int:
        """How many were found."""
        return self._kept.faults

    def open(self, instrument: Instrument, levels: int) -> None:
        """Begins to keep a book, empty and not valid; one that is kept stays as it is."""
        lots = Lots(instrument.contract_size)
        self._kept.open(instrument.id.symbol, lambda: DepthFeed(instrument.id, lots, levels))

    def close(self, symbol: str) -> None:
        """Keeps a book no longer, and lets nobody read it who still holds it."""
        self._kept.close(symbol)
        self._hurried.pop(symbol, None)
        self._idle_since.pop(symbol, None)
        self._heard.pop(symbol, None)

    def book(self, symbol: str) -> Book | None:
        return self._kept.book(symbol)

    def lots(self, symbol: str) -> Lots | None:
        feed = self._kept.feeds.get(symbol)
        return feed.lots if feed is not None else None

    def is_carried(self, symbol: str) -> bool:
        """Whether the stream continues a book, and has told of it lately."""
        feed = self._kept.feeds.get(symbol)
        return feed is not None and feed.is_carried and not self._is_silent(symbol)

    def take(self, wire: WireDepth, ts_event: int, ts_recv: int, events: list[Event]) -> None:
        """Applies a push and adds what it tells to `events`. Raises DecodeError, after the book was broken."""
        feed = self._kept.feeds.get(wire.symbol)
        if feed is None:
            return  # unsubscribed while it was on its way
        self._heard[wire.symbol] = self._now()
        was_valid, was_carried = feed.book.is_valid, feed.is_carried
        try:
            event = feed.take(wire, ts_event, ts_recv)
        except DecodeError:
            feed.book.invalidate("a quantity that is none")
            self._broke(wire.symbol, ts_recv, events)
            raise
        if event is not None:
            events.append(event)
            self._kept.healed(wire.symbol)
        elif was_valid and not feed.book.is_valid:
            self._broke(wire.symbol, ts_recv, events)
        elif was_carried and not feed.is_carried:
            self._read(wire.symbol)

    def take_read(self, symbol: str, read: BookSnapshot, events: list[Event]) -> None:
        """Takes a whole book that was read, unless the stream continues the book."""
        feed = self._kept.feeds.get(symbol)
        if feed is None:
            return
        was_valid = feed.book.is_valid
        told = feed.take_read(read, is_silent=self._is_silent(symbol))
        events.extend(told)
        if feed.is_carried:
            self._heard[symbol] = self._now()
        if feed.book.is_valid:
            if told:
                self._kept.healed(symbol)
        elif was_valid or told:
            self._broke(symbol, read.ts_recv, events)

    def break_all(self, why: str, ts: int, events: list[Event]) -> None:
        """Makes every book unreadable, since the connection was lost."""
        self._kept.break_all(why, ts, events)

    def doubt(self, raw: bytes, ts: int, events: list[Event]) -> None:
        """Breaks the books that a frame may be about which nobody can read; all of them where it names none."""
        for symbol in self._kept.doubt(raw, ts, events):
            self._read(symbol)

    def look(self) -> list[str]:
        """Has the broken ones read; returns those whose subscription is to be made anew. Called now and then."""
        now, idle = self._now(), []
        for symbol, feed in self._kept.feeds.items():
            if not feed.book.is_valid:
                self._read(symbol)
            if feed.is_carried:
                self._idle_since.pop(symbol, None)
            elif now - self._idle_since.setdefault(symbol, now) > _PATIENCE * self._scale:
                self._idle_since[symbol] = now + (_AGAIN - _PATIENCE) * self._scale
                idle.append(symbol)
        return idle

    def _is_silent(self, symbol: str) -> bool:
        return self._now() - self._heard.get(symbol, float("-inf")) > _SILENT * self._scale

    def _broke(self, symbol: str, ts: int, events: list[Event]) -> None:
        self._kept.broke(symbol, ts, events)
        self._read(symbol)

    def _read(self, symbol: str) -> None:
        now = self._now()
        if now - self._hurried.get(symbol, float("-inf")) >= _HURRY * self._scale:
            self._hurried[symbol] = now
            self._hurry(symbol)
