"""Who asks Mayex, and how it answers: signatures, expiries, quota, faults, and the rows of its document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.venues.simulators.mayex_rig import ACCOUNT, BTC, ETH, KEY, ORDERS, RESTING, SECRET, D, Rest, Rig, rig
from venues.simulators.mayex.rest import CALLS
from venues.simulators.mayex.signing import SigningRule, signature

EXPIRY = "1700000060000"
# What is signed before and after the expiry, and its signatures with the secret raw and decoded.
EXAMPLES = (
    (
        f"{ACCOUNT}/account/asset", "", "",
        "3c15b94a0ce526a96d518d21536ff3b17f1dbf20556ce916c5047608a861a5db",
        "8eeb4f13d96192605cf01d5f81de02e6dcbe5e0911154d6e07a9257507e3ecc7",
    ),
    (
        f"{ACCOUNT}/order/order-histories", "symbol=btcusdt", "",
        "bd0812eb3e2d581302e1c17eaf340a4de068045cf84744371f7df5a514676bf1",
        "139244c56e8542f9dc9668881a73383ef507b43226af38fdd1ada0c1ef8547a9",
    ),
    (
        f"{ORDERS}/cancel-order", "", '{"symbol":"btcusdt","orderId":1521325650}',
        "60dac2283b8d668a9dfda05ad2983bb0f1e7099f2c226610e207ab264e53d38f",
        "c40eccf56f349117a64fd344bd4db88642e2abbe1866a23bcbb89ed95a82afc8",
    ),
    (
        f"{ORDERS}/cancel-order", "", '{"symbol": "btcusdt", "orderId": 1521325650}',
        "4e93075331829ea59f8965be53787d8d0576f2bb83b945eb901367fff4648e7b", "",
    ),
)  # fmt: skip


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


@pytest.mark.parametrize(("path", "query", "body", "raw", "decoded"), EXAMPLES)
def test_the_worked_examples(path: str, query: str, body: str, raw: str, decoded: str) -> None:
    assert signature(SigningRule(), SECRET, path, query, EXPIRY, body.encode()) == raw
    if decoded:
        rule = SigningRule(secret="base64url")
        assert signature(rule, SECRET, path, query, EXPIRY, body.encode()) == decoded


def test_every_endpoint_of_the_document_is_there_with_its_method() -> None:
    documented = {f"{call.method} {call.path}" for call in CALLS if call.is_documented}
    assert documented == {
        "GET /user/v1/public/spot-marketing/all-pair",
        f"POST {ORDERS}/place-order", f"POST {ORDERS}/cancel-order", f"POST {ORDERS}/cancel-all-order",
        f"GET {ACCOUNT}/account/asset", f"GET {ACCOUNT}/positions/current-positions",
        f"GET {ACCOUNT}/order/open-orders", f"GET {ACCOUNT}/order/trade-histories",
        f"GET {ACCOUNT}/order/order-histories",
        "PUT /order/v1/private/accounts/adjust-leverage", "PUT /order/v1/private/accounts/adjust-position-margin",
    }  # fmt: skip


async def asked(rest: Rest, **how: Any) -> tuple[int, int]:
    """Asks for the money in another way than usual; returns the HTTP status and that in the answer."""
    answer = await rest.http.send(rest.signed("GET", f"{ACCOUNT}/account/asset", {}, **how))
    return answer.status_code, answer.json()["status"]


async def test_strangers_and_what_has_expired_are_refused(opened: Rig) -> None:
    rest, now = opened.rest, opened.now_ms()
    assert await asked(rest) == (200, 0)
    assert await asked(rest, key="nobody") == (401, 10500)
    assert await asked(rest, sign="0" * 64) == (401, 401)
    assert await asked(rest, expiry=str(now - 1)) == (401, 401)
    assert await asked(rest, expiry="soon") == (401, 401)
    assert await asked(rest, expiry=str((now + 60_000) * 1_000)) == (200, 0), "microseconds lie far ahead"
    opened.act("expiry", enforced=False)
    assert await asked(rest, expiry=str(now - 60_000)) == (200, 0)
    opened.faults.switch("auth-refused@query*1")
    assert [await asked(rest), await asked(rest)] == [(401, 401), (200, 0)]


async def test_what_is_signed_are_the_bytes_that_were_sent(opened: Rig) -> None:
    rest = opened.rest
    request = rest.signed("POST", f"{ORDERS}/cancel-order", {"symbol": BTC, "orderId": 5})
    spaced = httpx.Request(request.method, request.url, headers=request.headers, content=b'{"symbol":"btcusdt"}')
    del spaced.headers["content-length"]
    spaced.headers["content-length"] = "20"
    answer = await rest.http.send(spaced)
    assert (answer.status_code, answer.json()["error"]) == (401, "Signature verification failed")
    bare = Rest(opened.practice.rest_url, opened.now_ms, root="")
    async with bare.http:
        assert await asked(bare) == (200, 0), "without the prefix as well"
        opened.act("signing", path="bare", prefix="X-Mayex-")
        unnamed = await asked(bare)
    assert unnamed == (401, 10500)
    opened.act("signing", path="bare", prefix="x-fairdesk-")
    assert await asked(rest) == (401, 401)
    opened.act("signing", path="url", secret="base64url")
    assert await asked(rest) == (401, 401)
    opened.act("signing", prefix="x-mayex-")
    path, expiry = f"/api{ACCOUNT}/account/asset", str(opened.now_ms() + 60_000)
    sign = signature(SigningRule(secret="base64url"), SECRET, path, "", expiry, b"")
    named = {"access-key": KEY, "request-expiry": expiry, "request-signature": sign}
    answer = await rest.http.get(path, headers={f"X-Mayex-{name}": one for name, one in named.items()})
    assert (answer.status_code, answer.json()["status"]) == (200, 0)
    with pytest.raises(ValueError, match="raw or base64url"):
        opened.act("signing", secret="hex")


async def test_a_minute_has_so_many_units(opened: Rig) -> None:
    opened.act("quota", minute=12)
    path = f"{ACCOUNT}/positions/current-positions"
    answers = [await opened.rest.respond("GET", path) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].json()["status"] == 429
    assert [(await asked(opened.rest))[0] for _ in range(3)] == [200, 200, 429]
    await opened.turn(61)
    assert await asked(opened.rest) == (200, 0)


async def test_faults_refuse_in_the_way_of_the_venue(opened: Rig) -> None:
    http, pairs = opened.rest.http, "/api/user/v1/public/spot-marketing/all-pair"
    opened.faults.switch("rate-limit@read=3*2")
    limited = [await http.get(pairs) for _ in range(3)]
    assert [(one.status_code, one.headers.get("retry-after")) for one in limited] == [
        (429, "3"), (429, None), (200, None),
    ]  # fmt: skip
    opened.faults.switch("maintenance@submit*1")
    broken = await opened.rest.respond("POST", f"{ORDERS}/place-order", **opened.values({}))
    assert (broken.status_code, broken.json()["status"]) == (500, 500)
    assert opened.simulator.state()["orders"] == []
    opened.faults.switch("ban@query=5")
    assert (await opened.rest.respond("GET", f"{ACCOUNT}/account/asset")).status_code == 403
    opened.faults.heal()
    assert (await http.get("/api/user/v1/public/nothing")).status_code == 404
    assert (await http.get(f"/api{ORDERS}/place-order")).status_code == 405


async def test_what_the_document_has_not_can_be_missing(opened: Rig) -> None:
    products, token = "/user/v1/public/instrument/products", f"{ACCOUNT}/token"
    rows = await opened.rest.do("GET", products)
    assert [row["symbol"] for row in rows] == [BTC, ETH]
    assert (rows[0]["tickSize"], rows[0]["stepSize"], rows[0]["maintainMarginRate"]) == ("0.5", "0.001", "0.005")
    made = await opened.rest.do("POST", f"{token}/create")
    again = await opened.rest.do("POST", f"{token}/create")
    assert made == again and made["wsToken"].startswith("web.") and made["expiry"] > opened.now_ms()
    await opened.turn(60)
    assert (await opened.rest.do("POST", f"{token}/refresh"))["expiry"] == made["expiry"] + 60_000
    assert await opened.rest.do("DELETE", f"{token}/delete") is None
    assert await opened.rest.refusal("POST", f"{token}/refresh") == 400
    opened.act("endpoints", products=False, token=False)
    assert (await opened.rest.respond("GET", products)).status_code == 404
    assert (await opened.rest.respond("POST", f"{token}/create")).status_code == 404
    assert await opened.rest.do("GET", "/user/v1/public/spot-marketing/all-pair")
    opened.act("endpoints")
    assert await opened.rest.do("GET", products) == rows


ORDER = {
    "orderId": 0, "clientOrderId": "WEB9C6IB7h8absN", "symbol": "btcusdt", "isolated": True,
    "cumQty": "0.000000", "cumQuote": "0.000000", "executedQty": "0.000000", "avgPrice": "0.000000",
    "origQty": "0.010000", "price": "59000.000000", "side": "BUY", "positionSide": "LONG", "timeInForce": "GTC",
    "origType": "LIMIT", "type": "LIMIT", "activatePrice": None, "priceRate": None, "triggerPrice": "0.000000",
    "triggerType": "TRIGGER_NONE", "tpTriggerType": "TRIGGER_NONE", "tpTriggerPrice": "0.000000",
    "slTriggerType": "TRIGGER_NONE", "slTriggerPrice": "0.000000", "strategyParentId": 0, "status": "NEW",
}  # fmt: skip
OPEN = {
    "orderId": 0, "clientOrderId": "WEB9C6IB7h8absN", "symbol": "btcusdt", "type": "LIMIT", "origQty": "0.010",
    "executedQty": "0.000", "price": "59000.0", "timeInForce": "GTC", "isolated": True, "side": "BUY",
    "positionSide": "LONG", "transactTime": 0, "status": "NEW", "markPriceAtPlace": "60000.0",
    "lastPriceAtPlace": "60000.0", "closePosition": False, "triggerPrice": "0.0", "triggerType": "TRIGGER_NONE",
    "tpTriggerType": "TRIGGER_NONE", "tpTriggerPrice": "0.0", "slTriggerType": "TRIGGER_NONE",
    "slTriggerPrice": "0.0", "strategyParentId": 0,
}  # fmt: skip
PAST = {
    "status": "CANCELED", "avlPrice": "0.0", "liqCounterpartyType": "L_NONE", "baseCcy": "BTC",
    "settledCcy": "USDT",
}  # fmt: skip
FILL = {
    "tradeId": 0, "userId": 100177, "orderId": 0, "symbol": "btcusdt", "side": "BUY", "positionSide": "LONG",
    "fee": "-0.21000175", "lastQty": "0.010", "lastPrice": "60000.5", "realizedPnl": "0.00000000",
    "isolated": True, "liquidationType": "L_NONE", "baseCcy": "BTC", "settledCcy": "USDT", "transactionTime": 0,
    "maker": False,
}  # fmt: skip
POSITION = {
    "symbol": "btcusdt", "positionSide": "LONG", "isolated": True, "avgEntryPrice": "60000.50000000",
    "quantity": "0.01000000", "isolatedMargin": "60.00050000", "frozenMargin": "0.00000000", "margin": "",
    "liqPrice": "", "lastFundingTime": 0, "lastTxTime": 0, "baseCurrency": "BTC", "quoteCurrency": "USDT",
    "settleCurrency": "USDT", "curTermRealisedPnl": "-0.21000175", "cumRealizedPnl": "-0.21000175",
}  # fmt: skip


def blank(row: dict[str, Any]) -> dict[str, Any]:
    """Returns a row without its numbers and times."""
    return {name: 0 if name.endswith(("Id", "Time")) and type(one) is int and one > 10**6 else one
            for name, one in row.items()}  # fmt: skip


async def test_rows_are_as_the_document_has_them(opened: Rig) -> None:
    named = {"clientOrderId": "WEB9C6IB7h8absN", "orderRespType": "ACK"}
    made = await opened.order(**RESTING, **named)
    assert blank(made) == ORDER and list(made) == list(ORDER)
    (row,) = await opened.open_orders()
    assert blank(row) == OPEN and list(row) == list(OPEN)
    answer = await opened.rest.do("POST", f"{ORDERS}/cancel-order", symbol=BTC, orderId=made["orderId"])
    assert answer == made, "as it was: that it is cancelled is told later"
    assert await opened.open_orders() == []
    assert [blank(row) for row in await opened.history()] == [OPEN | PAST]
    await opened.order()
    assert [blank(row) for row in await opened.history("trade")] == [FILL]
    assert [blank(row) for row in await opened.positions()] == [POSITION]
    money = await opened.rest.do("GET", f"{ACCOUNT}/account/asset")
    assert list(money) == [
        "marginBalanceUsd", "marginBalanceBtc", "totalAccountBalance", "totalUnRealizedPnL", "accounts"
    ]  # fmt: skip
    purse = await opened.purse()
    assert purse["accountBalance"] == D("99999.78999825") and purse["positionMargin"] == D("60.0005")
    assert purse["availBalance"] == purse["accountBalance"] - purse["positionMargin"]
    opened.mark("61000")
    assert (await opened.purse())["unRealizedPnL"] == purse["unRealizedPnL"], "stale by design"
