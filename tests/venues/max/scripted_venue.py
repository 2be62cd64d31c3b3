"""A MAX that does as it is told: its stream and its REST half by paths, on real sockets of this loop.

The shapes are those of the documents' examples; what is in them is the test's.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from tests.venues.max.scripted_max import KEY, SECRET, Call, ScriptedMax
from tests.venues.scripted_rest import JSON
from tests.venues.transport.scripted import Received
from tests.venues.transport.stream_server import TEXT, Peer, StreamServer, wire_frame

TIME_MS = 1_700_000_000_000
MARKETS = ("btctwd", "ethtwd", "usdttwd", "btcusdt")

Answer = Callable[[Call], Any]


def market_row(name: str, **changes: Any) -> dict[str, Any]:
    quote = name[-4:] if name.endswith("usdt") else name[-3:]
    return {
        "id": name, "status": "active", "base_unit": name.removesuffix(quote), "base_unit_precision": 8,
        "min_base_amount": 8e-05, "quote_unit": quote, "quote_unit_precision": 1, "min_quote_amount": 250,
        "m_wallet_supported": True,
    } | changes  # fmt: skip


def ticker_row(name: str, last: str = "100.0", btc: str = "1") -> dict[str, Any]:
    return {
        "market": name, "at": TIME_MS // 1000, "buy": "99.0", "buy_vol": "1", "sell": "101.0", "sell_vol": "2",
        "open": "98.0", "low": "97.0", "high": "103.0", "last": last, "vol": "12.5", "vol_in_btc": btc,
    }  # fmt: skip


def order_row(**changes: Any) -> dict[str, Any]:
    """A limit buy of 1 BTC that rests, as REST shows it."""
    return {
        "id": 501, "wallet_type": "spot", "market": "btctwd", "client_oid": "s1", "group_id": None, "side": "buy",
        "state": "wait", "ord_type": "limit", "price": "30000.0", "stop_price": None, "avg_price": "0.0",
        "volume": "1.0", "remaining_volume": "1.0", "executed_volume": "0.0", "trades_count": 0,
        "created_at": TIME_MS, "updated_at": TIME_MS,
    } | changes  # fmt: skip


def trade_row(**changes: Any) -> dict[str, Any]:
    """0.4 BTC of that order bought, as REST shows it."""
    return {
        "id": 901, "order_id": 501, "wallet_type": "spot", "price": "30000.0", "volume": "0.4", "funds": "12000.0",
        "market": "btctwd", "market_name": "BTC/TWD", "side": "buy", "fee": "24.0", "fee_currency": "twd",
        "fee_discounted": False, "self_trade_bid_fee": None, "self_trade_bid_fee_currency": None,
        "self_trade_bid_fee_discounted": None, "self_trade_bid_order_id": None, "liquidity": "maker",
        "created_at": TIME_MS + 250,
    } | changes  # fmt: skip


def user_order(**changes: Any) -> dict[str, Any]:
    """The same order as the stream shows it."""
    return {
        "i": 501, "sd": "bid", "ot": "limit", "p": "30000.0", "sp": None, "ap": "0.0", "S": "wait", "M": "btctwd",
        "T": TIME_MS, "TU": TIME_MS + 1, "v": "1.0", "rv": "1.0", "ev": "0.0", "tc": 0, "ci": "s1", "gi": None,
    } | changes  # fmt: skip


def user_trade(**changes: Any) -> dict[str, Any]:
    """The same trade as the stream shows it."""
    return {
        "i": 901, "M": "btctwd", "sd": "bid", "p": "30000.0", "v": "0.4", "f": "24.0", "fc": "twd", "fd": False,
        "fn": "12000.0", "T": TIME_MS + 250, "TU": TIME_MS + 300, "m": True, "oi": 501,
    } | changes  # fmt: skip


def user(event: str, key: str, *rows: Any) -> dict[str, Any]:
    """A message of the account."""
    return {"c": "user", "e": event, key: list(rows), "T": TIME_MS + 500}


class RoutedRest(ScriptedMax):
    """Answers each call ("GET /order") as its test says; one that no test expects is refused with 1001."""

    def __init__(self) -> None:
        super().__init__()
        self.routes: dict[str, Answer] = {}
        self.skew = 0  # seconds
        self.answer(None)
        self.on("GET /timestamp", lambda _: {"timestamp": self.seconds()})
        self.on("GET /markets", [market_row(name) for name in MARKETS])
        self.on("GET /tickers", lambda call: [ticker_row(name) for name in call.parameters["markets"]])
        self.on("GET /info", self.info())
        self.on("GET /wallet/spot/accounts", [])
        self.on("GET /wallet/m/accounts", [])
        for wallet in ("spot", "m"):
            self.on(f"GET /wallet/{wallet}/orders/open", [])
            self.on(f"GET /wallet/{wallet}/trades", [])
        self.statuses: dict[str, int] = {}

    def seconds(self) -> int:
        """Returns the venue's clock, the loop's seconds after its beginning."""
        return (TIME_MS + round(asyncio.get_running_loop().time() * 1000)) // 1000 + self.skew

    @staticmethod
    def info(*, has_margin: bool = True) -> dict[str, Any]:
        level = {
            "level": 0, "minimum_trading_volume": 0, "minimum_staking_volume": 0, "maker_fee": 0.0008,
            "taker_fee": 0.0015,
        }  # fmt: skip
        return {
            "email": "a@b.c", "level": 2, "m_wallet_enabled": has_margin, "current_vip_level": level,
            "next_vip_level": None,
        }  # fmt: skip

    def on(self, call: str, answer: Any, status: int = 200) -> None:
        """`answer` is the body, or a function from the call to it; bytes go out as they are."""
        self.routes[call] = answer if callable(answer) else lambda _: answer
        if status != 200:
            self.statuses[call] = status

    def refuse(self, call: str, code: int, status: int = 400) -> None:
        self.on(call, {"success": False, "error": {"code": code, "message": "no"}}, status)

    def of(self, call: str) -> list[Call]:
        """Returns each such call."""
        return [each for each in self.calls if name_of(each) == call]

    @property
    def commands(self) -> list[str]:
        return [name_of(each) for each in self.calls if each.verb != "GET"]

    def _answer(self, request: Received) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = super()._answer(request)
        if status != 200:
            return status, headers, body
        call = self.calls[-1]
        name = name_of(call)
        if name not in self.routes:
            return 400, JSON, b'{"success":false,"error":{"code":1001,"message":"unexpected"}}'
        answer = self.routes[name](call)
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return self.statuses.get(name, 200), JSON, raw


def name_of(call: Call) -> str:
    return f"{call.verb} {call.path.removeprefix('/api/v3')}"


class ScriptedBook:
    """One market's book as the venue has it, and the messages that tell of it."""

    def __init__(self, market: str) -> None:
        self.market = market
        self.bids = {f"{100 - step}.0": "1.5" for step in range(1, 6)}
        self.asks = {f"{100 + step}.0": "2.5" for step in range(1, 6)}
        self.last = 1000
        self.version = 7

    @property
    def levels(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        bids = sorted(self.bids.items(), key=lambda level: -float(level[0]))
        asks = sorted(self.asks.items(), key=lambda level: float(level[0]))
        return bids, asks

    def full(self, **changes: Any) -> dict[str, Any]:
        bids, asks = self.levels
        return self._message("snapshot", self.last, bids, asks) | changes

    def change(self, side: str, price: str, volume: str, **changes: Any) -> dict[str, Any]:
        """Changes the book and returns the message that tells of it."""
        levels = self.bids if side == "bids" else self.asks
        if float(volume):
            levels[price] = volume
        else:
            levels.pop(price, None)
        self.last += 1
        rows = [(price, volume)]
        bids, asks = (rows, []) if side == "bids" else ([], rows)
        return self._message("update", self.last, bids, asks) | changes

    def _message(self, event: str, first: int, bids: Any, asks: Any) -> dict[str, Any]:
        return {
            "c": "book", "e": event, "M": self.market, "a": asks, "b": bids, "T": TIME_MS + self.last, "fi": first,
            "li": self.last, "v": self.version,
        }  # fmt: skip


class ScriptedStream(StreamServer):
    """The stream. A subscription brings full data of what it is about, as the document says."""

    def __init__(self) -> None:
        super().__init__(every=600.0)
        self.sends_data = False
        self.books = {name: ScriptedBook(name) for name in MARKETS}
        self.subscribed: dict[int, set[tuple[str, str]]] = {}
        self.unknown: set[str] = set()  # markets that it refuses
        self.refuses_logins = ""  # the error
        self.answers_subscriptions = True
        self.sends_snapshots = True
        self.logins: list[dict[str, Any]] = []
        self.sent_at: list[float] = []  # the loop's time of each message that it was sent
        self.snapshots: list[dict[str, Any]] = []  # what an account is told after its login

    def asked(self, action: str) -> list[dict[str, Any]]:
        """Returns the calls of all connections so far."""
        calls = [json.loads(text) for peer in self.peers for text in peer.heard]
        return [call for call in calls if call["action"] == action]

    def push(self, *messages: dict[str, Any] | bytes) -> None:
        """Sends messages to everybody, in one piece."""
        raw = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in messages]
        data = b"".join(wire_frame(TEXT, each) for each in raw)
        for peer in self.peers:
            peer.write(data)

    def _answer(self, peer: Peer, text: str) -> None:
        peer.heard.append(text)
        self.sent_at.append(asyncio.get_running_loop().time())
        call = json.loads(text)
        match call["action"]:
            case "auth":
                self._log_in(peer, call)
            case "sub" if self.answers_subscriptions:
                self._subscribe(peer, call)
            case "unsub" if self.answers_subscriptions:
                assert call["subscription"] == call["subscriptions"]
                held = self.subscribed.setdefault(peer.number, set())
                held -= {(each["channel"], each.get("market", "")) for each in call["subscriptions"]}
                self._say(peer, {"e": "unsubscribed", "s": call["subscription"], "i": call["id"], "T": TIME_MS})

    def _subscribe(self, peer: Peer, call: dict[str, Any]) -> None:
        wanted = call["subscriptions"]
        if any(each.get("market") in self.unknown for each in wanted):
            error = ["E-1004: invalid market"]
            self._say(peer, {"e": "error", "E": error, "i": call["id"], "T": TIME_MS})
            return
        self._say(peer, {"e": "subscribed", "s": wanted, "i": call["id"], "T": TIME_MS})
        held = self.subscribed.setdefault(peer.number, set())
        for each in wanted:
            held.add((each["channel"], each.get("market", "")))
            if each["channel"] == "book" and self.sends_snapshots:
                self._say(peer, self.books.setdefault(each["market"], ScriptedBook(each["market"])).full())

    def _log_in(self, peer: Peer, call: dict[str, Any]) -> None:
        self.logins.append(call)
        expected = hmac.new(SECRET.encode(), str(call["nonce"]).encode(), hashlib.sha256).hexdigest()
        used = [each["nonce"] for each in self.logins[:-1]]
        error = self.refuses_logins
        if call["apiKey"] != KEY or call["signature"] != expected:
            error = "E-1007: authentication failed"
        elif call["nonce"] in used:
            error = "E-1012: nonce was used"
        if error:
            self._say(peer, {"e": "error", "E": [error], "i": call["id"], "T": TIME_MS})
            return
        self._say(peer, {"e": "authenticated", "i": call["id"], "T": TIME_MS})
        for each in self.snapshots:
            self._say(peer, each)

    def _say(self, peer: Peer, message: dict[str, Any]) -> None:
        peer.say(json.dumps(message))
