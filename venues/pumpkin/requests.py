"""What takes many parameters: orders, plan orders, take-profit and stop-loss.

`fields` of each returns its parameters as they are sent.

Raises (`fields`, all of them):
    BadRequest: it is not written as the venue writes it. Nothing was sent.
"""

from __future__ import annotations

from typing import Any

import msgspec

from venues.errors import BadRequest
from venues.pumpkin import VENUE
from venues.pumpkin.models.words import (
    EntrustType,
    OrderSide,
    OrderType,
    PositionSide,
    TimeInForce,
    TriggerPriceType,
)
from venues.pumpkin.parameters import (
    Figure,
    Value,
    client_order_id_of,
    contracts_of,
    figure_of,
    id_of,
    maybe_id_of,
    moment_of,
    number_of,
    one_of,
    symbol_of,
)
from venues.transport.parameters import compact, given

SIDES, POSITION_SIDES, ORDER_TYPES = tuple(OrderSide), tuple(PositionSide), tuple(OrderType)
TIMES_IN_FORCE, ENTRUST_TYPES, TRIGGERS = tuple(TimeInForce), tuple(EntrustType), tuple(TriggerPriceType)
LEVELS, PLAN_LEVELS = (1, 5, 10, 15), (1, 2, 5, 10, 15)
FULL, PARTIAL = 1, 2
"""Of `profit_flag`: for the whole position, or for a part of it."""

_CLOSES = {(OrderSide.BUY, PositionSide.SHORT), (OrderSide.SELL, PositionSide.LONG)}
_MARKETS = (EntrustType.STOP_MARKET, EntrustType.TAKE_PROFIT_MARKET)
_MOST_LEVERAGE = 1_000


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """POST /v2/order/create (section "Create Order"), and one item of /v2/order/create-batch.

    `orig_qty` is whole contracts. `leverage` must be that of the contract as it is, or of its open position; left
    out it is the contract's. Inferred: the document calls it required, and leaves it out in its sample. What
    closes takes `position_id` and `reduce_only`. The last six attach a take-profit and a stop-loss; a trigger
    without a type is MARKET.
    """

    symbol: str
    order_side: OrderSide | str
    position_side: PositionSide | str
    orig_qty: Figure
    leverage: int | None = None
    order_type: OrderType | str = OrderType.LIMIT
    price: Figure | None = None
    time_in_force: TimeInForce | str | None = None
    reduce_only: bool | None = None
    client_order_id: str | None = None
    position_id: str | int | None = None
    market_order_level: int | None = None
    trigger_profit_price: Figure | None = None
    trigger_stop_price: Figure | None = None
    profit_order_type: OrderType | str | None = None
    stop_order_type: OrderType | str | None = None
    profit_order_price: Figure | None = None
    stop_order_price: Figure | None = None

    def fields(self) -> dict[str, Value]:
        if self.reduce_only and self.position_id is None:
            raise BadRequest(VENUE, "what closes names its position")
        return {
            **self._essence(),
            **compact(
                leverage=given(self.leverage, number_of, "a leverage", 1, _MOST_LEVERAGE),
                reduceOnly=self.reduce_only,
                marketOrderLevel=_level_of(self.market_order_level, LEVELS),
            ),
            **_exit("Profit", self.trigger_profit_price, self.profit_order_type, self.profit_order_price),
            **_exit("Stop", self.trigger_stop_price, self.stop_order_type, self.stop_order_price),
        }

    def item(self) -> dict[str, Any]:
        """Returns it as an item of a batch, its figures as the numbers that the document shows there.

        Raises:
            BadRequest: also for what items are not documented to have: reduceOnly, levels, attached exits.
        """
        attached = (self.trigger_profit_price, self.trigger_stop_price, self.market_order_level)
        if self.reduce_only or any(each is not None for each in attached):
            raise BadRequest(VENUE, "an item of a batch can not be reduceOnly, nor have a level or exits")
        if self.time_in_force is None:
            raise BadRequest(VENUE, "an item of a batch needs a timeInForce")
        whole = {"isCreate": True, "price": "0", **self._essence()}
        for name in ("price", "origQty", "positionId"):
            if name in whole:
                whole[name] = msgspec.Raw(str(whole[name]).encode())
        return whole

    def _essence(self) -> dict[str, Any]:
        kind = one_of(self.order_type, ORDER_TYPES, "an order type")
        if kind == OrderType.LIMIT and self.price is None:
            raise BadRequest(VENUE, "a limit order needs a price")
        return compact(
            symbol=symbol_of(self.symbol),
            orderType=kind,
            orderSide=one_of(self.order_side, SIDES, "a side"),
            positionSide=one_of(self.position_side, POSITION_SIDES, "a position side"),
            origQty=contracts_of(self.orig_qty),
            price=_price_of(self.price, "the price"),
            timeInForce=given(self.time_in_force, one_of, TIMES_IN_FORCE, "a time in force"),
            clientOrderId=given(self.client_order_id, client_order_id_of),
            positionId=maybe_id_of(self.position_id, "a position's id"),
        )


