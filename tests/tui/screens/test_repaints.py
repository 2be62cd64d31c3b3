"""What a frame repaints: the rows that it changed. A whole pane each frame would cost four times the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from textual.geometry import Region
from textual.widget import Widget

from tests.support.desk_app import Running, running
from tests.support.frames import book_view, sample_frame
from tui.desk.frame import BookLevel, BookView, Frame

Asked = list[tuple[str, tuple[Region, ...], bool]]


@contextmanager
def refreshes() -> Iterator[Asked]:
    """Collects who asked to be painted again: the widget, the regions (none means all of it), and a new layout."""
    asked: Asked = []
    refresh = Widget.refresh

    def noted(self: Widget, *regions: Region, layout: bool = False, **more: Any) -> Widget:
        asked.append((self.id or type(self).__name__, regions, layout))
        return refresh(self, *regions, layout=layout, **more)

    with patch.object(Widget, "refresh", noted):
        yield asked


async def paint(desk: Running, frame: Frame) -> Asked:
    with refreshes() as asked:
        desk.dashboard.take(frame)
        await desk.pilot.pause()
    return asked


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_the_same_frame_again_paints_nothing(size: tuple[int, int]) -> None:
    async with running(size=size) as desk:
        assert await paint(desk, sample_frame(2)) == []


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_a_change_of_the_book_paints_the_ladders_changed_rows(size: tuple[int, int]) -> None:
    async with running(size=size) as desk:
        desk.dashboard.ladder.toggle_cumulative()  # a cumulative size changes in every row below
        await desk.pilot.pause()
        old = book_view()
        bids = (BookLevel(old.bids[0].price, old.bids[0].quantity + 1), *old.bids[1:])
        book = BookView(instrument=old.instrument, bids=bids, asks=old.asks, is_valid=True, ts_recv=old.ts_recv)
        asked = await paint(desk, Frame(number=2, ts=sample_frame().ts, book=book))
        assert {name for name, _, _ in asked} == {"book"}
        rows = [region for _, regions, _ in asked for region in regions]
        assert [region.height for region in rows] == [1]
        assert not any(layout for _, _, layout in asked)
        line = desk.dashboard.ladder.render_line(rows[0].y).text
        assert "60,624.5" in line


async def test_a_later_frame_paints_only_what_counts_time() -> None:
    async with running() as desk:
        asked = await paint(desk, Frame(number=2, ts=sample_frame().ts + 1_000_000_000))
        assert all(regions and not layout for _, regions, layout in asked), asked
        assert {name for name, _, _ in asked} <= {"book", "header", "status", "orders"}
