"""What more or less margin does to a position, and what stands against a change of leverage."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.support.frames import order_view
from tests.support.pumpkin_desk import BTC, balance, both_sides, flat_frame, live, position_view, pumpkin_frame
from tests.support.pumpkin_desk import pumpkin_view as venue
from tui.desk.facts import describe_order
from tui.desk.position_estimate import (
    PositionContext,
    evaluate_leverage,
    evaluate_margin,
    make_position_context,
    removable,
    why_not_flat,
)
from venues.commands import FundsKind
from venues.liquidation import maintenance_margin, unrealized_pnl
from venues.model import MarginMode, OrderStatus
from venues.port import Mode

D = Decimal
ADD, TAKE = FundsKind.ADD_MARGIN, FundsKind.REMOVE_MARGIN
ROOMY = position_view("0.2500", "60598.2", position_id="88213", margin="1700")


def around(position_id: str = "88213", **views: Any) -> PositionContext:
    frame = pumpkin_frame(**views)
    held = next(view for view in frame.positions or () if view.position.position_id == position_id)
    found = make_position_context(frame, held.position.instrument, position_id, "main")
    assert found is not None
    return found


@pytest.mark.parametrize(("kind", "text", "after"), [(ADD, "50", "1750"), (TAKE, "50 usdt", "1650")])
def test_the_liquidation_after_is_where_what_is_left_is_the_maintenance(
    kind: FundsKind, text: str, after: str
) -> None:
    result = evaluate_margin(kind, text, around(positions=(ROOMY,)))
    expected = result.estimate
    assert expected is not None and result.intent is not None
    assert expected.margin_after == D(after) and result.intent.amount == 50
    assert result.intent.position_id == "88213" and result.intent.instrument == BTC.id
    price = expected.liquidation_after
    assert price is not None
    position = ROOMY.position
    left = D(after) + unrealized_pnl(position.quantity, position.entry_price, price)
    tick = BTC.tick_size * position.quantity
    assert abs(left - maintenance_margin(BTC.brackets, position.quantity, price)) <= tick


def test_more_margin_moves_the_liquidation_away_and_less_moves_it_near() -> None:
    more = evaluate_margin(ADD, "100", around(positions=(ROOMY,))).estimate
    less = evaluate_margin(TAKE, "100", around(positions=(ROOMY,))).estimate
    assert more is not None and less is not None
    assert more.liquidation_after is not None and less.liquidation_after is not None
    assert more.liquidation_after < less.liquidation_after
    assert more.free_after == D("7242.51") and less.free_after == D("7442.51")


def test_shares_are_of_what_is_free_or_beyond_the_initial_margin() -> None:
    assert removable(ROOMY) == D("185.045")
    half = evaluate_margin(TAKE, "50%", around(positions=(ROOMY,)))
    assert half.intent is not None and half.intent.amount == D("92.5225") and half.resolved == "= 92.52250000 USDT"
    everything = evaluate_margin(ADD, "all", around())
    assert everything.intent is not None and everything.intent.amount == D("7342.51")


def test_a_loss_may_not_be_taken_out() -> None:
    losing = position_view("0.2500", "60598.2", position_id="88213", margin="1700", mark="60398.2")
    assert removable(losing) == D("135.045")


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (ADD, "", "type an amount in USDT"),
        (ADD, "0", "above zero"),
        (ADD, "0,5", ""),
        (ADD, "8000", "7,342.51 USDT is available"),
        (ADD, "5 btc", "this is in USDT, not btc"),
        (TAKE, "500", "0.005 USDT may be taken out: the rest is the initial margin"),
    ],
)
def test_what_can_not_be_meant_is_said_in_words(kind: FundsKind, text: str, problem: str) -> None:
    result = evaluate_margin(kind, text, around())
    assert result.intent is None and result.problem and problem in result.problem


def test_a_cross_position_has_no_margin_of_its_own() -> None:
    assert "cross position" in evaluate_margin(ADD, "50", around("88190")).obstacle


def test_a_venue_that_only_is_read_takes_nothing() -> None:
    result = evaluate_margin(ADD, "50", around(venues=(live(venue(), Mode.READ_ONLY),)))
    assert result.obstacle == "this venue is read-only here" and result.intent is None


def test_less_margin_while_locked_says_so_and_more_does_not() -> None:
    locked = msgspec.structs.replace(around(positions=(ROOMY,)), is_armed=False, lock_reason="by hand")
    assert evaluate_margin(TAKE, "50", locked).warnings == ("locked (by hand): press A on the desk to arm",)
    assert evaluate_margin(ADD, "50", locked).warnings == ()


def test_a_position_that_is_gone_has_no_context() -> None:
    assert make_position_context(flat_frame(), BTC.id, "88213", "main") is None
    assert make_position_context(pumpkin_frame(), BTC.id, "88213", "other") is None


def test_without_a_balance_an_amount_can_still_be_typed() -> None:
    unknown = around(balances=())
    assert evaluate_margin(ADD, "50", unknown).intent is not None
    assert "not known" in evaluate_margin(ADD, "all", unknown).problem


def test_what_the_venue_refuses_is_said_before() -> None:
    one = flat_frame(positions=both_sides()[:1])
    over = "pumpkin changes neither leverage nor margin mode over"
    long, short = "LONG 0.25 BTC/USDT perp #88213", "SHORT 0.1 BTC/USDT perp #88214"
    assert why_not_flat(one, BTC) == f"{over} a position: close {long} first"
    assert why_not_flat(pumpkin_frame(), BTC) == f"{over} a position: close {long}, {short} first"
    order = order_view("s1", BTC, status=OrderStatus.NEW)
    resting = flat_frame(orders=(order,))
    assert why_not_flat(resting, BTC) == f"{over} an open order: cancel {describe_order(order.order, BTC)} first"
    assert why_not_flat(flat_frame(), BTC) == ""


def test_a_venue_that_takes_it_over_a_position_is_asked() -> None:
    can = msgspec.structs.replace(venue().capabilities, leverage_needs_flat=False)
    frame = pumpkin_frame(venues=(venue(capabilities=can),))
    assert why_not_flat(frame, BTC) == ""
    assert evaluate_leverage("20", MarginMode.ISOLATED, BTC, frame).wish == (BTC.id, D(20), MarginMode.ISOLATED)


@pytest.mark.parametrize("text", ["", "0", "126", "2.5", "ten"])
def test_a_leverage_that_there_is_not(text: str) -> None:
    result = evaluate_leverage(text, MarginMode.CROSS, BTC, flat_frame())
    assert result.wish is None and result.problem


def test_a_leverage_may_be_written_with_its_letter() -> None:
    assert evaluate_leverage("10x", None, BTC, flat_frame()).wish == (BTC.id, D(10), MarginMode.CROSS)


def test_money_free_is_that_of_the_settle_currency() -> None:
    assert around(balances=(balance("10", "4"),)).free == D(4)
