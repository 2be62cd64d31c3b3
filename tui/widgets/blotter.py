"""A table of rows that change in place: columns are data, and the cursor stays with its row."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast

from rich.style import Style
from textual.geometry import Size

from tui.desk.frame import Frame
from tui.widgets.cells import Span, crop, fit, plain, width_of, wrapped
from tui.widgets.pane import Pane
from venues.model import Instrument
from venues.port import Mode

R = TypeVar("R")
"""What a row is made of."""

_WIDEST_GAP = 4
_ROOM_FOR_NAMES = 50  # cells below which a market goes by a short name where its venue stands beside it
_SHORT_NAME = 8
_ROOM_FOR_GAPS = 90  # cells below which columns stand closer, before one of them makes way for the venue
_SHORTEST_VENUE, _LONGEST_VENUE = 5, 10
MARGIN_MARK = "M"  # beside what a row is of, where it stands in a venue's margin wallet
_SUBJECTS = frozenset({"instrument", "name", "currency"})  # the columns that say what a row is of


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Where there is no room, the largest `rank` goes first; rank 0 stays.

    `decimal` puts the points of all rows below each other. `width` is the least; a column grows with what it
    holds up to `widest` and never shrinks, so that nothing beside it jumps.
    """

    name: str
    heading: str
    width: int
    rank: int = 0
    align: Literal["left", "right", "decimal"] = "left"
    widest: int = 24
    stretches: bool = False  # it stands last, asks for `width` only, and takes what is left


