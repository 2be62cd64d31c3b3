"""What a venue may choose of the local exchange: orders that meet their own, and stops that keep their number."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.venues.simulators.coinex_rest import TurnedClock, limit_wish
from venues.errors import OrderRejected
from venues.model import Liquidity, OrderStatus, Side
from venues.simulators.coinex.markets import listings
from venues.simulators.core import LocalExchange

D = Decimal
DEPOSITS = {"USDT": D(1_000_000), "BTC": D(10)}


def make_market(**options: Any) -> LocalExchange:
    """Returns a market of which the crowd has left the book."""
    market = LocalExchange(
        listings(("BTCUSDT",)), venue="coinex", clock=TurnedClock(), deposits=DEPOSITS, rate=0, **options
    )
    market.act({"do": "clear", "symbol": "BTCUSDT"})
    return market


@pytest.mark.parametrize("allows", [True, False])
def test_whether_orders_of_one_user_trade_with_each_other(allows: bool) -> None:
    market = make_market(allows_self_trade=allows)
    resting = market.place(limit_wish("BTCUSDT", Side.SELL, "2", "60000"))
    taking = market.place(limit_wish("BTCUSDT", Side.BUY, "1.5", "60000"))
    if not allows:
        assert market.order(resting.id).status is OrderStatus.CANCELED
        assert (taking.status, market.fills()) == (OrderStatus.NEW, [])
        return
    bought, sold = market.fills()
    assert taking.status is OrderStatus.FILLED and market.order(resting.id).left == D("0.5")
    assert bought.trade_id == sold.trade_id
    assert (bought.order_id, bought.liquidity) == (taking.id, Liquidity.TAKER)
    assert (sold.order_id, sold.liquidity) == (resting.id, Liquidity.MAKER)
    btc, usdt = market.balance(0, "BTC"), market.balance(0, "USDT")
    assert (btc.total, btc.locked) == (D(10), D("0.5"))
    assert usdt.total == DEPOSITS["USDT"] - bought.fee - sold.fee


def test_what_closes_over_oneself_is_still_refused_where_it_may_only_make() -> None:
    market = make_market(allows_self_trade=True)
    market.place(limit_wish("BTCUSDT", Side.SELL, "1", "60000"))
    with pytest.raises(OrderRejected):
        market.place(limit_wish("BTCUSDT", Side.BUY, "1", "60000", post_only=True))
    assert market.fills() == []


@pytest.mark.parametrize("keeps", [True, False])
def test_whether_a_stop_keeps_its_number(keeps: bool) -> None:
    market = make_market(stops_keep_number=keeps)
    number = market.take_number()
    last = market.last("BTCUSDT")
    stop = market.place_stop(limit_wish("BTCUSDT", Side.BUY, "1", "50000"), last + 100, number=number)
    assert stop.id == number
    market.act({"do": "quote", "symbol": "BTCUSDT", "side": "sell", "price": str(last + 100), "quantity": "1"})
    market.act({"do": "trade", "symbol": "BTCUSDT", "side": "buy", "quantity": "1"})
    (order,) = market.open_orders()
    assert (order.id == number) is keeps and order.stop_id == number
    assert market.stops.ended[number].order_id == order.id
    assert market.place(limit_wish("BTCUSDT", Side.BUY, "1", "40000")).id > order.id


def test_an_order_takes_the_number_that_was_taken_for_it() -> None:
    market = make_market()
    first, second = market.take_number(), market.take_number()
    assert market.place(limit_wish("BTCUSDT", Side.BUY, "1", "40000"), number=second).id == second == first + 1
    assert market.place(limit_wish("BTCUSDT", Side.BUY, "1", "40000"), number=first).id == first
    assert market.place(limit_wish("BTCUSDT", Side.BUY, "1", "40000")).id == second + 1


@pytest.mark.parametrize("of_received", [True, False])
def test_what_a_fee_is_paid_in(of_received: bool) -> None:
    market = make_market(takes_fee_of_received=of_received)
    resting = market.place(limit_wish("BTCUSDT", Side.BUY, "1", "60000"))
    assert market.balance(0, "USDT").locked == (60_000 if of_received else 60_120)
    market.act({"do": "trade", "symbol": "BTCUSDT", "side": "sell", "quantity": "1"})
    market.act({"do": "quote", "symbol": "BTCUSDT", "side": "buy", "price": "61000", "quantity": "1"})
    market.place(limit_wish("BTCUSDT", Side.SELL, "0.5", "61000"))
    sold, bought = market.fills()
    assert (sold.fee, sold.fee_currency) == (D(61), "USDT")
    assert (bought.fee, bought.fee_currency) == ((D("0.0016"), "BTC") if of_received else (D(96), "USDT"))
    assert market.order(resting.id).fee_currency == bought.fee_currency
    btc, usdt = market.balance(0, "BTC"), market.balance(0, "USDT")
    paid = {"BTC": D(0), "USDT": sold.fee}
    paid[bought.fee_currency] += bought.fee
    assert (btc.total, usdt.total) == (D("10.5") - paid["BTC"], DEPOSITS["USDT"] - 29_500 - paid["USDT"])
    last = {row.currency: row.balance for row in market.accounts.history}
    assert last == {"BTC": btc.total, "USDT": usdt.total}
    changes = {name: sum(row.change for row in market.accounts.history if row.currency == name) for name in last}
    assert changes == {"BTC": btc.total - DEPOSITS["BTC"], "USDT": usdt.total - DEPOSITS["USDT"]}


def test_the_fee_of_what_is_received_needs_no_money_beside_it() -> None:
    market = make_market(takes_fee_of_received=True)
    market.act({"do": "quote", "symbol": "BTCUSDT", "side": "sell", "price": "1000000", "quantity": "1"})
    order = market.place(limit_wish("BTCUSDT", Side.BUY, "1", "1000000"))
    assert order.status is OrderStatus.FILLED
    assert (market.balance(0, "USDT").total, market.balance(0, "BTC").total) == (D(0), D("10.998"))
