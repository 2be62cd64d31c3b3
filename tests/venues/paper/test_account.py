"""One account on its own: funds, positions, margin, liquidation price, state."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.paper.exchange_setup import BUY, ETH_PERP, ME, PERP, SELL, SPOT, D, perpetual, spot
from venues.errors import InsufficientFunds, OrderRejected
from venues.model import InstrumentKind, Liquidity, MarginMode, Side
from venues.paper.account import Account
from venues.paper.ledger import FEES, HOUSE, INSURANCE, Ledger, money
from venues.paper.margin import Hold

LISTED = {one.id: one for one in (spot(), perpetual(), perpetual(id=ETH_PERP))}
TAKER = Liquidity.TAKER


def account(usdt: str = "1000", btc: str = "0") -> tuple[Account, Ledger]:
    ledger = Ledger()
    made = Account(ME, ledger, LISTED)
    made.deposit("USDT", D(usdt))
    made.deposit("BTC", D(btc))
    return made, ledger


def trade(made: Account, side: Side, price: str, quantity: str, now: int = 1) -> Decimal:
    """A taker fill on the perpetual; returns the realised profit."""
    return made.apply_fill(PERP, side, D(price), D(quantity), TAKER, now).realized_pnl


def test_ledger_adds_exactly_and_refuses_to_round() -> None:
    ledger = Ledger()
    ledger.deposit(ME, "USDT", D("1e20"))
    ledger.transfer(ME, FEES, "USDT", D("1e-12"))
    assert ledger.cash(ME, "USDT") == D("99999999999999999999.999999999999")
    assert ledger.sums() == {"USDT": D("1e20")}
    assert Ledger.from_state(json.loads(json.dumps(ledger.to_state()))).to_state() == ledger.to_state()


def test_money_has_twelve_digits_after_the_point() -> None:
    assert money(D(2) / 3) == D("0.666666666667")
    assert str(money(D("1.50"))) == "1.50"


def test_spot_fill_moves_both_currencies_and_the_fee() -> None:
    made, ledger = account("1000", "1")
    settled = made.apply_fill(SPOT, BUY, D(100), D(2), TAKER, 1)
    assert (settled.fee, settled.fee_currency, settled.realized_pnl) == (D("0.4"), "USDT", D(0))
    assert (made.total("USDT"), made.total("BTC")) == (D("799.6"), D(3))
    made.apply_fill(SPOT, SELL, D(110), D(3), Liquidity.MAKER, 1)
    assert (made.total("USDT"), made.total("BTC")) == (D("1129.27"), D(0))
    assert ledger.cash(FEES, "USDT") == D("0.73")
    assert ledger.sums() == {"USDT": D(1000), "BTC": D(1)}


def test_spot_orders_lock_quote_with_fee_or_base() -> None:
    made, _ = account("1000", "5")
    made.hold(SPOT, [Hold(BUY, D(100), D(2)), Hold(SELL, D(200), D(3))])
    assert (made.locked("USDT"), made.locked("BTC")) == (D("200.4"), D(3))
    balance = made.balance("USDT")
    assert balance.total == balance.available + balance.locked
    made.hold(SPOT, [])
    assert (made.locked("USDT"), made.locked("BTC")) == (D(0), D(0))


def test_insufficient_funds_say_what_is_needed_and_what_is_there() -> None:
    made, _ = account("100")
    made.require(SPOT, BUY, [Hold(BUY, D(99), D(1))])
    with pytest.raises(InsufficientFunds, match=r"needs 100\.2 USDT, 100 USDT is available") as caught:
        made.require(SPOT, BUY, [Hold(BUY, D(100), D(1))])
    assert caught.value.code == "INSUFFICIENT_FUNDS"
    with pytest.raises(InsufficientFunds, match="needs 1 BTC, 0 BTC is available"):
        made.require(SPOT, SELL, [], taken=D(1), value=D(100), peak=D(100))
    with pytest.raises(InsufficientFunds, match="needs 1002000000000000000000000 USDT"):
        made.require(SPOT, BUY, [Hold(BUY, D(10) ** 12, D(10) ** 12)])
    made.hold(SPOT, [Hold(BUY, D(90), D(1))])
    with pytest.raises(InsufficientFunds, match=r"9\.82 USDT is available"):
        made.require(PERP, BUY, [Hold(BUY, D(10), D(1))])


def test_position_entry_profit_and_flip() -> None:
    made, ledger = account()
    assert trade(made, BUY, "100", "2") == 0
    assert trade(made, BUY, "130", "1") == 0
    position = made.position(PERP)
    assert position is not None
    assert (position.quantity, position.entry_price, position.position_id) == (D(3), D(110), "net")
    assert trade(made, SELL, "120", "1") == D(10)
    assert trade(made, SELL, "100", "5", now=7) == D(-20)
    flipped = made.position(PERP)
    assert flipped is not None
    assert (flipped.quantity, flipped.entry_price, flipped.realized_pnl) == (D(-3), D(100), D(0))
    assert (flipped.ts_opened, flipped.fees) == (7, D("0.15"))
    assert trade(made, BUY, "90", "3", now=9) == D(30)
    closed = made.position(PERP)
    assert closed is not None
    assert (closed.quantity, closed.margin, closed.realized_pnl, closed.ts_event) == (D(0), D(0), D(30), 9)
    assert made.positions() == ()
    assert made.total("USDT") == 1000 + 20 - ledger.cash(FEES, "USDT")
    assert ledger.cash(HOUSE, "USDT") == D(-20)


def test_profit_is_exact_where_the_entry_is_not() -> None:
    made, ledger = account()
    trade(made, BUY, "100", "1")
    trade(made, BUY, "100.5", "2")
    profits = [
        trade(made, SELL, "100", "0.07"),
        trade(made, SELL, "100", "1.22"),
        trade(made, SELL, "100", "1.71"),
    ]
    assert sum(profits) == D(-1)
    assert ledger.sums() == {"USDT": D(1000), "BTC": D(0)}


def test_position_margin_is_locked_and_released_in_proportion() -> None:
    made, _ = account()
    made.set_leverage(PERP, D(10), MarginMode.CROSS)
    trade(made, BUY, "100", "4")
    assert made.locked("USDT") == D(40)
    trade(made, SELL, "100", "1")
    assert made.locked("USDT") == D(30)


def test_orders_that_only_close_lock_nothing() -> None:
    made, _ = account()
    made.set_leverage(PERP, D(10), MarginMode.CROSS)
    trade(made, BUY, "100", "4")
    margin = made.locked("USDT")
    made.hold(PERP, [Hold(SELL, D(110), D(4)), Hold(SELL, D(105), D(4), reduce_only=True)])
    assert made.locked("USDT") == margin
    made.hold(PERP, [Hold(SELL, D(110), D(4)), Hold(SELL, D(105), D(3))])
    opening = 3 * D(110)
    assert made.locked("USDT") == margin + opening / 10 + opening * D("0.0005"), "105 closes first"
    made.require(PERP, SELL, [], taken=D(4), value=D(400), peak=D(100))


def test_unrealised_loss_is_not_free_and_neither_is_profit() -> None:
    made, _ = account()
    trade(made, BUY, "100", "5")
    made.set_mark(PERP, D(90))
    assert made.free("USDT") == made.available("USDT") - 50
    made.set_mark(PERP, D(190))
    assert made.free("USDT") == made.available("USDT")
    assert made.equity("USDT") == made.total("USDT") + 450


@pytest.mark.parametrize(
    ("side", "quantity", "expected"),
    # At 10x a unit has a margin of 10: 10 + (p - 100) = 0.01 p gives 90.9, and 10 + (100 - p) = 0.01 p 108.9.
    [(BUY, "2", "91.0"), (SELL, "2", "109.0")],
)
def test_isolated_liquidation_price(side: Side, quantity: str, expected: str) -> None:
    made, _ = account()
    made.set_leverage(PERP, D(10), MarginMode.ISOLATED)
    trade(made, side, "100", quantity)
    position = made.position(PERP)
    assert position is not None
    assert (position.liquidation_price, position.liquidation_is_estimate) == (D(expected), False)
    step = D("0.5") * side.sign
    made.set_mark(PERP, D(expected) + step)
    assert not made.is_isolated_due(PERP)
    made.set_mark(PERP, D(expected) - step)
    assert made.is_isolated_due(PERP)


def test_cross_liquidation_price_counts_all_equity() -> None:
    made, _ = account("100")
    made.set_leverage(PERP, D(10), MarginMode.CROSS)
    made.set_leverage(ETH_PERP, D(10), MarginMode.CROSS)
    trade(made, BUY, "100", "2")
    made.apply_fill(ETH_PERP, SELL, D(50), D(2), TAKER, 1)
    made.set_mark(PERP, D(100))
    made.set_mark(ETH_PERP, D(50))
    position = made.position(PERP)
    assert position is not None
    assert position.liquidation_is_estimate
    price = position.liquidation_price
    assert price is not None
    made.set_mark(PERP, price + 1)
    assert not made.is_cross_due("USDT")
    made.set_mark(PERP, price - 1)
    assert made.is_cross_due("USDT")
    assert made.cross_positions("USDT") == (PERP, ETH_PERP)


@pytest.mark.parametrize(("price", "insurance"), [("91", "0.91"), ("85", "-10")])
def test_isolated_liquidation_costs_at_most_the_margin(price: str, insurance: str) -> None:
    made, ledger = account()
    made.set_leverage(PERP, D(10), MarginMode.ISOLATED)
    trade(made, BUY, "100", "2")
    before = made.available("USDT")
    settled = made.liquidate(PERP, D(price), D("0.005"), 5)
    assert settled.realized_pnl == 2 * (D(price) - 100)
    assert made.positions() == ()
    assert ledger.cash(INSURANCE, "USDT") == D(insurance)
    assert made.available("USDT") == before + max(D(0), 20 + settled.realized_pnl - settled.fee)
    assert ledger.sums()["USDT"] == D(1000)


def test_insurance_covers_a_cross_debt_once_nothing_is_open() -> None:
    made, ledger = account("100")
    made.set_leverage(PERP, D(10), MarginMode.CROSS)
    trade(made, BUY, "100", "5")
    made.set_mark(PERP, D(70))
    assert made.cover("USDT") == 0, "the position is still open"
    made.liquidate(PERP, D(70), D("0.005"), 5)
    assert made.cover("USDT") == D("50.25")
    assert made.total("USDT") == 0
    assert ledger.sums()["USDT"] == D(100)


def test_funding_goes_to_the_isolated_margin() -> None:
    made, ledger = account()
    made.set_leverage(PERP, D(10), MarginMode.ISOLATED)
    trade(made, BUY, "100", "2")
    available = made.available("USDT")
    assert made.apply_funding(PERP, D("0.01"), D(100), 3) == D(-2)
    position = made.position(PERP)
    assert position is not None
    assert (position.margin, position.funding) == (D(18), D(-2))
    assert made.available("USDT") == available
    assert ledger.cash(HOUSE, "USDT") == D(2)
    trade(made, SELL, "100", "1")
    halved = made.position(PERP)
    assert halved is not None
    assert halved.margin == D(9)


@pytest.mark.parametrize(
    ("code", "leverage", "mode"),
    [
        ("LEVERAGE_RANGE", "51", MarginMode.CROSS),
        ("LEVERAGE_RANGE", "0.5", MarginMode.CROSS),
        ("MARGIN_MODE", "10", MarginMode.ISOLATED),
        ("INSUFFICIENT_FUNDS", "2", MarginMode.CROSS),
    ],
)
def test_leverage_refusals_change_nothing(code: str, leverage: str, mode: MarginMode) -> None:
    made, _ = account("100")
    made.set_leverage(PERP, D(10), MarginMode.CROSS)
    trade(made, BUY, "100", "5")
    before = made.position(PERP), made.balances()
    with pytest.raises(OrderRejected) as caught:
        made.set_leverage(PERP, D(leverage), mode)
    assert caught.value.code == code
    assert (made.position(PERP), made.balances()) == before


def test_isolated_leverage_that_would_liquidate_is_refused() -> None:
    made, _ = account()
    made.set_leverage(PERP, D(5), MarginMode.ISOLATED)
    trade(made, BUY, "100", "2")
    made.set_mark(PERP, D(95))
    with pytest.raises(OrderRejected, match="would be liquidated"):
        made.set_leverage(PERP, D(50), MarginMode.ISOLATED)
    assert made.leverage(PERP) == (D(5), MarginMode.ISOLATED)
    with pytest.raises(OrderRejected, match="spot: it has no leverage"):
        made.set_leverage(SPOT, D(2), MarginMode.CROSS)


def test_inverse_perpetuals_are_refused() -> None:
    inverse = perpetual(kind=InstrumentKind.INVERSE_PERPETUAL)
    with pytest.raises(ValueError, match="inverse"):
        Account(ME, Ledger(), {inverse.id: inverse})


def test_state_survives_json() -> None:
    made, ledger = account()
    made.set_leverage(PERP, D(10), MarginMode.ISOLATED)
    trade(made, BUY, "100", "1")
    trade(made, BUY, "100.5", "2", now=5)
    made.apply_funding(PERP, D("0.0001"), D(101), 6)
    made.set_mark(PERP, D(101))
    state: dict[str, Any] = json.loads(json.dumps({"account": made.to_state(), "ledger": ledger.to_state()}))
    again = Account.from_state(state["account"], ME, Ledger.from_state(state["ledger"]), LISTED)
    assert (again.positions(), again.balances()) == (made.positions(), made.balances())
    assert again.leverage(PERP) == made.leverage(PERP)
    trade(made, SELL, "100", "3")
    trade(again, SELL, "100", "3")
    assert again.balances() == made.balances()
    listed_no_more = Account.from_state(state["account"], ME, Ledger(), {SPOT: spot()})
    assert listed_no_more.positions() == ()