class Blotter(Pane, Generic[R], can_focus=True):
    """A table with a heading, a cursor and a scroll offset.

    The cursor keeps its row while rows come and go around it. When its row goes, nothing is selected until the
    cursor is moved: a key meant for an order that was just filled must not hit the one that took its place.
    """

    columns: ClassVar[tuple[Column, ...]] = ()
    empty: ClassVar[str] = "nothing here"
    is_of_account: ClassVar[bool] = False
    """Whether its rows are an account's: without any it says so where that could not be read."""
    least_gap: ClassVar[int] = 2
    """Blank cells between columns before one of them is dropped."""
    stays_on_top: ClassVar[bool] = False
    """Whether a cursor on the first row stays there when newer rows come, instead of keeping its row."""
    unfolds_selected: ClassVar[bool] = False
    """Whether the row under the cursor takes as many lines as its last column needs, instead of being cut."""

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._blotter_rows: Sequence[R] = ()
        self._cursor_key: Hashable = None
        self._cursor_index = 0
        self._offset = 0
        self._grown: dict[str, int] = {}
        self._grown_at: Size | None = None  # the size of the pane at which the columns grew
        self._names_venues = False
        self._refused: frozenset[str] = frozenset()  # venues that take no orders, though there is a key
        self._read: frozenset[str] = frozenset()  # venues of whose account something is known

    def take(self, frame: Frame) -> None:
        if frame.venues is not None:
            self._names_venues = len(frame.venues) > 1
            refused = (view for view in frame.venues if view.fault and view.mode is not Mode.READ_ONLY)
            self._refused = frozenset(view.venue for view in refused)
        if frame.balances is not None:
            self._read = frozenset(view.venue for view in frame.balances)
        super().take(frame)

    def _words_when_empty(self) -> str:
        unread = sorted(self._refused - self._read) if self.is_of_account else []
        return f"{self.empty} known: the account at {' and '.join(unread)} was not read" if unread else self.empty

    def lay_out_anew(self) -> bool:
        if self._grown_at != self.size:
            self._grown_at = self.size
            self._grown.clear()
        return super().lay_out_anew()

    @property
    def columns_now(self) -> tuple[Column, ...]:
        """The columns as they stand now. With more than one venue open, a row's venue stands beside what it is of,
        and does not give way: two venues may list the same market.
        """
        venue = next((column for column in self.columns if column.name == "venue"), None)
        if venue is None or not self._names_venues:
            return self.columns
        ordered: list[Column] = []
        subject = next((column for column in self.columns if column.name in _SUBJECTS), None)
        for column in self.columns:
            if column is subject:
                if self.is_short_of_room and column.name != "currency":
                    column = replace(column, width=_SHORT_NAME, heading="market")
                ordered += [column, replace(venue, rank=0, width=_SHORTEST_VENUE, widest=_LONGEST_VENUE)]
            elif column is not venue:
                ordered.append(column)
        return tuple(ordered)

    @property
    def is_short_of_room(self) -> bool:
        """Whether a market's name and its venue's would take the room of the numbers."""
        return self._names_venues and self.size.width < _ROOM_FOR_NAMES

    def market_name(self, instrument: Instrument, *, in_margin_wallet: bool = False) -> str:
        """Returns an instrument's name, marked where the row stands in a margin wallet; where it is narrow a
        perpetual goes by its base.
        """
        if self.is_short_of_room and instrument.is_perpetual:
            return f"{instrument.base} perp"
        return f"{instrument.name} {MARGIN_MARK}" if in_margin_wallet else instrument.name

    def key_of(self, row: R) -> Hashable:
        """Returns what names a row for as long as it lives."""
        raise NotImplementedError

    def cells_of(self, row: R) -> Mapping[str, Span]:
        """Returns a row's text by column name, styled."""
        raise NotImplementedError

    def folded(self, texts: Sequence[Mapping[str, Span]], shown: Set[str]) -> Sequence[Mapping[str, Span]] | None:
        """Returns the rows' texts with what had to go put elsewhere, given the columns that are shown; None where
        nothing has to be.
        """
        del texts, shown
        return None

    @property
    def rows(self) -> Sequence[R]:
        return self._blotter_rows

    @property
    def selected(self) -> R | None:
        """The row under the cursor, or None: there is none, or the one that it was on has gone."""
        if 0 <= self._cursor_index < len(self._blotter_rows):
            row = self._blotter_rows[self._cursor_index]
            if self._cursor_key is None or self.key_of(row) == self._cursor_key:
                return row
        return None

    def heading_of(self, column: Column) -> str:
        """Returns what stands over a column: of a time, by which clock."""
        return "time local" if column.name == "time" and self.shows_local_time else column.heading

    def set_rows(self, rows: Sequence[R]) -> None:
        """Replaces the rows; the cursor goes where its row went. The caller redraws."""
        if self._cursor_key is None and self._blotter_rows and (row := self.selected) is not None:
            self._cursor_key = self.key_of(row)
        self._blotter_rows = rows
        if self.stays_on_top and self._cursor_index == 0:
            self._cursor_key = self.key_of(rows[0]) if rows else None
            return
        for index, row in enumerate(rows):
            if self.key_of(row) == self._cursor_key:
                # The offset follows, so that the row stays where the eye is; from the top it need not.
                if self._offset:
                    self._offset += index - self._cursor_index
                self._cursor_index = index
                return
        if not rows:
            self._cursor_key = None
        self._cursor_index = max(0, min(self._cursor_index, len(rows) - 1))

    def move_cursor(self, delta: int) -> None:
        """Moves the cursor down by `delta` rows, or up if it is negative; it stops at the ends."""
        if not self._blotter_rows:
            return
        last = len(self._blotter_rows) - 1
        # From a row that has gone the first step lands on the row that took its place.
        stray = self.selected is None
        target = self._cursor_index + (0 if stray and delta > 0 else delta)
        self._cursor_index = max(0, min(last, target))
        self._cursor_key = self.key_of(self._blotter_rows[self._cursor_index])
        self.redraw()

    def page(self, pages: int) -> None:
        """Moves the cursor by screenfuls."""
        self.move_cursor(pages * max(1, self._body_height(self.size.height) - 1))

    def move_to(self, index: int) -> None:
        """Puts the cursor on a row by its number; negative ones count from the end."""
        if self._blotter_rows:
            count = len(self._blotter_rows)
            self._cursor_index = max(0, min(count - 1, index if index >= 0 else count + index))
            self._cursor_key = self.key_of(self._blotter_rows[self._cursor_index])
            self.redraw()

    def _body_height(self, height: int) -> int:
        """Below three rows the heading gives way."""
        return height - 1 if height >= 3 else max(1, height)

    def lay_out(self) -> Sequence[Hashable]:
        width, height = self.size
        rows = self._blotter_rows
        if not rows:
            return [_Note(self._words_when_empty())]
        body = self._body_height(height)
        self._scroll_to_cursor(body)
        visible = rows[self._offset : self._offset + body]
        table = [self.cells_of(row) for row in visible]
        texts: Sequence[Mapping[str, Span]] = [
            {name: (plain(text), style) for name, (text, style) in cells.items()} for cells in table
        ]
        # One cell for the cursor, and one for the thumb if there is one.
        room = width - 1 - (len(rows) > body)
        shown = self._arrange(texts, room)
        if (folded := self.folded(texts, {column.name for column, _, _ in shown})) is not None:
            texts = folded
            shown = self._arrange(texts, room)
        lines: list[Hashable] = []
        if body < height:
            texts_above = ((fit_to(column, self.heading_of(column), size), gap) for column, size, gap in shown)
            lines.append(_Heading(tuple(texts_above)))
        points = {c.name: _fraction(texts, c.name) for c, _, _ in shown if c.align == "decimal"}
        thumb = _thumb(len(rows), self._offset, body)
        table_lines: list[_Line] = []
        first = 0  # of the lines that are shown
        for index, cells in enumerate(texts):
            at = index + self._offset
            marker = " "
            if at == self._cursor_index:
                marker = "▶" if self.selected is not None else "▷"
            drawn = []
            for column, size, gap in shown:
                text, style = cells.get(column.name, ("", Style.null()))
                if column.align == "decimal":
                    text += " " * max(0, points[column.name] - _after_point(text))
                drawn.append((fit_to(column, text, size), style, gap))
            line = _Line(marker, tuple(drawn), False, self.has_focus)
            if self.unfolds_selected and marker == "▶":
                place = len(table_lines)
                table_lines += _unfolded(line, cells.get(shown[-1][0].name, ("", Style.null()))[0], shown[-1][1])
                # Rows below make way for it, and rows above where it is the last.
                first = min(place, max(0, len(table_lines) - body))
            else:
                table_lines.append(line)
        for index, line in enumerate(table_lines[first : first + body]):
            lines.append(replace(line, is_thumb=True) if index in thumb else line)
        return lines

    def draw(self, key: Hashable) -> Iterable[Span]:
        palette = self.palette
        if isinstance(key, _Note):
            return [(" " + key.text, palette.muted)]
        spans: list[Span] = []
        if isinstance(key, _Heading):
            spans.append((" ", palette.muted))
            spans.extend((text + " " * gap, palette.muted) for text, gap in key.texts)
            return spans
        line = cast("_Line", key)
        spans.append((line.marker, palette.strong if line.is_focused else palette.faint))
        for text, style, gap in line.cells:
            if style.bgcolor is None:
                spans.append((text + " " * gap, style))
            else:  # a badge ends where its column does
                spans += [(text, style), (" " * gap, palette.text)]
        if line.is_thumb:
            used = sum(width_of(text) for text, _ in spans)
            spans.append((" " * (self.size.width - 1 - used) + "┃", palette.faint))
        return spans

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def _scroll_to_cursor(self, body: int) -> None:
        last = max(0, len(self._blotter_rows) - body)
        lowest = max(0, self._cursor_index - body + 1)
        self._offset = max(lowest, min(self._offset, self._cursor_index, last))

    def _arrange(self, texts: Sequence[Mapping[str, Span]], width: int) -> list[tuple[Column, int, int]]:
        """Chooses the columns that fit; returns each with its width and the gap that follows it."""
        sizes = {}
        columns = self.columns_now
        least_gap = 1 if self._names_venues and width < _ROOM_FOR_GAPS else self.least_gap
        for column in columns:
            fraction = _fraction(texts, column.name) if column.align == "decimal" else 0
            widest = max(len(plain(self.heading_of(column))), self._grown.get(column.name, 0), column.width)
            if column.stretches:
                sizes[column.name] = widest
                continue
            for cells in texts:
                text = cells.get(column.name, ("", Style.null()))[0]
                pad = max(0, fraction - _after_point(text)) if column.align == "decimal" else 0
                widest = max(widest, min(column.widest, width_of(text) + pad))
            sizes[column.name] = self._grown[column.name] = widest
        kept = list(columns)
        while len(kept) > 1 and sum(sizes[c.name] for c in kept) + least_gap * (len(kept) - 1) > width:
            kept.remove(max(reversed(kept), key=lambda column: column.rank))
        spare = width - sum(sizes[c.name] for c in kept)
        gaps = max(1, len(kept) - 1)
        widest_gap = 2 if kept[-1].stretches else _WIDEST_GAP
        gap = max(1, min(widest_gap, spare // gaps))
        arranged = [(column, sizes[column.name], gap) for column in kept]
        last, size, _ = arranged[-1]
        used = sum(s + gap for _, s, _ in arranged[:-1])
        # Rank 0 alone may be wider than the table: then the last of it is cut.
        room = max(1, width - used)
        arranged[-1] = (last, room if last.stretches else min(size, room), 0)
        return arranged


@dataclass(frozen=True, slots=True)
class _Note:
    text: str


@dataclass(frozen=True, slots=True)
class _Heading:
    texts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class _Line:
    marker: str
    cells: tuple[tuple[str, Style, int], ...]
    is_thumb: bool
    is_focused: bool

    @property
    def is_cursor(self) -> bool:
        return self.is_focused and self.marker == "▶"


def _unfolded(line: _Line, text: str, width: int) -> list[_Line]:
    """Returns a row as so many lines that `text`, which its last cell was cut from, stands there as a whole."""
    *others, (_, style, gap) = line.cells
    blank = tuple((" " * width_of(cell), Style.null(), space) for cell, _, space in others)
    pieces = ["".join(part for part, _ in spans) for spans in wrapped([(text, style)], width)]
    cells = [(fit(piece, width), style, gap) for piece in pieces]
    return [
        replace(line, cells=(*others, cells[0])),
        *(_Line(" ", (*blank, cell), False, line.is_focused) for cell in cells[1:]),
    ]


def fit_to(column: Column, text: str, width: int) -> str:
    """Returns `text` in the column's width, on its side."""
    if width_of(text) > width:
        return fit(crop(text, width), width)
    return fit(text, width, "left" if column.align == "left" else "right")


def _after_point(text: str) -> int:
    """How many cells stand from the point on: "2,371.05" has 3, "12" none."""
    point = text.rfind(".")
    return len(text) - point if point >= 0 else 0


def _fraction(texts: Iterable[Mapping[str, Span]], name: str) -> int:
    return max((_after_point(cells[name][0]) for cells in texts if name in cells), default=0)


def _thumb(count: int, offset: int, body: int) -> range:
    """The rows of the body that the scroll thumb covers; none if everything is in view."""
    if count <= body:
        return range(0)
    size = max(1, body * body // count)
    top = round(offset * (body - size) / (count - body))
    return range(top, top + size)
