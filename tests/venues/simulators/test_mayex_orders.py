"""Orders of Mayex: all eight types, their times in force, triggers, and what protects a position."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.venues.simulators.mayex_rig import BTC, ETH, ORDERS, RESTING, D, Rig, rig

CLOSE = {"side": "SELL", "positionSide": "LONG"}
SHORT = {"side": "SELL", "positionSide": "SHORT"}
LAST, MARK = "LAST_PRICE", "MARK_PRICE"


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


def statuses(opened: Rig) -> dict[str, str]:
    return {row["client_id"]: row["status"] for row in opened.simulator.state()["orders"]}


async def test_three_ways_to_be_answered(opened: Rig) -> None:
    acked = await opened.order(orderRespType="ACK")
    assert (acked["status"], acked["executedQty"]) == ("NEW", "0.000000"), "whatever has become of it"
    result = await opened.order(orderRespType="RESULT")
    assert (result["status"], result["executedQty"], D(result["avgPrice"])) == ("FILLED", "0.010000", D("60000.5"))
    assert await opened.order(orderRespType="NO_ACK", clientOrderId="quiet") is None
    assert statuses(opened)["quiet"] == "filled"
    assert await opened.refused(orderRespType="NONE") == 219


async def test_times_in_force(opened: Rig) -> None:
    opened.act("clear", symbol=BTC)
    opened.act("quote", symbol=BTC, side="sell", price="60100", quantity="0.004")
    at = {"type": "LIMIT", "price": "60100"}
    assert (await opened.order(**at, timeInForce="POST_ONLY"))["status"] == "EXPIRED"
    assert (await opened.order(**at, timeInForce="FOK"))["status"] == "EXPIRED"
    partly = await opened.order(**at, timeInForce="IOC")
    assert (partly["status"], partly["executedQty"]) == ("EXPIRED", "0.004000")
    assert (await opened.order(**at, timeInForce="POST_ONLY"))["status"] == "NEW"
    assert await opened.refused() == 4005, "nobody sells"
    assert [row["status"] for row in await opened.history()] == ["EXPIRED"] * 3
    assert (await opened.history())[0]["avlPrice"] == "60100.0"


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "moved"),
    [
        ("STOP_LOSS", "SELL", "59000", "58999.5"),
        ("TAKE_PROFIT", "SELL", "61000", "61000.5"),
        ("STOP_LOSS", "BUY", "61000", "61000.5"),
        ("TAKE_PROFIT", "BUY", "59000", "58999.5"),
    ],
)
@pytest.mark.parametrize("end", ["MARKET", "LIMIT"])
async def test_closing_triggers_wait_and_keep_their_number(
    opened: Rig, kind: str, side: str, trigger: str, moved: str, end: str
) -> None:
    sides = {"side": side, "positionSide": "LONG" if side == "SELL" else "SHORT"}
    await opened.order(side="BUY" if side == "SELL" else "SELL", positionSide=sides["positionSide"])
    limit = {"price": "58000" if side == "SELL" else "62000"} if end == "LIMIT" else {}
    wanted = sides | {"type": f"{kind}_{end}", "triggerType": LAST, "triggerPrice": trigger} | limit
    made = await opened.order(**wanted, timeInForce="GTC")
    assert (made["status"], made["type"], D(made["triggerPrice"])) == ("NEW", f"{kind}_{end}", D(trigger))
    (row,) = await opened.open_orders()
    assert (row["orderId"], row["type"], row["executedQty"]) == (made["orderId"], f"{kind}_{end}", "0.000")
    assert (await opened.purse())["positionMargin"] > 0
    opened.mark(moved)
    assert await opened.positions() == []
    (closed, *_) = await opened.history()
    assert (closed["orderId"], closed["type"], closed["status"]) == (made["orderId"], end, "FILLED")
    assert (await opened.history("trade"))[0]["orderId"] == made["orderId"]
    backwards = {"triggerPrice": "1000" if D(trigger) > 60_000 else "99000"}
    assert await opened.refused(**wanted | backwards) in (4006, 4008, 4051)


@pytest.mark.parametrize(
    ("trigger", "moved", "name"), [("61000", "61000", "stop"), ("59000", "59000", "take_profit")]
)
async def test_conditional_orders_open_from_either_side(opened: Rig, trigger: str, moved: str, name: str) -> None:
    wanted = {"type": "CONDITIONAL_MARKET", "conditional": True, "triggerType": "Mark_PRICE"}
    made = await opened.order(**wanted, triggerPrice=trigger)
    assert made["triggerType"] == MARK
    (row,) = opened.simulator.state()["orders"]
    assert (row["type"], row["trigger"], row["status"]) == (name, trigger, "new")
    opened.mark(trigger)
    (position,) = await opened.positions()
    assert position["quantity"] == "0.01000000"
    assert await opened.refused(**wanted, triggerPrice=trigger) == 4006, "it is there already"
    assert await opened.refused(**wanted | {"conditional": False}, triggerPrice="65000") == 4013


async def test_a_trigger_watches_the_price_that_it_names(opened: Rig) -> None:
    await opened.order()
    await opened.order(**CLOSE, type="STOP_LOSS_MARKET", triggerType=MARK, triggerPrice="59000")
    opened.act("clear", symbol=BTC)
    opened.act("quote", symbol=BTC, side="buy", price="58000", quantity="5")
    opened.act("trade", symbol=BTC, side="sell", quantity="0.001")
    assert len(await opened.positions()) == 1, "the mark is still at the index"
    opened.mark("58990")
    assert await opened.positions() == []


async def test_what_protects_a_position_comes_with_its_order(opened: Rig) -> None:
    exits = {"tpTriggerType": LAST, "tpTriggerPrice": "61000", "slTriggerType": MARK, "slTriggerPrice": "59000"}
    resting = await opened.order(**RESTING | {"price": "60000"}, **exits, quantity="0.02")
    assert len(await opened.open_orders()) == 1, "nothing is to be protected yet"
    opened.act("trade", symbol=BTC, side="sell", quantity="100.005")
    opened.act("trade", symbol=BTC, side="sell", quantity="100")
    children = {row["type"]: row for row in await opened.open_orders() if row["strategyParentId"]}
    assert set(children) == {"TAKE_PROFIT_MARKET", "STOP_LOSS_MARKET"}
    for name, child in (("TP", children["TAKE_PROFIT_MARKET"]), ("SL", children["STOP_LOSS_MARKET"])):
        assert child["clientOrderId"] == f"{name}{resting['orderId']}"
        assert child["strategyParentId"] == resting["orderId"] and child["side"] == "SELL"
        held = D((await opened.positions())[0]["quantity"])
        assert D(child["origQty"]) == held, "as much as the parent has filled"
    opened.mark("61000")
    assert await opened.positions() == []
    found = statuses(opened)
    assert found[f"TP{resting['orderId']}"] == "filled" and found[f"SL{resting['orderId']}"] == "canceled"


async def test_exits_end_with_their_position(opened: Rig) -> None:
    made = await opened.order(tpTriggerType=LAST, tpTriggerPrice="61000")
    assert [row["strategyParentId"] for row in await opened.open_orders()] == [made["orderId"]]
    await opened.order(**CLOSE)
    assert await opened.open_orders() == []
    assert statuses(opened)[f"TP{made['orderId']}"] == "canceled"
    for name, price in (("tp", "59000"), ("sl", "61000")):
        wrong = {f"{name}TriggerType": LAST, f"{name}TriggerPrice": price}
        assert await opened.refused(**wrong) == 4006
        assert await opened.refused(**CLOSE, **wrong) == 217


async def test_closing_the_whole_position(opened: Rig) -> None:
    await opened.order()
    await opened.order(quantity="0.02")
    whole = {"quantity": None, "closePosition": True, "triggerType": LAST, "triggerPrice": "59000"}
    made = await opened.order(**CLOSE, type="STOP_LOSS_MARKET", **whole)
    (row,) = await opened.open_orders()
    assert (row["closePosition"], row["origQty"]) == (True, "0.000")
    opened.mark("59000")
    assert await opened.positions() == []
    (closed, *_) = await opened.history()
    assert (closed["orderId"], closed["executedQty"]) == (made["orderId"], "0.030")
    await opened.order()
    await opened.order(**CLOSE, quantity=None, closePosition=True)
    assert await opened.positions() == []


async def test_no_more_is_closed_than_there_is(opened: Rig) -> None:
    assert await opened.refused(**CLOSE) == 4008
    await opened.order()
    assert await opened.refused(**CLOSE, quantity="0.011") == 4008
    assert await opened.refused(**CLOSE, isolated=False) == 4008, "there is no cross position"
    resting = await opened.order(**CLOSE | RESTING | {"price": "61000"}, quantity="0.006")
    assert await opened.refused(**CLOSE, quantity="0.005") == 4008
    await opened.order(**CLOSE, quantity="0.004")
    await opened.rest.do("POST", f"{ORDERS}/cancel-order", symbol=BTC, orderId=resting["orderId"])
    await opened.order(**CLOSE, quantity="0.006")
    assert await opened.positions() == []


async def test_cancelling_one_and_all(opened: Rig) -> None:
    path, everything = f"{ORDERS}/cancel-order", f"{ORDERS}/cancel-all-order"
    first = (await opened.order(**RESTING))["orderId"]
    assert await opened.rest.refusal("POST", path, symbol=ETH, orderId=first) == 4000
    assert await opened.rest.refusal("POST", path, symbol=BTC, orderId=5) == 4000
    await opened.rest.do("POST", path, symbol=BTC, orderId=str(first))
    assert await opened.rest.refusal("POST", path, symbol=BTC, orderId=first) == 4020
    waits = {"type": "CONDITIONAL_MARKET", "conditional": True, "triggerType": LAST, "triggerPrice": "70000"}
    made = [
        (await opened.order(**one))["orderId"]
        for one in (RESTING, waits, RESTING | {"symbol": ETH, "price": "2000"})
    ]
    gone = await opened.rest.do("POST", everything, symbol=BTC, settleCcy="USDT")
    assert {one["orderId"] for one in gone} == set(made[:2])
    assert [one["orderId"] for one in await opened.open_orders()] == made[2:]
    await opened.rest.do("POST", everything, symbol=None, settleCcy="USDT")
    assert await opened.rest.refusal("POST", everything, symbol=None, settleCcy="USDT") == 4070
    assert await opened.rest.refusal("POST", everything, symbol=None, settleCcy="BTC") == 250
    assert set(statuses(opened).values()) == {"canceled"}


async def test_histories_are_newest_first_by_prefix_and_by_page(opened: Rig) -> None:
    for number in range(4):
        await opened.order(symbol=ETH if number == 1 else BTC, clientOrderId=f"N{number}")
        await opened.turn(0.1)
    names = [row["clientOrderId"] for row in await opened.history()]
    assert names == ["N3", "N2", "N0"]
    assert [row["clientOrderId"] for row in await opened.history(symbol="ethusdt")] == ["N1"]
    assert len(await opened.history(symbol="")) == 4
    paged = await opened.history(symbol="", pageIndex=2, pageSize=3)
    assert [row["clientOrderId"] for row in paged] == ["N0"]
    one = (await opened.history())[1]
    assert await opened.history(orderId=one["orderId"]) == [one]
    fills = await opened.history("trade", orderId=one["orderId"])
    assert [row["orderId"] for row in fills] == [one["orderId"]]


async def test_an_order_may_be_booked_after_a_timeout_and_hidden_while_it_is_young(opened: Rig) -> None:
    opened.faults.switch("late-booking@submit=1*1")
    assert await opened.refused(**RESTING, clientOrderId="late") == 100
    assert await opened.open_orders() == []
    await opened.turn(1)
    opened.faults.heal()
    assert [row["clientOrderId"] for row in await opened.open_orders()] == ["late"]
    assert await opened.refused(**RESTING, clientOrderId="late") == 4014
    opened.faults.switch("stale-orders=5")
    await opened.order(clientOrderId="young")
    assert await opened.history() == [] and await opened.history("trade") == []
    await opened.turn(5)
    assert len(await opened.history()) == len(await opened.history("trade")) == 1
    opened.faults.heal()


async def test_orders_from_elsewhere_are_orders(opened: Rig) -> None:
    made: dict[str, Any] = opened.act(
        "place", symbol=BTC, side="buy", quantity="0.01", price="59000", isolated=False
    )
    (row,) = await opened.open_orders()
    assert (str(row["orderId"]), row["isolated"], row["positionSide"]) == (made["id"], False, "LONG")
    opened.act("cancel", id=made["id"])
    waits = opened.act(
        "place", symbol=BTC, side="sell", quantity="0.01", price="58000", trigger="59000", take_profit="50000"
    )
    assert waits["order"]["type"] == "stop_limit" and waits["order"]["take_profit"] == "50000"
    opened.mark("59000")
    (position,) = await opened.positions()
    assert (position["positionSide"], position["isolated"]) == ("SHORT", True)
    for wrong, words in (
        ({"do": "cancel", "id": made["id"]}, "cancel rejected"),
        (
            {"do": "place", "symbol": BTC, "side": "buy", "quantity": "0.0001", "type": "market"},
            "multiple of 0.001",
        ),
        ({"do": "place", "symbol": f"{BTC}.spot", "side": "buy"}, "market data alone"),
    ):
        with pytest.raises(ValueError, match=words):
            opened.simulator.act(wrong)