class NewPlan(msgspec.Struct, frozen=True, kw_only=True):
    """POST /v2/entrust/create-plan (section "Create Conditional Order"): an order that waits for its trigger.

    There is no id of ours. What closes (BUY of a SHORT, SELL of a LONG) names its position. `expire_time` in
    milliseconds. Inferred: the market types take no `price`, which the table calls required of all.
    """

    symbol: str
    entrust_type: EntrustType | str
    order_side: OrderSide | str
    position_side: PositionSide | str
    orig_qty: Figure
    stop_price: Figure
    trigger_price_type: TriggerPriceType | str
    time_in_force: TimeInForce | str = TimeInForce.GTC
    price: Figure | None = None
    market_order_level: int | None = None
    position_id: str | int | None = None
    expire_time: int | None = None

    def fields(self) -> dict[str, Value]:
        kind = one_of(self.entrust_type, ENTRUST_TYPES, "a plan order's type")
        if kind not in _MARKETS and self.price is None:
            raise BadRequest(VENUE, "a plan order of this type needs a price")
        if (self.order_side, self.position_side) in _CLOSES and self.position_id is None:
            raise BadRequest(VENUE, "what closes names its position")
        return compact(
            symbol=symbol_of(self.symbol),
            entrustType=kind,
            orderSide=one_of(self.order_side, SIDES, "a side"),
            positionSide=one_of(self.position_side, POSITION_SIDES[:2], "a position side"),
            timeInForce=one_of(self.time_in_force, TIMES_IN_FORCE, "a time in force"),
            origQty=contracts_of(self.orig_qty),
            price=_price_of(self.price, "the price"),
            stopPrice=figure_of(self.stop_price, "the trigger"),
            triggerPriceType=one_of(self.trigger_price_type, TRIGGERS, "a trigger"),
            marketOrderLevel=_level_of(self.market_order_level, PLAN_LEVELS),
            positionId=maybe_id_of(self.position_id, "a position's id"),
            expireTime=given(self.expire_time, moment_of),
        )


class NewProfitStop(msgspec.Struct, frozen=True, kw_only=True):
    """POST /v2/entrust/create-profit (section "Create Take Profit/Stop Loss").

    With `position_id` it closes that position, `orig_qty` 0 all of it; without, it opens one, and needs
    `order_side` and `position_side`. `expire_time` in milliseconds.
    """

    symbol: str
    orig_qty: Figure
    position_id: str | int | None = None
    order_side: OrderSide | str | None = None
    position_side: PositionSide | str | None = None
    trigger_price_type: TriggerPriceType | str | None = None
    trigger_profit_price: Figure | None = None
    trigger_stop_price: Figure | None = None
    profit_order_type: OrderType | str | None = None
    stop_order_type: OrderType | str | None = None
    profit_order_price: Figure | None = None
    stop_order_price: Figure | None = None
    reduce_only: bool | None = None
    profit_flag: int | None = None
    expire_time: int | None = None

    def fields(self) -> dict[str, Value]:
        if self.position_id is None and (self.order_side is None or self.position_side is None):
            raise BadRequest(VENUE, "without a position it needs both sides")
        _check_a_trigger(self.trigger_profit_price, self.trigger_stop_price)
        return {
            **compact(
                symbol=symbol_of(self.symbol),
                origQty=contracts_of(self.orig_qty, least=0),
                positionId=maybe_id_of(self.position_id, "a position's id"),
                orderSide=given(self.order_side, one_of, SIDES, "a side"),
                positionSide=given(self.position_side, one_of, POSITION_SIDES, "a position side"),
                triggerPriceType=given(self.trigger_price_type, one_of, TRIGGERS, "a trigger"),
                reduceOnly=self.reduce_only,
                profitFlag=given(self.profit_flag, number_of, "a profitFlag", FULL, PARTIAL),
                expireTime=given(self.expire_time, moment_of),
            ),
            **_exit("Profit", self.trigger_profit_price, self.profit_order_type, self.profit_order_price),
            **_exit("Stop", self.trigger_stop_price, self.stop_order_type, self.stop_order_price),
        }


