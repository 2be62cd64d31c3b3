"""The order tracker: its table, and the cases that cost money elsewhere."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.tui.desk.rig import FIVE, PERP, START, Clock, fill, order, request
from tui.desk.order_states import TRANSITIONS, OrderNews
from tui.desk.orders import OrderTracker, Tracked
from venues.commands import AmendRequest
from venues.model import OrderStatus

D = Decimal
S = OrderStatus
TO_TEN = AmendRequest(instrument=PERP, client_order_id="a", venue_order_id="va", quantity=D(10))


@pytest.fixture
def changes() -> list[tuple[str, OrderStatus | None, OrderStatus]]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tracker(clock: Clock, changes: list[tuple[str, OrderStatus | None, OrderStatus]]) -> OrderTracker:
    return OrderTracker(clock, lambda tracked, before: changes.append((tracked.key, before, tracked.status)))


def sent(tracker: OrderTracker, key: str = "a", quantity: Decimal = FIVE) -> Tracked:
    return tracker.submitted(request(key, quantity), START)


def status(tracked: Tracked) -> OrderStatus:
    return tracked.status


def test_the_table_is_complete() -> None:
    assert TRANSITIONS.keys() == {(state, news) for state in OrderStatus for news in OrderNews}


def test_what_is_over_never_comes_back_but_for_what_was_refused() -> None:
    for state in (S.FILLED, S.CANCELED, S.EXPIRED):
        assert {TRANSITIONS[state, news] for news in OrderNews} <= {S.FILLED, S.CANCELED, S.EXPIRED}
    revivals = [news for news in OrderNews if not TRANSITIONS[S.REJECTED, news].is_terminal]
    assert revivals == [OrderNews.RESTS]


def test_a_miss_is_never_a_failure() -> None:
    for state in OrderStatus:
        if not state.is_terminal:
            assert TRANSITIONS[state, OrderNews.MISSING] in (S.UNKNOWN, S.PENDING_NEW)


def test_an_order_lives_from_sent_to_filled(tracker: OrderTracker, changes: list[object]) -> None:
    tracked = sent(tracker)
    assert status(tracked) is S.PENDING_NEW
    tracker.apply(order("a"))
    tracker.command_ended(tracked, None)
    tracker.add_fill(fill("a", "t1", D(2), price=D(99)))
    assert (status(tracked), tracked.order.filled_quantity) == (S.PARTIALLY_FILLED, D(2))
    tracker.add_fill(fill("a", "t2", D(3), price=D(104)))
    assert (status(tracked), tracked.order.average_price) == (S.FILLED, D(102))
    assert list(tracker.open_orders()) == []
    assert changes == [
        ("a", None, S.PENDING_NEW),
        ("a", S.PENDING_NEW, S.NEW),
        ("a", S.NEW, S.PARTIALLY_FILLED),
        ("a", S.PARTIALLY_FILLED, S.FILLED),
    ]


def test_a_fill_told_twice_counts_once(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    assert tracker.add_fill(fill("a", "t1", D(2))).is_new
    assert not tracker.add_fill(fill("a", "t1", D(2))).is_new
    assert tracked.order.filled_quantity == 2


def test_the_same_trade_id_on_another_venue_is_another_fill(tracker: OrderTracker) -> None:
    sent(tracker)
    tracker.add_fill(fill("a", "t1"))
    elsewhere = fill("x", "t1", instrument=fill("a", "t").instrument._replace(venue="other"))
    assert tracker.add_fill(elsewhere).is_new


def test_a_late_fill_after_the_cancel_is_taken_and_marked(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.apply(order("a", S.CANCELED, ts_event=START + 2))
    news = tracker.add_fill(fill("a", "t1", D(2)))
    assert news.is_late
    assert tracked.is_late_fill
    assert (status(tracked), tracked.order.filled_quantity) == (S.CANCELED, D(2))
    tracker.add_fill(fill("a", "t2", D(3)))
    assert status(tracked) is S.FILLED


def test_a_fill_that_the_cancel_had_counted_already_is_not_late(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.apply(order("a", S.CANCELED, filled_quantity=D(2), ts_event=START + 2))
    assert not tracker.add_fill(fill("a", "t1", D(2))).is_late
    assert not tracked.is_late_fill


def test_more_fills_than_quantity_are_capped_and_marked(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.add_fill(fill("a", "t1", D(4)))
    tracker.add_fill(fill("a", "t2", D(4)))
    assert tracked.order.filled_quantity == 5
    assert tracked.is_overfilled


def test_an_older_update_does_not_undo_a_newer_one(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.apply(order("a", price=D(101), quantity=D(7), ts_event=START + 5))
    tracker.apply(order("a", price=D(100), ts_event=START + 1))
    assert (tracked.order.price, tracked.order.quantity) == (D(101), D(7))
    tracker.apply(order("a", S.CANCELED, ts_event=START + 6))
    tracker.apply(order("a", S.NEW, ts_event=START + 5))
    assert status(tracked) is S.CANCELED


def test_an_ambiguous_submit_is_unknown_until_the_venue_has_it(tracker: OrderTracker, clock: Clock) -> None:
    tracked = sent(tracker)
    clock.now += 7
    tracker.command_ended(tracked, OrderNews.AMBIGUOUS, "no answer")
    assert (status(tracked), tracked.unknown_since, tracked.order.reason) == (S.UNKNOWN, START + 7, "no answer")
    for _ in range(5):
        tracker.missing(tracked)
    assert status(tracked) is S.UNKNOWN
    tracker.confirm(order("a"))
    assert (status(tracked), tracked.unknown_since) == (S.NEW, None)


def test_an_ambiguous_answer_does_not_undo_what_the_stream_told(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.apply(order("a"))
    tracker.command_ended(tracked, OrderNews.AMBIGUOUS)
    assert status(tracked) is S.NEW


def test_a_lost_cancel_is_not_settled_by_an_old_update(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.command_ended(tracked, None)
    tracker.apply(order("a"))
    tracker.command_sent(tracked, OrderNews.CANCEL_SENT)
    assert status(tracked) is S.PENDING_CANCEL
    tracker.command_ended(tracked, OrderNews.AMBIGUOUS)
    tracker.apply(order("a"))
    tracker.add_fill(fill("a", "t1"))
    assert status(tracked) is S.UNKNOWN
    tracker.confirm(order("a"))
    assert status(tracked) is S.PARTIALLY_FILLED


def test_a_refused_cancel_leaves_the_order_as_it_was(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.command_sent(tracked, OrderNews.CANCEL_SENT)
    tracker.command_ended(tracked, OrderNews.COMMAND_REFUSED)
    assert status(tracked) is S.PENDING_NEW
    tracker.command_ended(tracked, None)
    tracker.apply(order("a"))
    tracker.add_fill(fill("a", "t1"))
    tracker.command_sent(tracked, OrderNews.REPLACE_SENT)
    assert status(tracked) is S.PENDING_REPLACE
    tracker.command_ended(tracked, OrderNews.COMMAND_REFUSED)
    assert status(tracked) is S.PARTIALLY_FILLED


def test_an_order_that_the_venue_refused_and_then_lists_is_back(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.command_ended(tracked, OrderNews.REJECTED, "not today")
    tracker.apply(order("a"))
    assert status(tracked) is S.UNKNOWN  # which may be older than the refusal: it is asked about
    tracker.confirm(order("a"))
    assert status(tracked) is S.NEW
    assert [one.key for one in tracker.open_orders()] == ["a"]


def test_orders_placed_elsewhere_are_adopted(tracker: OrderTracker) -> None:
    tracker.apply(order("", venue_order_id="77"))
    tracked = tracker.get("77")
    assert tracked is not None
    assert tracked.order.is_external
    assert status(tracked) is S.NEW
    tracker.add_fill(fill("", "t1", D(5), venue_order_id="77"))
    assert status(tracked) is S.FILLED


def test_an_update_without_our_id_finds_the_order_by_the_venues(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.apply(order("a"))
    tracker.apply(order("", S.CANCELED, venue_order_id="va", ts_event=START + 1))
    assert (status(tracked), tracked.order.client_order_id) == (S.CANCELED, "a")


def test_an_order_whose_id_changes_is_found_by_every_id_it_had(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.apply(order("a"))
    tracker.apply(order("a", venue_order_id="vb", ts_event=START + 1))
    assert tracked.order.venue_order_id == "vb"
    assert tracker.by_venue_id("test", "vb") is tracker.by_venue_id("test", "va") is tracked
    tracker.add_fill(fill("", "t1", venue_order_id="vb"))
    assert tracked.order.filled_quantity == 1


def test_a_fill_that_comes_before_its_order_waits_for_it(tracker: OrderTracker) -> None:
    news = tracker.add_fill(fill("", "t1", D(2), venue_order_id="77"))
    assert (news.is_new, news.tracked) == (True, None)
    tracker.apply(order("", venue_order_id="77"))
    tracked = tracker.get("77")
    assert tracked is not None
    assert (status(tracked), tracked.order.filled_quantity) == (S.PARTIALLY_FILLED, D(2))


def test_the_same_client_id_on_two_venues_is_two_orders(tracker: OrderTracker) -> None:
    tracker.apply(order("x"))
    other = order("x").instrument._replace(venue="other")
    tracker.apply(order("x", instrument=other))
    tracker.apply(order("x", S.CANCELED, instrument=other, ts_event=START + 1))
    assert {one.key: one.status for one in tracker.open_orders()} == {"x": S.NEW}


def test_what_is_over_is_forgotten_after_a_while(tracker: OrderTracker) -> None:
    for number in range(2_100):
        tracker.apply(order(f"n{number}", S.CANCELED))
    assert tracker.get("n0") is None
    assert tracker.get("n2099") is not None


def test_an_order_that_is_full_by_the_size_it_had_before_a_change_is_not_over(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.command_ended(tracked, None)
    tracker.apply(order("a"))
    tracker.command_sent(tracked, OrderNews.REPLACE_SENT)
    tracker.add_fill(fill("a", "t1", D(5)))
    assert status(tracked) is S.PENDING_REPLACE
    bigger = order("a", S.PARTIALLY_FILLED, quantity=D(10), filled_quantity=D(5), ts_event=START + 1)
    tracker.apply(bigger)
    tracker.command_ended(tracked, OrderNews.REPLACED)
    assert (status(tracked), tracked.order.quantity) == (S.PARTIALLY_FILLED, D(10))
    assert not tracked.is_overfilled


def test_what_a_lost_change_left_open_is_told_by_the_venue_alone(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.command_ended(tracked, None)
    tracker.apply(order("a"))
    tracker.command_sent(tracked, OrderNews.REPLACE_SENT)
    tracked.commands.append(TO_TEN)
    tracker.command_ended(tracked, OrderNews.AMBIGUOUS, "timeout")
    tracker.add_fill(fill("a", "t1", D(5)))
    assert status(tracked) is S.UNKNOWN
    tracker.confirm(order("a", filled_quantity=D(5), ts_event=START + 1))
    assert status(tracked) is S.UNKNOWN  # 5 of 5, or of 10
    tracker.confirm(order("a", S.FILLED, filled_quantity=D(5), ts_event=START + 2))
    assert status(tracked) is S.FILLED


def test_an_order_called_filled_is_back_when_its_venue_tells_of_a_larger_size(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.command_ended(tracked, None)
    tracker.apply(order("a"))
    tracker.add_fill(fill("a", "t1", D(5)))
    assert status(tracked) is S.FILLED
    tracker.confirm(order("a", S.PARTIALLY_FILLED, quantity=D(10), filled_quantity=D(5), ts_event=START + 1))
    assert status(tracked) is S.PARTIALLY_FILLED
    assert [one.key for one in tracker.open_orders()] == ["a"]
    tracker.apply(order("a", filled_quantity=D(0)))  # and what is old changes nothing
    assert status(tracked) is S.PARTIALLY_FILLED


def test_what_trades_beyond_the_old_size_proves_a_larger_one(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.command_ended(tracked, None)
    tracker.apply(order("a"))
    tracker.command_sent(tracked, OrderNews.REPLACE_SENT)
    tracked.commands.append(TO_TEN)
    tracker.command_ended(tracked, OrderNews.AMBIGUOUS, "timeout")
    tracker.add_fill(fill("a", "t1", D(7)))
    assert (status(tracked), tracked.order.filled_quantity, tracked.is_overfilled) == (S.UNKNOWN, D(7), False)
    tracker.settled(tracked, (TO_TEN,))
    tracker.apply(order("a", S.CANCELED, quantity=D(10), filled_quantity=D(7), ts_event=START + 1))
    assert (status(tracked), tracked.order.quantity, tracked.order.filled_quantity) == (S.CANCELED, D(10), D(7))


def test_being_full_counts_once_the_lost_change_is_settled(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.command_ended(tracked, None)
    tracker.apply(order("a"))
    tracker.command_sent(tracked, OrderNews.REPLACE_SENT)
    tracked.commands.append(TO_TEN)
    tracker.command_ended(tracked, OrderNews.AMBIGUOUS, "timeout")
    tracker.confirm(order("a", ts_event=START + 1))
    tracker.add_fill(fill("a", "t1", D(5)))
    assert status(tracked) is S.UNKNOWN
    tracker.settled(tracked, (TO_TEN,))
    assert status(tracked) is S.FILLED


def test_a_refusal_of_what_the_venue_told_of_is_asked_about(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.apply(order("a"))
    tracker.command_ended(tracked, OrderNews.REJECTED, "not today")
    assert status(tracked) is S.UNKNOWN


def test_a_fill_after_our_own_conclusion_undoes_it_and_one_read_again_does_not(tracker: OrderTracker) -> None:
    tracked = sent(tracker)
    tracker.apply(order("a"))
    tracker.command_ended(tracked, None)
    tracker.missing(tracked)
    tracker.conclude(tracked, S.CANCELED, "by your own word", is_proven=False)
    assert tracker.add_fill(fill("a", "t1")).is_late
    assert status(tracked) is S.UNKNOWN
    tracker.conclude(tracked, S.CANCELED, "by your own word", is_proven=False)
    restarted = OrderTracker(Clock(), lambda *_: None)
    restarted.restore(tracked)
    assert not restarted.add_fill(fill("a", "t1")).is_late
    assert status(tracked) is S.CANCELED
