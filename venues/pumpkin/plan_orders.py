"""Plan orders, take-profits and stop-losses of Pumpkin: rows of its answers -> `venues.model`, and their looks.

None of them has an id of ours, so that one whose answer was lost is known by its looks alone. An exit's row tells
neither its order's type nor its price, nor which position it closes: ours are remembered.

Every parser raises DecodeError for what the document does not allow, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from venues.commands import OrderRequest
from venues.errors import DecodeError
from venues.model import ZERO, Instrument, Order, OrderStatus, OrderType, Side
from venues.pumpkin import VENUE
from venues.pumpkin.figures import base_of
from venues.pumpkin.models import PlanOrder, ProfitStop
from venues.pumpkin.parse_orders import is_closing, number_of, side_of, time_of

TRIGGERED = "TRIGGERED"

# The document's samples show LIMIT, which is none of the types that it lists: a plan order with a price.
_TYPES: Mapping[str, OrderType] = {
    "STOP": OrderType.STOP_LIMIT,
    "STOP_MARKET": OrderType.STOP,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT_LIMIT,
    "TAKE_PROFIT_MARKET": OrderType.TAKE_PROFIT,
    "LIMIT": OrderType.STOP_LIMIT,
    "TRAILING_STOP_MARKET": OrderType.STOP,
}
_STATES: Mapping[str, OrderStatus] = {
    "NOT_TRIGGERED": OrderStatus.NEW,
    "TRIGGERING": OrderStatus.NEW,
    TRIGGERED: OrderStatus.NEW,  # what became of it then, the order tells that it has placed
    "USER_REVOCATION": OrderStatus.CANCELED,
    "PLATFORM_REVOCATION": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
}
_REASONS: Mapping[str, str] = {
    "PLATFORM_REVOCATION": "the venue took it back: its position is gone, or its order was refused when triggered",
}


def parse_plan(row: PlanOrder, instrument: Instrument) -> Order:
    """Returns a plan order; its `venue_order_id` is its number at the venue."""
    kind = _TYPES.get(row.entrust_type, OrderType.STOP_LIMIT if row.price else OrderType.STOP)
    price = row.price if row.price is not None and row.price > 0 else None
    if kind.has_price and price is None:
        kind = OrderType.STOP if kind is OrderType.STOP_LIMIT else OrderType.TAKE_PROFIT
    created = row.created_time * 1_000_000
    quantity = base_of(row.orig_qty, instrument.contract_size)
    if quantity <= 0 or row.stop_price <= 0:
        raise DecodeError(VENUE, "a plan order without a size or a trigger")
    return Order(
        instrument=instrument.id,
        client_order_id="",
        venue_order_id=number_of(row.entrust_id),
        side=side_of(row.order_side),
        type=kind,
        quantity=quantity,
        status=_status_of(row.state),
        price=price if kind.has_price else None,
        trigger_price=row.stop_price,
        time_in_force=time_of(row.time_in_force),
        post_only=row.time_in_force == "GTX",
        reduce_only=is_closing(row.order_side, row.position_side),
        is_triggered=row.state == TRIGGERED,
        ts_created=created,
        ts_event=created,
        reason=_reason_of(row.state),
    )


def parse_exit(row: ProfitStop, instrument: Instrument, position_id: str = "") -> Order:
    """Returns a take-profit, a stop-loss or both; `position_id` where it is known which position it closes.

    Both together are a take-profit with a `stop_loss`: the first that is reached ends the other. 0 contracts are
    the whole position.
    """
    profit, stop = _trigger(row.trigger_profit_price), _trigger(row.trigger_stop_price)
    trigger = profit or stop
    if trigger is None:
        raise DecodeError(VENUE, "an exit without a trigger")
    if row.position_side not in ("LONG", "SHORT"):
        raise DecodeError(VENUE, "an exit of neither side")
    contracts = row.orig_qty or row.position_size or ZERO
    if contracts < 0:
        raise DecodeError(VENUE, "an exit of less than nothing")
    created = row.created_time * 1_000_000
    return Order(
        instrument=instrument.id,
        client_order_id="",
        venue_order_id=number_of(row.profit_id),
        side=Side.SELL if row.position_side == "LONG" else Side.BUY,
        type=OrderType.STOP if profit is None else OrderType.TAKE_PROFIT,
        quantity=base_of(contracts, instrument.contract_size),
        status=_status_of(row.state),
        trigger_price=trigger,
        reduce_only=True,
        position_id=position_id,
        is_triggered=row.state == TRIGGERED,
        ts_created=created,
        ts_event=created,
        reason=_reason_of(row.state),
        stop_loss=stop if profit is not None else None,
    )


def look_of(order: OrderRequest | Order) -> tuple[object, ...]:
    """Returns all that the venue tells of what was asked for: what shares it can not be told apart there."""
    common = (order.instrument, order.side, order.quantity, order.trigger_price, order.reduce_only)
    if order.reduce_only:  # an exit: neither its price nor the type of its order is told, nor always its position
        return *common, order.type in (OrderType.STOP, OrderType.STOP_LIMIT), order.stop_loss
    return *common, order.type, order.price


def is_like(asked: OrderRequest, order: Order) -> bool:
    """Says whether an entry of the venue looks as one that was asked for."""
    return order.position_id in ("", asked.position_id) and look_of(asked) == look_of(order)


def the_only_one(entries: Sequence[Order]) -> Order | None:
    """Returns the one of them; None where there is none, or more than one: either could be ours."""
    return entries[0] if len(entries) == 1 else None


def _status_of(state: str) -> OrderStatus:
    return _STATES.get(state, OrderStatus.UNKNOWN)


def _reason_of(state: str) -> str:
    return _REASONS.get(state, "" if state in _STATES else f"the venue says {state[:32]!r}")


def _trigger(price: Decimal | None) -> Decimal | None:
    return price if price is not None and price > 0 else None
