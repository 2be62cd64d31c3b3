"""The open orders: every one of them, those placed elsewhere too, each state in words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import replace
from typing import ClassVar

from tui import formatting
from tui.desk.frame import Frame, OrderView
from tui.widgets.blotter import Column
from tui.widgets.cells import Span
from tui.widgets.market_blotter import MarketBlotter
from venues.model import OrderStatus, OrderType, Side

_STATES = {
    OrderStatus.PENDING_NEW: "sending",
    OrderStatus.NEW: "resting",
    OrderStatus.PARTIALLY_FILLED: "part filled",
    OrderStatus.PENDING_CANCEL: "cancelling",
    OrderStatus.PENDING_REPLACE: "changing",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELED: "cancelled",
    OrderStatus.REJECTED: "rejected",
    OrderStatus.EXPIRED: "expired",
}
_TYPES = {
    OrderType.LIMIT: "limit",
    OrderType.MARKET: "market",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop limit",
    OrderType.TAKE_PROFIT: "take profit",
    OrderType.TAKE_PROFIT_LIMIT: "tp limit",
}


def state_in_words(view: OrderView, now: int) -> str:
    """Returns where an order stands: "resting", or while nobody has said, "UNKNOWN 3.1 s"."""
    status = view.order.status
    if status is OrderStatus.UNKNOWN:
        since = view.unknown_since
        return f"UNKNOWN {formatting.age(now - since)}" if since is not None else "UNKNOWN"
    if view.is_late_fill:
        return "FILLED AFTER ALL"
    if status is OrderStatus.NEW and view.order.type.has_trigger:
        return "triggered" if view.order.is_triggered else "waiting"
    return _STATES[status]


def type_in_words(view: OrderView) -> str:
    """Returns the type with what is attached to it: "limit post-only", "stop reduce-only"."""
    order = view.order
    words = [_TYPES[order.type]]
    if order.post_only:
        words.append("post-only")
    if order.reduce_only:
        words.append("reduce-only")
    return " ".join(words)


class OpenOrders(MarketBlotter[OrderView]):
    """One row per order that is open or UNKNOWN. Whatever acts on one takes `selected_order`."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("instrument", "instrument", 13),
        Column("side", "side", 4),
        Column("filled", "filled / size", 13, 1, "right"),
        Column("price", "price", 9, 0, "decimal"),
        Column("trigger", "trigger", 9, 2, "decimal"),
        Column("state", "state", 14, 0),
        Column("type", "type", 17, 4),
        Column("age", "age", 8, 3, "right"),
        Column("tif", "tif", 3, 7),
        Column("origin", "placed", 9, 3),
        Column("account", "account", 7, 9),
        Column("venue", "venue", 6, 8),
        Column("id", "id", 12, 10),
        Column("reason", "venue's words", 13, 6, stretches=True),
    )
    empty: ClassVar[str] = "no open orders"

    def take(self, frame: Frame) -> None:
        if frame.orders is not None:
            self.set_rows(frame.orders)
        super().take(frame)

    @property
    def columns_now(self) -> tuple[Column, ...]:
        columns = super().columns_now
        if not self.is_short_of_room:
            return columns
        # That an order is UNKNOWN has to be seen; its price stands in the ladder too.
        return tuple(replace(column, rank=1) if column.name == "price" else column for column in columns)

    def folded(self, texts: Sequence[Mapping[str, Span]], shown: Set[str]) -> Sequence[Mapping[str, Span]] | None:
        """Puts the trigger in the place of the price that a stop at market has not got."""
        if "trigger" in shown:
            return None
        return [cells if cells["price"][0] else {**cells, "price": cells["when"]} for cells in texts]

    @property
    def selected_order(self) -> OrderView | None:
        """The order under the cursor, as last seen; None once it has gone, until the cursor is moved."""
        return self.selected

    def key_of(self, row: OrderView) -> Hashable:
        return row.key

    def cells_of(self, row: OrderView) -> Mapping[str, Span]:
        palette, instrument, order = self.palette, row.instrument, row.order
        is_doubtful = order.status is OrderStatus.UNKNOWN or row.is_late_fill
        is_pending = order.status in {
            OrderStatus.PENDING_NEW, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE
        }  # fmt: skip
        state = palette.alarm if is_doubtful else palette.muted if is_pending else palette.text
        filled = formatting.quantity(order.filled_quantity, instrument)
        price = "" if not order.type.has_price else formatting.price(order.price, instrument)
        trigger = "" if order.trigger_price is None else formatting.price(order.trigger_price, instrument)
        # A stop waits for the market to come against its holder, a take-profit for the other way.
        is_stop = order.type in (OrderType.STOP, OrderType.STOP_LIMIT)
        sign = "≥" if (order.side is Side.BUY) is is_stop else "≤"
        return {
            "instrument": (self.market_name(instrument, in_margin_wallet=order.in_margin_wallet), palette.text),
            "side": (order.side.value.upper(), palette.side(order.side)),
            "filled": (f"{filled} / {formatting.quantity(order.quantity, instrument)}", palette.text),
            "price": (price or ("" if trigger else "market"), palette.text),
            "trigger": (trigger, palette.text),
            "when": (f"{sign} {trigger}", palette.muted),
            "state": (state_in_words(row, self.now), state),
            "type": (type_in_words(row), palette.muted),
            "age": (
                formatting.age(self.now - order.ts_created) if order.ts_created else formatting.NONE,
                palette.muted,
            ),
            "tif": (order.time_in_force.value.upper(), palette.muted),
            "origin": (
                "elsewhere" if order.is_external else "here",
                palette.warning if order.is_external else palette.muted,
            ),
            "account": (row.account, palette.muted),
            "venue": (instrument.id.venue, palette.muted),
            "id": (order.venue_order_id or order.client_order_id, palette.muted),
            "reason": (order.reason, palette.warning),
        }

    def count_of(self, side: Side) -> int:
        """Returns how many of the orders are on `side`."""
        return sum(1 for row in self.rows if row.order.side is side)
