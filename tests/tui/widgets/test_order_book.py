"""The ladder: an axis that stands, a cursor that keeps its price, and no level that must not be read."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest

from tests.support.frames import (
    BTC_PERP,
    BTC_SPOT,
    NOW,
    book_view,
    desk_view,
    invalid_book,
    order_view,
    position_views,
    sample_frame,
    spot_frame,
    venue_view,
)
from tests.tui.widgets.harness import assert_inert, lines, on_stage, repainted, row_with
from tui.desk.frame import BookLevel, BookView, Frame
from tui.widgets.order_book import OrderBook
from venues.events import LinkState
from venues.model import NANOSECONDS, OrderStatus, OrderType, Side

D = Decimal


def prices(book: OrderBook) -> list[str]:
    """The price on each row of the axis, as it is written."""
    return [next(word for word in line.split() if "," in word and "." in word) for line in lines(book)[1:-1]]


async def test_bids_stand_left_of_the_price_and_asks_right() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        book.take(sample_frame())
        bid, ask = row_with(book, "60,624.5"), row_with(book, "60,625.0")
        assert bid.index("0.609") < bid.index("60,624.5")
        assert ask.index("0.327") > ask.index("60,625.0")
        assert lines(book)[0].split() == ["bids", "price", "asks", "cum"]


async def test_each_row_is_one_tick_below_the_one_above_even_where_nobody_is() -> None:
    async with on_stage(OrderBook(), 50, 30) as (book, _):
        book.take(sample_frame())
        axis = [D(text.replace(",", "")) for text in prices(book)]
        assert {a - b for a, b in pairwise(axis)} == {D("0.5")}
        assert "60,623.5" in prices(book)
        assert row_with(book, "60,623.5").strip() == "60,623.5"


async def test_the_axis_stands_while_the_market_moves_inside_the_window() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        book.take(sample_frame())
        before = prices(book)
        for number, bid in enumerate(("60625.5", "60623.0", "60626.0"), 2):
            book.take(Frame(number=number, ts=NOW, book=book_view(best_bid=bid)))
            assert prices(book) == before


async def test_the_axis_recentres_when_the_market_leaves_the_window() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        book.take(sample_frame())
        book.take(Frame(number=2, ts=NOW, book=book_view(best_bid="60700.0")))
        middle = prices(book)[8:10]
        assert "60,700.0" in middle or "60,700.5" in middle


async def test_space_recentres() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        book.take(sample_frame())
        book.take(Frame(number=2, ts=NOW, book=book_view(best_bid="60627.0")))
        book.recentre()
        assert "60,627.5" in prices(book)[7:10]


async def test_the_cursor_keeps_its_price_when_the_book_moves() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        book.take(sample_frame())
        book.move_cursor(1)
        book.move_cursor(1)
        assert book.cursor_price == D("60624.0")
        book.take(Frame(number=2, ts=NOW, book=book_view(best_bid="60700.0")))
        assert book.cursor_price == D("60624.0")
        assert not any("▶" in line for line in lines(book))
        book.take(Frame(number=3, ts=NOW, book=book_view(best_bid="60624.5")))
        assert row_with(book, "▶").split()[1:3] == ["1.554", "60,624.0"]


async def test_a_window_walked_away_from_the_market_is_left_alone() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        book.take(sample_frame())
        book.page(3)
        away = prices(book)
        assert "60,624.5" not in away
        book.take(Frame(number=2, ts=NOW, book=book_view(best_bid="60625.0")))
        assert prices(book) == away


async def test_only_rows_that_changed_are_painted_again() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, pilot):
        book.take(sample_frame())
        await pilot.pause()
        view = book_view()
        bids = (BookLevel(view.bids[0].price, D("0.777")), *view.bids[1:])
        # The sum from the touch changes below; without it one row is all that changes.
        book.toggle_cumulative()
        await pilot.pause()
        book.take(Frame(number=2, ts=NOW, book=BookView(
            instrument=view.instrument, bids=bids, asks=view.asks, is_valid=True, ts_recv=view.ts_recv,
        )))  # fmt: skip
        rows = await repainted(book, pilot)
        assert [lines(book)[y].split()[:2] for y in rows] == [["0.777", "60,624.5"]]


async def test_the_same_book_again_paints_nothing() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, pilot):
        book.take(sample_frame())
        await pilot.pause()
        book.take(Frame(number=2, ts=NOW, book=book_view()))
        assert await repainted(book, pilot) == []


async def test_a_new_age_paints_only_the_spread_line() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, pilot):
        book.take(sample_frame())
        await pilot.pause()
        book.tick(NOW + 7 * NANOSECONDS)
        assert await repainted(book, pilot) == [19]
        assert "age 7.1 s" in lines(book)[-1]


async def test_the_spread_line_has_spread_and_basis_points_of_the_true_touch() -> None:
    async with on_stage(OrderBook(), 60, 20) as (book, _):
        book.take(sample_frame())
        book.group(1)
        book.group(1)
        assert "spread 0.5 · 0.08 bps · age 0.1 s" in lines(book)[-1]


async def test_grouping_sums_levels_and_keeps_the_cursors_price() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        view = book_view()
        book.take(sample_frame(book=view))
        for _ in range(3):
            book.move_cursor(1)
        price = book.cursor_price
        book.group(1)
        assert book.step == D("1.0")
        assert book.cursor_price == price == D("60623.5")
        below = sum(level.quantity for level in view.bids if D("60624") <= level.price < D("60625"))
        assert f"{below:.3f}" in row_with(book, "60,624.0")
        book.group(-1)
        book.group(-1)
        assert book.step == D("0.5")


async def test_bids_are_grouped_down_and_asks_up() -> None:
    async with on_stage(OrderBook(), 50, 30) as (book, _):
        book.take(sample_frame())
        book.group(1)
        book.group(1)
        assert "60,622.5" in prices(book)
        assert row_with(book, "60,625.0").split()[0] == "60,625.0"


async def test_own_orders_and_the_entry_stand_on_their_rows() -> None:
    entry = position_views()[0]
    near = type(entry)(
        position=type(entry.position)(instrument=BTC_PERP.id, quantity=D("0.25"), entry_price=D("60622.1")),
        instrument=BTC_PERP, account="main",
    )  # fmt: skip
    async with on_stage(OrderBook(), 60, 34) as (book, _):
        book.take(sample_frame(positions=(near,)))
        assert "◂ you 0.25" in row_with(book, "60,624.0")
        assert "◂ you 0.38" in row_with(book, "60,626.5")
        assert "◂ entry" in row_with(book, "60,622.0")


async def test_the_spot_book_has_no_marks_of_the_perpetual() -> None:
    async with on_stage(OrderBook(), 60, 34) as (book, _):
        book.take(spot_frame())
        assert not any("you" in line or "entry" in line for line in lines(book))


async def test_an_order_nobody_has_answered_for_is_marked_with_a_question() -> None:
    order = order_view("p9", price="60626.0", side=Side.SELL, status=OrderStatus.UNKNOWN, unknown_for=NANOSECONDS)
    async with on_stage(OrderBook(), 60, 20) as (book, _):
        book.take(sample_frame(orders=(order,)))
        assert "you 0.25?" in row_with(book, "60,626.0")


async def test_a_stop_is_marked_at_its_trigger() -> None:
    order = order_view("p9", kind=OrderType.STOP, price=None, trigger_price=D("60622.0"), side=Side.SELL)
    async with on_stage(OrderBook(), 60, 20) as (book, _):
        book.take(sample_frame(orders=(order,)))
        assert "stop 0.250" in row_with(book, "60,622.0")


async def test_an_invalid_book_has_no_levels_and_says_why() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        book.take(sample_frame())
        book.take(Frame(number=2, ts=NOW, book=invalid_book("checksum mismatch")))
        text = "\n".join(lines(book))
        assert "checksum mismatch" in text
        assert "last good 4.0 s ago" in text
        assert "60,6" not in text


@pytest.mark.parametrize(("width", "height"), [(44, 20), (34, 8), (34, 4), (20, 3)])
async def test_a_long_reason_is_wrapped_and_the_age_of_the_last_good_book_stands_below_it(
    width: int, height: int
) -> None:
    reason = "the book does not have the checksum 958906607 that the venue gave for it at sequence 48"
    async with on_stage(OrderBook(), width, height) as (book, _):
        book.take(sample_frame())
        book.take(Frame(number=2, ts=NOW, book=invalid_book(reason)))
        said = [line.strip() for line in lines(book) if line.strip()]
        assert said[-1] == "last good 4.0 s ago"
        assert all("…" not in line for line in said)
        whole = " ".join(said[:-1])
        assert f"book not shown: {reason}".startswith(whole)
        assert height < 6 or whole.endswith("sequence 48")
        assert_inert(book)


async def test_a_book_that_never_came_is_not_told_as_lost() -> None:
    never = msgspec.structs.replace(invalid_book("waiting for the book"), ts_recv=0)
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        book.take(sample_frame(book=never))
        assert [line.strip() for line in lines(book) if line.strip()] == ["no book yet: waiting for the book"]


@pytest.mark.parametrize("state", [LinkState.RECONNECTING, LinkState.DOWN, LinkState.CONNECTING])
async def test_a_book_of_a_venue_that_is_not_connected_is_not_shown(state: LinkState) -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        book.take(sample_frame())
        book.take(Frame(number=2, ts=NOW, venues=(venue_view(state=state),)))
        text = "\n".join(lines(book))
        assert f"paper is {state.value}" in text
        assert "60,6" not in text


async def test_a_silent_venue_is_called_stale() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        book.take(sample_frame(venues=(venue_view(state=LinkState.STALE),)))
        assert "STALE" in lines(book)[-1]


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (60, "STALE · spread 0.5 · 0.08 bps · age 4.0 s"),
        (42, "STALE · spread 0.5 · age 4.0 s"),
        (34, "STALE · age 4.0 s"),
        (24, "STALE · age 4.0 s"),
    ],
)
async def test_a_stale_book_keeps_its_age_where_it_is_narrow(width: int, words: str) -> None:
    async with on_stage(OrderBook(), width, 20) as (book, _):
        book.take(sample_frame(venues=(venue_view(state=LinkState.STALE),)))
        book.take(Frame(number=2, ts=book_view().ts_recv + 4 * NANOSECONDS))
        assert lines(book)[-1].strip(" ─") == words


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (60, "unverified · spread 0.5 · 0.08 bps · age 0.1 s"),
        (44, "unverified · spread 0.5 · age 0.1 s"),
        (36, "unverified · spread 0.5"),
    ],
)
async def test_an_unverified_book_tells_its_age_before_its_basis_points(width: int, words: str) -> None:
    view = msgspec.structs.replace(book_view(), fault="unverified", is_valid=True)
    async with on_stage(OrderBook(), width, 20) as (book, _):
        book.take(sample_frame(book=view))
        book.take(Frame(number=2, ts=view.ts_recv + NANOSECONDS // 10))
        assert lines(book)[-1].strip(" ─") == words


@pytest.mark.parametrize("width", [40, 33, 30, 26, 24])
async def test_sizes_that_have_no_room_are_rounded_and_never_cut(width: int) -> None:
    fine = msgspec.structs.replace(book_view().instrument, lot_size=D("0.00000001"))
    old = book_view()
    tiny = BookLevel(old.asks[0].price, D("0.00000001"))
    view = msgspec.structs.replace(
        old,
        instrument=fine,
        bids=(BookLevel(old.bids[0].price, D("0.62109876")), *old.bids[1:]),
        asks=(tiny, *old.asks[1:]),
    )
    async with on_stage(OrderBook(), width, 20) as (book, _):
        book.take(sample_frame(book=view, orders=(), positions=()))
        rows = lines(book)[:-1]
        assert not any("…" in row for row in rows)
        bid = D(row_with(book, "60,624.5").split()[0])
        assert abs(bid - D("0.62109876")) <= D("0.05")
        ask = D(row_with(book, "60,625.0").split()[1])
        assert D(0) < ask <= D("0.1")


async def test_the_preview_covers_one_row_and_moves_none() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        book.take(sample_frame())
        before = lines(book)
        book.show_preview("BUY 0.020 @ 60,623.5", Side.BUY)
        after = lines(book)
        assert "BUY 0.020 @ 60,623.5" in after[-2]
        assert [y for y in range(20) if before[y] != after[y]] == [18]
        book.show_preview(None)
        assert lines(book) == before


async def test_another_instrument_drops_book_and_cursor() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        book.take(sample_frame())
        book.move_cursor(1)
        book.take(Frame(number=2, ts=NOW, desk=desk_view(BTC_SPOT)))
        assert book.cursor_price is None
        assert book.instrument is None
        assert "no book yet" in lines(book)[0]
        book.take(Frame(number=3, ts=NOW, book=book_view()))
        assert "no book yet" in lines(book)[0]


@pytest.mark.parametrize("width", [34, 35, 40, 48, 60, 80, 120])
async def test_every_width_shows_both_sides_prices_and_marks(width: int) -> None:
    async with on_stage(OrderBook(), width, 20) as (book, _):
        book.take(sample_frame())
        assert {book.render_line(y).cell_length for y in range(20)} == {width}
        assert "0.609" in row_with(book, "60,624.5")
        assert "0.327" in row_with(book, "60,625.0")
        assert "0.25" in row_with(book, "60,624.0")
        assert "0.38" in row_with(book, "60,626.5")


async def test_the_price_column_does_not_move_when_sizes_grow_and_shrink() -> None:
    async with on_stage(OrderBook(), 50, 20) as (book, _):
        book.take(sample_frame())
        view = book_view()
        large = BookView(
            instrument=view.instrument, bids=(BookLevel(view.bids[0].price, D("12345.678")), *view.bids[1:]),
            asks=view.asks, is_valid=True, ts_recv=view.ts_recv,
        )  # fmt: skip
        book.take(Frame(number=2, ts=NOW, book=large))
        wide = row_with(book, "60,622.0").index("60,622.0")
        book.take(Frame(number=3, ts=NOW, book=view))
        assert row_with(book, "60,622.0").index("60,622.0") == wide
