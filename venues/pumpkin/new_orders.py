"""What the desk asks for, as it is sent to Pumpkin: plain orders, plan orders that open, exits that close.

Side and `reduce_only` decide the side of the position: what buys and does not only reduce opens a long.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from venues.commands import OrderRequest
from venues.errors import BadRequest
from venues.model import OrderType, Side, TimeInForce
from venues.pumpkin import VENUE
from venues.pumpkin.figures import symbol_of
from venues.pumpkin.memory import Kind
from venues.pumpkin.models import EntrustType, OrderSide, PositionSide, TriggerPriceType
from venues.pumpkin.models import OrderType as PlainType
from venues.pumpkin.models import TimeInForce as Time
from venues.pumpkin.requests import PARTIAL, NewOrder, NewPlan, NewProfitStop

_TIMES: Mapping[TimeInForce, Time] = {
    TimeInForce.GTC: Time.GTC,
    TimeInForce.IOC: Time.IOC,
    TimeInForce.FOK: Time.FOK,
}
_PLANS: Mapping[OrderType, EntrustType] = {
    OrderType.STOP: EntrustType.STOP_MARKET,
    OrderType.STOP_LIMIT: EntrustType.STOP,
    OrderType.TAKE_PROFIT: EntrustType.TAKE_PROFIT_MARKET,
    OrderType.TAKE_PROFIT_LIMIT: EntrustType.TAKE_PROFIT,
}


def kind_of(request: OrderRequest) -> Kind:
    """Returns what an order is at the venue: a plan order opens by a trigger, an exit closes by one."""
    if not request.type.has_trigger:
        return Kind.ORDER
    return Kind.EXIT if request.reduce_only else Kind.PLAN


def order_of(request: OrderRequest, contracts: int, leverage: int | None) -> NewOrder:
    """Returns a plain order as it is sent, one without `leverage` at the contract's own.

    One at the market can not rest.
    """
    is_market = request.type is OrderType.MARKET
    time = Time.GTX if request.post_only else _TIMES[request.time_in_force]
    return NewOrder(
        **_sides(request),
        symbol=symbol_of(request.instrument),
        order_type=PlainType.MARKET if is_market else PlainType.LIMIT,
        orig_qty=contracts,
        leverage=leverage,
        price=request.price,
        time_in_force=Time.IOC if is_market and time is Time.GTC else time,
        reduce_only=True if request.reduce_only else None,
        position_id=request.position_id or None,
        client_order_id=request.client_order_id,
        trigger_profit_price=request.take_profit,
        profit_order_type=PlainType.MARKET if request.take_profit is not None else None,
        trigger_stop_price=request.stop_loss,
        stop_order_type=PlainType.MARKET if request.stop_loss is not None else None,
    )


def plan_of(request: OrderRequest, contracts: int, trigger: TriggerPriceType) -> NewPlan:
    """Returns a plan order as it is sent."""
    time = Time.GTX if request.post_only else _TIMES[request.time_in_force]
    return NewPlan(
        **_sides(request),
        symbol=symbol_of(request.instrument),
        entrust_type=_PLANS[request.type],
        orig_qty=contracts,
        stop_price=_trigger_of(request),
        trigger_price_type=trigger,
        time_in_force=Time.IOC if time is Time.GTC and not request.type.has_price else time,
        price=request.price,
    )


def exit_of(request: OrderRequest, contracts: int, trigger: TriggerPriceType) -> NewProfitStop:
    """Returns an exit as it is sent: always of so many contracts, for a full one closes what was added since."""
    kind = PlainType.LIMIT if request.type.has_price else PlainType.MARKET
    exits: dict[str, Any] = {
        "trigger_stop_price": _trigger_of(request), "stop_order_type": kind, "stop_order_price": request.price,
    }  # fmt: skip
    if request.type in (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT):
        exits = {name.replace("stop", "profit"): value for name, value in exits.items()}
        if request.stop_loss is not None:
            exits |= {"trigger_stop_price": request.stop_loss, "stop_order_type": PlainType.MARKET}
    return NewProfitStop(
        symbol=symbol_of(request.instrument),
        position_id=request.position_id,
        orig_qty=contracts,
        trigger_price_type=trigger,
        reduce_only=True,
        profit_flag=PARTIAL,
        **exits,
    )


def _sides(request: OrderRequest) -> dict[str, Any]:
    is_buy = request.side is Side.BUY
    is_long = is_buy is not request.reduce_only
    return {
        "order_side": OrderSide.BUY if is_buy else OrderSide.SELL,
        "position_side": PositionSide.LONG if is_long else PositionSide.SHORT,
    }


def _trigger_of(request: OrderRequest) -> Decimal:
    if request.trigger_price is None:
        raise BadRequest(VENUE, "an order that waits needs a trigger")
    return request.trigger_price
