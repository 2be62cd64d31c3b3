"""The distance between the ladder's rows: found when an instrument is first shown, and then the trader's."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.frames import BTC_PERP, BTC_SPOT, NOW, book_view, desk_view, sample_frame
from tests.tui.widgets.harness import lines, on_stage
from tui.desk.frame import BookLevel, BookView, Frame
from tui.widgets.order_book import OrderBook
from venues.model import Instrument

D = Decimal


def sparse(apart: str, instrument: Instrument = BTC_SPOT, best: str = "60620.0") -> BookView:
    """A book with a level every `apart`."""
    step, bid = D(apart), D(best)
    return BookView(
        instrument=instrument,
        bids=tuple(BookLevel(bid - step * n, D("0.5")) for n in range(40)),
        asks=tuple(BookLevel(bid + step * (n + 1), D("0.5")) for n in range(40)),
        is_valid=True,
        ts_recv=NOW,
    )


def shown(view: BookView, number: int = 1) -> Frame:
    return sample_frame(number, desk=desk_view(view.instrument), book=view)


def filled(book: OrderBook) -> int:
    return sum(any("." in word and "," not in word for word in line.split()) for line in lines(book)[1:-1])


@pytest.mark.parametrize(
    ("apart", "step"), [("0.1", "0.1"), ("0.3", "0.5"), ("0.7", "0.5"), ("5", "5.0"), ("90", "100.0")]
)
async def test_a_window_is_well_filled_from_the_start(apart: str, step: str) -> None:
    async with on_stage(OrderBook(), 60, 24) as (book, _):
        book.take(shown(sparse(apart)))
        assert book.step == D(step)
        assert filled(book) >= 11
        assert ("step" in str(book.border_title)) is (step != "0.1")


async def test_the_title_names_a_step_that_is_not_one_tick() -> None:
    async with on_stage(OrderBook(), 60, 24) as (book, _):
        book.take(sample_frame())
        assert str(book.border_title) == "BTC/USDT perp · paper"
        book.group(1)
        assert str(book.border_title) == "BTC/USDT perp · paper · step 1.0"
        book.group(-1)
        assert str(book.border_title) == "BTC/USDT perp · paper"


async def test_what_was_found_stands_while_the_book_grows_dense() -> None:
    async with on_stage(OrderBook(), 60, 24) as (book, _):
        book.take(shown(sparse("5")))
        before = [line.split()[-2:] for line in lines(book)[1:-1]]
        book.take(shown(sparse("0.1"), 2))
        assert book.step == D(5)
        assert len(lines(book)[1:-1]) == len(before)


async def test_each_instrument_keeps_the_traders_grouping() -> None:
    async with on_stage(OrderBook(), 60, 24) as (book, _):
        book.take(shown(sparse("5")))
        book.group(1)
        book.take(shown(book_view(BTC_PERP), 2))
        assert book.step == BTC_PERP.tick_size
        book.take(shown(sparse("5"), 3))
        assert book.step == D(10)


async def test_a_book_with_one_side_is_not_judged_yet() -> None:
    async with on_stage(OrderBook(), 60, 24) as (book, _):
        whole = sparse("5")
        book.take(shown(BookView(instrument=BTC_SPOT, bids=whole.bids, asks=(), is_valid=True, ts_recv=NOW)))
        assert book.step == BTC_SPOT.tick_size
        book.take(shown(whole, 2))
        assert book.step == D(5)
