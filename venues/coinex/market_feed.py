"""The market's half of the stream: what is subscribed, and its frames as events.

Depth, deals, state and index, each one channel of one connection without a login ("WebSocket" of the document).
The frames that were read together become one batch of events.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from venues.book import Book
from venues.coinex import VENUE, channels
from venues.coinex.books import LIMIT, Books
from venues.coinex.channels import Call, DepthWish
from venues.coinex.connection import Calls
from venues.coinex.deals import Deals
from venues.coinex.endpoints import checked_merge
from venues.coinex.figures import positive
from venues.coinex.messages import (
    DealsUpdate,
    DepthUpdate,
    IndexUpdate,
    StateUpdate,
    StreamIndex,
    decode_frame,
    decode_result,
)
from venues.coinex.parse import parse_index_push, parse_state_push
from venues.coinex.public import PublicReads
from venues.coinex.topics import Topic
from venues.commands import Channel, Subscription
from venues.errors import BadRequest, VenueError
from venues.events import Event, MarkPrice, Notice
from venues.model import NANOSECONDS, InstrumentId
from venues.transport.clock import ServerClock
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.market_feed import MarketIntake, with_quotes
from venues.transport.outbox import Outbox

logger = logging.getLogger(__name__)


class MarketFeed:
    """Feeds `outbox` from `stream`, for one event loop. `stream` tells it of its openings and losses."""

    def __init__(
        self,
        stream: Stream,
        outbox: Outbox,
        reads: PublicReads,
        clock: ServerClock,
        *,
        time_scale: float = 1.0,
        wall: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.stream = stream
        self.calls = Calls()
        self._outbox = outbox
        self._reads = reads
        self._wall = wall
        self._time_scale = time_scale
        self._sleep = sleep
        self._merges: dict[str, str] = {}
        self._depth = self._topic("depth", self._depth_call)
        self.books = Books(self._depth.again, self._now, time_scale=time_scale)
        self._intake = MarketIntake(
            stream,
            outbox,
            take=self._take,
            doubt=self.books.doubt,
            look=self.books.look,
            break_books=self.books.break_all,
            settle=lambda events: self._deals.changed_bars(events),
            time_scale=time_scale,
            wall=wall,
            sleep=sleep,
        )
        self._state = self._topic("state", channels.subscribe_states)
        self._index = self._topic("index", _index_call)
        self._trades = self._topic("deals", channels.subscribe_deals)
        self._deals = Deals(
            self._trades,
            self._intake.crew,
            read=reads.bars_of,
            clock=clock.now,
            emit=outbox.put,
            time_scale=time_scale,
            sleep=sleep,
        )
        self._new_tickers: dict[str, None] = {}

    def start(self) -> None:
        """Connects, and again after every loss, until `aclose`."""
        self._intake.start()

    def book(self, instrument: InstrumentId) -> Book | None:
        """Returns the book as it now stands, valid or not; None where it is not subscribed."""
        return self.books.book(instrument.symbol)

    async def subscribe(self, subscription: Subscription) -> None:
        """Raises VenueError where it was refused."""
        market = subscription.instrument.symbol if subscription.instrument is not None else ""
        match subscription.channel:
            case Channel.BOOK:
                self.books.open(market, LIMIT)
                try:
                    await self._depth.add(market)
                except VenueError:
                    self.books.close(market)
                    raise
            case Channel.TRADES:
                await self._deals.add_trades(market)
            case Channel.TICKER:
                is_new = market not in self._state
                await self._state.add(market)
                if is_new:
                    self._read_ticker(market)
            case Channel.MARK:
                await self._index.add(market)
            case Channel.BARS if subscription.interval is not None:
                await self._deals.add_bars(market, subscription.interval)
            case _:
                raise BadRequest(VENUE, "a subscription that is none of the market's")

    def unsubscribe(self, subscription: Subscription) -> None:
        """Ends it, without waiting for the venue."""
        market = subscription.instrument.symbol if subscription.instrument is not None else ""
        match subscription.channel:
            case Channel.BOOK:
                self.books.close(market)
                self._merges.pop(market, None)
                self._depth.remove(market)
            case Channel.TRADES:
                self._deals.remove_trades(market)
            case Channel.TICKER:
                self._state.remove(market)
            case Channel.MARK:
                self._index.remove(market)
            case Channel.BARS if subscription.interval is not None:
                self._deals.remove_bars(market, subscription.interval)
            case _:
                pass

    def set_merge(self, market: str, merge: str) -> None:
        """Has the subscribed book of a market merged to steps of `merge`, "0" for none. Raises BadRequest."""
        if self._merges.get(market, "0") == checked_merge(merge):
            return
        self._merges[market] = merge
        if market in self.books:
            self.books.close(market)
            self.books.open(market)
            self._depth.again()

    async def fetch_index(self, instrument: InstrumentId) -> MarkPrice:
        """Returns the index price. Raises VenueError, ConnectionLost without a connection."""
        reply = await self.calls.answer(self.stream, Call("index.query", (instrument.symbol,)))
        found: StreamIndex = decode_result(reply, StreamIndex)
        price = positive(found.index)
        return MarkPrice(instrument, price, price, None, None, found.time * NANOSECONDS)

    async def read_time(self) -> int:
        """Returns the venue's time in nanoseconds UTC, cut to seconds. Raises VenueError."""
        seconds: int = decode_result(await self.calls.answer(self.stream, channels.SERVER_TIME), int)
        return seconds * NANOSECONDS

    def opened(self, connection: int) -> None:
        """Is told of each connection that is open and subscribed."""
        self.books.expect_all()
        if connection > 1:
            self._deals.read_bars_anew()

    def lost(self) -> None:
        """Is told when a connection is lost: no book can be read until it is full again."""
        self._intake.lost()

    async def aclose(self) -> None:
        """Ends everything. May be called twice."""
        await self._intake.aclose(
            *(each.aclose() for each in (self._depth, self._state, self._index, self._trades))
        )

    def _take(self, frame: Frame, events: list[Event]) -> None:
        """Raises DecodeError."""
        message = decode_frame(frame.data)
        if type(message) is DepthUpdate:
            if not self._intake.is_over(frame):
                self.books.take(message, frame.ts_recv, events)
        elif type(message) is DealsUpdate:
            self._deals.take(message, frame.ts_recv, events)
        elif type(message) is StateUpdate:
            self._take_states(message, frame.ts_recv, events)
        elif type(message) is IndexUpdate and message.params[0] in self._index:
            events.append(parse_index_push(message, frame.ts_recv))

    def _take_states(self, push: StateUpdate, ts_recv: int, events: list[Event]) -> None:
        """Tells the tickers that are wanted; bid and ask, which no push has, are those of a book that is kept."""
        for ticker in parse_state_push(push, ts_recv):
            market = ticker.instrument.symbol
            if market not in self._state:
                continue
            events.append(with_quotes(ticker, self.books.book(market)))

    def _read_ticker(self, market: str) -> None:
        """Has a ticker told at once: the venue pushes it with the next trade only, which may be long."""
        self._new_tickers[market] = None
        if len(self._new_tickers) == 1:
            self._intake.crew.begin("tickers", self._read_tickers)

    async def _read_tickers(self) -> None:
        await self._sleep(0)
        markets, self._new_tickers = list(self._new_tickers), {}
        try:
            tickers = await self._reads.tickers_of(markets)
        except VenueError as error:
            logger.warning("%s: %s", VENUE, error.message)
        else:
            await self._outbox.put([each for each in tickers if each.instrument.symbol in self._state])

    def _topic(self, name: str, call_for: Callable[[Sequence[str]], Call]) -> Topic:
        def dropped(market: str, error: VenueError) -> None:
            text = f"{market}: {name} is no longer sent: {error.message}"
            logger.warning("%s: %s", VENUE, text)
            self._outbox.push((Notice(VENUE, text, ts_event=self._wall()),))
            if name == "depth":
                self.books.close(market)

        return Topic(
            name,
            self.stream,
            self.calls,
            call_for,
            on_drop=dropped,
            time_scale=self._time_scale,
            sleep=self._sleep,
        )

    def _depth_call(self, markets: Sequence[str]) -> Call:
        wishes = [DepthWish(market=market, merge=self._merges.get(market, "0")) for market in markets]
        return channels.subscribe_depths(wishes)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _index_call(markets: Sequence[str]) -> Call:
    """The index comes of all markets or of none."""
    return channels.subscribe_index() if markets else channels.unsubscribe("index")
