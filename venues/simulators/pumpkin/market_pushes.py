"""Books, trades and candles: each push is encoded once for all who get it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from venues.events import Trade
from venues.model import Bar
from venues.simulators.figures import figure, milliseconds
from venues.simulators.held import HEARTBEATS_ONLY
from venues.simulators.outgoing import MARKET
from venues.simulators.pumpkin import protobuf
from venues.simulators.pumpkin.bookfeed import BookFeed, DepthPush
from venues.simulators.pumpkin.client import Client, Topic
from venues.simulators.pumpkin.figures import trade_number
from venues.simulators.pumpkin.markets import TERMS
from venues.simulators.pumpkin.rest_market import INTERVALS, aggressor, bar_figures
from venues.simulators.pumpkin.rows import levels
from venues.simulators.subscriptions import Candles, readers_of, still_read
from venues.simulators.told_books import Window

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

_BASE = 1 << 18  # numbers of changes begin at the start's milliseconds times this: above 2^53
_MINUTE = 60


class MarketPushes:
    """What is pushed of the markets. Trades go out at once; the rest by `tick`, where it has changed."""

    def __init__(self, venue: PumpkinSimulator) -> None:
        self._venue = venue
        self._market = venue.market
        self._faults = venue.faults
        self._readers: dict[Topic, list[Client]] = {}
        self._feeds: dict[Topic, BookFeed] = {}
        self._touched: set[str] = set()
        self._candles = Candles[Topic](self._newest)
        start = milliseconds(venue.clock.time_ns()) * _BASE
        self._changes = dict.fromkeys(self._market.instruments, start)
        self.is_binary = False  # pushes are protobuf messages and no JSON

    def sort(self, clients: Iterable[Client]) -> None:
        """Notes anew who gets what. To be called whenever a client has come, gone or subscribed."""
        self._readers = readers_of((client, client.topics) for client in clients)
        self._feeds = still_read(self._feeds, self._readers)
        self._candles.keep(self._readers)

    def start(self, client: Client, topic: Topic) -> None:
        """Sends what a new subscription begins with: the whole book, or the candle as it is."""
        if topic.channel == "depth":
            feed = self._feeds.get(topic)
            if feed is None:
                feed = self._feeds[topic] = BookFeed(topic.symbol, self._window(topic), self._faults)
            client.outgoing.put_latest(topic, self._depth(feed.first()), partial(self._renewed, feed))
        elif topic.channel == "kline":
            client.outgoing.put(self._kline(topic, self._candles.first(topic)))

    # What has happened.

    def touch(self, symbol: str) -> None:
        """Notes one change of a book."""
        self._touched.add(symbol)
        self._changes[symbol] += 1

    def position(self, symbol: str) -> int:
        """Returns the number of a book's newest change."""
        return self._changes[symbol]

    def tell_trade(self, trade: Trade) -> None:
        """Pushes a new trade."""
        symbol = trade.instrument.symbol
        self._touched.add(symbol)
        readers = self._readers.get(Topic("trade", symbol))
        if not readers:
            return
        row = {
            "e": "trade",
            "s": symbol,
            "t": trade_number(int(trade.trade_id)),
            "p": figure(trade.price),
            "a": str(int(trade.quantity / TERMS[symbol].contract_size)),
            "m": aggressor(trade),
        }
        if not self._faults.is_quiet and self._faults.on("nan", MARKET):
            row["p"] = "NaN"
        if self.is_binary:
            self._send(readers, protobuf.deal(row, milliseconds(trade.ts_event)))
        else:
            self._send(readers, msgspec.json.encode(row))

    def tick(self) -> None:
        """Pushes every book and candle that has changed since the last time."""
        if not self._faults.is_quiet and self._faults.on(HEARTBEATS_ONLY, MARKET):
            return
        touched, self._touched = self._touched, set()
        for topic, readers in self._readers.items():
            if topic.channel == "depth":
                self._tell_book(topic, readers, touched)
            elif topic.channel == "kline":
                for bar, _ in self._candles.news(topic):
                    self._send(readers, self._kline(topic, bar))

    def _tell_book(self, topic: Topic, readers: Sequence[Client], touched: Set[str]) -> None:
        feed = self._feeds.get(topic)
        if feed is None or not (feed.is_spoilt or topic.symbol in touched):
            return
        push = feed.advance(self._window(topic))
        if push is not None:
            data = self._depth(push)
            for client in readers:
                client.outgoing.put_latest(topic, data, partial(self._renewed, feed))

    def _newest(self, topic: Topic, count: int) -> Sequence[Bar]:
        return self._market.bars(topic.symbol, INTERVALS[topic.interval] * _MINUTE, count)

    def _send(self, readers: Iterable[Client], data: bytes) -> None:
        if self._faults.is_quiet or not self._faults.is_on(HEARTBEATS_ONLY, MARKET):
            for client in readers:
                client.outgoing.put(data)

    # How it is written.

    def _window(self, topic: Topic) -> Window:
        bids, asks = self._market.book(topic.symbol)
        size = TERMS[topic.symbol].contract_size
        best_bids, best_asks = dict(levels(bids[: topic.level], size)), dict(levels(asks[: topic.level], size))
        return Window(best_bids, best_asks, self.position(topic.symbol))

    def _renewed(self, feed: BookFeed) -> bytes:
        return self._depth(feed.whole())

    def _depth(self, push: DepthPush) -> bytes:
        return protobuf.depth(push) if self.is_binary else msgspec.json.encode(push)

    def _kline(self, topic: Topic, bar: Bar) -> bytes:
        """Writes a candle: here `v` is the volume and `a` the turnover, the other way round than in REST."""
        contracts, turnover = bar_figures(bar)
        row: dict[str, Any] = {
            "s": topic.symbol,
            "i": topic.interval,
            "t": milliseconds(bar.ts_open),
            "o": figure(bar.open),
            "c": figure(bar.close),
            "h": figure(bar.high),
            "l": figure(bar.low),
            "v": contracts,
            "a": turnover,
        }
        if self.is_binary:
            return protobuf.kline(row)
        return msgspec.json.encode({"e": "kline", "s": topic.symbol, "k": row})
