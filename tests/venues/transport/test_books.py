"""Books that are proven: told to be broken once, and asked for again without a storm."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import pytest

from venues.book import Book, Fault
from venues.events import BookDelta, BookSnapshot, Event, Ticker
from venues.model import InstrumentId
from venues.transport.books import KeptBooks, Mending
from venues.transport.market_feed import with_quotes

BTC = InstrumentId("here", "BTC")
ONE = Decimal(1)


class Feed:
    """One book, and how often it was told to wait for a full one."""

    def __init__(self, market: str) -> None:
        self.book = Book(InstrumentId("here", market))
        self.restarts = 0

    def restart(self) -> None:
        self.restarts += 1

    def fill(self) -> None:
        self.book.apply(BookSnapshot(self.book.instrument, (("1", "1"),), (("2", "1"),), 7, 1, 1))


def kept(*markets: str) -> tuple[KeptBooks[Feed], dict[str, Feed]]:
    books: KeptBooks[Feed] = KeptBooks(lambda market: InstrumentId("here", market), b'"book"', (b'"trade"',))
    for market in markets:
        assert books.open(market, partial(Feed, market))
        books.feeds[market].fill()
    return books, books.feeds


def test_a_book_that_is_kept_stays_and_one_that_is_left_can_not_be_read() -> None:
    books, _ = kept("BTC")
    book = books.book("BTC")
    assert book is not None
    assert not books.open("BTC", lambda: Feed("BTC"))
    assert books.book("BTC") is book
    books.close("BTC")
    assert not book.is_valid
    assert "BTC" not in books
    assert books.book("BTC") is None
    books.close("BTC")


def test_a_fault_is_told_once_until_it_is_healed_and_breaks_whoever_follows() -> None:
    books, feeds = kept("BTC")
    events: list[Event] = []
    for _ in range(3):
        books.broke("BTC", 5, events)
    assert (len(events), books.faults, books.has_told) == (1, 1, True)
    (told,) = events
    assert isinstance(told, BookDelta)
    follower = Feed("BTC")
    follower.fill()
    follower.book.apply(told)
    assert not follower.book.is_valid
    books.healed("BTC")
    assert not books.has_told
    books.broke("BTC", 6, events)
    assert (len(events), books.faults) == (2, 2)
    assert feeds["BTC"].restarts == 0


def test_a_lost_link_breaks_every_book_but_one_that_never_came() -> None:
    books, feeds = kept("BTC", "ETH")
    books.open("NEW", lambda: Feed("NEW"))
    events: list[Event] = []
    books.break_all("the connection was lost", 5, events)
    assert [feed.restarts for feed in feeds.values()] == [1, 1, 1]
    assert not any(feed.book.is_valid for feed in feeds.values())
    assert {event.instrument.symbol for event in events if isinstance(event, BookDelta)} == {"BTC", "ETH"}
    assert feeds["NEW"].book.fault is Fault.WAITING
    assert books.faults == 0  # none of theirs


def test_a_frame_that_nobody_can_read_breaks_what_it_names_or_everything() -> None:
    books, feeds = kept("BTC", "ETH")
    events: list[Event] = []
    assert books.doubt(b'{"market": "BTC", nan}', 5, events) == ["BTC"]
    assert (feeds["BTC"].book.is_valid, feeds["ETH"].book.is_valid) == (False, True)
    assert books.doubt(b"\xff\xfe", 5, events) == ["ETH"]
    assert not feeds["ETH"].book.is_valid
    assert books.doubt(b"\xff\xfe", 5, events) == []
    assert len(events) == books.faults == 2


@pytest.mark.parametrize(
    ("raw", "is_doubted"),
    [
        (b'{"trade", nan}', False),  # about something else
        (b'{"book": "trade", nan}', True),
        (b'{"news": ["of a kind that we do not know"]}', False),
        (b'{"book": "of a shape that we do not know"}', True),
        (b"[" * 30_000 + b"]" * 30_000, True),
        (b"", True),
    ],
)
def test_only_what_may_be_about_a_book_breaks_one(raw: bytes, is_doubted: bool) -> None:
    books, feeds = kept("BTC")
    assert bool(books.doubt(raw, 5, [])) is is_doubted
    assert feeds["BTC"].book.is_valid is not is_doubted


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.asked: list[float] = []
        self.mending = Mending(lambda: self.asked.append(self.now), lambda: self.now)

    def run(self, seconds: float, *, is_broken: bool = False, is_doubtful: bool = False) -> None:
        """Looks every half second."""
        until = self.now + seconds
        while self.now < until:
            self.mending.look(is_broken=is_broken, is_doubtful=is_doubtful)
            self.now += 0.5


def test_a_broken_book_is_asked_for_at_once_and_then_more_and_more_seldom() -> None:
    clock = Clock()
    clock.run(45, is_broken=True)
    assert clock.asked == [100, 101, 103, 107, 115, 125, 135]


def test_after_half_a_minute_of_health_the_pauses_begin_anew() -> None:
    clock = Clock()
    clock.run(8, is_broken=True)
    clock.run(10)
    began = clock.now
    clock.run(9, is_broken=True)
    assert clock.asked[-1] == began  # the last pause is over, and the next is as long as it was
    clock.run(31)
    clock.asked.clear()
    began = clock.now
    clock.run(4, is_broken=True)
    assert clock.asked == [began, began + 1, began + 3]


def test_what_is_only_doubtful_is_asked_for_with_the_longest_pauses() -> None:
    clock = Clock()
    clock.run(25, is_doubtful=True)
    assert clock.asked == [100, 110, 120]


def test_bid_and_ask_of_a_ticker_are_those_of_a_valid_book() -> None:
    ticker = Ticker(BTC, ONE, None, None, ONE, ONE, ONE, ONE, 1)
    feed = Feed("BTC")
    assert with_quotes(ticker, None) is ticker
    assert with_quotes(ticker, feed.book) is ticker
    feed.fill()
    quoted = with_quotes(ticker, feed.book)
    assert (quoted.bid, quoted.ask) == (ONE, ONE + 1)
