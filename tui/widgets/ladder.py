"""What the ladder's rows are worked out from: the axis, the levels grouped onto it, and the marks on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from tui import formatting
from tui.desk.frame import BookLevel, BookView, OrderView, PositionView
from venues.model import ZERO, Instrument, Order, OrderStatus, Side

_SIZES = (*(lead * 10**power for power in range(4) for lead in (1, 2, 5)), 10_000)  # ticks to a row
_FILLED_LEVELS = 12
_LARGEST_POWER = 15


def on_row(price: Decimal, step: Decimal, rounding: str) -> Decimal:
    """Returns the multiple of `step` next to `price`. Unlike the rounding of orders it never raises."""
    return (price / step).to_integral_value(rounding) * step


def is_sane(price: Decimal) -> bool:
    """Says whether a price can stand on an axis at all: a venue may send anything."""
    return price.is_finite() and price.adjusted() <= _LARGEST_POWER


class Axis:
    """Which price stands on which row: `top`, and a `step` of 1, 2, 5, 10, ... ticks from row to row.

    `top` is None while it has to be found anew; every price on it is a multiple of the step.
    """

    def __init__(self) -> None:
        self.top: Decimal | None = None
        self.step: Decimal | None = None
        self.multiple = 1
        self._tick: Decimal | None = None

    def set_tick(self, tick: Decimal) -> None:
        self._tick = tick
        self.step = tick * self.multiple

    def fit_book(self, book: BookView, rows: int) -> None:
        """Chooses the finest step on which a window of `rows` is well filled: the best levels of both sides
        stand on three quarters of its rows. A venue's tick may be far finer than the prices that are used.
        """
        if self._tick is None or not book.bids or not book.asks:
            return
        half = max(1, rows // 2)
        wanted = min(_FILLED_LEVELS, max(1, half * 3 // 4))
        sides = (book.bids[:wanted], book.asks[:wanted])
        reach = max(abs(side[-1].price - side[0].price) for side in sides)
        self.multiple = next((size for size in _SIZES if self._tick * size * (half - 1) >= reach), 1)
        self.step = self._tick * self.multiple

    def group(self, delta: int) -> bool:
        """Goes to the next coarser (+1) or finer (-1) step; says whether there was one."""
        index = _SIZES.index(self.multiple) + delta
        if self._tick is None or not 0 <= index < len(_SIZES):
            return False
        self.multiple = _SIZES[index]
        self.step = self._tick * self.multiple
        return True

    def row_price(self, price: Decimal) -> Decimal:
        """Returns the price of the row that `price` is shown on."""
        return price if self.step is None else on_row(price, self.step, ROUND_FLOOR)

    def is_in_view(self, price: Decimal, rows: int) -> bool:
        if self.top is None or self.step is None:
            return False
        return self.top - self.step * (rows - 1) <= price <= self.top

    def centre(self, prices: Sequence[Decimal], rows: int) -> None:
        """Puts the middle of `prices` in the middle of `rows` rows."""
        if self.step is not None and prices:
            middle = on_row(sum(prices, ZERO) / len(prices), self.step, ROUND_CEILING)
            self.top = middle + self.step * ((rows - 1) // 2)

    def reveal(self, price: Decimal, rows: int) -> None:
        """Moves the axis by as little as brings `price` into view."""
        if self.top is None or self.step is None:
            return
        row = self.row_price(price)
        self.top = max(row, min(self.top, row + self.step * (rows - 1)))


@dataclass(slots=True)
class Levels:
    """The book on the axis: by row price, the quantity there and the sum from the touch to it."""

    bids: dict[Decimal, tuple[Decimal, Decimal]] = field(default_factory=dict)
    asks: dict[Decimal, tuple[Decimal, Decimal]] = field(default_factory=dict)
    best_bid: Decimal | None = None
    best_ask: Decimal | None = None


def group_levels(book: BookView, step: Decimal | None) -> Levels:
    """Returns the book's levels on rows of `step`: bids rounded down, asks up: neither looks better than it is."""
    if step is None or not book.is_valid:
        return Levels()
    bids = _onto_rows(book.bids, step, ROUND_FLOOR, book.instrument.tick_size)
    asks = _onto_rows(book.asks, step, ROUND_CEILING, book.instrument.tick_size)
    return Levels(bids, asks, next(iter(bids), None), next(iter(asks), None))


