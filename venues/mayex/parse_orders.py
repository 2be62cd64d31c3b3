"""Orders of Mayex: rows of its answers and pushes -> `venues.model`.

Every parser raises DecodeError for what the document does not allow, and nothing else. Words of order types, times
in force and statuses that nobody knows are read as what is nearest: one new word must not hide all orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from venues.errors import DecodeError
from venues.mayex import VENUE
from venues.mayex.figures import (
    at_least_zero,
    milliseconds_of,
    neat,
    ns_of_milliseconds,
    plain,
    positive_or_none,
    side_of,
)
from venues.mayex.models.trading import OpenOrder, PastOrder
from venues.mayex.models.trading import Order as Answer
from venues.mayex.models.words import TriggerType
from venues.mayex.pushes import PushedOrder
from venues.mayex.sides import closes, name_of, position_id_of
from venues.model import ZERO, Instrument, Order, OrderStatus, OrderType, Side, TimeInForce

_TYPES: Mapping[str, OrderType] = {
    "STOP_LOSS_MARKET": OrderType.STOP,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
    "TAKE_PROFIT_MARKET": OrderType.TAKE_PROFIT,
    "TAKE_PROFIT_LIMIT": OrderType.TAKE_PROFIT_LIMIT,
}
_CONDITIONAL = "CONDITIONAL_"
_TIMES = {"IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_STATUSES: Mapping[str, OrderStatus] = {
    "NEW": OrderStatus.NEW,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "REPLACED": OrderStatus.CANCELED,  # the platform's: another order stands in its place
}
_ENDS = {"E_CANCELED": "CANCELED", "E_EXPIRED": "EXPIRED"}
_NOT_LIQUIDATED = ("L_NONE", "", None)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What answers, rows and pushes tell alike; a price of zero is none."""

    order_id: int
    client_id: str | None
    side: str
    position_side: str
    isolated: bool
    type: str
    quantity: Decimal
    filled: Decimal
    status: str
    asked_type: str | None = None
    average_price: Decimal | None = None
    price: Decimal | None = None
    time_in_force: str | None = None
    closes_all: bool = False
    trigger_type: str | None = None
    trigger_price: Decimal | None = None
    mark_at_place: Decimal | None = None
    last_at_place: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    time: int = 0  # of its last change, milliseconds; 0 where it is not told
    is_liquidation: bool = False


def facts_of_answer(row: Answer) -> Facts:
    """Returns what the answer to a new order or a cancel tells."""
    return Facts(
        order_id=row.order_id,
        client_id=row.client_order_id,
        side=row.side,
        position_side=row.position_side,
        isolated=row.isolated,
        type=row.type,
        asked_type=row.orig_type,
        quantity=row.orig_qty,
        filled=max(row.cum_qty or ZERO, row.executed_qty or ZERO),
        average_price=row.avg_price,
        status=row.status,
        price=row.price,
        time_in_force=row.time_in_force,
        trigger_type=row.trigger_type,
        trigger_price=row.trigger_price,
        take_profit=row.tp_trigger_price,
        stop_loss=row.sl_trigger_price,
    )


def facts_of_row(row: OpenOrder) -> Facts:
    """Returns what a row of open-orders or order-histories tells; the latter's average is `avlPrice`."""
    past = row if isinstance(row, PastOrder) else None
    return Facts(
        order_id=row.order_id,
        client_id=row.client_order_id,
        side=row.side,
        position_side=row.position_side,
        isolated=row.isolated,
        type=row.type,
        quantity=row.orig_qty or ZERO,
        filled=row.executed_qty or ZERO,
        average_price=past.average_price if past is not None else None,
        status=row.status,
        price=row.price,
        time_in_force=row.time_in_force,
        closes_all=bool(row.close_position),
        trigger_type=row.trigger_type,
        trigger_price=row.trigger_price,
        mark_at_place=row.mark_price_at_place,
        last_at_place=row.last_price_at_place,
        take_profit=row.tp_trigger_price,
        stop_loss=row.sl_trigger_price,
        time=row.transact_time or 0,
        is_liquidation=past is not None and past.liq_counterparty_type not in _NOT_LIQUIDATED,
    )


def facts_of_push(row: PushedOrder) -> Facts | None:
    """Returns what ORDER_TRADE_UPDATE tells; None where sides, mode or type are missing.

    The platform's own sample says NEW of an order that is filled: what has traded is believed, and the status only
    where it is an end that no amount tells.
    """
    if row.side is None or row.position_side is None or row.isolated is None or row.type is None:
        return None
    status = _ENDS.get(row.execution or "", row.status or "NEW")
    if status == "FILLED" and row.filled < row.quantity:
        status = "NEW"
    return Facts(
        order_id=row.order_id,
        client_id=row.client_id,
        side=row.side,
        position_side=row.position_side,
        isolated=row.isolated,
        type=row.type,
        quantity=row.quantity,
        filled=row.filled,
        average_price=row.average_price,
        status=status,
        price=row.price,
        time_in_force=row.time_in_force,
        closes_all=bool(row.close_position),
        trigger_type=row.trigger_type,
        trigger_price=row.trigger_price,
        take_profit=row.tp_price,
        stop_loss=row.sl_price,
        time=row.time or 0,
    )


