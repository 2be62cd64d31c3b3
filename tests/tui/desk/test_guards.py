"""What the guards deny and what they ask, one row each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.tui.desk.rig import START, capabilities, instrument, intent, order
from tui.desk.control import OrderIntent, Verdict
from tui.desk.guards import Guards, Limits, MarketNow, notional_of
from venues.model import InstrumentKind, OrderStatus, OrderType, Side, TimeInForce
from venues.port import Mode

D = Decimal
SECOND = 1_000_000_000


def market(**changes: Any) -> MarketNow:
    made = MarketNow(
        instrument=instrument(), capabilities=capabilities(), mid=D(100), best_bid=D("99.5"), best_ask=D("100.5"),
        is_book_valid=True, ts_recv=START,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def guards(is_armed: bool = True, **limits: Any) -> Guards:
    return Guards(Limits(**limits), is_armed=is_armed)


def verdict(one: Guards, wish: OrderIntent, now: MarketNow, ts: int = START) -> tuple[str, ...]:
    """Returns the verdict, then the names of the guards that spoke."""
    outcome = one.check(wish, now, (), ts)
    return (outcome.verdict.value, *(reason.guard for reason in outcome.reasons))


CAPPED = {"max_quantity": {"BTC-PERP": D(3)}}
MARKET = {"type": OrderType.MARKET, "price": None}
NO_PRICE = {"mid": None, "best_ask": None, "best_bid": None, "is_book_valid": False}
EXITS = {"capabilities": capabilities(attached_exits=True)}
LIMIT_ONLY = {"capabilities": capabilities(order_types=frozenset({OrderType.LIMIT}))}
CLOSE = {"side": Side.SELL, "reduce_only": True}


@pytest.mark.parametrize(
    ("wish", "now", "limits", "expected"),
    [
        ({}, {}, {}, ("sent",)),
        ({"quantity": D("0.0005")}, {}, {}, ("denied", "steps", "steps", "steps")),
        ({"price": D("100.3")}, {}, {}, ("denied", "steps")),
        ({"quantity": D(0)}, {}, {}, ("denied", "steps")),
        ({"quantity": D("NaN")}, {}, {}, ("denied", "steps")),
        ({"price": D("Infinity")}, {}, {}, ("denied", "steps")),
        ({"take_profit": D("110.2")}, EXITS, {}, ("denied", "steps")),
        ({"take_profit": D(110)}, {}, {}, ("denied", "supported")),
        ({"quantity": D(4)}, {}, CAPPED, ("denied", "size")),
        ({"quantity": D(4)} | CLOSE, {}, CAPPED, ("sent",)),
        ({"quantity": D(11)}, {}, {"max_notional": D(1000)}, ("denied", "notional")),
        ({"quantity": D(11)}, {"rate": D("0.9"), "currency": "EUR"}, {"max_notional": D(1000)}, ("sent",)),
        ({}, {"rate": D("30.5"), "currency": "TWD"}, {"max_notional": D(3000)}, ("denied", "notional")),
        ({}, {"rate": D("30.5"), "currency": "TWD"}, {"session_budget": D(3000)}, ("denied", "budget")),
        ({}, {"rate": None, "currency": "TWD"}, {}, ("needs_yes", "value")),
        (CLOSE, {"rate": None, "currency": "TWD"}, {}, ("sent",)),
        ({"quantity": D(10)}, {}, {"max_notional": D(1000)}, ("sent",)),
        ({"quantity": D(10)} | MARKET, {}, {"max_notional": D(1000)}, ("denied", "notional")),
        (MARKET, NO_PRICE, {}, ("denied", "notional")),
        ({}, {"mid": None, "is_book_valid": False}, {}, ("needs_yes", "fresh")),
        ({}, {"is_book_valid": False}, {}, ("needs_yes", "fresh")),
        ({}, {"ts_recv": START - 11 * SECOND}, {}, ("needs_yes", "fresh")),
        ({}, {"ts_recv": START - 9 * SECOND}, {}, ("sent",)),
        (CLOSE, {"ts_recv": START - 60 * SECOND, "is_book_valid": False}, {}, ("sent",)),
        ({"price": D(105)}, {}, {}, ("sent",)),
        ({"price": D("105.5")}, {}, {}, ("needs_yes", "band")),
        ({"price": D("94.5")}, {}, {}, ("needs_yes", "band")),
        ({"price": D(120)}, {}, {}, ("needs_yes", "band")),
        ({"price": D("120.5")}, {}, {}, ("denied", "band")),
        ({"price": D("120.5")} | CLOSE, {}, {}, ("denied", "band")),
        ({"price": D("105.5"), "overrides": frozenset({"band"})}, {}, {}, ("sent",)),
        ({"price": D("120.5"), "overrides": frozenset({"band"})}, {}, {}, ("denied", "band")),
        ({"price": D("105.5")}, {"is_book_valid": False}, {}, ("needs_yes", "band", "fresh")),
        ({}, {"is_reconciling": True}, {}, ("denied", "reconciling")),
        (CLOSE, {"is_reconciling": True}, {}, ("sent",)),
        ({}, {"fault": "no key"}, {}, ("denied", "venue")),
        (CLOSE, {"fault": "no key"}, {}, ("denied", "venue")),
        (CLOSE, {"capabilities": capabilities(mode=Mode.READ_ONLY)}, {}, ("denied", "read-only")),
        ({}, {"instrument": instrument(is_tradable=False)}, {}, ("denied", "instrument")),
        ({}, {"instrument": instrument(kind=InstrumentKind.INVERSE_PERPETUAL)}, {}, ("denied", "instrument")),
        (CLOSE, {"instrument": instrument(kind=InstrumentKind.SPOT)}, {}, ("denied", "supported")),
        ({"post_only": True}, {"capabilities": capabilities(post_only=False)}, {}, ("denied", "supported")),
        (
            {"time_in_force": TimeInForce.FOK},
            {"capabilities": capabilities(times_in_force=frozenset({TimeInForce.GTC}))},
            {},
            ("denied", "supported"),
        ),
        (MARKET, LIMIT_ONLY, {}, ("denied", "supported")),
        (
            {"type": OrderType.STOP_LIMIT, "trigger_price": D(150), "price": D(151)},
            {},
            {},
            ("sent",),
        ),
        (
            {"type": OrderType.STOP_LIMIT, "trigger_price": D("150.2"), "price": D(151)},
            {},
            {},
            ("denied", "steps"),
        ),
    ],
)  # fmt: skip
def test_each_guard(
    wish: dict[str, Any], now: dict[str, Any], limits: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert verdict(guards(**limits), intent(**wish), market(**now)) == expected


def test_the_lock_stops_what_adds_risk_and_nothing_else() -> None:
    locked = guards(is_armed=False)
    assert verdict(locked, intent(), market()) == ("denied", "lock")
    assert verdict(locked, intent(reduce_only=True, side=Side.SELL), market()) == ("sent",)
    locked.arm()
    assert verdict(locked, intent(), market()) == ("sent",)
    locked.lock("idle for 10 min")
    outcome = locked.check(intent(), market(), (), START)
    assert outcome.reasons[0].text == "the desk is locked: idle for 10 min"


def test_nothing_that_adds_risk_leaves_while_panic_runs() -> None:
    busy = guards()
    busy.is_busy = True
    assert verdict(busy, intent(), market()) == ("denied", "panic")
    assert verdict(busy, intent(reduce_only=True), market()) == ("sent",)


def test_at_most_three_reasons_hard_ones_only_the_most_severe_first() -> None:
    wish = intent(quantity=D("5000.0005"), price=D("300.3"), take_profit=D(1))
    now = market(is_reconciling=True, is_book_valid=False)
    one = guards(is_armed=False, day_loss=D(10))
    assert verdict(one, wish, now) == ("denied", "lock", "reconciling", "band")
    one.arm()
    assert verdict(one, wish, now) == ("denied", "reconciling", "band", "notional")
    assert verdict(one, wish, market()) == ("denied", "band", "notional", "budget")
    one.is_busy = one.is_recovering = True
    assert verdict(one, wish, now) == ("denied", "recovery", "panic", "reconciling")
    one.note_day(D(-10), START)
    assert verdict(one, wish, now) == ("denied", "loss", "recovery", "panic")
    assert verdict(one, wish, market(fault="no key")) == ("denied", "venue", "loss", "recovery")
    one.read_only_reason = "another desk of this profile is open"
    assert verdict(one, wish, now) == ("denied", "read-only")


def test_the_budget_counts_what_was_sent() -> None:
    limited = guards(session_budget=D(250))
    for _ in range(2):
        assert verdict(limited, intent(), market()) == ("sent",)
        limited.note_sent(intent(), notional_of(intent(), market(), limited.limits), START - 60 * SECOND)
    assert limited.budget_used == 200
    assert verdict(limited, intent(), market()) == ("denied", "budget")
    limited.note_sent(intent(reduce_only=True), D(100), START)
    assert limited.budget_used == 200


def test_the_same_order_within_two_seconds_is_asked_about() -> None:
    one = guards()
    one.note_sent(intent(), D(100), START)
    assert verdict(one, intent(), market(), START + SECOND) == ("needs_yes", "duplicate")
    assert verdict(one, intent(price=D(101)), market(), START + SECOND) == ("sent",)
    assert verdict(one, intent(overrides=frozenset({"duplicate"})), market(), START + SECOND) == ("sent",)
    assert verdict(one, intent(), market(), START + 3 * SECOND) == ("sent",)


def test_the_twin_of_an_unknown_order_is_asked_about_however_old() -> None:
    unknown = order("a", OrderStatus.UNKNOWN, quantity=D(1))
    outcome = guards().check(intent(), market(), [unknown], START)
    assert [reason.guard for reason in outcome.reasons] == ["duplicate"]


def test_an_amendment_counts_only_what_it_adds() -> None:
    limited = guards(session_budget=D(250))
    limited.budget_used = D(200)
    wish = intent(quantity=D("2.4"))
    spent = limited.check(wish, market(), (), START, is_amend=True, notional_before=D(200))
    assert spent.verdict is Verdict.SENT
    assert (
        limited.check(wish, market(), (), START, is_amend=True, notional_before=D(100)).verdict is Verdict.DENIED
    )
