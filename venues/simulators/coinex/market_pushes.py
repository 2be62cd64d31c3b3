"""Books, trades, states and index prices: each push is computed and encoded once for all who get it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from venues.events import Trade
from venues.simulators.coinex.answers import short
from venues.simulators.coinex.bookfeed import BookFeed
from venues.simulators.coinex.client import Client
from venues.simulators.coinex.depth import DepthBody, DepthTopic, Window, cut, make_window
from venues.simulators.coinex.figures import float_seconds
from venues.simulators.figures import figure, milliseconds
from venues.simulators.held import HEARTBEATS_ONLY
from venues.simulators.outgoing import MARKET

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator

FIRST_DEALS = 100  # what the first push after deals.subscribe carries of each market
DAY = 86_400


class Deal(msgspec.Struct, frozen=True, gc=False):
    """A public trade as deals.update and deals.query write it."""

    type: str
    time: float
    price: str
    id: int
    amount: str


class State(msgspec.Struct, frozen=True, gc=False):
    """A market's summary over `period` seconds, as state.update and state.query write it."""

    open: str
    last: str
    high: str
    low: str
    deal: str
    volume: str
    sell_total: str
    buy_total: str
    period: int


def make_deal(trade: Trade) -> Deal:
    return Deal(
        trade.side.value,
        float_seconds(trade.ts_event),
        figure(trade.price),
        int(trade.trade_id),
        figure(trade.quantity),
    )


def encode_push(method: str, *params: object) -> bytes:
    return msgspec.json.encode({"method": method, "params": params, "id": None})


