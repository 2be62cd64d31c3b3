"""Orders of Pumpkin: rows of its answers -> `venues.model`. Contracts become base units.

Every parser raises DecodeError for what the document does not allow, and nothing else. Words of order types, times
in force and states that nobody knows are read as what is nearest: one new word must not hide all orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from venues.errors import BadRequest, DecodeError
from venues.model import Instrument, Order, OrderStatus, OrderType, Side, TimeInForce
from venues.pumpkin import VENUE
from venues.pumpkin.figures import base_of
from venues.pumpkin.models import Order as Row
from venues.pumpkin.parameters import id_of

_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_TIMES = {"IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_CLOSES = {("BUY", "SHORT"), ("SELL", "LONG")}
_STATES: Mapping[str, OrderStatus] = {
    "NEW": OrderStatus.NEW,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "PARTIALLY_CANCELED": OrderStatus.CANCELED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
}


def parse_order(row: Row, instrument: Instrument) -> Order:
    """Returns an order; its `venue_order_id` is its number at the venue, its `ts_event` when it was made.

    What closes is told by its sides, since `reduceOnly` is not in the answers. `forceClose` is read as the force
    of the venue only where no plan order and no exit has placed it: the document calls it a full closing as well.
    """
    size = instrument.contract_size
    quantity, filled = base_of(row.orig_qty, size), base_of(row.executed_qty, size)
    if filled > quantity:
        raise DecodeError(VENUE, "an order that traded more than its size")
    if quantity <= 0 or filled < 0:
        raise DecodeError(VENUE, "an order without a size")
    is_market = row.order_type == "MARKET" or row.price <= 0
    created = row.created_time * 1_000_000
    return Order(
        instrument=instrument.id,
        client_order_id=row.client_order_id or "",
        venue_order_id=number_of(row.order_id),
        side=side_of(row.order_side),
        type=OrderType.MARKET if is_market else OrderType.LIMIT,
        quantity=quantity,
        status=status_of(row.state, quantity, filled),
        price=None if is_market else row.price,
        time_in_force=time_of(row.time_in_force),
        post_only=row.time_in_force == "GTX",
        reduce_only=is_closing(row.order_side, row.position_side),
        filled_quantity=filled,
        average_price=row.avg_price if filled and row.avg_price > 0 else None,
        ts_created=created,
        ts_event=created,
        reason="" if row.state in _STATES else f"the venue says {row.state[:32]!r}",
        take_profit=_above_zero(row.trigger_profit_price),
        stop_loss=_above_zero(row.trigger_stop_price),
        is_liquidation=bool(row.force_close) and not source_of(row),
    )


def source_of(row: Row) -> str:
    """Returns the number of the plan order or the exit that has placed an order; empty where none has."""
    return "" if row.source_id in (None, 0, "", "0") else str(row.source_id)


def child_of(source: Order, child: Order) -> Order:
    """Returns a plan order or an exit once it has placed `child`: as that stands, under its own name."""
    return msgspec.structs.replace(
        source,
        is_triggered=True,
        status=child.status,
        quantity=child.quantity,
        price=child.price if source.type.has_price else None,
        filled_quantity=child.filled_quantity,
        average_price=child.average_price,
        reason=child.reason,
    )


def status_of(state: str, quantity: Decimal, filled: Decimal) -> OrderStatus:
    """Returns where an order stands: a full one is FILLED whatever the word."""
    if filled and filled == quantity:
        return OrderStatus.FILLED
    status = _STATES.get(state, OrderStatus.UNKNOWN)
    if status is OrderStatus.NEW and filled:
        return OrderStatus.PARTIALLY_FILLED
    return status


def number_of(text: str) -> str:
    """Returns the number of an order, by which alone it can be cancelled. Raises DecodeError."""
    try:
        return id_of(text, "an order's number")
    except BadRequest:
        raise DecodeError(VENUE, "an order without a number") from None


def side_of(word: str) -> Side:
    """Raises DecodeError."""
    side = _SIDES.get(word)
    if side is None:
        raise DecodeError(VENUE, "a side that is neither BUY nor SELL")
    return side


def time_of(word: str | None) -> TimeInForce:
    return _TIMES.get(word or "", TimeInForce.GTC)


def is_closing(order_side: str, position_side: str) -> bool:
    """Says whether an order is one that closes, by the document's own rule."""
    return (order_side, position_side) in _CLOSES


def _above_zero(value: Decimal | None) -> Decimal | None:
    return value if value is not None and value > 0 else None
