"""The tables: columns that give way, points that align, and a cursor that stays with its row."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tests.support.frames import (
    BTC_PERP,
    BTC_SPOT,
    ETH_SPOT,
    NOW,
    balance_views,
    empty_frame,
    fill_views,
    log_lines,
    order_view,
    order_views,
    position_views,
    sample_frame,
    venue_view,
)
from tests.tui.widgets.harness import assert_inert, lines, on_stage, posted, repainted, row_with
from tui.desk.frame import Frame, LogLine, OrderView, PositionView, Severity
from tui.widgets.balances import Balances
from tui.widgets.fills import Fills
from tui.widgets.log_pane import LogPane
from tui.widgets.open_orders import OpenOrders
from tui.widgets.positions import Positions
from tui.widgets.watchlist import Watchlist
from venues.model import NANOSECONDS, OrderStatus, Side
from venues.port import Mode

D = Decimal


def orders_frame(*orders: OrderView, ts: int = NOW) -> Frame:
    return Frame(number=2, ts=ts, orders=orders)


def selected_key(table: OpenOrders) -> str | None:
    return table.selected_order.key if table.selected_order is not None else None


async def test_positions_say_what_a_trader_asks() -> None:
    async with on_stage(Positions(), 160, 6) as (table, _):
        table.take(sample_frame())
        assert row_with(table, "LONG").split() == [
            "▶BTC/USDT", "perp", "LONG", "0.250", "60,598.2", "60,624.9", "+6.68", "60,622.4", "~55,102.0", "9.1%",
            "1,515.00", "C", "10x", "+0.31", "15,156.23", "main", "paper",
        ]  # fmt: skip
        assert "SHORT" in row_with(table, "ETH/USDT perp")


async def test_points_stand_below_each_other() -> None:
    async with on_stage(Positions(), 160, 6) as (table, _):
        table.take(sample_frame())
        long, short = row_with(table, "LONG"), row_with(table, "SHORT")
        assert long.index("60,598.2") + len("60,598") == short.index("2,371.05") + len("2,371")
        assert long.index("0.250") + 1 == short.index("3.00") + 1


async def test_narrow_tables_drop_the_least_important_columns() -> None:
    async with on_stage(Positions(), 78, 6) as (table, _):
        table.take(sample_frame())
        heading = lines(table)[0]
        assert all(word in heading for word in ("instrument", "side", "size", "entry", "P&L", "liq", "away"))
        assert not any(word in heading for word in ("notional", "break-even", "account"))
        assert all("6.68" in line or "19.35" in line for line in lines(table)[1:3])


async def test_a_liquidation_that_is_near_is_an_alarm_in_words_too() -> None:
    view = position_views()[0]
    near = PositionView(
        position=view.position, instrument=view.instrument, account="main", liquidation_distance=D("0.021")
    )
    async with on_stage(Positions(), 120, 4) as (table, _):
        table.take(sample_frame(positions=(near,)))
        assert "! 2.1%" in row_with(table, "LONG")


async def test_orders_have_their_state_in_words() -> None:
    async with on_stage(OpenOrders(), 160, 8) as (table, _):
        table.take(sample_frame())
        assert "UNKNOWN 3.1 s" in row_with(table, "60,640.0")
        assert "part filled" in row_with(table, "0.120 / 0.500")
        assert "post-only" in row_with(table, "0.120 / 0.500")
        assert "waiting" in row_with(table, "2,431.00")
        assert "elsewhere" in row_with(table, "ADA/USDT")
        assert "1 d 2 h" in row_with(table, "ADA/USDT")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (OrderStatus.PENDING_NEW, "sending"),
        (OrderStatus.NEW, "resting"),
        (OrderStatus.PENDING_CANCEL, "cancelling"),
        (OrderStatus.PENDING_REPLACE, "changing"),
        (OrderStatus.REJECTED, "rejected"),
        (OrderStatus.EXPIRED, "expired"),
        (OrderStatus.CANCELED, "cancelled"),
        (OrderStatus.FILLED, "filled"),
    ],
)
async def test_every_state_has_words(status: OrderStatus, words: str) -> None:
    async with on_stage(OpenOrders(), 120, 4) as (table, _):
        table.take(orders_frame(order_view("a", status=status)))
        assert words in lines(table)[1]


async def test_the_timer_of_an_unknown_order_runs_without_news() -> None:
    async with on_stage(OpenOrders(), 120, 8) as (table, pilot):
        table.take(sample_frame())
        await pilot.pause()
        table.tick(NOW + 200_000_000)
        assert await repainted(table, pilot) == [1]
        assert "UNKNOWN 3.3 s" in lines(table)[1]


async def test_the_cursor_stays_with_its_order_when_newer_ones_come() -> None:
    old = order_views()
    async with on_stage(OpenOrders(), 120, 4) as (table, _):
        table.take(orders_frame(*old))
        table.move_cursor(2)
        assert selected_key(table) == "p0002"
        table.take(orders_frame(order_view("p0006"), order_view("p0005"), *old))
        assert selected_key(table) == "p0002"
        assert "0.120 / 0.500" in row_with(table, "▶")


async def test_a_key_meant_for_an_order_that_has_gone_hits_no_other() -> None:
    old = order_views()
    async with on_stage(OpenOrders(), 120, 8) as (table, _):
        table.take(orders_frame(*old))
        table.move_cursor(1)
        table.take(orders_frame(*(o for o in old if o.key != "p0003")))
        assert selected_key(table) is None
        assert "60,626.5" in row_with(table, "▷")
        table.move_cursor(1)
        assert selected_key(table) == "p0002"


async def test_the_first_row_is_guarded_too_before_the_cursor_was_ever_moved() -> None:
    old = order_views()
    async with on_stage(OpenOrders(), 120, 8) as (table, _):
        table.take(orders_frame(*old))
        assert selected_key(table) is not None
        table.take(orders_frame(*old[1:]))
        assert selected_key(table) is None


async def test_only_the_row_that_changed_is_painted_again() -> None:
    async with on_stage(OpenOrders(), 120, 8) as (table, pilot):
        old = order_views()
        table.take(orders_frame(*old))
        await pilot.pause()
        filled = order_view("p0001", filled="0.100", status=OrderStatus.PARTIALLY_FILLED)
        table.take(orders_frame(*old[:3], filled, old[4]))
        assert await repainted(table, pilot) == [4]


async def test_a_long_list_scrolls_with_the_cursor_and_shows_a_thumb() -> None:
    many = [order_view(f"k{n:03}", price=f"{60000 + n}.0") for n in range(100)]
    async with on_stage(OpenOrders(), 120, 11) as (table, _):
        table.take(orders_frame(*many))
        assert sum("┃" in line for line in lines(table)) == 1
        table.page(1)
        table.move_to(-1)
        assert selected_key(table) == "k099"
        assert lines(table)[-1].startswith("▶")
        assert lines(table)[-1].endswith("┃")
        table.move_cursor(-1000)
        assert selected_key(table) == "k000"


async def test_count_of_a_side() -> None:
    async with on_stage(OpenOrders(), 80, 5) as (table, _):
        table.take(sample_frame())
        assert (table.count_of(Side.BUY), table.count_of(Side.SELL)) == (3, 2)


async def test_fills_show_fees_as_money_to_us() -> None:
    async with on_stage(Fills(), 140, 7) as (table, _):
        table.take(sample_frame(fills=fill_views()))
        assert "-7.5780" in lines(table)[1]
        assert "+0.1240" in row_with(table, "ADA/USDT")
        assert "maker" in row_with(table, "+3.40")


async def test_a_small_fee_is_not_rounded_to_nothing() -> None:
    small = msgspec.structs.replace(fill_views()[0].fill, fee=Decimal("0.0000018"), fee_currency="BTC")
    async with on_stage(Fills(), 140, 7) as (table, _):
        table.take(sample_frame(fills=(msgspec.structs.replace(fill_views()[0], fill=small),)))
        assert "-0.0000018" in lines(table)[1]


async def test_balances_keep_all_their_digits() -> None:
    async with on_stage(Balances(), 100, 7) as (table, _):
        table.take(sample_frame(balances=balance_views()))
        assert row_with(table, "DUST").split()[1:5] == ["14.00000001", "14.00000001", "0", "–"]
        assert table.selected_balance is not None
        assert table.selected_balance.balance.currency == "USDT"


async def test_the_log_has_the_newest_on_top_and_stays_there() -> None:
    async with on_stage(LogPane(), 80, 5) as (table, _):
        table.take(sample_frame())
        assert "bought 0.250 BTC/USDT perp @ 60,625.0 (taker)" in lines(table)[1]
        more = (*log_lines(), LogLine(NOW, Severity.ALARM, "the newest"))
        table.take(Frame(number=2, ts=NOW, log=more))
        assert lines(table)[1].split()[:4] == ["▶14:03:07.500", "‼", "the", "newest"]


async def test_the_selected_line_of_the_log_is_shown_as_a_whole() -> None:
    long = "UNKNOWN what became of BUY 0.1 BTC/USDT at 60,013.79: the venue answered with status 502"
    more = (
        *(LogLine(NOW + n, Severity.INFO, f"line {n}") for n in range(6)),
        LogLine(NOW + 9, Severity.ALARM, long),
    )
    async with on_stage(LogPane(), 50, 6) as (table, _):
        table.take(sample_frame(log=more))
        assert [line[16:].strip(" ┃") for line in lines(table)] == [
            "what happened", "UNKNOWN what became of BUY 0.1", "BTC/USDT at 60,013.79: the",
            "venue answered with status 502", "line 5", "line 4",
        ]  # fmt: skip
        table.move_cursor(1)
        assert [line[16:].strip(" ┃") for line in lines(table)[2:]] == ["line 5", "line 4", "line 3", "line 2"]
        assert lines(table)[1].rstrip(" ┃").endswith("…")
        table.move_to(-1)
        assert "line 0" in lines(table)[5]
        # The last row in view takes its room from those above it.
        table.take(Frame(number=2, ts=NOW, log=(LogLine(NOW - 1, Severity.ALARM, long), *more[:-1])))
        table.move_to(-1)
        assert [line[16:].strip(" ┃") for line in lines(table)[3:]] == [
            "UNKNOWN what became of BUY 0.1", "BTC/USDT at 60,013.79: the", "venue answered with status 502",
        ]  # fmt: skip
    async with on_stage(LogPane(), 50, 3) as (table, _):
        table.take(sample_frame(log=more))
        assert "UNKNOWN what" in lines(table)[1]
        assert_inert(table)


async def test_the_watchlist_fits_name_last_and_change_in_27_cells() -> None:
    async with on_stage(Watchlist(), 27, 10) as (table, _):
        table.take(sample_frame())
        assert lines(table)[1:4] == [
            "▶★ BTC/USDT 60,625.0  +1.2%",
            " ★ ETH/USDT  2,364.6  -0.4%",
            "   BTC perp 60,624.5  +1.2%",
        ]


async def test_choosing_and_starring_a_market_are_wishes() -> None:
    async with on_stage(Watchlist(), 40, 10) as (table, pilot):
        table.take(sample_frame())
        table.move_to_instrument(ETH_SPOT.id)
        table.choose()
        table.toggle_favourite()
        await pilot.pause()
        (chosen,) = posted(table, Watchlist.InstrumentChosen)
        (starred,) = posted(table, Watchlist.FavouriteRequested)
        assert isinstance(chosen, Watchlist.InstrumentChosen)
        assert isinstance(starred, Watchlist.FavouriteRequested)
        assert chosen.instrument is ETH_SPOT
        assert (starred.instrument, starred.is_favourite) == (ETH_SPOT, False)


async def test_choosing_a_position_shows_its_market_and_nothing_else() -> None:
    async with on_stage(Positions(), 100, 6) as (table, pilot):
        table.take(sample_frame())
        table.choose()
        await pilot.pause()
        (chosen,) = posted(table, Positions.InstrumentChosen)
        assert isinstance(chosen, Positions.InstrumentChosen)
        assert chosen.instrument is BTC_PERP


@pytest.mark.parametrize("kind", [Positions, OpenOrders, Fills, Balances, LogPane, Watchlist])
async def test_an_empty_table_says_so_and_takes_every_key(
    kind: type[Positions | OpenOrders | Fills | Balances | LogPane | Watchlist],
) -> None:
    async with on_stage(kind(), 60, 6) as (table, pilot):
        table.take(empty_frame())
        assert table.selected is None
        assert lines(table)[0].strip() == table.empty
        table.move_cursor(1)
        table.page(-1)
        table.move_to(-1)
        await pilot.pause()
        assert lines(table)[0].strip() == table.empty


@pytest.mark.parametrize("kind", [Positions, OpenOrders])
async def test_where_the_key_is_refused_nobody_knows_that_nothing_is_open(
    kind: type[Positions | OpenOrders],
) -> None:
    async with on_stage(kind(), 80, 6) as (table, _):
        refused = venue_view("mayex", mode=Mode.LIVE, fault="the key was not accepted")
        paper = msgspec.structs.replace(empty_frame(), venues=(venue_view(), refused), balances=balance_views())
        table.take(paper)
        assert lines(table)[0].strip() == f"{table.empty} known: the account at mayex was not read"
        (first, *_) = balance_views()
        table.take(Frame(number=2, ts=NOW, balances=(msgspec.structs.replace(first, venue="mayex"),)))
        assert lines(table)[0].strip() == table.empty
        public = msgspec.structs.replace(refused, mode=Mode.READ_ONLY)
        table.take(Frame(number=3, ts=NOW, venues=(public,), balances=()))
        assert lines(table)[0].strip() == table.empty


@pytest.mark.parametrize("kind", [Positions, OpenOrders, Fills, Balances, LogPane, Watchlist])
@pytest.mark.parametrize(("width", "height"), [(10, 1), (30, 2), (60, 3), (200, 20)])
async def test_every_size_is_drawn_to_its_width(
    kind: type[Positions | OpenOrders | Fills | Balances | LogPane | Watchlist], width: int, height: int
) -> None:
    async with on_stage(kind(), width, height) as (table, _):
        table.take(sample_frame())
        assert {table.render_line(y).cell_length for y in range(height)} == {width}


async def test_an_order_without_a_creation_time_has_no_age() -> None:
    view = order_view("a", BTC_SPOT, quantity="0.25000", age=NOW)
    async with on_stage(OpenOrders(), 120, 4) as (table, _):
        table.take(orders_frame(view, ts=NOW + NANOSECONDS))
        assert "–" in lines(table)[1]
