"""The status bar: how each venue is doing, how much flows, and which keys there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.style import Style

from tui import formatting
from tui.desk.frame import Frame, VenueView
from tui.widgets.cells import Part, Span, crop, plain
from tui.widgets.line import Line
from tui.widgets.palette import Palette
from venues.events import LinkState
from venues.model import NANOSECONDS

SLOW_CLOCK = NANOSECONDS // 10
"""A clock that differs from the venue's by more than this is shown as a warning: signed requests go stale."""


def state_of(view: VenueView, now: int, palette: Palette) -> Span:
    """Returns a venue's state as glyph and words: "●", "◐ stale 4 s", "○ reconnecting", "✕ down"."""
    match view.state:
        case LinkState.LIVE:
            return ("◔ reconciling", palette.warning) if view.is_reconciling else ("●", palette.good)
        case LinkState.STALE:
            silent = max(0, now - view.ts_last_data) // NANOSECONDS if view.ts_last_data else 0
            return (f"◐ stale {silent} s" if view.ts_last_data else "◐ stale", palette.warning)
        case LinkState.CONNECTING:
            return ("○ connecting", palette.muted)
        case LinkState.RECONNECTING:
            return ("○ reconnecting", palette.warning)
        case LinkState.DOWN:
            return ("✕ down", palette.alarm)
        case LinkState.ENDED:
            return ("■ ended", palette.muted)


class StatusBar(Line):
    """A chip per venue, messages per second, bytes to the terminal, and the hints the screen gives it."""

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._venues: tuple[VenueView, ...] = ()
        self._messages: int | None = None
        self._kilobytes: float | None = None
        self._terminal_delay: int | None = None
        self._hints: tuple[tuple[str, str], ...] = ()

    def take(self, frame: Frame) -> None:
        if frame.venues is not None:
            self._venues = frame.venues
        if frame.desk is not None:
            self._messages = frame.desk.messages_per_second
        super().take(frame)

    def set_terminal(self, kilobytes_per_second: float | None, delay: int | None = None) -> None:
        """Says what goes to the terminal (KB/s), and how long it takes to get there (nanoseconds)."""
        self._kilobytes, self._terminal_delay = kilobytes_per_second, delay
        self.redraw()

    def set_hints(self, hints: Sequence[tuple[str, str]]) -> None:
        """Shows (key, what it does) at the right edge, the most important first."""
        self._hints = tuple(hints)
        self.redraw()

    def parts(self) -> tuple[list[Part], list[Part]]:
        palette = self.palette
        left = [Part(0 if index == 0 else 1, self._chip(view)) for index, view in enumerate(self._venues)]
        if not left:
            left.append(Part(0, ((" no venue", palette.muted),)))
        if self._messages is not None:
            left.append(Part(4, ((f"{self._messages:,}", palette.text), (" msg/s", palette.muted))))
        if self._kilobytes is not None:
            left.append(Part(5, ((f"{self._kilobytes:,.0f}", palette.text), (" KB/s", palette.muted))))
        if self._terminal_delay is not None:
            delay = formatting.milliseconds(self._terminal_delay)
            left.append(Part(6, (("term ", palette.muted), (delay, palette.text))))
        right = [
            Part(7 + index, ((key, palette.strong), (f" {what}", palette.muted)))
            for index, (key, what) in enumerate(self._hints)
        ]
        return left, right

    def _chip(self, view: VenueView) -> tuple[Span, ...]:
        palette = self.palette
        state, colour = state_of(view, self.now, palette)
        spans: list[Span] = [(f" {view.venue} ", palette.text), (state, colour)]
        if view.state in {LinkState.LIVE, LinkState.STALE}:
            if view.round_trip is not None:
                spans.append((f" {formatting.milliseconds(view.round_trip)}", palette.text))
            if view.clock_offset is not None:
                is_off = abs(view.clock_offset) > SLOW_CLOCK
                style = palette.warning + Style(bold=True) if is_off else palette.muted
                words = f"{'!' if is_off else ''}{formatting.milliseconds(view.clock_offset)}"
                spans.append((f"  clock {words}", style))
        elif view.detail and self.size.width >= 100:
            spans.append((f" {crop(plain(view.detail), 40)}", palette.muted))
        return tuple(spans)
