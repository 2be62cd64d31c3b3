"""What takes many parameters: a new order."""

from __future__ import annotations

import msgspec

from venues.errors import BadRequest
from venues.mayex import VENUE
from venues.mayex.models.words import OrderType, PositionSide, ResponseType, Side, TimeInForce, TriggerType
from venues.mayex.parameters import Figure, Value, client_order_id_of, figure_of, flag_of, one_of, symbol_of
from venues.transport.parameters import compact, given

SIDES, POSITION_SIDES, ORDER_TYPES = tuple(Side), tuple(PositionSide), tuple(OrderType)
TIMES_IN_FORCE, RESPONSES = tuple(TimeInForce), tuple(ResponseType)
TRIGGERS = (TriggerType.MARK_PRICE, TriggerType.LAST_PRICE)


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """POST /order/v1/private/orders/place-order, with all that its table has; `quantity` in the base coin.

    BUY of a LONG and SELL of a SHORT open, the other two close. `isolated` names which of the positions of that
    side is meant. With `close_position` an order with a trigger closes all of it, and has no quantity. The last
    four attach a take-profit and a stop-loss to what opens.
    """

    symbol: str
    client_order_id: str
    side: Side | str
    position_side: PositionSide | str
    isolated: bool
    quantity: Figure | None = None
    type: OrderType | str = OrderType.LIMIT
    price: Figure | None = None
    time_in_force: TimeInForce | str = TimeInForce.GTC
    close_position: bool | None = None
    conditional: bool | None = None
    trigger_type: TriggerType | str | None = None
    trigger_price: Figure | None = None
    tp_trigger_type: TriggerType | str | None = None
    tp_trigger_price: Figure | None = None
    sl_trigger_type: TriggerType | str | None = None
    sl_trigger_price: Figure | None = None
    response_type: ResponseType | str = ResponseType.ACK

    @property
    def closes(self) -> bool:
        """Whether it takes from a position: what opens has the side of its position."""
        return (self.side == Side.BUY) != (self.position_side == PositionSide.LONG)

    def fields(self) -> dict[str, Value]:
        """Returns its parameters as they are sent.

        Raises:
            BadRequest: it is not written as the venue writes it. Nothing was sent.
        """
        kind = OrderType(one_of(self.type, ORDER_TYPES, "an order type"))
        self._check_prices(kind)
        if self.quantity is None and not (self.close_position and kind.has_trigger):
            raise BadRequest(VENUE, "an order needs a quantity, but for one that closes a position at a trigger")
        return compact(
            symbol=symbol_of(self.symbol),
            clientOrderId=client_order_id_of(self.client_order_id),
            side=one_of(self.side, SIDES, "a side"),
            positionSide=one_of(self.position_side, POSITION_SIDES, "a position side"),
            isolated=flag_of(self.isolated, "isolated"),
            closePosition=given(self.close_position, flag_of, "closePosition"),
            quantity=_figure(self.quantity, "a quantity"),
            price=_figure(self.price, "the price"),
            type=kind.value,
            timeInForce=one_of(self.time_in_force, TIMES_IN_FORCE, "a time in force"),
            conditional=given(self.conditional, flag_of, "conditional"),
            **_trigger("trigger", self.trigger_type, self.trigger_price),
            **_trigger("tpTrigger", self.tp_trigger_type, self.tp_trigger_price),
            **_trigger("slTrigger", self.sl_trigger_type, self.sl_trigger_price),
            orderRespType=one_of(self.response_type, RESPONSES, "a response type"),
        )

    def _check_prices(self, kind: OrderType) -> None:
        if kind.has_price and self.price is None:
            raise BadRequest(VENUE, "an order of this type needs a price")
        if not kind.has_price and self.price is not None:
            raise BadRequest(VENUE, "an order of this type takes no price")
        if kind.has_trigger != (self.trigger_price is not None):
            raise BadRequest(VENUE, "an order has a trigger where its type has one, and only there")


def _figure(value: Figure | None, what: str) -> str | None:
    return None if value is None else figure_of(value, what)


def _trigger(name: str, kind: TriggerType | str | None, price: Figure | None) -> dict[str, Value]:
    """Returns a trigger's two parameters, whose names begin with `name`; none where there is no trigger."""
    if (kind is None) != (price is None):
        raise BadRequest(VENUE, "a trigger is a price and what reaches it: both or neither")
    if kind is None or price is None:
        return {}
    return {f"{name}Type": one_of(kind, TRIGGERS, "a trigger"), f"{name}Price": figure_of(price, "the trigger")}
