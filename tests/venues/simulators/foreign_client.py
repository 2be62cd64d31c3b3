"""A client of CoinEx written from its document alone: it shares no code with the simulator or with our adapter."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import time
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx
import websockets

from venues.simulators.serving import Practice

D = Decimal
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"
PATIENCE = 10.0  # seconds


def signed(params: Mapping[str, Any], secret: str) -> str:
    text = "&".join(f"{name}={params[name]}" for name in sorted(params))
    return hashlib.md5(f"{text}&secret_key={secret}".encode(), usedforsecurity=False).hexdigest().upper()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Rest:
    """The venue's HTTP interface. `key` and `secret` may be changed to wrong ones."""

    def __init__(self, practice: Practice) -> None:
        self.key, self.secret = practice.api_key, practice.api_secret
        self.client = httpx.Client(
            base_url=practice.rest_url, headers={"User-Agent": AGENT}, timeout=PATIENCE, trust_env=False
        )

    def ask(self, method: str, path: str, params: Mapping[str, Any] | None = None, tonce: int = 0) -> Any:
        """Sends a signed request and returns the envelope."""
        values = {**(params or {}), "access_id": self.key, "tonce": tonce or now_ms()}
        headers = {"authorization": signed(values, self.secret)}
        where: dict[str, Any] = {"json": values} if method == "POST" else {"params": values}
        answer = self.client.request(method, f"/v1{path}", headers=headers, **where)
        assert answer.status_code == 200, answer.text
        envelope = answer.json()
        assert set(envelope) == {"code", "data", "message"}
        return envelope

    def do(self, method: str, path: str, **params: Any) -> Any:
        envelope = self.ask(method, path, params)
        assert envelope["code"] == 0, envelope
        return envelope["data"]

    def code(self, method: str, path: str, **params: Any) -> int:
        return int(self.ask(method, path, params)["code"])

    def read(self, path: str, **params: Any) -> Any:
        answer = self.client.get(f"/v1{path}", params=params).json()
        assert answer["code"] == 0, answer
        return answer["data"]

    def last(self) -> Decimal:
        return D(self.read("/market/ticker", market="BTCUSDT")["ticker"]["last"])

    def limit(self, **changes: Any) -> Any:
        """Places an order that rests, far below the market, but for what is changed."""
        price = str((self.last() * D("0.8")).quantize(D("0.01")))
        order = {"market": "BTCUSDT", "type": "buy", "amount": "0.01", "price": price}
        return self.do("POST", "/order/limit", **(order | changes))

    def buy(self, cost: str) -> Any:
        """Buys at the market for so much of the quote currency."""
        return self.do("POST", "/order/market", market="BTCUSDT", type="buy", amount=cost)

    def pending(self) -> list[int]:
        rows = self.do("GET", "/order/pending", market="BTCUSDT", page=1, limit=100)["data"]
        return [row["id"] for row in rows]

    def money(self, asset: str) -> Decimal:
        found = self.do("GET", "/balance/info").get(asset, {"available": "0", "frozen": "0"})
        return D(found["available"]) + D(found["frozen"])


class Socket:
    """One connection: answers by their id, pushes in their order."""

    def __init__(self, link: websockets.ClientConnection) -> None:
        self._link = link
        self._ids = itertools.count(1)
        self.pushes: deque[tuple[str, list[Any]]] = deque()

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            message: dict[str, Any] = json.loads(await self._link.recv())
        if "method" in message:
            assert message["id"] is None
            self.pushes.append((message["method"], message["params"]))
        return message

    async def ask(self, method: str, *params: Any) -> dict[str, Any]:
        number = next(self._ids)
        answer = await self.send(json.dumps({"method": method, "params": params, "id": number}))
        assert answer["id"] == number
        return answer

    async def send(self, frame: str | bytes) -> dict[str, Any]:
        """Sends a frame as it is and returns the answer to it."""
        await self._link.send(frame)
        while True:
            message = await self._next()
            if "method" not in message:
                return message

    async def do(self, method: str, *params: Any) -> Any:
        answer = await self.ask(method, *params)
        assert answer["error"] is None, answer
        return answer["result"]

    async def sign(self, key: str, secret: str) -> dict[str, Any]:
        tonce = now_ms()
        return await self.ask("server.sign", key, signed({"access_id": key, "tonce": tonce}, secret), tonce)

    async def pushed(self, method: str) -> list[Any]:
        """Returns the oldest push of this kind that was not taken yet."""
        while True:
            for number, (name, params) in enumerate(self.pushes):
                if name == method:
                    del self.pushes[number]
                    return params
            await self._next()

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self._next()


class Book:
    """A side-by-side copy of a market's depth, kept as the document says, with a checksum of its own."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.sides: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}

    def take(self, is_full: bool, body: Mapping[str, Any]) -> None:
        for name, side in self.sides.items():
            if is_full:
                side.clear()
            for price, amount in body[name]:
                if D(amount):
                    side[price] = amount
                else:
                    del side[price]
            for price in list(self._sorted(name))[self._limit :]:
                del side[price]

    def _sorted(self, name: str) -> list[str]:
        return sorted(self.sides[name], key=D, reverse=name == "bids")

    def checksum(self) -> int:
        parts = [
            part
            for name in self.sides
            for price in self._sorted(name)
            for part in (price, self.sides[name][price])
        ]
        number = zlib.crc32(":".join(parts).encode())
        return number - 2**32 if number >= 2**31 else number


@asynccontextmanager
async def connected(practice: Practice) -> AsyncIterator[Socket]:
    # The venue's own demo: no compression, no pings of the protocol.
    async with websockets.connect(practice.ws_url, compression=None, ping_interval=None, proxy=None) as link:
        yield Socket(link)
