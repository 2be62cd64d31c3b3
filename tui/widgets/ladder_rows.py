"""The rows of the ladder: what decides the look of each, and how it is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from rich.style import Style

from tui import formatting
from tui.widgets.cells import Span, bar, crop, fit, plain, width_of
from tui.widgets.ladder import Levels, Mark
from tui.widgets.palette import Palette
from venues.model import Instrument, Side

RULING = 6
"""Cells of the spread line that its words leave to the line itself."""

_GAP = "  "
_NARROWEST_BAR = 4
_WIDEST_BAR = 40
_ROOM_FOR_MARK = 11
_ROOMY_SIDE = 9
_LEAST = 5  # cells of a column of sizes


@dataclass(frozen=True, slots=True)
class Columns:
    """The width of each column in cells; 0 where there is no room for it. `left` holds the cursor too."""

    left: int = 0
    price: int = 0
    right: int = 0
    bar: int = 0
    cumulative: int = 0
    price_decimals: int = 0
    quantity_decimals: int = 0

    @classmethod
    def widest(cls, instrument: Instrument, levels: Levels, prices: Iterable[Decimal], older: Columns) -> Columns:
        """Returns what the rows' texts need, never less than `older` had: nothing beside a number may jump."""
        price = size = total = 0
        decimals, digits = instrument.price_decimals, instrument.quantity_decimals
        largest = largest_total = Decimal(0)
        for at in prices:
            level = levels.bids.get(at) or levels.asks.get(at)
            if level is not None:
                largest, largest_total = max(largest, level[0]), max(largest_total, level[1])
            price = price or len(formatting.grouped(at, decimals))
        size = len(formatting.grouped(largest, digits))
        total = len(formatting.grouped(largest_total, digits))
        return cls(
            left=max(size, older.left, _LEAST),
            price=max(price, older.price, 5),
            right=max(size, older.right, _LEAST),
            cumulative=max(total, older.cumulative, 5),
            price_decimals=decimals,
            quantity_decimals=digits,
        )

    def placed(self, width: int, shows_cumulative: bool) -> Columns:
        """Returns these columns in `width` cells: cumulative sizes go first, the bars get the rest."""
        if (shorter := self._rounded(width)) is not self:
            return shorter.placed(width, shows_cumulative)
        left = self.left + 2
        fixed = left + len(_GAP) + self.price + len(_GAP) + self.right
        cumulative = self.cumulative if shows_cumulative and width - fixed >= self.cumulative + 2 else 0
        spare = width - fixed - (cumulative + 2 if cumulative else 0)
        # With room for a mark beside the bars the sizes may spread out; else a mark takes the empty side.
        widen = max(0, min(_ROOMY_SIDE + 2 - left, spare - _ROOM_FOR_MARK - 1))
        left, spare = left + widen, spare - widen
        bars = min(_WIDEST_BAR, spare - 1)
        if bars < _NARROWEST_BAR:
            # Without bars a bid's mark stands among the asks: it gets the room first.
            right, bars = self.right + max(0, min(spare, _ROOMY_SIDE - self.right)), 0
            left += max(0, spare - (right - self.right))
        else:
            right, left = self.right, left + max(0, spare - 1 - bars)
        return Columns(left, self.price, right, bars, cumulative, self.price_decimals, self.quantity_decimals)

    def _rounded(self, width: int) -> Columns:
        """Returns these columns with as many decimals of the sizes less as the width asks for.

        A number that is cut is read as another one.
        """
        missing = self.left + 2 + len(_GAP) + self.price + len(_GAP) + self.right - width
        spared = min(self.quantity_decimals, -(-missing // 2))
        if spared <= 0:
            return self
        # Without decimals the point goes too.
        cells = spared + (spared == self.quantity_decimals)
        return replace(
            self,
            left=max(_LEAST, self.left - cells),
            right=max(_LEAST, self.right - cells),
            quantity_decimals=self.quantity_decimals - spared,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One price. `filled` is the bar in eighths of a cell; `side` None is a price that nobody is at."""

    price: Decimal
    side: Side | None
    quantity: Decimal | None
    total: Decimal | None
    filled: int
    mark: Mark | None
    is_touch: bool
    is_under_cursor: bool
    is_stale: bool
    is_focused: bool
    columns: Columns

    @property
    def is_cursor(self) -> bool:
        return self.is_under_cursor and self.is_focused


@dataclass(frozen=True, slots=True)
class Heading:
    columns: Columns


@dataclass(frozen=True, slots=True)
class Spread:
    """The line under the axis. The parts that say least go first where it is narrow."""

    parts: tuple[str, ...]
    is_warning: bool


@dataclass(frozen=True, slots=True)
class Preview:
    text: str
    side: Side | None


@dataclass(frozen=True, slots=True)
class Words:
    text: str
    is_alarm: bool


def draw_row(row: Row, palette: Palette) -> list[Span]:
    columns = row.columns
    colour = palette.text if row.side is None else palette.muted if row.is_stale else palette.side(row.side)
    size = "" if row.quantity is None else _size(row.quantity, columns.quantity_decimals)
    price = palette.muted if row.quantity is None else palette.strong if row.is_touch else palette.text
    left, right = (size, "") if row.side is Side.BUY else ("", size)
    left_style = right_style = colour
    tail, own = "", palette.own
    if row.mark is not None:
        own = palette.alarm if row.mark.is_doubtful else palette.own
        word = plain(row.mark.text)
        if columns.bar >= _ROOM_FOR_MARK:
            tail = crop("◂ " + word, columns.bar)
        elif row.side is Side.BUY:
            right, right_style = _shorter(word, row.mark, columns.right, "◂{}"), own
        else:
            left, left_style = _shorter(word, row.mark, columns.left - 1, "{}▸"), own
    spans = [
        ("▶" if row.is_under_cursor else " ", palette.strong),
        (fit(left, columns.left - 1, "right"), left_style),
        (_GAP + fit(formatting.grouped(row.price, columns.price_decimals), columns.price, "right"), price),
        (_GAP + fit(right, columns.right, "right"), right_style),
    ]
    if columns.bar:
        room = columns.bar - width_of(tail)
        drawn = bar(row.filled / (columns.bar * 8), columns.bar)[: max(0, room - 1) if tail else room]
        shade = palette.faint if row.is_stale or row.side is None else palette.depth(row.side)
        spans.append((" " + fit(drawn, room), shade))
        if tail:
            spans.append((tail, own))
    if columns.cumulative:
        total = "" if row.total is None else formatting.grouped(row.total, columns.quantity_decimals)
        spans.append((fit(total, columns.cumulative + 2, "right"), palette.muted))
    return spans


def _size(quantity: Decimal, decimals: int) -> str:
    """A size to that many decimals, and never as zero: somebody is there."""
    return formatting.grouped(max(quantity, Decimal(1).scaleb(-decimals)), decimals)


def _shorter(word: str, mark: Mark, width: int, pointed: str) -> str:
    """A mark on the empty side of the price; a bare number points at it, or it would be read as a level."""
    if width_of(word) <= width:
        return word
    short = plain(mark.short)
    return crop(pointed.format(short) if width_of(short) < width else short, width)


def draw_heading(heading: Heading, palette: Palette) -> list[Span]:
    columns = heading.columns
    text = fit("bids", columns.left, "right") + _GAP + fit("price", columns.price, "right")
    text += _GAP + fit("asks", columns.right, "right")
    if columns.bar:
        text += " " * (columns.bar + 1)
    if columns.cumulative:
        text += fit("cum", columns.cumulative + 2, "right")
    return [(text, palette.muted)]


def draw_spread(line: Spread, width: int, palette: Palette) -> list[Span]:
    parts = [plain(part) for part in line.parts]
    text = " · ".join(parts)
    while len(parts) > 1 and width_of(text) + RULING > width:
        parts.pop()
        text = " · ".join(parts)
    ruling, words = (palette.warning, palette.warning) if line.is_warning else (palette.faint, palette.muted)
    rest = max(0, width - width_of(text) - 6)
    return [(" ── ", ruling), (text, words), (" " + "─" * rest, ruling)]


def draw_preview(preview: Preview, palette: Palette) -> list[Span]:
    style = palette.own if preview.side is None else palette.side(preview.side) + Style(bold=True)
    return [(" » " + preview.text, style)]


def draw_words(words: Words, palette: Palette) -> list[Span]:
    return [(" " + words.text, palette.alarm if words.is_alarm else palette.muted)]
