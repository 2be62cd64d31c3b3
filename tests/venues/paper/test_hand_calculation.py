"""Liquidation, funding and fees against figures worked out by hand, both sides and both margin modes."""

from __future__ import annotations

import pytest

from tests.venues.paper.exchange_setup import BUY, ME, PERP, SELL, D, exchange, of_kind, quote, request
from venues.events import PositionUpdate
from venues.model import NANOSECONDS, MarginMode, OrderType, Position, Side
from venues.paper.exchange import PaperExchange

HOUR = 3600 * NANOSECONDS


def opened(side: Side, mode: MarginMode, deposit: str = "100") -> PaperExchange:
    """Returns an exchange on which 2 BTC were traded at 100 with 10x."""
    paper = exchange(deposits={ME: {"USDT": D(deposit)}})
    quote(paper, PERP, "100", "100.5", "50")
    paper.set_index(PERP, D(100))
    if side is BUY:
        # The house sells at 100 as well, once its bids there are gone.
        for number in list(paper._clearing.flow):
            paper.flow_cancel(number)
        quote(paper, PERP, "99.5", "100", "50")
    paper.submit(ME, request("a", side, "2", instrument=PERP, leverage=D(10), margin_mode=mode))
    return paper


def position(paper: PaperExchange) -> Position:
    (found,) = paper.positions(ME)
    return found


def mark_at(paper: PaperExchange, price: str) -> None:
    for number in list(paper._clearing.flow):
        paper.flow_cancel(number)
    quote(paper, PERP, str(D(price) - D("0.5")), str(D(price) + D("0.5")), "500")
    paper.set_index(PERP, D(price))


@pytest.mark.parametrize(
    ("side", "mode", "shown", "alive", "gone"),
    [
        # Margin 20. Long: 20 + 2 (p - 100) = 0.02 p, p = 90.909. Short: 20 + 2 (100 - p) = 0.02 p, p = 108.911.
        (BUY, MarginMode.ISOLATED, "91.0", "91", "90.5"),
        (SELL, MarginMode.ISOLATED, "109.0", "108.5", "109"),
        # All 100 less the taker's fee of 0.1 stand behind it. Long: 99.9 + 2 (p - 100) = 0.02 p, p = 50.556.
        (BUY, MarginMode.CROSS, "50.5", "51", "50.5"),
        # Short: 99.9 + 2 (100 - p) = 0.02 p, p = 148.465.
        (SELL, MarginMode.CROSS, "148.5", "148", "148.5"),
    ],
)
def test_liquidation_is_where_it_was_said(side: Side, mode: MarginMode, shown: str, alive: str, gone: str) -> None:
    paper = opened(side, mode)
    held = position(paper)
    assert (held.quantity, held.entry_price, held.margin) == (D(2) * side.sign, D(100), D(20))
    assert held.liquidation_price == D(shown)
    mark_at(paper, alive)
    assert paper.positions(ME)
    mark_at(paper, gone)
    assert paper.positions(ME) == ()


@pytest.mark.parametrize(
    ("side", "rate", "received"),
    [(BUY, "0.01", "-2"), (SELL, "0.01", "2"), (BUY, "-0.01", "2"), (SELL, "-0.01", "-2")],
)
def test_longs_pay_a_positive_rate_to_shorts(side: Side, rate: str, received: str) -> None:
    paper = opened(side, MarginMode.CROSS)
    mark_at(paper, "100")
    paper.set_funding_rate(PERP, D(rate))
    before = paper.account(ME).total("USDT")
    mark = paper.mark(PERP)
    assert mark is not None
    paper.advance(paper.now + 8 * HOUR)
    assert position(paper).funding == D(received) * mark.mark / 100
    assert paper.account(ME).total("USDT") - before == position(paper).funding


@pytest.mark.parametrize(("side", "profit"), [(BUY, "20"), (SELL, "-20")])
def test_a_round_trip_is_profit_less_both_fees(side: Side, profit: str) -> None:
    paper = opened(side, MarginMode.CROSS, "1000")
    mark_at(paper, "110.5" if side is BUY else "109.5")
    paper.submit(ME, request("b", side.opposite, "2", instrument=PERP, reduce_only=True))
    # 2 at 100 and 2 at 110, the taker pays 0.05 %.
    assert paper.account(ME).total("USDT") == 1000 + D(profit) - D("0.1") - D("0.11")


def test_leverage_that_comes_with_a_waiting_order_is_told() -> None:
    paper = opened(BUY, MarginMode.CROSS)
    paper.drain()
    stop = request("s", SELL, "1", instrument=PERP, type=OrderType.STOP, trigger_price=D(90), leverage=D(5))
    paper.submit(ME, stop)
    (told,) = of_kind(paper.drain(), PositionUpdate)
    assert told.position == position(paper)
    assert (told.position.leverage, told.position.margin) == (D(5), D(40))
