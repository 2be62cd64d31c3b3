"""The market's half: what is subscribed and polled, and its messages as events.

Book, trades and candles come by the stream where it carries them, and by polls where it does not: there is none,
it is not connected, it has not acknowledged a topic, or it is silent. Day, mark, index and funding are polled.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal

from venues.book import Book
from venues.commands import Channel, Subscription
from venues.errors import BadRequest
from venues.events import BarUpdate, Event, MarkPrice, StreamStatus
from venues.model import NANOSECONDS, InstrumentId
from venues.pumpkin import VENUE
from venues.pumpkin.books import Books
from venues.pumpkin.client import Client
from venues.pumpkin.depth import DEPTH
from venues.pumpkin.figures import instrument_id, symbol_of
from venues.pumpkin.limits import MINUTE
from venues.pumpkin.listing import Listing
from venues.pumpkin.market_polls import MarketPolls
from venues.pumpkin.parse import INTERVALS, interval_of, parse_bar_message
from venues.pumpkin.public import PublicReads
from venues.pumpkin.settings import Settings
from venues.pumpkin.subscriptions import Subscriptions, Topic
from venues.pumpkin.tape import Tapes
from venues.pumpkin.wire import WireBar, WireDeal, WireDepth, decode
from venues.transport.clock import ServerClock
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.market_feed import MarketIntake
from venues.transport.outbox import Outbox
from venues.transport.polling import Polls, Standby
from venues.transport.ratelimit import RateLimiter

_SILENT = 4.0  # seconds without a push after which the stream carries nothing
_IDLE_EVERY = 5.0
_MILLISECOND = 1_000_000  # nanoseconds


class MarketFeed:
    """Feeds `outbox` from `stream`, if there is one, and from polls; for one event loop.

    `show` takes the state of the market's data. `quota` is the weight a minute that others than cancels may use.
    """

    def __init__(
        self,
        stream: Stream | None,
        outbox: Outbox,
        client: Client,
        listing: Listing,
        clock: ServerClock,
        limiter: RateLimiter,
        settings: Settings,
        *,
        quota: int,
        show: Callable[[StreamStatus], None],
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        scale = settings.time_scale
        self._feed_stream = stream
        self._outbox = outbox
        self._listing = listing
        self._clock = clock
        self._wall = wall
        self._silent = _SILENT * scale
        self._heard: dict[Topic, int] = {}  # the connection by which trades or candles came
        self._wishes: dict[Subscription, None] = {}
        self._bars: dict[tuple[str, int], tuple[int, Decimal]] = {}  # the newest candle's start and volume
        self.standby = Standby(
            VENUE,
            show,
            has_stream=stream is not None,
            stands_in=self._covers,
            time_scale=scale,
            wall=wall,
            monotonic=monotonic,
        )
        self.polls = Polls(
            self.standby,
            on_fault=outbox.fail,
            free=lambda: limiter.free(MINUTE) / quota,
            time_scale=scale,
            sleep=sleep,
        )
        self.tapes = Tapes(lambda symbol: Subscription(Channel.TRADES, instrument_id(symbol)) in self._wishes)
        self.reads = PublicReads(client, listing, self.tapes, wall)
        self.books = Books(lambda symbol: self._market.hurry_book(symbol), self._now, time_scale=scale)
        self._market = MarketPolls(
            client,
            listing,
            self.reads,
            clock,
            self.books,
            self.tapes,
            self.polls,
            put=outbox.put,
            covers=self._covers,
            news=self._is_news,
            wall=wall,
        )
        self._intake: MarketIntake | None = None
        self._subscriptions: Subscriptions | None = None
        if stream is not None:
            self._intake = MarketIntake(
                stream,
                outbox,
                take=self._take,
                doubt=self.books.doubt,
                look=self._look,
                break_books=self.books.break_all,
                time_scale=scale,
                wall=wall,
                sleep=sleep,
            )
            self._subscriptions = Subscriptions(
                stream, stands=self._stands, time_scale=scale, now=self._now, sleep=sleep
            )

    @property
    def stream(self) -> Stream | None:
        return self._feed_stream

    def start(self) -> None:
        """Connects, and again after every loss, until `aclose`."""
        self.polls.start()
        # While nothing is wished for, something has to tell whether the venue is there.
        self.polls.begin("time", self._read_time, every=_IDLE_EVERY, is_due=self._is_idle, stands_in=self._is_idle)
        if self._intake is not None:
            self._intake.start()

    def book(self, instrument: InstrumentId) -> Book | None:
        """Returns the book as it now stands, valid or not; None where it is not subscribed."""
        return self.books.book(instrument.symbol)

    def mark(self, instrument: InstrumentId) -> MarkPrice | None:
        """Returns the newest mark price that was told; None for a contract of which none was."""
        return self._market.marks.get(instrument)

    def watched(self) -> list[InstrumentId]:
        """Returns the contracts that anything is subscribed of."""
        return list({wish.instrument: None for wish in self._wishes if wish.instrument is not None})

    async def subscribe(self, wish: Subscription) -> None:
        """Begins to tell of it, at once by polls where no stream does. Twice is once.

        Raises:
            VenueError: UnknownInstrument, BadRequest, or the list of contracts can not be read.
        """
        instrument, topic = check_wish(wish), topic_of(wish)
        listed = await self._listing.one(instrument)
        if wish in self._wishes:
            return
        self._wishes[wish] = None
        match wish.channel:
            case Channel.BOOK:
                self.books.open(listed, DEPTH)
                self._market.want_book(instrument, lambda: not self._carries_book(instrument.symbol))
            case Channel.TRADES:
                tape = self.tapes.of(listed)
                tape.since = self._clock.now() // _MILLISECOND
                self._market.want_trades(instrument, lambda: not self._carries(topic))
            case Channel.BARS:
                seconds = wish.interval or 0
                self._market.want_bars(instrument, seconds, lambda: not self._carries(topic))
            case Channel.TICKER:
                self._market.want_day(instrument)
            case _:
                self._market.want_mark(instrument)
        if topic is not None and self._subscriptions is not None:
            self._subscriptions.want(topic)

    def unsubscribe(self, wish: Subscription) -> None:
        """Ends it, without waiting for the venue."""
        if wish not in self._wishes or wish.instrument is None:
            return
        del self._wishes[wish]
        symbol, topic = wish.instrument.symbol, topic_of(wish)
        match wish.channel:
            case Channel.BOOK:
                self._market.drop(("book", symbol))
                self.books.close(symbol)
            case Channel.TRADES:
                self._market.drop(("trades", symbol))
            case Channel.BARS:
                self._market.drop(("bars", symbol, wish.interval or 0))
                self._bars.pop((symbol, wish.interval or 0), None)
            case Channel.TICKER:
                self._market.drop_day(wish.instrument)
            case _:
                self._market.drop_mark(wish.instrument)
        if topic is not None and self._subscriptions is not None:
            self._heard.pop(topic, None)
            self._subscriptions.remove(topic)

    def opened(self, _connection: int) -> None:
        """Is told of each connection that is open."""
        if self._subscriptions is not None:
            self._subscriptions.opened()

    def lost(self) -> None:
        """Is told when a connection is lost: no book can be read until it is full again, and the polls begin."""
        if self._intake is not None:
            self._intake.lost()
        self.polls.hurry_all()

    async def aclose(self) -> None:
        """Ends everything. May be called twice."""
        await self.polls.aclose()
        if self._intake is not None and self._subscriptions is not None:
            await self._intake.aclose(self._subscriptions.aclose())
        else:
            events: list[Event] = []
            self.books.break_all("the venue was closed", self._wall(), events)
            self._outbox.push(events)

    def _take(self, frame: Frame, events: list[Event]) -> None:
        """Raises DecodeError."""
        said = decode(frame.data)
        match said:
            case WireDepth():
                if self._intake is None or not self._intake.is_over(frame):
                    self.books.take(said, self._venue_time(frame), frame.ts_recv, events)
            case WireDeal():
                wish = Subscription(Channel.TRADES, instrument_id(said.symbol))
                listed = self._listing.known(instrument_id(said.symbol))
                if wish in self._wishes and listed is not None:
                    arrival = self._venue_time(frame) // _MILLISECOND
                    trade = self.tapes.of(listed).take_push(said, arrival, frame.ts_recv)
                    self._heard[Topic("trade", said.symbol)] = frame.connection
                    if trade is not None:
                        events.append(trade)
            case WireBar():
                self._take_bar(said, frame, events)
            case _:  # an answer that came too late
                return

    def _take_bar(self, said: WireBar, frame: Frame, events: list[Event]) -> None:
        instrument = instrument_id(said.symbol)
        interval, listed = interval_of(said.interval), self._listing.known(instrument)
        if interval is None or listed is None:
            return
        if Subscription(Channel.BARS, instrument, interval) not in self._wishes:
            return
        bar = parse_bar_message(listed, said)
        self._heard[Topic("kline", said.symbol, said.interval)] = frame.connection
        if bar is not None and self._is_news(update := BarUpdate(bar)):
            events.append(update)

    def _is_news(self, update: BarUpdate) -> bool:
        """Whether a candle is not older than what was told: within one the volume only grows."""
        bar = update.bar
        key, newest = (bar.instrument.symbol, bar.interval), (bar.ts_open, bar.volume)
        if Subscription(Channel.BARS, bar.instrument, bar.interval) not in self._wishes:
            return False
        known = self._bars.get(key)
        if known is None or newest > known:
            self._bars[key] = newest
            return True
        return False

    def _venue_time(self, frame: Frame) -> int:
        """Returns when a frame came by the venue's clock: most pushes have no time of their own."""
        return frame.ts_recv + (self._clock.offset or 0)

    def _carries(self, topic: Topic | None) -> bool:
        """Whether the stream tells of a topic, so that nothing has to be polled."""
        stream = self._feed_stream
        if stream is None or topic is None or self._subscriptions is None:
            return False
        # A topic may be acknowledged and never told: only its own word proves that it comes.
        has_spoken = self._heard.get(topic) == stream.connections
        return has_spoken and self._subscriptions.is_standing(topic) and not self._is_silent()

    def _carries_book(self, symbol: str) -> bool:
        return self.books.is_carried(symbol) and not self._is_silent()

    def _is_silent(self) -> bool:
        stream = self._feed_stream
        if stream is None or not stream.is_open:
            return True
        age = stream.age
        return age is not None and age > self._silent

    async def _read_time(self) -> None:
        await self.reads.time()

    def _is_idle(self) -> bool:
        return not self._wishes and self._covers()

    def _covers(self) -> bool:
        """Whether the polls tell what the stream should."""
        return self._is_silent()

    def _stands(self, topic: Topic, asked_at: float) -> None:
        if topic.channel != "trade":
            return
        listed = self._listing.known(instrument_id(topic.symbol))
        if listed is not None:
            ago = round((self._now() - asked_at) * NANOSECONDS)
            self.tapes.of(listed).streamed_since = (self._clock.now() - ago) // _MILLISECOND
        self._market.hand_over_trades(topic.symbol)

    def _look(self) -> None:
        """Mends books of which no message tells, and subscriptions that stopped telling."""
        idle = self.books.look()
        if self._subscriptions is not None:
            self._subscriptions.renew(Topic("depth", symbol, str(DEPTH)) for symbol in idle)
            self._subscriptions.look()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def check_wish(wish: Subscription) -> InstrumentId:
    """Returns the contract of a wish. Raises BadRequest, UnknownInstrument."""
    if wish.instrument is None:
        raise BadRequest(VENUE, "a subscription that is none of the market's")
    if wish.channel is Channel.BARS and wish.interval not in INTERVALS:
        raise BadRequest(VENUE, f"there are no bars of {wish.interval} s")
    symbol_of(wish.instrument)
    return wish.instrument


def topic_of(wish: Subscription) -> Topic | None:
    """Returns what the stream calls it; None for what it does not tell."""
    symbol = wish.instrument.symbol if wish.instrument is not None else ""
    match wish.channel:
        case Channel.BOOK:
            return Topic("depth", symbol, str(DEPTH))
        case Channel.TRADES:
            return Topic("trade", symbol)
        case Channel.BARS:
            return Topic("kline", symbol, INTERVALS[wish.interval or 0].value)
        case _:
            return None
