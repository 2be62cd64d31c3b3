"""Perpetuals on the paper exchange: marks, reduce-only, attached exits, funding, liquidation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues.paper.exchange_setup import (
    BUY,
    ETH_PERP,
    ME,
    PERP,
    SELL,
    SPOT,
    START,
    D,
    amend_request,
    exchange,
    of_kind,
    quote,
    request,
)
from venues.commands import OrderRequest
from venues.errors import InsufficientFunds, OrderRejected
from venues.events import BalanceUpdate, FillUpdate, MarkPrice, Notice, OrderUpdate, PositionUpdate
from venues.model import NANOSECONDS, InstrumentId, MarginMode, Order, OrderStatus, OrderType, Position, Side
from venues.paper.exchange import PaperExchange
from venues.paper.ledger import FEES, HOUSE, INSURANCE

MIDNIGHT = (START // (86_400 * NANOSECONDS) + 1) * 86_400 * NANOSECONDS


def perp(client_order_id: str, side: Side, quantity: str, price: str | None = None, **rest: Any) -> OrderRequest:
    return request(client_order_id, side, quantity, price, instrument=PERP, **rest)


def market(quantity: str = "100", bid: str = "99.5", ask: str = "100.5") -> PaperExchange:
    paper = exchange()
    quote(paper, PERP, bid, ask, quantity)
    paper.set_index(PERP, D(100))
    return paper


def move(paper: PaperExchange, price: str, instrument: InstrumentId = PERP, quantity: str = "2000") -> None:
    """Takes the house's orders away, quotes half a unit around `price`, and makes it the index and the mark."""
    for number, where in list(paper._clearing.flow.items()):
        if where.id == instrument:
            paper.flow_cancel(number)
    quote(paper, instrument, str(D(price) - D("0.5")), str(D(price) + D("0.5")), quantity)
    paper.set_index(instrument, D(price))


def position(paper: PaperExchange, owner: str = ME) -> Position:
    (found,) = paper.positions(owner)
    return found


def orders(paper: PaperExchange) -> dict[str, Order]:
    return {order.client_order_id: order for order in paper.open_orders(ME)}


def test_mark_is_the_median_of_last_mid_and_index() -> None:
    paper = exchange()
    paper.set_index(PERP, D(90))
    assert [mark.mark for mark in of_kind(paper.drain(), MarkPrice)] == [D(90)]
    quote(paper, PERP, "99", "101")
    paper.advance(START + NANOSECONDS - 1)
    assert of_kind(paper.drain(), MarkPrice) == [], "marks are made on whole seconds"
    paper.flow_market(PERP, BUY, D(1))
    paper.advance(START + NANOSECONDS)
    (mark,) = of_kind(paper.drain(), MarkPrice)
    assert (mark.mark, mark.index, mark.ts_event) == (D(100), D(90), START + NANOSECONDS)
    assert (mark.funding_rate, mark.ts_next_funding) == (D("0.0001"), MIDNIGHT)
    paper.set_index(PERP, D(90))
    assert of_kind(paper.drain(), MarkPrice) == [], "only what changed is told"
    paper.set_index(PERP, D(100.5))
    assert [mark.mark for mark in of_kind(paper.drain(), MarkPrice)] == [D("100.5")]


def test_index_belongs_to_perpetuals() -> None:
    with pytest.raises(ValueError, match="no index"):
        exchange().set_index(SPOT, D(1))


def test_buying_opens_a_position_and_locks_its_margin() -> None:
    paper = market()
    paper.drain()
    paper.submit(ME, perp("a", BUY, "2", leverage=D(10)))
    held = position(paper)
    assert (held.quantity, held.entry_price, held.leverage, held.margin) == (D(2), D("100.5"), D(10), D("20.1"))
    events = paper.drain()
    (update,) = of_kind(events, PositionUpdate)
    assert update.position == held
    (balances,) = of_kind(events, BalanceUpdate)
    (usdt,) = balances.balances
    assert (usdt.total, usdt.locked) == (D(10_000) - D("0.1005"), D("20.1"))


