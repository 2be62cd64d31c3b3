"""A CoinEx that does as it is told: its REST answers and its stream, on real sockets of this loop.

The shapes are those of the document's examples (`tests/data/coinex`); what is in them is the test's.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.venues.transport.loopback import LoopbackServer
from tests.venues.transport.scripted import Received, read_request, say
from tests.venues.transport.stream_server import TEXT, Peer, StreamServer, wire_frame

MARKETS = ("BTCUSDT", "ETHUSDT", "CETUSDT", "CETBTC")
TIME_MS = 1_700_000_000_000
BAR_TIME = 1_699_999_980  # the start of the minute in which it is

Body = Callable[[dict[str, str]], object]


def market_info(name: str) -> dict[str, Any]:
    quote = name[-4:] if name.endswith("USDT") else name[-3:]
    return {
        "taker_fee_rate": "0.002", "pricing_name": quote, "trading_name": name.removesuffix(quote),
        "min_amount": "0.001", "name": name, "trading_decimal": 8, "maker_fee_rate": "0.001", "pricing_decimal": 2,
    }  # fmt: skip


def ticker_of(volume: str = "10") -> dict[str, str]:
    names = ("buy_amount", "open", "high", "last", "low", "sell_amount")
    return dict.fromkeys(names, "100.00") | {"buy": "99.00", "sell": "101.00", "vol": volume}


class ScriptedBook:
    """One market's book as the venue has it, and the frames that tell of it."""

    def __init__(self, market: str) -> None:
        self.market = market
        self.bids = {f"{100 - step}.00": "1.50000000" for step in range(1, 6)}
        self.asks = {f"{100 + step}.00": "2.50000000" for step in range(1, 6)}
        self.time = TIME_MS

    @property
    def levels(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        bids = sorted(self.bids.items(), key=lambda level: -float(level[0]))
        asks = sorted(self.asks.items(), key=lambda level: float(level[0]))
        return bids, asks

    @property
    def checksum(self) -> int:
        bids, asks = self.levels
        crc = zlib.crc32(":".join(part for level in (*bids, *asks) for part in level).encode())
        return crc - 2**32 if crc >= 2**31 else crc

    def full(self, **changes: Any) -> bytes:
        bids, asks = self.levels
        return self._push(True, {"asks": asks, "bids": bids} | changes)

    def change(self, side: str, price: str, amount: str, **changes: Any) -> bytes:
        """Changes the book and returns the push that tells of it."""
        levels = self.bids if side == "bids" else self.asks
        self.time += 200
        if float(amount):
            levels[price] = amount
        else:
            levels.pop(price, None)
        return self._push(False, {side: [[price, amount]]} | changes)

    def _push(self, is_full: bool, body: dict[str, Any]) -> bytes:
        whole = {"last": "100.00", "time": self.time, "checksum": self.checksum} | body
        return push("depth.update", is_full, whole, self.market)


def push(method: str, *params: Any) -> bytes:
    return msgspec.json.encode({"method": method, "params": params, "id": None})


def deal(number: int, price: str = "100.00", amount: str = "0.5", **changes: Any) -> dict[str, Any]:
    moment = TIME_MS / 1000 + number / 1000
    return {"id": number, "type": "buy", "time": moment, "price": price, "amount": amount} | changes


class ScriptedStream(StreamServer):
    """The stream. Its attributes say how it behaves from now on."""

    def __init__(self) -> None:
        super().__init__()
        self.sends_data = False
        self.calls: list[tuple[str, list[Any]]] = []  # but pings
        self.books = {market: ScriptedBook(market) for market in MARKETS}
        self.old_deals: dict[str, list[dict[str, Any]]] = {}
        self.refusals: dict[str, int] = {}  # method -> the code it is refused with
        self.codes: list[
            int
        ] = []  # what the next subscriptions of books are refused with, one by one; 0 is no refusal
        self.unknown: set[str] = set()  # markets that spoil the whole subscription
        self.is_quoting = False  # its refusals quote what was sent
        self.sends_full = True
        self.skew = 0  # seconds by which its clock is ahead
        self.signed: list[list[Any]] = []

    @property
    def subscriptions(self) -> list[list[Any]]:
        return [params for method, params in self.calls if "subscribe" in method and "unsub" not in method]

    def asked(self, method: str) -> list[list[Any]]:
        """Returns the parameters of every call of a method so far."""
        return [params for name, params in self.calls if name == method]

    @property
    def time(self) -> int:
        """Its clock, in seconds."""
        return int(TIME_MS / 1000 + asyncio.get_running_loop().time()) + self.skew

    def push(self, *frames: bytes, opcode: int = TEXT) -> None:
        """Sends frames to the newest connection, in one piece."""
        self.peer.write(b"".join(wire_frame(opcode, frame) for frame in frames))

    def _answer(self, peer: Peer, text: str) -> None:
        call = msgspec.json.decode(text)
        method, params = call["method"], call["params"]
        if method != "server.ping":
            self.calls.append((method, params))
        elif not self.answers_beats:
            return
        code = self.refusals.get(method)
        if method == "depth.subscribe_multi" and self.codes:
            code = self.codes.pop(0) or None
        if code is None and "subscribe" in method and self.unknown & set(_markets(params)):
            code = 1
        words = f"refused {text}" if self.is_quoting else "refused"
        error = None if code is None else {"code": code, "message": words}
        result = None if error else {"server.ping": "pong", "server.time": self.time}.get(method, "success")
        if method == "server.sign":
            self.signed.append(params)
            result = None if error else {"status": "success"}
        elif method == "index.query" and not error:
            result = {"name": params[0], "time": self.time, "index": "57000.00"}
        if method not in self.ignores:
            peer.say(msgspec.json.encode({"error": error, "result": result, "id": call["id"]}).decode())
        if error is None and self.sends_full:
            self._begin(peer, method, params)

    def _begin(self, peer: Peer, method: str, params: list[Any]) -> None:
        if method == "depth.subscribe_multi":
            for market, *_ in params:
                peer.write(wire_frame(TEXT, self.books[market].full()))
        elif method == "deals.subscribe":
            for market in params:
                if deals := self.old_deals.get(market):
                    newest_first = sorted(deals, key=lambda each: -each["id"])[:100]
                    peer.write(wire_frame(TEXT, push("deals.update", market, newest_first)))


def _markets(params: Sequence[Any]) -> list[str]:
    return [each[0] if isinstance(each, list) else each for each in params if isinstance(each, list | str)]


class ScriptedRest(LoopbackServer):
    """The REST half: `answers` gives the data of each path, `refusals` the code instead."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Received] = []
        self.refusals: dict[str, int] = {}
        self.is_mute = False
        self.is_quoting = False  # its refusals quote what was sent
        self.bars: list[list[Any]] = [[BAR_TIME, "100.00", "101.00", "103.00", "99.00", "7.5", "750"]]
        self.deals: list[dict[str, Any]] = []
        self.answers: dict[str, Body] = {
            "/v1/market/info": lambda _: {market: market_info(market) for market in MARKETS},
            "/v1/market/ticker/all": lambda _: {"date": TIME_MS, "ticker": {m: ticker_of() for m in MARKETS}},
            "/v1/market/ticker": lambda _: {"date": TIME_MS, "ticker": ticker_of()},
            "/v1/market/detail": lambda query: market_info(query["market"]),
            "/v1/market/kline": lambda query: self.bars[-int(query["limit"]) :],
            "/v1/market/deals": lambda query: self.deals[: int(query["limit"])],
            "/v1/market/depth": lambda query: {
                "last": "100.00", "time": TIME_MS, "asks": [["101.00", "1"], ["102.00", "2"]],
                "bids": [["99.00", "1"], ["98.00", "2"]],
            },
            "/v1/order/user/trade/fee": lambda _: {
                "spot": {
                    "BTCUSDT": {"taker": "0.0012", "maker": "0.0008"}, "ALL": {"taker": "0.003", "maker": "0.003"},
                },
                "perpetual": {},
            },
            "/v1/order/market/trade/info": lambda _: {
                "BTCUSDT": {
                    "maker_fee_rate": "0.003", "taker_fee_rate": "0.003", "depths": ["0.1", "10", "0.01"],
                    "is_amm_market": False,
                }
            },
        }  # fmt: skip

    def asked(self, path: str) -> list[dict[str, str]]:
        """Returns the queries of every request of a path so far."""
        split = [urlsplit(request.target) for request in self.received]
        return [_query(each.query) for each in split if each.path == f"/v1{path}"]

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_request(reader, 0)
            self.received.append(request)
            if self.is_mute:
                await reader.read()
                return
            url = urlsplit(request.target)
            code = self.refusals.get(url.path, 0 if url.path in self.answers else 2)
            data = {} if code else self.answers[url.path](_query(url.query))
            words = "refused" if code else "Ok"
            if code and self.is_quoting:
                words += f" {url.query} {request.headers} {request.body.decode()}"
            body = {"code": code, "data": data, "message": words}
            await say(writer, 200, {"Content-Type": "application/json"}, msgspec.json.encode(body))


def _query(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}
