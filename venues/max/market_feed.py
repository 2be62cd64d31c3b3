"""The market's half of the stream: what is subscribed, and its messages as events.

The messages that were read together become one batch of events.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal

from venues.book import Book
from venues.commands import Channel, Subscription
from venues.errors import BadRequest, VenueError
from venues.events import Event, LinkState, Notice
from venues.max import VENUE
from venues.max.books import Books
from venues.max.channels import INTERVALS, RESOLUTIONS, Topic
from venues.max.connection import Calls
from venues.max.figures import ns_of_milliseconds
from venues.max.listing import Listing
from venues.max.parse import instrument_id, market_name, parse_bar_message, parse_statuses, parse_ticker_message
from venues.max.subscriptions import Subscriptions
from venues.max.tape import Tape
from venues.max.wire import Message, decode_frame
from venues.model import InstrumentId
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.market_feed import MarketIntake, with_quotes
from venues.transport.outbox import Outbox

logger = logging.getLogger(__name__)


_LEFT = 50  # markets that are no longer subscribed whose trades are still known
_STATUS = Topic("market_status")


class MarketFeed:
    """Feeds `outbox` from `stream`, for one event loop. `stream` tells it of its openings and losses."""

    def __init__(
        self,
        stream: Stream,
        outbox: Outbox,
        listing: Listing,
        *,
        time_scale: float = 1.0,
        wall: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.stream = stream
        self._outbox = outbox
        self._listing = listing
        self._wall = wall
        self._sleep = sleep
        self.books = Books(self._mend, self._now, time_scale=time_scale)
        self._intake = MarketIntake(
            stream,
            outbox,
            take=self._take,
            doubt=self.books.doubt,
            look=self._look,
            break_books=self.books.break_all,
            time_scale=time_scale,
            wall=wall,
            sleep=sleep,
        )
        self.subscriptions = Subscriptions(
            stream,
            Calls(),
            broken=self.books.broken,
            asked_for=self.books.asked_for,
            on_drop=self._dropped,
            time_scale=time_scale,
            sleep=sleep,
        )
        self._tapes: dict[str, Tape] = {}  # of markets that were left as well, the last one left last
        self._newest: dict[Topic, int] = {}  # the moment of the newest candle or ticker, in milliseconds

    def start(self) -> None:
        """Connects, and again after every loss, until `aclose`."""
        self._intake.start()
        self.subscriptions.want(_STATUS)

    def book(self, instrument: InstrumentId) -> Book | None:
        """Returns the book as it now stands, valid or not; None where it is not subscribed."""
        return self.books.book(market_name(instrument))

    def watched(self) -> list[InstrumentId]:
        """Returns the markets that anything is subscribed of."""
        return [instrument_id(topic.market) for topic in self.subscriptions.topics if topic.market]

    def mid(self, instrument: InstrumentId) -> Decimal | None:
        """Returns the middle of a valid book that is kept."""
        book = self.book(instrument)
        return book.mid() if book is not None and book.is_valid else None

    def fresh_mid(self, instrument: InstrumentId) -> Decimal | None:
        """Returns the same where the stream is not silent."""
        return self.mid(instrument) if self.stream.status.state is LinkState.LIVE else None

    async def subscribe(self, subscription: Subscription) -> None:
        """Raises VenueError where it was refused."""
        topic = topic_of(subscription)
        if topic.channel == "book":
            self.books.open(topic.market)
        elif topic.channel == "trade":
            market, instrument = topic.market, instrument_id(topic.market)
            known = (
                self._tapes.pop(market) if market in self._tapes else Tape(market, lambda: self.mid(instrument))
            )
            self._tapes[market] = known
        try:
            await self.subscriptions.add(topic)
        except VenueError:
            self._left(topic)
            raise

    def unsubscribe(self, subscription: Subscription) -> None:
        """Ends it, without waiting for the venue."""
        topic = topic_of(subscription)
        self.subscriptions.remove(topic)
        self._left(topic)

    def opened(self, _connection: int) -> None:
        """Is told of each connection that is open and subscribed."""
        self.books.expect_all()
        self._newest.clear()  # another server may have another clock

    def lost(self) -> None:
        """Is told when a connection is lost: no book can be read until it is full again."""
        self._intake.lost()

    async def aclose(self) -> None:
        """Ends everything. May be called twice."""
        await self._intake.aclose(self.subscriptions.aclose())

    def _take(self, frame: Frame, events: list[Event]) -> None:
        """Raises DecodeError."""
        message = decode_frame(frame.data)
        if message.channel == "book":
            if not self._intake.is_over(frame):
                self.books.take(message, frame.ts_recv, events)
        else:
            self._take_other(message, frame.ts_recv, events)

    def _take_other(self, message: Message, ts_recv: int, events: list[Event]) -> None:
        """Raises DecodeError."""
        match message.channel:
            case "trade" if Topic("trade", message.market) in self.subscriptions:
                events.extend(self._tapes[message.market].take(message, ts_recv))
            case "ticker":
                self._take_ticker(message, events)
            case "kline":
                self._take_bar(message, events)
            case "market_status":
                events.extend(
                    self._listing.take_statuses(parse_statuses(message), ns_of_milliseconds(message.time))
                )

    def _take_ticker(self, message: Message, events: list[Event]) -> None:
        """Tells a ticker that is wanted; bid and ask, which no message has, are those of a book that is kept."""
        ticker = parse_ticker_message(message)
        topic = Topic("ticker", market_name(ticker.instrument))
        if not self._is_news(topic, message.time):
            return
        events.append(with_quotes(ticker, self.books.book(topic.market)))

    def _take_bar(self, message: Message, events: list[Event]) -> None:
        update = parse_bar_message(message)
        bar = update.bar
        if self._is_news(Topic("kline", market_name(bar.instrument), RESOLUTIONS[bar.interval]), message.time):
            events.append(update)

    def _is_news(self, topic: Topic, time: int) -> bool:
        """Whether a state is wanted, and not older than the one before it: the newest is all that counts."""
        if topic not in self.subscriptions or time < self._newest.get(topic, 0):
            return False
        self._newest[topic] = time
        return True

    def _look(self) -> None:
        """Mends books of which no message tells: one that its reader distrusts, one that never came."""
        self.books.look()
        self.subscriptions.look()

    def _mend(self) -> None:
        if self.stream.is_open:
            self.subscriptions.mend()

    def _tape(self, market: str) -> Tape:
        instrument = instrument_id(market)
        return Tape(market, lambda: self.mid(instrument))

    def _left(self, topic: Topic) -> None:
        self._newest.pop(topic, None)
        if topic.channel == "book":
            self.books.close(topic.market)
        # What was told is not told again where the market is shown once more.
        left = [market for market in self._tapes if Topic("trade", market) not in self.subscriptions]
        for market in left[:-_LEFT]:
            del self._tapes[market]

    def _dropped(self, topic: Topic, error: VenueError) -> None:
        text = f"{topic.market.upper()}: {topic.channel} is no longer sent: {error.message}"
        logger.warning("%s: %s", VENUE, text)
        if topic.market:
            self._outbox.push((Notice(VENUE, text, ts_event=self._wall()),))
        self._left(topic)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def topic_of(subscription: Subscription) -> Topic:
    """Returns what the venue calls it. Raises BadRequest: it is none of the market's, or not to be had."""
    market = market_name(subscription.instrument) if subscription.instrument is not None else ""
    match subscription.channel:
        case Channel.BOOK:
            return Topic("book", market)
        case Channel.TRADES:
            return Topic("trade", market)
        case Channel.TICKER:
            return Topic("ticker", market)
        case Channel.BARS if subscription.interval in INTERVALS.values():
            return Topic("kline", market, RESOLUTIONS[subscription.interval or 0])
        case Channel.BARS:
            raise BadRequest(VENUE, f"there are no bars of {subscription.interval} s")
        case Channel.MARK:
            raise BadRequest(VENUE, "there is no mark price: the venue has no perpetuals")
        case _:
            raise BadRequest(VENUE, "a subscription that is none of the market's")