def test_two_traders_win_and_lose_the_same() -> None:
    paper = exchange()
    paper.submit("other", perp("x", SELL, "2", "100"))
    paper.submit(ME, perp("a", BUY, "2", "100"))
    paper.submit("other", perp("y", BUY, "2", "110"))
    paper.submit(ME, perp("b", SELL, "2", "110"))
    assert [fill.realized_pnl for fill in paper.fills(ME)] == [D(0), D(20)]
    assert [fill.realized_pnl for fill in paper.fills("other")] == [D(0), D(-20)]
    assert paper.sums()["USDT"] == D(20_000)


def test_more_than_the_margin_allows_is_refused() -> None:
    paper = market("10000")
    with pytest.raises(InsufficientFunds, match="USDT is available"):
        paper.submit(ME, perp("a", BUY, "100"))
    with pytest.raises(InsufficientFunds):
        paper.submit(ME, perp("b", BUY, "101", "99.5"))
    paper.submit(ME, perp("c", BUY, "99"))
    with pytest.raises(InsufficientFunds):
        paper.submit(ME, perp("d", BUY, "1"))
    assert paper.submit(ME, perp("e", SELL, "99")).status is OrderStatus.FILLED, "closing needs no funds"


def test_reduce_only_is_cut_to_the_position_on_arrival() -> None:
    paper = market()
    paper.submit(ME, perp("a", BUY, "2"))
    order = paper.submit(ME, perp("b", SELL, "5", reduce_only=True))
    assert (order.quantity, order.status) == (D(2), OrderStatus.FILLED)
    assert paper.positions(ME) == ()
    paper.submit(ME, perp("c", BUY, "2"))
    with pytest.raises(OrderRejected, match="no position to reduce"):
        paper.submit(ME, perp("d", BUY, "1", reduce_only=True))


def test_resting_reduce_only_shrinks_with_the_position_and_goes_with_it() -> None:
    paper = market()
    paper.submit(ME, perp("a", BUY, "5"))
    paper.submit(ME, perp("r", SELL, "5", "120", reduce_only=True))
    paper.submit(ME, perp("s", SELL, "4", type=OrderType.STOP, trigger_price=D(50), reduce_only=True))
    paper.submit(ME, perp("b", SELL, "2"))
    assert {name: order.quantity for name, order in orders(paper).items()} == {"r": D(3), "s": D(3)}
    assert paper.snapshot(PERP, 5).asks[-1] == ("120.0", "3.00")
    paper.submit(ME, perp("c", SELL, "4"))
    assert position(paper).quantity == D(-1)
    assert orders(paper) == {}
    assert paper.order(ME, PERP, "r").reason == "reduce-only: the position is closed"


def test_one_sweep_through_several_own_orders_does_not_flip() -> None:
    paper = market()
    paper.submit(ME, perp("a", BUY, "5"))
    paper.submit(ME, perp("r", SELL, "5", "104", reduce_only=True))
    paper.submit(ME, perp("p", SELL, "3", "103"))
    paper.submit(ME, perp("q", SELL, "5", "105", reduce_only=True))
    paper.flow_limit(PERP, BUY, D(110), D(200))
    assert paper.positions(ME) == ()
    assert [(fill.price, fill.quantity) for fill in paper.fills(ME)[1:]] == [(D(103), D(3)), (D(104), D(2))]
    assert orders(paper) == {}
    assert paper.best_ask(PERP) is None
    assert paper.best_bid(PERP) == D(110)


def test_reduce_only_can_not_be_amended_beyond_the_position() -> None:
    paper = market()
    paper.submit(ME, perp("a", BUY, "5"))
    paper.submit(ME, perp("r", SELL, "2", "120", reduce_only=True))
    assert paper.amend(ME, amend_request("r", instrument=PERP, quantity=D(9))).quantity == D(5)


def test_triggers_of_a_perpetual_go_by_the_mark() -> None:
    paper = market()
    paper.submit(ME, perp("a", BUY, "5"))
    paper.submit(ME, perp("s", SELL, "5", type=OrderType.STOP, trigger_price=D(95), reduce_only=True))
    paper.flow_limit(PERP, BUY, D(94), D(100))
    paper.flow_limit(PERP, SELL, D(94), D("100.01"))
    assert paper.last(PERP) == D(94), "one trade alone does not move the mark"
    assert orders(paper)["s"].is_triggered is False
    paper.set_index(PERP, D(94))
    assert paper.order(ME, PERP, "s").status is OrderStatus.FILLED
    assert paper.positions(ME) == ()


