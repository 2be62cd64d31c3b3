"""The tape: trades as they happen, sweeps in one row, our own marked."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from tui import formatting
from tui.desk.frame import Frame, TapeRow, TapeView
from tui.widgets.cells import Span, fit
from tui.widgets.pane import InstrumentPane
from venues.model import ZERO, Instrument, Side

_MILLISECOND = 1_000_000
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Sweep:
    """Trades of one aggressor within one millisecond: `price` is the last, the worst that was paid."""

    first_id: str
    ts_event: int
    price: Decimal
    quantity: Decimal
    side: Side
    count: int
    is_mine: bool


def merge_sweeps(rows: Iterable[TapeRow]) -> list[Sweep]:
    """Merges what follows on one another with the same side in the same millisecond. Order is kept."""
    merged: list[Sweep] = []
    for row in rows:
        last = merged[-1] if merged else None
        if (
            last is not None
            and last.side is row.side
            and last.ts_event // _MILLISECOND == row.ts_event // _MILLISECOND
        ):
            merged[-1] = Sweep(
                last.first_id, last.ts_event, row.price, last.quantity + row.quantity, last.side,
                last.count + 1, last.is_mine or row.is_mine,
            )  # fmt: skip
        else:
            merged.append(Sweep(row.trade_id, row.ts_event, row.price, row.quantity, row.side, 1, row.is_mine))
    return merged


class TradeTape(InstrumentPane, can_focus=True):
    """Trades, newest on top; or, as a ring, each newer one over the oldest, so that only its row is sent.

    On 38 rows a trade repaints 38 rows of a tape that scrolls, and two of a ring: the one that it takes, and the
    one that loses the mark of the newest.
    """

    empty_title: ClassVar[str] = "tape"

    def __init__(self, *, ring: bool = False, **widget: Any) -> None:
        super().__init__(**widget)
        self._tape: TapeView | None = None
        self._sweeps: list[Sweep] = []
        self._minimum = ZERO
        self._ring = ring
        self._slots: list[Sweep | None] = []
        self._newest_slot = -1
        self._offset = 0
        self._price_width = 0
        self._size_width = 0

    @property
    def minimum_size(self) -> Decimal:
        """Rows smaller than this (base units, sweeps as a whole) are not shown."""
        return self._minimum

    def set_minimum_size(self, size: Decimal) -> None:
        """Hides rows below `size`; zero shows all."""
        self._minimum = max(ZERO, size)
        self._slots = []
        self._retitle()
        self._merge()
        self.redraw()

    @property
    def ring(self) -> bool:
        """Whether the newest trade overwrites the oldest, instead of pushing all others down."""
        return self._ring

    def set_ring(self, ring: bool) -> None:
        """Turns the ring on or off; either way the newest trade is in view."""
        self._ring = ring
        self._offset = 0
        self.redraw()

    def absorb(self, frame: Frame) -> None:
        if frame.tape is None or not self.is_shown(frame.tape.instrument.id):
            return
        if self._tape is None or frame.tape.instrument.id != self._tape.instrument.id:
            self.forget()
        self._tape = frame.tape
        self._merge()

    def tick(self, now: int) -> None:
        super().tick(now)
        self._retitle()

    def forget(self) -> None:
        self._tape = None
        self._sweeps = []
        self._slots = []
        self._newest_slot = -1
        self._offset = 0
        self._price_width = self._size_width = 0

    def move_cursor(self, delta: int) -> None:
        """Scrolls towards older trades (+) or newer ones (-). A ring holds what is in view and does not scroll."""
        if not self._ring:
            self._offset = max(0, min(max(0, len(self._sweeps) - 1), self._offset + delta))
            self.redraw()

    def page(self, pages: int) -> None:
        self.move_cursor(pages * max(1, self._body_height(self.size.height) - 1))

    def recentre(self) -> None:
        """Goes back to the newest trade."""
        self._offset = 0
        self.redraw()

    def _retitle(self) -> None:
        at_least = f" ≥ {formatting.grouped(self._minimum)}" if self._minimum else ""
        self.set_pane_title(f"tape{at_least}{self.link_remark()}")

    def _merge(self) -> None:
        if self._tape is not None:
            sweeps = [s for s in merge_sweeps(self._tape.rows) if s.quantity >= self._minimum]
            if self._offset and self._sweeps:
                # Who reads older trades keeps them under the eye while newer ones come.
                last = self._sweeps[-1].first_id
                newer = next((i for i, sweep in enumerate(reversed(sweeps)) if sweep.first_id == last), 0)
                self._offset = min(self._offset + newer, max(0, len(sweeps) - 1))
            self._sweeps = sweeps

    @staticmethod
    def _body_height(height: int) -> int:
        return height - 1 if height >= 4 else height

    def lay_out(self) -> Sequence[Hashable]:
        width, height = self.size
        tape = self._tape
        if tape is None or not self._sweeps:
            filtered = tape is not None and bool(tape.rows)
            return [_Words("no trade of this size" if filtered else "no trades yet")]
        body = self._body_height(height)
        rows: list[tuple[Sweep | None, bool]]
        if self._ring:
            self._turn_ring(body)
            rows = [(sweep, slot == self._newest_slot) for slot, sweep in enumerate(self._slots)]
        else:
            end = len(self._sweeps) - self._offset
            rows = [(sweep, False) for sweep in reversed(self._sweeps[max(0, end - body) : end])]
        instrument = tape.instrument
        for sweep, _ in rows:
            if sweep is not None:
                self._price_width = max(self._price_width, len(formatting.price(sweep.price, instrument)))
                self._size_width = max(self._size_width, len(formatting.quantity(sweep.quantity, instrument)))
        columns = _Columns(max(7, self._price_width), max(5, self._size_width), width, instrument)
        lines: list[Hashable] = [_Heading(columns)] if body < height else []
        lines.extend(None if sweep is None else _Row(sweep, is_newest, columns) for sweep, is_newest in rows)
        return lines

    def _turn_ring(self, size: int) -> None:
        """Puts the sweeps that are new since the last turn into the next slots."""
        newest = self._slots[self._newest_slot] if 0 <= self._newest_slot < len(self._slots) else None
        known = None
        if newest is not None and len(self._slots) == size:
            window = range(len(self._sweeps) - 1, max(-1, len(self._sweeps) - 1 - size), -1)
            known = next((i for i in window if self._sweeps[i].first_id == newest.first_id), None)
        if known is None:
            tail = self._sweeps[-size:]
            self._slots = [*tail, *([None] * (size - len(tail)))]
            self._newest_slot = len(tail) - 1
            return
        # The newest itself may have grown by a trade of the same millisecond.
        self._slots[self._newest_slot] = self._sweeps[known]
        for sweep in self._sweeps[known + 1 :]:
            self._newest_slot = (self._newest_slot + 1) % size
            self._slots[self._newest_slot] = sweep

    def draw(self, key: Hashable) -> Iterable[Span]:
        palette = self.palette
        if isinstance(key, _Words):
            return [(" " + key.text, palette.muted)]
        if isinstance(key, _Heading):
            columns = key.columns
            clock = "local" if self.shows_local_time else "UTC"
            words, width = f"time {clock}" if columns.time > 9 else clock, columns.time + (not columns.is_tight)
            time = fit(words, width) if columns.time else ""
            price, size = fit("price", columns.price, "right"), fit("size", columns.size, "right")
            return [(f" {time}{_GAP if time else ''}{price}{_GAP}{size}", palette.muted)]
        if not isinstance(key, _Row):
            return ()
        sweep, columns = key.sweep, key.columns
        colour = palette.side(sweep.side)
        spans: list[Span] = [("▸" if key.is_newest else " ", palette.strong)]
        if columns.time:
            time = self.time_of_day(sweep.ts_event, milliseconds=columns.time > 8)
            spans.append((time + ("" if columns.is_tight else " ") + _GAP, palette.muted))
        instrument = columns.instrument
        spans.append((fit(formatting.price(sweep.price, instrument), columns.price, "right"), colour))
        spans.append(
            (_GAP + fit(formatting.quantity(sweep.quantity, instrument), columns.size, "right"), palette.text)
        )
        spans.append((" ▲" if sweep.side is Side.BUY else " ▼", colour))
        if sweep.count > 1 and not (sweep.is_mine and columns.is_tight):
            spans.append((f" ×{sweep.count}", palette.muted))
        if sweep.is_mine:
            spans.append((" you", palette.own))
        return spans


@dataclass(frozen=True, slots=True)
class _Columns:
    """Widths in cells. The time loses its milliseconds first, then the room of one mark, then goes altogether."""

    price: int
    size: int
    width: int
    instrument: Instrument

    @property
    def _room(self) -> int:
        return self.width - self.price - self.size - 13

    @property
    def is_tight(self) -> bool:
        """Whether a row has room for one mark only: that a trade is ours goes before how many were merged."""
        return 6 <= self._room < 8

    @property
    def time(self) -> int:
        return 12 if self._room >= 12 else 8 if self._room >= 6 else 0


@dataclass(frozen=True, slots=True)
class _Heading:
    columns: _Columns


@dataclass(frozen=True, slots=True)
class _Row:
    sweep: Sweep
    is_newest: bool
    columns: _Columns


@dataclass(frozen=True, slots=True)
class _Words:
    text: str
