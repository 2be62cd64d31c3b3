"""What a message of the book is, told from what arrives, and how each kind is followed."""

from __future__ import annotations

import random

import pytest

from tests.venues.mayex.depth_market import FIRST, DepthMarket, Followed
from venues.book import Fault, Verification
from venues.events import BookDelta, BookSnapshot
from venues.mayex.depth import DepthFeed, Kind, Reading, changes_of, looks_like
from venues.mayex.figures import instrument_id
from venues.mayex.wire import WireDepth

BTC = instrument_id("BTCUSDT")
Rows = list[tuple[str, str]]
BIDS: Rows = [("100.5", "1.000"), ("100.0", "2.000"), ("99.5", "3.000"), ("99.0", "4.000")]
ASKS: Rows = [("101.0", "5.000"), ("101.5", "6.000"), ("102.0", "7.000"), ("102.5", "8.000")]


def push(
    first: int, last: int, bids: Rows | None = None, asks: Rows | None = None, *, previous: int | None = None
) -> WireDepth:
    before = first - 1 if previous is None else previous
    return WireDepth(first, last, before, tuple(bids or ()), tuple(asks or ()), 1_700_000_000_000)


def feed(setting: str = "auto") -> DepthFeed:
    """Returns one that has had its first message, number 10."""
    found = DepthFeed(BTC, Reading(setting))
    (told,) = found.take(push(10, 10, BIDS, ASKS), 1, 2)
    assert isinstance(told, BookSnapshot)
    return found


def deep(seed: int = 1, setting: str = "auto", **shape: int) -> tuple[Followed, DepthMarket, Reading]:
    market = DepthMarket(seed, **shape)
    reading = Reading(setting)
    return Followed(DepthFeed(BTC, reading, market.levels), market), market, reading


def state_of(reading: Reading) -> tuple[Kind | None, bool, int]:
    return reading.kind, reading.is_sure, reading.turns


def test_the_first_message_is_the_whole_book_before_anything_is_known() -> None:
    found = feed()
    assert found.book.top(9) == (BIDS, ASKS)
    assert found.reading.kind is None
    assert found.book.verification is Verification.VERIFIED


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("levels", [10, 20, 100])
def test_whole_books_are_known_by_the_second_message(seed: int, levels: int) -> None:
    followed, market, reading = deep(seed, levels=levels)
    followed.give(market.move()[0])
    assert (reading.kind, reading.is_sure, reading.turns) == (Kind.WHOLE, True, 0)
    for _ in range(120):
        followed.give(market.move()[0])
    assert followed.checked == 122 and not followed.anew and reading.turns == 0


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("levels", [10, 20, 100])
def test_changes_are_known_by_the_second_message(seed: int, levels: int) -> None:
    followed, market, reading = deep(seed, levels=levels)
    followed.give(market.move()[1])
    assert (reading.kind, reading.is_sure, reading.turns) == (Kind.CHANGES, True, 0)
    for _ in range(120):
        followed.give(market.move()[1])
    assert followed.checked == 122 and not followed.anew and reading.turns == 0


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("moves", [1, 4])
@pytest.mark.parametrize("size", [1, 2, 4, 9])
def test_a_shallow_book_is_never_wrong_whatever_is_guessed(kind: Kind, size: int, moves: int) -> None:
    for seed in range(5):
        followed, market, reading = deep(seed, size=size, moves=moves)
        for _ in range(40):
            followed.give(market.move()[kind is Kind.CHANGES])
            followed.mend()
        assert followed.feed.book.is_valid
        assert not reading.is_sure or reading.kind is kind


@pytest.mark.parametrize("seed", range(4))
def test_changes_with_a_gap_a_doublet_and_a_reorder_are_followed_exactly_or_resynced(seed: int) -> None:
    followed, market, reading = deep(seed)
    rng = random.Random(seed)
    gaps = 0
    for _ in range(80):
        first, second = market.move()[1], market.move()[1]
        match rng.randrange(5):
            case 0:
                followed.give(second, first)  # changed places: both are followed
                assert followed.feed.book.sequence == second.last and followed.feed.book.is_valid
            case 1:
                followed.give(first, first, second, first)  # told twice: once is all
                assert followed.feed.book.sequence == second.last
            case 2:
                gaps += 1
                followed.give(second)  # the first is lost
                assert followed.feed.is_held and followed.feed.book.sequence == first.previous
                followed.mend()
                assert followed.feed.book.sequence == market.number
            case _:
                followed.give(first, second)
    assert gaps and followed.anew == gaps
    assert (reading.kind, reading.turns) == (Kind.CHANGES, 0)


