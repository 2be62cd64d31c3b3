"""The rules by which a book is continued, broken and mended."""

from __future__ import annotations

from decimal import Decimal

import pytest

from venues.book import Book, Fault, Verification
from venues.errors import DecodeError
from venues.events import BookDelta, BookSnapshot, Event
from venues.model import Instrument, InstrumentId, InstrumentKind
from venues.pumpkin.books import Books
from venues.pumpkin.depth import DepthFeed
from venues.pumpkin.parse import Lots
from venues.pumpkin.wire import WireDepth

BTC = InstrumentId("pumpkin", "btc_usdt")
FIRST = 586765918776852548  # above 2^53
Rows = list[tuple[str, str]]
BIDS: Rows = [("100.1", "10"), ("100.0", "20")]
ASKS: Rows = [("100.2", "5"), ("100.3", "7")]


def feed() -> DepthFeed:
    return DepthFeed(BTC, Lots(Decimal("0.0001")))


def push(
    first: int, last: int, bids: Rows | None = None, asks: Rows | None = None, *, whole: bool | None = False
) -> WireDepth:
    return WireDepth("btc_usdt", FIRST + first, FIRST + last, tuple(bids or ()), tuple(asks or ()), whole)


def read(last: int, bids: Rows | None = None, asks: Rows | None = None) -> BookSnapshot:
    """A book that was read by REST, in base units as the reads tell it."""
    sides = [
        [(price, f"{Decimal(size) / 10_000:f}") for price, size in side] for side in (bids or BIDS, asks or ASKS)
    ]
    return BookSnapshot(BTC, tuple(sides[0]), tuple(sides[1]), FIRST + last, 1, 2)


def opened() -> DepthFeed:
    found = feed()
    assert isinstance(found.take(push(0, 0, BIDS, ASKS, whole=True), 1, 2), BookSnapshot)
    return found


def quantities(book: Book) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
    return book.levels(50)


def test_contracts_become_base_units() -> None:
    book = opened().book
    assert book.top(1) == ([("100.1", "0.001")], [("100.2", "0.0005")])
    assert book.verification is Verification.VERIFIED


def test_a_change_that_follows_is_applied_and_a_zero_deletes() -> None:
    found = opened()
    event = found.take(push(1, 3, [("100.1", "0"), ("99.9", "1")]), 1, 2)
    assert isinstance(event, BookDelta)
    assert (event.previous, event.sequence) == (FIRST, FIRST + 3)
    assert [price for price, _ in found.book.top(50)[0]] == ["100.0", "99.9"]
    assert found.is_carried


@pytest.mark.parametrize(("first", "last"), [(-3, 0), (0, 0), (-1, -1)])
def test_what_is_not_beyond_the_book_is_dropped(first: int, last: int) -> None:
    found = opened()
    assert found.take(push(first, last, [("100.1", "0")]), 1, 2) is None
    assert found.book.best_bid() == (Decimal("100.1"), Decimal("0.001"))
    assert found.is_carried


def test_what_begins_before_and_ends_beyond_is_applied() -> None:
    found = opened()
    assert found.take(push(-5, 4, [("100.1", "11")]), 1, 2) is not None
    assert found.book.sequence == FIRST + 4


def test_a_gap_breaks_it_and_a_read_mends_it_with_what_came_meanwhile() -> None:
    found = opened()
    assert found.take(push(2, 2, [("100.0", "0")]), 1, 2) is None
    assert found.book.fault is Fault.GAP
    assert found.take(push(3, 5, [("99.8", "4")]), 1, 2) is None
    assert found.take(push(6, 6, [("99.7", "2")]), 1, 2) is None
    told = found.take_read(read(3))
    assert [type(event) for event in told] == [BookSnapshot, BookDelta, BookDelta]
    assert found.is_carried and found.book.sequence == FIRST + 6
    assert [price for price, _ in found.book.top(50)[0]] == ["100.1", "100.0", "99.8", "99.7"]
    # Whoever follows the events alone has the same.
    rebuilt = Book(BTC)
    for event in told:
        assert rebuilt.apply(event)
    assert quantities(rebuilt) == quantities(found.book)


