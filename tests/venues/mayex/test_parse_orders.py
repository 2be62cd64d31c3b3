"""What rows, answers and pushes say of an order: the document's own samples, and what it leaves to be guessed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.venues.mayex.orders_rig import BTC, contract
from tests.venues.mayex.scripted_orders import NOW, answer_row, past, row
from tests.venues.mayex.test_trading_answers import pushed
from venues.errors import DecodeError
from venues.mayex.models.trading import OpenOrder, PastOrder
from venues.mayex.models.trading import Order as Answer
from venues.mayex.parse_orders import facts_of_answer, facts_of_push, facts_of_row, parse_order, tells_type
from venues.model import Order, OrderStatus, OrderType, Side, TimeInForce

D = Decimal
BTC_PERP = contract(BTC)


def opened(**changes: Any) -> Order:
    return parse_order(facts_of_row(msgspec.convert(row(**changes), OpenOrder, strict=False)), BTC_PERP)


def ended(**changes: Any) -> Order:
    return parse_order(facts_of_row(msgspec.convert(past(**changes), PastOrder, strict=False)), BTC_PERP)


def answered(**changes: Any) -> Order:
    return parse_order(facts_of_answer(msgspec.convert(answer_row(**changes), Answer, strict=False)), BTC_PERP)


def told(**changes: Any) -> Order:
    facts = facts_of_push(pushed(7, "s1", **changes))
    assert facts is not None
    return parse_order(facts, BTC_PERP)


def test_an_open_order_as_the_document_has_it() -> None:
    order = opened()
    assert (order.venue_order_id, order.client_order_id, order.instrument) == ("7", "s1", BTC_PERP.id)
    assert (order.side, order.type, order.status) == (Side.BUY, OrderType.LIMIT, OrderStatus.NEW)
    assert (order.quantity, order.price, order.filled_quantity) == (D("0.010"), D(59_000), D(0))
    assert (order.trigger_price, order.take_profit, order.stop_loss) == (None, None, None)
    assert (order.reduce_only, order.position_id, order.ts_event) == (False, "", NOW * 1_000_000)


def test_the_average_is_misspelt_in_the_history_and_nowhere_else() -> None:
    assert ended(executedQty="0.004", avlPrice="59000.5").average_price == D("59000.5")
    assert ended(executedQty="0.004", avgPrice="59000.5").average_price is None
    assert answered(executedQty="0.004", avgPrice="59000.5").average_price == D("59000.5")
    assert ended(executedQty="0.000", avlPrice="59000.5").average_price is None


def test_figures_have_the_decimals_of_the_contract_and_not_the_padding_of_the_venue() -> None:
    padded = {"triggerPrice": "61000.000000", "tpTriggerPrice": "63000.500000", "slTriggerPrice": "57000.000000"}
    order = opened(origQty="0.050000", price="60470.500000", type="STOP_LOSS_LIMIT", **padded)
    shown = (order.quantity, order.price, order.trigger_price, order.take_profit, order.stop_loss)
    assert [str(value) for value in shown] == ["0.050", "60470.5", "61000.0", "63000.5", "57000.0"]
    assert str(ended(executedQty="0.004000", avlPrice="59000.123400").average_price) == "59000.1234"
    assert str(opened(price="60470.250000").price) == "60470.25"  # between two ticks: nothing is rounded


@pytest.mark.parametrize(
    ("word", "filled", "status"),
    [
        ("NEW", "0.000", OrderStatus.NEW),
        ("NEW", "0.004", OrderStatus.PARTIALLY_FILLED),
        ("NEW", "0.010", OrderStatus.FILLED),
        ("PARTIALLY_FILLED", "0.004", OrderStatus.PARTIALLY_FILLED),
        ("CANCELED", "0.004", OrderStatus.CANCELED),
        ("EXPIRED", "0.000", OrderStatus.EXPIRED),
        ("REPLACED", "0.000", OrderStatus.CANCELED),
        ("PENDING_SOMETHING", "0.000", OrderStatus.UNKNOWN),
    ],
)
def test_statuses(word: str, filled: str, status: OrderStatus) -> None:
    order = ended(status=word, executedQty=filled)
    assert order.status is status
    assert bool(order.reason) is (word in ("REPLACED", "PENDING_SOMETHING"))


def test_a_push_is_believed_in_what_has_traded_and_not_in_its_word() -> None:
    """The platform's own sample says NEW of an order that is filled."""
    assert told(status="NEW", filled=D("0.010")).status is OrderStatus.FILLED
    assert told(status="FILLED", filled=D("0.004")).status is OrderStatus.PARTIALLY_FILLED
    assert told(status="NEW", execution="E_CANCELED", filled=D("0.004")).status is OrderStatus.CANCELED
    assert told(status="NEW", execution="E_EXPIRED").status is OrderStatus.EXPIRED
    assert facts_of_push(pushed(7, "s1", isolated=None)) is None


