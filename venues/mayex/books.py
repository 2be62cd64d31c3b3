"""The subscribed books of one host, and how a broken one is mended.

A broken book is told at once and can not be read. Where each message is a whole book the next one mends it;
elsewhere, and where none comes within a second, it is subscribed anew: all that are broken together, at once, then
after 1 s, 2 s, 4 s ... at most every 10 s. One without a level may be empty by a fault: it is asked for again too,
with the longest pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from venues.book import Book
from venues.events import Event
from venues.mayex.depth import DepthFeed, Reading
from venues.mayex.wire import WireDepth
from venues.model import InstrumentId
from venues.transport.books import KeptBooks, Mending

_PATIENCE = 5.0  # seconds for the first message of a subscription
_NEXT = 1.0  # for the next message, where it mends the book
_HELD = 0.4  # that a message waits for the one before it
_WORD = b'"depthupdate"'  # in small letters, as those are
_OTHERS = (b'"kline"', b'"trade"', b'"24hrticker"', b'"markpriceupdate"')


class Books:
    """The books of all subscribed markets of a host, by the venue's symbols.

    `subscribe_anew` has `broken` asked for; `now` is in seconds.
    """

    def __init__(
        self,
        instrument: Callable[[str], InstrumentId],
        reading: Reading,
        subscribe_anew: Callable[[], None],
        now: Callable[[], float],
        *,
        time_scale: float = 1.0,
    ) -> None:
        self.reading = reading
        self._instrument = instrument
        self._now = now
        self._scale = time_scale
        self._kept: KeptBooks[DepthFeed] = KeptBooks(instrument, _WORD, _OTHERS)
        self._mending = Mending(subscribe_anew, now, time_scale=time_scale)
        self._awaited: dict[str, float] = {}  # until when a message is waited for that mends it
        self._held: dict[str, float] = {}  # until when a message is that waits for another
        self._turns = reading.turns

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._kept

    @property
    def faults(self) -> int:
        """How many were found."""
        return self._kept.faults

    def open(self, symbol: str, levels: int) -> None:
        """Begins to keep a book, empty and not valid; one that is kept stays as it is."""
        if self._kept.open(symbol, lambda: DepthFeed(self._instrument(symbol), self.reading, levels)):
            self._expect(symbol)

    def close(self, symbol: str) -> None:
        """Keeps a book no longer, and lets nobody read it who still holds it."""
        self._kept.close(symbol)
        self._awaited.pop(symbol, None)
        self._held.pop(symbol, None)

    def book(self, symbol: str) -> Book | None:
        return self._kept.book(symbol)

    def take(self, symbol: str, wire: WireDepth, ts_event: int, ts_recv: int, events: list[Event]) -> None:
        """Applies a message and adds what it tells to `events`."""
        feed = self._kept.feeds.get(symbol)
        if feed is None:
            return  # unsubscribed while it was on its way
        was_valid, needed_anew = feed.book.is_valid, feed.needs_anew
        told = feed.take(wire, ts_event, ts_recv)
        events.extend(told)
        if feed.book.is_valid:
            if told:
                self._kept.healed(symbol)
                self._awaited.pop(symbol, None)
            if feed.is_held:
                self._held.setdefault(symbol, self._now() + _HELD * self._scale)
            else:
                self._held.pop(symbol, None)
        elif was_valid:
            self._broke(symbol, ts_recv, events)
        elif feed.needs_anew and not needed_anew:
            self._mend(symbol)
        if self.reading.turns != self._turns:
            self._turn(ts_recv, events)

    def break_all(self, why: str, ts: int, events: list[Event]) -> None:
        """Makes every book unreadable, since the connection was lost."""
        self._kept.break_all(why, ts, events)
        self._held.clear()

    def expect_all(self) -> None:
        """Notes that every book is subscribed by a new connection just now."""
        for symbol in self._kept.feeds:
            self._expect(symbol)

    def begun_anew(self, symbol: str) -> None:
        """Notes that a subscription begins, whose first message is a whole book."""
        feed = self._kept.feeds.get(symbol)
        if feed is not None and (feed.is_empty or not feed.book.is_valid):
            feed.restart()
            self._expect(symbol)

    def doubt(self, raw: bytes, ts: int, events: list[Event]) -> None:
        """Breaks the books that a frame may be about which nobody can read; all of them where it names none."""
        for symbol in self._kept.doubt(raw.lower(), ts, events):
            self._expect_better(symbol)

    def broken(self) -> Sequence[str]:
        """Returns the symbols of those that are to be subscribed anew."""
        now = self._now()
        return [
            symbol
            for symbol, feed in self._kept.feeds.items()
            if (feed.is_empty or not feed.book.is_valid) and self._awaited.get(symbol, now) <= now
        ]

    def asked_for(self, symbols: Sequence[str]) -> None:
        """Notes that these are being subscribed anew."""
        for symbol in symbols:
            self._expect(symbol)

    def look(self, events: list[Event], ts: int) -> None:
        """Has mended what is broken, as often as it may; tells what did not come. Called now and then."""
        now = self._now()
        for symbol, until in list(self._held.items()):
            feed = self._kept.feeds[symbol]
            if feed.is_held and now >= until:
                feed.give_up()
                self._broke(symbol, ts, events)
        empty = {symbol for symbol, feed in self._kept.feeds.items() if feed.is_empty}
        self._mending.look(is_broken=bool(set(self.broken()) - empty), is_doubtful=bool(empty))

    def _turn(self, ts: int, events: list[Event]) -> None:
        """Breaks every book: what they were made of was read wrongly."""
        self._turns = self.reading.turns
        for symbol, feed in self._kept.feeds.items():
            if feed.book.is_valid:
                feed.give_up("what its messages are was read wrongly")
                self._broke(symbol, ts, events)

    def _broke(self, symbol: str, ts: int, events: list[Event]) -> None:
        self._kept.broke(symbol, ts, events)
        self._expect_better(symbol)

    def _expect_better(self, symbol: str) -> None:
        """Waits for the next message where that mends a broken book; else has it subscribed anew."""
        self._held.pop(symbol, None)
        if self._kept.feeds[symbol].needs_anew:
            self._mend(symbol)
        else:
            self._expect(symbol, _NEXT)

    def _mend(self, symbol: str) -> None:
        self._awaited.pop(symbol, None)
        self._mending.look(is_broken=True)

    def _expect(self, symbol: str, patience: float = _PATIENCE) -> None:
        self._awaited[symbol] = self._now() + patience * self._scale
