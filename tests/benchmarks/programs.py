"""The programs that pitside's screen is measured beside: `python -m tests.benchmarks.programs NAME RATE`.

All show the same rows of the same paper market, taken from the same engine thread at the same 10 Hz:

- `feed`: nothing is drawn, so that the market's own cost can be told apart;
- `table`: Textual DataTables whose cells are updated where they changed;
- `curses`: the same rows by hand, the least that a full-screen program writes.
"""

from __future__ import annotations

import curses
import sys
import time
from collections.abc import Sequence
from decimal import Decimal

from tests.benchmarks.market import open_desk
from tui.desk.control import Desk
from tui.desk.frame import BookView, Frame

FRAME_SECONDS = 0.1
BOOK_ROWS = 24
TAPE_ROWS = 22
Row = tuple[str, ...]


class Rows:
    """What the compared screens show, as text: the newest of each view."""

    def __init__(self) -> None:
        self.book: list[Row] = []
        self.tape: list[Row] = []
        self.quotes: list[Row] = []
        self.positions: list[Row] = []

    def take(self, frame: Frame) -> None:
        if frame.book is not None and frame.book.is_valid:
            self.book = book_rows(frame.book)
        if frame.tape is not None:
            self.tape = [
                (clock_text(row.ts_event), f"{row.price:,f}", f"{row.quantity:f}", row.side.value)
                for row in reversed(frame.tape.rows[-TAPE_ROWS:])
            ]
        if frame.quotes is not None:
            self.quotes = [
                (quote.instrument.name, f"{quote.last:,f}" if quote.last else "", percent(quote.change))
                for quote in frame.quotes
            ]
        if frame.positions is not None:
            self.positions = [
                (view.instrument.name, f"{view.position.quantity:f}", f"{view.unrealized_pnl or 0:+,.2f}")
                for view in frame.positions
            ]


def book_rows(book: BookView) -> list[Row]:
    """Returns asks from far to near, then bids from near to far, with cumulative sizes."""
    half = BOOK_ROWS // 2
    asks: list[Row] = []
    bids: list[Row] = []
    total = Decimal(0)
    for level in book.asks[:half]:
        total += level.quantity
        asks.append(("", f"{level.price:,f}", f"{level.quantity:f}", f"{total:f}"))
    total = Decimal(0)
    for level in book.bids[:half]:
        total += level.quantity
        bids.append((f"{level.quantity:f}", f"{level.price:,f}", "", f"{total:f}"))
    return asks[::-1] + bids


def clock_text(ts: int) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(ts // 1_000_000_000)) + f".{ts // 1_000_000 % 1000:03d}"


def percent(change: Decimal | None) -> str:
    return "" if change is None else f"{change * 100:+.2f}%"


def run_feed(desk: Desk) -> None:
    print("ready", flush=True)
    while True:
        desk.take_frame()
        time.sleep(FRAME_SECONDS)


def run_table(desk: Desk) -> None:
    from textual.app import App, ComposeResult
    from textual.containers import Horizontal
    from textual.widgets import DataTable

    class Tables(App[None]):
        CSS = "DataTable { width: 1fr; height: 1fr; }"

        def compose(self) -> ComposeResult:
            with Horizontal():
                for name in ("book", "tape", "quotes"):
                    yield DataTable[str](id=name, cursor_type="row", cell_padding=0)
            yield DataTable[str](id="positions", cell_padding=0)

        def on_mount(self) -> None:
            self.rows = Rows()
            self.shown: dict[tuple[str, int, int], str] = {}
            self.keys = {}
            for name, columns, count in (
                ("book", ("bids", "price", "asks", "cum"), BOOK_ROWS),
                ("tape", ("time", "price", "size", "side"), TAPE_ROWS),
                ("quotes", ("instrument", "last", "change"), 8),
                ("positions", ("instrument", "size", "P&L"), 8),
            ):
                table = self.query_one(f"#{name}", DataTable)
                widths = 9
                column_keys = [table.add_column(title, width=widths) for title in columns]
                row_keys = [table.add_row(*[""] * len(columns)) for _ in range(count)]
                self.keys[name] = (table, row_keys, column_keys)
            self.set_interval(FRAME_SECONDS, self.refresh_tables)

        def refresh_tables(self) -> None:
            frame = desk.take_frame()
            if frame is None:
                return
            self.rows.take(frame)
            for name, (table, row_keys, column_keys) in self.keys.items():
                for y, row in enumerate(getattr(self.rows, name)[: len(row_keys)]):
                    for x, text in enumerate(row):
                        if self.shown.get((name, y, x)) != text:
                            self.shown[name, y, x] = text
                            table.update_cell(row_keys[y], column_keys[x], text)

    Tables().run()


def run_curses(desk: Desk) -> None:
    curses.wrapper(draw_by_hand, desk)


def draw_by_hand(screen: curses.window, desk: Desk) -> None:
    curses.curs_set(0)
    screen.timeout(int(FRAME_SECONDS * 1000))
    rows = Rows()
    cursor = 0
    next_frame = time.monotonic()
    while True:
        if (pressed := screen.getch()) == ord("j"):
            cursor = (cursor + 1) % BOOK_ROWS
        if pressed == -1 or time.monotonic() >= next_frame:
            next_frame = time.monotonic() + FRAME_SECONDS
            if (frame := desk.take_frame()) is not None:
                rows.take(frame)
        for y, row in enumerate(rows.book):
            put(screen, y, 0, ("▶" if y == cursor else " ") + columns(row, (9, 11, 9, 10)))
        for y, row in enumerate(rows.tape):
            put(screen, y, 45, columns(row, (13, 11, 9, 5)))
        for y, row in enumerate(rows.quotes):
            put(screen, y, 88, columns(row, (14, 11, 7)))
        for y, row in enumerate(rows.positions):
            put(screen, BOOK_ROWS + 2 + y, 0, columns(row, (16, 12, 14)))
        screen.refresh()


def columns(row: Row, widths: Sequence[int]) -> str:
    return " ".join(cell.rjust(width)[:width] for cell, width in zip(row, widths, strict=True))


def put(screen: curses.window, y: int, x: int, text: str) -> None:
    height, width = screen.getmaxyx()
    if y < height and x < width:
        screen.addnstr(y, x, text, width - x - 1)


def main(name: str, rate: float) -> None:
    run = {"feed": run_feed, "table": run_table, "curses": run_curses}[name]
    with open_desk(rate) as desk:
        run(desk)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
