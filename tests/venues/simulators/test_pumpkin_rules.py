"""What Pumpkin refuses around positions, what a client that polls only sees, and commands whose answer is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.venues.simulators.pumpkin_rig import BTC, ETH, KEY, RESTING, D, Rig, form, rig, signed
from venues.simulators.pumpkin import markets

SHORT = {"orderSide": "SELL", "positionSide": "SHORT"}
PLAN: dict[str, Any] = {
    "symbol": BTC, "entrustType": "STOP_MARKET", "orderSide": "BUY", "positionSide": "LONG", "origQty": "10",
    "stopPrice": "61000", "triggerPriceType": "MARK_PRICE",
}  # fmt: skip
ENDLESS = "9" * 5_000


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def test_leverage_stays_while_an_order_is_open(opened: Rig) -> None:
    number = await opened.order(**RESTING)
    leverage = {"symbol": BTC, "leverage": 5}
    refusal = await opened.rest.refusal("POST", "/v2/position/adjust-leverage", **leverage)
    assert refusal[2] == "exist_open_order_can_not_adjust_leverage"
    change = {"symbol": BTC, "positionType": "ISOLATED", "positionModel": "AGGREGATION"}
    refusal = await opened.rest.refusal("POST", "/v2/position/change-type", **change)
    assert refusal[2] == "exist_position_or_order_can_not_change_type"
    await opened.rest.post("/v2/order/cancel", orderId=number)
    await opened.rest.post("/v2/position/adjust-leverage", **leverage)
    await opened.rest.post("/v2/position/change-type", **change)
    assert opened.simulator.state()["settings"][BTC] == {
        "leverage": 5, "type": "ISOLATED", "model": "AGGREGATION",
    }  # fmt: skip


async def test_margin_is_moved_in_units_of_the_coin_and_never_below_the_initial_one(opened: Rig) -> None:
    await opened.isolate(10)
    await opened.order()
    (position,) = await opened.positions()
    named = {"symbol": BTC, "positionSide": "LONG", "positionId": position["positionId"]}
    path = "/v2/position/margin"
    for amount, kind in (("0.000000001", "ADD"), ("0.00000001", "SUB"), ("0", "ADD")):
        refusal = await opened.rest.refusal("POST", path, **named, margin=amount, type=kind)
        assert refusal[2] == "invalid_margin", (amount, kind)
    assert (await opened.rest.refusal("POST", path, **named, margin="-1", type="ADD"))[2] == "invalid_margin"
    refusal = await opened.rest.refusal("POST", path, **named | {"symbol": ETH}, margin="1", type="ADD")
    assert refusal[2] == "invalid_position_id"
    await opened.rest.post(path, **named, margin="1.5", type="ADD")
    await opened.rest.post(path, **named, margin="1.4", type="SUB")  # a loss of 0.01 stays covered
    moves = opened.simulator.state()["margin_moves"]
    assert [(one["position_id"], one["amount"]) for one in moves] == [
        (position["positionId"], "1.5"), (position["positionId"], "-1.4"),
    ]  # fmt: skip


async def test_open_orders_are_counted_by_symbol(opened: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venues.simulators.pumpkin.checks.MAX_ORDERS", 2)
    monkeypatch.setattr("venues.simulators.pumpkin.entrusts.MAX_ENTRUSTS", 1)
    for _ in range(2):
        await opened.order(**RESTING, origQty="1")
    assert await opened.refused(**RESTING, origQty="1") == "open_order_max_limit"
    assert await opened.order(symbol=ETH, orderType="LIMIT", timeInForce="GTC", price="2300")
    await opened.rest.post("/v2/entrust/create-plan", **PLAN)
    refusal = await opened.rest.refusal("POST", "/v2/entrust/create-plan", **PLAN)
    assert refusal[2] == "open_entrust_max_limit"
    await opened.rest.post("/v2/entrust/create-plan", **PLAN | {"symbol": ETH, "stopPrice": "2500"})


async def test_closing_all_closes_what_can_be_closed(opened: Rig) -> None:
    await opened.order()
    await opened.order(symbol=ETH)
    opened.act("clear", symbol=BTC)
    assert await opened.rest.post("/v2/position/close-all") is True
    (left,) = await opened.rest.get("/v2/position/list")
    assert left["symbol"] == BTC
    refusal = await opened.rest.refusal("POST", "/v2/position/close-all", symbol=BTC)
    assert refusal[2] == "no_counterparty"


async def test_funding_comes_as_often_as_a_test_wants_it(opened: Rig) -> None:
    await opened.order()
    opened.act("funding_every", seconds="2")
    rate = await opened.rest.get("/v2/public/q/funding-rate", symbol=BTC)
    now = opened.clock.now // 1_000_000
    assert now < rate["nextCollectionTime"] <= now + 2_000
    for _ in range(3):
        await opened.turn(2)
        await opened.turn(0.1)  # looked at once more: every moment is settled once
    bills = (await opened.rest.get("/v2/balance/bills", type="FUND"))["items"]
    assert [row["symbol"] for row in bills] == [BTC] * 3
    rows = (await opened.rest.get("/v2/public/q/funding-rate-record", symbol=BTC, limit=4))["items"]
    assert [row["collectionInternal"] for row in rows] == [2, 2, 2, 28_800]
    opened.act("funding_every", seconds="0")
    rate = await opened.rest.get("/v2/public/q/funding-rate", symbol=BTC)
    assert rate["nextCollectionTime"] % 28_800_000 == 0
    with pytest.raises(ValueError, match="0\\.1 or more"):
        opened.act("funding_every", seconds="0.01")


async def test_whoever_only_polls_sees_all_of_a_liquidation(opened: Rig) -> None:
    await opened.isolate(10)
    await opened.order()
    (position,) = await opened.positions()
    named = {"symbol": BTC, "positionId": position["positionId"], "origQty": "0"}
    exits = await opened.rest.post("/v2/entrust/create-profit", **named, triggerStopPrice="50000")
    since = opened.clock.now // 1_000_000
    opened.mark("54200")
    assert await opened.positions() == []
    (forced, *_) = (await opened.rest.get("/v2/order/list", symbol=BTC, startTime=since))["items"]
    assert (forced["forceClose"], forced["state"], forced["executedQty"], forced["positionSide"]) == (
        True, "FILLED", "100", "LONG",
    )  # fmt: skip
    assert D(forced["closeProfit"]) < -56 and forced["clientOrderId"] is None
    assert forced in (await opened.rest.get("/v2/order/list-history", symbol=BTC))["items"]
    fills = (await opened.rest.get("/v2/order/trade-list", orderId=forced["orderId"]))["items"]
    assert [(one["quantity"], D(one["price"])) for one in fills] == [("100", D(forced["avgPrice"]))]
    told = {fill["trade_id"] for fill in opened.simulator.state()["fills"]}
    assert {one["execId"] for one in fills} <= told
    kinds = [row["type"] for row in (await opened.rest.get("/v2/balance/bills", symbol=BTC, limit=2))["items"]]
    assert kinds == ["QIANG_PING_MANAGER", "CLOSE_POSITION"]
    shown = await opened.rest.get("/v2/entrust/profit-detail", profitId=exits["profitId"])
    assert shown["state"] == "PLATFORM_REVOCATION"
    (row,) = opened.simulator.state()["protections"]
    assert (row["status"], row["stop_loss"], row["take_profit"]) == ("PLATFORM_REVOCATION", "50000", None)


async def test_exits_close_the_position_that_they_name_where_a_side_has_several(opened: Rig) -> None:
    await opened.isolate(10, model="DISAGGREGATION")
    for _ in range(3):
        await opened.order()
    first, second, third = [one["positionId"] for one in await opened.positions()]
    made = {}
    for number, trigger in ((second, "59000"), (third, "58000")):
        wanted = {"symbol": BTC, "positionId": number, "origQty": "0", "triggerStopPrice": trigger}
        made[number] = (await opened.rest.post("/v2/entrust/create-profit", **wanted))["profitId"]
    opened.mark("58999.9")
    assert [one["positionId"] for one in await opened.positions()] == [first, third]
    (closed, *_) = (await opened.rest.get("/v2/order/list", symbol=BTC))["items"]
    assert (closed["sourceId"], closed["closePosition"]) == (int(made[second]), True)
    (row, *_) = (await opened.rest.get("/v2/order-entrust/list", type="ORDER"))["items"]
    assert row["entrustOrderId"] == int(made[second])


async def test_cross_positions_of_two_symbols_carry_each_other(opened: Rig) -> None:
    opened.act("fund", amount="-99000")
    opened.mark("2000", symbol=ETH)
    await opened.order(leverage=100, origQty="1000")
    await opened.order(symbol=ETH, leverage=10, origQty="1000", **SHORT)
    (long,) = await opened.positions()
    before = D(opened.held(long["positionId"])["liquidation_price"])
    opened.mark("1900", symbol=ETH)
    after = D(opened.held(long["positionId"])["liquidation_price"])
    # The short's 100 a coin on one coin, and the lower maintenance of it, carry 0.1 bitcoin 1,000 further.
    assert D(999) < before - after < D(1_010)
    opened.mark("2000", symbol=ETH)
    opened.mark(f"{before + D('0.2'):f}")
    assert len(await opened.rest.get("/v2/position/list")) == 2
    opened.mark(f"{before - D('0.2'):f}")
    assert [one["symbol"] for one in await opened.rest.get("/v2/position/list")] == [ETH]


async def test_a_price_beyond_the_band_and_a_value_below_the_least_are_refused(opened: Rig) -> None:
    resting = RESTING | {"origQty": "1"}
    assert await opened.refused(**resting | {"price": "66000.1"}) == "invalid_price"
    assert await opened.refused(**resting | SHORT | {"price": "53999.9"}) == "invalid_price"
    assert await opened.order(**resting | {"price": "30000"}), "a buy may be as low as it likes"
    assert await opened.refused(**resting | {"price": "9999.9"}) == "open_order_min_nominal_value_limit"
    assert markets.MIN_NOTIONAL == 1


async def lost(opened: Rig, path: str, **params: Any) -> None:
    """Sends a command whose answer never comes."""
    text = form(params)
    headers = {
        "X_ACCESS_KEY": KEY, "X_SIGNATURE": signed(text), "Content-Type": "application/x-www-form-urlencoded"
    }  # fmt: skip
    with pytest.raises(httpx.TransportError):
        await opened.rest.http.post(path, content=text, headers=headers, timeout=2)


@pytest.mark.parametrize("fault", ["lost-reply@{}=reset*1", "reset-after@{}=unexecuted*1"])
async def test_answers_are_lost_of_one_kind_of_command_only(opened: Rig, fault: str) -> None:
    """Each kind by its own name, carried out and not; the others go through meanwhile."""
    is_executed = fault.startswith("lost-reply")
    await opened.isolate(10)
    await opened.order()
    (position,) = await opened.positions()
    named = {"symbol": BTC, "positionId": position["positionId"]}
    commands: dict[str, tuple[str, dict[str, Any]]] = {
        "plan": ("/v2/entrust/create-plan", PLAN),
        "exit": ("/v2/entrust/create-profit", named | {"origQty": "0", "triggerStopPrice": "50000"}),
        "margin": ("/v2/position/margin", named | {"positionSide": "LONG", "margin": "5", "type": "ADD"}),
        "leverage": ("/v2/position/adjust-leverage", {"symbol": ETH, "leverage": 7}),
    }

    def done() -> dict[str, bool]:
        state = opened.simulator.state()
        return {
            "plan": any(row["type"] == "stop" for row in state["orders"]),
            "exit": bool(state["protections"]),
            "margin": bool(state["margin_moves"]),
            "leverage": state["settings"][ETH]["leverage"] == 7,
        }

    for kind, (path, params) in commands.items():
        assert not done()[kind]
        opened.faults.switch(fault.format(kind))
        await opened.order(**RESTING | {"origQty": "1", "price": "50000"})  # a submit, and none of that kind
        await lost(opened, path, **params)
        assert done()[kind] is is_executed
    opened.faults.switch(fault.format("submit"))
    await lost(opened, *commands["margin"][:1], **commands["margin"][1])
    assert opened.faults.done(fault.partition("@")[0]) == 5, "each of them is a submit as well"


async def test_an_exit_may_be_booked_after_it_was_refused(opened: Rig) -> None:
    await opened.order()
    (position,) = await opened.positions()
    opened.faults.switch("late-booking@exit=1*1")
    wanted = {"symbol": BTC, "positionId": position["positionId"], "origQty": "0", "triggerStopPrice": "50000"}
    assert (await opened.rest.refusal("POST", "/v2/entrust/create-profit", **wanted))[2] == "fail"
    assert (await opened.rest.get("/v2/entrust/profit-list"))["items"] == []
    await opened.turn(1)
    assert len((await opened.rest.get("/v2/entrust/profit-list"))["items"]) == 1


async def test_numbers_without_end_are_refused_and_break_nothing(opened: Rig) -> None:
    for path, params in (
        ("/v2/order/cancel-batch", {"orders": f'["{ENDLESS}"]'}),
        ("/v2/order/list-by-ids", {"ids": ENDLESS}),
    ):
        assert (await opened.rest.refusal("POST", path, **params))[:2] == (200, -1)
    async with opened.socket() as socket:
        assert (await socket.ask("sub", f"depth@{BTC},{ENDLESS}"))[0] == 40004
        assert (await socket.ask("sub", f"depth@{BTC},٥"))[0] == 40004
        assert (await socket.ask("sub", f"depth@{BTC},5"))[0] == 0
