"""What the desk asks for, as it is sent to Mayex.

Side and `reduce_only` decide the side of the position: what buys and does not only reduce opens a long. A trigger
that closes is a stop-loss or a take-profit; one that opens is conditional, and waits on that side of the market on
which its trigger lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from venues.commands import OrderRequest
from venues.mayex.checks import opens_by_trigger
from venues.mayex.figures import symbol_of
from venues.mayex.models.words import OrderType as Kind
from venues.mayex.models.words import PositionSide, ResponseType, TriggerType
from venues.mayex.models.words import Side as Word
from venues.mayex.models.words import TimeInForce as Time
from venues.mayex.requests import NewOrder
from venues.model import MarginMode, OrderType, Side, TimeInForce

_TIMES: Mapping[TimeInForce, Time] = {
    TimeInForce.GTC: Time.GTC,
    TimeInForce.IOC: Time.IOC,
    TimeInForce.FOK: Time.FOK,
}
_KINDS: Mapping[OrderType, Kind] = {
    OrderType.LIMIT: Kind.LIMIT,
    OrderType.MARKET: Kind.MARKET,
    OrderType.STOP: Kind.STOP_LOSS_MARKET,
    OrderType.STOP_LIMIT: Kind.STOP_LOSS_LIMIT,
    OrderType.TAKE_PROFIT: Kind.TAKE_PROFIT_MARKET,
    OrderType.TAKE_PROFIT_LIMIT: Kind.TAKE_PROFIT_LIMIT,
}


def order_of(request: OrderRequest, mode: MarginMode, trigger: TriggerType) -> NewOrder:
    """Returns an order as it is sent; `trigger` is the price that sets triggers off. Raises BadRequest."""
    is_conditional = opens_by_trigger(request)
    kind = _KINDS[request.type]
    if is_conditional:
        kind = Kind.CONDITIONAL_LIMIT if request.type.has_price else Kind.CONDITIONAL_MARKET
    is_buy = request.side is Side.BUY
    is_long = is_buy is not request.reduce_only
    return NewOrder(
        symbol=symbol_of(request.instrument),
        client_order_id=request.client_order_id,
        side=Word.BUY if is_buy else Word.SELL,
        position_side=PositionSide.LONG if is_long else PositionSide.SHORT,
        isolated=mode is MarginMode.ISOLATED,
        quantity=request.quantity,
        type=kind,
        price=request.price,
        time_in_force=_time_of(request),
        conditional=True if is_conditional else None,
        response_type=ResponseType.ACK,
        **_triggers(request, trigger),
    )


def _time_of(request: OrderRequest) -> Time:
    """One at the market can not rest (the stream's sample of one has IOC); what waits for a trigger can."""
    if request.post_only:
        return Time.POST_ONLY
    time = _TIMES[request.time_in_force]
    return Time.IOC if request.type is OrderType.MARKET and time is Time.GTC else time


def _triggers(request: OrderRequest, trigger: TriggerType) -> dict[str, Any]:
    prices = (
        ("trigger", request.trigger_price), ("tp_trigger", request.take_profit), ("sl_trigger", request.stop_loss),
    )  # fmt: skip
    found: dict[str, Any] = {}
    for name, price in prices:
        if price is not None:
            found |= {f"{name}_type": trigger, f"{name}_price": price}
    return found