@pytest.mark.parametrize(("index", "filled", "left"), [("110", "tp", "sl"), ("90", "sl", "tp")])
def test_attached_exits_follow_the_entry_and_one_cancels_the_other(index: str, filled: str, left: str) -> None:
    paper = exchange()
    paper.set_index(PERP, D(100))
    paper.submit(ME, perp("a", BUY, "3", "100", take_profit=D(110), stop_loss=D(90)))
    assert list(orders(paper)) == ["a"]
    paper.flow_limit(PERP, SELL, D(100), D(1))
    paper.flow_limit(PERP, SELL, D(100), D(2))
    exits = orders(paper)
    assert [(o.type, o.quantity, o.reduce_only, o.is_external) for o in exits.values()] == [
        (OrderType.TAKE_PROFIT, D(3), True, True),
        (OrderType.STOP, D(3), True, True),
    ]
    move(paper, index)
    assert paper.positions(ME) == ()
    assert orders(paper) == {}
    ended = {o.client_order_id[:2]: o for o in (paper.order(ME, PERP, name) for name in exits)}
    assert ended[filled].status is OrderStatus.FILLED
    assert ended[left].status is OrderStatus.CANCELED


def test_exits_close_their_entry_only() -> None:
    paper = market()
    paper.submit(ME, perp("a", BUY, "2"))
    paper.submit(ME, perp("b", BUY, "3", take_profit=D(110)))
    move(paper, "112")
    assert position(paper).quantity == D(2)
    assert orders(paper) == {}


def test_one_exit_cancels_the_other_while_the_position_stays() -> None:
    paper = market()
    paper.submit(ME, perp("a", BUY, "2"))
    paper.submit(ME, perp("b", BUY, "3", take_profit=D(110), stop_loss=D(90)))
    move(paper, "112", quantity="1")
    assert position(paper).quantity == D(4), "there was a bid for one only"
    (left,) = orders(paper).values()
    assert (left.client_order_id[:2], left.quantity) == ("sl", D(2))
    move(paper, "89")
    assert position(paper).quantity == D(2)
    assert orders(paper) == {}


@pytest.mark.parametrize(("side", "amount"), [(BUY, "-0.1"), (SELL, "0.1")])
def test_funding_is_paid_every_eight_hours(side: Side, amount: str) -> None:
    paper = market()
    paper.submit(ME, perp("a", side, "10"))
    paper.advance(MIDNIGHT - 1)
    assert position(paper).funding == 0
    cash = paper.account(ME).total("USDT")
    paper.drain()
    paper.advance(MIDNIGHT)
    assert position(paper).funding == D(amount)
    assert paper.account(ME).total("USDT") == cash + D(amount)
    events = paper.drain()
    (notice,) = of_kind(events, Notice)
    assert (notice.ts_event, notice.is_alarm) == (MIDNIGHT, False)
    assert "funding on BTC/USDT perp" in notice.text
    assert of_kind(events, PositionUpdate)[0].position.funding == D(amount)
    paper.set_funding_rate(PERP, D("-0.001"))
    paper.advance(MIDNIGHT + 16 * 3600 * NANOSECONDS)
    assert position(paper).funding == D(amount) - 20 * D(amount)
    assert paper.sums()["USDT"] == D(20_000)


def test_the_clock_does_not_go_back() -> None:
    paper = exchange()
    with pytest.raises(ValueError, match="can not go back"):
        paper.advance(START - 1)


