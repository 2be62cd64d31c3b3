"""The continuity of a book: `fi`, `li` and `v`, by cases and against a plain reference."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.venues.max.scripted_venue import ScriptedBook
from venues.book import Book, Verification
from venues.events import BookDelta, BookSnapshot
from venues.max.books import Books
from venues.max.depth import DepthFeed
from venues.max.parse import instrument_id
from venues.max.wire import decode_frame

BTC = instrument_id("btctwd")


class Followed:
    """A feed, the venue's book, and a book that follows the feed's events alone."""

    def __init__(self, limit: int = 50) -> None:
        self.theirs = ScriptedBook("btctwd")
        self.feed = DepthFeed("btctwd", limit)
        self.follower = Book(BTC)

    def take(self, message: dict[str, Any]) -> BookSnapshot | BookDelta | None:
        event = self.feed.take(decode_frame(json.dumps(message).encode()), 1)
        if event is not None:
            self.follower.apply(event)
        return event

    def proof(self) -> Verification:
        return self.feed.book.verification

    @property
    def is_right(self) -> bool:
        bids, asks = self.theirs.levels
        limit = self.feed.limit
        expected = ([*map(tuple, bids[:limit])], [*map(tuple, asks[:limit])])
        return self.feed.book.top(limit) == expected == self.follower.top(limit)


def begun(limit: int = 50) -> Followed:
    both = Followed(limit)
    both.take(both.theirs.full())
    return both


def test_changes_in_a_row_make_the_book() -> None:
    both = begun()
    for side, price, volume in (("bids", "99.5", "1"), ("asks", "101.0", "0"), ("asks", "100.5", "3")):
        assert isinstance(both.take(both.theirs.change(side, price, volume)), BookDelta)
        assert both.is_right
    assert both.feed.book.best_bid() == (Decimal("99.5"), Decimal(1))


def test_a_level_that_nobody_knows_may_be_removed() -> None:
    both = begun()
    assert both.take(both.theirs.change("bids", "12.0", "0")) is not None
    assert both.is_right


def test_a_message_that_is_old_changes_nothing() -> None:
    both = begun()
    change = both.theirs.change("bids", "99.5", "1")
    assert both.take(change) is not None
    assert both.take(change) is None
    assert both.is_right


def test_a_gap_breaks_the_book_until_it_is_full_again() -> None:
    both = begun()
    both.theirs.change("bids", "99.5", "1")  # lost
    assert both.take(both.theirs.change("bids", "99.6", "1")) is None
    assert not both.feed.book.is_valid
    assert both.take(both.theirs.change("bids", "99.7", "1")) is None
    both.take(both.theirs.full())
    assert both.is_right


def test_another_version_breaks_the_book() -> None:
    both = begun()
    both.theirs.version += 1
    assert both.take(both.theirs.change("bids", "99.5", "1")) is None
    assert not both.feed.book.is_valid
    both.theirs.last = 5  # the numbers begin anew, far below
    both.take(both.theirs.full())
    assert both.is_right


def test_of_an_overlap_the_rules_contradict_each_other() -> None:
    """One says to discard it, the next to process it: the book is subscribed anew."""
    both = begun()
    both.take(both.theirs.change("bids", "99.5", "1"))
    first = both.theirs.last
    assert both.take(both.theirs.change("bids", "99.6", "1", fi=first)) is None
    assert not both.feed.book.is_valid


def test_an_overlap_right_after_each_full_book_is_processed_the_second_time() -> None:
    both = begun()
    assert both.take(both.theirs.change("bids", "99.5", "1", fi=both.theirs.last - 1)) is None
    both.take(both.theirs.full())
    event = both.take(both.theirs.change("bids", "99.6", "1", fi=both.theirs.last - 1))
    assert isinstance(event, BookDelta)
    assert both.is_right


def test_an_empty_full_book_clears_it_and_the_next_full_one_is_waited_for() -> None:
    both = begun()
    event = both.take(both.theirs.full(a=[], b=[]))
    assert isinstance(event, BookSnapshot)
    assert both.feed.book.best_bid() is both.feed.book.best_ask() is None
    assert both.take(both.theirs.change("bids", "99.5", "1")) is None  # and is not taken for a book of one level
    assert both.feed.is_waiting is True
    assert both.follower.depth() == (0, 0)
    both.take(both.theirs.full())
    assert both.is_right
    assert both.take(both.theirs.change("bids", "99.5", "1")) is not None


def test_a_full_book_may_come_at_any_time() -> None:
    both = begun()
    both.theirs.bids["99.9"] = "4"
    both.theirs.last += 7
    both.take(both.theirs.full())
    assert both.is_right


def test_a_full_book_that_was_overtaken_is_not_taken() -> None:
    both = begun()
    old = both.theirs.full()
    both.take(both.theirs.change("bids", "99.5", "1"))
    assert both.take(old) is None
    assert both.is_right


def test_numbers_verify_a_book_and_without_any_it_is_unverified() -> None:
    both = begun()
    assert both.proof() is Verification.VERIFIED
    none = {"fi": None, "li": None, "v": None}
    assert both.take(both.theirs.change("bids", "99.5", "1", **none)) is None  # amid what is numbered it is a gap
    both.take(both.theirs.full(**none))
    assert both.proof() is Verification.UNVERIFIED
    first = both.theirs.change("bids", "99.6", "1", **none)
    assert both.take(first) is not None
    assert both.is_right
    both.take(both.theirs.change("bids", "99.7", "1", **none))
    assert both.take(first) is None  # the venue's time went back
    assert not both.feed.book.is_valid
    both.take(both.theirs.full())
    assert both.is_right
    assert both.proof() is Verification.VERIFIED


def test_a_crossed_book_is_none() -> None:
    both = begun()
    assert both.take(both.theirs.change("bids", "104.0", "1")) is None
    assert not both.feed.book.is_valid


def test_levels_behind_the_limit_are_let_go() -> None:
    both = begun(limit=5)
    for step in range(1, 4):
        assert both.take(both.theirs.change("bids", f"99.{step}", "1")) is not None
        assert both.is_right
    assert both.feed.book.depth() == (5, 5)


def test_the_feed_of_another_market() -> None:
    both = begun()
    with pytest.raises(ValueError, match="ethtwd"):
        both.take(both.theirs.full(M="ethtwd"))


_ACTS = ["change", "change", "change", "lose", "twice", "empty", "full", "version", "old", "overlap"]
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(_ACTS),
        st.sampled_from(["bids", "asks"]),
        st.integers(0, 12),
        st.sampled_from(["0", "1", "2.50", "0.001"]),
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=_STEPS)
def test_a_book_is_right_or_can_not_be_read(steps: list[tuple[str, str, int, str]]) -> None:
    both = begun()
    theirs = both.theirs
    old = theirs.full()
    for what, side, step, volume in steps:
        price = f"{100 - step if side == 'bids' else 101 + step}.0"
        match what:
            case "change":
                both.take(theirs.change(side, price, volume))
            case "lose":
                theirs.change(side, price, volume)
            case "twice":
                change = theirs.change(side, price, volume)
                both.take(change)
                both.take(change)
            case "empty":
                theirs.last += 1
                both.take(theirs.full(a=[], b=[]))
            case "full":
                old = theirs.full()
                both.take(old)
            case "version":
                theirs.version += 1
                theirs.last = 10
            case "old":
                both.take(old)
            case "overlap":
                first = theirs.change(side, price, "3")
                both.take(first)
                second = theirs.change(side, price, volume, fi=first["li"])
                both.take(second)
        book = both.feed.book
        is_newest = (both.feed.version, book.sequence) == (theirs.version, theirs.last)
        if book.is_valid and not both.feed.is_waiting and is_newest:
            assert both.is_right
    both.take(theirs.full())
    assert both.is_right


class Kept:
    """Books, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rounds: list[tuple[float, int]] = []
        self.events: list[Any] = []
        self.books = Books(self._asked, lambda: self.now)

    def _asked(self) -> None:
        broken = self.books.broken()
        self.rounds.append((self.now, len(broken)))
        self.books.asked_for(broken)

    def take(self, message: dict[str, Any]) -> None:
        self.books.take(decode_frame(json.dumps(message).encode()), 1, self.events)

    def passes(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 0.5
            self.books.look()


def test_a_broken_book_is_told_at_once_and_asked_for_with_growing_pauses() -> None:
    kept, theirs = Kept(), ScriptedBook("btctwd")
    kept.books.open("btctwd")
    kept.take(theirs.full())
    theirs.change("bids", "99.5", "1")
    kept.take(theirs.change("bids", "99.6", "1"))
    assert isinstance(kept.events[-1], BookDelta)
    assert kept.events[-1].previous == -2  # no book stands there: every other one that follows breaks
    assert [moment for moment, _ in kept.rounds] == [0.0]
    kept.passes(60)
    gaps = [after - before for (before, _), (after, _) in zip(kept.rounds, kept.rounds[1:], strict=False)]
    assert gaps == sorted(gaps)
    assert max(gaps) == 10.0
    kept.take(theirs.full())
    assert kept.books.book("btctwd") is not None and kept.books.broken() == []


def test_a_book_that_stays_empty_is_asked_for_once_a_minute() -> None:
    kept, theirs = Kept(), ScriptedBook("btctwd")
    kept.books.open("btctwd")
    kept.take(theirs.full(a=[], b=[]))
    for _ in range(600):
        rounds = len(kept.rounds)
        kept.passes(0.5)
        if len(kept.rounds) > rounds:
            theirs.last += 1
            kept.take(theirs.full(a=[], b=[]))
    assert 4 <= len(kept.rounds) <= 6


def test_what_nobody_can_read_breaks_the_book_that_it_names() -> None:
    kept = Kept()
    for name in ("btctwd", "ethtwd"):
        kept.books.open(name)
        kept.take(ScriptedBook(name).full())
    kept.books.doubt(b'{"c":"book","M":"ethtwd","a":NaN}', 1, kept.events)
    assert kept.books.broken() == []  # asked for in the same moment
    books = [kept.books.book(name) for name in ("btctwd", "ethtwd")]
    assert [book is not None and book.is_valid for book in books] == [True, False]
    kept.books.doubt(b'{"c":"trade"', 1, kept.events)
    assert kept.books.faults == 1
