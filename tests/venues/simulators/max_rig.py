"""A served MAX simulator on a clock that tests turn, and a client written from MAX's document alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx
import websockets

from tests.venues.simulators.coinex_rest import NOW_MS, TurnedClock
from tests.venues.simulators.served_rig import PATIENCE, Link, ServedRig
from venues.simulators.faults import Faults
from venues.simulators.max.exchange import MaxSimulator, create
from venues.simulators.port import SimulatorSettings
from venues.simulators.serving import Practice, serving_simulator

D = Decimal
KEY, SECRET = "AK_TEST", "SK_TEST_0123456789abcdef"
SYMBOLS = ("BTCTWD", "BTCUSDT", "USDTTWD")
NOW = NOW_MS  # where the clock of a rig stands at first, in milliseconds
ROOT = "/api/v3"


def payload_of(params: Mapping[str, Any], path: str) -> str:
    text = json.dumps({**params, "path": path}, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode()


def signed(message: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def headers_of(params: Mapping[str, Any], path: str, key: str = KEY, secret: str = SECRET) -> dict[str, str]:
    payload = payload_of(params, path)
    return {"X-MAX-ACCESSKEY": key, "X-MAX-PAYLOAD": payload, "X-MAX-SIGNATURE": signed(payload, secret)}


class Rest:
    """Signed and public calls. Nonces go up by one from the clock's milliseconds."""

    def __init__(self, url: str, key: str, secret: str, now_ms: Callable[[], int]) -> None:
        self.key, self.secret = key, secret
        self._now_ms = now_ms
        self._nonce = 0
        self.http = httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False)

    def nonce(self) -> int:
        self._nonce = max(self._nonce + 1, self._now_ms())
        return self._nonce

    async def respond(self, method: str, path: str, **params: Any) -> httpx.Response:
        """Sends a signed call; parameters that are None are left out."""
        whole = f"{ROOT}{path}"
        values = {"nonce": self.nonce(), **{name: one for name, one in params.items() if one is not None}}
        headers = headers_of(values, whole, self.key, self.secret)
        if method == "GET":
            return await self.http.request(method, whole, params=values, headers=headers)
        return await self.http.request(method, whole, json=values, headers=headers)

    async def do(self, method: str, path: str, **params: Any) -> Any:
        """Sends a signed call and returns its answer; fails on a refusal."""
        answer = await self.respond(method, path, **params)
        assert answer.status_code in (200, 201), answer.text
        return json.loads(answer.text, parse_float=D)

    async def refusal(self, method: str, path: str, **params: Any) -> tuple[int, int]:
        """Sends a signed call and returns the status and code that it is refused with."""
        answer = await self.respond(method, path, **params)
        body = answer.json()
        assert body["success"] is False, body
        return answer.status_code, body["error"]["code"]

    async def read(self, path: str, **params: Any) -> Any:
        """Sends a public call and returns its answer."""
        answer = await self.http.get(f"{ROOT}{path}", params=params)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=D)


class Socket(Link):
    """One connection."""

    def __init__(self, link: websockets.ClientConnection, rest: Rest) -> None:
        super().__init__(link)
        self._rest = rest

    async def next(self) -> dict[str, Any]:
        """Waits for the next message that nobody has taken."""
        message: dict[str, Any] = await super().next()
        return message

    async def find(self, event: str, channel: str = "") -> dict[str, Any]:
        """Waits for the oldest message of this event (empty: any) and channel; others stay."""
        found: dict[str, Any] = await self.take(
            lambda message: event in ("", message.get("e")) and channel in ("", message.get("c"))
        )
        return found

    async def subscribe(self, *subscriptions: Mapping[str, Any], name: str = "c1") -> dict[str, Any]:
        await self.send(action="sub", subscriptions=list(subscriptions), id=name)
        return await self.find("subscribed")

    async def log_in(self, *filters: str) -> dict[str, Any]:
        await self.send(**self.login(*filters))
        return await self.find("authenticated")

    def login(self, *filters: str, nonce: int = 0) -> dict[str, Any]:
        """Returns a message that authenticates."""
        number = nonce or self._rest.nonce()
        signature = signed(str(number), self._rest.secret)
        message = {"action": "auth", "apiKey": self._rest.key, "nonce": number, "signature": signature, "id": "a1"}
        return {**message, "filters": list(filters)} if filters else message

    async def refusal(self, text: str) -> list[str]:
        """Sends a text as it is and returns the errors that it is answered with."""
        await self.link.send(text)
        errors: list[str] = (await self.find("error"))["E"]
        return errors