@pytest.mark.parametrize("seed", range(4))
def test_whole_books_that_are_lost_doubled_or_late_need_nothing(seed: int) -> None:
    followed, market, reading = deep(seed)
    rng = random.Random(seed)
    for _ in range(80):
        first, second = market.move()[0], market.move()[0]
        followed.give(*rng.choice([(second, first), (first, first, second, first), (second,), (first, second)]))
        assert followed.feed.book.sequence == second.last
    assert followed.anew == 0 and reading.kind is Kind.WHOLE and reading.turns == 0


def test_a_quantity_of_zero_proves_changes_and_what_was_guessed_is_taken_back() -> None:
    followed, market, reading = deep(2)
    followed.give(market.move()[0])
    assert state_of(reading) == (Kind.WHOLE, True, 0)
    book = followed.feed.book.top(100)
    ends = push(market.number + 1, market.number + 2, [(book[0][3][0], "0.000")])
    assert followed.feed.take(ends, 1, 2) == []
    assert state_of(reading) == (Kind.CHANGES, True, 1)
    assert followed.feed.needs_anew
    followed.mend()
    followed.give(market.move()[1], market.move()[1])
    assert followed.feed.book.sequence == market.number and followed.feed.book.is_valid


def test_whole_books_that_were_taken_for_changes_are_known_after_three() -> None:
    followed, market, reading = deep(3)
    followed.give(market.move()[1])
    assert (reading.kind, reading.is_sure) == (Kind.CHANGES, True)
    for count in range(3):
        assert followed.feed.take(market.move()[0], 1, 2) == []
        assert not followed.feed.book.is_valid and reading.turns == (count == 2)
        followed.mend()
    followed.give(market.move()[0])
    assert reading.kind is Kind.WHOLE and followed.feed.book.is_valid


def test_changes_that_were_taken_for_whole_books_are_known_after_three_at_the_latest() -> None:
    followed, market, reading = deep(4)
    followed.give(market.move()[0])
    for _ in range(3):
        bids, _ = market.state
        size = market.rng.randint(600, 900)
        market.bids[int(float(bids[0][0]) * 2)] = size
        change = push(market.number + 1, market.number + 1, [(bids[0][0], f"{size / 1000:.3f}")])
        market.number += 1
        market.states[market.number] = market.state
        assert reading.turns == 0 and followed.feed.take(change, 1, 2) == []
        assert not followed.feed.book.is_valid
        followed.mend()
    assert (reading.kind, reading.turns) == (Kind.CHANGES, 1)
    followed.give(market.move()[1])
    assert followed.feed.book.sequence == market.number


def test_what_can_not_be_said_breaks_the_book_while_nothing_is_known() -> None:
    found = feed()
    unclear = push(11, 12, [("100.5", "9.000"), ("100.0", "9.000")], [("101.0", "9.000"), ("101.5", "9.000")])
    assert looks_like(unclear, BIDS, ASKS) is None
    assert found.take(unclear, 1, 2) == []
    assert found.reading.kind is None and found.needs_anew
    assert "not sure" in found.book.detail
    assert found.take(push(13, 13, BIDS, ASKS), 1, 2) == [], "only another subscription mends it"
    found.restart()
    assert len(found.take(push(14, 14, BIDS, ASKS), 1, 2)) == 1


@pytest.mark.parametrize(
    ("bids", "asks", "looks"),
    [
        (BIDS, ASKS, Kind.WHOLE),
        ([*BIDS, ("98.5", "1.000")], ASKS, Kind.WHOLE),
        (BIDS[:3], ASKS[1:], Kind.WHOLE),
        ([("100.5", "9.000")], [], None),
        ([], [], None),
        ([("100.5", "9.000"), BIDS[1]], [], None),
    ],
)
def test_what_a_message_looks_like_beside_a_shallow_book(bids: Rows, asks: Rows, looks: Kind | None) -> None:
    assert looks_like(push(11, 12, bids, asks), BIDS, ASKS) is looks


