"""What the paper exchange does with each kind of order (on spot, unless a position is needed)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues.paper.exchange_setup import (
    BUY,
    ME,
    PERP,
    SELL,
    SPOT,
    D,
    amend_request,
    cancel_request,
    exchange,
    of_kind,
    perpetual,
    quote,
    request,
    spot,
)
from venues.errors import DuplicateClientOrderId, OrderNotFound, OrderRejected
from venues.events import BookDelta, FillUpdate, Notice, OrderUpdate, Trade
from venues.model import InstrumentId, Liquidity, OrderStatus, OrderType, TimeInForce
from venues.paper.exchange import PaperExchange


def refused(paper: PaperExchange, code: str, *arguments: Any, **rest: Any) -> str:
    """Submits an order that must be refused with `code` and change nothing; returns the words."""
    before = paper.to_state(), paper.open_orders(ME)
    with pytest.raises(OrderRejected) as caught:
        paper.submit(ME, request(*arguments, **rest))
    assert caught.value.code == code
    assert (paper.to_state(), paper.open_orders(ME)) == before
    return caught.value.message


def test_resting_limit_order_is_filled_later_as_maker() -> None:
    paper = exchange()
    order = paper.submit(ME, request("a", BUY, "0.5", "100"))
    assert (order.status, order.venue_order_id, order.ts_created) == (OrderStatus.NEW, "1", paper.now)
    assert paper.flow_market(SPOT, SELL, D("0.2")) == D("0.2")
    assert paper.order(ME, SPOT, "a").status is OrderStatus.PARTIALLY_FILLED
    paper.flow_market(SPOT, SELL, D("9"))
    done = paper.order(ME, SPOT, venue_order_id="1")
    assert (done.status, done.average_price, done.remaining) == (OrderStatus.FILLED, D(100), D(0))
    fills = paper.fills(ME)
    assert [(fill.quantity, fill.liquidity) for fill in fills] == [
        (D("0.2"), Liquidity.MAKER),
        (D("0.3"), Liquidity.MAKER),
    ]
    assert [fill.fee for fill in fills] == [D("0.02"), D("0.03")]
    assert paper.open_orders(ME) == ()


def test_taker_pays_the_resting_price_and_the_rest_rests() -> None:
    paper = exchange()
    quote(paper, SPOT, "99", "100", "0.2")
    paper.drain()
    order = paper.submit(ME, request("a", BUY, "0.5", "105"))
    assert (order.status, order.average_price) == (OrderStatus.PARTIALLY_FILLED, D(100))
    assert paper.best_bid(SPOT) == D(105)
    events = paper.drain()
    assert [type(event).__name__ for event in events] == [
        "OrderUpdate",
        "Trade",
        "FillUpdate",
        "BookDelta",
        "OrderUpdate",
        "BalanceUpdate",
    ]
    (trade,), (fill,) = of_kind(events, Trade), of_kind(events, FillUpdate)
    assert (trade.trade_id, trade.side, trade.price) == (fill.fill.trade_id, BUY, D(100))
    (delta,) = of_kind(events, BookDelta)
    assert (delta.bids, delta.asks) == ((("105.0", "0.30"),), (("100.0", "0"),))
    assert [update.order.status for update in of_kind(events, OrderUpdate)] == [
        OrderStatus.NEW,
        OrderStatus.PARTIALLY_FILLED,
    ]


def test_market_order_stops_at_its_protection() -> None:
    paper = exchange()
    paper.flow_limit(SPOT, SELL, D(100), D(1))
    paper.flow_limit(SPOT, SELL, D(105), D(1))
    paper.flow_limit(SPOT, SELL, D("105.5"), D(1))
    order = paper.submit(ME, request("a", BUY, "3"))
    assert (order.status, order.filled_quantity) == (OrderStatus.CANCELED, D(2))
    assert "protection" in order.reason
    assert paper.best_ask(SPOT) == D("105.5")
    assert paper.flow_market(SPOT, SELL, D(1)) == 0, "there is no bid left"


def test_market_order_into_an_empty_book_is_refused() -> None:
    assert "nothing in the book" in refused(exchange(), "NO_LIQUIDITY", "a", BUY, "1")


@pytest.mark.parametrize(("quantity", "filled"), [("2", "1"), ("1", "1")])
def test_immediate_or_cancel(quantity: str, filled: str) -> None:
    paper = exchange()
    quote(paper, SPOT, "99", "100", "1")
    order = paper.submit(ME, request("a", BUY, quantity, "101", time_in_force=TimeInForce.IOC))
    assert order.filled_quantity == D(filled)
    assert not order.is_open
    assert paper.best_bid(SPOT) == D(99)


def test_fill_or_kill_is_all_or_nothing() -> None:
    paper = exchange()
    quote(paper, SPOT, "99", "100", "1")
    paper.flow_limit(SPOT, SELL, D(101), D(1))
    killed = paper.submit(ME, request("a", BUY, "2.01", "101", time_in_force=TimeInForce.FOK))
    assert (killed.status, killed.filled_quantity) == (OrderStatus.CANCELED, D(0))
    assert "fill-or-kill" in killed.reason
    assert paper.last(SPOT) is None
    filled = paper.submit(ME, request("b", BUY, "2", "101", time_in_force=TimeInForce.FOK))
    assert (filled.status, filled.average_price) == (OrderStatus.FILLED, D("100.5"))


def test_killed_order_leaves_own_orders_alone() -> None:
    paper = exchange()
    paper.submit(ME, request("mine", SELL, "1", "100"))
    paper.submit(ME, request("a", BUY, "1", "100", time_in_force=TimeInForce.FOK))
    assert paper.order(ME, SPOT, "mine").is_open


def test_post_only_never_takes() -> None:
    paper = exchange()
    quote(paper, SPOT, "99", "100", "1")
    refused(paper, "POST_ONLY", "a", BUY, "1", "100", post_only=True)
    assert paper.submit(ME, request("b", BUY, "1", "99.5", post_only=True)).status is OrderStatus.NEW
    refused(paper, "POST_ONLY", "c", SELL, "1", "99.5", post_only=True)


def test_self_trade_prevention_cancels_the_resting_order() -> None:
    paper = exchange()
    paper.submit(ME, request("old", SELL, "1", "100"))
    order = paper.submit(ME, request("new", BUY, "1", "100"))
    assert order.status is OrderStatus.NEW
    old = paper.order(ME, SPOT, "old")
    assert (old.status, old.reason) == (OrderStatus.CANCELED, "self-trade prevention")
    assert paper.fills(ME) == ()
    assert paper.submit("other", request("x", SELL, "1", "100")).status is OrderStatus.FILLED


def test_stop_and_take_profit_fire_on_trades() -> None:
    paper = exchange()
    quote(paper, SPOT, "99", "101")
    paper.flow_limit(SPOT, SELL, D(100), D("0.1"))
    paper.flow_market(SPOT, BUY, D("0.1"))
    stop: dict[str, Any] = {"type": OrderType.STOP, "trigger_price": D(101)}
    limit: dict[str, Any] = {"type": OrderType.STOP_LIMIT, "trigger_price": D(99)}
    paper.submit(ME, request("stop", BUY, "1", **stop))
    paper.submit(ME, request("limit", SELL, "1", "110", **limit))
    profit: dict[str, Any] = {"type": OrderType.TAKE_PROFIT, "trigger_price": D(101)}
    paper.submit(ME, request("profit", SELL, "1", **profit))
    assert paper.account(ME).locked("USDT") == 0, "an untriggered order holds nothing"
    assert paper.best_ask(SPOT) == D(101)
    paper.flow_market(SPOT, BUY, D("0.1"))
    fired = paper.order(ME, SPOT, "stop")
    assert (fired.status, fired.is_triggered, fired.average_price) == (OrderStatus.FILLED, True, D(101))
    assert paper.order(ME, SPOT, "profit").average_price == D(99)
    resting = paper.order(ME, SPOT, "limit")
    assert (resting.status, resting.is_triggered) == (OrderStatus.NEW, True), "the profit's trade at 99 fired it"
    assert paper.best_ask(SPOT) == D(101)


def test_trigger_that_is_already_reached_is_refused() -> None:
    paper = exchange()
    quote(paper, SPOT, "99", "101")
    paper.flow_market(SPOT, BUY, D("0.1"))
    for kind, side, trigger in (
        (OrderType.STOP, BUY, "101"),
        (OrderType.STOP, SELL, "102"),
        (OrderType.TAKE_PROFIT, SELL, "101"),
        (OrderType.TAKE_PROFIT, BUY, "101.5"),
    ):
        refused(paper, "TRIGGER", "a", side, "1", type=kind, trigger_price=D(trigger))


def test_triggered_order_that_can_not_be_paid_is_rejected_with_an_alarm() -> None:
    paper = exchange()
    quote(paper, SPOT, "99", "101", "200")
    paper.submit(ME, request("stop", BUY, "150", type=OrderType.STOP, trigger_price=D(101)))
    paper.drain()
    paper.flow_market(SPOT, BUY, D("0.1"))
    order = paper.order(ME, SPOT, "stop")
    assert order.status is OrderStatus.REJECTED
    assert "USDT is available" in order.reason
    assert [notice.is_alarm for notice in of_kind(paper.drain(), Notice)] == [True]


def test_smaller_size_keeps_the_priority_all_else_loses_it() -> None:
    paper = exchange()
    paper.submit(ME, request("a", BUY, "2", "100"))
    paper.submit("other", request("b", BUY, "1", "100"))

    def first_filled() -> str:
        paper.flow_market(SPOT, SELL, D("0.01"))
        mine, theirs = paper.fills(ME), paper.fills("other")
        newest = max([*mine, *theirs], key=lambda fill: int(fill.trade_id))
        return newest.client_order_id

    def amend(**changes: Any) -> None:
        paper.amend(ME, amend_request("a", **changes))

    amend(quantity=D("1.5"))
    assert first_filled() == "a"
    amend(quantity=D("1.6"))
    assert first_filled() == "b"
    amend(price=D("100.5"))
    assert first_filled() == "a"
    amend(price=D(100))
    assert first_filled() == "b"
    assert paper.account(ME).locked("USDT") == paper.order(ME, SPOT, "a").remaining * 100 * D("1.002")


def test_amendment_that_can_not_be_leaves_the_order_as_it_was() -> None:
    paper = exchange()
    quote(paper, SPOT, "90", "110")
    paper.submit(ME, request("a", BUY, "2", "100", post_only=True))
    paper.flow_market(SPOT, SELL, D(1))
    before, locked = paper.order(ME, SPOT, "a"), paper.account(ME).locked("USDT")
    attempts: list[tuple[str, dict[str, Any]]] = [
        ("POST_ONLY", {"price": D(110)}),
        ("INSUFFICIENT_FUNDS", {"quantity": D(2000)}),
        ("ALREADY_FILLED", {"quantity": D(1)}),
        ("FILTER", {"price": D("100.1")}),
        ("AMEND", {"trigger_price": D(50)}),
    ]
    for code, changes in attempts:
        with pytest.raises(OrderRejected) as caught:
            paper.amend(ME, amend_request("a", **changes))
        assert caught.value.code == code
        assert paper.order(ME, SPOT, "a") == before
        assert paper.account(ME).locked("USDT") == locked
    assert paper.snapshot(SPOT, 1).bids == (("100.0", "1.00"),)


def test_amended_price_may_take() -> None:
    paper = exchange()
    quote(paper, SPOT, "90", "110", "1")
    paper.submit(ME, request("a", BUY, "2", "100"))
    order = paper.amend(ME, amend_request("", venue_order_id="3", price=D(110)))
    assert (order.client_order_id, order.filled_quantity, order.price) == ("a", D(1), D(110))
    assert paper.account(ME).locked("USDT") == D(110) * D("1.002")


def test_waiting_stop_can_be_amended() -> None:
    paper = exchange()
    quote(paper, SPOT, "90", "110")
    paper.flow_market(SPOT, BUY, D("0.1"))
    paper.submit(ME, request("a", SELL, "2", type=OrderType.STOP, trigger_price=D(80)))
    order = paper.amend(ME, amend_request("a", quantity=D(3), trigger_price=D(85)))
    assert (order.quantity, order.trigger_price, order.is_triggered) == (D(3), D(85), False)
    with pytest.raises(OrderRejected, match="reached at once"):
        paper.amend(ME, amend_request("a", trigger_price=D(111)))
    assert paper.order(ME, SPOT, "a") == order


def test_cancel_and_its_failures() -> None:
    paper = exchange()
    paper.submit(ME, request("a", BUY, "2", "100"))
    assert paper.cancel(ME, cancel_request("a")).status is OrderStatus.CANCELED
    assert paper.account(ME).locked("USDT") == 0
    assert paper.best_bid(SPOT) is None
    with pytest.raises(OrderNotFound, match="the order is canceled"):
        paper.cancel(ME, cancel_request("a"))
    with pytest.raises(OrderNotFound, match="no such order"):
        paper.cancel("other", cancel_request("a"))


def test_cancel_all_by_instrument_and_side() -> None:
    paper = exchange()
    paper.submit(ME, request("a", BUY, "1", "100"))
    paper.submit(ME, request("b", SELL, "1", "200"))
    paper.submit(ME, request("c", BUY, "1", "100", instrument=PERP))
    paper.submit(ME, request("d", BUY, "1", type=OrderType.STOP, trigger_price=D(300)))
    assert [order.client_order_id for order in paper.cancel_all(ME, SPOT, SELL)] == ["b"]
    assert [order.client_order_id for order in paper.cancel_all(ME, PERP)] == ["c"]
    assert [order.client_order_id for order in paper.cancel_all(ME)] == ["a", "d"]
    assert paper.open_orders(ME) == ()


def test_client_order_id_is_used_once_even_after_the_order_ended() -> None:
    paper = exchange()
    paper.submit(ME, request("a", BUY, "1", "100"))
    for _ in range(2):
        with pytest.raises(DuplicateClientOrderId, match="a was used before"):
            paper.submit(ME, request("a", BUY, "2", "90"))
        paper.cancel_all(ME)
    assert paper.submit("other", request("a", BUY, "1", "100")).is_open, "ids are each owner's own"
    refused(paper, "RESERVED_ID", "tp12", BUY, "1", "100")


@pytest.mark.parametrize(
    ("code", "words", "fields"),
    [
        ("FILTER", "take profit must be a multiple of 0.5", {"instrument": PERP, "take_profit": D("110.1")}),
        ("SPOT", "no reduce-only", {"reduce_only": True}),
        ("SPOT", "no leverage", {"leverage": D(2)}),
        ("SPOT", "no an attached|no attached|stop-loss", {"stop_loss": D(2)}),
        ("POSITION_ID", "one-way", {"position_id": "long"}),
        ("UNKNOWN_INSTRUMENT", "not listed", {"instrument": InstrumentId("paper", "NONE")}),
        ("LEVERAGE_RANGE", "from 1 to 50", {"instrument": PERP, "leverage": D(51)}),
        ("REDUCE_ONLY", "no position", {"instrument": PERP, "reduce_only": True}),
        ("EXITS", "must be above", {"instrument": PERP, "take_profit": D(90)}),
        ("EXITS", "must be below", {"instrument": PERP, "stop_loss": D(100)}),
    ],
)
def test_refusals_have_a_code_and_words(code: str, words: str, fields: dict[str, Any]) -> None:
    message = refused(exchange(), code, "a", BUY, "1", "100", **fields)
    assert any(one in message for one in words.split("|"))


def test_halted_instrument_and_minimums() -> None:
    halted = PaperExchange([spot(is_tradable=False, note="maintenance")], start=0, deposits={})
    assert "maintenance" in refused(halted, "NOT_TRADABLE", "a", BUY, "1", "100")
    small = PaperExchange(
        [spot(min_notional=D(10), min_quantity=D("0.02"), max_quantity=D(5))],
        start=0,
        deposits={ME: {"USDT": D(10_000)}},
    )
    assert "multiple of 0.01 BTC" in refused(small, "FILTER", "a", BUY, "0.215", "100")
    assert "multiple of 0.5" in refused(small, "FILTER", "a", BUY, "1", "100.1")
    assert "minimum of 10 USDT" in refused(small, "FILTER", "a", BUY, "0.09", "100")
    assert "minimum of 0.02 BTC" in refused(small, "FILTER", "a", BUY, "0.01", "5000")
    assert "maximum of 5 BTC" in refused(small, "FILTER", "a", BUY, "6", "100")


def test_a_refused_order_does_not_change_the_leverage() -> None:
    paper = PaperExchange([perpetual()], start=0, deposits={ME: {"USDT": D(100)}})
    refused(paper, "INSUFFICIENT_FUNDS", "a", BUY, "90", "100", instrument=PERP, leverage=D(10))
    assert paper.account(ME).leverage(PERP)[0] == 1
    paper.submit(ME, request("b", BUY, "9", "100", instrument=PERP, leverage=D(10)))
    assert paper.account(ME).leverage(PERP)[0] == 10


def test_the_flow_is_checked_and_can_be_cancelled_once() -> None:
    paper = exchange()
    with pytest.raises(ValueError, match="above zero"):
        paper.flow_limit_ticks(SPOT, 1, 0, 5)
    with pytest.raises(ValueError, match="multiple"):
        paper.flow_limit(SPOT, BUY, D("100.1"), D(1))
    number, _ = quote(paper, SPOT, "99", "100")
    assert paper.flow_cancel(number)
    assert not paper.flow_cancel(number)
    assert paper.flow_limit(SPOT, BUY, D(100), D(5)) == 0, "it was filled at once"
    assert [event.sequence for event in of_kind(paper.drain(), BookDelta)] == [1, 2, 3, 4]
    assert paper.snapshot(SPOT, 5).sequence == 4


def test_system_owners_can_not_trade() -> None:
    with pytest.raises(ValueError, match="belongs to the exchange"):
        exchange().submit("house", request("a", BUY, "1", "100"))