class ProfitStopChange(msgspec.Struct, frozen=True, kw_only=True):
    """POST /v2/entrust/update-profit-stop (section "Update Take Profit/Stop Loss"); at least one trigger.

    Whether what is left out stays as it was is not documented: name all that shall hold.
    """

    profit_id: str | int
    trigger_profit_price: Figure | None = None
    trigger_stop_price: Figure | None = None
    trigger_price_type: TriggerPriceType | str | None = None
    profit_order_type: OrderType | str | None = None
    stop_order_type: OrderType | str | None = None
    profit_order_price: Figure | None = None
    stop_order_price: Figure | None = None
    orig_qty: Figure | None = None
    profit_flag: int | None = None

    def fields(self) -> dict[str, Value]:
        _check_a_trigger(self.trigger_profit_price, self.trigger_stop_price)
        return {
            **compact(
                profitId=id_of(self.profit_id, "an id"),
                triggerPriceType=given(self.trigger_price_type, one_of, TRIGGERS, "a trigger"),
                origQty=None if self.orig_qty is None else contracts_of(self.orig_qty, least=0),
                profitFlag=given(self.profit_flag, number_of, "a profitFlag", FULL, PARTIAL),
            ),
            **_exit("Profit", self.trigger_profit_price, self.profit_order_type, self.profit_order_price),
            **_exit("Stop", self.trigger_stop_price, self.stop_order_type, self.stop_order_price),
        }


def cancel_item(symbol: str, order_id: str | int) -> dict[str, Any]:
    """Returns a cancel as an item of a batch, with its id as a number."""
    number = msgspec.Raw(id_of(order_id, "an order's id").encode())
    return {"isCreate": False, "orderId": number, "symbol": symbol_of(symbol)}


def _exit(
    name: str, trigger: Figure | None, kind: OrderType | str | None, price: Figure | None
) -> dict[str, Value]:
    """Returns the parameters of one exit, `name` Profit or Stop: a trigger needs a type, a LIMIT a price."""
    if trigger is None:
        if kind is not None or price is not None:
            raise BadRequest(VENUE, "an exit without a trigger")
        return {}
    chosen = one_of(kind or OrderType.MARKET, ORDER_TYPES, "an order type")
    if (chosen == OrderType.LIMIT) is not (price is not None):
        raise BadRequest(VENUE, "a LIMIT exit needs a price, and a MARKET exit takes none")
    return compact(
        **{
            f"trigger{name}Price": figure_of(trigger, "a trigger"),
            f"{name.lower()}OrderType": chosen,
            f"{name.lower()}OrderPrice": _price_of(price, "an exit's price"),
        }
    )


def _check_a_trigger(profit: Figure | None, stop: Figure | None) -> None:
    if profit is None and stop is None:
        raise BadRequest(VENUE, "neither a take-profit nor a stop-loss is given")


def _price_of(price: Figure | None, what: str) -> str | None:
    return None if price is None else figure_of(price, what)


def _level_of(level: int | None, levels: tuple[int, ...]) -> int | None:
    if level is not None and level not in levels:
        raise BadRequest(VENUE, f"a market order level is one of {', '.join(map(str, levels))}")
    return level
