"""Each call of the document: verb, path, parameters and answer, at a venue that checks the signature."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import pytest

from tests.venues.pumpkin.client_rig import client_at, new_order
from tests.venues.pumpkin.documented import decoded, example, methods
from venues.pumpkin import Client
from venues.pumpkin.requests import NewPlan, NewProfitStop, ProfitStopChange

MS = 1_700_000_000_000
ID = "587077935051136448"
CURSOR: dict[str, Any] = {"from_id": ID, "direction": "PREV", "limit": 7}
CURSOR_SENT = {"id": ID, "direction": "PREV", "limit": "7"}
SPAN: dict[str, Any] = {"start_time": MS, "end_time": MS + 1}
SPAN_SENT = {"startTime": str(MS), "endTime": str(MS + 1)}
PAGE: dict[str, Any] = {"page": 2, "size": 50} | SPAN
PAGE_SENT = {"page": "2", "size": "50"} | SPAN_SENT
BTC = {"symbol": "btc_usdt"}
EXITS: dict[str, Any] = {
    "trigger_profit_price": 46_000, "trigger_stop_price": "44000.0", "profit_order_type": "LIMIT",
    "stop_order_type": "LIMIT", "profit_order_price": "45900", "stop_order_price": "44100",
}  # fmt: skip
EXITS_SENT = {
    "triggerProfitPrice": "46000", "triggerStopPrice": "44000.0", "profitOrderType": "LIMIT",
    "stopOrderType": "LIMIT", "profitOrderPrice": "45900", "stopOrderPrice": "44100",
}  # fmt: skip

Made: TypeAlias = "tuple[Callable[[Client], Coroutine[Any, Any, Any]], dict[str, Any]]"

# Each call with all of its parameters, and how they are sent: all of it is text.
CALLS: dict[str, Made] = {
    "time": (lambda c: c.time(), {}),
    "symbols": (lambda c: c.symbols(status="TRADING"), {"status": "TRADING"}),
    "symbol": (lambda c: c.symbol("btc_usdt"), BTC),
    "symbol_names": (lambda c: c.symbol_names(), {}),
    "ticker": (lambda c: c.ticker("btc_usdt"), BTC | {"timeRangeType": "H24"}),
    "tickers": (lambda c: c.tickers(time_range="UTC_P_8"), {"timeRangeType": "UTC_P_8"}),
    "agg_ticker": (
        lambda c: c.agg_ticker("btc_usdt", time_range="UTC_N_12"), BTC | {"timeRangeType": "UTC_N_12"},
    ),
    "agg_tickers": (lambda c: c.agg_tickers(), {"timeRangeType": "H24"}),
    "depth": (lambda c: c.depth("btc_usdt", level=10), BTC | {"level": "10"}),
    "deals": (lambda c: c.deals("1000pepe_usdt", num=2), {"symbol": "1000pepe_usdt", "num": "2"}),
    "klines": (
        lambda c: c.klines("btc_usdt", "1M", limit=1_000, **SPAN),
        BTC | SPAN_SENT | {"interval": "1M", "limit": "1000"},
    ),
    "mark_prices": (lambda c: c.mark_prices(), {}),
    "mark_price": (lambda c: c.mark_price("btc_usdt"), BTC),
    "index_prices": (lambda c: c.index_prices(), {}),
    "index_price": (lambda c: c.index_price("btc_usdt"), BTC),
    "funding_rate": (lambda c: c.funding_rate("btc_usdt"), BTC),
    "funding_history": (lambda c: c.funding_history("btc_usdt", **CURSOR), BTC | CURSOR_SENT),
    "leverage_brackets": (lambda c: c.leverage_brackets(), {}),
    "leverage_bracket": (lambda c: c.leverage_bracket("btc_usdt"), BTC),
    "risk_balances": (lambda c: c.risk_balances("btc_usdt", **CURSOR), BTC | CURSOR_SENT),
    "open_interest": (lambda c: c.open_interest("btc_usdt"), BTC),
    "defi_contracts": (lambda c: c.defi_contracts(MS), {"timestamp": str(MS)}),
    "defi_fee": (lambda c: c.defi_fee(MS), {"timestamp": str(MS)}),
    "cmc_contracts": (lambda c: c.cmc_contracts(), {}),
    "cmc_contract_specs": (lambda c: c.cmc_contract_specs("BTC_USDT"), {"symbol": "BTC_USDT"}),
    "cmc_depth": (lambda c: c.cmc_depth("BTC_USDT"), {"symbol": "BTC_USDT"}),
    "cg_contracts": (lambda c: c.cg_contracts(), {}),
    "cg_contract_specs": (lambda c: c.cg_contract_specs("BTC_USDT"), {"ticker_id": "BTC_USDT"}),
    "cg_depth": (lambda c: c.cg_depth("BTC_USDT", depth=20), {"ticker_id": "BTC_USDT", "depth": "20"}),
    "create_order": (
        lambda c: c.create_order(
            new_order(order_side="SELL", reduce_only=True, position_id=ID, market_order_level=5, **EXITS)
        ),
        BTC | EXITS_SENT | {
            "orderSide": "SELL", "positionSide": "LONG", "origQty": "10", "leverage": "20", "orderType": "LIMIT",
            "price": "89000.1", "timeInForce": "GTC", "reduceOnly": "true", "clientOrderId": "abc123",
            "positionId": ID, "marketOrderLevel": "5",
        },
    ),
    "create_orders": (
        lambda c: c.create_orders([new_order(position_id=ID)], cancels=[("eth_usdt", ID)]),
        {
            "list": (
                '[{"isCreate":true,"price":89000.1,"symbol":"btc_usdt","orderType":"LIMIT","orderSide":"BUY",'
                '"positionSide":"LONG","origQty":10,"timeInForce":"GTC","clientOrderId":"abc123",'
                f'"positionId":{ID}}},{{"isCreate":false,"orderId":{ID},"symbol":"eth_usdt"}}]'
            )
        },
    ),
    "cancel_order": (lambda c: c.cancel_order(int(ID), symbol="btc_usdt"), BTC | {"orderId": ID}),
    "cancel_orders": (lambda c: c.cancel_orders([ID, 7]), {"orders": f'["{ID}","7"]'}),
    "cancel_all_orders": (lambda c: c.cancel_all_orders(symbol="btc_usdt"), BTC),
    "orders": (
        lambda c: c.orders(symbol="btc_usdt", state="UNFINISHED", **PAGE),
        BTC | PAGE_SENT | {"state": "UNFINISHED"},
    ),
    "order_history": (
        lambda c: c.order_history(symbol="btc_usdt", **CURSOR, **SPAN), BTC | CURSOR_SENT | SPAN_SENT,
    ),
    "order": (lambda c: c.order(ID), {"orderId": ID}),
    "fills": (lambda c: c.fills(order_id=ID, symbol="btc_usdt", **PAGE), BTC | PAGE_SENT | {"orderId": ID}),
    "open_orders": (lambda c: c.open_orders("btc_usdt", "SELL"), BTC | {"direction": "SELL"}),
    "open_orders_of": (lambda c: c.open_orders_of(["btc_usdt", "eth_usdt"]), {"list": "btc_usdt,eth_usdt"}),
    "orders_by_ids": (lambda c: c.orders_by_ids([ID, 7]), {"ids": f"{ID},7"}),
    "positions": (lambda c: c.positions(symbol="btc_usdt"), BTC),
    "set_leverage": (lambda c: c.set_leverage("btc_usdt", 20), BTC | {"leverage": "20"}),
    "change_margin": (
        lambda c: c.change_margin("btc_usdt", "SHORT", ID, "100.00", "SUB"),
        BTC | {"positionSide": "SHORT", "positionId": ID, "margin": "100.00", "type": "SUB"},
    ),
    "close_all_positions": (lambda c: c.close_all_positions(symbol="btc_usdt"), BTC),
    "change_position_type": (
        lambda c: c.change_position_type("btc_usdt", "ISOLATED", "DISAGGREGATION"),
        BTC | {"positionType": "ISOLATED", "positionModel": "DISAGGREGATION"},
    ),
    "create_plan": (
        lambda c: c.create_plan(
            NewPlan(
                symbol="btc_usdt", entrust_type="STOP", order_side="SELL", position_side="LONG", orig_qty=3,
                stop_price="44500.00", trigger_price_type="MARK_PRICE", price=45_000, market_order_level=2,
                position_id=ID, expire_time=MS,
            )
        ),
        BTC | {
            "entrustType": "STOP", "orderSide": "SELL", "positionSide": "LONG", "origQty": "3",
            "stopPrice": "44500.00", "triggerPriceType": "MARK_PRICE", "timeInForce": "GTC", "price": "45000",
            "marketOrderLevel": "2", "positionId": ID, "expireTime": str(MS),
        },
    ),
    "create_profit_stop": (
        lambda c: c.create_profit_stop(
            NewProfitStop(
                symbol="btc_usdt", orig_qty=0, position_id=ID, order_side="SELL", position_side="LONG",
                trigger_price_type="LATEST_PRICE", reduce_only=False, profit_flag=2, expire_time=MS, **EXITS,
            )
        ),
        BTC | EXITS_SENT | {
            "origQty": "0", "positionId": ID, "orderSide": "SELL", "positionSide": "LONG",
            "triggerPriceType": "LATEST_PRICE", "reduceOnly": "false", "profitFlag": "2", "expireTime": str(MS),
        },
    ),
    "cancel_plan": (lambda c: c.cancel_plan(ID), {"entrustId": ID}),
    "cancel_profit_stop": (lambda c: c.cancel_profit_stop(ID), {"profitId": ID}),
    "update_profit_stop": (
        lambda c: c.update_profit_stop(
            ProfitStopChange(
                profit_id=ID, trigger_price_type="MARK_PRICE", orig_qty="2", profit_flag=1, **EXITS
            )
        ),
        EXITS_SENT | {"profitId": ID, "triggerPriceType": "MARK_PRICE", "origQty": "2", "profitFlag": "1"},
    ),
    "cancel_all_plans": (lambda c: c.cancel_all_plans(symbol="btc_usdt"), BTC),
    "cancel_all_profit_stops": (lambda c: c.cancel_all_profit_stops(symbol="btc_usdt"), BTC),
    "plans": (
        lambda c: c.plans(symbol="btc_usdt", state="NOT_TRIGGERED", **CURSOR),
        BTC | CURSOR_SENT | {"state": "NOT_TRIGGERED"},
    ),
    "plan_history": (
        lambda c: c.plan_history(symbol="btc_usdt", **CURSOR, **SPAN), BTC | CURSOR_SENT | SPAN_SENT,
    ),
    "profit_stops": (
        lambda c: c.profit_stops(symbol="btc_usdt", state="NOT_TRIGGERED", **CURSOR),
        BTC | CURSOR_SENT | {"state": "NOT_TRIGGERED"},
    ),
    "plan": (lambda c: c.plan(ID), {"entrustId": ID}),
    "profit_stop": (lambda c: c.profit_stop(ID), {"profitId": ID}),
    "order_entrusts": (
        lambda c: c.order_entrusts(kind="ENTRUST", symbol="btc_usdt", state="NEW", force_close=False, **PAGE),
        BTC | PAGE_SENT | {"type": "ENTRUST", "state": "NEW", "forceClose": "false"},
    ),
    "cancel_order_entrust": (lambda c: c.cancel_order_entrust("ENTRUST", ID), {"type": "ENTRUST", "id": ID}),
    "cancel_all_order_entrusts": (lambda c: c.cancel_all_order_entrusts(symbol="btc_usdt"), BTC),
    "balances": (lambda c: c.balances(), {}),
    "balance": (lambda c: c.balance("btc"), {"coin": "btc"}),
    "bills": (
        lambda c: c.bills(coin="usdt", symbol="btc_usdt", bill_type="FEE", **CURSOR, **SPAN),
        BTC | CURSOR_SENT | SPAN_SENT | {"coin": "usdt", "type": "FEE"},
    ),
    "listen_key": (lambda c: c.listen_key(), {}),
    "rebates": (
        lambda c: c.rebates(start=MS, end=MS + 1, symbol_id=1),
        {"rebateStartDate": str(MS), "rebateEndDate": str(MS + 1), "symbolId": "1"},
    ),
}  # fmt: skip
# Those of whose parameters some may be left out, with none but what must be given.
LEAST: dict[str, Made] = {
    "symbols": (lambda c: c.symbols(), {}),
    "depth": (lambda c: c.depth("btc_usdt"), BTC | {"level": "50"}),
    "deals": (lambda c: c.deals("btc_usdt"), BTC),
    "klines": (lambda c: c.klines("btc_usdt", "1h"), BTC | {"interval": "1h"}),
    "create_order": (
        lambda c: c.create_order(
            new_order(order_type="MARKET", price=None, time_in_force=None, client_order_id=None, orig_qty="3.0")
        ),
        BTC | {
            "orderSide": "BUY", "positionSide": "LONG", "origQty": "3", "leverage": "20", "orderType": "MARKET",
        },
    ),
    "create_plan": (
        lambda c: c.create_plan(
            NewPlan(
                symbol="btc_usdt", entrust_type="STOP_MARKET", order_side="BUY", position_side="LONG", orig_qty=3,
                stop_price=44_500, trigger_price_type="MARK_PRICE",
            )
        ),
        BTC | {
            "entrustType": "STOP_MARKET", "orderSide": "BUY", "positionSide": "LONG", "origQty": "3",
            "stopPrice": "44500", "triggerPriceType": "MARK_PRICE", "timeInForce": "GTC",
        },
    ),
    "create_profit_stop": (
        lambda c: c.create_profit_stop(
            NewProfitStop(symbol="btc_usdt", orig_qty=1, position_id=ID, trigger_stop_price=44_000)
        ),
        BTC | {"origQty": "1", "positionId": ID, "triggerStopPrice": "44000", "stopOrderType": "MARKET"},
    ),
    "cancel_order": (lambda c: c.cancel_order(ID), {"orderId": ID}),
    "cancel_all_orders": (lambda c: c.cancel_all_orders(), {}),
    "close_all_positions": (lambda c: c.close_all_positions(), {}),
    "orders": (lambda c: c.orders(), {}),
    "fills": (lambda c: c.fills(), {}),
    "positions": (lambda c: c.positions(), {}),
    "rebates": (lambda c: c.rebates(), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
async def test_each_call_is_as_documented_and_answers_with_what_was_sent(name: str) -> None:
    assert await asked(name, *CALLS[name]) == decoded(name)


@pytest.mark.parametrize("name", LEAST)
async def test_what_is_left_out_is_not_sent(name: str) -> None:
    assert await asked(name, *LEAST[name]) == decoded(name)


async def asked(name: str, make: Any, parameters: dict[str, Any]) -> Any:
    """Makes a call, holds what was sent against the document, and returns the answer."""
    row = methods()[name]
    async with client_at(has_key=not row.is_public) as (client, venue):
        venue.answer_as(example(name))
        answer = await make(client)
        call = venue.call
    assert (call.verb, call.path) == (row.verb, "/futures" + row.path)
    assert call.is_signed is not row.is_public
    assert call.parameters == parameters
    return answer


def test_all_parameters_of_the_document_are_tried() -> None:
    assert set(CALLS) == set(methods())
    for name, row in methods().items():
        assert set(CALLS[name][1]) == set(row.parameters), name


def test_a_batch_is_the_json_that_the_document_shows() -> None:
    create, cancel = json.loads(CALLS["create_orders"][1]["list"])
    assert (create["price"], create["origQty"], create["positionId"]) == (89000.1, 10, int(ID))
    assert cancel == {"isCreate": False, "orderId": int(ID), "symbol": "eth_usdt"}
