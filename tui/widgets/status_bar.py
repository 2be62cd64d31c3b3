"""The status bar: how each venue is doing, how much flows, and which keys there are."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from rich.style import Style

from tui import formatting
from tui.desk.authentication import UNPROVEN
from tui.desk.frame import Frame, VenueView
from tui.widgets.cells import Part, Span, crop, plain, width_of
from tui.widgets.line import Line
from tui.widgets.palette import Palette
from venues.events import LinkState
from venues.model import NANOSECONDS
from venues.port import Mode

SLOW_CLOCK = NANOSECONDS // 10
"""A clock that differs from the venue's by more than this is shown as a warning: signed requests go stale."""

_DETAIL = 40  # cells for what a venue says of itself
_BESIDE_DETAIL = 120  # cells of everything else on a line with one venue
_ROUND_TRIP = 8  # cells that one may take, " 999 ms": by what it takes now, chips would come and go with it
_ROOM_FOR_GAPS = 100  # cells
_CLOCK = 15  # "  clock -99 ms"
_POLLED = 16  # " polling, 12.3 s"
_UNPROVEN = f" {UNPROVEN}"
_UNPROVEN_SHORT = " auth?"
_GRAVITY = {
    LinkState.DOWN: 6,
    LinkState.RECONNECTING: 5,
    LinkState.STALE: 4,
    LinkState.CONNECTING: 2,
}


class ChipSize(IntEnum):
    """How much a venue's chip says. A clock that is off is said in each."""

    FULL = 0  # state, round trip, clock offset
    LEAN = 1  # state, round trip
    SHORT = 2  # state
    TERSE = 3  # of those that are well, how many


def is_clock_off(view: VenueView) -> bool:
    """Whether the venue's clock and ours differ so much that signed requests may go stale."""
    return view.clock_offset is not None and abs(view.clock_offset) > SLOW_CLOCK


def is_barred(view: VenueView) -> bool:
    """Whether no order can be sent to a venue on which the desk would trade."""
    return bool(view.fault) and view.mode is not Mode.READ_ONLY


def is_unproven(view: VenueView) -> bool:
    """Whether orders would be real at a venue that has taken no signed call yet, and how to sign is inferred."""
    return view.mode is Mode.LIVE and view.capabilities.authentication_unverified and not is_barred(view)


def _is_polled(view: VenueView) -> bool:
    """Whether a venue says while it is live that no stream but reads tell of it."""
    return view.state is LinkState.LIVE and detail_of(view).startswith("polling")


def detail_of(view: VenueView) -> str:
    """Returns what a venue's connection says of itself, without the venue's name, which stands beside it."""
    return view.detail.removeprefix(f"{view.venue}: ")


def gravity_of(view: VenueView) -> int:
    """Returns how bad a venue's state is, 0 for one that is well: the worst is the last to leave a narrow line."""
    found = _GRAVITY.get(view.state, 0)
    is_doubtful = is_clock_off(view) or is_unproven(view)
    return max(found, 3 if is_barred(view) else 2 if view.is_reconciling else 1 if is_doubtful else 0)


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

    @property
    def least_gap(self) -> int:
        # A chip has gaps of its own: beside another chip it must be seen where it ends.
        return 3 if len(self._venues) > 1 and self.size.width >= _ROOM_FOR_GAPS else 1

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
        left = self._chips() or [Part(0, ((" no venue", palette.muted),))]
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

    def _chips(self) -> list[Part]:
        """Returns the venues' chips, all of the same size, the largest in which they fit beside the first hint."""
        room = self.size.width - 1
        if len(self._venues) > 1 and self._hints:
            room -= sum(map(width_of, self._hints[0])) + 2
        worst = max(self._venues, key=gravity_of, default=None)
        for size in ChipSize:
            if size is ChipSize.TERSE:
                return self._terse_chips(worst)
            gap = self.least_gap
            if sum(self._width_of_chip(view, size) + gap for view in self._venues) <= room + gap:
                return [Part(0 if view is worst else 1, self._chip(view, size)) for view in self._venues]
        return []

    def _terse_chips(self, worst: VenueView | None) -> list[Part]:
        """Returns a chip for each venue that is not well, the gravest first, and how many are well."""
        troubled = sorted((view for view in self._venues if gravity_of(view)), key=gravity_of, reverse=True)
        well = len(self._venues) - len(troubled)
        if not troubled and worst is not None and well == 1:
            return [Part(0, self._chip(worst, ChipSize.SHORT))]
        parts = [Part(min(index, 2), self._chip(view, ChipSize.SHORT)) for index, view in enumerate(troubled)]
        if well:
            parts.append(Part(1 if troubled else 0, ((f" {well} ", self.palette.text), ("●", self.palette.good))))
        return parts

    def _width_of_chip(self, view: VenueView, size: ChipSize) -> int:
        """Returns how many cells a chip may come to take."""
        width = Part(0, self._chip(view, ChipSize.SHORT)).width
        if view.state in {LinkState.LIVE, LinkState.STALE}:
            if is_unproven(view) and size is ChipSize.FULL:
                width += len(_UNPROVEN) - len(_UNPROVEN_SHORT)
            width += _ROUND_TRIP if size <= ChipSize.LEAN and view.round_trip is not None else 0
            is_said = is_clock_off(view)
            width += _CLOCK if size is ChipSize.FULL and view.clock_offset is not None and not is_said else 0
            width += _POLLED if _is_polled(view) and size <= ChipSize.LEAN else 0
        else:
            width = Part(0, self._chip(view, size)).width
        return width

    def _chip(self, view: VenueView, size: ChipSize) -> tuple[Span, ...]:
        palette = self.palette
        state, colour = state_of(view, self.now, palette)
        spans: list[Span] = [(f" {view.venue} ", palette.text), (state, colour)]
        if is_barred(view):
            spans.append((" no orders", palette.alarm))
        elif is_unproven(view):
            words = _UNPROVEN if size is ChipSize.FULL else _UNPROVEN_SHORT
            spans.append((words, palette.warning))
        if view.state in {LinkState.LIVE, LinkState.STALE}:
            if _is_polled(view) and size <= ChipSize.LEAN:  # what came by no stream has its age beside it
                spans.append((f" {crop(plain(detail_of(view)), _POLLED - 1)}", palette.text))
            if view.round_trip is not None and size <= ChipSize.LEAN:
                spans.append((f" {formatting.milliseconds(view.round_trip)}", palette.text))
            if view.clock_offset is not None and (is_clock_off(view) or size is ChipSize.FULL):
                is_off = is_clock_off(view)
                style = palette.warning + Style(bold=True) if is_off else palette.muted
                words = f"{'!' if is_off else ''}{formatting.milliseconds(view.clock_offset)}"
                spans.append((f"  clock {words}", style))
        elif view.detail and size is ChipSize.FULL and self.size.width >= 100:
            # Alone it may have what the figures and the keys leave of a wide line.
            room = max(_DETAIL, self.size.width - _BESIDE_DETAIL) if len(self._venues) == 1 else _DETAIL
            spans.append((f" {crop(plain(detail_of(view)), room)}", palette.muted))
        return tuple(spans)
