"""Clients that know nothing but the document's own way of asking: a form, its HMAC, and nothing else.

Two of them trade at once, in threads of their own, and a third hears the stream by a plain WebSocket client.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import websockets.sync.client

from tests.venues.pumpkin.client_rig import shared_tls
from tests.venues.simulators.pumpkin_rig import D
from tests.venues.simulators.served_rig import PATIENCE
from venues.simulators.serving import Practice, served_in_thread

BTC, ETH = "btc_usdt", "eth_usdt"
ROUNDS = 5


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with served_in_thread("pumpkin", seed=4, rate=300, time_scale=0.1, symbols=(BTC, ETH)) as served:
        yield served


class Foreign:
    """Sorts, encodes, signs and sends."""

    def __init__(self, practice: Practice) -> None:
        self.base = f"{practice.rest_url}/futures"
        self.key, self.secret = practice.api_key, practice.api_secret
        self._http = httpx.Client(trust_env=False, timeout=PATIENCE, verify=shared_tls())

    def ask(self, verb: str, path: str, **params: Any) -> Any:
        items = sorted((name, value) for name, value in params.items() if value is not None)
        text = urlencode(items)
        headers = {
            "X_ACCESS_KEY": self.key,
            "X_SIGNATURE": hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        url, body = self.base + path, text
        if verb == "GET":
            url, body = f"{url}?{text}" if text else url, ""
        found = json.loads(self._http.request(verb, url, content=body, headers=headers).content)
        assert found["code"] == 0, (path, found)
        return found["data"]

    def __enter__(self) -> Foreign:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        return self.ask("GET", path, **params)

    def post(self, path: str, **params: Any) -> Any:
        return self.ask("POST", path, **params)


def trade(client: Foreign, symbol: str, side: str) -> list[str]:
    """Opens and closes positions of one side, as one trader among several; returns the orders' ids."""
    opening, closing = ("BUY", "SELL") if side == "LONG" else ("SELL", "BUY")
    common = {"symbol": symbol, "positionSide": side, "orderType": "MARKET", "timeInForce": "IOC", "origQty": 20}
    numbers = []
    for _ in range(ROUNDS):
        numbers.append(client.post("/v2/order/create", orderSide=opening, leverage=10, price=None, **common))
        (held,) = [one for one in client.get("/v2/position/list", symbol=symbol) if one["positionSide"] == side]
        assert held["positionSize"] == "20"
        closed = {"orderSide": closing, "positionId": held["positionId"], "reduceOnly": "true"}
        numbers.append(client.post("/v2/order/create", **common, **closed))
    return numbers


def test_two_clients_trade_at_once_and_each_sees_its_own(practice: Practice) -> None:
    with Foreign(practice) as first, Foreign(practice) as second:
        check_two(first, second)


def check_two(first: Foreign, second: Foreign) -> None:
    for symbol in (BTC, ETH):
        modes = {"positionType": "ISOLATED", "positionModel": "AGGREGATION"}
        first.post("/v2/position/change-type", symbol=symbol, **modes)
        first.post("/v2/position/adjust-leverage", symbol=symbol, leverage=10)
    with ThreadPoolExecutor(2) as threads:
        ours, theirs = threads.submit(trade, first, BTC, "LONG"), threads.submit(trade, second, ETH, "SHORT")
        numbers = {BTC: ours.result(timeout=60), ETH: theirs.result(timeout=60)}
    assert first.get("/v2/position/list") == []
    for symbol, made in numbers.items():
        orders = first.get("/v2/order/list", symbol=symbol, size=100)["items"]
        assert [one["orderId"] for one in orders] == made[::-1]
        assert {one["state"] for one in orders} == {"FILLED"}
        fills = second.get("/v2/order/trade-list", symbol=symbol, size=100)["items"]
        assert sum(int(one["quantity"]) for one in fills) == 40 * ROUNDS
    bills = first.get("/v2/balance/bills", limit=100)["items"]
    (purse,) = first.get("/v2/balance/list")
    assert abs(D(purse["walletBalance"]) - 100_000 - sum(D(one["amount"]) for one in bills)) < D("1e-7")
    assert purse["availableBalance"] == purse["walletBalance"]


def test_plans_and_batches_by_forms_alone(practice: Practice) -> None:
    with Foreign(practice) as client:
        check_forms(client)


def check_forms(client: Foreign) -> None:
    mark = D(client.get("/v2/public/q/symbol-mark-price", symbol=ETH)["p"])
    far = f"{mark * 2:.2f}"
    made = client.post(
        "/v2/entrust/create-plan", symbol=ETH, entrustType="STOP", orderSide="BUY", positionSide="LONG",
        timeInForce="GTC", price=far, origQty="1.0", stopPrice=far, triggerPriceType="MARK_PRICE",
        marketOrderLevel=1, expireTime=str(time.time_ns() // 1_000_000 + 60_000),
    )  # fmt: skip
    (plan,) = client.get("/v2/entrust/plan-list", symbol=ETH, state="NOT_TRIGGERED", limit=10, direction="NEXT")[
        "items"
    ]
    assert (plan["entrustId"], plan["origQty"]) == (made["entrustId"], "1")
    client.post("/v2/entrust/cancel-plan", entrustId=made["entrustId"])
    orders = [
        {"isCreate": True, "symbol": BTC, "price": 45_000.0, "origQty": 1.0, "orderType": "LIMIT",
         "orderSide": "BUY", "positionSide": "LONG", "timeInForce": "GTC", "positionId": 0, "clientOrderId": name}
        for name in ("one_1", "two_2")
    ]  # fmt: skip
    assert client.post("/v2/order/create-batch", list=json.dumps(orders, separators=(",", ":"))) is True
    resting = client.get("/v2/order/all/listUnfinished", list=f"{BTC},{ETH}")
    assert {one["clientOrderId"] for one in resting} == {"one_1", "two_2"}
    numbers = json.dumps([one["orderId"] for one in resting])
    assert client.post("/v2/order/cancel-batch", orders=numbers) is True, "with blanks in the JSON as well"
    assert client.get("/v2/order/all/listUnfinished", list=BTC) == []
    assert len(client.get("/v2/user/listen-key")) == 32


def test_the_stream_by_a_plain_client(practice: Practice) -> None:
    """As the document's usage example: subscribe, text pings, JSON."""
    url = f"{practice.ws_url}futures/ws/market"
    seen: set[str] = set()
    with websockets.sync.client.connect(url, proxy=None, ping_interval=None) as link:
        link.send(json.dumps({"events": [f"depth@{BTC},10", f"trade@{BTC}", f"kline@{BTC},1m"], "method": "sub"}))
        link.send("ping")
        while not {"success", "pong", "depth", "depth.update", "trade", "kline"} <= seen:
            frame = link.recv(timeout=PATIENCE)
            message = {"e": frame} if frame in ("ping", "pong") else json.loads(frame)
            seen.add(message.get("e") or message["msg"])