@pytest.mark.parametrize(
    ("bids", "asks", "looks"),
    [
        (10, 10, Kind.WHOLE),
        (11, 10, Kind.WHOLE),
        (10, 9, None),
        (9, 0, Kind.CHANGES),
        (0, 1, Kind.CHANGES),
    ],
)
def test_what_a_message_of_new_levels_looks_like_beside_a_deep_book(bids: int, asks: int, looks: Kind) -> None:
    standing = [[(f"{price + side}", "1.000") for price in range(50, 60)] for side in (0, 100)]
    new = [
        [(f"{price + side}", "2.000") for price in range(50, 50 + count)]
        for side, count in ((0, bids), (100, asks))
    ]
    assert looks_like(push(11, 12, *new), *standing) is looks


def test_a_setting_is_never_overruled() -> None:
    whole, changes = feed("replace"), feed("diff")
    for number in range(11, 20):
        assert whole.take(push(number, number, [("100.5", "0")]), 1, 2) == []
    assert not whole.book.is_valid and "set to be" in whole.book.detail
    assert not whole.needs_anew, "the next whole book mends it"
    assert whole.take(push(20, 20, BIDS[1:], ASKS), 1, 2)
    assert whole.book.top(9) == (BIDS[1:], ASKS)
    (told,) = changes.take(push(11, 12, BIDS[:2], ASKS[:1]), 1, 2)
    assert isinstance(told, BookDelta) and changes.book.top(9) == (BIDS, ASKS)
    assert (whole.reading.kind, changes.reading.kind) == (Kind.WHOLE, Kind.CHANGES)


def test_whole_books_become_events_that_do_the_same_to_another_book() -> None:
    found = feed("replace")
    (told,) = found.take(push(11, 12, [BIDS[0], ("100.0", "2.500"), *BIDS[2:]], ASKS[1:]), 1, 2)
    assert isinstance(told, BookDelta)
    assert (told.bids, told.asks) == ((("100.0", "2.500"),), (("101.0", "0"),))
    assert (told.previous, told.sequence) == (10, 12)
    assert found.take(push(11, 12, [BIDS[0], ("100.0", "2.500"), *BIDS[2:]], ASKS[1:]), 1, 2) == []


def test_a_price_that_is_spelled_otherwise_is_ended_before_it_is_told_anew() -> None:
    assert changes_of([("1.10", "5")], [("1.1", "6")]) == (("1.10", "0"), ("1.1", "6"))


@pytest.mark.parametrize("setting", ["replace", "diff"])
def test_a_crossed_book_breaks(setting: str) -> None:
    found = feed(setting)
    assert found.take(push(11, 11, [("103.0", "1.000"), *BIDS], ASKS), 1, 2) == []
    assert found.book.fault is Fault.CROSSED
    assert found.needs_anew == (setting == "diff")
    assert bool(found.take(push(12, 12, BIDS, ASKS), 1, 2)) == (setting == "replace")


@pytest.mark.parametrize("setting", ["auto", "diff"])
def test_nothing_is_built_on_a_first_message_without_a_level(setting: str) -> None:
    found = DepthFeed(BTC, Reading(setting))
    assert len(found.take(push(1, 1), 1, 2)) == 1 and found.is_empty
    assert found.take(push(2, 2, BIDS[:1]), 1, 2) == [] and found.needs_anew
    found.restart()
    assert len(found.take(push(3, 3, BIDS, ASKS), 1, 2)) == 1
    assert found.book.top(9) == (BIDS, ASKS)


def test_a_whole_book_without_a_level_is_followed_by_the_next() -> None:
    found = feed("replace")
    assert len(found.take(push(11, 11), 1, 2)) == 1 and found.is_empty
    (told,) = found.take(push(12, 12, BIDS, ASKS), 1, 2)
    assert isinstance(told, BookDelta) and found.book.top(9) == (BIDS, ASKS)


@pytest.mark.parametrize("nonsense", ["nan", "-1", "1e5", "", "0x1"])
def test_a_figure_that_is_none_breaks(nonsense: str) -> None:
    for setting in ("replace", "diff"):
        found = feed(setting)
        assert found.take(push(11, 11, [("100.5", nonsense), *BIDS[1:]], ASKS), 1, 2) == []
        assert found.book.fault is Fault.NONSENSE


