"""The market's streams of a Mayex that does as it is told, and the venue at them, with everything that it told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tests.venues.mayex.depth_market import DepthMarket
from tests.venues.transport.stream_rig import open_descriptors, until
from tests.venues.transport.stream_server import Peer, StreamServer
from tests.venues.transport.venue_rig import Consumer
from venues.commands import Channel, Subscription
from venues.mayex.figures import instrument_id, spot_id
from venues.mayex.host import Host
from venues.mayex.venue import MayexVenue, Settings
from venues.mayex.wire import WireDepth

TIME_MS = 1_700_000_000_000
BTC, ETH = instrument_id("btcusdt"), instrument_id("ethusdt")
SPOT = spot_id("btcusdt")
BOOK, TRADES = Subscription(Channel.BOOK, BTC), Subscription(Channel.TRADES, BTC)
TICKER, MARK = Subscription(Channel.TICKER, BTC), Subscription(Channel.MARK, BTC)
BARS = Subscription(Channel.BARS, BTC, 60)


class ScriptedMarket(StreamServer):
    """One host. It answers commands, sends whole books of `markets` on subscription, and marks every second."""

    def __init__(self) -> None:
        super().__init__(every=1.0)
        self.markets: dict[str, DepthMarket] = {}
        self.standing: list[str] = []
        self.commands: list[tuple[str, tuple[str, ...]]] = []
        self.bad: set[str] = set()  # streams that it refuses
        self.is_deaf = False  # answers no command

    def publish(self, count: int = 1) -> None:
        """Sends the marks, as the venue does every second."""
        for name in self.standing:
            if name.endswith("@markPrice"):
                self.push(mark(name.partition("@")[0]))

    def push(self, message: object) -> None:
        """Sends a message to all."""
        for peer in self.peers:
            peer.say(json.dumps(message))

    def depth(self, *messages: WireDepth, symbol: str = "btcusdt") -> None:
        for wire in messages:
            self.push(depth_message(symbol, wire))

    def count(self, method: str, name: str) -> int:
        """Returns how often a stream was asked for, or ended."""
        return sum(name in names for said, names in self.commands if said == method)

    def _answer(self, peer: Peer, text: str) -> None:
        peer.heard.append(text)
        said: dict[str, Any] = msgspec.json.decode(text)
        if "method" not in said or self.is_deaf:
            return
        method, names, number = said["method"], tuple(said.get("params", ())), said["id"]
        self.commands.append((method, names))
        if self.bad.intersection(names):
            peer.say(json.dumps({"code": 2, "msg": "invalid stream", "id": number}))
            return
        if method == "LIST_SUBSCRIPTIONS":
            peer.say(json.dumps({"result": self.standing, "id": number}))
            return
        for name in names:
            if method == "SUBSCRIBE":
                self.standing.append(name)
            elif name in self.standing:
                self.standing.remove(name)
        peer.say(json.dumps({"result": None, "id": number}))
        if method == "SUBSCRIBE":
            for name in names:
                symbol, _, kind = name.partition("@")
                if kind.startswith("depth") and symbol in self.markets:
                    self.depth(self.markets[symbol].whole(), symbol=symbol)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.standing.clear()  # of the connection before
        await super().converse(reader, writer)


class MarketRig(Consumer[MayexVenue]):
    """The venue at a scripted host of contracts; nothing answers by REST, so that a table is what is listed."""

    def __init__(self, contracts: ScriptedMarket, **settings: Any) -> None:
        super().__init__(TIME_MS * 1_000_000)
        self.contracts = contracts
        given: dict[str, Any] = {
            "rest_url": "http://127.0.0.1:1", "ws_url": contracts.url, "spot_ws_url": "",
            "profile": "documented", "seed": 4,
        }  # fmt: skip
        self.venue = MayexVenue(
            Settings(**(given | settings)), wall=self.wall, monotonic=asyncio.get_running_loop().time
        )
        self.follow()

    @property
    def host(self) -> Host:
        return self.venue._market.contracts

    async def wish(self, *wishes: Subscription) -> None:
        """Subscribes, and waits until the venue has acknowledged it."""
        for each in wishes:
            await self.venue.subscribe(each)
        await until(lambda: all(name in self.contracts.standing for name in self.host._holders))


@asynccontextmanager
async def watching(**settings: Any) -> AsyncIterator[MarketRig]:
    """Gives a connected venue with a book of BTC at the contracts' host; nothing is left of either."""
    before = open_descriptors()
    async with ScriptedMarket() as contracts:
        contracts.markets["btcusdt"] = DepthMarket(1)
        rig = MarketRig(contracts, **settings)
        try:
            await rig.venue.connect()
            yield rig
        finally:
            await rig.aclose()
    await until(lambda: len(asyncio.all_tasks()) == 1 and open_descriptors() == before)


def depth_message(symbol: str, wire: WireDepth) -> dict[str, Any]:
    return {
        "e": "depthUpdate", "E": wire.time, "T": wire.time, "s": symbol.upper(), "U": wire.first, "u": wire.last,
        "pu": wire.previous, "b": [list(level) for level in wire.bids], "a": [list(level) for level in wire.asks],
    }  # fmt: skip


def trade(
    number: int, price: str = "30000.5", quantity: str = "0.010", *, symbol: str = "btcusdt", **more: Any
) -> dict[str, Any]:
    return {
        "e": "trade", "E": TIME_MS + number, "T": TIME_MS + number, "s": symbol.upper(), "t": number, "p": price,
        "q": quantity, "X": "Market", "m": True,
    } | more  # fmt: skip


def kline(
    close: str = "102", volume: str = "5", *, at: int = TIME_MS - TIME_MS % 60_000, **more: Any
) -> dict[str, Any]:
    bar = {
        "t": at, "T": at + 59_999, "s": "BTCUSDT", "i": "1m", "f": 1, "L": 2, "o": "101", "c": close, "h": "110",
        "l": "100", "v": volume, "n": 2, "x": False, "q": "500", "V": "1", "Q": "100",
    }  # fmt: skip
    return {"e": "kline", "E": TIME_MS, "s": "BTCUSDT", "k": bar | more}


def ticker(last: str = "30000.5", *, symbol: str = "btcusdt", at: int = TIME_MS) -> dict[str, Any]:
    return {
        "e": "24hrTicker", "E": at, "s": symbol.upper(), "p": "1", "P": "0.1", "w": "29000", "c": last, "Q": "0.1",
        "o": "29000", "h": "31000", "l": "28000", "v": "1234.5", "q": "1", "O": 0, "C": 1, "F": 0, "L": 1, "n": 2,
    }  # fmt: skip


def mark(symbol: str = "btcusdt", price: str = "30001.25", *, at: int = TIME_MS) -> dict[str, Any]:
    return {
        "e": "markPriceUpdate", "E": at, "s": symbol.upper(), "p": price, "i": "30000.11", "P": "30000.2",
        "r": "0.00010000", "T": TIME_MS + 3_600_000,
    }  # fmt: skip