def test_a_read_that_is_too_old_for_what_came_meanwhile_is_shown_and_read_again() -> None:
    found = opened()
    found.take(push(9, 9, [("99.8", "4")]), 1, 2)
    assert [type(event) for event in found.take_read(read(4))] == [BookSnapshot]
    assert found.book.is_valid
    assert [type(event) for event in found.take_read(read(9, [("100.1", "10")]))] == [BookDelta]
    carried = [found.is_carried]
    assert found.take(push(10, 10, [("99.8", "4")]), 1, 2) is not None
    assert [*carried, found.is_carried] == [False, True]


def test_two_reads_are_told_as_the_difference_however_a_price_is_written() -> None:
    found = feed()
    assert found.take(push(0, 0, [("100.10", "10"), ("100.00", "20")], [("100.20", "5")], whole=True), 1, 2)
    found.restart()
    (event,) = found.take_read(read(4, [("100.1", "10"), ("99.9", "1")], [("100.2", "6")]))
    assert isinstance(event, BookDelta)
    assert event.bids == (("99.9", "0.0001"), ("100.00", "0")) and event.asks == (("100.2", "0.0006"),)
    assert quantities(found.book) == (
        [(Decimal("100.1"), Decimal("0.001")), (Decimal("99.9"), Decimal("0.0001"))],
        [(Decimal("100.2"), Decimal("0.0006"))],
    )
    assert found.take_read(read(4, [("100.1", "10"), ("99.9", "1")], [("100.2", "6")])) == []


def test_a_read_that_was_overtaken_changes_nothing_unless_the_numbers_began_anew() -> None:
    found = feed()
    assert found.take_read(read(10))
    assert found.take_read(read(3, [("90.0", "1")])) == []
    assert found.take_read(read(4, [("90.0", "1")])) == []
    (event,) = found.take_read(read(5, [("90.0", "1")]))
    assert isinstance(event, BookSnapshot) and found.book.sequence == FIRST + 5


def test_a_read_that_is_newer_puts_a_streamed_book_right_and_an_older_one_leaves_it_alone() -> None:
    found = opened()
    for _ in range(4):
        assert found.take_read(read(-1, [("90.0", "1")])) == []
    (event,) = found.take_read(read(5, [("100.1", "9")]))
    assert isinstance(event, BookDelta) and found.is_carried
    assert found.book.best_bid() == (Decimal("100.1"), Decimal("0.0009"))
    assert found.take(push(1, 4, [("100.1", "1")]), 1, 2) is None  # the read had it already
    assert found.take(push(5, 6, [("100.1", "2")]), 1, 2) is not None


def test_an_empty_whole_book_is_none() -> None:
    found = feed()
    assert found.take(push(0, 0, whole=True), 1, 2) is None
    assert not found.book.is_valid
    found = opened()
    assert found.take(push(5, 5, whole=True), 1, 2) is None
    assert not found.book.is_valid


def test_a_stale_whole_book_does_not_turn_time_back() -> None:
    found = opened()
    found.take(push(1, 5, [("99.9", "1")]), 1, 2)
    assert found.take(push(2, 2, BIDS, ASKS, whole=True), 1, 2) is None
    assert found.book.sequence == FIRST + 5 and found.is_carried


def test_a_stream_whose_numbers_are_none_of_rests_is_taken_in_the_end() -> None:
    found = feed()
    assert found.take_read(read(1_000))
    for _ in range(2):  # each a subscription
        assert found.take(push(0, 0, BIDS, ASKS, whole=True), 1, 2) is None
        assert found.take(push(1, 1, [("99.9", "1")]), 1, 2) is None
    assert isinstance(found.take(push(2, 2, BIDS, ASKS, whole=True), 1, 2), BookSnapshot)
    assert found.take(push(3, 3, [("99.9", "1")]), 1, 2) is not None
    assert found.is_carried and found.book.sequence == FIRST + 3


def test_a_crossed_book_is_broken() -> None:
    found = opened()
    assert found.take(push(1, 1, [("100.25", "1")]), 1, 2) is None
    assert not found.book.is_valid and not found.is_carried
    assert found.take_read(read(1)) and found.book.is_valid


