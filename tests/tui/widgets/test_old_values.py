"""What comes from a venue that is silent is not shown as if it were of now; and by which clock times are told."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.frames import NOW, sample_frame, venue_view
from tests.tui.widgets.harness import lines, on_stage, row_with, segments
from tui.widgets.fills import Fills
from tui.widgets.log_pane import LogPane
from tui.widgets.pane import Pane
from tui.widgets.positions import Positions
from tui.widgets.trade_tape import TradeTape
from tui.widgets.watchlist import Watchlist
from venues.events import LinkState
from venues.model import NANOSECONDS

SILENT = (LinkState.STALE, LinkState.RECONNECTING, LinkState.DOWN)


@pytest.fixture
def east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine stands two hours east of UTC."""
    monkeypatch.setenv("TZ", "EAST-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("state", SILENT)
async def test_the_watchlist_mutes_a_silent_venue_and_marks_it(state: LinkState) -> None:
    async with on_stage(Watchlist(), 40, 10) as (table, _):
        table.take(sample_frame(venues=(venue_view(state=state, ts_last_data=NOW - 9 * NANOSECONDS),)))
        assert all("◐" in line for line in lines(table)[1:7])
        colours = {s.style.color for s in segments(table) if s.style and "1.3876" in s.text}
        assert colours == {table.palette.muted.color}
        table.take(sample_frame(2))
        assert "◐" not in "".join(lines(table))


@pytest.mark.parametrize("state", SILENT)
async def test_the_mark_of_a_position_is_marked_as_old(state: LinkState) -> None:
    async with on_stage(Positions(), 140, 6) as (table, _):
        table.take(sample_frame(venues=(venue_view(state=state),)))
        assert "◐ 60,624.9" in row_with(table, "LONG")
        table.take(sample_frame(2))
        assert "◐" not in row_with(table, "LONG")


@pytest.mark.usefixtures("east")
@pytest.mark.parametrize("kind", [TradeTape, Fills, LogPane])
async def test_times_say_by_which_clock_they_are_told(kind: type[Pane]) -> None:
    async with on_stage(kind(), 80, 8) as (pane, _):
        pane.take(sample_frame())
        assert lines(pane)[0].split()[:2] == ["time", "UTC"]
        assert " 14:03:0" in " " + lines(pane)[1].lstrip(" ▶")
        pane.show_local_time(True)
        assert lines(pane)[0].split()[:2] == ["time", "local"]
        assert " 16:03:0" in " " + lines(pane)[1].lstrip(" ▶")
