"""Painting between the timer's beats: what the terminal shows in the end is what the panes have to say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import msgspec
import pyte
import pytest
from rich.color import ColorSystem
from rich.console import Console
from textual._compositor import Compositor, CompositorUpdate, ReflowResult
from textual.app import App
from textual.geometry import Region, Size
from textual.messages import Update
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tests.support.desk_app import Running, running
from tests.support.frames import sample_frame
from tui.terminal.gate import PaintGate
from tui.widgets.pane import Pane

WIDTH, HEIGHT = 120, 40


class Glass:
    """A terminal that has taken everything by the time it is asked, and shows what the gate lets through."""

    has_pending = False

    def __init__(self, app: App[Any]) -> None:
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.Stream(self.screen)
        self._console = Console(color_system=None, force_terminal=True, width=WIDTH, height=HEIGHT)
        self._console._color_system = ColorSystem.TRUECOLOR
        # On the instance, as `attach` does: a headless app paints nothing by itself.
        vars(app)["_display"] = self.show
        self.gate = PaintGate(app, self)
        vars(app)["_display"] = self.gate.display

    def show(self, screen: Screen[Any], renderable: object) -> None:
        del screen
        if isinstance(renderable, CompositorUpdate):
            self._stream.feed(renderable.render_segments(self._console))

    def take_loss(self) -> bool:
        return False

    def begin_frame(self) -> None:
        pass

    def end_frame(self, is_needed: bool) -> None:
        pass

    def painted(self) -> None:
        pass

    @property
    def rows(self) -> list[str]:
        return [row.rstrip() for row in self.screen.display]


@asynccontextmanager
async def behind_glass() -> AsyncIterator[tuple[Running, Glass]]:
    async with running(size=(WIDTH, HEIGHT)) as desk:
        await desk.press("5")
        glass = Glass(desk.app)
        glass.gate.redraw()
        assert glass.rows == shown(desk)
        yield desk, glass


def shown(desk: Running) -> list[str]:
    """What the panes would draw on an empty screen."""
    return [strip.text.rstrip() for strip in desk.app.screen._compositor.render_strips()]


async def test_a_change_is_painted_when_the_terminal_drains_before_the_timer_beats() -> None:
    async with behind_glass() as (desk, glass):
        handle = Screen._on_update
        drained: list[str] = []

        async def heard(screen: Screen[Any], message: Update) -> None:
            await handle(screen, message)
            drained.append(message.widget.id or "")
            glass.gate.reopen()

        frame = sample_frame(2)
        assert frame.log
        line = msgspec.structs.replace(frame.log[-1], text="what has just happened", ts=frame.ts)
        with patch.object(Screen, "_on_update", heard):
            desk.dashboard.take(msgspec.structs.replace(frame, log=(*frame.log, line)))
            await desk.until(lambda: "log" in drained)
            await desk.pilot.pause()
        assert any("what has just happened" in row for row in glass.rows)
        assert glass.rows == shown(desk)


@pytest.mark.parametrize("is_drained_at_once", [True, False], ids=["fast", "slow"])
async def test_after_a_ticket_every_pane_is_drawn_as_wide_as_it_is(is_drained_at_once: bool) -> None:
    async with behind_glass() as (desk, glass):
        handle = Screen._on_update

        async def heard(screen: Screen[Any], message: Update) -> None:
            await handle(screen, message)
            if is_drained_at_once:
                glass.gate.reopen()

        frame = sample_frame()
        with patch.object(Screen, "_on_update", heard):
            for number in range(2, 10):
                await desk.press("b")
                assert desk.dashboard.has_ticket_focus
                assert glass.rows == shown(desk)
                desk.dashboard.ticket.drop()
                # One frame comes before the screen has heard of it, one after.
                for step in range(2):
                    at = frame.ts + (2 * number + step) * 100_000_000
                    desk.dashboard.take(msgspec.structs.replace(frame, number=2 * number + step, ts=at))
                    await desk.pilot.pause()
                assert not desk.dashboard.ticket.display
                assert glass.rows == shown(desk)
                for pane in desk.dashboard.query(Pane):
                    if pane.display:
                        widths = {pane.render_line(y).cell_length for y in range(pane.size.height)}
                        assert widths == {pane.size.width}, pane.id
                assert "time UTC" in desk.text


async def test_a_ticket_comes_and_goes_without_a_layout_in_between() -> None:
    async with behind_glass() as (desk, _):
        reflow = Compositor.reflow
        layouts: list[dict[str, Region]] = []

        def noted(compositor: Compositor, parent: Widget, size: Size) -> ReflowResult:
            result = reflow(compositor, parent, size)
            panes = {pane.id or "": pane.region for pane in desk.dashboard.query("#floor > *") if pane.display}
            layouts.append(panes)
            return result

        with patch.object(Compositor, "reflow", noted):
            await desk.press("b")
            desk.dashboard.ticket.drop()
            # What the screen's own timer would do before the screen hears of it.
            desk.app.screen._refresh_layout()
            await desk.pilot.pause()
            await desk.until(lambda: not desk.dashboard.ticket.display)
            await desk.pilot.pause()
        assert "ticket" in layouts[0]
        changes = [(old, new) for old, new in pairwise(layouts) if old != new]
        assert len(changes) == 1
        assert {"tape", "chart"} <= set(changes[0][1])


async def test_the_first_paint_of_a_layout_has_the_rows_of_that_layout() -> None:
    async with behind_glass() as (desk, _):
        drawn: list[tuple[str | None, int, int]] = []
        render_line = Pane.render_line

        def noted(pane: Pane, y: int) -> Strip:
            strip = render_line(pane, y)
            drawn.append((pane.id, strip.cell_length, pane.size.width))
            return strip

        with patch.object(Pane, "render_line", noted):
            for _ in range(2):
                await desk.press("b")
                await desk.press("escape")
        assert {"book", "tape", "watch"} <= {name for name, _, _ in drawn}
        assert [row for row in drawn if row[1] != row[2]] == []
