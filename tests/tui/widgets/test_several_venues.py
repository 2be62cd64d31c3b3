"""Panes with more than one venue open: whose row it is can be read, and no chip is lost that matters."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.support.frames import (
    BTC_SPOT,
    NOW,
    desk_view,
    order_view,
    position_views,
    sample_frame,
    spot,
    venue_view,
)
from tests.support.venues import (
    COINEX_BTC,
    coinex_view,
    four_views,
    several_frame,
    troubled_frame,
    watching_frame,
)
from tests.tui.widgets.harness import assert_inert, lines, on_stage, row_with
from tui.desk.frame import Frame, VenueView
from tui.widgets.balances import Balances
from tui.widgets.blotter import Blotter
from tui.widgets.fills import Fills
from tui.widgets.header import Header
from tui.widgets.open_orders import OpenOrders
from tui.widgets.positions import Positions
from tui.widgets.status_bar import StatusBar
from tui.widgets.watchlist import Watchlist
from venues.events import LinkState
from venues.model import NANOSECONDS, OrderType, Side
from venues.port import Mode

D = Decimal
HINTS = [("?", "help"), ("Ctrl+X", "panic"), ("b", "buy"), ("s", "sell")]
MILLISECOND = 1_000_000


@pytest.mark.parametrize("width", [37, 48, 78, 118, 198])
@pytest.mark.parametrize("pane", [Positions, OpenOrders, Fills, Balances, Watchlist])
async def test_every_row_names_its_venue_at_every_width(pane: type[Blotter[Any]], width: int) -> None:
    async with on_stage(pane(), width, 14) as (table, _):
        table.take(several_frame())
        rows = lines(table)[1 : 1 + len(table.rows)]
        venues = [table.cells_of(row)["venue"][0] for row in table.rows]
        assert len(rows) > 1
        assert all(f" {venue}" in row for venue, row in zip(venues, rows, strict=True)), rows
        assert_inert(table)


@pytest.mark.parametrize("pane", [Positions, OpenOrders, Fills, Balances])
async def test_with_one_venue_the_table_is_what_it_was(pane: type[Blotter[Any]]) -> None:
    async with on_stage(pane(), 56, 10) as (table, _):
        table.take(sample_frame())
        assert " venue" not in lines(table)[0]
        table.take(Frame(number=2, ts=NOW, venues=(venue_view(), coinex_view())))
        assert " venue" in lines(table)[0]
        table.take(Frame(number=3, ts=NOW, venues=(venue_view(),)))
        assert " venue" not in lines(table)[0]


async def test_the_same_market_of_two_venues_stands_apart() -> None:
    async with on_stage(Watchlist(), 35, 12) as (table, _):
        table.take(several_frame())
        here, there = (line for line in lines(table) if " BTC/USDT " in line)
        assert "paper" in here and "60,625.0" in here and "+1.2%" in here
        assert "coinex" in there and "60,621.40" in there and "+1.2%" in there
        assert "BTC perp" in row_with(table, "60,624.5")


@pytest.mark.parametrize("width", [37, 78])
async def test_an_order_nobody_has_answered_for_is_seen_beside_its_venue(width: int) -> None:
    async with on_stage(OpenOrders(), width, 12) as (table, _):
        table.take(several_frame())
        assert "coinex" in row_with(table, "UNKNOWN 8.2 s")
        assert "paper" in row_with(table, "UNKNOWN 3.1 s")


async def test_profit_and_loss_stays_on_the_narrowest_table() -> None:
    async with on_stage(Positions(), 38, 5) as (table, _):
        table.take(several_frame())
        assert row_with(table, "LONG").split() == ["▶BTC", "perp", "paper", "LONG", "0.250", "+6.68"]


@pytest.mark.parametrize(
    ("kind", "side", "words"),
    [
        (OrderType.STOP, Side.BUY, "≥ 61,000.00"),
        (OrderType.STOP, Side.SELL, "≤ 61,000.00"),
        (OrderType.TAKE_PROFIT, Side.BUY, "≤ 61,000.00"),
        (OrderType.TAKE_PROFIT, Side.SELL, "≥ 61,000.00"),
    ],
)
async def test_a_stop_shows_its_trigger_also_without_the_column(kind: OrderType, side: Side, words: str) -> None:
    order = order_view("s9", COINEX_BTC, kind=kind, side=side, price=None, trigger_price=D("61000.00"))
    async with on_stage(OpenOrders(), 78, 6) as (table, _):
        table.take(several_frame(orders=(order,)))
        assert "trigger" not in lines(table)[0]
        assert words in row_with(table, "waiting")
    async with on_stage(OpenOrders(), 118, 6) as (table, _):
        table.take(several_frame(orders=(order,)))
        assert "trigger" in lines(table)[0]
        assert words not in row_with(table, "waiting")
        assert "61,000.00" in row_with(table, "waiting")


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_the_header_names_the_venue_and_its_mode(width: int) -> None:
    async with on_stage(Header(), width, 1) as (header, _):
        header.take(several_frame())
        assert "BTC/USDT@coinex" in lines(header)[0]
        assert "READ-ONLY" not in lines(header)[0]
        header.take(watching_frame(2))
        assert lines(header)[0].startswith(" PAPER ")
        assert "BTC/USDT@coinex  READ-ONLY " in lines(header)[0]
        header.take(watching_frame(3, shown=BTC_SPOT))
        assert "BTC/USDT@paper" in lines(header)[0]
        assert "READ-ONLY" not in lines(header)[0]
        header.take(sample_frame(4))
        assert "@" not in lines(header)[0]


async def test_a_desk_without_any_key_is_not_called_armed() -> None:
    async with on_stage(Header(), 120, 1) as (header, _):
        view = coinex_view(Mode.READ_ONLY)
        header.take(watching_frame(desk=desk_view(COINEX_BTC, mode=Mode.READ_ONLY), venues=(view,)))
        assert "READ-ONLY" in lines(header)[0]
        assert "orders are off" in lines(header)[0]
        assert "ARMED" not in lines(header)[0]


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.PAPER, Mode.PRACTICE])
async def test_two_venues_have_room_for_every_figure_at_80_columns(mode: Mode) -> None:
    async with on_stage(StatusBar(), 80, 1) as (bar, _):
        bar.set_hints(HINTS)
        bar.take(several_frame(venues=(venue_view(mode=mode), coinex_view(mode))))
        text = lines(bar)[0]
        assert "paper ● 0.2 ms  clock 0 ms" in text
        assert "coinex ● 48 ms  clock -12 ms" in text
        assert "? help" in text
        assert_inert(bar)


async def test_three_venues_give_up_clocks_that_are_right_and_keep_one_that_is_not() -> None:
    views = (venue_view(), coinex_view(), coinex_view(venue="pumpkin", clock_offset=-240 * MILLISECOND))
    async with on_stage(StatusBar(), 80, 1) as (bar, _):
        bar.set_hints(HINTS)
        bar.take(several_frame(venues=views))
        text = lines(bar)[0]
        assert "paper ● 0.2 ms" in text and "coinex ● 48 ms" in text
        assert "pumpkin ● 48 ms  clock !-240 ms" in text
        assert text.count("clock") == 1


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
async def test_the_worst_state_is_seen_at_every_width(width: int) -> None:
    for state, words in (
        (LinkState.DOWN, "max ✕ down"),
        (LinkState.RECONNECTING, "max ○ reconnecting"),
        (LinkState.STALE, "max ◐ stale 7 s"),
    ):
        bad = coinex_view(Mode.LIVE, state, "max", ts_last_data=NOW - 7 * NANOSECONDS)
        views = (venue_view(), coinex_view(), venue_view("pumpkin"), venue_view("mayex"), bad)
        async with on_stage(StatusBar(), width, 1) as (bar, _):
            bar.set_hints(HINTS)
            bar.take(several_frame(venues=views))
            assert words in lines(bar)[0]
            assert_inert(bar)


async def test_where_chips_have_no_room_those_that_are_well_are_counted() -> None:
    async with on_stage(StatusBar(), 80, 1) as (bar, _):
        bar.set_hints(HINTS)
        bar.take(troubled_frame())
        text = lines(bar)[0]
        assert text.startswith(" pumpkin ○ reconnecting")
        assert "max ● no orders" in text
        assert "coinex ●  clock !-240 ms" in text
        assert " 1 ●" in text
        assert "mayex" not in text


async def test_of_many_in_trouble_the_worst_come_first_and_stay() -> None:
    views = tuple(coinex_view(Mode.LIVE, LinkState.STALE, f"venue{number}") for number in range(8))
    views += (coinex_view(Mode.LIVE, LinkState.DOWN, "max"),)
    async with on_stage(StatusBar(), 60, 1) as (bar, _):
        bar.take(several_frame(venues=views))
        assert lines(bar)[0].startswith(" max ✕ down")


async def test_chips_do_not_come_and_go_with_the_round_trip() -> None:
    def views(trip: int) -> tuple[VenueView, ...]:
        return tuple(coinex_view(venue=name, round_trip=trip) for name in ("coinex", "pumpkin", "mayex"))

    async with on_stage(StatusBar(), 80, 1) as (bar, _):
        bar.set_hints(HINTS)
        sizes = set()
        for trip in (200_000, 9_900_000, 48 * MILLISECOND, 999 * MILLISECOND):
            bar.take(several_frame(venues=views(trip)))
            sizes.add((lines(bar)[0].count("●"), "clock" in lines(bar)[0], "msg/s" in lines(bar)[0]))
        assert len(sizes) == 1


async def test_a_venue_that_is_down_says_why_and_its_name_once() -> None:
    view = coinex_view(state=LinkState.DOWN, detail="coinex: the name can not be resolved")
    async with on_stage(StatusBar(), 120, 1) as (bar, _):
        bar.set_hints(HINTS)
        bar.take(several_frame(venues=(venue_view(), view)))
        assert "coinex ✕ down the name can not be resolved" in lines(bar)[0]


async def test_a_venue_with_a_fault_says_that_no_order_leaves() -> None:
    async with on_stage(StatusBar(), 120, 1) as (bar, _):
        bar.take(several_frame(venues=(venue_view(), four_views()[2])))
        assert "max ● no orders 112 ms" in lines(bar)[0]
        bar.take(several_frame(venues=(venue_view(), coinex_view(Mode.READ_ONLY, fault="there is no key"))))
        assert "no orders" not in lines(bar)[0]


async def test_a_long_name_does_not_push_the_numbers_off_the_watchlist() -> None:
    other = spot("BTC", "0.01", "0.00000001", "pumpkin-perpetuals")
    frame = several_frame()
    quote = next(quote for quote in frame.quotes or () if quote.instrument == COINEX_BTC)
    quotes = (type(quote)(instrument=other, last=quote.last, ts_recv=NOW),)
    async with on_stage(Watchlist(), 37, 6) as (table, _):
        table.take(several_frame(quotes=quotes))
        assert "pumpkin-p…" in row_with(table, "BTC/USDT")
        assert "60,621.40" in row_with(table, "BTC/USDT")
        assert_inert(table)


@pytest.mark.parametrize("width", [118, 158])
async def test_what_a_margin_account_owes_stands_on_its_row(width: int) -> None:
    note = "loan 100 USDT, interest 0.1 USDT, risk rate 15 %"
    view = position_views()[0]
    owing = msgspec.structs.replace(view, position=msgspec.structs.replace(view.position, note=note))
    async with on_stage(Positions(), width, 5) as (table, _):
        table.take(several_frame())
        assert "owed" not in lines(table)[0]
        table.take(several_frame(positions=(owing,)))
        assert "loan 100 USDT, interest" in row_with(table, "LONG")
        assert_inert(table)
