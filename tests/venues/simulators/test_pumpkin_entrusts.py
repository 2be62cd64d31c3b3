"""Plan orders, take-profits and stops at Pumpkin: how they wait, trigger, change and end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.venues.simulators.pumpkin_rig import BTC, RESTING, D, Rig, rig

PLAN: dict[str, Any] = {
    "symbol": BTC, "entrustType": "STOP", "orderSide": "BUY", "positionSide": "LONG", "timeInForce": "GTC",
    "origQty": "10", "price": "61500", "stopPrice": "61000", "triggerPriceType": "LATEST_PRICE",
}  # fmt: skip
CREATE = "/v2/entrust/create-plan"


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def plan(opened: Rig, **changes: Any) -> str:
    made = await opened.rest.post(CREATE, **(PLAN | changes))
    assert made["state"] == "NOT_TRIGGERED"
    number: str = made["entrustId"]
    return number


async def state(opened: Rig, number: str) -> str:
    found: str = (await opened.rest.get("/v2/entrust/plan-detail", entrustId=number))["state"]
    return found


async def test_a_plan_is_listed_and_triggers_by_the_latest_price(opened: Rig) -> None:
    number = await plan(opened)
    listed = await opened.rest.get("/v2/entrust/plan-list", symbol=BTC)
    assert {name: listed[name] for name in ("page", "size", "total")} == {"page": 1, "size": 10, "total": 1}
    assert listed["items"][0] == {
        "entrustId": number, "symbol": BTC, "entrustType": "STOP", "orderSide": "BUY", "positionSide": "LONG",
        "timeInForce": "GTC", "closePosition": False, "price": "61500", "origQty": "10", "stopPrice": "61000",
        "triggerPriceType": "LATEST_PRICE", "isOrdinary": True, "state": "NOT_TRIGGERED", "marketOrderLevel": None,
        "createdTime": opened.clock.now // 1_000_000,
    }  # fmt: skip
    opened.mark("60999.9")
    assert await state(opened, number) == "NOT_TRIGGERED"
    opened.mark("61000")
    assert await state(opened, number) == "TRIGGERED"
    (row,) = (await opened.rest.get("/v2/order/list"))["items"]
    assert (row["sourceId"], row["executedQty"], row["price"]) == (int(number), "10", "61500")
    history = await opened.rest.get("/v2/entrust/plan-list-history")
    assert [one["entrustId"] for one in history["items"]] == [number]
    mixed = (await opened.rest.get("/v2/order-entrust/list", type="ENTRUST"))["items"]
    assert [(one["id"], one["entrustOrderId"]) for one in mixed] == [(number, int(row["orderId"]))]


@pytest.mark.parametrize(
    ("changes", "marks"),
    [
        ({"entrustType": "STOP_MARKET"}, ("60500", "61000")),
        ({"entrustType": "TAKE_PROFIT", "stopPrice": "59000", "price": "59000"}, ("59500", "59000")),
        (
            {"entrustType": "STOP_MARKET", "orderSide": "SELL", "positionSide": "SHORT", "stopPrice": "59000"},
            ("59500", "58999.9"),
        ),
        (
            {
                "entrustType": "TAKE_PROFIT_MARKET",
                "orderSide": "SELL",
                "positionSide": "SHORT",
                "triggerPriceType": "MARK_PRICE",
            },
            ("60900", "61000"),
        ),
    ],
)
async def test_stops_and_take_profits_trigger_from_their_side(
    opened: Rig, changes: dict[str, str], marks: tuple[str, str]
) -> None:
    number = await plan(opened, **changes)
    opened.mark(marks[0])
    assert await state(opened, number) == "NOT_TRIGGERED"
    opened.mark(marks[1])
    assert await state(opened, number) == "TRIGGERED"


async def test_what_a_plan_is_refused_for(opened: Rig) -> None:
    for changes, msg in (
        ({"stopPrice": "59000"}, "invalid_stop_price"),
        ({"stopPrice": "61000.05"}, "invalid_stop_price"),
        ({"price": ""}, "invalid_price"),
        ({"entrustType": "TRAILING_STOP_MARKET"}, "invalid_entrust_type"),
        ({"triggerPriceType": "INDEX_PRICE"}, "invalid_trigger_price_type"),
        ({"origQty": "0"}, "invalid_quantity"),
        ({"orderSide": "SELL"}, "invalid_position_id"),
    ):
        assert (await opened.rest.refusal("POST", CREATE, **(PLAN | changes)))[2] == msg, changes


async def test_plans_are_cancelled_one_and_all_and_expire(opened: Rig) -> None:
    first = await plan(opened)
    await opened.rest.post("/v2/entrust/cancel-plan", entrustId=first)
    assert await state(opened, first) == "USER_REVOCATION"
    refusal = await opened.rest.refusal("POST", "/v2/entrust/cancel-plan", entrustId=first)
    assert refusal[2] == "invalid_state"
    second, third = await plan(opened), await plan(opened)
    await opened.rest.post("/v2/order-entrust/cancel", type="ENTRUST", id=second)
    assert await opened.rest.post("/v2/entrust/cancel-all-plan", symbol=BTC) is True
    assert [await state(opened, one) for one in (second, third)] == ["USER_REVOCATION"] * 2
    brief = await plan(opened, expireTime=opened.clock.now // 1_000_000 + 5_000)
    order = await opened.order(**RESTING)
    await opened.turn(6)
    assert await state(opened, brief) == "EXPIRED"
    last = await plan(opened)
    assert await opened.rest.post("/v2/order-entrust/cancel-all") is True
    assert await state(opened, last) == "USER_REVOCATION"
    assert (await opened.detail(order))["state"] == "CANCELED"


async def test_attached_exits_follow_the_fills_and_close_the_position(opened: Rig) -> None:
    exits = {"triggerProfitPrice": "63000", "triggerStopPrice": "57000"}
    number = await opened.order(**RESTING, **exits)
    assert (await opened.rest.get("/v2/entrust/profit-list"))["items"] == []
    opened.act("trade", symbol=BTC, side="sell", quantity="10.0040")
    (row,) = (await opened.rest.get("/v2/entrust/profit-list"))["items"]
    assert (row["origQty"], row["positionSize"], row["entryPrice"]) == ("40", "40", "59000")
    opened.act("trade", symbol=BTC, side="sell", quantity="0.0060")
    shown = await opened.rest.get("/v2/entrust/profit-detail", profitId=row["profitId"])
    assert shown | {"isolatedMargin": "", "createdTime": 0} == {
        "profitId": row["profitId"], "symbol": BTC, "positionSide": "LONG", "origQty": "100",
        "triggerPriceType": "LATEST_PRICE", "triggerProfitPrice": "63000", "triggerStopPrice": "57000",
        "entryPrice": "59000", "positionSize": "100", "isolatedMargin": "", "executedQty": "0",
        "state": "NOT_TRIGGERED", "createdTime": 0,
    }  # fmt: skip
    assert (await opened.detail(number))["triggerStopPrice"] == "57000"
    opened.mark("63000")
    assert await opened.positions() == []
    shown = await opened.rest.get("/v2/entrust/profit-detail", profitId=row["profitId"])
    assert (shown["state"], shown["executedQty"]) == ("TRIGGERED", "100")
    newest = (await opened.rest.get("/v2/order/list", size=1))["items"][0]
    assert (newest["orderSide"], newest["sourceId"]) == ("SELL", int(row["profitId"]))
    assert newest["closePosition"] is True
    assert D(newest["closeProfit"]) == (D("62999.9") - 59_000) * D("0.01")


async def test_exits_of_a_position_are_made_changed_and_ended_with_it(opened: Rig) -> None:
    await opened.order()
    (position,) = await opened.positions()
    named = {"symbol": BTC, "positionId": position["positionId"]}
    create, update = "/v2/entrust/create-profit", "/v2/entrust/update-profit-stop"
    for wrong, msg in (
        ({}, "invalid_param"),
        ({"triggerProfitPrice": "59000"}, "invalid_trigger_profit_price"),
        ({"triggerStopPrice": "57000", "origQty": "101"}, "invalid_quantity"),
    ):
        assert (await opened.rest.refusal("POST", create, **({"origQty": "0"} | named | wrong)))[2] == msg
    made = await opened.rest.post(create, **named, origQty="0", triggerStopPrice="57000")
    assert (made["state"], made["positionSide"]) == ("NOT_TRIGGERED", "LONG")
    limit = {"triggerProfitPrice": "62000", "profitOrderType": "LIMIT", "profitOrderPrice": "62500"}
    changed = await opened.rest.post(update, profitId=made["profitId"], **limit, origQty="60")
    assert changed["status"] == "PROCESSING"
    (row,) = (await opened.rest.get("/v2/entrust/profit-list", symbol=BTC))["items"]
    shown = [row[name] for name in ("origQty", "triggerProfitPrice", "triggerStopPrice")]
    assert shown == ["60", "62000", "57000"]
    side = {"symbol": BTC, "orderSide": "SELL", "positionSide": "LONG", "origQty": "0"}
    other = await opened.rest.post(create, **side, triggerStopPrice="56000")
    opened.mark("62000")
    rests = await opened.rest.get("/v2/order/listUnfinished", symbol=BTC, direction="SELL")
    assert [(one["price"], one["origQty"]) for one in rests] == [("62500", "60")]
    opened.mark("62501")
    assert [one["positionSize"] for one in await opened.positions()] == ["40"]
    await opened.rest.post("/v2/position/close-all")
    shown = await opened.rest.get("/v2/entrust/profit-detail", profitId=other["profitId"])
    assert shown["state"] == "PLATFORM_REVOCATION"
    await opened.order()
    (position,) = await opened.positions()
    named = {"symbol": BTC, "positionId": position["positionId"], "triggerStopPrice": "50000", "origQty": "0"}
    first, _ = [(await opened.rest.post(create, **named))["profitId"] for _ in range(2)]
    await opened.rest.post("/v2/entrust/cancel-profit-stop", profitId=first)
    assert await opened.rest.post("/v2/entrust/cancel-all-profit-stop") is True
    assert (await opened.rest.get("/v2/entrust/profit-list"))["items"] == []
