"""Books, trades, marks, tickers and candles of one host: each push is encoded once for all who get it.

Trades go out at once, books where they have changed, and the rest every second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from venues.events import BookDelta, Trade
from venues.model import NANOSECONDS, ZERO, Bar, Side
from venues.simulators.core import LocalExchange
from venues.simulators.figures import figure, milliseconds
from venues.simulators.held import HEARTBEATS_ONLY
from venues.simulators.mayex.bookfeed import BookFeed, DepthMode, DepthPush
from venues.simulators.mayex.candles import candle_row, newest_bars
from venues.simulators.mayex.client import Client, Topic
from venues.simulators.orders import LocalEvent
from venues.simulators.outgoing import MARKET
from venues.simulators.subscriptions import Candles, readers_of, still_read
from venues.simulators.told_books import Window

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator

_SECOND = NANOSECONDS  # between two pushes of a mark, a ticker or a candle; multiplied by the time scale
_DAY = 86_400_000  # milliseconds


class MarketPushes:
    """What is pushed of one host's markets, contracts or spot pairs."""

    def __init__(self, venue: MayexSimulator, market: LocalExchange) -> None:
        self._venue = venue
        self.market = market
        self._faults = venue.faults
        self._every = round(_SECOND * venue.settings.time_scale)
        self._next_at = 0
        self._readers: dict[Topic, list[Client]] = {}
        self._feeds: dict[Topic, BookFeed] = {}
        self._candles = Candles[Topic](partial(newest_bars, market))
        self._touched: set[str] = set()
        start = milliseconds(venue.clock.time_ns())
        self._updates = dict.fromkeys(market.instruments, start)
        self._trades: dict[str, tuple[int, int]] = {}  # the first one's number, and how many
        self._mode = DepthMode.REPLACE
        # Always, for what is counted: updates and trades.
        market.listen(self._hear)

    @property
    def mode(self) -> DepthMode:
        """How books are told; a change begins every book anew."""
        return self._mode

    @mode.setter
    def mode(self, mode: DepthMode) -> None:
        if mode is not self._mode:
            self._mode = mode
            self._feeds.clear()
            for topic, clients in self._readers.items():
                for client in clients if topic.channel == "depth" else ():
                    client.outgoing.forget(topic)
                    self.start(client, topic)

    def sort(self, clients: Iterable[Client]) -> None:
        """Notes anew who gets what. To be called whenever a client has come, gone or subscribed."""
        self._readers = readers_of((client, client.topics) for client in clients)
        self._feeds = still_read(self._feeds, self._readers)
        self._candles.keep(self._readers)

    def start(self, client: Client, topic: Topic) -> None:
        """Sends what a new subscription begins with: how things are now; of trades nothing."""
        if topic.channel == "depth":
            feed = self._feeds.get(topic)
            if feed is None:
                feed = self._feeds[topic] = BookFeed(topic.symbol, self._window(topic), self._faults, self._mode)
            self._put_book(client, topic, feed, feed.first())
        elif topic.channel == "kline":
            client.outgoing.put(self._kline(topic, self._candles.first(topic), is_closed=False))
        elif topic.channel != "trade":
            client.outgoing.put(self._summary(topic))

    # What has happened.

    def _hear(self, events: Sequence[LocalEvent]) -> None:
        for event in events:
            if isinstance(event, BookDelta):
                self._touch(event.instrument.symbol)
            elif isinstance(event, Trade):
                self._tell_trade(event)

    def _touch(self, symbol: str) -> None:
        """Notes one update of a book."""
        self._touched.add(symbol)
        self._updates[symbol] += 1

    def newest(self, symbol: str) -> int:
        """Returns the number of a book's newest update."""
        return self._updates[symbol]

    def _tell_trade(self, trade: Trade) -> None:
        symbol, number = trade.instrument.symbol, int(trade.trade_id)
        first, count = self._trades.get(symbol, (number, 0))
        self._trades[symbol] = first, count + 1
        readers = self._readers.get(Topic(f"{symbol}@trade", "trade", symbol))
        if not readers or self._faults.is_on(HEARTBEATS_ONLY, MARKET):
            return
        row = {
            "T": milliseconds(trade.ts_event),
            "s": symbol.upper(),
            "t": number,
            "p": self._figure(figure(trade.price)),
            "q": figure(trade.quantity),
            "X": "Market",
            "m": trade.side is Side.SELL,
        }
        self._send(readers, self._encode("trade", row))

    def tick(self) -> None:
        """Pushes every book that has changed since the last time, and each second the rest."""
        if not self._faults.is_quiet and self._faults.on(HEARTBEATS_ONLY, MARKET):
            return
        touched, self._touched = self._touched, set()
        now = self._venue.clock.time_ns()
        is_due = now >= self._next_at
        if is_due:
            self._next_at = now + self._every
        for topic, readers in self._readers.items():
            if topic.channel == "depth":
                self._tell_book(topic, readers, touched)
            elif not is_due:
                continue
            elif topic.channel == "kline":
                for bar, is_closed in self._candles.news(topic):
                    self._send(readers, self._kline(topic, bar, is_closed=is_closed))
            elif topic.channel != "trade":
                data, again = self._summary(topic), partial(self._summary, topic)
                for client in readers:
                    client.outgoing.put_latest(topic, data, again)

    def _tell_book(self, topic: Topic, readers: Sequence[Client], touched: Set[str]) -> None:
        feed = self._feeds.get(topic)
        if feed is None or not (feed.is_spoilt or topic.symbol in touched):
            return
        if feed.is_spoilt and topic.symbol not in touched:
            self._updates[topic.symbol] += 1  # what was told wrongly is put right, by an update of its own
        push = feed.advance(self._window(topic))
        if push is not None:
            for client in readers:
                self._put_book(client, topic, feed, push)

    def _put_book(self, client: Client, topic: Topic, feed: BookFeed, push: DepthPush) -> None:
        """Queues a book; a slow reader gets fewer of them where each is complete."""
        data = self._depth(feed.symbol, push)
        if feed.mode is DepthMode.REPLACE:
            client.outgoing.put_latest(topic, data, lambda: self._depth(feed.symbol, feed.whole()))
        else:
            client.outgoing.put(data)

    @staticmethod
    def _send(readers: Iterable[Client], data: bytes) -> None:
        for client in readers:
            client.outgoing.put(data)

    # How it is written.

    def _encode(self, event: str, row: dict[str, Any]) -> bytes:
        now = milliseconds(self._venue.server_time_ns())
        return msgspec.json.encode({"e": event, "E": now, **row})

    def _figure(self, text: str) -> str:
        """Returns a price, unless the fault nan strikes it."""
        is_struck = not self._faults.is_quiet and self._faults.on("nan", MARKET)
        return "NaN" if is_struck else text

    def _window(self, topic: Topic) -> Window:
        bids, asks = self.market.book(topic.symbol)
        level = topic.level
        return Window(dict(bids[:level]), dict(asks[:level]), self._updates[topic.symbol])

    def _depth(self, symbol: str, push: DepthPush) -> bytes:
        at = milliseconds(self.market.now)
        return self._encode("depthUpdate", {"T": at, "s": symbol.upper(), **msgspec.structs.asdict(push)})

    def _kline(self, topic: Topic, bar: Bar, *, is_closed: bool) -> bytes:
        row = candle_row(self.market, topic, bar, is_closed=is_closed)
        return self._encode("kline", {"s": topic.symbol.upper(), "k": row})

    def _summary(self, topic: Topic) -> bytes:
        write: Callable[[str], dict[str, Any]] = self._mark if topic.channel == "markPrice" else self._ticker
        event = "markPriceUpdate" if topic.channel == "markPrice" else "24hrTicker"
        return self._encode(event, {"s": topic.symbol.upper(), **write(topic.symbol)})

    def _mark(self, symbol: str) -> dict[str, Any]:
        rate, at = self._venue.funding_of(symbol)
        index = f"{self._venue.index_of(symbol):.8f}"
        return {
            "p": self._figure(f"{self._venue.mark(symbol):.8f}"),
            "i": index,
            "P": index,
            "r": f"{rate:.8f}",
            "T": at,
        }

    def _ticker(self, symbol: str) -> dict[str, Any]:
        day = self.market.day(symbol)
        change, now = day.last - day.open, milliseconds(self._venue.server_time_ns())
        newest = self.market.trades(symbol, 1)
        first, count = self._trades.get(symbol, (0, 0))
        return {
            "p": figure(change),
            "P": f"{100 * change / day.open:.2f}",
            "w": f"{day.value / day.volume:.8f}" if day.volume else figure(day.last),
            "c": self._figure(figure(day.last)),
            "Q": figure(newest[0].quantity if newest else ZERO),
            "o": figure(day.open),
            "h": figure(day.high),
            "l": figure(day.low),
            "v": figure(day.volume),
            "q": f"{day.value:.8f}",
            "O": now - _DAY,
            "C": now,
            "F": first,
            "L": int(newest[0].trade_id) if newest else 0,
            "n": count,
        }
