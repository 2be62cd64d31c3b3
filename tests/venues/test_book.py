from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest

from venues.book import MAX_LEVELS, Book, Fault, InvalidBook, Verification, sort_levels
from venues.events import BookDelta, BookSnapshot, Level
from venues.model import InstrumentId, Side

BTC = InstrumentId("test", "BTCUSDT")
BIDS: tuple[Level, ...] = (("100.0", "1.50"), ("99.5", "2"), ("99.0", "3"))
ASKS: tuple[Level, ...] = (("100.5", "1"), ("101.0", "2.0"))


def snapshot(
    bids: Sequence[Level] = BIDS, asks: Sequence[Level] = ASKS, sequence: int = 1, checksum: int | None = None
) -> BookSnapshot:
    return BookSnapshot(BTC, tuple(bids), tuple(asks), sequence, 10, 11, checksum)


def delta(
    bids: Sequence[Level] = (),
    asks: Sequence[Level] = (),
    previous: int = 1,
    sequence: int = 2,
    checksum: int | None = None,
) -> BookDelta:
    return BookDelta(BTC, tuple(bids), tuple(asks), previous, sequence, 20, 21, checksum)


def standing(*, checksum: Callable[[Sequence[Level], Sequence[Level]], int] | None = None) -> Book:
    book = Book(BTC, checksum)
    assert book.apply(snapshot())
    return book