def _onto_rows(
    levels: Sequence[BookLevel], step: Decimal, rounding: str, tick: Decimal
) -> dict[Decimal, tuple[Decimal, Decimal]]:
    rows: dict[Decimal, tuple[Decimal, Decimal]] = {}
    total = ZERO
    for price, quantity in levels:
        if not is_sane(price):
            continue
        row = price if step == tick else on_row(price, step, rounding)
        total += quantity
        there = rows.get(row)
        rows[row] = (quantity if there is None else there[0] + quantity, total)
    return rows


def bar_scale(levels: Levels, prices: Sequence[Decimal]) -> Decimal:
    """Returns the quantity that a full bar stands for: 1, 2 or 5 times a power of ten, so that it rarely changes
    and the other rows' bars stay still when one level grows.
    """
    largest = max(
        (side[price][0] for price in prices for side in (levels.bids, levels.asks) if price in side), default=ZERO
    )
    if largest <= 0:
        return Decimal(1)
    power = Decimal(1).scaleb(largest.adjusted())
    return next((power * lead for lead in (1, 2, 5) if power * lead >= largest), power * 10)


@dataclass(frozen=True, slots=True)
class Mark:
    """What is ours on a row, in words, and in fewer for where it is narrow.

    `is_doubtful`: there is an order whose state nobody has told.
    """

    text: str
    short: str
    is_doubtful: bool = False


def row_of(order: Order, step: Decimal) -> Decimal | None:
    """Returns the row that a resting order is shown on, by its trigger while it waits for that; None: on none."""
    price = order.trigger_price if order.type.has_trigger and not order.is_triggered else order.price
    if price is None or not is_sane(price):
        return None
    # As levels are: a bid on the row below, an ask on the row above.
    return on_row(price, step, ROUND_FLOOR if order.side is Side.BUY else ROUND_CEILING)


def marks_by_row(
    instrument: Instrument, orders: Sequence[OrderView], positions: Sequence[PositionView], axis: Axis
) -> Mapping[Decimal, Mark]:
    """Returns our resting orders, triggers and entries of `instrument` by the price of the row they are on."""
    step = axis.step
    if step is None:
        return {}
    resting: dict[Decimal, Decimal] = {}
    words: dict[Decimal, list[str]] = {}
    doubtful: set[Decimal] = set()
    for view in orders:
        order = view.order
        if order.instrument != instrument.id:
            continue
        row = row_of(order, step)
        if row is None:
            continue
        if order.status is OrderStatus.UNKNOWN:
            doubtful.add(row)
        if order.type.has_trigger and not order.is_triggered:
            name = "stop" if order.type.value.startswith("stop") else "tp"
            words.setdefault(row, []).append(f"{name} {formatting.quantity(order.remaining, instrument)}")
        else:
            resting[row] = resting.get(row, ZERO) + order.remaining
    for row, quantity in resting.items():
        words.setdefault(row, []).insert(0, f"you {_short(quantity)}{'?' if row in doubtful else ''}")
    for position in positions:
        if position.position.instrument == instrument.id and position.position.quantity:
            entry = position.position.entry_price
            if is_sane(entry):
                words.setdefault(on_row(entry, step, ROUND_HALF_EVEN), []).append("entry")
    return {row: Mark(" ".join(texts), _shortest(texts), row in doubtful) for row, texts in words.items()}


def _shortest(texts: Sequence[str]) -> str:
    """The first mark's number, or its first letter: there is always something on the row."""
    return texts[0].rpartition(" ")[2] if " " in texts[0] else texts[0][:1].upper()


def _short(quantity: Decimal) -> str:
    """A quantity without trailing zeros: it stands where space is short, and the blotter has it in full."""
    text = f"{quantity:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
