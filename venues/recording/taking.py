"""What a marketable order takes of the displayed book, and when a trigger is reached. Pure functions."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from venues.book import PricedLevel
from venues.model import ZERO, Order, OrderType, Side
from venues.recording.market import Market

PROTECTION = Decimal("0.05")  # how far from the best price a market order may go, as a fraction
_RISING = frozenset(
    {
        (OrderType.STOP, Side.BUY),
        (OrderType.STOP_LIMIT, Side.BUY),
        (OrderType.TAKE_PROFIT, Side.SELL),
        (OrderType.TAKE_PROFIT_LIMIT, Side.SELL),
    }
)


class Plan(NamedTuple):
    """What an order would take of the displayed book now."""

    fills: list[PricedLevel]
    quantity: Decimal
    value: Decimal  # in the quote currency


def plan_taking(market: Market, order: Order, wanted: Decimal) -> Plan:
    limit: Decimal | None = order.price if order.type.has_price else None
    fills: list[PricedLevel] = []
    left, value = wanted, ZERO
    for price, quantity in market.book.walk(order.side.opposite):
        if limit is None:
            limit = price * (1 + order.side.sign * PROTECTION)
        if not left or (price - limit) * order.side.sign > 0:
            break
        taken = min(left, quantity)
        fills.append((price, taken))
        left -= taken
        value += price * taken
    return Plan(fills, wanted - left, value)


def is_reached(order: Order, price: Decimal) -> bool:
    if order.trigger_price is None:
        return False
    return price >= order.trigger_price if (order.type, order.side) in _RISING else price <= order.trigger_price


def why_not_resting(order: Order, *, is_killed: bool) -> str:
    if is_killed:
        return "fill-or-kill: not enough is displayed to fill all of it"
    if not order.type.has_price:
        return "the rest was cancelled: no more is displayed within the protection of a market order"
    return "immediate-or-cancel: the rest was cancelled"