def test_isolated_liquidation() -> None:
    paper = market()
    paper.submit(ME, perp("a", BUY, "10", leverage=D(10), margin_mode=MarginMode.ISOLATED))
    paper.submit(ME, perp("r", SELL, "10", "120", reduce_only=True))
    price = position(paper).liquidation_price
    assert price == D("91.5")
    move(paper, "91.5")
    assert position(paper).quantity == D(10)
    paper.drain()
    move(paper, "91")
    assert paper.positions(ME) == ()
    assert orders(paper) == {}
    events = paper.drain()
    (fill,) = of_kind(events, FillUpdate)
    assert (fill.fill.price, fill.fill.realized_pnl) == (D(91), D(-95))
    external = [update.order for update in of_kind(events, OrderUpdate) if update.order.is_external]
    assert (external[-1].status, external[-1].reason) == (OrderStatus.FILLED, "liquidation")
    (alarm,) = of_kind(events, Notice)
    assert alarm.is_alarm
    assert "LIQUIDATED: BTC/USDT perp +10" in alarm.text
    lost = D(10_000) - paper.account(ME).total("USDT")
    opening_fee = D(10) * D("100.5") * D("0.0005")
    assert lost == 95 + fill.fill.fee + opening_fee
    assert lost <= D("100.5") + opening_fee, "never more than the margin"


def test_cross_liquidation_takes_the_worst_first_and_cancels_orders() -> None:
    paper = market("2000")
    quote(paper, ETH_PERP, "49.5", "50.5", "100")
    paper.set_index(ETH_PERP, D(50))
    paper.submit(ME, perp("a", BUY, "900", leverage=D(50)))
    paper.submit(ME, request("e", BUY, "10", instrument=ETH_PERP, leverage=D(10)))
    paper.submit(ME, request("s", BUY, "10", "90"))
    move(paper, "90")
    assert [held.instrument for held in paper.positions(ME)] == [ETH_PERP]
    assert paper.order(ME, SPOT, "s").reason == "liquidation"
    assert paper.account(ME).equity("USDT") > 0
    assert paper.sums()["USDT"] == D(20_000)


def test_gap_beyond_all_equity_is_paid_by_insurance() -> None:
    paper = market("2000")
    paper.submit(ME, perp("a", SELL, "900", leverage=D(50)))
    move(paper, "200")
    assert paper.positions(ME) == ()
    assert paper.account(ME).total("USDT") == 0
    kept = paper.to_state()["ledger"]
    assert D(kept[INSURANCE]["USDT"]) < 0
    assert sum(D(kept[owner]["USDT"]) for owner in (ME, "other", HOUSE, FEES, INSURANCE)) == D(20_000)


def test_closing_at_a_loss_beyond_the_cash_is_paid_by_insurance() -> None:
    paper = market("2000")
    paper.submit(ME, perp("a", BUY, "900", leverage=D(50)))
    for number in (1, 2):
        paper.flow_cancel(number)
    paper.flow_limit(PERP, BUY, D(88), D(2000))
    paper.submit(ME, perp("b", SELL, "900"))
    assert paper.fills(ME)[-1].realized_pnl == D(-11_250)
    assert paper.account(ME).total("USDT") == 0
    assert paper.sums()["USDT"] == D(20_000)


def test_orders_without_funds_behind_them_are_cancelled_after_a_loss() -> None:
    paper = market("2000")
    paper.submit(ME, perp("a", BUY, "900", leverage=D(50)))
    paper.submit(ME, request("s", BUY, "75", "100"))
    for number in range(1, 3):
        paper.flow_cancel(number)
    paper.flow_limit(PERP, BUY, D(97), D(2000))
    paper.submit(ME, perp("b", SELL, "900", reduce_only=True))
    assert paper.order(ME, SPOT, "s").reason == "the account can no longer back this order"
    assert paper.account(ME).available("USDT") > 0


def test_state_gives_the_same_account_in_a_new_exchange() -> None:
    paper = market()
    paper.submit(ME, perp("a", BUY, "2", leverage=D(10)))
    paper.submit(ME, request("s", BUY, "1", "50"))
    paper.cancel_all(ME)
    again = exchange(state=paper.to_state(), deposits={})
    assert again.balances(ME) == paper.balances(ME)
    assert again.positions(ME) == paper.positions(ME)
    assert again.fills(ME) == paper.fills(ME)
    assert again.order(ME, SPOT, "s") == paper.order(ME, SPOT, "s")
    with pytest.raises(OrderRejected, match="used before"):
        again.submit(ME, request("s", BUY, "1", "50"))
    later = again.submit(ME, request("t", BUY, "1", "50"))
    assert int(later.venue_order_id) > int(paper.order(ME, SPOT, "s").venue_order_id)
