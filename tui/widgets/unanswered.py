"""The commands of which nobody knows what became, what is being done about each, and what the desk noticed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.style import Style

from tui import formatting
from tui.desk.frame import RecoveryRow
from tui.widgets.cells import Span, crop, plain, width_of, wrapped
from tui.widgets.pane import Pane
from venues.model import NANOSECONDS

Name = tuple[str, str, int]
"""What names a row for as long as it lives: venue, order key, moment of sending."""

_WIDE = 60  # cells from which on a row says its state at the right edge, and venue and doing in one line
_DAY = 86_400 * NANOSECONDS
_LONGEST_VENUE = 10  # cells
_INDENT = 4


class Unanswered(Pane, can_focus=True):
    """Rows of two to five lines, with a cursor that keeps its row; when that has gone, nothing is selected."""

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._rows: tuple[RecoveryRow, ...] = ()
        self._notices: tuple[str, ...] = ()
        self._place = 0
        self._row_name: Name | None = None
        self._top = 0

    def show(self, rows: Sequence[RecoveryRow], notices: Sequence[str], now: int) -> None:
        """Shows these rows and remarks at `now` (nanoseconds, the engine's clock)."""
        self._rows, self._notices = tuple(rows), tuple(notices)
        names = [name_of(row) for row in self._rows]
        if self._row_name is None and names and self._place < len(names):
            self._row_name = names[self._place]
        elif self._row_name in names and names[self._place : self._place + 1] != [self._row_name]:
            self._place = names.index(self._row_name)
        self._place = max(0, min(self._place, self._count - 1))
        self.tick(now)

    @property
    def selected(self) -> RecoveryRow | None:
        """The row under the cursor; None on a remark, or where the row has gone, until the cursor is moved."""
        if self._place < len(self._rows) and name_of(self._rows[self._place]) == self._row_name:
            return self._rows[self._place]
        return None

    @property
    def _count(self) -> int:
        return len(self._rows) + len(self._notices)

    def move(self, by: int) -> None:
        """Moves the cursor by rows; through one that is taller than the pane it goes by its lines."""
        if not self._count:
            return
        blocks, height = self._blocks(), max(1, self.size.height)
        first, last = _span(blocks, self._place)
        if by > 0 and last > self._top + height:
            self._top = min(last - height, self._top + max(1, height - 1))
        elif by < 0 and first < self._top:
            self._top = max(first, self._top - max(1, height - 1))
        else:
            self._place = max(0, min(self._count - 1, self._place + by))
            self._row_name = name_of(self._rows[self._place]) if self._place < len(self._rows) else ("", "", -1)
            self._bring_in(_span(self._blocks(), self._place), height, by)
        self.redraw()

    def _bring_in(self, span: tuple[int, int], height: int, by: int) -> None:
        first, last = span
        if last - first > height:
            self._top = first if by >= 0 else last - height
        else:
            self._top = min(first, max(self._top, last - height))

    @property
    def _text_room(self) -> int:
        return max(8, self.size.width - _INDENT - 1)

    def lay_out(self) -> Sequence[Hashable]:
        blocks, height = self._blocks(), max(1, self.size.height)
        lines = [line for block in blocks for line in block]
        first, last = _span(blocks, self._place)
        # The row under the cursor stays in sight also when rows above it grow, or the terminal is made smaller.
        if last - first <= height:
            self._top = min(first, max(self._top, last - height))
        self._top = max(0, min(self._top, len(lines) - height))
        shown = lines[self._top : self._top + height]
        if self._top and shown:
            shown[0] = self._marked(shown[0], "▲")
        if self._top + height < len(lines) and shown:
            shown[-1] = self._marked(shown[-1], "▼")
        return shown

    def _marked(self, line: _Written, arrow: str) -> _Written:
        """Says at the line's end, which is left free for it, that there is more."""
        blank = " " * (self.size.width - 1 - sum(width_of(text) for text, _ in line.spans))
        return _Written((*line.spans, (blank, self.palette.text), (arrow, self.palette.strong)), line.is_cursor)

    def draw(self, key: Hashable) -> Iterable[Span]:
        return key.spans if isinstance(key, _Written) else ()

    def _blocks(self) -> list[list[_Written]]:
        """Returns the lines of each row and remark; a blank one between them where there is room for all."""
        blocks = [self._lines_of(row, index == self._place) for index, row in enumerate(self._rows)]
        for number, notice in enumerate(self._notices):
            is_cursor = len(self._rows) + number == self._place
            palette = self.palette
            blocks.append(self._written("!", palette.warning, [[(notice, palette.text)]], is_cursor))
        spare = max(1, self.size.height) - sum(map(len, blocks))
        if spare >= len(blocks) - 1:
            for block in blocks[:-1]:
                block.append(_Written(()))
        return blocks

    def _lines_of(self, row: RecoveryRow, is_cursor: bool) -> list[_Written]:
        palette = self.palette
        if row.is_settled:
            mark, colour, age = "✓", palette.good, "settled"
        else:
            mark, colour, age = "?", palette.alarm, f"UNKNOWN {formatting.age(self.now - row.ts_sent)}"
        text, room = plain(row.text), self._text_room
        clock = "local" if self.shows_local_time else "UTC"
        venue, sent = crop(plain(row.venue), _LONGEST_VENUE), f"{self._moment(row.ts_sent)} {clock}"
        if self.size.width >= _WIDE:
            first = [(text, palette.strong)]
            if (blank := room - width_of(text) - width_of(age)) >= 2:
                first.append((" " * blank, palette.text))
            else:
                first.append(("  ", palette.text))
            paragraphs = [
                [*first, (age, colour)],
                [(f"{venue} · sent {sent} · ", palette.muted), (row.state, palette.text)],
            ]
        else:
            paragraphs = [
                [(text, palette.strong)],
                [(f"{venue} {sent}  ", palette.muted), (age, colour)],
                [(row.state, palette.text)],
            ]
        if not row.is_settled and row.key:
            paragraphs.append(self._proof(row.ts_provable))
        return self._written(mark, colour, paragraphs, is_cursor)

    def _proof(self, at: int | None) -> list[Span]:
        palette = self.palette
        if at is None:
            return [("no moment of proof is known: d when you have looked there", palette.warning)]
        if at <= self.now:
            return [("provable now: the venue's next answer settles it", palette.warning)]
        clock = "local" if self.shows_local_time else "UTC"
        return [
            ("provable in ", palette.muted),
            (formatting.countdown(at - self.now + NANOSECONDS - 1), palette.warning),
            (f" at the latest, {self._moment(at)} {clock}", palette.muted),
        ]

    def _moment(self, ts: int) -> str:
        """Returns a time of day; of another day with the date, for which the seconds give way."""
        words = self.time_of_day(ts, milliseconds=False)
        return words if abs(self.now - ts) < _DAY else f"{formatting.date(ts)} {words[:5]}"

    def _written(
        self, mark: str, colour: Style, paragraphs: Sequence[Sequence[Span]], is_cursor: bool
    ) -> list[_Written]:
        lines: list[_Written] = []
        for paragraph in paragraphs:
            for spans in wrapped(paragraph, self._text_room):
                marker = "▶ " if self.selected is not None or self._place >= len(self._rows) else "▷ "
                head: list[Span] = [(marker if is_cursor and not lines else "  ", self.palette.strong)]
                head.append((f"{mark} " if not lines else "  ", colour))
                lines.append(_Written((*head, *spans), is_cursor))
        return lines


@dataclass(frozen=True, slots=True)
class _Written:
    """A line as it stands."""

    spans: tuple[Span, ...]
    is_cursor: bool = False


def name_of(row: RecoveryRow) -> Name:
    return (row.venue, row.key, row.ts_sent)


def _span(blocks: Sequence[Sequence[object]], place: int) -> tuple[int, int]:
    """Returns the first line of a block, and the one behind its last."""
    first = sum(map(len, blocks[:place]))
    return first, first + (len(blocks[place]) if place < len(blocks) else 0)
