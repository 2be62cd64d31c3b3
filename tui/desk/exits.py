"""Exits: orders that wait for a trigger to close a position, and end with it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from venues.model import ZERO, Order, OrderStatus, Position

_RESTING = (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


def is_exit(order: Order) -> bool:
    """Says whether an order waits to close something, and has not begun to."""
    return order.reduce_only and order.type.has_trigger and not order.is_triggered


def is_bound(order: Order) -> bool:
    """Says whether it is the exit of one certain position, whose id its venue never gives again."""
    side, _, _ = order.position_id.partition(":")  # "long:isolated" is that of every long after it, too
    return is_exit(order) and side not in ("", "net", "long", "short")


def bound_by(orders: Iterable[Order], position: Position) -> Decimal:
    """Returns how much of a position rests in orders that close it: no other close of that part is taken."""
    place = position.instrument, position.position_id
    return sum(
        (
            one.remaining
            for one in orders
            if one.reduce_only and one.status in _RESTING and (one.instrument, one.position_id) == place
            if not is_exit(one)
        ),
        ZERO,
    )
