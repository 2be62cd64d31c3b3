from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.model import Side
from venues.recording.queue import QueuePosition

PRICE = Decimal(100)
LOT = Decimal("0.5")


def bid(quantity: str = "4", displayed: str = "10") -> QueuePosition:
    return QueuePosition(Side.BUY, PRICE, Decimal(quantity), Decimal(displayed), LOT)


def sell(queue: QueuePosition, quantity: str, price: str = "100") -> Decimal:
    return queue.on_trade(Side.SELL, Decimal(price), Decimal(quantity))


def test_trades_take_what_is_ahead_first_and_then_fill() -> None:
    queue = bid()
    assert sell(queue, "7") == 0
    assert queue.ahead == 3
    assert sell(queue, "5") == 2
    assert [queue.ahead, queue.quantity] == [0, 2]
    assert sell(queue, "50") == 2
    assert queue.quantity == 0


def test_a_trade_by_the_other_aggressor_or_at_another_price_does_nothing() -> None:
    queue = bid()
    assert queue.on_trade(Side.BUY, PRICE, Decimal(50)) == 0
    assert sell(queue, "50", "100.5") == 0
    assert queue.ahead == 10


@pytest.mark.parametrize(
    ("side", "price"), [(Side.BUY, "99.5"), (Side.SELL, "100.5")], ids=["below a bid", "above an offer"]
)
@pytest.mark.parametrize("aggressor", Side)
def test_a_trade_beyond_the_price_fills_in_full(side: Side, price: str, aggressor: Side) -> None:
    queue = QueuePosition(side, PRICE, Decimal(4), Decimal(10), LOT)
    assert queue.on_trade(aggressor, Decimal(price), LOT) == 4
    assert queue.quantity == 0


def test_cancels_are_ahead_in_proportion() -> None:
    queue = bid()
    queue.on_displayed(Decimal(30))  # 20 joined behind
    assert queue.ahead == 10
    queue.on_displayed(Decimal(24))  # 6 of 30 left: 2 of them were ahead
    assert queue.ahead == 8


def test_what_trades_explain_is_no_cancel() -> None:
    queue = bid()
    sell(queue, "4")
    queue.on_displayed(Decimal(6))
    assert queue.ahead == 6
    sell(queue, "2")
    queue.on_displayed(Decimal(2))  # 2 traded, 2 of the 4 that were left cancelled: all were ahead
    assert queue.ahead == 2


def test_a_trade_explains_only_once() -> None:
    queue = bid()
    queue.on_displayed(Decimal(30))
    sell(queue, "4")
    queue.on_displayed(Decimal(26))
    assert queue.ahead == 6
    queue.on_displayed(Decimal(13))
    assert queue.ahead == 3


def test_a_level_that_vanishes_leaves_nobody_ahead() -> None:
    queue = bid()
    queue.on_displayed(Decimal(0))
    assert queue.ahead == 0
    queue.on_displayed(Decimal(8))  # they joined behind
    assert sell(queue, "1") == 1


def test_thirds_do_not_cost_a_lot() -> None:
    queue = bid(displayed="10")
    queue.on_displayed(Decimal(30))
    queue.on_displayed(Decimal(20))  # 6.67 ahead
    queue.on_displayed(Decimal(3))  # exactly 1 ahead
    assert queue.ahead == 1
    assert sell(queue, "2") == 1


def test_fills_are_whole_lots() -> None:
    queue = bid(displayed="0.7")
    assert sell(queue, "2") == 1  # 1.3 reached it


def test_an_own_order_further_ahead_has_had_its_part() -> None:
    queue = bid(displayed="3")
    assert queue.on_trade(Side.SELL, PRICE, Decimal(6), Decimal(2)) == 1
    assert queue.on_trade(Side.SELL, PRICE, Decimal(2), Decimal(2)) == 0


def test_a_smaller_quantity_keeps_the_place() -> None:
    queue = bid()
    queue.shrink(Decimal(1))
    queue.shrink(Decimal(3))
    assert [queue.ahead, queue.quantity] == [10, 1]


def test_an_order_out_of_sight_joins_when_its_price_comes_into_sight() -> None:
    queue = QueuePosition(Side.BUY, PRICE, Decimal(4), None, LOT)
    assert queue.ahead == 0
    queue.on_displayed(Decimal(6))
    assert queue.ahead == 6
    queue.on_displayed(Decimal(9))
    assert sell(queue, "7") == 1


lots = st.integers(0, 60).map(lambda count: count * LOT)
steps = st.one_of(
    st.tuples(st.just("trade"), st.sampled_from(Side), st.sampled_from([PRICE, PRICE + 1]), lots),
    st.tuples(st.just("displayed"), st.none(), st.none(), lots),
)


@given(
    quantity=st.integers(1, 40).map(lambda count: count * LOT), displayed=lots, moves=st.lists(steps, max_size=40)
)
def test_it_never_fills_more_than_traded_and_only_ever_moves_forward(
    quantity: Decimal,
    displayed: Decimal,
    moves: list[tuple[str, Side | None, Decimal | None, Decimal]],
) -> None:
    queue = QueuePosition(Side.BUY, PRICE, quantity, displayed, LOT)
    traded = filled = Decimal(0)
    for kind, aggressor, price, amount in moves:
        ahead, left = queue.ahead, queue.quantity
        if kind == "trade" and aggressor is not None and price is not None:
            reached = amount if aggressor is Side.SELL and price == PRICE else Decimal(0)
            got = queue.on_trade(aggressor, price, amount)
            traded += reached
            filled += got
            assert 0 <= got <= reached
            assert got % LOT == 0
            assert queue.quantity == left - got
            assert not got or not queue.ahead, "nobody is filled past the queue"
            assert ahead - queue.ahead + got <= reached, "a trade is not counted twice"
        else:
            queue.on_displayed(amount)
            assert queue.quantity == left
        assert 0 <= queue.ahead <= ahead
    assert filled <= min(traded, quantity)
    assert queue.quantity == quantity - filled


@given(displayed=lots, trades=st.lists(lots, max_size=20), more=lots)
def test_whoever_joined_behind_more_is_never_filled_earlier(
    displayed: Decimal, trades: list[Decimal], more: Decimal
) -> None:
    front = QueuePosition(Side.BUY, PRICE, Decimal(10), displayed, LOT)
    back = QueuePosition(Side.BUY, PRICE, Decimal(10), displayed + more, LOT)
    for amount in trades:
        front.on_trade(Side.SELL, PRICE, amount)
        back.on_trade(Side.SELL, PRICE, amount)
        assert front.quantity <= back.quantity
        assert front.ahead <= back.ahead
