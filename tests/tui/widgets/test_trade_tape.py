"""The tape: sweeps in one row, small trades hidden, and a ring that repaints what it must."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.frames import (
    BTC_PERP,
    BTC_SPOT,
    MILLISECOND,
    NOW,
    desk_view,
    sample_frame,
    tape_view,
    venue_view,
)
from tests.tui.widgets.harness import lines, on_stage, repainted, row_with
from tui.desk.frame import Frame, TapeRow, TapeView
from tui.widgets.trade_tape import TradeTape, merge_sweeps
from venues.events import LinkState
from venues.model import NANOSECONDS, Side

D = Decimal


def trade(number: int, ts: int, size: str = "0.100", side: Side = Side.BUY, price: str = "60625.0") -> TapeRow:
    return TapeRow(f"n{number}", ts, D(price), D(size), side, False)


def longer(view: TapeView, *rows: TapeRow) -> Frame:
    tape = TapeView(instrument=view.instrument, rows=(*view.rows, *rows), count=view.count + len(rows))
    return Frame(number=2, ts=NOW, tape=tape)


def test_a_sweep_is_one_row_with_its_last_price() -> None:
    rows = [
        trade(1, NOW, "0.1", price="60625.0"),
        trade(2, NOW + 400_000, "0.2", price="60625.5"),
        trade(3, NOW + 500_000, "0.3", Side.SELL),
        trade(4, NOW + MILLISECOND, "0.4", Side.SELL),
    ]
    sweeps = merge_sweeps(rows)
    assert [(s.count, s.quantity, s.price) for s in sweeps] == [
        (2, D("0.3"), D("60625.5")),
        (1, D("0.3"), D("60625.0")),
        (1, D("0.4"), D("60625.0")),
    ]


async def test_newest_is_on_top_with_side_as_a_glyph_and_own_fills_marked() -> None:
    async with on_stage(TradeTape(), 42, 9) as (tape, _):
        tape.take(sample_frame())
        text = lines(tape)
        assert text[0].split() == ["time", "UTC", "price", "size"]
        assert text[1].split() == ["14:03:07.412", "60,625.0", "0.120", "▲"]
        assert text[4].split() == ["14:03:06.870", "60,624.5", "1.200", "▼", "×3"]
        assert text[5].split() == ["14:03:06.655", "60,625.0", "0.250", "▲", "you"]


async def test_the_filter_hides_small_trades_and_is_in_the_title() -> None:
    async with on_stage(TradeTape(), 42, 9) as (tape, _):
        tape.take(sample_frame())
        tape.set_minimum_size(D("0.2"))
        sizes = [D(line.split()[2]) for line in lines(tape)[1:] if line]
        assert min(sizes) >= D("0.2")
        assert str(tape.border_title) == "tape ≥ 0.2"
        tape.set_minimum_size(D(10**6))
        assert "no trade of this size" in lines(tape)[0]


@pytest.mark.parametrize(("ring", "most"), [(True, 2), (False, 40)])
async def test_a_ring_repaints_two_rows_for_a_trade_and_a_scrolling_tape_all(ring: bool, most: int) -> None:
    view = tape_view()
    async with on_stage(TradeTape(ring=ring), 42, 40) as (tape, pilot):
        tape.take(sample_frame(tape=view))
        await pilot.pause()
        tape.take(longer(view, trade(1, NOW)))
        rows = await repainted(tape, pilot)
        assert len(rows) <= most
        assert (len(rows) > 30) is not ring
        assert row_with(tape, "14:03:07.500")


async def test_the_filter_clears_small_trades_out_of_the_ring() -> None:
    async with on_stage(TradeTape(ring=True), 42, 12) as (tape, _):
        tape.take(sample_frame())
        tape.set_minimum_size(D("0.1"))
        assert min(D(line.split()[2]) for line in lines(tape)[1:]) >= D("0.1")


async def test_the_ring_overwrites_the_oldest_and_marks_the_newest() -> None:
    view = tape_view()
    async with on_stage(TradeTape(ring=True), 42, 6) as (tape, _):
        tape.take(sample_frame(tape=view))
        before = lines(tape)
        assert before[-1].startswith("▸14:03:07.412")
        tape.take(longer(view, trade(1, NOW)))
        after = lines(tape)
        assert after[1].startswith("▸14:03:07.500")
        assert after[2:5] == before[2:5]


async def test_a_trade_of_the_same_millisecond_grows_the_newest_row_of_the_ring() -> None:
    view = tape_view()
    async with on_stage(TradeTape(ring=True), 42, 6) as (tape, pilot):
        tape.take(sample_frame(tape=view))
        await pilot.pause()
        tape.take(longer(view, trade(1, NOW - 88 * MILLISECOND)))
        assert len(await repainted(tape, pilot)) == 1
        assert "0.220 ▲ ×2" in row_with(tape, "▸")


async def test_who_reads_older_trades_keeps_them_while_newer_ones_come() -> None:
    view = tape_view()
    async with on_stage(TradeTape(), 42, 8) as (tape, _):
        tape.take(sample_frame(tape=view))
        tape.move_cursor(10)
        before = lines(tape)
        tape.take(longer(view, trade(1, NOW), trade(2, NOW, side=Side.SELL)))
        assert lines(tape) == before
        tape.recentre()
        assert "14:03:07.500" in lines(tape)[1]


async def test_another_instruments_trades_are_dropped() -> None:
    async with on_stage(TradeTape(), 42, 8) as (tape, _):
        tape.take(sample_frame())
        tape.take(Frame(number=2, ts=NOW, desk=desk_view(BTC_SPOT)))
        assert "no trades yet" in lines(tape)[0]
        tape.take(Frame(number=3, ts=NOW, tape=tape_view(BTC_PERP)))
        assert "no trades yet" in lines(tape)[0]


@pytest.mark.parametrize(("width", "time"), [(42, "14:03:07.412"), (36, "14:03:07"), (24, "")])
async def test_the_time_gives_way_first(width: int, time: str) -> None:
    async with on_stage(TradeTape(), width, 8) as (tape, _):
        tape.take(sample_frame())
        assert " ".join(lines(tape)[1].split()) == f"{time} 60,625.0 0.120 ▲".strip()


async def test_trades_of_a_venue_that_went_silent_say_how_old_they_are() -> None:
    async with on_stage(TradeTape(), 42, 8) as (tape, _):
        tape.take(sample_frame())
        assert str(tape.border_title) == "tape"
        silent = venue_view(state=LinkState.RECONNECTING, ts_last_data=NOW)
        tape.take(Frame(number=2, ts=NOW + 12 * NANOSECONDS, venues=(silent,)))
        assert str(tape.border_title) == "tape · reconnecting 12 s"
        tape.tick(NOW + 13 * NANOSECONDS)
        assert str(tape.border_title) == "tape · reconnecting 13 s"
