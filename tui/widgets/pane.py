"""What every pane is: rows that are drawn once, and again only when what they show has changed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, ClassVar

from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui import formatting
from tui.desk.frame import Frame, VenueView
from tui.widgets.cells import Span, strip_of, title
from tui.widgets.palette import Palette
from venues.events import LinkState
from venues.model import NANOSECONDS, InstrumentId


class Pane(Widget):
    """A widget of rows.

    A subclass takes its views in `take`, says in `lay_out` what each row shows, as a value that is compared, and
    turns such a value into text in `draw`. A row whose value is what it was is neither drawn nor sent again.
    """

    ALLOW_SELECT = False
    empty_title: ClassVar[str] = ""
    """What stands in the border before there is anything to show."""

    DEFAULT_CSS = """
    Pane { width: 1fr; height: 1fr; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self.now = 0
        self.shows_local_time = False
        self._row_keys: list[Hashable] = []
        self._row_strips: list[Strip | None] = []
        self._row_width = 0
        self._pane_palette: Palette | None = None
        self._pane_style: Style | None = None
        self._pane_title = ""

    def take(self, frame: Frame) -> None:
        """Takes the views of `frame` that concern this pane, and redraws the rows that they change."""
        self.tick(frame.ts)

    def tick(self, now: int) -> None:
        """Says what time it is (nanoseconds, the engine's clock), so that ages run on without news."""
        self.now = max(self.now, now)
        self.redraw()

    def lay_out(self) -> Sequence[Hashable]:
        """Returns for each row, top to bottom, the value that decides its look. None is a blank row."""
        raise NotImplementedError

    def draw(self, key: Hashable) -> Iterable[Span]:
        """Returns the text of the row that has this value."""
        raise NotImplementedError

    @property
    def row_style(self) -> Style:
        """The style that rows are drawn on. Textual works it out from all ancestors, each time it is asked."""
        if self._pane_style is None:
            self._pane_style = self.rich_style
        return self._pane_style

    def is_cursor_row(self, key: Hashable) -> bool:
        """Says whether the row with this value is drawn on the cursor's background: its `is_cursor`, if any."""
        return bool(getattr(key, "is_cursor", False))

    @property
    def palette(self) -> Palette:
        if self._pane_palette is None:
            palette = Palette.of(self.app.theme_variables)
            self._pane_palette = palette.without_colour() if self.app.no_color else palette
        return self._pane_palette

    def show_local_time(self, is_local: bool) -> None:
        """Shows times by this machine's clock instead of UTC; the heading of the column says which."""
        self.shows_local_time = is_local
        self.redraw_all()

    def time_of_day(self, ts: int, *, milliseconds: bool = True) -> str:
        """Returns a moment (nanoseconds UTC) by the clock that the trader wants."""
        return formatting.time_of_day(ts, milliseconds=milliseconds, is_local=self.shows_local_time)

    def redraw(self) -> None:
        """Compares what each row should show with what it shows, and repaints those that differ."""
        width, height = self.size
        if not width or not height or not self.is_attached:
            return
        if self.lay_out_anew():
            self.refresh()
            return
        keys = self._keys_of_rows(height)
        changed = [y for y in range(height) if keys[y] != self._row_keys[y]]
        if not changed:
            return
        self._row_keys = keys
        for y in changed:
            self._row_strips[y] = None
        self.refresh(*(Region(0, y, width, 1) for y in changed))

    def _keys_of_rows(self, height: int) -> list[Hashable]:
        keys = list(self.lay_out())[:height]
        return keys + [None] * (height - len(keys))

    def lay_out_anew(self) -> bool:
        """Lays the rows out for the pane's size where they are of another, or not there; says whether it did."""
        width, height = self.size
        if not width or not height or (len(self._row_keys) == height and self._row_width == width):
            return False
        self._row_keys = self._keys_of_rows(height)
        self._row_strips = [None] * height
        self._row_width = width
        return True

    def redraw_all(self) -> None:
        """Draws every row again: after a change that the rows' values do not show (a theme, the focus)."""
        # Both, since a pane that has no size yet comes back from `redraw` at once.
        self._row_keys, self._row_strips = [], []
        self.redraw()

    def render_lines(self, crop: Region) -> list[Strip]:
        # The first paint at a size comes before the message that tells of it: rows of the old size would be seen.
        self.lay_out_anew()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Returns the row's strip, which is made when it is first asked for."""
        if not self._row_strips:
            self.lay_out_anew()
        if not 0 <= y < len(self._row_strips):
            return Strip.blank(self.size.width, self.row_style)
        strip = self._row_strips[y]
        if strip is None:
            key = self._row_keys[y]
            row = self.palette.cursor if self.is_cursor_row(key) else None
            spans = () if key is None else self.draw(key)
            strip = self._row_strips[y] = strip_of(spans, self._row_width, self.row_style, row)
        return strip

    def set_pane_title(self, *parts: str) -> None:
        """Sets the border's title; the border repaints only if it reads differently."""
        text = "".join(parts)
        if text != self._pane_title:
            self._pane_title = text
            self.border_title = title(text)

    def on_mount(self) -> None:
        if self.empty_title and not self._pane_title:
            self.set_pane_title(self.empty_title)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._pane_palette = self._pane_style = None
        self.redraw_all()

    def on_resize(self, event: events.Resize) -> None:
        event.stop()
        self.redraw()


def silent_venues(venues: Iterable[VenueView]) -> frozenset[str]:
    """Returns the venues whose prices are not of now: nothing comes from them, or they are being reached."""
    return frozenset(view.venue for view in venues if view.state not in {LinkState.LIVE, LinkState.ENDED})


class InstrumentPane(Pane):
    """A pane of the shown instrument: whatever it holds of another one is dropped when the desk moves on."""

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._shown: InstrumentId | None = None
        self._venues: tuple[VenueView, ...] = ()

    def take(self, frame: Frame) -> None:
        if frame.venues is not None:
            self._venues = frame.venues
        if frame.desk is not None:
            shown = frame.desk.shown.id if frame.desk.shown is not None else None
            if shown != self._shown:
                self._shown = shown
                self.forget()
        self.absorb(frame)
        super().take(frame)

    def absorb(self, frame: Frame) -> None:
        """Keeps the views of `frame` that belong here; the redraw follows, once."""
        raise NotImplementedError

    def forget(self) -> None:
        """Drops what belongs to the instrument that was shown before."""
        raise NotImplementedError

    def link(self) -> VenueView | None:
        """The connection that the shown instrument's data come by, if the desk has told of it."""
        if self._shown is None:
            return None
        return next((view for view in self._venues if view.venue == self._shown.venue), None)

    def link_remark(self) -> str:
        """Says what is wrong with the data that stand here: " · stale 12 s", " · reconnecting", or nothing."""
        view = self.link()
        if view is None or view.state in {LinkState.LIVE, LinkState.ENDED}:
            return ""
        silent = max(0, self.now - view.ts_last_data) // NANOSECONDS
        return f" · {view.state.value}" + (f" {silent} s" if view.ts_last_data else "")

    def is_shown(self, instrument: InstrumentId) -> bool:
        """Says whether views of `instrument` belong here; until the desk has said what it shows, any do."""
        return self._shown is None or instrument == self._shown
