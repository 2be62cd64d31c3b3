"""The candles: halves of cells, an axis that stands, and the last price on it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.frames import BTC_PERP, BTC_SPOT, NOW, bars_view, desk_view, sample_frame
from tests.tui.widgets.harness import lines, on_stage, repainted, row_with
from tui.desk.frame import BarsView, Frame
from tui.widgets.candles import Candles
from venues.model import Bar

D = Decimal


def bar(open_: str, high: str, low: str, close: str, volume: str = "5") -> Bar:
    return Bar(instrument=BTC_PERP.id, interval=60, ts_open=0, open=D(open_), high=D(high), low=D(low),
               close=D(close), volume=D(volume))  # fmt: skip


def bars(*given: Bar) -> Frame:
    return Frame(number=1, ts=NOW, bars=BarsView(instrument=BTC_PERP, interval=60, bars=given))


def replaced(view: BarsView, last: Bar) -> Frame:
    return Frame(number=2, ts=NOW, bars=BarsView(
        instrument=view.instrument, interval=view.interval, bars=(*view.bars[:-1], last)
    ))  # fmt: skip


async def test_a_candle_has_a_wick_and_a_body() -> None:
    async with on_stage(Candles(), 30, 12) as (chart, _):
        chart.take(bars(bar("104", "120", "100", "116")))
        column = [line[-1] for line in lines(chart)[:-1] if line and line[-1] in "│║╷╵╥╨"]
        text = "".join(column).strip("│╷╵")
        assert "║" in text
        assert set("".join(column)) & set("│╷╵"), column


async def test_a_rising_candle_differs_from_a_falling_one_in_colour() -> None:
    async with on_stage(Candles(), 12, 5) as (chart, _):
        chart.take(bars(bar("100", "110", "100", "110"), bar("110", "110", "100", "100")))
        styles = [
            segment.style.color for y in range(5) for segment in chart.render_line(y)
            if segment.style is not None and set("┃║") & set(segment.text)
        ]  # fmt: skip
        assert {str(chart.palette.buy.color), str(chart.palette.sell.color)} == {str(s) for s in styles}


async def test_the_interval_is_in_the_title_and_the_last_price_on_the_axis() -> None:
    async with on_stage(Candles(), 60, 16) as (chart, _):
        chart.take(sample_frame(bars=bars_view(interval=900)))
        assert str(chart.border_title) == "candles 15m"
        assert "60,624.5◂" in row_with(chart, "◂")
        assert lines(chart)[-2].split()[0] == "vol"


async def test_the_axis_stands_while_the_forming_candle_moves_within_it() -> None:
    view = bars_view()
    async with on_stage(Candles(), 60, 16) as (chart, pilot):
        chart.take(sample_frame(bars=view))
        await pilot.pause()
        labels = [line[:10] for line in lines(chart) if "┤" in line]
        last = view.bars[-1]
        moved = Bar(instrument=last.instrument, interval=60, ts_open=last.ts_open, open=last.open, high=last.high,
                    low=last.low, close=last.close + D("0.5"), volume=last.volume)  # fmt: skip
        chart.take(replaced(view, moved))
        assert len(await repainted(chart, pilot)) <= 3
        assert [line[:10] for line in lines(chart) if "┤" in line] == labels


async def test_labels_are_round_and_fall_from_top_to_bottom() -> None:
    async with on_stage(Candles(), 60, 24) as (chart, _):
        chart.take(sample_frame())
        labels = [D(line.split()[0].replace(",", "")) for line in lines(chart) if "┤" in line]
        assert labels == sorted(labels, reverse=True)
        assert len(labels) >= 3
        assert all(label % 5 == 0 for label in labels)


async def test_the_past_can_be_scrolled_to_and_left_again() -> None:
    async with on_stage(Candles(), 60, 16) as (chart, _):
        chart.take(sample_frame())
        now = lines(chart)
        chart.page(1)
        assert lines(chart) != now
        chart.recentre()
        assert lines(chart) == now


async def test_another_instrument_drops_the_candles() -> None:
    async with on_stage(Candles(), 60, 16) as (chart, _):
        chart.take(sample_frame())
        chart.take(Frame(number=2, ts=NOW, desk=desk_view(BTC_SPOT)))
        assert chart.interval is None
        assert "no candles yet" in "\n".join(lines(chart))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 2), (20, 4), (34, 7), (120, 40)])
async def test_small_and_large(width: int, height: int) -> None:
    async with on_stage(Candles(), width, height) as (chart, _):
        chart.take(sample_frame())
        chart.toggle_width()
        chart.toggle_width()
        assert {chart.render_line(y).cell_length for y in range(height)} == {width}
        assert any(set(line) & set("│┃║╷╵╻╹╽╿╥╨") for line in lines(chart))


async def test_a_market_that_never_moved_is_drawn() -> None:
    async with on_stage(Candles(), 40, 10) as (chart, _):
        chart.take(bars(*[bar("100", "100", "100", "100", "0")] * 5))
        assert any("100.0" in line for line in lines(chart))


async def test_a_rising_candle_is_hollow_and_a_falling_one_solid() -> None:
    rising, falling = bar("100", "110", "100", "110"), bar("110", "110", "100", "100")
    async with on_stage(Candles(), 12, 5) as (chart, _):
        chart.take(bars(rising, falling))
        assert all(line.endswith("║┃") for line in lines(chart) if line.strip())
        chart.app.no_color = True
        chart.redraw()
        assert all(line.endswith("║█") for line in lines(chart) if line.strip())


async def test_the_shortest_bodies_differ_in_form_too() -> None:
    async with on_stage(Candles(), 30, 12) as (chart, _):
        chart.take(bars(bar("100", "120", "80", "100.5"), bar("100.5", "120", "80", "100")))
        rising, falling = ("".join(line[-2:][at : at + 1] for line in lines(chart)) for at in (0, 1))
        assert set(rising) & set("╥╨║")
        assert set(falling) & set("╻╹╽╿┃")


@pytest.mark.parametrize(("interval", "times"), [(60, ["13:30", "13:40", "13:50"]), (3600, ["12:00", "00:00"])])
async def test_round_times_stand_below_their_candles(interval: int, times: list[str]) -> None:
    view = bars_view(interval=interval)
    async with on_stage(Candles(), 60, 16) as (chart, _):
        chart.take(sample_frame(bars=view))
        axis = lines(chart)[-1]
        assert axis.split()[0] == "UTC"
        assert set(times) <= set(axis.split())
        ago = next(
            n for n, bar in enumerate(reversed(view.bars)) if bar.ts_open // 10**9 % 86_400 == _second(times[-1])
        )
        assert axis.rindex(times[-1]) == 60 - 1 - ago


async def test_candles_of_days_have_dates_below() -> None:
    async with on_stage(Candles(), 60, 16) as (chart, _):
        chart.take(sample_frame(bars=bars_view(interval=86_400)))
        assert lines(chart)[-1].split() == ["UTC", "08-27", "09-24"]


def _second(words: str) -> int:
    hours, minutes = words.split(":")
    return int(hours) * 3600 + int(minutes) * 60