def test_whole_books_whose_numbers_go_back_are_old_until_they_rise_five_times() -> None:
    found = feed("replace")
    found.take(push(1_000, 1_000, BIDS, ASKS), 1, 2)
    for _ in range(20):
        assert found.take(push(500, 500, BIDS[1:], ASKS), 1, 2) == []
    assert found.book.sequence == 1_000
    for number in range(1, 5):
        assert found.take(push(number, number, BIDS[1:], ASKS), 1, 2) == []
    assert found.take(push(5, 5, BIDS[1:], ASKS), 1, 2)
    assert found.book.sequence == 5 and found.book.top(9)[0] == BIDS[1:]


def test_changes_whose_numbers_begin_anew_are_subscribed_anew() -> None:
    found = feed("diff")
    for number in range(1, 6):
        assert found.take(push(number, number, [("100.5", "9.000")]), 1, 2) == []
    assert found.needs_anew and "anew" in found.book.detail


def test_what_has_no_number_is_applied_as_it_comes_and_called_unverified() -> None:
    for setting in ("replace", "diff"):
        found = feed(setting)
        assert found.take(push(0, 0, [("100.5", "9.000"), *BIDS[1:]], ASKS, previous=0), 1, 2)
        assert found.book.is_valid and found.book.verification is Verification.UNVERIFIED
        assert found.book.top(1)[0] == [("100.5", "9.000")]


def test_changes_without_the_number_before_them_go_by_their_first() -> None:
    found = feed("diff")
    assert found.take(push(11, 13, [("100.5", "9.000")], previous=-1), 1, 2)
    assert found.take(push(15, 15, [("100.5", "8.000")], previous=-1), 1, 2) == []
    assert found.is_held
    assert len(found.take(push(14, 14, [("100.0", "8.000")], previous=-1), 1, 2)) == 2
    assert found.book.sequence == 15 and not found.is_held


def test_too_many_that_wait_for_one_are_given_up() -> None:
    found = feed("diff")
    for number in range(12, 21):
        found.take(push(number, number, [("100.5", "9.000")]), 1, 2)
    assert found.needs_anew and not found.is_held
    assert "has not come" in found.book.detail


def test_an_early_change_that_ends_a_level_nobody_told_of_shows_that_the_first_message_was_lost() -> None:
    found, stranger = feed("diff"), push(11, 11, [("98.50", "0.000")])
    for _ in range(2):
        assert found.take(stranger, 1, 2) == [] and found.needs_anew
        assert found.book.detail == "the first message was no whole book"
        found.restart()
        assert found.take(push(10, 10, BIDS, ASKS), 1, 2)
    # Some venues end levels that were never told: from then on that is taken as it comes.
    assert found.take(stranger, 1, 2)
    assert found.book.sequence == 11 and found.book.top(9) == (BIDS, ASKS)


def test_later_changes_may_end_what_was_never_told() -> None:
    found = feed("diff")
    for number in range(11, 17):
        found.take(push(number, number, [("100.0", f"{number}.0")]), 1, 2)
    found.take(push(17, 17, [("98.5", "0")]), 1, 2)
    assert found.book.is_valid and found.book.sequence == 17


def test_the_last_word_of_another_subscription_is_no_whole_book() -> None:
    followed, market, _ = deep(5, "diff")
    followed.give(market.move()[1], market.move()[1])
    followed.feed.give_up()
    late = push(market.number + 1, market.number + 2, [("1.0", "1.000")], previous=market.number)
    followed.feed.restart()
    assert followed.feed.take(late, 1, 2) == []
    assert followed.feed.book.fault is Fault.GAP
    followed.give(market.whole())
    assert followed.feed.book.fault is None


def test_no_more_levels_are_kept_than_there_are_shown() -> None:
    found = DepthFeed(BTC, Reading("diff"), limit=4)
    found.take(push(10, 10, BIDS, ASKS), 1, 2)
    (told,) = found.take(push(11, 11, [("100.7", "1.000")]), 1, 2)
    assert told.bids == (("100.7", "1.000"), ("99.0", "0"))
    assert len(found.book.top(9)[0]) == 4
    whole = DepthFeed(BTC, Reading("replace"), limit=2)
    whole.take(push(FIRST, FIRST, BIDS, ASKS), 1, 2)
    assert whole.book.top(9) == (BIDS[:2], ASKS[:2])
