"""A served Mayex simulator on a clock that tests turn, and a client written from Mayex's document alone.

What the document leaves out (signature, token) is as the platform has it that Mayex is a white label of.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.venues.simulators.coinex_rest import TurnedClock
from tests.venues.simulators.served_rig import PATIENCE, ServedRig
from tests.venues.simulators.served_rig import Socket as Found
from venues.simulators.faults import Faults
from venues.simulators.mayex.exchange import MayexSimulator, create
from venues.simulators.port import SimulatorSettings
from venues.simulators.serving import Practice, serving_simulator

D = Decimal
KEY, SECRET = "0f8fad5b-d9cb-469f-a165-70867728950e", "bWF5ZXgtc2VjcmV0LWRlbW8tMTIzNA"
SYMBOLS = ("btcusdt", "ethusdt")
BTC, ETH = SYMBOLS
PRICE = "60000"  # where the rig's btcusdt stands at first
MINUTE_MS = 60_000
ORDERS, ACCOUNT = "/order/v1/private/orders", "/user/v1/private"


def signature(path: str, query: str, expiry: str, body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), f"{path}{query}{expiry}".encode() + body, hashlib.sha256).hexdigest()


class Rest:
    """Signed calls: GET and DELETE by the query, POST and PUT by JSON."""

    def __init__(self, url: str, now_ms: Callable[[], int], root: str = "/api") -> None:
        self.root = root
        self._now_ms = now_ms
        self.http = httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False)

    def signed(
        self,
        method: str,
        path: str,
        values: Mapping[str, Any],
        *,
        key: str = KEY,
        expiry: str = "",
        sign: str = "",
    ) -> httpx.Request:
        """Returns a request with its signature, or with another one."""
        expiry = expiry or str(self._now_ms() + MINUTE_MS)
        has_body = method in ("POST", "PUT")
        query = "" if has_body else urlencode(values)
        body = json.dumps(values).encode() if has_body and values else b""
        whole = f"{self.root}{path}"
        headers = {
            "x-fairdesk-access-key": key,
            "x-fairdesk-request-expiry": expiry,
            "x-fairdesk-request-signature": sign or signature(whole, query, expiry, body),
            "Content-Type": "application/json",
        }
        url = f"{whole}?{query}" if query else whole
        return self.http.build_request(method, url, headers=headers, content=body)

    async def respond(self, method: str, path: str, **values: Any) -> httpx.Response:
        return await self.http.send(self.signed(method, path, values))

    async def do(self, method: str, path: str, **values: Any) -> Any:
        """Returns the data of an answer; fails on a refusal."""
        answer = await self.respond(method, path, **values)
        body = json.loads(answer.text, parse_float=D)
        assert (answer.status_code, body["status"]) == (200, 0), body
        return body["data"]

    async def refusal(self, method: str, path: str, **values: Any) -> int:
        """Returns the status in the answer that a call is refused with."""
        answer = await self.respond(method, path, **values)
        status: int = answer.json()["status"]
        assert answer.status_code == 200 and status, answer.text
        return status


class Socket(Found):
    """One connection. Messages are numbered."""

    number = 0

    async def ask(self, method: str, *params: str) -> dict[str, Any]:
        """Sends a message and returns its answer, without the number that it repeats."""
        self.number += 1
        message = {"method": method, "params": list(params), "id": self.number}
        if not params:
            del message["params"]
        await self.send(**message)
        answer = await self.find(id=self.number)
        return {name: value for name, value in answer.items() if name != "id"}

    async def subscribe(self, *streams: str) -> None:
        assert await self.ask("SUBSCRIBE", *streams) == {"result": None}


class Rig(ServedRig[MayexSimulator]):
    """A simulator that is served in this loop, its clock, and a client."""

    def __init__(self, simulator: MayexSimulator, clock: TurnedClock, practice: Practice) -> None:
        super().__init__(simulator, clock, practice)
        self.rest = Rest(practice.rest_url, self.now_ms)
        self._placed = 0

    def now_ms(self) -> int:
        return self.clock.now // 1_000_000

    def mark(self, price: str, symbol: str = BTC) -> None:
        """Moves a market to a price."""
        self.act("mark", symbol=symbol, price=price)

    async def order(self, **changes: Any) -> Any:
        """Enters an order, a long's opening at the market but for what is changed, and returns the answer."""
        return await self.rest.do("POST", f"{ORDERS}/place-order", **self.values(changes))

    async def refused(self, **changes: Any) -> int:
        """Enters an order that is refused, and returns the status in the answer."""
        return await self.rest.refusal("POST", f"{ORDERS}/place-order", **self.values(changes))

    def values(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Returns an order as it is sent; what is None is left out."""
        self._placed += 1
        values = OPENING | {"clientOrderId": f"T{self._placed}"} | dict(changes)
        return {name: one for name, one in values.items() if one is not None}

    async def positions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.rest.do("GET", f"{ACCOUNT}/positions/current-positions")
        return found

    async def open_orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.rest.do("GET", f"{ACCOUNT}/order/open-orders")
        return found

    async def history(self, kind: str = "order", **params: Any) -> list[dict[str, Any]]:
        """Returns the rows of the order history, or of the trade history."""
        found = await self.rest.do("GET", f"{ACCOUNT}/order/{kind}-histories", **{"symbol": "btc"} | params)
        rows: list[dict[str, Any]] = found["rows"]
        return rows

    async def purse(self) -> dict[str, Decimal]:
        """Returns the figures of the only coin."""
        (row,) = (await self.rest.do("GET", f"{ACCOUNT}/account/asset"))["accounts"]
        return {name: D(value) for name, value in row.items() if name not in ("currency", "display")}

    def socket(self, path: str = "ws/") -> AbstractAsyncContextManager[Socket]:
        return self.linked(path, Socket)


class Book:
    """A book as whoever takes every message for the changes of the one before has it."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
        self.newest = 0
        self.breaks = 0

    def take(self, push: dict[str, Any]) -> None:
        self.breaks += bool(self.newest) and push["pu"] != self.newest
        self.newest = push["u"]
        for name, side in self.sides.items():
            for price, quantity in push[name]:
                if D(quantity):
                    side[price] = quantity
                else:
                    del side[price]

    def levels(self, name: str) -> list[list[str]]:
        pairs = sorted(self.sides[name].items(), key=lambda pair: D(pair[0]), reverse=name == "b")
        return [list(pair) for pair in pairs]


def true_levels(opened: Rig, symbol: str = BTC, most: int = 100) -> list[list[list[str]]]:
    """Returns the best bids and asks as they are on the exchange."""
    book = opened.simulator.state()["books"][symbol]
    return [book["bids"][:most], book["asks"][:most]]


OPENING: dict[str, Any] = {
    "symbol": BTC, "side": "BUY", "positionSide": "LONG", "isolated": True, "quantity": "0.01", "type": "MARKET",
    "timeInForce": "IOC", "orderRespType": "RESULT",
}  # fmt: skip
RESTING = {"type": "LIMIT", "timeInForce": "GTC", "price": "59000"}


@asynccontextmanager
async def rig(*, faults: str = "", rate: float = 0, symbols: tuple[str, ...] = SYMBOLS) -> AsyncIterator[Rig]:
    """Serves a simulator until the context is left. Its market is quiet where `rate` is 0."""
    clock = TurnedClock()
    settings = SimulatorSettings(seed=7, rate=rate, symbols=symbols)
    simulator = create(settings, Faults(faults), clock=clock, credentials=(KEY, SECRET))
    async with serving_simulator(simulator) as practice:
        opened = Rig(simulator, clock, practice)
        opened.act("quota", minute=1_000_000)
        opened.mark(PRICE)
        async with opened.rest.http:
            yield opened
