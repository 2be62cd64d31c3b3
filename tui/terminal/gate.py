"""The paint gate: no frame is started while the terminal still holds an older one.

Without it a stalled terminal stops the keys, and a slow one shows the past: on 32 KB/s a key was answered on
the screen after 1.6 s, with the gate after 0.3 s, since what is painted next is always the newest state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Protocol

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from tui.terminal.delta import Shadow

# More dirty regions than this are one: the whole screen.
_MOST_REGIONS = 2000

compositor_of: Callable[[Screen[Any]], Compositor] = attrgetter("_compositor")
dirty_regions_of: Callable[[Screen[Any]], set[Region]] = attrgetter("_compositor._dirty_regions")
dirty_widgets_of: Callable[[Screen[Any]], set[Widget]] = attrgetter("_dirty_widgets")
is_layout_due: Callable[[Screen[Any]], bool] = attrgetter("_layout_required")
repaint_of: Callable[[Screen[Any]], Callable[[], None]] = attrgetter("_compositor_refresh")
display_of: Callable[[App[Any]], Callable[[Screen[Any], object], None]] = attrgetter("_display")


class Output(Protocol):
    """Where frames go: the driver."""

    @property
    def has_pending(self) -> bool: ...

    def take_loss(self) -> bool: ...

    def begin_frame(self) -> None: ...

    def end_frame(self, is_needed: bool) -> None: ...

    def painted(self) -> None: ...


class DeltaUpdate(CompositorUpdate):
    """An update that is turned into what differs from the shadow, at the moment Textual writes it."""

    def __init__(self, update: CompositorUpdate, shadow: Shadow) -> None:
        self._update = update
        self._shadow = shadow
        self.text = ""

    def render_segments(self, console: Console) -> str:
        self.text = self._shadow.render(self._update, console)
        return self.text


class PaintGate:
    """Stands between the compositor and the driver of one app. Everything runs on the UI thread but `forget`."""

    def __init__(self, app: App[Any], output: Output) -> None:
        self._app = app
        self._output = output
        self._stock_display = display_of(app)
        self._shadow = Shadow()
        self._cursor: object = None

    def display(self, screen: Screen[Any], renderable: object) -> None:
        """Takes the place of `App._display`."""
        if not isinstance(renderable, (ChopsUpdate, LayoutUpdate)):
            self._stock_display(screen, renderable)
            return
        if self._output.has_pending:
            # The compositor has taken these regions off its list; what is painted later is the newest state.
            dirty = dirty_regions_of(screen)
            dirty.update(regions_of(renderable))
            if len(dirty) > _MOST_REGIONS:
                dirty.clear()
                dirty.add(compositor_of(screen).size.region)
            self._stock_display(screen, None)
            return
        update = DeltaUpdate(renderable, self._shadow)
        self._output.begin_frame()
        try:
            self._stock_display(screen, update)
        finally:
            cursor = self._app.cursor_position
            self._output.end_frame(bool(update.text) or cursor != self._cursor)
            self._cursor = cursor
        if update.text:
            self._output.painted()

    def reopen(self) -> None:
        """Paints what was held back; called when the terminal has taken everything."""
        if self._output.has_pending or not self._app.screen_stack:
            return
        screen = self._app.screen
        region = compositor_of(screen).size.region
        dirty = dirty_regions_of(screen)
        if self._output.take_loss():
            self._shadow.forget()
            dirty.add(region)
        elif not all(region.contains_region(part) for part in dirty):
            # The terminal became smaller meanwhile.
            dirty.add(region)
        _paint_now(screen)

    def forget(self) -> None:
        """Says that the terminal may show anything: after a resize, a suspension, another program's output."""
        self._shadow.forget()

    def redraw(self) -> None:
        """Paints the whole screen anew."""
        self.forget()
        if self._app.screen_stack:
            screen = self._app.screen
            dirty_regions_of(screen).add(compositor_of(screen).size.region)
            _paint_now(screen)


def _paint_now(screen: Screen[Any]) -> None:
    """Paints what is dirty without waiting for the screen's timer.

    Textual's refresh ends by forgetting which widgets had asked for it, since the timer has just asked each of
    them for its regions. Without that step here their change was never painted: a log laid out anew kept its old
    rows until the focus moved. With a new layout due, places are the old ones and sizes may be the new: then the
    timer paints.
    """
    if is_layout_due(screen):
        return
    compositor_of(screen).update_widgets(dirty_widgets_of(screen))
    repaint_of(screen)()


def regions_of(update: ChopsUpdate | LayoutUpdate) -> Iterable[Region]:
    """Returns the regions that an update would have painted."""
    if isinstance(update, LayoutUpdate):
        return [update.region]
    return [Region(x1, y, x2 - x1, 1) for y, x1, x2 in update.spans]
