"""The guards over a day: the budget, the loss lock, the recovery, and a desk that only watches."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.tui.desk.rig import intent
from tests.tui.desk.test_guards import guards, market, verdict
from tui.desk.control import OrderIntent
from tui.desk.guards import Guards
from venues.model import NANOSECONDS, Side

D = Decimal
HOUR = 3_600 * NANOSECONDS
NOON = 1_800_014_400 * NANOSECONDS  # 2027-01-15 12:00 UTC
MIDNIGHT = NOON + 12 * HOUR
CLOSE = intent(side=Side.SELL, reduce_only=True)


def at(one: Guards, ts: int, wish: OrderIntent | None = None) -> tuple[str, ...]:
    return verdict(one, wish or intent(), market(ts_recv=ts), ts)


@pytest.mark.parametrize(
    ("pnl", "is_locked"),
    [(D("-499.99"), False), (D(-500), True), (D(-501), True), (D(600), False), (None, False), (D("NaN"), False)],
)
def test_the_day_is_locked_at_the_limit_and_not_before(pnl: Decimal | None, is_locked: bool) -> None:
    one = guards(day_loss=D(500))
    words = one.note_day(pnl, NOON, "USDT")
    assert (words is not None) is is_locked
    assert at(one, NOON) == (("denied", "loss") if is_locked else ("sent",))


def test_the_words_name_the_loss_the_limit_and_the_end() -> None:
    one = guards(day_loss=D(500))
    words = one.note_day(D("-1234.5"), NOON, "USDT")
    assert words == (
        "today's loss of 1,234.50 USDT reached your limit of 500.00: "
        "nothing that adds risk until 2027-01-16 00:00 UTC"
    )
    assert one.check(intent(), market(ts_recv=NOON), (), NOON).reasons[0].text == words


def test_the_loss_lock_falls_once_and_stays_until_midnight_whatever_happens() -> None:
    one = guards(day_loss=D(500))
    assert one.note_day(D(-600), NOON) is not None
    assert one.locked_until == MIDNIGHT
    for pnl in (D(-700), D(0), D(900), None):
        assert one.note_day(pnl, NOON + HOUR) is None
        one.lock("idle")
        one.arm()
        assert at(one, NOON + HOUR) == ("denied", "loss")
    assert at(one, MIDNIGHT - 1) == ("denied", "loss")
    assert at(one, MIDNIGHT) == ("sent",)
    assert one.note_day(D(-500), MIDNIGHT + HOUR) is not None
    assert one.locked_until == MIDNIGHT + 24 * HOUR


def test_no_limit_no_lock() -> None:
    one = guards()
    assert one.note_day(D(-1_000_000), NOON) is None
    assert at(one, NOON) == ("sent",)


def test_the_loss_lock_and_the_budget_outlive_the_desk() -> None:
    one = guards(session_budget=D(250))
    one.inherit(D(200), MIDNIGHT, "today's loss of 600.00 reached your limit of 500.00")
    outcome = one.check(intent(), market(ts_recv=NOON), (), NOON)
    assert [reason.guard for reason in outcome.reasons] == ["loss", "budget"]
    assert outcome.reasons[0].text == "today's loss of 600.00 reached your limit of 500.00"
    assert outcome.reasons[1].text == "50.00 USDT are left of today's budget"
    assert at(one, NOON, CLOSE) == ("sent",)
    assert at(one, MIDNIGHT) == ("sent",)
    assert one.budget_used == 0


def test_a_lock_without_its_words_still_says_what_it_is() -> None:
    one = guards()
    one.inherit(D(0), MIDNIGHT)
    (reason,) = one.against_risk(NOON)
    assert reason.text == "the day's loss limit was reached: locked until 2027-01-16 00:00 UTC"
    assert one.against_risk(MIDNIGHT) == ()


def test_the_budget_is_the_days() -> None:
    one = guards(session_budget=D(250))
    one.note_sent(intent(), D(200), NOON)
    assert not one.roll_day(MIDNIGHT - 1)
    assert one.budget_used == 200
    assert one.roll_day(MIDNIGHT)
    assert one.budget_used == 0
    one.note_sent(intent(), D(100), MIDNIGHT)
    assert not one.roll_day(NOON)  # the clock was set back
    assert not one.roll_day(MIDNIGHT + HOUR)
    assert one.budget_used == 100


def test_what_is_sent_first_after_midnight_counts_into_the_new_day() -> None:
    one = guards()
    one.note_sent(intent(), D(200), MIDNIGHT - 1)
    one.note_sent(intent(), D(70), MIDNIGHT)
    assert one.budget_used == 70


def test_while_recovering_only_what_takes_risk_off_is_sent() -> None:
    one = guards()
    one.is_recovering = True
    outcome = one.check(intent(), market(ts_recv=NOON), (), NOON)
    assert [reason.text for reason in outcome.reasons] == ["orders of the run before are not settled yet"]
    assert at(one, NOON, CLOSE) == ("sent",)
    one.is_recovering = False
    assert at(one, NOON) == ("sent",)


@pytest.mark.parametrize("wish", [intent(), CLOSE])
@pytest.mark.parametrize("amends", [False, True])
def test_a_desk_that_watches_sends_nothing_and_says_why(wish: OrderIntent, amends: bool) -> None:
    one = guards()
    assert (one.is_read_only, one.refusal()) == (False, None)
    one.read_only_reason = "another desk of this profile trades"
    outcome = one.check(wish, market(ts_recv=NOON), (), NOON, is_amend=amends)
    assert [(reason.guard, reason.text) for reason in outcome.reasons] == [("read-only", one.read_only_reason)]
    assert (one.is_read_only, one.refusal()) == (True, outcome)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"is_armed": False}, ["lock"]),
        ({"is_busy": True, "is_recovering": True}, ["recovery", "panic"]),
        ({"locked_until": MIDNIGHT, "read_only_reason": "it watches"}, ["read-only", "loss"]),
    ],
)
def test_what_stands_against_any_risk_is_told_without_an_order(
    changes: dict[str, Any], expected: list[str]
) -> None:
    one = guards()
    for name, value in changes.items():
        setattr(one, name, value)
    assert [reason.guard for reason in one.against_risk(NOON)] == expected
