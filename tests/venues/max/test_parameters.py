"""What is not written as the venue writes it is not sent, and says so."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.max.client_rig import client_at
from venues.errors import BadRequest
from venues.max import Client
from venues.max.parameters import Value, client_oid_of, exactly_one, figure_of, flat, market_of

D = Decimal
MS = 1_700_000_000_000

WRONG: dict[str, Callable[[Client], Coroutine[Any, Any, Any]]] = {
    "no order named": lambda c: c.cancel_order(),
    "two orders named": lambda c: c.cancel_order(order_id=1, client_oid="a"),
    "order 0": lambda c: c.cancel_order(order_id=0),
    "an order's id that is a bool": lambda c: c.cancel_order(order_id=True),
    "an empty client_oid": lambda c: c.cancel_order(client_oid=""),
    "no order looked up": lambda c: c.order(),
    "no order's trades": lambda c: c.order_trades(),
    "a client_oid of 37": lambda c: c.create_order("btctwd", "buy", "1", price="1", client_oid="a" * 37),
    "a client_oid with a blank": lambda c: c.create_order("btctwd", "buy", "1", price="1", client_oid="a b"),
    "an empty market": lambda c: c.create_order("", "buy", "1", price="1"),
    "a market with more": lambda c: c.create_order("btctwd&side=sell", "buy", "1", price="1"),
    "no side": lambda c: c.create_order("btctwd", "bid", "1", price="1"),
    "a volume of zero": lambda c: c.create_order("btctwd", "buy", D(0), price="1"),
    "a volume below zero": lambda c: c.create_order("btctwd", "buy", D(-1), price="1"),
    "a volume with an exponent": lambda c: c.create_order("btctwd", "buy", "1e3", price="1"),
    "a price that is none": lambda c: c.create_order("btctwd", "buy", "1", price=D("NaN")),
    "a limit order without a price": lambda c: c.create_order("btctwd", "buy", "1", ord_type="limit"),
    "an order without type and price": lambda c: c.create_order("btctwd", "buy", "1"),
    "a market order with a price": lambda c: c.create_order("btctwd", "buy", "1", price="1", ord_type="market"),
    "a stop without a stop": lambda c: c.create_order("btctwd", "buy", "1", ord_type="stop_market"),
    "a stop that is none": lambda c: c.create_order("btctwd", "buy", "1", price="1", stop_price="1"),
    "a group of zero": lambda c: c.create_order("btctwd", "buy", "1", price="1", group_id=0),
    "a group too large": lambda c: c.cancel_orders(group_id=2**31),
    "another wallet": lambda c: c.cancel_orders(wallet_type="spot/../m"),
    "no amount": lambda c: c.create_convert(from_currency="btc", to_currency="usdt"),
    "both amounts": lambda c: c.create_convert(
        from_currency="btc", to_currency="usdt", from_amount="1", to_amount="1"
    ),
    "no direction": lambda c: c.create_m_wallet_transfer(currency="eth", amount="1", side="buy"),
    "a currency of another case": lambda c: c.create_m_wallet_loan(currency="ETH", amount="1"),
    "no deposit named": lambda c: c.deposit(),
    "no tickers": lambda c: c.tickers([]),
    "a period of two minutes": lambda c: c.kline("btctwd", period=2),
    "too many candles": lambda c: c.kline("btctwd", limit=10_001),
    "a candle in milliseconds": lambda c: c.kline("btctwd", timestamp=MS),
    "a trade in seconds": lambda c: c.trades("btctwd", timestamp=MS // 1000),
    "a list in seconds": lambda c: c.deposits(timestamp=MS // 1000),
    "too many levels": lambda c: c.depth("btctwd", limit=301),
    "too many rows": lambda c: c.converts(limit=1_001),
    "no rows": lambda c: c.converts(limit=0),
    "another order": lambda c: c.converts(order="up"),
    "another order of orders": lambda c: c.open_orders(order_by="up"),
    "another state": lambda c: c.withdrawals(state="lost"),
    "more than 30 days": lambda c: c.m_wallet_historical_index_prices(
        "usdttwd", start_time=MS, end_time=MS + 31 * 86_400_000
    ),
    "an end before its start": lambda c: c.m_wallet_historical_index_prices(
        "usdttwd", start_time=MS, end_time=MS - 1
    ),
    "a number with a path": lambda c: c.convert("../order"),
    "a path with a query": lambda c: c.request("GET", "/api/v3/x?a=b", auth=True),
    "a path upwards": lambda c: c.request("GET", "/../x"),
    "an unsigned command": lambda c: c.request("POST", "/order"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_wrong_is_not_sent(what: str) -> None:
    async with client_at() as (client, venue):
        with pytest.raises(BadRequest):
            await WRONG[what](client)
        assert venue.calls == []


@given(value=st.decimals(min_value="1e-18", max_value="1e18", places=18))
def test_prices_and_sizes_go_out_exactly(value: Decimal) -> None:
    sent = figure_of(value, "a price")
    assert Decimal(sent) == value
    assert not set(sent) - set("0123456789.")


@given(text=st.text(max_size=50))
def test_no_text_slips_into_another_parameter(text: str) -> None:
    for check in (market_of, client_oid_of, lambda each: figure_of(each, "a figure")):
        try:
            sent = check(text)
        except BadRequest:
            continue
        assert sent == text
        assert sent.isascii()
        assert not set(sent) & set("&=?/#% \n")


def test_a_query() -> None:
    parameters: dict[str, Value] = {"a": True, "b": 3, "c": "x", "d": ["p", "q"]}
    assert flat(parameters) == [("a", "true"), ("b", "3"), ("c", "x"), ("d[]", "p"), ("d[]", "q")]
    assert exactly_one("x", a=None, b=0) == {"b": 0}
    with pytest.raises(BadRequest, match="a and b"):
        exactly_one("x", a=1, b=2)