class Book:
    """A market's book put together as the document says. `is_broken` once something does not follow."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[str, str]] = {"a": {}, "b": {}}
        self.version = self.newest = 0
        self.is_broken = False

    def take(self, message: Mapping[str, Any]) -> None:
        if message["e"] == "snapshot":
            self.sides = {"a": {}, "b": {}}
        else:
            follows = message["fi"] <= self.newest + 1 <= message["li"]
            self.is_broken |= message["v"] != self.version or not follows
        self.version, self.newest = message["v"], message["li"]
        for name, side in self.sides.items():
            for price, volume in message[name]:
                if D(volume):
                    side[price] = volume
                else:
                    side.pop(price, None)

    def levels(self, name: str) -> list[tuple[Decimal, Decimal]]:
        """Returns one side, best first."""
        return [(price, D(volume)) for price, volume in sorted(_numbers(self.sides[name]), reverse=name == "b")]


def _numbers(side: Mapping[str, str]) -> list[tuple[Decimal, str]]:
    return [(D(price), volume) for price, volume in side.items()]


class Rig(ServedRig[MaxSimulator]):
    """A simulator that is served in this loop, its clock, and a client."""

    def __init__(self, simulator: MaxSimulator, clock: TurnedClock, practice: Practice) -> None:
        super().__init__(simulator, clock, practice)
        self.market = simulator.market
        self.rest = Rest(practice.rest_url, KEY, SECRET, self.now_ms)

    def now_ms(self) -> int:
        return self.clock.now // 1_000_000

    def book(self, symbol: str, bid: str, ask: str, quantity: str = "1") -> None:
        """Empties a book and leaves one quote of the crowd on each side."""
        self.act("clear", symbol=symbol)
        self.act("quote", symbol=symbol, side="buy", price=bid, quantity=quantity)
        self.act("quote", symbol=symbol, side="sell", price=ask, quantity=quantity)

    async def place(self, wallet: str = "spot", **changes: Any) -> Any:
        """Enters an order that rests, but for what is changed, and waits until it is in the book."""
        accepted = await self.rest.do("POST", f"/wallet/{wallet}/order", **(RESTING | changes))
        await self.turn()
        return accepted

    async def order(self, number: int) -> Any:
        return await self.rest.do("GET", "/order", id=number)

    def socket(self, path: str = "ws") -> AbstractAsyncContextManager[Socket]:
        return self.linked(path, lambda link: Socket(link, self.rest))


RESTING: dict[str, Any] = {
    "market": "btctwd", "side": "buy", "volume": "0.01", "price": "2000000", "ord_type": "limit",
}  # fmt: skip


@asynccontextmanager
async def rig(
    *, faults: str = "", rate: float = 0, symbols: tuple[str, ...] = SYMBOLS, time_scale: float = 1.0
) -> AsyncIterator[Rig]:
    """Serves a simulator until the context is left. Its market is quiet where `rate` is 0."""
    clock = TurnedClock()
    settings = SimulatorSettings(seed=7, rate=rate, symbols=symbols, time_scale=time_scale)
    simulator = create(settings, Faults(faults), clock=clock, credentials=(KEY, SECRET))
    async with serving_simulator(simulator) as practice:
        opened = Rig(simulator, clock, practice)
        async with opened.rest.http:
            yield opened