def test_changes_without_numbers_are_applied_and_not_proven() -> None:
    found = opened()
    event = found.take(WireDepth("btc_usdt", 0, 0, (("99.9", "1"),), (), False), 1, 2)
    assert isinstance(event, BookDelta) and event.previous == -1
    assert found.book.is_valid and found.book.verification is Verification.UNVERIFIED


def test_levels_behind_the_limit_are_deleted() -> None:
    found = DepthFeed(BTC, Lots(Decimal(1)), 2)
    found.take(push(0, 0, BIDS, ASKS, whole=True), 1, 2)
    event = found.take(push(1, 1, [("100.15", "3")]), 1, 2)
    assert isinstance(event, BookDelta) and event.bids[-1] == ("100.0", "0")
    assert found.book.depth() == (2, 2)


def test_a_protobuf_push_is_whole_only_where_it_has_all_levels_that_there_can_be() -> None:
    found = DepthFeed(BTC, Lots(Decimal("0.0001")), 2)
    assert found.take(push(0, 0, BIDS, ASKS[:1], whole=None), 1, 2) is None
    assert found.take(push(1, 1, [("100.1", "0"), ("99.0", "1")], ASKS, whole=None), 1, 2) is None  # it removes
    assert isinstance(found.take(push(2, 2, BIDS, ASKS, whole=None), 1, 2), BookSnapshot)
    assert isinstance(found.take(push(3, 3, [("100.1", "4")], ASKS, whole=None), 1, 2), BookDelta)
    moved = [("101.1", "10"), ("101.0", "20")], [("101.2", "5"), ("101.3", "7")]
    assert isinstance(found.take(push(4, 4, *moved, whole=None), 1, 2), BookSnapshot)
    assert found.book.top(50)[0] == [("101.1", "0.001"), ("101.0", "0.002")]


def test_protobuf_pushes_continue_a_book_that_was_read() -> None:
    found = feed()
    assert found.take(push(2, 2, [("100.1", "4")], [("100.2", "5")], whole=None), 1, 2) is None
    assert [type(event) for event in found.take_read(read(1))] == [BookSnapshot, BookDelta]
    assert found.is_carried and found.book.best_bid() == (Decimal("100.1"), Decimal("0.0004"))


@pytest.mark.parametrize("whole", [False, True])
def test_numbers_that_begin_anew_on_a_stream_that_stands_do_not_freeze_the_book(whole: bool) -> None:
    found = opened()
    assert found.take(push(1, 1_000, [("99.9", "1")]), 1, 2) is not None
    old = [push(number, number, [("90.0", "1")], ASKS, whole=whole) for number in range(5)]
    assert [found.take(wire, 1, 2) for wire in old] == [None] * 5
    assert found.book.is_valid and found.book.sequence == FIRST + 1_000
    # The read has the new numbers, too, and what was pushed since continues it.
    assert isinstance(found.take_read(read(3, [("90.0", "3")]))[0], BookSnapshot)
    assert found.is_carried or whole
    assert found.take(push(5, 5, [("90.0", "7")], ASKS, whole=whole), 1, 2) is not None
    assert found.is_carried and found.book.sequence == FIRST + 5
    assert found.book.best_bid() == (Decimal("90.0"), Decimal("0.0007"))


def test_pushes_that_come_twice_are_no_reason_to_read() -> None:
    found = opened()
    for number in range(1, 30):
        assert found.take(push(number, number, [("99.9", str(number))]), 1, 2) is not None
        assert found.take(push(number, number, [("99.9", str(number))]), 1, 2) is None
    assert found.is_carried


class Kept:
    """Books of one contract, and what is read of them."""

    def __init__(self) -> None:
        self.now = 100.0
        self.hurried: list[str] = []
        self.events: list[Event] = []
        self.books = Books(self.hurried.append, lambda: self.now)
        instrument = Instrument(
            id=BTC, name="BTC/USDT perp", kind=InstrumentKind.LINEAR_PERPETUAL, base="BTC", quote="USDT",
            settle="USDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.0001"), contract_size=Decimal("0.0001"),
        )  # fmt: skip
        self.books.open(instrument, 50)

    def push(self, wire: WireDepth) -> None:
        self.books.take(wire, 1, 2, self.events)


