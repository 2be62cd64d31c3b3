"""The net exposure screen, and the net in the summary line."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.desk_app import running
from tests.support.mayex_desk import BTC, four_frame, mayex_frame, one_killed
from tests.support.scripted_desk import ScriptedDesk
from tests.support.venues import COINEX_ETH
from tests.tui.widgets.harness import assert_inert, lines, on_stage
from tui.screens.exposure import ExposureScreen
from tui.widgets.exposure_table import ExposureTable
from tui.widgets.summary import Summary

SMALL = (80, 24)


@pytest.mark.parametrize("size", [SMALL, (120, 40), (200, 60), (50, 20)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_it_shows_each_asset_over_all_venues_and_what_its_net_is_made_of(size: tuple[int, int]) -> None:
    async with running(ScriptedDesk([four_frame()]), size) as desk:
        await desk.press("N")
        assert desk.shows(ExposureScreen)
        text = desk.text
        assert "+0.45" in text and "+27,279.63" in text and "-7,093.80" in text
        assert "── +0.45 BTC" in text and "SHORT BTC/USDT perp isolated" in text
        if size[0] >= 80:
            row = next(line for line in text.splitlines() if "▶BTC" in line)
            assert "+0.1 – +0.15 +0.2" in " ".join(row.split()), "coinex, max, pumpkin, mayex"
        await desk.press("j")
        assert "── -3 ETH" in desk.text
        await desk.press("N")
        assert not desk.shows(ExposureScreen)


async def test_enter_shows_a_market_of_the_asset() -> None:
    async with running(ScriptedDesk([four_frame()]), SMALL) as desk:
        await desk.press("colon", *"exposure", "enter")
        await desk.until(lambda: desk.shows(ExposureScreen))
        await desk.press("j", "enter")
        assert desk.desk.calls[-1][0] == "show" and desk.desk.calls[-1][1].venue == "pumpkin"
        assert not desk.shows(ExposureScreen)


async def test_an_asset_without_a_position_shows_a_market_where_it_is_held() -> None:
    frame = four_frame(positions=())
    async with running(ScriptedDesk([frame]), SMALL) as desk:
        await desk.press("N", "enter")
        assert desk.desk.calls[-1][1] == next(i.id for i in frame.instruments or () if i.id.venue == "coinex")


async def test_a_silent_venue_is_marked_and_one_that_told_nothing_is_named() -> None:
    coinex, maicoin, *others = one_killed()
    unread = msgspec.structs.replace(maicoin, is_reconciling=True)
    frame = four_frame(venues=(coinex, unread, *others))
    kept = tuple(view for view in frame.balances or () if view.venue != "max")
    async with running(ScriptedDesk([msgspec.structs.replace(frame, balances=kept)]), SMALL) as desk:
        await desk.press("N")
        assert "◐ pumpkin" in desk.text
        assert "not counted, not read yet: max" in desk.text
    async with running(ScriptedDesk([mayex_frame(positions=())]), SMALL) as desk:
        await desk.press("N")
        assert "nothing is held anywhere but the account's own currency" in desk.text


async def test_the_table_takes_any_text_as_text() -> None:
    async with on_stage(ExposureTable(), 60, 6) as (table, _):
        table.take(four_frame())
        assert_inert(table)


async def test_the_summary_has_the_net_of_the_shown_base_where_several_venues_are_open() -> None:
    async with on_stage(Summary(), 120, 1) as (line, _):
        line.take(four_frame())
        assert "net BTC +0.45" in lines(line)[0]
        line.take(four_frame(number=2, shown=COINEX_ETH))
        assert "net ETH -3" in lines(line)[0]
        line.take(mayex_frame(number=3, shown=BTC))
        assert "net " not in lines(line)[0]
    async with on_stage(Summary(), 40, 1) as (line, _):
        line.take(four_frame())
        assert "equity" in lines(line)[0]
