"""The comparison itself: each thing that can be wrong between a journal and the truth is seen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.durability.comparing import Findings, Life, Reading, compare
from tests.support.bad_venues.rules import Execution, Kind, OrderState, Rules, Truth
from tests.support.bad_venues.venue import BTC
from tui.desk.journal import Resolution
from tui.desk.journal_events import Draft, EventKind, draft_command, draft_fact
from venues.commands import OrderRequest
from venues.model import NANOSECONDS, Fill, Liquidity, Order, OrderStatus, OrderType, Side
from venues.port import Departure

NOW = 1_800_000_000 * NANOSECONDS
RULES = Rules(kind=Kind.BY_ID, settle=0.5)
REQUEST = OrderRequest(
    instrument=BTC,
    client_order_id="s1",
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal(2),
    price=Decimal(9),
)
SENDING = draft_command(EventKind.SENDING, REQUEST, NOW, departure=Departure(deadline=NOW + NANOSECONDS))
LOST_ANSWER = draft_command(EventKind.AMBIGUOUS, REQUEST, NOW + 1, text="no answer")
RESTS = OrderState("v1", "s1", "buy", "9", "2", "0", "new", NOW, NOW)
EXECUTION = Execution("t1", "v1", "s1", "buy", "9", "1", "0", NOW)


def told(status: OrderStatus, filled: int = 0, after: int = 2) -> Draft:
    order = Order(
        instrument=BTC, client_order_id="s1", venue_order_id="v1", side=Side.BUY, type=OrderType.LIMIT,
        quantity=Decimal(2), price=Decimal(9), status=status, filled_quantity=Decimal(filled),
        ts_event=NOW + after,
    )  # fmt: skip
    return draft_fact(order, NOW + after)


def filled(trade_id: str) -> Draft:
    fill = Fill(
        instrument=BTC, trade_id=trade_id, client_order_id="s1", venue_order_id="v1", side=Side.BUY,
        price=Decimal(9), quantity=Decimal(1), fee=Decimal(0), fee_currency="USDT", liquidity=Liquidity.MAKER,
        ts_event=NOW,
    )  # fmt: skip
    return draft_fact(fill, NOW + 3)


NEVER_PLACED = draft_command(
    EventKind.RESOLVED, REQUEST, NOW + 5, resolution=Resolution("lookup", "missed", None, was_never_placed=True)
)


def findings(
    *drafts: Draft, kind: Kind = Kind.BY_ID, lives: tuple[Life, ...] = (), is_twice: bool = False, **truth: Any
) -> Findings:
    """Compares a journal of these rows with a venue that holds one resting order, but for what `truth` says."""
    arrivals = 2 if is_twice else 1
    rows, digest = [], ""
    for number, draft in enumerate(drafts, 1):
        rows.append(draft.row(number, digest))
        digest = rows[-1].digest
    rules = msgspec.structs.replace(RULES, kind=kind)
    real = Truth(
        orders=(RESTS,), fills=(), arrivals={"s1": arrivals}, never_booked={}, pending=0, violations=(), faults={},
        requests=1,
    )  # fmt: skip
    real = msgspec.structs.replace(real, **truth)
    return compare(Reading(rows, rules), real, rules, lives)


def names(found: Findings) -> set[str]:
    return {name for name in ("lost", "duplicated", "wrong", "late", "stale", "unknown") if getattr(found, name)}


ENDED = msgspec.structs.replace(RESTS, status="canceled", closed=1)
PART = msgspec.structs.replace(RESTS, filled="1")


def test_a_journal_that_knows_the_truth_is_clean() -> None:
    assert names(findings(SENDING, told(OrderStatus.NEW))) == set()
    assert names(findings(SENDING, told(OrderStatus.CANCELED), orders=(ENDED,))) == set()
    assert names(findings(SENDING, LOST_ANSWER, NEVER_PLACED, orders=())) == set()
    part = findings(SENDING, told(OrderStatus.NEW, 1), filled("t1"), orders=(PART,), fills=(EXECUTION,))
    assert names(part) == set()


@pytest.mark.parametrize(
    ("drafts", "truth", "expected"),
    [
        ((), {}, {"lost"}),
        ((SENDING, told(OrderStatus.NEW)), {"is_twice": True}, {"duplicated"}),
        ((SENDING, told(OrderStatus.NEW)), {"orders": (RESTS, RESTS)}, {"duplicated"}),
        ((SENDING, told(OrderStatus.CANCELED)), {}, {"wrong", "stale"}),
        ((SENDING, LOST_ANSWER, NEVER_PLACED), {}, {"wrong", "stale"}),
        # A verdict that was taken back was wrong all the same.
        ((SENDING, LOST_ANSWER, NEVER_PLACED, told(OrderStatus.CANCELED, after=9)),
         {"orders": (ENDED,)}, {"wrong"}),
        ((SENDING, told(OrderStatus.NEW)), {"orders": ()}, {"wrong"}),
        ((SENDING, told(OrderStatus.NEW, 1)), {}, {"wrong"}),
        ((SENDING, told(OrderStatus.NEW, 1), filled("t1"), filled("t2")),
         {"orders": (PART,), "fills": (EXECUTION,)}, {"wrong", "stale"}),
        ((SENDING, told(OrderStatus.NEW, 1)), {"orders": (PART,), "fills": (EXECUTION,)}, {"stale"}),
        ((SENDING, told(OrderStatus.NEW)), {"orders": (ENDED,)}, {"stale"}),
        ((SENDING, LOST_ANSWER), {}, {"unknown", "late"}),
        ((SENDING,), {"orders": ()}, {"unknown", "late"}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_seen(drafts: tuple[Draft, ...], truth: dict[str, Any], expected: set[str]) -> None:
    assert names(findings(*drafts, **truth)) == expected


def test_where_unfilled_orders_vanish_never_placed_and_cancelled_are_one_verdict() -> None:
    gone = told(OrderStatus.CANCELED)
    assert names(findings(SENDING, gone, orders=(), kind=Kind.VANISHING)) == set()
    assert names(findings(SENDING, gone, orders=())) == {"wrong"}


def test_where_nothing_is_bounded_unknown_is_right_for_what_was_never_booked() -> None:
    assert names(findings(SENDING, LOST_ANSWER, orders=(), kind=Kind.UNBOUNDED)) == {"unknown"}
    assert names(findings(SENDING, LOST_ANSWER, orders=(ENDED,), kind=Kind.UNBOUNDED)) == {"unknown", "late"}


@pytest.mark.parametrize(("seconds", "is_late"), [(3.5, False), (3.7, True)])
def test_settling_is_timed_from_the_deadline(seconds: float, is_late: bool) -> None:
    told_at = round(seconds * NANOSECONDS)  # 1 s to the deadline, 0.1 s of doubt, 0.5 s to settle, and 2 s more
    lives = (Life(NOW, NOW + 60 * NANOSECONDS),)
    found = findings(SENDING, LOST_ANSWER, told(OrderStatus.NEW, after=told_at), lives=lives)
    assert names(found) == ({"late"} if is_late else set())


@pytest.mark.parametrize(("seconds", "is_late"), [(1.9, False), (2.1, True)])
def test_settling_is_timed_from_the_start_where_that_is_later(seconds: float, is_late: bool) -> None:
    opened = NOW + 100 * NANOSECONDS
    told_at = opened - NOW + round(seconds * NANOSECONDS)
    lives = (Life(NOW, NOW + NANOSECONDS), Life(opened, opened + 60 * NANOSECONDS))
    found = findings(SENDING, LOST_ANSWER, told(OrderStatus.NEW, after=told_at), lives=lives)
    assert names(found) == ({"late"} if is_late else set())


def test_a_desk_that_was_killed_before_it_could_settle_was_not_late() -> None:
    lives = (Life(NOW, NOW + 3 * NANOSECONDS),)
    found = findings(SENDING, LOST_ANSWER, told(OrderStatus.NEW, after=90 * NANOSECONDS), lives=lives)
    assert names(found) == set()
