"""The book alone: price-time order, levels, texts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venues.paper.exchange_setup import D, perpetual, spot
from venues.paper.ledger import HOUSE
from venues.paper.matching import MatchingEngine, RestingOrder


def engine_with(*orders: RestingOrder) -> MatchingEngine:
    engine = MatchingEngine(spot())
    for order in orders:
        engine.rest(order)
    return engine


def test_steps_are_exact_and_enforced() -> None:
    engine = MatchingEngine(spot())
    assert (engine.ticks(D("100.5")), engine.lots(D("0.03"))) == (201, 3)
    assert (engine.price(201), engine.quantity(3)) == (D("100.5"), D("0.03"))
    assert engine.value(201 * 3) == D("100.5") * D("0.03")
    for price in ("100.2", "0", "-1"):
        with pytest.raises(ValueError, match=r"price must be a multiple of 0\.5"):
            engine.ticks(D(price))
    for quantity in ("0.001", "0"):
        with pytest.raises(ValueError, match=r"size must be a multiple of 0\.01 BTC"):
            engine.lots(D(quantity))


def test_better_price_first_then_earlier() -> None:
    late_best = RestingOrder(3, HOUSE, -1, 200, 2)
    engine = engine_with(RestingOrder(1, HOUSE, -1, 201, 5), RestingOrder(2, HOUSE, -1, 200, 1), late_best)
    plan = engine.plan("me", 1, 201, 4)
    assert [(maker.number, lots) for maker, lots in plan.fills] == [(2, 1), (3, 2), (1, 1)]
    assert (plan.lots, plan.value) == (4, 200 * 3 + 201)
    assert engine.best(-1) == 200, "a plan changes nothing"
    engine.execute(plan)
    assert engine.depth(-1, 5) == (("100.5", "0.04"),)
    assert engine.last_ticks == 201


def test_limit_bounds_the_plan() -> None:
    engine = engine_with(RestingOrder(1, HOUSE, 1, 200, 1), RestingOrder(2, HOUSE, 1, 190, 9))
    assert engine.plan("me", -1, 195, 5).lots == 1
    assert engine.plan("me", -1, 201, 5).lots == 0
    assert engine.crosses(-1, 200)
    assert not engine.crosses(-1, 201)


def test_own_orders_are_cancelled_in_the_way_and_only_there() -> None:
    engine = engine_with(
        RestingOrder(1, "me", -1, 200, 4), RestingOrder(2, HOUSE, -1, 200, 3), RestingOrder(3, "me", -1, 201, 1)
    )
    plan = engine.plan("me", 1, 205, 3)
    assert [own.number for own in plan.cancels] == [1]
    assert [(maker.number, lots) for maker, lots in plan.fills] == [(2, 3)]
    engine.execute(plan)
    assert sorted(engine.orders) == [3]


def test_house_trades_with_itself() -> None:
    engine = engine_with(RestingOrder(1, HOUSE, -1, 200, 4))
    assert engine.plan(HOUSE, 1, 200, 4).lots == 4


def test_shrink_keeps_the_place_in_the_queue() -> None:
    first = RestingOrder(1, HOUSE, 1, 200, 9)
    engine = engine_with(first, RestingOrder(2, HOUSE, 1, 200, 1))
    engine.shrink(first, 2)
    assert [order.number for order in engine.queue(1, 200)] == [1, 2]
    assert engine.depth(1, 1) == (("100.0", "0.03"),)


def test_one_sweep_can_not_take_more_of_reduce_only_orders_than_the_position() -> None:
    engine = MatchingEngine(perpetual(), closable=lambda _owner, _sign: 5)
    engine.rest(RestingOrder(1, "you", -1, 200, 4, reduce_only=True))
    engine.rest(RestingOrder(2, "you", -1, 201, 4))
    engine.rest(RestingOrder(3, "you", -1, 202, 4, reduce_only=True))
    engine.rest(RestingOrder(4, HOUSE, -1, 203, 4))
    plan = engine.plan(HOUSE, 1, 210, 10)
    assert [(maker.number, lots) for maker, lots in plan.fills] == [(1, 4), (2, 4), (4, 2)]


@pytest.mark.parametrize(
    ("sign", "resting", "expected"), [(1, 201, 211), (-1, 201, 191), (1, 10, 10), (-1, 10, 10)]
)
def test_protection_is_rounded_towards_the_market(sign: int, resting: int, expected: int) -> None:
    engine = engine_with(RestingOrder(1, HOUSE, -sign, resting, 1))
    assert engine.protected(sign, Decimal("0.05")) == expected
    assert engine.protected(-sign, Decimal("0.05")) is None


def test_changes_name_each_level_once_as_it_now_stands() -> None:
    engine = engine_with(RestingOrder(1, HOUSE, 1, 200, 2), RestingOrder(2, HOUSE, -1, 202, 1))
    engine.rest(RestingOrder(3, HOUSE, 1, 200, 5))
    assert engine.take_changes() == ((("100.0", "0.07"),), (("101.0", "0.01"),))
    assert not engine.is_touched
    engine.remove(engine.orders[2])
    assert engine.take_changes() == ((), (("101.0", "0"),))


def test_depth_is_best_first_and_bounded() -> None:
    engine = engine_with(*(RestingOrder(n, HOUSE, 1, 100 + n, 1) for n in range(1, 6)))
    assert [price for price, _ in engine.depth(1, 3)] == ["52.5", "52.0", "51.5"]
    assert engine.depth(1, 0) == ()
    assert len(engine.depth(1, 99)) == 5
