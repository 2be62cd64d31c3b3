"""What Mayex refuses about an order, the code of each, and faults of one kind of command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.venues.simulators.mayex_rig import BTC, ETH, ORDERS, RESTING, Rig, rig

XRP, PRODUCTS = "xrpusdt", "/user/v1/public/instrument/products"
WAITS = {"type": "CONDITIONAL_MARKET", "triggerType": "LAST_PRICE", "triggerPrice": "61000"}
CLOSE = {"side": "SELL", "positionSide": "LONG"}
TAKE_PROFIT = {"tpTriggerType": "LAST_PRICE", "tpTriggerPrice": "61000"}


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


REFUSED: tuple[tuple[int, dict[str, Any]], ...] = (
    *((216, {name: None}) for name in ("symbol", "clientOrderId", "side", "positionSide", "isolated", "quantity")),
    *((216, {name: None}) for name in ("type", "timeInForce")),
    (201, RESTING | {"price": "-1"}),
    (203, RESTING | {"price": "59000.1"}),
    (203, RESTING | {"price": "cheap"}),
    (204, {"quantity": "0"}),
    (204, {"quantity": "-0.01"}),
    (205, {"quantity": "50.001"}),
    (205, RESTING | {"quantity": "100.001"}),
    (207, {"quantity": "0.0105"}),
    (208, WAITS | {"triggerPrice": "61000.1"}),
    (208, {"tpTriggerType": "LAST_PRICE", "tpTriggerPrice": "61000.1"}),
    (210, WAITS | {"triggerType": "INDEX_PRICE"}),
    (211, {"type": "ICEBERG"}),
    (212, {"clientOrderId": "x" * 41}),
    (214, {"clientOrderId": "a b"}),
    (217, {"triggerType": "LAST_PRICE", "triggerPrice": "61000"}),
    (218, {"side": "buy"}),
    (219, {"timeInForce": "GTX"}),
    (219, {"timeInForce": "POST_ONLY"}),
    (219, {"isolated": "true"}),
    (219, {"quantity": 0.01}),
    (219, {"closePosition": True}),
    (300, {"symbol": "BTCUSDT"}),
    (4001, {"type": "LIMIT"}),
    (4003, {"quantity": "much"}),
    (4006, WAITS | {"triggerPrice": "60000"}),
    (4013, WAITS | {"conditional": False}),
    (4013, {"conditional": True}),
    (4013, WAITS | {"type": "STOP_LOSS_MARKET"}),
    (4051, RESTING | {"price": "66000.5"}),
    (4060, {"type": "CONDITIONAL_MARKET"}),
    (5000, {"positionSide": "UNI"}),
)


async def test_every_refusal_has_its_code_and_changes_nothing(opened: Rig) -> None:
    told = [(code, changes, await opened.refused(**changes)) for code, changes in REFUSED]
    assert [row for row in told if row[0] != row[2]] == []
    assert opened.simulator.state()["orders"] == [] and opened.simulator.state()["bills"] == []
    assert await opened.order(**RESTING | {"price": "30000"}), "a buy may be as low as it likes"


async def test_what_opens_has_a_least_and_what_closes_has_none() -> None:
    async with rig(symbols=(BTC, XRP)) as opened:
        opened.mark("0.56", symbol=XRP)
        (row,) = [one for one in await opened.rest.do("GET", PRODUCTS) if one["symbol"] == XRP]
        assert (row["stepSize"], row["minOrderQty"]) == ("1", "5")
        assert await opened.refused(symbol=XRP, quantity="4") == 206
        await opened.order(symbol=XRP, quantity="6")
        await opened.order(**CLOSE, symbol=XRP, quantity="2")
        (position,) = await opened.positions()
        assert position["quantity"] == "4.00000000"


async def test_no_more_orders_than_a_symbol_takes(opened: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venues.simulators.mayex.orders.MAX_ORDERS", 1)
    monkeypatch.setattr("venues.simulators.mayex.orders.MAX_WAITING", 1)
    await opened.order(**RESTING)
    assert await opened.refused(**RESTING) == 4011
    await opened.order(**WAITS)
    assert await opened.refused(**WAITS) == 4012
    assert await opened.order(**RESTING | {"symbol": ETH, "price": "2000"})


async def test_a_trigger_whose_order_is_refused_expires(opened: Rig) -> None:
    made = await opened.order(**WAITS | {"quantity": "15"}, **TAKE_PROFIT | {"tpTriggerPrice": "70000"})
    opened.act("fund", amount="-50000")
    opened.mark("61000")
    (row,) = await opened.history()
    assert (row["orderId"], row["status"], row["executedQty"]) == (made["orderId"], "EXPIRED", "0.000")
    assert await opened.positions() == [] and await opened.open_orders() == []


async def test_a_stop_closes_what_is_left_of_its_position(opened: Rig) -> None:
    await opened.order()
    stop = CLOSE | {"type": "STOP_LOSS_MARKET", "triggerType": "LAST_PRICE", "triggerPrice": "59000"}
    first = await opened.order(**stop)
    await opened.order(**CLOSE, quantity="0.004")
    opened.mark("59000")
    (row, *_) = await opened.history()
    assert (row["orderId"], row["executedQty"], row["status"]) == (first["orderId"], "0.006", "FILLED")


async def lost(opened: Rig, method: str, path: str, **values: Any) -> None:
    """Sends a command whose answer never comes."""
    request = opened.rest.signed(method, path, values)
    request.extensions["timeout"] = {"connect": 2, "read": 2, "write": 2, "pool": 2}
    with pytest.raises(httpx.TransportError):
        await opened.rest.http.send(request)


@pytest.mark.parametrize("fault", ["lost-reply@{}=reset*1", "reset-after@{}=unexecuted*1"])
async def test_answers_are_lost_of_one_kind_of_command_only(opened: Rig, fault: str) -> None:
    is_executed = fault.startswith("lost-reply")
    await opened.order()
    accounts = "/order/v1/private/accounts"
    commands: dict[str, tuple[str, str, dict[str, Any]]] = {
        "margin": ("PUT", f"{accounts}/adjust-position-margin",
                   {"symbol": BTC, "positionSide": "LONG", "changeAmount": "5"}),
        "leverage": ("PUT", f"{accounts}/adjust-leverage", {"symbol": ETH, "isolated": True, "leverage": "7"}),
        "cancel": ("POST", f"{ORDERS}/cancel-all-order", {"symbol": None, "settleCcy": "USDT"}),
    }  # fmt: skip
    for kind, (method, path, values) in commands.items():
        opened.faults.switch(fault.format(kind))
        await opened.order(**RESTING)  # a submit, and none of that kind
        await lost(opened, method, path, **values)
    state = opened.simulator.state()
    assert bool(state["margin_moves"]) is is_executed
    assert (state["settings"][ETH]["isolated"] == 7) is is_executed
    assert (not await opened.open_orders()) is is_executed
    opened.faults.switch(fault.format("submit"))
    await lost(opened, "POST", f"{ORDERS}/place-order", **opened.values({"clientOrderId": "gone"}))
    assert ("gone" in {row["clientOrderId"] for row in await opened.history()}) is is_executed