READS: dict[str, Callable[[Book], object]] = {
    "best_bid": lambda book: book.best_bid(),
    "best_ask": lambda book: book.best_ask(),
    "mid": lambda book: book.mid(),
    "top": lambda book: book.top(5),
    "levels": lambda book: book.levels(5),
    "depth": lambda book: book.depth(),
    "walk": lambda book: list(book.walk(Side.BUY)),
    "quantity_at": lambda book: book.quantity_at(Side.BUY, Decimal(100)),
    "is_beyond_sight": lambda book: book.is_beyond_sight(Side.BUY, Decimal(100), 1),
    "snapshot": lambda book: book.snapshot(5),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_no_read_of_an_invalid_book_is_possible(read: Callable[[Book], object]) -> None:
    waiting = Book(BTC)
    with pytest.raises(InvalidBook, match="no snapshot"):
        read(waiting)
    broken = standing()
    read(broken)
    assert not broken.apply(delta(previous=7))
    with pytest.raises(InvalidBook) as caught:
        read(broken)
    assert caught.value.code == Fault.GAP


def test_every_public_read_is_in_the_list_above() -> None:
    not_reads = {"apply", "invalidate", "is_valid", "verification"}
    assert {name for name in vars(Book) if not name.startswith("_")} - not_reads == set(READS)


def test_reads() -> None:
    book = standing()
    assert book.best_bid() == (Decimal("100.0"), Decimal("1.50"))
    assert book.best_ask() == (Decimal("100.5"), Decimal(1))
    assert book.mid() == Decimal("100.25")
    assert book.top(2) == ([("100.0", "1.50"), ("99.5", "2")], [("100.5", "1"), ("101.0", "2.0")])
    assert book.levels(1) == ([(Decimal("100.0"), Decimal("1.50"))], [(Decimal("100.5"), Decimal(1))])
    assert book.depth() == (3, 2)
    assert list(book.walk(Side.SELL)) == [(Decimal("100.5"), Decimal(1)), (Decimal("101.0"), Decimal("2.0"))]
    assert book.quantity_at(Side.BUY, Decimal("99.50")) == 2
    assert book.quantity_at(Side.BUY, Decimal("99.75")) == 0
    assert book.quantity_at(Side.SELL, Decimal("99.5")) == 0
    assert book.snapshot(1) == BookSnapshot(BTC, BIDS[:1], ASKS[:1], 1, 10, 11)


def test_a_price_behind_the_last_of_a_full_side_can_not_be_seen() -> None:
    book = standing()
    assert book.is_beyond_sight(Side.BUY, Decimal("98.5"), 3)
    assert not book.is_beyond_sight(Side.BUY, Decimal("99.0"), 3)
    assert not book.is_beyond_sight(Side.BUY, Decimal("98.5"), 4)  # the side is not full: it was removed
    assert book.is_beyond_sight(Side.SELL, Decimal(102), 2)


def test_changes_replace_insert_and_remove_by_value_not_by_text() -> None:
    book = standing()
    assert book.apply(delta(bids=[("99.50", "7"), ("99.8", "4"), ("99", "0")], asks=[("100.5", "0.000")]))
    assert book.top(9) == ([("100.0", "1.50"), ("99.8", "4"), ("99.50", "7")], [("101.0", "2.0")])
    assert (book.sequence, book.ts_event, book.ts_recv) == (2, 20, 21)


def test_removing_what_is_not_there_changes_nothing() -> None:
    book = standing()
    assert book.apply(delta(bids=[("50", "0")]))
    assert book.depth() == (3, 2)


def test_what_was_read_does_not_change_later() -> None:
    book = standing()
    bids, _ = book.top(3)
    book.apply(delta(bids=[("100.0", "9")]))
    assert bids == list(BIDS)


def test_an_empty_snapshot_clears_and_waits() -> None:
    book = standing()
    assert book.apply(snapshot((), (), 5))
    assert (book.best_bid(), book.best_ask(), book.mid(), book.top(5)) == (None, None, None, ([], []))
    assert book.apply(delta(bids=[("1", "1")], previous=5, sequence=6))
    assert book.top(5) == ([("1", "1")], [])


def test_unnumbered_changes_are_taken_in_order_of_arrival() -> None:
    book = standing()
    assert book.apply(delta(bids=[("99.9", "1")], previous=-1, sequence=-1))
    assert book.apply(delta(bids=[("99.8", "1")], previous=-1, sequence=-1))
    assert book.depth() == (5, 2)


@pytest.mark.parametrize(("previous", "sequence"), [(0, 1), (2, 3), (0, 5), (1_000, 1_001)])
def test_a_gap_a_repeat_and_an_overlap_make_it_invalid(previous: int, sequence: int) -> None:
    book = standing()
    assert not book.apply(delta(previous=previous, sequence=sequence))
    assert book.fault is Fault.GAP
    assert not book.apply(delta()), "no change heals a book"
    assert book.apply(snapshot(sequence=9))
    assert book.is_valid
    assert book.detail == ""


def test_a_crossed_book_is_invalid_at_once_and_a_locked_one_is_not() -> None:
    locked = standing()
    assert locked.apply(delta(bids=[("100.50", "1")]))
    crossed = standing()
    assert not crossed.apply(delta(bids=[("100.51", "1")]))
    assert crossed.fault is Fault.CROSSED
    assert not Book(BTC).apply(snapshot(bids=[("101", "1")]))


NONSENSE = [
    "NaN",
    "nan",
    "inf",
    "-1",
    "1e5",
    "1E999",
    "",
    " 1",
    "1 ",
    "1_0",
    "+1",
    ".5",
    "5.",
    "1.2.3",
    "1..2",
    "0x10",
    "１",
    "٣",
    "\x1b[31m",
    "1" * 21,
    "0." + "1" * 21,
    "1\n",
    "--1",
]


@pytest.mark.parametrize("text", NONSENSE)
@pytest.mark.parametrize("field", [0, 1])
@pytest.mark.parametrize("side", ["bids", "asks"])
def test_text_that_is_no_plain_number_makes_it_invalid(text: str, field: int, side: str) -> None:
    level: Level = (text, "1") if field == 0 else ("100.2", text)
    bids, asks = ([level], []) if side == "bids" else ([], [level])
    changed = standing()
    assert not changed.apply(delta(bids, asks))
    assert changed.fault is Fault.NONSENSE
    replaced = Book(BTC)
    assert not replaced.apply(snapshot(bids, asks))
    assert replaced.fault is Fault.NONSENSE
    assert "\x1b" not in replaced.detail


def test_the_longest_plain_numbers_are_read() -> None:
    price = "9" * 20 + "." + "9" * 20
    book = Book(BTC)
    assert book.apply(snapshot([], [(price, "0." + "0" * 19 + "1")]))
    assert book.best_ask() == (Decimal(price), Decimal("1e-20"))


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([("99", "1"), ("100", "1")], []),
        ([], [("101", "1"), ("100", "1")]),
        ([("100", "1"), ("100.0", "2")], []),
        ([("100", "0")], []),
        ([("0", "1")], []),
        ([], [("0.00", "1")]),
    ],
    ids=["bids unsorted", "asks unsorted", "a price twice", "no quantity", "no price", "no asking price"],
)
def test_a_snapshot_that_makes_no_sense_is_invalid(bids: list[Level], asks: list[Level]) -> None:
    book = Book(BTC)
    assert not book.apply(snapshot(bids, asks))
    assert book.fault is Fault.NONSENSE


def test_prices_that_a_float_can_not_tell_apart_are_not_merged() -> None:
    book = Book(BTC)
    assert book.apply(snapshot([("12345678901234567.1", "1")], []))
    assert not book.apply(delta([("12345678901234567.2", "1")]))
    assert book.fault is Fault.NONSENSE


