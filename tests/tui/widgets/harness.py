"""Mounts a widget in an app of its own, and reads what it draws."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar
from unittest.mock import patch

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.pane import Pane

P = TypeVar("P", bound=Pane)


class Stage(App[None]):
    """An app with one widget that fills it; it keeps the messages that the widget posts."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.posted: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def keep(self, message: Message) -> None:
        self.posted.append(message)


@asynccontextmanager
async def on_stage(widget: P, width: int, height: int) -> AsyncIterator[tuple[P, Pilot[None]]]:
    """Runs an app of this size with `widget` alone in it, focused if it can be."""
    app = Stage(widget)
    async with app.run_test(size=(width, height), message_hook=app.keep) as pilot:
        widget.styles.width, widget.styles.height = width, height
        if widget.can_focus:
            widget.focus()
        await pilot.pause()
        yield widget, pilot


def posted(widget: Widget, kind: type[Message]) -> list[Message]:
    """The messages of `kind` that reached the app."""
    app = widget.app
    assert isinstance(app, Stage)
    unique: dict[int, Message] = {id(message): message for message in app.posted if isinstance(message, kind)}
    return list(unique.values())


def lines(widget: Widget) -> list[str]:
    """The text of every row, without trailing blanks."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


def segments(widget: Widget) -> list[Segment]:
    return [segment for y in range(widget.size.height) for segment in widget.render_line(y)]


def row_with(widget: Widget, text: str) -> str:
    """The one row that contains `text`."""
    found = [line for line in lines(widget) if text in line]
    assert len(found) == 1, (text, lines(widget))
    return found[0]


def assert_inert(widget: Widget) -> None:
    """Nothing that is drawn can be acted on by a terminal, and every row is as wide as the widget."""
    for y in range(widget.size.height):
        strip = widget.render_line(y)
        assert strip.cell_length == widget.size.width, (y, strip.text)
        for segment in strip:
            assert segment.control is None
            strange = [c for c in segment.text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
            assert strange == [], (y, strange)
            assert segment.style is None or (segment.style.link is None and not segment.style.meta), y


async def repainted(widget: Pane, pilot: Pilot[None]) -> list[int]:
    """Lets the screen paint, and returns the rows that were asked of the widget for it, top to bottom."""
    rows: list[int] = []
    render_line = widget.render_line

    def noted(y: int) -> Strip:
        rows.append(y)
        return render_line(y)

    with patch.object(widget, "render_line", noted):
        await pilot.pause()
    return sorted(set(rows))
