"""A served Pumpkin simulator on a clock that tests turn, and a client written from Pumpkin's document alone."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.venues.simulators.coinex_rest import TurnedClock
from tests.venues.simulators.served_rig import PATIENCE, ServedRig
from tests.venues.simulators.served_rig import Socket as Found
from venues.simulators.faults import Faults
from venues.simulators.port import SimulatorSettings
from venues.simulators.pumpkin.exchange import PumpkinSimulator, create
from venues.simulators.serving import Practice, serving_simulator

D = Decimal
KEY, SECRET = "KEY_TEST", "SECRET_TEST"
SYMBOLS = ("btc_usdt", "eth_usdt")
BTC, ETH = SYMBOLS
PRICE = 60_000  # where the rig's btc_usdt stands at first


def signed(text: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def form(params: Mapping[str, Any]) -> str:
    """Returns the parameters as they are signed and sent."""
    return urlencode(sorted(params.items()))


class Rest:
    """Signed calls as the document's samples make them: GET by the query, POST by a form."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=f"{url}/futures", timeout=PATIENCE, trust_env=False)

    async def respond(
        self, method: str, path: str, *, key: str = KEY, secret: str = SECRET, signature: str = "", **params: Any
    ) -> httpx.Response:
        text = form(params)
        headers = {
            "X_ACCESS_KEY": key,
            "X_SIGNATURE": signature or signed(text, secret),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        if method == "GET":
            return await self.http.request("GET", f"{path}?{text}" if text else path, headers=headers)
        return await self.http.request(method, path, content=text, headers=headers)

    async def get(self, path: str, **params: Any) -> Any:
        """Returns the data of an answer; fails on a refusal."""
        return _data(await self.respond("GET", path, **params))

    async def post(self, path: str, **params: Any) -> Any:
        return _data(await self.respond("POST", path, **params))

    async def refusal(self, method: str, path: str, **params: Any) -> tuple[int, int, str]:
        """Returns the status, the code and the text that a call is refused with."""
        answer = await self.respond(method, path, **params)
        body = answer.json()
        assert body["code"] != 0, body
        return answer.status_code, body["code"], body["msg"]


def _data(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    body = json.loads(answer.text, parse_float=D)
    assert body["code"] == 0, body
    assert body.get("msg", body.get("message")) == "success"
    return body["data"]


class Socket(Found):
    """One connection."""

    async def ask(self, method: str, *events: str) -> tuple[int, str]:
        """Subscribes or the opposite, and returns the answer's code and text."""
        await self.send(events=list(events), method=method)
        answer = await self.take(lambda frame: isinstance(frame, dict) and "code" in frame)
        return answer["code"], answer["msg"]


class Rig(ServedRig[PumpkinSimulator]):
    """A simulator that is served in this loop, its clock, and a client."""

    def __init__(self, simulator: PumpkinSimulator, clock: TurnedClock, practice: Practice) -> None:
        super().__init__(simulator, clock, practice)
        self.rest = Rest(practice.rest_url)

    def mark(self, price: str, symbol: str = BTC) -> None:
        """Moves a market to a price."""
        self.act("mark", symbol=symbol, price=price)

    async def order(self, **changes: Any) -> str:
        """Enters an order, a long's opening at the market but for what is changed, and returns its id."""
        params = {name: one for name, one in (OPENING | changes).items() if one is not None}
        number: str = await self.rest.post("/v2/order/create", **params)
        return number

    async def refused(self, **changes: Any) -> str:
        """Enters an order that is refused, and returns the text."""
        params = {name: one for name, one in (OPENING | changes).items() if one is not None}
        return (await self.rest.refusal("POST", "/v2/order/create", **params))[2]

    async def detail(self, number: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.rest.get("/v2/order/detail", orderId=number)
        return found

    async def positions(self, symbol: str = BTC) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.rest.get("/v2/position/list", symbol=symbol)
        return found

    async def balance(self) -> dict[str, Decimal]:
        row = await self.rest.get("/v2/balance/detail", coin="usdt")
        return {name: D(value) for name, value in row.items() if name != "coin"}

    async def isolate(self, leverage: int = 10, symbol: str = BTC, model: str = "AGGREGATION") -> None:
        await self.rest.post(
            "/v2/position/change-type", symbol=symbol, positionType="ISOLATED", positionModel=model
        )
        await self.rest.post("/v2/position/adjust-leverage", symbol=symbol, leverage=leverage)

    def held(self, position_id: str) -> dict[str, Any]:
        """Returns what the control API shows of a position: its mark and its liquidation price as well."""
        rows: list[dict[str, Any]] = self.simulator.state()["positions"]
        return next(row for row in rows if row["id"] == position_id)

    def socket(self, path: str = "futures/ws/market") -> AbstractAsyncContextManager[Socket]:
        return self.linked(path, Socket)


OPENING: dict[str, Any] = {
    "symbol": BTC, "orderType": "MARKET", "orderSide": "BUY", "positionSide": "LONG", "origQty": "100",
    "timeInForce": "IOC",
}  # fmt: skip
RESTING = {"orderType": "LIMIT", "timeInForce": "GTC", "price": "59000"}


@asynccontextmanager
async def rig(*, faults: str = "", rate: float = 0, symbols: tuple[str, ...] = SYMBOLS) -> AsyncIterator[Rig]:
    """Serves a simulator until the context is left. Its market is quiet where `rate` is 0."""
    clock = TurnedClock()
    settings = SimulatorSettings(seed=7, rate=rate, symbols=symbols)
    simulator = create(settings, Faults(faults), clock=clock, credentials=(KEY, SECRET))
    async with serving_simulator(simulator) as practice:
        opened = Rig(simulator, clock, practice)
        opened.mark(str(PRICE))
        async with opened.rest.http:
            yield opened