def test_a_crossing_that_only_decimals_see_is_found() -> None:
    book = Book(BTC)
    assert not book.apply(snapshot([("12345678901234567.2", "1")], [("12345678901234567.1", "1")]))
    assert book.fault is Fault.CROSSED


def test_a_book_that_grows_without_end_is_invalid() -> None:
    levels = [(str(price), "1") for price in range(1, MAX_LEVELS + 2)]
    assert not Book(BTC).apply(snapshot([], levels))
    grown = Book(BTC)
    assert grown.apply(snapshot([], levels[:-1]))
    assert not grown.apply(delta(asks=levels[-1:]))


def test_losing_the_connection_makes_it_unreadable() -> None:
    book = standing()
    book.invalidate("the connection was lost")
    with pytest.raises(InvalidBook, match="connection was lost"):
        book.top(1)


def test_another_instruments_event_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="ETH"):
        standing().apply(BookSnapshot(InstrumentId("test", "ETH"), (), (), 1, 1, 1))


def test_levels_are_sorted_by_value() -> None:
    levels: list[Level] = [("9.5", "1"), ("10", "1"), ("9", "1")]
    assert sort_levels(levels, Side.BUY) == (("10", "1"), ("9.5", "1"), ("9", "1"))
    assert sort_levels(levels, Side.SELL) == (("9", "1"), ("9.5", "1"), ("10", "1"))


def crc(bids: Sequence[Level], asks: Sequence[Level]) -> int:
    return zlib.crc32(":".join(text for level in (*bids, *asks) for text in level).encode())


GOOD = crc(BIDS, ASKS)


def verification(book: Book) -> Verification:
    return book.verification


def test_a_matching_checksum_verifies_and_a_later_mismatch_is_a_fault() -> None:
    book = Book(BTC, crc)
    assert verification(book) is Verification.UNVERIFIED
    assert book.apply(snapshot(checksum=GOOD))
    assert verification(book) is Verification.VERIFIED
    after = crc(BIDS, [("100.5", "1.0"), ASKS[1]])
    assert book.apply(delta(asks=[("100.5", "1.0")], checksum=after)), "the venue's text counts, not the value"
    assert not book.apply(delta(previous=2, sequence=3, checksum=after + 1))
    assert book.fault is Fault.CHECKSUM
    assert verification(book) is Verification.UNVERIFIED


@pytest.mark.parametrize("given", [0, None])
def test_no_checksum_is_no_proof_and_no_fault(given: int | None) -> None:
    book = Book(BTC, crc)
    assert book.apply(snapshot(checksum=given))
    assert book.apply(delta(checksum=given))
    assert verification(book) is Verification.UNVERIFIED
    book.top(1)


def test_one_that_never_matches_degrades_with_the_third_whole_book() -> None:
    book = Book(BTC, crc)
    for sequence in (1, 2):
        assert not book.apply(snapshot(sequence=sequence, checksum=GOOD + 1))
        assert book.fault is Fault.CHECKSUM
        with pytest.raises(InvalidBook):
            book.top(1)
    assert book.apply(snapshot(sequence=3, checksum=GOOD + 1))
    assert book.apply(delta(previous=3, sequence=4, checksum=GOOD + 1))
    assert verification(book) is Verification.UNVERIFIED
    book.top(1)
    assert book.apply(snapshot(sequence=5, checksum=GOOD)), "and one that matches is trusted again"
    assert verification(book) is Verification.VERIFIED
    assert not book.apply(delta(previous=5, sequence=6, checksum=1))


@pytest.mark.parametrize("given", [0, None])
def test_a_venue_that_stops_sending_checksums_is_no_fault(given: int | None) -> None:
    book = Book(BTC, crc)
    assert book.apply(snapshot(checksum=GOOD))
    assert book.apply(delta(checksum=given))
    assert verification(book) is Verification.UNVERIFIED


def test_without_a_way_to_compute_it_there_is_no_verification() -> None:
    book = standing()
    assert book.apply(delta(checksum=123))
    assert verification(book) is Verification.NONE


def test_a_whole_book_that_does_not_match_is_a_fault_too() -> None:
    book = Book(BTC, crc)
    assert book.apply(snapshot(checksum=GOOD))
    assert not book.apply(snapshot(sequence=2, checksum=GOOD + 1))
    assert not book.apply(delta(previous=2, sequence=3, checksum=GOOD))
    assert book.apply(snapshot(sequence=4, checksum=GOOD))
    assert verification(book) is Verification.VERIFIED
