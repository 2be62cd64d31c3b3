"""Perpetuals with both sides at once: their rows, their orders, and what the header says of funding."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from tests.support.frames import NOW, order_view
from tests.support.hostile import HOSTILE
from tests.support.pumpkin_desk import (
    BTC,
    both_sides,
    exits,
    margin_move,
    position_view,
    pumpkin_frame,
    quotes,
    several_on_a_side,
)
from tests.tui.widgets.harness import assert_inert, lines, on_stage, row_with, segments
from tui.widgets.header import Header
from tui.widgets.open_orders import OpenOrders
from tui.widgets.positions import Positions
from tui.widgets.summary import Summary
from venues.model import NANOSECONDS, OrderStatus

D = Decimal


async def test_a_long_and_a_short_of_one_market_are_two_rows_that_say_all() -> None:
    async with on_stage(Positions(), 140, 6) as (table, _):
        table.take(pumpkin_frame())
        assert row_with(table, "LONG").split() == [
            "▶BTC/USDT", "perp", "LONG", "0.2500", "60,598.2", "60,624.9", "+6.68", "60,670.9", "~54,780.2",
            "9.6%", "1,514.96", "I", "10x", "~-1.52", "2:56:53", "-0.31",
        ]  # fmt: skip
        assert row_with(table, "SHORT  0.1000").split()[-6:] == [
            "303.55",
            "I",
            "20x",
            "~+0.61",
            "2:56:53",
            "+0.04",
        ]
        assert "142.26 C" in row_with(table, "ETH/USDT")


async def test_the_countdown_of_a_payment_runs_without_news() -> None:
    async with on_stage(Positions(), 140, 6) as (table, _):
        table.take(pumpkin_frame())
        table.tick(NOW + 54 * NANOSECONDS)
        assert "~-1.52 2:55:59" in row_with(table, "LONG")


async def test_several_of_a_side_are_told_apart_and_each_has_a_key_of_its_own() -> None:
    async with on_stage(Positions(), 78, 6) as (table, _):
        table.take(pumpkin_frame(positions=several_on_a_side()))
        assert [line.split()[-1] for line in lines(table)[1:4]] == ["#88213", "#88219", "#88214"]
        table.move_cursor(1)
        selected = table.selected_position
        assert selected is not None and selected.position.position_id == "88219"
        table.take(pumpkin_frame(2, positions=several_on_a_side()[1:]))
        still = table.selected_position
        assert still is not None and still.position.position_id == "88219"


async def test_without_several_of_a_side_no_room_is_spent_on_ids() -> None:
    async with on_stage(Positions(), 200, 6) as (table, _):
        table.take(pumpkin_frame())
        assert "#88213" not in row_with(table, "LONG")


@pytest.mark.parametrize(
    ("liquidation", "words", "style"),
    [("54780.2", "9.6%", "muted"), ("56500.0", "▲ 6.8%", "warning"), ("59000.0", "! 2.7%", "alarm")],
)
async def test_a_near_liquidation_has_colour_and_glyph(liquidation: str, words: str, style: str) -> None:
    view = position_view("0.25", "60598.2", position_id="1", liquidation=liquidation)
    async with on_stage(Positions(), 120, 4) as (table, _):
        table.take(pumpkin_frame(positions=(view,)))
        assert words in row_with(table, "LONG")
        cell = next(each for each in segments(table) if words in each.text)
        assert cell.style is not None and cell.style.color == getattr(table.palette, style).color


async def test_orders_say_their_exits_and_what_they_close() -> None:
    async with on_stage(OpenOrders(), 160, 8) as (table, _):
        table.take(pumpkin_frame(orders=exits(), positions=several_on_a_side()))
        assert "TP 61,200.0 SL 59,900.0" in row_with(table, "60,400.0")
        pair = row_with(table, "61,800.0/59,900.0")
        assert "TP/SL" in pair and "closes LONG #88213" in pair and "reduce-only" not in pair
        stop = row_with(table, "waiting          SL ")
        assert "closes SHORT" in stop and "61,500.0" in stop
        assert "stop limit" in row_with(table, "61,510.0")


async def test_on_a_small_terminal_the_type_of_what_waits_stands_beside_its_state() -> None:
    async with on_stage(OpenOrders(), 78, 8) as (table, _):
        table.take(pumpkin_frame(orders=exits()))
        assert "61,800.0/59,900.0" in row_with(table, "TP/SL waiting")
        assert "≥ 61,500.0" in row_with(table, " SL waiting")
        assert "0.0000 / 0.0500" in row_with(table, "stop limit waiting")


async def test_a_close_by_force_is_an_alarm_in_word_and_colour() -> None:
    async with on_stage(OpenOrders(), 120, 8) as (table, _):
        table.take(pumpkin_frame(orders=exits()))
        for words in ("LIQUIDATION", "ETH/USDT perp"):
            cell = next(each for each in segments(table) if words in each.text)
            assert cell.style is not None and cell.style.color == table.palette.alarm.color


async def test_a_position_that_is_gone_is_named_by_the_side_that_its_order_closes() -> None:
    order = order_view("exit:1", BTC, reduce_only=True, position_id="99")
    async with on_stage(OpenOrders(), 160, 4) as (table, _):
        table.take(pumpkin_frame(orders=(order,)))
        assert "closes SHORT" in row_with(table, "60,624.0")


async def test_ids_of_the_venue_stay_text() -> None:
    views = [position_view("0.25", "60598.2", position_id=each.text) for each in HOSTILE.values()]
    async with on_stage(Positions(), 120, len(views) + 1) as (table, _):
        table.take(pumpkin_frame(positions=tuple(views)))
        assert_inert(table)


async def test_the_header_says_what_funding_costs_and_counts_down_by_itself() -> None:
    async with on_stage(Header(), 140, 1) as (header, _):
        header.take(pumpkin_frame())
        assert "fund +0.0100% in 02:56:53" in lines(header)[0] and "pays ~0.91" in lines(header)[0]
        header.tick(NOW + 53 * NANOSECONDS)
        assert "in 02:56:00" in lines(header)[0]
        rate = next(each for each in segments(header) if "+0.0100%" in each.text)
        assert rate.style is not None and rate.style.color == header.palette.buy.color


async def test_a_negative_rate_has_the_other_colour_and_brings_something() -> None:
    quote = msgspec.structs.replace(quotes()[0], funding_rate=D("-0.0003"))
    view = position_view("0.25", "60598.2", position_id="1", next_funding="4.55")
    async with on_stage(Header(), 140, 1) as (header, _):
        header.take(pumpkin_frame(quotes=(quote,), positions=(view,)))
        assert "gets ~4.55" in lines(header)[0]
        rate = next(each for each in segments(header) if "-0.0300%" in each.text)
        assert rate.style is not None and rate.style.color == header.palette.sell.color


async def test_an_unknown_change_of_margin_stands_in_the_summary() -> None:
    async with on_stage(Summary(), 120, 1) as (summary, _):
        summary.take(pumpkin_frame(positions=both_sides(funds=(margin_move(),))))
        assert "? ADD MARGIN 50 USDT UNKNOWN" in lines(summary)[0]
        summary.take(pumpkin_frame(2, positions=both_sides(funds=(margin_move("done"),))))
        assert "UNKNOWN" not in lines(summary)[0]


async def test_a_pair_whose_state_is_doubtful_says_that_first() -> None:
    doubtful = order_view("exit:2", BTC, reduce_only=True, position_id="88213", status=OrderStatus.UNKNOWN)
    async with on_stage(OpenOrders(), 78, 4) as (table, _):
        table.take(pumpkin_frame(orders=(doubtful,)))
        assert "UNKNOWN" in row_with(table, "BTC/USDT")
