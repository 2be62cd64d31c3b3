"""Orders at Pumpkin: whole contracts, both sides, refusals, lists and pages, fills and their fees."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.venues.simulators.pumpkin_rig import BTC, ETH, OPENING, RESTING, D, Rig, rig


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def test_a_market_order_fills_and_costs_a_fee_that_is_positive(opened: Rig) -> None:
    number = await opened.order(clientOrderId="mine1", leverage=20)
    assert isinstance(number, str)
    row = await opened.detail(number)
    assert row | {"marginFrozen": ""} == {
        "orderId": number, "clientOrderId": "mine1", "symbol": BTC, "orderType": "MARKET", "orderSide": "BUY",
        "positionSide": "LONG", "timeInForce": "IOC", "closePosition": False, "price": "0", "origQty": "100",
        "avgPrice": "60000.1", "executedQty": "100", "marginFrozen": "", "triggerProfitPrice": None,
        "triggerStopPrice": None, "sourceId": None, "forceClose": False, "closeProfit": None, "state": "FILLED",
        "createdTime": opened.clock.now // 1_000_000,
    }  # fmt: skip
    page = await opened.rest.get("/v2/order/trade-list", orderId=number)
    (fill,) = page["items"]
    assert (page["page"], page["ps"], page["total"]) == (1, 10, 1)
    assert fill["feeCoin"] == "usdt" and fill["quantity"] == "100" and len(fill["execId"]) == 16
    assert D(fill["fee"]) == D("60000.1") * 100 * D("0.0001") * D("0.0005"), "above zero: it was paid"
    bills = await opened.rest.get("/v2/balance/bills", type="FEE")
    assert [(row["amount"], row["side"]) for row in bills["items"]] == [("-0.30000050", "SUB")]
    assert (await opened.balance())["walletBalance"] == 100_000 - D("0.3000005")


async def test_a_resting_order_freezes_margin_and_fee_until_it_is_cancelled(opened: Rig) -> None:
    number = await opened.order(**RESTING, leverage=10)
    frozen = D(59_000) * 100 * D("0.0001") * (D("0.1") + D("0.0005"))
    balance = await opened.balance()
    assert balance["openOrderMarginFrozen"] == frozen == D((await opened.detail(number))["marginFrozen"])
    assert balance["availableBalance"] == 100_000 - frozen
    assert (await opened.detail(number))["state"] == "NEW"
    assert await opened.rest.post("/v2/order/cancel", orderId=number) is None
    assert (await opened.detail(number))["state"] == "CANCELED"
    assert (await opened.balance())["availableBalance"] == 100_000
    assert (await opened.rest.refusal("POST", "/v2/order/cancel", orderId=number))[2] == "invalid_state"
    assert (await opened.rest.refusal("POST", "/v2/order/cancel", orderId=12))[2] == "invalid_order"


async def test_a_part_that_was_filled_shows_in_the_state(opened: Rig) -> None:
    number = await opened.order(**RESTING)
    opened.act("trade", symbol=BTC, side="sell", quantity="10.0040")
    row = await opened.detail(number)
    assert (row["state"], row["executedQty"], row["avgPrice"]) == ("PARTIALLY_FILLED", "40", "59000")
    await opened.rest.post("/v2/order/cancel", orderId=number)
    assert (await opened.detail(number))["state"] == "PARTIALLY_CANCELED"
    assert [one["positionSize"] for one in await opened.positions()] == ["40"]


REFUSED: tuple[tuple[dict[str, str], str], ...] = (
    ({"symbol": "nothing_usdt"}, "invalid_symbol"),
    ({"origQty": "0"}, "invalid_quantity"),
    ({"origQty": "1.5"}, "invalid_quantity_scale"),
    ({"origQty": "-1"}, "invalid_orig_qty"),
    ({"orderType": "LIMIT", "timeInForce": "GTC"}, "invalid_price"),
    ({**RESTING, "price": "59000.05"}, "invalid_price"),
    ({**RESTING, "price": "66001"}, "invalid_price"),
    ({**RESTING, "timeInForce": "SOON"}, "invalid_time_in_force"),
    ({"timeInForce": "GTC"}, "invalid_time_in_force"),
    ({"positionSide": "BOTH"}, "invalid_position_side"),
    ({"clientOrderId": "x" * 33}, "invalid_client_order_id"),
    ({"leverage": "126"}, "invalid_leverage"),
    ({"origQty": "9000", "leverage": "125"}, "quantity_more_than_max_position"),
    ({"origQty": "1649499", "leverage": "1"}, "quantity_more_than_max_position"),
    ({"origQty": "80000", "leverage": "1"}, "insufficient_balance"),
    ({"orderSide": "SELL"}, "invalid_position_id"),
    ({**RESTING, "price": "60001", "timeInForce": "GTX"}, "gtx_order_would_take"),
    ({"triggerProfitPrice": "59000"}, "invalid_trigger_profit_price"),
    ({"triggerStopPrice": "61000"}, "invalid_trigger_stop_price"),
    ({"triggerStopPrice": "59000", "stopOrderType": "LIMIT"}, "invalid_price"),
    ({"marketOrderLevel": "3"}, "invalid_market_order_level"),
)


async def test_what_is_wrong_with_an_order_is_said(opened: Rig) -> None:
    opened.act("quota", minute=10_000)
    for changes, msg in REFUSED:
        assert await opened.refused(**changes) == msg, changes
    assert opened.simulator.state()["orders"] == []


async def test_closing_needs_the_position_and_no_more_than_is_free_of_it(opened: Rig) -> None:
    await opened.order()
    (position,) = await opened.positions()
    closing = {"orderSide": "SELL", "positionId": position["positionId"], "reduceOnly": "true"}
    assert await opened.refused(**closing | {"reduceOnly": "false"}) == "invalid_reduce_only"
    assert await opened.refused(**closing | {"positionId": "7"}) == "invalid_position_id"
    assert await opened.refused(**closing, origQty="101") == "quantity_more_than_available_close"
    await opened.order(**closing | RESTING | {"price": "61000", "origQty": "60"})
    (position,) = await opened.positions()
    assert (position["closeOrderSize"], position["availableCloseSize"]) == ("60", "40")
    assert (await opened.balance())["openOrderMarginFrozen"] == 0, "what closes freezes no money"
    assert await opened.refused(**closing, origQty="41") == "quantity_more_than_available_close"
    number = await opened.order(**closing, origQty="40")
    row = await opened.detail(number)
    assert D(row["closeProfit"]) == (D("59999.9") - D("60000.1")) * 40 * D("0.0001")
    assert [one["positionSize"] for one in await opened.positions()] == ["60"]


async def test_lists_of_open_orders_need_side_or_symbols(opened: Rig) -> None:
    buy = await opened.order(**RESTING)
    sell = await opened.order(**RESTING | {"orderSide": "SELL", "positionSide": "SHORT", "price": "61000"})
    other = await opened.order(**RESTING | {"symbol": ETH, "price": "2300"})

    async def numbers(path: str, **params: str) -> list[str]:
        return [row["orderId"] for row in await opened.rest.get(path, **params)]

    assert await numbers("/v2/order/listUnfinished", symbol=BTC, direction="BUY") == [buy]
    assert await numbers("/v2/order/listUnfinished", symbol=BTC, direction="SELL") == [sell]
    refusal = await opened.rest.refusal("GET", "/v2/order/listUnfinished", symbol=BTC)
    assert refusal[2] == "invalid_direction"
    assert await numbers("/v2/order/all/listUnfinished", list=f"{BTC},{ETH}") == [other, sell, buy]
    rows = await opened.rest.post("/v2/order/list-by-ids", ids=f"{sell},{buy},5")
    assert [row["orderId"] for row in rows] == [sell, buy]
    mixed = await opened.rest.get("/v2/order-entrust/list", type="ORDER", symbol=ETH)
    assert [(row["id"], row["leverage"], row["type"]) for row in mixed["items"]] == [(other, 10, "ORDER")]


async def test_pages_and_cursors(opened: Rig) -> None:
    made = [await opened.order(**RESTING, origQty="1") for _ in range(5)][::-1]
    for number in made[1:]:
        await opened.rest.post("/v2/order/cancel", orderId=number)

    async def numbers(path: str, **params: object) -> list[str]:
        return [row["orderId"] for row in (await opened.rest.get(path, **params))["items"]]

    assert await numbers("/v2/order/list", page=2, size=2) == made[2:4]
    assert await numbers("/v2/order/list", state="UNFINISHED") == made[:1]
    history = "/v2/order/list-history"
    assert await numbers(history, limit=2) == made[1:3]
    assert await numbers(history, limit=2, id=made[2]) == made[3:5]
    assert await numbers(history, limit=1, id=made[4], direction="PREV") == made[3:4]
    assert await numbers(history, id=made[4]) == []
    assert await numbers(history, startTime=opened.clock.now // 1_000_000 + 1) == []
    bills = [await opened.order(origQty="1") for _ in range(3)]
    assert len(bills) == 3
    first = await opened.rest.get("/v2/balance/bills", limit=2)
    assert (first["hasPrev"], first["hasNext"], len(first["items"])) == (False, True, 2)
    second = await opened.rest.get("/v2/balance/bills", limit=2, id=first["items"][-1]["id"])
    assert (second["hasPrev"], second["hasNext"], len(second["items"])) == (True, False, 1)


async def test_a_batch_does_what_it_can_and_does_not_tell_of_the_rest(opened: Rig) -> None:
    gone = await opened.order(**RESTING)
    item = {"isCreate": True, **OPENING, **RESTING, "origQty": 1.0, "positionId": 0, "price": 59000.0}
    wrong = {**item, "symbol": "nothing_usdt"}
    cancelled = {"isCreate": False, "orderId": int(gone), "symbol": BTC}
    batch = json.dumps([item, wrong, cancelled], separators=(",", ":"))
    assert await opened.rest.post("/v2/order/create-batch", list=batch) is True
    rows = await opened.rest.get("/v2/order/all/listUnfinished", list=BTC)
    assert [(row["origQty"], row["price"]) for row in rows] == [("1", "59000")]
    assert await opened.rest.post("/v2/order/cancel-batch", orders=json.dumps([rows[0]["orderId"], "9"])) is True
    assert (await opened.rest.refusal("POST", "/v2/order/create-batch", list="{}"))[2] == "invalid_param"
    await opened.order(**RESTING)
    assert await opened.rest.post("/v2/order/cancel-all") is True
    assert await opened.rest.get("/v2/order/all/listUnfinished", list=BTC) == []


async def test_the_leverage_of_an_order_must_be_that_of_the_position(opened: Rig) -> None:
    await opened.order(leverage=10)
    answer = (await opened.rest.respond("POST", "/v2/order/create", **OPENING, leverage="20")).json()
    assert answer["msg"] == "order_leverage_not_match_position_leverage" and answer["bizCode"] == "1000"
    await opened.order()
    (position,) = await opened.positions()
    assert (position["leverage"], position["positionSize"]) == (10, "200")
    closing = {"orderSide": "SELL", "positionId": position["positionId"], "reduceOnly": "true"}
    assert await opened.refused(**closing, leverage="20") == "order_leverage_not_match_position_leverage"
    await opened.order(**closing, leverage="10")


async def test_time_in_force_and_the_same_client_id_twice(opened: Rig) -> None:
    ioc = await opened.order(**RESTING | {"timeInForce": "IOC"}, clientOrderId="same")
    fok = await opened.order(**RESTING | {"timeInForce": "FOK"}, clientOrderId="same")
    gtx = await opened.order(**RESTING | {"timeInForce": "GTX"})
    states = [(await opened.detail(number))["state"] for number in (ioc, fok, gtx)]
    assert states == ["CANCELED", "CANCELED", "NEW"]
    assert (await opened.detail(gtx))["timeInForce"] == "GTX"
    assert (await opened.detail(await opened.order(timeInForce="FOK")))["executedQty"] == "100"


async def test_orders_that_are_booked_later_or_not_seen_yet(opened: Rig) -> None:
    opened.faults.switch("late-booking@submit=3*1")
    assert await opened.refused(**RESTING, clientOrderId="late") == "fail"
    await opened.turn(1)
    assert await opened.rest.get("/v2/order/all/listUnfinished", list=BTC) == []
    await opened.turn(2.5)
    await opened.turn()
    (row,) = await opened.rest.get("/v2/order/all/listUnfinished", list=BTC)
    assert row["clientOrderId"] == "late"
    opened.faults.switch("stale-orders=2")
    number = await opened.order(**RESTING)
    assert (await opened.rest.refusal("GET", "/v2/order/detail", orderId=number))[2] == "invalid_order"
    await opened.turn(3)
    assert (await opened.detail(number))["state"] == "NEW"


async def test_a_market_order_goes_no_further_than_its_bound(opened: Rig) -> None:
    opened.act("clear", symbol=BTC)
    for price in ("60000", "60300", "60301"):
        opened.act("quote", symbol=BTC, side="sell", price=price, quantity="0.001")
    opened.act("quote", symbol=BTC, side="buy", price="59900", quantity="0.001")
    row = await opened.detail(await opened.order())
    assert (row["orderType"], row["price"], row["state"]) == ("MARKET", "0", "PARTIALLY_CANCELED")
    assert row["executedQty"] == "20", "0.5 % above the best price, and no further"
    opened.act("clear", symbol=BTC)
    assert await opened.refused() == "no_counterparty"


async def test_a_refused_order_leaves_the_leverage_as_it_was(opened: Rig) -> None:
    assert await opened.refused(**RESTING | {"price": "60001", "timeInForce": "GTX"}, leverage=3) != ""
    assert opened.simulator.book.settings(BTC).leverage == 25
    await opened.order(**RESTING, leverage=3)
    assert opened.simulator.book.settings(BTC).leverage == 3