class MarketPushes:
    """What is pushed of the markets. `tell_trades` at once; the rest by `tick`, where it has changed.

    `whole_every` is the time between two whole books, in nanoseconds.
    """

    def __init__(self, simulator: CoinexSimulator, whole_every: int) -> None:
        self._simulator = simulator
        self._market = simulator.market
        self._faults = simulator.faults
        self._whole_every = whole_every
        self._feeds: dict[tuple[str, int, str], BookFeed] = {}
        self._touched: set[str] = set()
        self._states: dict[str, bytes] = {}
        self._indexes: dict[str, str] = {}
        self._depth_readers: dict[tuple[str, int, str], list[tuple[Client, DepthTopic]]] = {}
        self._deal_readers: dict[str, list[Client]] = {}
        self._state_readers: dict[Set[str], list[Client]] = {}
        self._index_readers: dict[str, list[Client]] = {}

    # Subscriptions, and what they get at once.

    def sort(self, clients: Iterable[Client]) -> None:
        """Notes anew who gets what. To be called whenever a client has come, gone or subscribed."""
        self._depth_readers, self._deal_readers = {}, {}
        self._state_readers, self._index_readers = {}, {}
        for client in clients:
            for topic in client.depth:
                self._depth_readers.setdefault(topic[:3], []).append((client, topic))
            for market in client.deals:
                self._deal_readers.setdefault(market, []).append(client)
            for market in client.index:
                self._index_readers.setdefault(market, []).append(client)
            if client.states:
                self._state_readers.setdefault(client.states, []).append(client)
        # What nobody reads is not kept up to date: who subscribes later must not be told of long ago.
        read = frozenset().union(*self._state_readers)
        self._feeds = {key: feed for key, feed in self._feeds.items() if key in self._depth_readers}
        self._states = {market: state for market, state in self._states.items() if market in read}
        self._indexes = {market: price for market, price in self._indexes.items() if market in self._index_readers}

    def start_depth(self, client: Client) -> None:
        """Sends each of the client's books whole."""
        for topic in client.depth:
            key = topic[:3]
            feed = self._feeds.get(key)
            if feed is None:
                feed = self._feeds[key] = BookFeed(topic.market, topic.limit, self.window(*key), self._faults)
                feed.full_at = self._simulator.clock.time_ns() + self._whole_every
            client.outgoing.put_latest(topic, feed.first(), feed.whole)

    def start_deals(self, client: Client) -> None:
        """Sends the newest trades of each market that the client has subscribed to."""
        for market in self._market.instruments:
            if market in client.deals and (trades := self._market.trades(market, FIRST_DEALS)):
                client.outgoing.put(encode_push("deals.update", market, [make_deal(one) for one in trades]))

    def start_states(self, client: Client) -> None:
        """Sends the states of the client's markets."""
        for market in client.states:
            if market not in self._states:
                self._states[market] = self._encode_state(market)
        if client.states:
            data = self._encode_states(client.states)
            client.outgoing.put_latest("state", data, partial(self._encode_states, client.states))

    def start_index(self, client: Client) -> None:
        """Sends the index prices of the client's markets."""
        for market in self._market.instruments:
            if market in client.index:
                # What the others have not been told yet must still differ from what is noted here.
                self._indexes.setdefault(market, figure(self._market.index(market)))
                self._put_index(client, market)

    # What has happened.

    def touch(self, market: str) -> None:
        """Notes that a market's book has changed."""
        self._touched.add(market)

    def tell_trades(self, market: str, trades: Sequence[Trade]) -> None:
        """Pushes new trades, the oldest given first and told last."""
        self._touched.add(market)
        readers = self._deal_readers.get(market)
        if not readers or self._faults.is_on(HEARTBEATS_ONLY, MARKET):
            return
        deals = [make_deal(trade) for trade in reversed(trades)]
        if self._faults.on("nan", MARKET):
            deals[0] = msgspec.structs.replace(deals[0], price="NaN")
        data = encode_push("deals.update", market, deals)
        for client in readers:
            client.outgoing.put(data)

    def tick(self) -> None:
        """Pushes every book, state and index that has changed since the last time."""
        if self._faults.on(HEARTBEATS_ONLY, MARKET):
            return
        touched, self._touched = self._touched, set()
        self._tell_books(touched)
        if self._state_readers:
            self._tell_states(touched)
        for market, readers in self._index_readers.items():
            price = figure(self._market.index(market))
            if price != self._indexes.get(market):
                self._indexes[market] = price
                for client in readers:
                    self._put_index(client, market)

    def _tell_books(self, touched: Set[str]) -> None:
        now = self._simulator.clock.time_ns()
        for key, feed in self._feeds.items():
            is_whole = now >= feed.full_at
            if not (is_whole or feed.is_spoilt or feed.market in touched):
                continue
            readers = self._depth_readers[key]
            has_whole_readers = not all(topic.is_diff for _, topic in readers)
            push = feed.advance(self.window(*key), is_whole=is_whole, has_whole_readers=has_whole_readers)
            if is_whole:
                feed.full_at = now + self._whole_every
            if push is None:
                continue
            for client, topic in readers:
                data = push.changes if topic.is_diff else push.whole
                client.outgoing.put_latest(topic, data, feed.whole)

    def _tell_states(self, touched: Set[str]) -> None:
        changed = set()
        for market in touched & frozenset().union(*self._state_readers):
            state = self._encode_state(market)
            if state != self._states.get(market):
                self._states[market] = state
                changed.add(market)
        for markets, readers in self._state_readers.items():
            if news := changed & markets:
                data = self._encode_states(news)
                for client in readers:
                    client.outgoing.put_latest("state", data, partial(self._encode_states, markets))

    def _put_index(self, client: Client, market: str) -> None:
        def encode() -> bytes:
            return encode_push("index.update", market, self._indexes[market])

        client.outgoing.put_latest(("index", market), encode(), encode)

    def window(self, market: str, limit: int, interval: str) -> Window:
        """Returns a book as it is now."""
        bids, asks = self._market.book(market)
        return make_window(
            cut(bids, limit, interval, is_bids=True),
            cut(asks, limit, interval, is_bids=False),
            figure(self._market.last(market)),
            milliseconds(self._simulator.server_time_ns()),
        )

    def book(self, market: str, limit: int, interval: str) -> DepthBody:
        """Returns the same as depth.query answers it."""
        body = self.window(market, limit, interval).body()
        return msgspec.structs.replace(body, checksum=0) if self._faults.on("zero-checksum", MARKET) else body

    def state(self, market: str, period: int) -> State:
        """Returns a market's summary over the last `period` seconds."""
        day = self._market.day(market, period)
        return State(
            figure(day.open),
            figure(day.last),
            figure(day.high),
            figure(day.low),
            short(day.value),
            short(day.volume),
            short(day.sell_total),
            short(day.buy_total),
            period,
        )

    def _encode_state(self, market: str) -> bytes:
        return msgspec.json.encode(self.state(market, DAY))

    def _encode_states(self, markets: Set[str]) -> bytes:
        """Returns one push of several markets, put together from what each was encoded to."""
        states = b",".join(
            b'"%s":%s' % (market.encode(), self._states[market])
            for market in self._market.instruments
            if market in markets
        )
        return b'{"method":"state.update","params":[{%s}],"id":null}' % states
