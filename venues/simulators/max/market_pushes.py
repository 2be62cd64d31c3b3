"""Books, trades, tickers, candles and market statuses: each push is encoded once for all who get it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from venues.events import Trade
from venues.model import Bar
from venues.simulators.figures import milliseconds
from venues.simulators.held import HEARTBEATS_ONLY
from venues.simulators.max.bookfeed import BookFeed, NumberedWindow, make_window
from venues.simulators.max.client import Client, Topic
from venues.simulators.max.figures import figure
from venues.simulators.max.rest_market import in_btc
from venues.simulators.max.rows import RESOLUTIONS, kline_row, public_trade_row, status_row
from venues.simulators.outgoing import MARKET
from venues.simulators.subscriptions import Candles, readers_of, still_read

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

FIRST_TRADES = 100  # of a trade channel's snapshot


class MarketPushes:
    """What is pushed of the markets. Trades go out at once; the rest by `tick`, where it has changed."""

    def __init__(self, venue: MaxSimulator) -> None:
        self._venue = venue
        self._market = venue.market
        self._faults = venue.faults
        self._readers: dict[Topic, list[Client]] = {}
        self._feeds: dict[Topic, BookFeed] = {}
        self._touched: set[str] = set()
        self._changes: dict[str, int] = dict.fromkeys(self._market.instruments, 0)
        self._versions = dict.fromkeys(self._market.instruments, milliseconds(self._market.now))
        self._trends: dict[str, tuple[str, Any]] = {}
        self._tickers: dict[str, Any] = {}
        self._candles = Candles[Topic](self._newest)
        self._is_down = False

    def sort(self, clients: Iterable[Client]) -> None:
        """Notes anew who gets what. To be called whenever a client has come, gone or subscribed."""
        self._readers = readers_of((client, client.topics) for client in clients)
        self._feeds = still_read(self._feeds, self._readers)
        self._candles.keep(self._readers)
        read = {topic.market for topic in self._readers if topic.channel == "ticker"}
        self._tickers = {market: body for market, body in self._tickers.items() if market in read}

    def start(self, client: Client, topic: Topic) -> None:
        """Sends the snapshot of a new subscription."""
        if topic.channel == "book":
            feed = self._feeds.get(topic)
            if feed is None:
                feed = self._feeds[topic] = BookFeed(topic.market, topic.depth, self.window(topic), self._faults)
            client.outgoing.put_latest(topic, feed.first(), feed.whole)
            return
        market = topic.market
        match topic.channel:
            case "trade":
                trades = self._market.trades(market, FIRST_TRADES)
                data = self._trades("snapshot", market, trades)
            case "ticker":
                body = self._tickers.setdefault(market, self._ticker(market))
                data = self._push("ticker", "snapshot", M=market.lower(), tk=body)
            case "kline":
                data = self._kline("snapshot", topic, self._candles.first(topic), is_closed=False)
            case "market_status":
                data = self._statuses("snapshot")
            case _:
                data = self._quota("snapshot", topic.currency)
        client.outgoing.put(data)

    # What has happened.

    def touch(self, market: str) -> None:
        """Notes one change of a market's book."""
        self._touched.add(market)
        self._changes[market] += 1

    def position(self, market: str) -> tuple[int, int]:
        """Returns a book's version, and the number of its newest change in that version."""
        return self._versions[market], self._changes[market]

    def tell_trades(self, market: str, trades: Sequence[Trade]) -> None:
        """Pushes new trades, the oldest first."""
        self._touched.add(market)
        readers = self._readers.get(Topic("trade", market))
        if not readers:
            for trade in trades:
                self._trend(trade)
            return
        data = self._trades("update", market, trades)
        if self._faults.on("nan", MARKET):
            data = data.replace(b'"p":"', b'"p":"NaN', 1)
        self._send(readers, data)

    def tell_quota(self, currency: str) -> None:
        """Pushes what may still be borrowed of a currency."""
        topic = Topic("pool_quota", currency=currency)
        self._send(self._readers.get(topic, ()), self._quota("update", currency))

    def tick(self) -> None:
        """Pushes every book, ticker, candle and status that has changed since the last time."""
        if self._faults.on(HEARTBEATS_ONLY, MARKET):
            return
        touched, self._touched = self._touched, set()
        for market in touched:
            self._renumber(market)
        for topic, readers in self._readers.items():
            if topic.channel == "book":
                self._tell_book(topic, readers, touched)
            elif topic.channel == "kline":
                for bar, is_closed in self._candles.news(topic):
                    self._send(readers, self._kline("update", topic, bar, is_closed=is_closed))
            elif topic.channel == "ticker" and topic.market in touched:
                self._tell_ticker(topic, readers)
        is_down = self._faults.is_on("maintenance", MARKET)
        if is_down is not self._is_down:
            self._is_down = is_down
            self._send(self._readers.get(Topic("market_status"), ()), self._statuses("update"))

    def _renumber(self, market: str) -> None:
        """Begins a new version of a book that has lost all its orders."""
        bids, asks = self._market.top(market)
        if not bids and not asks and self._changes[market]:
            self._versions[market] += 1
            self._changes[market] = 0

    def _tell_book(self, topic: Topic, readers: Sequence[Client], touched: Set[str]) -> None:
        feed = self._feeds.get(topic)
        if feed is None or not (feed.is_spoilt or topic.market in touched):
            return
        data = feed.advance(self.window(topic))
        if data is not None:
            for client in readers:
                client.outgoing.put_latest(topic, data, feed.whole)

    def _tell_ticker(self, topic: Topic, readers: Sequence[Client]) -> None:
        body = self._ticker(topic.market)
        if body == self._tickers.get(topic.market):
            return
        self._tickers[topic.market] = body
        encode = partial(self._told_ticker, topic.market)
        for client in readers:
            client.outgoing.put_latest(topic, encode(), encode)

    def _told_ticker(self, market: str) -> bytes:
        return self._push("ticker", "update", M=market.lower(), tk=self._tickers[market])

    def _newest(self, topic: Topic, count: int) -> Sequence[Bar]:
        return self._market.bars(topic.market, RESOLUTIONS[topic.resolution], count)

    def _send(self, readers: Iterable[Client], data: bytes) -> None:
        if not self._faults.is_on(HEARTBEATS_ONLY, MARKET):
            for client in readers:
                client.outgoing.put(data)

    # How it is written.

    def window(self, topic: Topic) -> NumberedWindow:
        """Returns a book as it is now, cut to a subscription's depth."""
        bids, asks = self._market.book(topic.market)
        now = milliseconds(self._venue.server_time_ns())
        return make_window(bids[: topic.depth], asks[: topic.depth], now, self.position(topic.market))

    def _push(self, channel: str, event: str, **body: object) -> bytes:
        now = milliseconds(self._venue.server_time_ns())
        return msgspec.json.encode({"c": channel, "e": event, **body, "T": now})

    def _trades(self, event: str, market: str, trades: Sequence[Trade]) -> bytes:
        """Writes new trades in the order they were made; a snapshot has the newest first, as they are kept."""
        if event == "update":
            rows = [public_trade_row(trade, self._trend(trade)) for trade in trades]
        else:
            older = [*(trade.price for trade in trades[1:]), None]
            rows = [
                public_trade_row(trade, "down" if price is not None and trade.price < price else "up")
                for trade, price in zip(trades, older, strict=False)
            ]
        return self._push("trade", event, M=market.lower(), t=rows)

    def _trend(self, trade: Trade) -> str:
        """Returns up or down: by the price before, or as before where that was the same."""
        trend, price = self._trends.get(trade.instrument.symbol, ("up", trade.price))
        if trade.price != price:
            trend = "up" if trade.price > price else "down"
        self._trends[trade.instrument.symbol] = trend, trade.price
        return trend

    def _ticker(self, market: str) -> dict[str, str]:
        day = self._market.day(market)
        return {
            "M": market.lower(),
            "O": figure(day.open),
            "H": figure(day.high),
            "L": figure(day.low),
            "C": figure(day.last),
            "v": figure(day.volume),
            "V": figure(in_btc(self._venue, self._market.instruments[market], day.value)),
        }

    def _kline(self, event: str, topic: Topic, bar: Bar, *, is_closed: bool) -> bytes:
        newest = self._market.trades(topic.market, 1)
        number = int(newest[0].trade_id) if newest else 0
        row = kline_row(bar, topic.resolution, number, is_closed=is_closed)
        return self._push("kline", event, M=topic.market.lower(), k=row)

    def _statuses(self, event: str) -> bytes:
        is_down = self._faults.is_on("maintenance", MARKET)
        rows = [status_row(one, is_down=is_down) for one in self._market.instruments.values()]
        return self._push("market_status", event, ms=rows)

    def _quota(self, event: str, currency: str) -> bytes:
        at = milliseconds(self._market.now)
        row = {"cu": currency.lower(), "av": figure(self._venue.wallet.limits()[currency]), "TU": at}
        return self._push("pool_quota", event, qta=row)
