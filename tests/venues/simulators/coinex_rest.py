"""A CoinEx simulator in the process, on a clock that tests turn, and a client that signs by the document."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
from starlette.applications import Starlette

from venues.model import NANOSECONDS, OrderType, Side
from venues.simulators.coinex.exchange import CoinexSimulator, create
from venues.simulators.faults import Faults
from venues.simulators.orders import OrderWish
from venues.simulators.port import SimulatorSettings

KEY, SECRET = "ACCESS_TEST", "SECRET_TEST"
NOW_MS = 1_700_000_000_000
SYMBOLS = ("BTCUSDT", "ETHUSDT", "CETUSDT")


class TurnedClock:
    """A clock that stands still but for `turn`, which wakes whoever has slept long enough on it."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.now = now_ms * 1_000_000
        self._asleep: list[tuple[int, asyncio.Future[None]]] = []

    def time_ns(self) -> int:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += round(seconds * NANOSECONDS)
        for due, waking in self._asleep:
            if due <= self.now and not waking.done():
                waking.set_result(None)
        self._asleep = [one for one in self._asleep if not one[1].done()]

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            waking = asyncio.get_running_loop().create_future()
            self._asleep.append((self.now + round(seconds * NANOSECONDS), waking))
            await waking


class RestClient:
    """Signed calls as the document describes them, independent of the simulator's code."""

    def __init__(self, simulator: CoinexSimulator, clock: TurnedClock) -> None:
        self.simulator = simulator
        self.clock = clock
        app = Starlette(routes=simulator.routes())
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://coinex.test")

    async def __aenter__(self) -> RestClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def raw(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await self._http.request(method, f"/v1{path}", **options)

    async def respond(self, method: str, path: str, params: Mapping[str, object] | None = None) -> httpx.Response:
        """Sends a signed call and returns the whole response."""
        tonce = self.clock.time_ns() // 1_000_000
        values: dict[str, object] = {**(params or {}), "access_id": KEY, "tonce": tonce}
        headers = {"authorization": sign(values)}
        if method == "POST":
            return await self.raw(method, path, json=values, headers=headers)
        return await self.raw(method, path, params={k: str(v) for k, v in values.items()}, headers=headers)

    async def call(self, method: str, path: str, **params: object) -> Any:
        """Sends a signed call and returns its data; fails on any code but 0."""
        answer = (await self.respond(method, path, params)).json()
        assert answer["code"] == 0, answer
        return answer["data"]

    async def code(self, method: str, path: str, **params: object) -> int:
        """Sends a signed call and returns the code."""
        return int((await self.respond(method, path, params)).json()["code"])

    async def read(self, path: str, **params: object) -> Any:
        """Sends a public call and returns its data."""
        answer = (await self.raw("GET", path, params={k: str(v) for k, v in params.items()})).json()
        assert answer["code"] == 0, answer
        return answer["data"]

    # The crowd, by the control API's own door.

    def act(self, do: str, **wish: object) -> dict[str, Any]:
        return self.simulator.act({"do": do, **wish})

    def book(self, symbol: str, bid: str, ask: str, quantity: str = "1") -> None:
        """Empties a book and leaves one quote of the crowd on each side."""
        self.act("clear", symbol=symbol)
        self.act("quote", symbol=symbol, side="buy", price=bid, quantity=quantity)
        self.act("quote", symbol=symbol, side="sell", price=ask, quantity=quantity)

    async def limit(self, **changes: object) -> Any:
        """Enters a limit order that rests, but for what is changed."""
        return await self.call("POST", "/order/limit", **(RESTING | changes))

    def balance(self, currency: str, account: int = 0) -> tuple[Decimal, Decimal]:
        found = self.simulator.market.balance(account, currency)
        return found.available, found.locked


RESTING: dict[str, object] = {"market": "BTCUSDT", "type": "buy", "amount": "0.01", "price": "30000"}


def sign(values: Mapping[str, object], secret: str = SECRET) -> str:
    text = "&".join(f"{name}={values[name]}" for name in sorted(values)) + f"&secret_key={secret}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def make_simulator(
    clock: TurnedClock, *, faults: str = "", symbols: tuple[str, ...] = SYMBOLS, rate: float = 0, seed: int = 7
) -> CoinexSimulator:
    settings = SimulatorSettings(seed=seed, rate=rate, symbols=symbols)
    return create(settings, Faults(faults), clock=clock, credentials=(KEY, SECRET))


def limit_wish(symbol: str, side: Side, quantity: str, price: str, **more: Any) -> OrderWish:
    return OrderWish(
        symbol=symbol, side=side, type=OrderType.LIMIT, quantity=Decimal(quantity), price=Decimal(price), **more
    )
