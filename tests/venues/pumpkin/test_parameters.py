"""What is not written as the venue writes it is not sent."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.venues.pumpkin.client_rig import client_at, new_order
from venues.errors import BadRequest
from venues.pumpkin.parameters import contracts_of, figure_of
from venues.pumpkin.requests import NewOrder, NewPlan, NewProfitStop, ProfitStopChange, cancel_item

D = Decimal
PLAN: dict[str, Any] = {
    "symbol": "btc_usdt", "entrust_type": "STOP", "order_side": "BUY", "position_side": "LONG", "orig_qty": 3,
    "stop_price": 44_500, "trigger_price_type": "MARK_PRICE", "price": 45_000,
}  # fmt: skip
EXITS: dict[str, Any] = {"symbol": "btc_usdt", "orig_qty": 1, "position_id": 7, "trigger_stop_price": 44_000}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (D("1E+1"), "10"),
        (D("0.10"), "0.10"),
        ("89000.1", "89000.1"),
        (7, "7"),
        (D("1e-20"), "0." + "0" * 19 + "1"),
    ],
)
def test_figures_keep_all_their_digits_and_have_no_exponent(value: Any, text: str) -> None:
    assert figure_of(value, "a price") == text


@pytest.mark.parametrize(
    "value",
    ["0", 0, -1, "-1", "1e5", "", " 1", "1_0", "NaN", D("NaN"), D("Infinity"), D("1e21"), 1.5, True, None, "١"],
)
def test_figures_that_are_none(value: Any) -> None:
    with pytest.raises(BadRequest):
        figure_of(value, "a price")
    with pytest.raises(BadRequest):
        contracts_of(value)


def test_contracts_are_whole() -> None:
    assert [contracts_of(each) for each in (3, "3", "3.0", D("3.00"), D("1E+2"))] == ["3", "3", "3", "3", "100"]
    assert [contracts_of(each, least=0) for each in (0, "0.0", D(0), D("0E-8"))] == ["0"] * 4
    for wrong in (D("0.5"), "2.5", 0, D("0.0001")):
        with pytest.raises(BadRequest, match="whole number of contracts"):
            contracts_of(wrong)


def refused(make: Callable[[], object]) -> bool:
    try:
        make()
    except BadRequest:
        return True
    return False


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "BTC_USDT"}, {"symbol": "btcusdt"}, {"symbol": "btc_usdt&a=b"}, {"symbol": ""},
        {"order_side": "buy"}, {"position_side": "long"}, {"order_type": "STOP"}, {"time_in_force": "DAY"},
        {"orig_qty": "0.5"}, {"orig_qty": 0}, {"leverage": 0}, {"leverage": "20"}, {"leverage": True},
        {"price": None}, {"price": 0}, {"price": "1e5"},
        {"client_order_id": ""}, {"client_order_id": "a" * 33}, {"client_order_id": "a-b"},
        {"client_order_id": "é"},
        {"reduce_only": True}, {"position_id": 0}, {"position_id": "x"}, {"position_id": "007"},
        {"market_order_level": 2},
        {"profit_order_type": "MARKET"}, {"stop_order_price": 1},
        {"trigger_stop_price": 5, "stop_order_type": "LIMIT"}, {"trigger_stop_price": 5, "stop_order_price": 4},
        {"trigger_profit_price": 0}, {"trigger_profit_price": 5, "profit_order_type": "STOP"},
    ],
    ids=str,
)  # fmt: skip
def test_orders(changes: dict[str, Any]) -> None:
    assert not refused(new_order().fields)
    assert refused(new_order(**changes).fields)


def test_an_attached_exit_without_a_type_is_a_market_order() -> None:
    found = new_order(trigger_profit_price=5).fields()
    assert (found["triggerProfitPrice"], found["profitOrderType"]) == ("5", "MARKET")
    assert "stopOrderType" not in found


def test_batches() -> None:
    assert new_order(order_type="MARKET", price=None, time_in_force="IOC").item()["price"] == msgspec.Raw(b"0")
    for changes in (
        {"time_in_force": None}, {"reduce_only": True, "position_id": 7}, {"trigger_stop_price": 5},
        {"market_order_level": 1}, {"price": None}, {"orig_qty": "1.5"},
    ):  # fmt: skip
        assert refused(new_order(**changes).item), changes
    cancels: list[tuple[str, str | int]] = [("BTC", 7), ("btc_usdt", 0), ("btc_usdt", "1,2")]
    for wrong in cancels:
        with pytest.raises(BadRequest):
            cancel_item(*wrong)


@pytest.mark.parametrize(
    "changes",
    [
        {"entrust_type": "LIMIT"}, {"entrust_type": "TRAILING_STOP_MARKET"}, {"position_side": "BOTH"},
        {"price": None}, {"trigger_price_type": "LAST"}, {"stop_price": 0}, {"market_order_level": 3},
        {"order_side": "SELL"}, {"position_side": "SHORT"}, {"expire_time": 1_769_759_999}, {"orig_qty": 0},
        {"time_in_force": ""},
    ],
    ids=str,
)  # fmt: skip
def test_plans(changes: dict[str, Any]) -> None:
    assert not refused(NewPlan(**PLAN).fields)
    assert refused(NewPlan(**PLAN | changes).fields)


@pytest.mark.parametrize(
    "changes",
    [
        {"position_id": None}, {"position_id": None, "order_side": "BUY"}, {"trigger_stop_price": None},
        {"orig_qty": "0.5"}, {"profit_flag": 0}, {"profit_flag": 3}, {"trigger_price_type": "x"},
        {"stop_order_type": "LIMIT"}, {"profit_order_type": "LIMIT"}, {"order_side": "x"}, {"expire_time": 5},
    ],
    ids=str,
)  # fmt: skip
def test_exits(changes: dict[str, Any]) -> None:
    assert not refused(NewProfitStop(**EXITS).fields)
    assert refused(NewProfitStop(**EXITS | changes).fields)


def test_changes_of_exits() -> None:
    assert not refused(ProfitStopChange(profit_id=7, trigger_stop_price=5).fields)
    for wrong in (
        ProfitStopChange(profit_id=7), ProfitStopChange(profit_id=0, trigger_stop_price=5),
        ProfitStopChange(profit_id=7, trigger_stop_price=5, orig_qty="2.5"),
        ProfitStopChange(profit_id=7, trigger_stop_price=5, profit_order_price=5),
    ):  # fmt: skip
        assert refused(wrong.fields)


async def test_nothing_of_it_is_sent() -> None:
    ms = 1_700_000_000_000
    async with client_at() as (client, venue):
        for call in (
            client.ticker("btc_usdt", time_range="D"),  # the samples' own, which the table does not know
            client.depth("btc_usdt", level=51),
            client.deals("btc_usdt", num=0),
            client.klines("btc_usdt", "2h"),
            client.klines("btc_usdt", "1h", limit=1_001),
            client.klines("btc_usdt", "1h", start_time=ms, end_time=ms - 1),
            client.klines("btc_usdt", "1h", start_time=1_700_000_000),
            client.symbols(status="BREAK"),
            client.funding_history("btc_usdt", limit=101),
            client.funding_history("btc_usdt", direction="next"),
            client.cmc_depth("btc_usdt"),
            client.cg_depth("BTC_USDT", depth=51),
            client.create_order(NewOrder(**msgspec.structs.asdict(new_order()) | {"price": None})),
            client.create_orders(),
            client.cancel_orders([]),
            client.cancel_orders("123"),
            client.open_orders_of([]),
            client.open_orders_of("btc_usdt"),
            client.open_orders("btc_usdt", "NEXT"),
            client.orders(state="new"),
            client.orders(page=0),
            client.order("x"),
            client.orders_by_ids(["1,2"]),
            client.set_leverage("btc_usdt", 0),
            client.change_margin("btc_usdt", "BOTH", 7, 5, "ADD"),
            client.change_margin("btc_usdt", "LONG", 7, -5, "ADD"),
            client.change_position_type("btc_usdt", "CROSS", "AGGREGATION"),
            client.cancel_order_entrust("PLAN", 7),
            client.balance("USDT"),
            client.rebates(start=ms, end=ms - 1),
            client.request("DELETE", "/v2/order", auth=True),
            client.request("POST", "/v2/order"),
            client.request("GET", "/v2/order?a=b", auth=True),
        ):
            with pytest.raises(BadRequest):
                await call
        assert venue.calls == []
