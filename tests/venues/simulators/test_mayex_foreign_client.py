"""A client that knows nothing but HMAC, JSON and a WebSocket trades on a live market, and follows it."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
import websockets.sync.client

from tests.venues.pumpkin.client_rig import shared_tls
from tests.venues.simulators.served_rig import PATIENCE
from venues.simulators.serving import Practice, served_in_thread

BTC = "btcusdt"
ROUNDS = 5


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with served_in_thread("mayex", seed=4, rate=300, time_scale=0.1, symbols=(BTC,)) as served:
        yield served


class Foreign:
    """Signs and sends, as the platform's own description has it."""

    def __init__(self, practice: Practice) -> None:
        self._key, self._secret = practice.api_key, practice.api_secret.encode()
        self._http = httpx.Client(
            base_url=practice.rest_url, trust_env=False, timeout=PATIENCE, verify=shared_tls()
        )

    def ask(self, verb: str, path: str, query: str = "", **values: Any) -> Any:
        body = json.dumps(values) if values else ""
        expiry = str(time.time_ns() // 1_000_000 + 60_000)
        signed = hmac.new(self._secret, f"{path}{query}{expiry}{body}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "x-fairdesk-access-key": self._key,
            "x-fairdesk-request-expiry": expiry,
            "x-fairdesk-request-signature": signed,
            "Content-Type": "application/json",
        }
        url = f"{path}?{query}" if query else path
        found = self._http.request(verb, url, content=body, headers=headers).json()
        assert found["status"] == 0, found
        return found["data"]

    def __enter__(self) -> Foreign:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


def test_positions_are_opened_and_closed_and_every_fill_is_heard(practice: Practice) -> None:
    with Foreign(practice) as client:
        token = client.ask("POST", "/user/v1/private/token/create")["wsToken"]
        with websockets.sync.client.connect(f"{practice.ws_url}ws/", proxy=None, ping_interval=None) as link:
            link.send(json.dumps({"method": "SUBSCRIBE", "params": [token], "id": 1}))
            assert json.loads(link.recv(timeout=PATIENCE)) == {"result": None, "id": 1}
            numbers = [trade(client, side, number) for number in range(ROUNDS) for side in ("BUY", "SELL")]
            told: dict[int, Decimal] = dict.fromkeys(numbers, Decimal(0))
            while any(quantity < Decimal("0.02") for quantity in told.values()):
                push = json.loads(link.recv(timeout=PATIENCE))
                if push["e"] == "ORDER_TRADE_UPDATE" and push["o"]["x"] == "E_TRADE":
                    told[push["o"]["i"]] += Decimal(push["o"]["l"])
        assert client.ask("GET", "/user/v1/private/positions/current-positions") == []
        rows = client.ask("GET", "/user/v1/private/order/trade-histories", "symbol=btcusdt&pageSize=100")["rows"]
        assert {row["orderId"] for row in rows} == set(numbers)
        gained = sum(Decimal(row["realizedPnl"]) + Decimal(row["fee"]) for row in rows)
        (coin,) = client.ask("GET", "/user/v1/private/account/asset")["accounts"]
        assert abs(Decimal(coin["accountBalance"]) - 100_000 - gained) < Decimal("1e-6")


def trade(client: Foreign, side: str, number: int) -> int:
    """Buys or sells at the market for a long position, and returns the order's number."""
    order: dict[str, Any] = client.ask(
        "POST", "/order/v1/private/orders/place-order", symbol=BTC, clientOrderId=f"F{number}-{side}", side=side,
        positionSide="LONG", isolated=True, quantity="0.02", type="MARKET", timeInForce="IOC",
        orderRespType="RESULT",
    )  # fmt: skip
    assert order["status"] == "FILLED"
    found: int = order["orderId"]
    return found


@pytest.mark.parametrize("host", ["ws/", "spot-ws/"])
def test_a_book_that_is_told_by_changes_is_followed_exactly(practice: Practice, host: str) -> None:
    practice.simulator.act({"do": "depth", "mode": "diff"})
    sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    newest = count = 0
    with websockets.sync.client.connect(f"{practice.ws_url}{host}", proxy=None, ping_interval=None) as link:
        link.send(json.dumps({"method": "SUBSCRIBE", "params": [f"{BTC}@depth100"], "id": 1}))
        assert json.loads(link.recv(timeout=PATIENCE))["result"] is None
        while count < 40:
            push = json.loads(link.recv(timeout=PATIENCE))
            assert push["pu"] == newest or not count, "each joins the one before"
            newest, count = push["u"], count + 1
            for name, side in sides.items():
                side |= dict(push[name])
                for price in [price for price, quantity in side.items() if quantity == "0"]:
                    del side[price]
            assert max(map(Decimal, sides["b"])) < min(map(Decimal, sides["a"]))
    assert all(0 < len(side) <= 100 for side in sides.values())
