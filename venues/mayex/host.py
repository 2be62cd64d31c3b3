"""The market data of one host of Mayex, contracts or spot pairs: what is subscribed, and its messages as events.

The mark of a contract is told every second, whatever happens ("pushed every second"): it is subscribed with
whatever else of the contract is, so that a stream that has fallen silent is known within two seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from venues.book import Book
from venues.commands import Channel, Subscription
from venues.errors import ConnectionLost, VenueError
from venues.events import BarUpdate, Event, LinkState, MarkPrice, Notice, StreamStatus, Ticker
from venues.mayex import VENUE
from venues.mayex.books import Books
from venues.mayex.calls import PATIENCE, Calls
from venues.mayex.candles import Candles
from venues.mayex.depth import Reading
from venues.mayex.figures import ns_of_milliseconds, symbol_of
from venues.mayex.parse import parse_bar, parse_mark, parse_ticker
from venues.mayex.streams import book_of, depth_name, mark_name, name_of, name_of_wish
from venues.mayex.tape import Tapes
from venues.mayex.timekeeping import DateClock
from venues.mayex.wire import WireBar, WireDepth, WireMark, WireTicker, WireTrade, decode
from venues.model import InstrumentId
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.market_feed import MarketIntake, with_quotes
from venues.transport.outbox import Outbox
from venues.transport.subscriptions import Subscriptions

_GRACE = 1.5  # seconds in which what was just subscribed may have told nothing yet
_STANDS = 10.0  # seconds in which what is looked at has to be acknowledged
_LINGERS = 1.0  # seconds that it is held afterwards: it may be looked at again
_JUDGED = 10.0  # seconds that a stream is left which the venue refused: nothing else tells of it
_NEWS = TypeVar("_NEWS", Ticker, MarkPrice)


class Host:
    """What one stream tells of the market, for one event loop.

    `instrument` names what has a symbol there. `tell` gets the states of the stream that are worth telling: while
    nothing of it is in use its silence is no news, and where it `is_spare` the whole stream is none (None).
    """

    def __init__(
        self,
        make_stream: Callable[[Host], Stream],
        outbox: Outbox,
        clock: DateClock,
        *,
        instrument: Callable[[str], InstrumentId],
        has_marks: bool,
        is_spare: bool,
        depth: str,
        levels: int,
        tell: Callable[[StreamStatus | None], None],
        time_scale: float = 1.0,
        wall: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._instrument = instrument
        self._has_marks = has_marks
        self._is_spare = is_spare
        self.levels = levels
        self._tell = tell
        self._scale = time_scale
        self._wall = wall
        self._status: StreamStatus | None = None
        self._told: StreamStatus | None = None
        self._holders: Counter[str] = Counter()  # of each stream's name
        self._since = 0.0  # when the first of them came
        self._wishes: set[Subscription] = set()
        self._heard: dict[str, tuple[int, float]] = {}  # of each: by which connection, and when
        self._asked: dict[str, int] = {}  # when each book was asked for, by our clock
        self._stood: dict[str, float] = {}  # when each was acknowledged
        self._lingering: list[tuple[float, str]] = []  # until when what was looked at is still held
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._refused: set[str] = set()  # what was told to be refused
        self.marks: dict[InstrumentId, MarkPrice] = {}
        self.tickers: dict[InstrumentId, Ticker] = {}
        self.tapes = Tapes()
        self.candles = Candles()
        self.books = Books(instrument, Reading(depth), self._subscribe_anew, self._now, time_scale=time_scale)
        self.stream = make_stream(self)
        calls = Calls()
        self._subscriptions: Subscriptions[str] = Subscriptions(
            self.stream,
            subscribe=calls.subscribe,
            unsubscribe=calls.unsubscribe,
            name=str,
            asks=self._asks,
            stands=self._stands,
            refused=self._tell_refused,
            judged=_JUDGED,
            time_scale=time_scale,
            now=self._now,
            sleep=sleep,
        )
        self._intake = MarketIntake(
            self.stream,
            outbox,
            take=self._take,
            doubt=self.books.doubt,
            look=self._look,
            break_books=self.books.break_all,
            time_scale=time_scale,
            wall=wall,
            sleep=sleep,
        )

    @property
    def is_in_use(self) -> bool:
        return bool(self._holders)

    def start(self) -> None:
        """Connects, and again after every loss, until `aclose`."""
        self._intake.start()

    def opened(self, _connection: int) -> None:
        """Is told of each connection that is open."""
        self.books.expect_all()
        self._subscriptions.opened()

    def lost(self) -> None:
        """Is told when a connection is lost: no book can be read until it is full again."""
        self._intake.lost()

    def hears(self, status: StreamStatus) -> None:
        """Takes a state of the stream."""
        self._status = status
        self._show()

    async def aclose(self) -> None:
        """Ends everything. May be called twice."""
        for waiters in self._waiting.values():
            for waiter in [each for each in waiters if not each.done()]:
                waiter.set_exception(ConnectionLost(VENUE, "this venue is closed"))
        await self._intake.aclose(self._subscriptions.aclose())

    def subscribe(self, wish: Subscription, symbol: str) -> None:
        """Begins to tell of it. Twice is once."""
        if wish in self._wishes:
            return
        self._wishes.add(wish)
        for name in self._names(wish, symbol):
            self.hold(name)
        if wish.channel is Channel.BOOK:
            self._tell_book(symbol)

    def unsubscribe(self, wish: Subscription, symbol: str) -> None:
        """Ends it, without waiting for the venue."""
        if wish in self._wishes:
            self._wishes.discard(wish)
            for name in self._names(wish, symbol):
                self.release(name)

    def book(self, symbol: str) -> Book | None:
        """Returns the book as it now stands, valid or not; None where nobody holds it."""
        return self.books.book(symbol)

    def wished_book(self, instrument: InstrumentId) -> Book | None:
        """Returns the same where it was wished for."""
        is_wished = Subscription(Channel.BOOK, instrument) in self._wishes
        return self.books.book(symbol_of(instrument)) if is_wished else None

    def hold(self, name: str) -> None:
        """Has a stream subscribed until all who hold it have released it."""
        if not self._holders:
            self._since = self._now()
        self._holders[name] += 1
        if self._holders[name] > 1:
            return
        if symbol := book_of(name):
            self.books.open(symbol, self.levels)
            self._asked.pop(name, None)
            self._subscriptions.renew([name])  # where its end is still on its way, nothing would tell the whole
        self._subscriptions.want(name)
        self._show()

    def release(self, name: str) -> None:
        self._holders[name] -= 1
        if self._holders[name]:
            return
        del self._holders[name]
        if symbol := book_of(name):
            self.books.close(symbol)
        self._heard.pop(name, None)
        self._stood.pop(name, None)
        self._refused.discard(name)
        self._subscriptions.remove(name)
        self._show()

    def is_fresh(self, name: str, age: float) -> bool:
        """Whether a stream has told something by the present connection, within `age` seconds at full scale."""
        connection, at = self._heard.get(name, (0, 0.0))
        is_ours = self.stream.is_open and connection == self.stream.connections
        return is_ours and self._now() - at <= age * self._scale

    async def glimpse(
        self, name: str, patience: float, is_enough: Callable[[], bool] = lambda: True, *, stands: float = _STANDS
    ) -> bool:
        """Has a stream subscribed until it tells what is enough; False where that does not come in time.

        `patience` is in seconds at full scale, from when the venue has acknowledged it; `stands` is how many
        seconds that may take, whatever the scale: the limits of what is sent are the venue's.

        Raises:
            ConnectionLost: the venue was closed.
        """
        self.hold(name)
        began, until = self._now(), self._now() + stands
        try:
            while True:
                if self._subscriptions.is_standing(name):
                    until = max(began, self._stood.get(name, began)) + patience * self._scale
                try:
                    async with asyncio.timeout_at(until):
                        await self._next(name)
                except TimeoutError:
                    return False
                if self._heard.get(name, (0, 0.0))[1] >= began and is_enough():
                    return True
        finally:
            self._lingering.append((self._now() + _LINGERS * self._scale, name))

    async def _next(self, name: str) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters = self._waiting.setdefault(name, [])
        waiters.append(waiter)
        try:
            await waiter
        finally:
            waiters.remove(waiter)
            if not waiters:
                self._waiting.pop(name, None)

    def _take(self, frame: Frame, events: list[Event]) -> None:
        """Raises DecodeError."""
        push = decode(frame.data)
        if push is None:
            return
        symbol, told = push.symbol, push.told
        name = name_of(symbol, told, self.levels)
        if name not in self._holders:
            return  # unsubscribed while it was on its way
        instrument = self._instrument(symbol)
        if isinstance(told, WireDepth):
            # What came before it was asked for is another subscription's, and no book to begin with.
            if self._intake.is_over(frame) or frame.ts_recv < self._asked.get(name, frame.ts_recv + 1):
                return
            told_of: list[Event] = events if Subscription(Channel.BOOK, instrument) in self._wishes else []
            self.books.take(symbol, told, ns_of_milliseconds(told.time), frame.ts_recv, told_of)
        else:
            found = self._news(instrument, name, told, frame.ts_recv)
            if found is not None and found[0] in self._wishes:
                events.append(found[1])
        if push.sent:
            self._clock.hear(ns_of_milliseconds(push.sent), frame.ts_recv)
        self._heard[name] = (frame.connection, self._now())
        self._wake(name)

    def _stands(self, name: str, _asked_at: float) -> None:
        self._stood[name] = self._now()
        self._wake(name)

    def _wake(self, name: str) -> None:
        for waiter in self._waiting.get(name, ()):
            if not waiter.done():
                waiter.set_result(None)

    def _news(
        self,
        instrument: InstrumentId,
        name: str,
        told: WireTrade | WireBar | WireTicker | WireMark,
        ts_recv: int,
    ) -> tuple[Subscription, Event] | None:
        """Takes what was told; returns it with whom it is for, None where it is no news. Raises DecodeError."""
        match told:
            case WireTrade():
                trade = self.tapes.of(instrument).take(told, ts_recv)
                return None if trade is None else (Subscription(Channel.TRADES, instrument), trade)
            case WireBar():
                bar = parse_bar(instrument, told)
                if bar is None or not self.candles.take(bar):
                    return None
                return Subscription(Channel.BARS, instrument, bar.interval), BarUpdate(bar)
            case WireTicker():
                ticker = parse_ticker(instrument, told)
                if ticker is None or not self._is_news(self.tickers, ticker, name):
                    return None
                with_both = with_quotes(ticker, self.books.book(name.partition("@")[0]))
                return Subscription(Channel.TICKER, instrument), with_both
            case _:
                mark = parse_mark(instrument, told)
                if not self._is_news(self.marks, mark, name):
                    return None
                return Subscription(Channel.MARK, instrument), mark

    def _is_news(self, known: dict[InstrumentId, _NEWS], news: _NEWS, name: str) -> bool:
        """Whether a state is not older than the one before it by the same connection."""
        before = known.get(news.instrument)
        connection, _ = self._heard.get(name, (0, 0.0))
        if before is not None and connection == self.stream.connections and news.ts_event < before.ts_event:
            return False
        known[news.instrument] = news
        return True

    def _names(self, wish: Subscription, symbol: str) -> set[str]:
        """Returns the streams that a wish needs."""
        return {name_of_wish(wish, symbol, self.levels), *([mark_name(symbol)] if self._has_marks else [])}

    def _tell_book(self, symbol: str) -> None:
        """Tells a book that stands already, since somebody looked at it a moment ago."""
        book = self.books.book(symbol)
        if book is not None and book.is_valid:
            self._outbox.push((book.snapshot(self.levels),))

    def _subscribe_anew(self) -> None:
        if self.stream.is_open:
            broken = self.books.broken()
            self.books.asked_for(broken)
            self._subscriptions.renew(depth_name(symbol, self.levels) for symbol in broken)

    def _asks(self, name: str) -> None:
        if symbol := book_of(name):
            self._asked[name] = self._wall()
            self.books.begun_anew(symbol)

    def _tell_refused(self, name: str, error: VenueError) -> None:
        if name in self._holders and name not in self._refused:
            self._refused.add(name)
            self._outbox.push((Notice(VENUE, f"{name} is not sent: {error.message}", ts_event=self._wall()),))

    def _look(self) -> None:
        """Mends books of which no message tells, what does not stand, and a stream that tells nothing."""
        events: list[Event] = []
        self.books.look(events, self._wall())
        self._outbox.push(events)
        self._end_lingering()
        self._subscriptions.look()
        self._show()
        age = self.stream.age
        if age is not None and min(age, self._used_for) > PATIENCE * self._scale:
            self.stream.reconnect(f"nothing was told for {age:.0f} s")

    def _end_lingering(self) -> None:
        now = self._now()
        due = [name for until, name in self._lingering if until <= now]
        self._lingering = [each for each in self._lingering if each[0] > now]
        for name in due:
            self.release(name)

    @property
    def _used_for(self) -> float:
        """How long anything has been in use, in seconds."""
        return self._now() - self._since if self._holders else 0.0

    def _show(self) -> None:
        """Tells the state of the stream where it has changed."""
        status = self._status
        if status is not None and status.state is LinkState.STALE and self._used_for < _GRACE * self._scale:
            status = msgspec.structs.replace(status, state=LinkState.LIVE, detail="")
        if self._is_spare and not self.is_in_use:
            status = None
        if status != self._told:
            self._told = status
            self._tell(status)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