@pytest.mark.parametrize(
    ("word", "side", "trigger", "kind"),
    [
        ("STOP_LOSS_MARKET", "SELL", "57000", OrderType.STOP),
        ("STOP_LOSS_LIMIT", "SELL", "57000", OrderType.STOP_LIMIT),
        ("TAKE_PROFIT_MARKET", "SELL", "63000", OrderType.TAKE_PROFIT),
        ("TAKE_PROFIT_LIMIT", "BUY", "57000", OrderType.TAKE_PROFIT_LIMIT),
        ("CONDITIONAL_MARKET", "BUY", "61000", OrderType.STOP),
        ("CONDITIONAL_MARKET", "BUY", "59000", OrderType.TAKE_PROFIT),
        ("CONDITIONAL_LIMIT", "SELL", "59000", OrderType.STOP_LIMIT),
        ("CONDITIONAL_LIMIT", "SELL", "61000", OrderType.TAKE_PROFIT_LIMIT),
    ],
)
def test_what_waits_has_its_direction_by_its_word_or_by_where_the_price_was(
    word: str, side: str, trigger: str, kind: OrderType
) -> None:
    waiting: dict[str, Any] = {"side": side, "triggerPrice": trigger, "triggerType": "MARK_PRICE"}
    order = opened(type=word, **waiting)
    assert (order.type, order.trigger_price, order.is_triggered) == (kind, D(trigger), False)
    assert (order.price is not None) is kind.has_price
    if word.startswith("CONDITIONAL"):
        # Triggered, it is a plain one that kept its trigger.
        after = opened(type=word.removeprefix("CONDITIONAL_"), **waiting)
        assert (after.type, after.is_triggered) == (kind, True)
        placed = answered(origType=word, type=word, **waiting)
        assert placed.type in (OrderType.STOP, OrderType.STOP_LIMIT)  # assumed: it tells no price at placing
        assert not tells_type(
            facts_of_answer(msgspec.convert(answer_row(origType=word, type=word, **waiting), Answer, strict=False))
        )
    else:
        assert answered(origType=word, type=word.rsplit("_", 1)[1], **waiting).type is kind


def test_the_price_at_placing_is_of_what_sets_the_trigger_off() -> None:
    places = {"markPriceAtPlace": "60000", "lastPriceAtPlace": "62000"}
    waiting = {"type": "CONDITIONAL_MARKET", "triggerPrice": "61000"} | places
    assert opened(**waiting, triggerType="MARK_PRICE").type is OrderType.STOP
    assert opened(**waiting, triggerType="LAST_PRICE").type is OrderType.TAKE_PROFIT
    assert opened(**waiting | {"lastPriceAtPlace": None}, triggerType="LAST_PRICE").type is OrderType.STOP


@pytest.mark.parametrize("isolated", [True, False])
@pytest.mark.parametrize(("side", "position", "closes"), [
    ("BUY", "LONG", False), ("SELL", "SHORT", False), ("SELL", "LONG", True), ("BUY", "SHORT", True),
])  # fmt: skip
def test_what_closes_names_its_position(side: str, position: str, closes: bool, isolated: bool) -> None:
    order = opened(side=side, positionSide=position, isolated=isolated)
    mode = "isolated" if isolated else "cross"
    assert order.reduce_only is closes
    assert order.position_id == (f"{position.lower()}:{mode}" if closes else "")