def parse_order(facts: Facts, instrument: Instrument, held: Decimal | None = None) -> Order:
    """Returns an order, its `venue_order_id` being the venue's number and its `ts_event` its last change.

    One that closes a whole position has no size of its own: it is as large as what is `held`, if that is known.
    What the venue may leave out of it, the direction of a trigger, is read as a stop's.
    """
    if facts.order_id <= 0:
        raise DecodeError(VENUE, "an order without a number")
    quantity, filled = (neat(at_least_zero(size), instrument.lot_size) for size in (facts.quantity, facts.filled))
    side, kind, is_closing = side_of(facts.side), type_of(facts), closes(side_of(facts.side), facts.position_side)
    if not quantity:
        if not (facts.closes_all or (is_closing and kind.has_trigger)):
            raise DecodeError(VENUE, "an order without a size")
        quantity = max(filled, abs(held or ZERO))
    elif filled > quantity:
        raise DecodeError(VENUE, "an order that traded more than its size")
    price, trigger, take_profit, stop_loss = (
        neat(value, instrument.tick_size) if (value := positive_or_none(found)) is not None else None
        for found in (facts.price, facts.trigger_price, facts.take_profit, facts.stop_loss)
    )
    average = positive_or_none(facts.average_price) if filled else None
    is_known = name_of(position_id_of(facts.position_side, isolated=facts.isolated)) is not None
    changed = ns_of_milliseconds(milliseconds_of(facts.time))
    return Order(
        instrument=instrument.id,
        client_order_id=facts.client_id or "",
        venue_order_id=str(facts.order_id),
        side=side,
        type=kind,
        quantity=quantity,
        status=_status_of(facts, quantity, filled),
        price=price if kind.has_price else None,
        trigger_price=trigger,
        time_in_force=_TIMES.get(facts.time_in_force or "", TimeInForce.GTC),
        post_only="POST_ONLY" in (facts.time_in_force, facts.type),
        reduce_only=is_known and is_closing,
        is_triggered=trigger is not None and (not _waits(facts.type) or bool(filled)),
        filled_quantity=filled,
        average_price=Decimal(plain(average)) if average is not None else None,
        ts_created=changed,
        ts_event=changed,
        reason=_reason_of(facts),
        position_id=position_id_of(facts.position_side, isolated=facts.isolated) if is_closing else "",
        take_profit=take_profit,
        stop_loss=stop_loss,
        is_liquidation=facts.is_liquidation,
    )


def type_of(facts: Facts) -> OrderType:
    """Returns the type that an order was placed with; one that was triggered has become plain meanwhile.

    A conditional one tells its direction only by where the price was when it was placed.
    """
    for word in (facts.asked_type, facts.type):
        if word is not None and word in _TYPES:
            return _TYPES[word]
    is_market = facts.type.endswith("MARKET")
    trigger = positive_or_none(facts.trigger_price)
    if trigger is None:
        return OrderType.MARKET if is_market else OrderType.LIMIT
    placed_at = _price_at_place(facts)
    is_stop = placed_at is None or (trigger > placed_at) is (side_of(facts.side) is Side.BUY)
    if is_stop:
        return OrderType.STOP if is_market else OrderType.STOP_LIMIT
    return OrderType.TAKE_PROFIT if is_market else OrderType.TAKE_PROFIT_LIMIT


def tells_type(facts: Facts) -> bool:
    """Says whether `type_of` is told and not assumed."""
    words = (facts.asked_type, facts.type)
    return (
        any(word in _TYPES for word in words)
        or positive_or_none(facts.trigger_price) is None
        or _price_at_place(facts) is not None
    )


def _waits(word: str) -> bool:
    return word in _TYPES or word.startswith(_CONDITIONAL)


def _price_at_place(facts: Facts) -> Decimal | None:
    mark, last = positive_or_none(facts.mark_at_place), positive_or_none(facts.last_at_place)
    return (last or mark) if facts.trigger_type == TriggerType.LAST_PRICE else (mark or last)


def _status_of(facts: Facts, quantity: Decimal, filled: Decimal) -> OrderStatus:
    """Returns where an order stands: a full one is FILLED whatever the word."""
    if facts.quantity and filled == quantity:
        return OrderStatus.FILLED
    status = _STATUSES.get(facts.status, OrderStatus.UNKNOWN)
    if status is OrderStatus.NEW and filled:
        return OrderStatus.PARTIALLY_FILLED
    return status


def _reason_of(facts: Facts) -> str:
    if facts.status == "REPLACED":
        return "the venue has replaced it by another order"
    return "" if facts.status in _STATUSES else f"the venue says {facts.status[:32]!r}"
