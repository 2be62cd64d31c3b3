"""Candles in characters: two half cells to a row, a price axis that stands still, and the volume below."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from rich.style import Style

from tui import formatting
from tui.desk.frame import BarsView, Frame
from tui.widgets.cells import Span, fit
from tui.widgets.pane import InstrumentPane
from venues.model import NANOSECONDS, Bar

_VOLUMES = " ▁▂▃▄▅▆▇█"
# (upper half, lower half) of a cell, each 0 nothing, 1 wick, 2 body
_GLYPHS = {
    (0, 0): " ", (1, 1): "│", (2, 2): "┃", (0, 1): "╷", (1, 0): "╵", (0, 2): "╻", (2, 0): "╹", (1, 2): "╽",
    (2, 1): "╿",
}  # fmt: skip
# A rising body is hollow and a falling one solid, a block where there is no colour at all: colour alone never
# says which way it went. A hollow body too short for a whole cell is drawn by its edge.
_HOLLOW = {**_GLYPHS, (2, 2): "║"}
_SHORT = {**_GLYPHS, (0, 2): "╥", (1, 2): "╥", (2, 0): "╨", (2, 1): "╨"}
_SOLID = {**_GLYPHS, (2, 2): "█", (0, 2): "▄", (1, 2): "▄", (2, 0): "▀", (2, 1): "▀"}
_LEADS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_ROWS_PER_LABEL = 4
_ROOM_FOR_AXIS = 24
_ROOM_FOR_VOLUME = 6
_ROOM_FOR_TIMES = 10
_DAY = 86_400
_TIME_STEPS = (60, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, _DAY, 7 * _DAY, 28 * _DAY)  # seconds
_LABEL_PITCH = 10  # columns from one time to the next, at least
_FULLEST, _EMPTIEST = 1.0, 0.45


class Candles(InstrumentPane, can_focus=True):
    """The shown instrument's candles, the forming one at the right edge, with the last price on the axis."""

    empty_title: ClassVar[str] = "candles"

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._bars: BarsView | None = None
        self._offset = 0
        self._range: tuple[Decimal, Decimal] | None = None
        self._wide = False

    @property
    def interval(self) -> int | None:
        """The length of a candle in seconds; None while there are none."""
        return self._bars.interval if self._bars is not None else None

    def absorb(self, frame: Frame) -> None:
        view = frame.bars
        if view is None or not self.is_shown(view.instrument.id):
            return
        old = self._bars
        if old is None or (old.instrument.id, old.interval) != (view.instrument.id, view.interval):
            self.forget()
        self._bars = view

    def tick(self, now: int) -> None:
        super().tick(now)
        self._retitle()

    def forget(self) -> None:
        self._bars = None
        self._offset = 0
        self._range = None

    def move_cursor(self, delta: int) -> None:
        """Scrolls into the past (+) or back towards now (-), in candles."""
        if self._bars is not None:
            self._offset = max(0, min(len(self._bars.bars) - 1, self._offset + delta))
            self._range = None
            self.redraw()

    def page(self, pages: int) -> None:
        self.move_cursor(pages * max(1, self.size.width // 2))

    def recentre(self) -> None:
        """Goes back to the forming candle, and fits the axis to what is in view."""
        self._offset = 0
        self._range = None
        self.redraw()

    def toggle_width(self) -> None:
        """Sets the candles apart by a blank column, or side by side."""
        self._wide = not self._wide
        self.redraw()

    def _retitle(self) -> None:
        if self._bars is not None:
            self.set_pane_title(f"candles {formatting.bar_interval(self._bars.interval)}{self.link_remark()}")

    def lay_out(self) -> Sequence[Hashable]:
        width, height = self.size
        view = self._bars
        if view is None or not view.bars:
            return [_Line("", " ", " no candles yet", ())]
        decimals = view.instrument.price_decimals
        label_width = max(len(formatting.grouped(bar.high, decimals)) for bar in view.bars[-1:])
        has_axis = width >= _ROOM_FOR_AXIS
        gutter = label_width + 3 if has_axis else 0
        pitch = 2 if self._wide else 1
        columns = max(1, (width - gutter) // pitch)
        end = len(view.bars) - self._offset
        bars = view.bars[max(0, end - columns) : end]
        has_times = has_axis and height >= _ROOM_FOR_TIMES
        rows = height - (height >= _ROOM_FOR_VOLUME) - has_times
        low, high = self._fit_range(bars, rows)
        grid = _Grid(low, high, rows)
        falling = _SOLID if self.app.no_color else _GLYPHS
        drawn = [grid.column(bar, falling if bar.close < bar.open else None) for bar in bars]
        rising = tuple(bar.close >= bar.open for bar in bars)
        labels = grid.labels()
        last = view.bars[-1]
        last_row = grid.row_of(last.close)
        blank = " " * (columns * pitch - len(bars) * pitch)
        lines: list[Hashable] = []
        for row in range(rows):
            glyphs = (" " * (pitch - 1)).join(column[row] for column in drawn)
            label, tick = "", "│" if has_axis else ""
            if has_axis and row in labels:
                label, tick = formatting.grouped(labels[row], decimals), "┤"
            if has_axis and row == last_row:
                label, tick = formatting.grouped(last.close, decimals), "◂" + "▲▼"[last.close < last.open]
            shown = tuple(up for up, column in zip(rising, drawn, strict=True) if column[row] != " ")
            lines.append(_Line(fit(label, label_width, "right") if has_axis else "", tick, blank + glyphs, shown))
        if height >= _ROOM_FOR_VOLUME:
            top = max((bar.volume for bar in bars), default=Decimal(0)) or Decimal(1)
            marks = (" " * (pitch - 1)).join(_VOLUMES[_share(bar.volume, top)] for bar in bars)
            shown = tuple(up for up, bar in zip(rising, bars, strict=True) if _share(bar.volume, top))
            label = fit("vol", label_width, "right") if has_axis else ""
            lines.append(_Line(label, "│" if has_axis else "", blank + marks, shown, is_volume=True))
        if has_times:
            clock = fit("local" if self.shows_local_time else "UTC", label_width, "right")
            lines.append(_Times(clock, blank + self._times(bars, view.interval, pitch)))
        return lines

    def _times(self, bars: Sequence[Bar], interval: int, pitch: int) -> str:
        """Returns the round times below their candles, as many as do not crowd each other."""
        step = next((s for s in _TIME_STEPS if s * pitch >= interval * _LABEL_PITCH), _TIME_STEPS[-1])
        text = ""
        for index, bar in enumerate(bars):
            if bar.ts_open // NANOSECONDS % step == 0 and index * pitch >= len(text):
                label = formatting.date(bar.ts_open) if step >= _DAY else self.time_of_day(bar.ts_open)[:5]
                if index * pitch + len(label) <= len(bars) * pitch:
                    text = text.ljust(index * pitch) + label + " "
        return text.rstrip()

    def _fit_range(self, bars: Sequence[Bar], rows: int) -> tuple[Decimal, Decimal]:
        """Returns the axis' lowest and highest price; the one that stands stays while the candles fill it well."""
        low, high = min(bar.low for bar in bars), max(bar.high for bar in bars)
        if self._range is not None:
            bottom, top = self._range
            if bottom <= low and high <= top and float((high - low) / (top - bottom)) >= _EMPTIEST:
                return self._range
        span = max(high - low, self._bars.instrument.tick_size * rows if self._bars is not None else Decimal(1))
        step = _nice(span / max(1, rows // _ROWS_PER_LABEL))
        # Whole fractions of a label's step, so that the axis moves seldom and by little.
        grain = step / 4
        bottom = (low / grain).to_integral_value("ROUND_FLOOR") * grain
        top = (high / grain).to_integral_value("ROUND_CEILING") * grain
        self._range = (bottom, max(top, bottom + grain))
        return self._range

    def draw(self, key: Hashable) -> Iterable[Span]:
        palette = self.palette
        if isinstance(key, _Times):
            return [(f"{key.clock}   ", palette.faint), (key.text, palette.muted)]
        if not isinstance(key, _Line):
            return ()
        is_last = key.tick.startswith("◂")
        spans: list[Span] = []
        if key.tick.strip():
            strong = palette.own if is_last else palette.muted
            spans.append((key.label, strong))
            tick = key.tick if is_last else " " + key.tick
            spans.append((tick, strong if is_last else palette.faint))
            spans.append((" ", palette.text))
        if not key.rising and key.text.strip():
            return [*spans, (key.text, palette.muted)]
        up, down = (palette.buy_depth, palette.sell_depth) if key.is_volume else (palette.buy, palette.sell)
        spans.extend(_coloured(key.text, key.rising, up, down))
        return spans


@dataclass(frozen=True, slots=True)
class _Line:
    """`rising` has one entry for each character of `text` that is not blank."""

    label: str
    tick: str
    text: str
    rising: tuple[bool, ...]
    is_volume: bool = False


@dataclass(frozen=True, slots=True)
class _Times:
    clock: str
    text: str


def _coloured(text: str, rising: Iterable[bool], up: Style, down: Style) -> list[Span]:
    """Cuts `text` into runs of one colour; blanks go with whatever is before them."""
    spans: list[Span] = []
    run, style = "", up
    colours = iter(rising)
    for character in text:
        if character != " ":
            wanted = up if next(colours, True) else down
            if wanted is not style:
                if run:
                    spans.append((run, style))
                run, style = "", wanted
        run += character
    if run:
        spans.append((run, style))
    return spans


class _Grid:
    """Maps prices to half cells, row 0 on top. Floats: this only draws."""

    def __init__(self, low: Decimal, high: Decimal, rows: int) -> None:
        self.low, self.high, self.rows = low, high, rows
        self._bottom = float(low)
        self._scale = rows * 2 / float(high - low)

    def half(self, level: Decimal) -> int:
        """Which half cell a level lies in, counted from the bottom."""
        return max(0, min(self.rows * 2 - 1, int((float(level) - self._bottom) * self._scale)))

    def row_of(self, level: Decimal) -> int:
        return self.rows - 1 - self.half(level) // 2 if self.low <= level <= self.high else -1

    def column(self, bar: Bar, glyphs: Mapping[tuple[int, int], str] | None) -> list[str]:
        """Returns a candle's cells, top to bottom; None for the glyphs of a hollow body."""
        halves = [0] * (self.rows * 2)
        for at in range(self.half(bar.low), self.half(bar.high) + 1):
            halves[at] = 1
        for at in range(self.half(min(bar.open, bar.close)), self.half(max(bar.open, bar.close)) + 1):
            halves[at] = 2
        cells = [(halves[at * 2 + 1], halves[at * 2]) for at in range(self.rows - 1, -1, -1)]
        if glyphs is None:
            glyphs = _HOLLOW if (2, 2) in cells else _SHORT
        return [glyphs[cell] for cell in cells]

    def labels(self) -> dict[int, Decimal]:
        """Returns round prices by the row that they are written on."""
        step = _nice((self.high - self.low) / max(1, self.rows // _ROWS_PER_LABEL))
        level = (self.low / step).to_integral_value("ROUND_CEILING") * step
        found = {}
        while level <= self.high:
            found[self.row_of(level)] = level
            level += step
        return found


def _nice(span: Decimal) -> Decimal:
    """Returns the round step (1, 2, 2.5 or 5 times a power of ten) that is not below `span`."""
    power = Decimal(1).scaleb(span.adjusted())
    return next(power * lead for lead in _LEADS if power * lead >= span)


def _share(volume: Decimal, top: Decimal) -> int:
    """The volume in eighths of a cell; some volume is at least one."""
    return 0 if volume <= 0 else max(1, min(8, round(float(volume / top) * 8)))
