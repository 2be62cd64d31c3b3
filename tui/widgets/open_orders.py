"""The open orders: every one of them, those placed elsewhere too, each state in words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, ClassVar

from tui import formatting
from tui.desk.frame import Frame, OrderView
from tui.widgets.blotter import Column
from tui.widgets.cells import Span
from tui.widgets.market_blotter import MarketBlotter
from tui.widgets.order_words import (
    PositionNames,
    closes_in_words,
    exits_in_words,
    position_names,
    state_in_words,
    triggers_in_words,
    type_and_state_in_words,
    type_in_words,
)
from venues.model import OrderStatus, Side


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
        Column("with", "exits, closes", 13, 2, widest=27),
        Column("age", "age", 8, 3, "right"),
        Column("tif", "tif", 3, 7),
        Column("origin", "placed", 9, 3),
        Column("account", "account", 7, 9),
        Column("venue", "venue", 6, 8),
        Column("id", "id", 12, 10),
        Column("reason", "venue's words", 13, 6, stretches=True),
    )
    empty: ClassVar[str] = "no open orders"
    is_of_account: ClassVar[bool] = True

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._names: PositionNames = {}
        self._has_exits = False  # whether some order has something to do with exits or a position

    def take(self, frame: Frame) -> None:
        if frame.positions is not None:
            self._names = position_names(frame.positions)
        if frame.orders is not None:
            self.set_rows(frame.orders)
        super().take(frame)

    def set_rows(self, rows: Sequence[OrderView]) -> None:
        self._has_exits = any(row.order.position_id or exits_in_words(row) for row in rows)
        super().set_rows(rows)

    @property
    def columns_now(self) -> tuple[Column, ...]:
        columns = super().columns_now
        if not self._has_exits:
            columns = tuple(column for column in columns if column.name != "with")
        if not self.is_short_of_room:
            return columns
        # That an order is UNKNOWN has to be seen; its price stands in the ladder too.
        return tuple(replace(column, rank=1) if column.name == "price" else column for column in columns)

    def folded(self, texts: Sequence[Mapping[str, Span]], shown: Set[str]) -> Sequence[Mapping[str, Span]] | None:
        """Puts the trigger in the place of the price that a stop at market has not got, and the type of what waits
        for its trigger beside its state.
        """
        if {"trigger", "type"} <= shown:
            return None
        folded = []
        for cells in texts:
            changed = dict(cells)
            if "trigger" not in shown and not cells["price"][0]:
                changed["price"] = cells["when"]
            if "type" not in shown:
                changed["state"] = cells["type and state"]
            folded.append(changed)
        return folded

    @property
    def selected_order(self) -> OrderView | None:
        """The order under the cursor, as last seen; None once it has gone, until the cursor is moved."""
        return self.selected

    def key_of(self, row: OrderView) -> Hashable:
        return row.key

    def cells_of(self, row: OrderView) -> Mapping[str, Span]:
        palette, instrument, order = self.palette, row.instrument, row.order
        is_doubtful = order.status is OrderStatus.UNKNOWN or row.is_late_fill or order.is_liquidation
        is_pending = order.status in {
            OrderStatus.PENDING_NEW, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE
        }  # fmt: skip
        state = palette.alarm if is_doubtful else palette.muted if is_pending else palette.text
        filled = formatting.quantity(order.filled_quantity, instrument)
        price = "" if not order.type.has_price else formatting.price(order.price, instrument)
        trigger, when = triggers_in_words(row)
        forced = palette.alarm if order.is_liquidation else None
        return {
            "instrument": (
                self.market_name(instrument, in_margin_wallet=order.in_margin_wallet),
                forced or palette.text,
            ),
            "side": (order.side.value.upper(), forced or palette.side(order.side)),
            "filled": (f"{filled} / {formatting.quantity(order.quantity, instrument)}", palette.text),
            "price": (price or ("" if trigger else "market"), palette.text),
            "trigger": (trigger, palette.text),
            "when": (when, palette.muted),
            "state": (state_in_words(row, self.now), state),
            "type and state": (type_and_state_in_words(row, self.now), state),
            "type": (type_in_words(row), forced or palette.muted),
            "with": (exits_in_words(row) or closes_in_words(order, self._names), palette.muted),
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
