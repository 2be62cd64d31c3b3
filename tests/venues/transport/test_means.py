"""What sweeps of all venues end in, and how an order is shown whose cancel was accepted."""

from __future__ import annotations

from decimal import Decimal

import pytest

from venues.book import Book
from venues.errors import NotSent, OrderRejected, OutcomeUnknown
from venues.events import BookDelta, BookSnapshot
from venues.model import InstrumentId, Order, OrderStatus, OrderType, Side
from venues.transport.books import trimmed
from venues.transport.means import Tally, as_it_is
from venues.transport.order_memory import KnownOrder

NAME = InstrumentId("venue", "X")


def test_a_sweep_of_which_nothing_failed_ends_in_nothing() -> None:
    tally = Tally("venue")
    tally.done = 2
    tally.raise_worst()


def test_the_first_refusal_counts_where_nothing_was_done() -> None:
    tally = Tally("venue")
    tally.note(NotSent("venue", "first"))
    tally.note(OrderRejected("venue", "second"))
    with pytest.raises(NotSent, match="first"):
        tally.raise_worst()


def test_a_refusal_of_a_part_leaves_the_whole_unknown() -> None:
    tally = Tally("venue")
    tally.done = 1
    tally.note(OrderRejected("venue", "not this one", "7"))
    with pytest.raises(OutcomeUnknown, match="some were cancelled, others not: not this one") as caught:
        tally.raise_worst()
    assert caught.value.code == "7"


def test_what_nobody_knows_counts_more_than_what_was_refused() -> None:
    tally = Tally("venue")
    tally.note(OrderRejected("venue", "no"))
    tally.note(OutcomeUnknown("venue", "lost"))
    tally.note(OrderRejected("venue", "no"))
    with pytest.raises(OutcomeUnknown, match="venue: lost"):
        tally.raise_worst()


@pytest.mark.parametrize(
    ("status", "is_cancelling", "shown"),
    [
        (OrderStatus.NEW, True, OrderStatus.PENDING_CANCEL),
        (OrderStatus.NEW, False, OrderStatus.NEW),
        (OrderStatus.FILLED, True, OrderStatus.FILLED),
        (OrderStatus.REJECTED, True, OrderStatus.REJECTED),
    ],
)
def test_an_accepted_cancel_is_pending_until_the_order_is_over(
    status: OrderStatus, is_cancelling: bool, shown: OrderStatus
) -> None:
    known = KnownOrder(NAME, "s1")
    with pytest.raises(NotSent):
        as_it_is("venue", known)
    known.is_cancelling = is_cancelling
    known.last = Order(
        instrument=NAME,
        client_order_id="s1",
        side=Side.BUY,
        type=OrderType.MARKET,
        quantity=Decimal(1),
        status=status,
    )
    assert as_it_is("venue", known).status is shown


def test_executions_that_were_not_told_are_wanting_but_for_those_of_before() -> None:
    known = KnownOrder(NAME, "s1")
    known.claimed, known.baseline, known.told = Decimal(5), Decimal(2), Decimal(2)
    assert known.is_short
    known.told = Decimal(3)
    assert not known.is_short


def test_what_lies_behind_the_shown_levels_leaves_the_book() -> None:
    book = Book(NAME)
    book.apply(BookSnapshot(NAME, (("9", "1"), ("8", "1")), (("10", "1"), ("11", "1")), 1, 0, 0))
    change = BookDelta(NAME, (("9.5", "2"),), (), 1, 2, 0, 0)
    assert book.apply(change)
    told = trimmed(book, 2, book.apply, change)
    assert book.top(5)[0] == book.top(2)[0]
    assert told.bids == (("9.5", "2"), ("8", "0"))
    assert trimmed(book, 2, book.apply, change) is change