def test_times_in_force_and_types_that_the_venue_may_add() -> None:
    assert (opened(timeInForce="POST_ONLY").post_only, opened(type="POST_ONLY").post_only) == (True, True)
    assert opened(timeInForce="IOC").time_in_force is TimeInForce.IOC
    assert (opened(timeInForce=None).time_in_force, opened(type="ICEBERG").type) == (
        TimeInForce.GTC,
        OrderType.LIMIT,
    )
    market = opened(type="MARKET", price="0.0", timeInForce="FOK")
    assert (market.type, market.price, market.time_in_force) == (OrderType.MARKET, None, TimeInForce.FOK)
    assert not opened(positionSide="UNI", side="SELL").reduce_only


def test_one_without_a_size_closes_what_is_held() -> None:
    fields = row(type="STOP_LOSS_MARKET", side="SELL", origQty="0", closePosition=True, triggerPrice="57000")
    whole = msgspec.convert(fields, OpenOrder, strict=False)
    assert parse_order(facts_of_row(whole), BTC_PERP, held=D("-0.25")).quantity == D("0.25")
    assert parse_order(facts_of_row(whole), BTC_PERP).status is OrderStatus.NEW
    with pytest.raises(DecodeError, match="without a size"):
        opened(origQty="0")


def test_a_liquidation_is_told_by_the_history() -> None:
    assert ended(liqCounterpartyType="L_LIQUIDATION").is_liquidation
    assert not ended(liqCounterpartyType="L_NONE").is_liquidation
    assert not ended(liqCounterpartyType=None).is_liquidation


@pytest.mark.parametrize("changes", [
    {"executedQty": "0.011"}, {"origQty": "-1"}, {"executedQty": "-1"}, {"side": "HOLD"}, {"number": 0},
    {"triggerPrice": "-1"}, {"price": "-1"},
])  # fmt: skip
def test_what_no_order_can_be(changes: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        opened(**changes)


figures = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)
words = st.text(max_size=12) | st.sampled_from(["LIMIT", "CONDITIONAL_MARKET", "BUY", "SELL", "LONG", "NEW"])


TEXTS = ["type", "side", "position_side", "status", "time_in_force", "execution", "trigger_type"]
FIGURES = ["filled", "quantity", "price", "average_price", "trigger_price", "tp_price"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(TEXTS), words),
    st.dictionaries(st.sampled_from(FIGURES), figures),
    st.integers(-(10**18), 10**18),
)
def test_whatever_a_push_says_it_is_an_order_or_refused(
    texts: dict[str, str], prices: dict[str, Decimal], number: int
) -> None:
    facts = facts_of_push(pushed(number, "s1", **(texts | prices)))
    assert facts is not None
    try:
        order = parse_order(facts, BTC_PERP)
    except DecodeError:
        return
    assert 0 <= order.filled_quantity <= order.quantity


def test_what_closes_at_a_trigger_without_a_size_is_as_large_as_what_is_held() -> None:
    """An attached stop-loss may be listed so, with the flag of those that close all or without it."""
    waiting = {"side": "SELL", "type": "STOP_LOSS_MARKET", "triggerPrice": "58000.0", "triggerType": "MARK_PRICE"}
    for flag in (True, False):
        told = row() | waiting | {"origQty": "0" if flag else None, "closePosition": flag}
        facts = facts_of_row(msgspec.convert(told, OpenOrder, strict=False))
        order = parse_order(facts, BTC_PERP, D("0.03"))
        assert (order.quantity, order.status, order.reduce_only) == (D("0.03"), OrderStatus.NEW, True)
        assert parse_order(facts, BTC_PERP).status is OrderStatus.NEW
    with pytest.raises(DecodeError, match="without a size"):
        opened(origQty="0")


@pytest.mark.parametrize("moment", [10**13, 10**25, -1, 0])
def test_a_moment_that_can_not_be_is_none(moment: int) -> None:
    assert opened(transactTime=moment).ts_event == 0
    assert told(time=moment).ts_event == 0
    assert told(time=NOW * 1_000_000).ts_event == NOW * 1_000_000  # nanoseconds, as ACCOUNT_UPDATE has them