def test_a_broken_book_is_told_at_once_read_at_once_and_not_in_a_storm() -> None:
    kept = Kept()
    kept.push(push(0, 0, BIDS, ASKS, whole=True))
    for number in range(2, 20, 2):
        kept.push(push(number, number, [("99.9", "1")]))
    breaking = [event for event in kept.events if isinstance(event, BookDelta)]
    assert len(breaking) == 1 and breaking[0].previous not in (-1, FIRST)
    assert kept.hurried == ["btc_usdt"] and kept.books.faults == 1
    kept.now += 0.6
    assert kept.books.look() == []
    assert kept.hurried == ["btc_usdt"] * 2
    kept.books.take_read("btc_usdt", read(40), kept.events)
    assert isinstance(kept.events[-1], BookSnapshot)
    book = kept.books.book(BTC.symbol)
    assert book is not None and book.is_valid and not kept.books.is_carried("btc_usdt")


def test_a_subscription_that_continues_nothing_is_made_anew_now_and_then() -> None:
    kept = Kept()
    assert kept.books.look() == []
    kept.now += 5.1
    assert kept.books.look() == ["btc_usdt"]
    kept.now += 5.1
    assert kept.books.look() == []
    kept.now += 25.0
    assert kept.books.look() == ["btc_usdt"]


def test_a_frame_that_nobody_can_read_breaks_the_books_it_may_be_about() -> None:
    kept = Kept()
    kept.push(push(0, 0, BIDS, ASKS, whole=True))
    kept.books.doubt(b'{"e":"trade","s":"btc_usdt"', 3, kept.events)
    assert kept.books.is_carried("btc_usdt")
    kept.books.doubt(b"\x0a\x08btc_usdt\xff", 3, kept.events)
    book = kept.books.book("btc_usdt")
    assert book is not None and not book.is_valid


def test_a_quantity_that_is_none_breaks_the_book_and_is_set_aside() -> None:
    kept = Kept()
    kept.push(push(0, 0, BIDS, ASKS, whole=True))
    with pytest.raises(DecodeError):
        kept.push(push(1, 1, [("99.9", "NaN")]))
    assert isinstance(kept.events[-1], BookDelta) and not kept.books.is_carried("btc_usdt")


def test_a_book_that_is_left_can_not_be_read_any_more() -> None:
    kept = Kept()
    kept.push(push(0, 0, BIDS, ASKS, whole=True))
    book = kept.books.book("btc_usdt")
    kept.books.close("btc_usdt")
    assert book is not None and not book.is_valid and kept.books.book("btc_usdt") is None
    kept.push(push(1, 1, BIDS))
    kept.books.take_read("btc_usdt", read(9), kept.events)
    assert len(kept.events) == 1


def test_a_book_of_which_the_stream_tells_nothing_is_read_and_carried_again_where_nothing_was_lost() -> None:
    kept = Kept()
    kept.push(push(0, 0, BIDS, ASKS, whole=True))
    kept.now += 3.9
    assert kept.books.is_carried("btc_usdt")
    kept.now += 0.2
    assert not kept.books.is_carried("btc_usdt")  # other contracts' pushes prove nothing of it
    kept.books.take_read("btc_usdt", read(0), kept.events)
    assert kept.books.is_carried("btc_usdt") and len(kept.events) == 1  # quiet, and nothing to tell
    kept.now += 4.1
    kept.books.take_read("btc_usdt", read(9, [("100.1", "4")]), kept.events)
    assert isinstance(kept.events[-1], BookDelta) and not kept.books.is_carried("btc_usdt")  # its topic is dead
    kept.books.look()
    kept.now += 5.1
    assert kept.books.look() == ["btc_usdt"]  # and made anew
    kept.push(push(10, 10, [("100.1", "5")]))
    assert kept.books.is_carried("btc_usdt")


def test_numbers_that_go_back_have_the_book_read_at_once() -> None:
    kept = Kept()
    kept.push(push(0, 1_000, BIDS, ASKS, whole=True))
    for number in range(5):
        kept.push(push(number, number, [("99.9", "1")]))
    assert kept.hurried == ["btc_usdt"] and kept.books.faults == 0
