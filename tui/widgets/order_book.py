"""The ladder: the book on a price axis that stays where it is."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from rich.style import Style

from tui import formatting
from tui.desk.frame import BookView, Frame, OrderView, PositionView
from tui.widgets.cells import Span, plain, width_of, wrapped
from tui.widgets.ladder import Axis, Levels, Mark, bar_scale, group_levels, marks_by_row
from tui.widgets.ladder_rows import (
    RULING,
    Columns,
    Heading,
    Preview,
    Row,
    Spread,
    Words,
    draw_heading,
    draw_preview,
    draw_row,
    draw_spread,
    draw_words,
)
from tui.widgets.pane import InstrumentPane
from venues.events import LinkState
from venues.model import NANOSECONDS, ZERO, Instrument, InstrumentId, Side

STALE_AFTER = 3 * NANOSECONDS
"""A book that has said nothing for this long shows its age in the colour of a warning."""

_BASIS_POINT = Decimal("0.0001")
_NOT_CONNECTED = {
    LinkState.CONNECTING: "connecting",
    LinkState.RECONNECTING: "reconnecting",
    LinkState.DOWN: "down",
}


class OrderBook(InstrumentPane, can_focus=True):
    """Bids left of the price, asks right of it, each price on its own row for as long as the axis stands.

    The axis moves on `recentre`, when the market leaves the window, and under a cursor that walks out of it. The
    cursor is a price, not a row. A book that is not valid has no levels here: the pane says why, and since when.
    """

    empty_title: ClassVar[str] = "ladder"

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._axis = Axis()
        self._book: BookView | None = None
        self._orders: tuple[OrderView, ...] = ()
        self._positions: tuple[PositionView, ...] = ()
        self._cursor: Decimal | None = None
        self._preview: tuple[str, Side | None] | None = None
        self._levels = Levels()
        self._shows_cumulative = True
        self._was_in_view = False
        self._columns = Columns()
        self._multiples: dict[InstrumentId, int] = {}  # ticks to a row, as found or as the trader left it

    @property
    def cursor_price(self) -> Decimal | None:
        """The price under the cursor; None until it was first moved."""
        return self._cursor

    @property
    def step(self) -> Decimal | None:
        """The distance between two rows, in the quote currency; None while no instrument is known."""
        return self._axis.step

    @property
    def instrument(self) -> Instrument | None:
        """What the rows belong to: an action on the cursor's row means this instrument and no other."""
        return self._book.instrument if self._book is not None else None

    @property
    def shows_cumulative(self) -> bool:
        return self._shows_cumulative

    def absorb(self, frame: Frame) -> None:
        if frame.orders is not None:
            self._orders = frame.orders
        if frame.positions is not None:
            self._positions = frame.positions
        if frame.book is not None and self.is_shown(frame.book.instrument.id):
            self._take_book(frame.book)

    def forget(self) -> None:
        self._book = None
        self._levels = Levels()
        self._axis = Axis()
        self._cursor = None
        self._preview = None
        self._was_in_view = False
        self._columns = Columns()

    def _take_book(self, book: BookView) -> None:
        if self._book is None or book.instrument.id != self._book.instrument.id:
            self.forget()
            self._axis.multiple = self._multiples.get(book.instrument.id, 1)
            self._axis.set_tick(book.instrument.tick_size)
            self._name_step(book.instrument)
        self._book = book
        self._levels = group_levels(book, self._axis.step)

    def _name_step(self, instrument: Instrument) -> None:
        """Names in the title what the rows belong to, and how far apart they are where that is not one tick."""
        step = self._axis.step if self._axis.multiple > 1 else None
        apart = "" if step is None else f" · step {formatting.grouped(step, instrument.price_decimals)}"
        self.set_pane_title(f"{instrument.name} · {instrument.id.venue}{apart}")

    def _find_step(self, book: BookView, rows: int) -> None:
        """Groups an instrument's book when it is first seen; from then on only the trader changes that."""
        if book.instrument.id in self._multiples or not book.bids or not book.asks:
            return
        self._axis.fit_book(book, rows)
        self._multiples[book.instrument.id] = self._axis.multiple
        self._levels = group_levels(book, self._axis.step)
        self._axis.top = None
        self._name_step(book.instrument)

    def recentre(self) -> None:
        """Puts the market in the middle of the window."""
        self._axis.top = None
        self.redraw()

    def group(self, delta: int) -> None:
        """Makes the rows coarser (+1) or finer (-1): 1, 2, 5, 10, ... ticks. The cursor keeps its price."""
        if self._book is not None and self._axis.group(delta):
            self._multiples[self._book.instrument.id] = self._axis.multiple
            self._levels = group_levels(self._book, self._axis.step)
            self._axis.top = None
            self._columns = Columns()
            self._name_step(self._book.instrument)
            self.redraw()

    def toggle_cumulative(self) -> None:
        """Shows or hides the column of cumulative sizes."""
        self._shows_cumulative = not self._shows_cumulative
        self.redraw_all()

    def move_cursor(self, delta: int) -> None:
        """Moves the cursor down the page by `delta` rows, to lower prices; the first move starts at the touch."""
        step = self._axis.step
        if step is None:
            return
        if self._cursor is None:
            start = self._levels.best_bid if delta > 0 else self._levels.best_ask
            self._cursor = start if start is not None else self._axis.top
            delta -= 1 if delta > 0 else -1
        if self._cursor is not None and delta:
            self._cursor = max(step, self._axis.row_price(self._cursor) - step * delta)
        if self._cursor is not None:
            self._axis.reveal(self._cursor, self._body_height(self.size.height))
            self._was_in_view = False
        self.redraw()

    def page(self, pages: int) -> None:
        """Moves the cursor by windows."""
        self.move_cursor(pages * max(1, self._body_height(self.size.height) - 1))

    def cursor_to_touch(self, side: Side) -> None:
        """Puts the cursor on the best bid or the best ask."""
        touch = self._levels.best_bid if side is Side.BUY else self._levels.best_ask
        if touch is not None:
            self._cursor = touch
            self.redraw()

    def drop_cursor(self) -> None:
        """Takes the cursor away."""
        self._cursor = None
        self.redraw()

    def show_preview(self, text: str | None, side: Side | None = None) -> None:
        """Shows what an action would send, on a line over the lowest row; None takes it away."""
        self._preview = None if text is None else (text, side)
        self.redraw()

    def _body_height(self, height: int) -> int:
        """The rows of the axis: a heading where there is room, and the spread line always."""
        return max(1, height - (2 if height >= 6 else 1))

    def lay_out(self) -> Sequence[Hashable]:
        width, height = self.size
        book, step = self._book, self._axis.step
        if book is None or step is None:
            return [Words("no book yet", False)]
        fault = self._fault(book)
        if fault:
            # The pane has nothing else to show: the reason may take all rows but the last.
            words = f"{'book not shown' if book.ts_recv else 'no book yet'}: {fault}"
            why = wrapped([(words, Style.null())], max(1, width - 2))[: max(1, height - 2)]
            said = [Words("".join(text for text, _ in line), True) for line in why]
            if book.ts_recv:
                said.append(Words(f"last good {formatting.age(self.now - book.ts_recv)} ago", False))
            return [None, *said]
        body = self._body_height(height)
        self._find_step(book, body)
        step = self._axis.step or step
        self._follow_market(body)
        top = self._axis.top
        if top is None:
            return [Words("book is empty", False)]
        prices = [top - step * row for row in range(body)]
        marks = marks_by_row(book.instrument, self._orders, self._positions, self._axis)
        scale = bar_scale(self._levels, prices)
        self._columns = Columns.widest(book.instrument, self._levels, prices, self._columns)
        columns = self._columns.placed(width, self._shows_cumulative)
        cursor = None if self._cursor is None else self._axis.row_price(self._cursor)
        is_stale = self._is_stale()
        lines: list[Hashable] = [Heading(columns)] if height >= 6 else []
        lines.extend(
            self._row(price, columns, scale, marks.get(price), price == cursor, is_stale) for price in prices
        )
        if self._preview is not None:
            lines[-1] = Preview(*self._preview)
        lines.append(self._spread_line(book, is_stale))
        return lines

    def _row(
        self, price: Decimal, columns: Columns, scale: Decimal, mark: Mark | None, is_cursor: bool, is_stale: bool
    ) -> Row:
        levels = self._levels
        side = Side.BUY if price in levels.bids else Side.SELL if price in levels.asks else None
        quantity, total = levels.bids.get(price) or levels.asks.get(price) or (None, None)
        filled = 0
        if quantity is not None and columns.bar:
            # Eighths of a cell, at least one: a level that is there is seen.
            filled = max(1, min(columns.bar * 8, int(quantity / scale * columns.bar * 8)))
        if mark is not None and side is None:
            side = self._side_of_gap(price)
        return Row(
            price, side, quantity, total if self._shows_cumulative else None, filled, mark,
            price in (levels.best_bid, levels.best_ask), is_cursor, is_stale, self.has_focus, columns,
        )  # fmt: skip

    def _side_of_gap(self, price: Decimal) -> Side:
        """Which half of the ladder a price without a level lies in."""
        best_ask = self._levels.best_ask
        return Side.SELL if best_ask is not None and price >= best_ask else Side.BUY

    def _follow_market(self, body: int) -> None:
        """Recentres if there is no axis yet, or if the market has just left the window.

        A window that the cursor was walked away with is left alone until the market comes back into it.
        """
        bid, ask = self._levels.best_bid, self._levels.best_ask
        if bid is None and ask is None:
            return
        touches = [price for price in (bid, ask) if price is not None]
        in_view = all(self._axis.is_in_view(price, body) for price in touches)
        if self._axis.top is None or (self._was_in_view and not in_view):
            self._axis.centre(touches, body)
            in_view = True
        self._was_in_view = in_view

    def _fault(self, book: BookView) -> str:
        """Why no level may be shown, or nothing."""
        if not book.is_valid:
            return plain(book.fault) or "not in order"
        venue = self.link()
        if venue is not None and venue.state in _NOT_CONNECTED:
            return f"{venue.venue} is {_NOT_CONNECTED[venue.state]}"
        return ""

    def _is_stale(self) -> bool:
        venue = self.link()
        return venue is not None and venue.state is LinkState.STALE

    def _spread_line(self, book: BookView, is_stale: bool) -> Spread:
        # The true touch, whatever the grouping makes of it.
        bid = book.bids[0].price if book.bids else None
        ask = book.asks[0].price if book.asks else None
        parts = []
        if bid is None or ask is None:
            parts.append(
                "no bids" if bid is None and ask is not None else "no asks" if bid is not None else "empty"
            )
        else:
            spread = ask - bid
            parts.append(f"spread {formatting.grouped(spread, book.instrument.price_decimals)}")
            share = 2 * spread / (ask + bid) if ask + bid else ZERO
            parts.append(formatting.bps(share, 2 if abs(share) < _BASIS_POINT else 1))
        age = self.now - book.ts_recv
        parts.append(f"age {formatting.age(age)}")
        # In front, where a narrow line keeps it: what is not proven must not be taken for what is.
        warnings = ["STALE"] * is_stale + [plain(book.fault)] * bool(book.fault)
        # Where it is narrow the age goes before the basis points if there is something about it; if it is worth a
        # look, before the spread too.
        is_old = is_stale or age > NANOSECONDS
        while len(parts) > 1 + (not is_old) and (is_old or warnings):
            if width_of(" · ".join([*warnings, *parts])) + RULING <= self.size.width:
                break
            del parts[-2]
        parts = warnings + parts
        return Spread(tuple(parts), is_stale or bool(book.fault) or age > STALE_AFTER)

    def draw(self, key: Hashable) -> Iterable[Span]:
        match key:
            case Row():
                return draw_row(key, self.palette)
            case Spread():
                return draw_spread(key, self.size.width, self.palette)
            case Preview():
                return draw_preview(key, self.palette)
            case Heading():
                return draw_heading(key, self.palette)
            case Words():
                return draw_words(key, self.palette)
        return ()

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()
