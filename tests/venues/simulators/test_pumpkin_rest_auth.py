"""Who asks Pumpkin: signatures, weights, whitelist, bans, and what each endpoint costs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.venues.simulators.pumpkin_rig import BTC, ETH, KEY, OPENING, Rig, form, rig, signed
from venues.simulators.pumpkin.rest import CALLS
from venues.simulators.pumpkin.signing import signature, signed_text

# What is signed and its signature with the secret SECRET_TEST.
EXAMPLES: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "b240f918f30ecc56dc7379b8287051ca76482c2f64bb796a07cf31a684076dc7"),
    ({"symbol": "btc_usdt"}, "62b9b698616e7ebf8e00d717301196dc2a653fae5bc6398103384f33965381b1"),
    (
        {
            "symbol": "btc_usdt", "orderType": "LIMIT", "orderSide": "BUY", "positionSide": "LONG",
            "price": "89000.1", "origQty": "10", "timeInForce": "GTC", "leverage": "20", "clientOrderId": "abc123",
        },
        "3633040493652f59ed988c7756cd2813f0566c5e0f984ce77b0b1ba693be1777",
    ),
    ({"orders": '["1","2"]'}, "10d51fe903cfc99dd46db9f86b9778dc006e68490f0ed0165a038560ce315a07"),
)  # fmt: skip
RAW = "fe51c5646b5fd91f023d5dd3332093237acef3d25ebaba1fb866d3ab1178b6bf"

# The weights of the document, for what is not public.
WEIGHTS = {
    "POST /v2/order/create": 20,
    "POST /v2/order/create-batch": 15,
    "POST /v2/order/cancel": 5,
    "POST /v2/order/cancel-batch": 8,
    "POST /v2/order/cancel-all": 10,
    "GET /v2/order/list": 2,
    "GET /v2/order/list-history": 2,
    "GET /v2/order/detail": 1,
    "GET /v2/order/trade-list": 2,
    "GET /v2/order/listUnfinished": 1,
    "GET /v2/order/all/listUnfinished": 1,
    "POST /v2/order/list-by-ids": 1,
    "GET /v2/position/list": 2,
    "POST /v2/position/adjust-leverage": 8,
    "POST /v2/position/margin": 5,
    "POST /v2/position/close-all": 10,
    "POST /v2/position/change-type": 3,
    "POST /v2/entrust/create-plan": 10,
    "POST /v2/entrust/cancel-plan": 5,
    "POST /v2/entrust/cancel-all-plan": 8,
    "GET /v2/entrust/plan-list": 2,
    "GET /v2/entrust/plan-list-history": 2,
    "GET /v2/entrust/plan-detail": 1,
    "POST /v2/entrust/create-profit": 8,
    "POST /v2/entrust/cancel-profit-stop": 5,
    "POST /v2/entrust/update-profit-stop": 3,
    "POST /v2/entrust/cancel-all-profit-stop": 8,
    "GET /v2/entrust/profit-list": 2,
    "GET /v2/entrust/profit-detail": 1,
    "GET /v2/order-entrust/list": 2,
    "POST /v2/order-entrust/cancel": 5,
    "POST /v2/order-entrust/cancel-all": 8,
    "GET /v2/balance/list": 2,
    "GET /v2/balance/detail": 1,
    "GET /v2/balance/bills": 2,
    "GET /v2/user/listen-key": 5,
    "GET /v2/channel/rebateDetail": 1,
}


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


@pytest.mark.parametrize(("params", "digest"), EXAMPLES)
def test_the_worked_examples(params: dict[str, str], digest: str) -> None:
    assert signed(form(params)) == digest
    assert signature("SECRET_TEST", signed_text("", form(params))) == digest
    backwards = "&".join(reversed(form(params).split("&")))
    assert signed_text(backwards, "") == form(params), "sorted, wherever it stands"


def test_the_query_wins_over_the_body_and_raw_values_are_another_text() -> None:
    assert signed_text("b=2&a=1", "a=9&c=3") == "a=1&b=2&c=3"
    assert signature("SECRET_TEST", signed_text("", form({"orders": '["1","2"]'}), is_raw=True)) == RAW


def test_every_endpoint_of_the_document_has_its_weight() -> None:
    weights = {f"{call.method} {call.path}": call.weight for call in CALLS if call.is_signed}
    assert weights == WEIGHTS
    public = [call for call in CALLS if not call.is_signed]
    assert len(public) == 29 and {(call.method, call.weight) for call in public} == {("GET", 1)}


async def test_strangers_are_refused(opened: Rig) -> None:
    rest, path = opened.rest, "/v2/position/list"
    assert await rest.get(path, symbol=BTC) == []
    assert await rest.refusal("GET", path, symbol=BTC, secret="other") == (200, 1, "sign-error")
    assert await rest.refusal("GET", path, symbol=BTC, signature="none") == (200, 1, "sign-error")
    assert await rest.refusal("GET", path, symbol=BTC, key="nobody") == (200, -1, "not-find-user-api")
    opened.faults.switch("auth-refused@query*1")
    assert (await rest.refusal("GET", path))[1] == 1
    assert await rest.get(path) == []


async def test_parameters_may_come_in_query_and_body_and_without_the_prefix(opened: Rig) -> None:
    url = opened.practice.rest_url
    text = form({"leverage": "7", "symbol": ETH})
    headers = {"X_ACCESS_KEY": KEY, "X_SIGNATURE": signed(text)}
    answer = await opened.rest.http.post(
        f"{url}/v2/position/adjust-leverage?leverage=7", content=f"symbol={ETH}&leverage=9", headers=headers
    )
    assert answer.json() == {"code": 0, "message": "success", "data": None}
    assert opened.simulator.book.settings(ETH).leverage == 7
    signature = signed('orders=["1","2"]')
    path = "/v2/order/cancel-batch"
    assert (await opened.rest.refusal("POST", path, orders='["1","2"]', signature=signature))[1] == 1
    opened.act("signing", raw=True)
    assert await opened.rest.post(path, orders='["1","2"]', signature=signature) is True


async def test_market_data_needs_no_key_unless_it_is_switched_on(opened: Rig) -> None:
    async def time() -> Any:
        return (await opened.rest.http.get("/v2/public/time")).json()

    assert (await time())["data"] == opened.clock.now // 1_000_000
    opened.act("public_key", required=True)
    assert (await time())["code"] == -1
    assert await opened.rest.get("/v2/public/time")


async def test_weights_are_taken_off_a_minute_and_a_day(opened: Rig) -> None:
    opened.act("quota", minute=45)
    for _ in range(2):
        await opened.order(orderType="LIMIT", timeInForce="GTC", price="59000", origQty="1")
    answer = (await opened.rest.respond("POST", "/v2/order/create", **OPENING)).json()
    assert answer["code"] == 439 and answer["msg"] == "weight_exceeded"
    assert answer["data"] | {"reset": 0} == {"type": "minute", "current": 40, "limit": 45, "reset": 0}
    assert await opened.rest.get("/v2/user/listen-key"), "what is lighter still goes through"
    await opened.turn(answer["data"]["reset"])
    await opened.order(origQty="1")
    opened.act("quota", minute=10_000, day=70)
    answer = (await opened.rest.respond("POST", "/v2/order/create", **OPENING)).json()
    assert (answer["code"], answer["data"]["type"]) == (439, "day")
    assert opened.simulator.state()["weights"]["day"] == 65


async def test_the_whitelist_holds_for_what_the_document_lists(opened: Rig) -> None:
    opened.act("whitelist", symbols=[ETH])
    assert await opened.rest.refusal("POST", "/v2/order/create", **OPENING) == (200, 467, "symbol-not-in-allowed")
    params = {"symbol": BTC, "leverage": 5}
    assert (await opened.rest.refusal("POST", "/v2/position/adjust-leverage", **params))[1] == 467
    assert await opened.rest.post("/v2/position/close-all", symbol=BTC) is True
    opened.act("whitelist", symbols=[])
    await opened.order()
    with pytest.raises(ValueError, match="30 symbols"):
        opened.act("whitelist", symbols=[str(number) for number in range(31)])


async def test_bans_come_in_their_forms(opened: Rig) -> None:
    opened.faults.switch("ban@query=5")
    answer = await opened.rest.respond("GET", "/v2/balance/list")
    assert answer.status_code == 403 and answer.text.startswith("<html>")
    await opened.turn(6)
    opened.faults.switch("rate-limit@query=7")
    first, second = [await opened.rest.respond("GET", "/v2/balance/list") for _ in range(2)]
    assert (first.status_code, first.json()["code"], first.json()["data"]["reset"]) == (200, 439, 7)
    assert (second.status_code, second.json()["msg"]) == (429, "ip_high_frequency")
    opened.faults.switch("maintenance")
    assert await opened.rest.refusal("GET", "/v2/balance/list") == (500, 500, "system-error")
    opened.faults.heal()
    opened.act("ip", allowed=False)
    assert (await opened.rest.refusal("GET", "/v2/balance/list"))[:2] == (418, 418)


async def test_what_is_nowhere_is_a_page_and_no_refusal(opened: Rig) -> None:
    for method, path, status in (("GET", "/v2/nowhere", 404), ("GET", "/v2/order/create", 405)):
        answer = await opened.rest.respond(method, path)
        assert answer.status_code == status and answer.text.startswith("<html>")
