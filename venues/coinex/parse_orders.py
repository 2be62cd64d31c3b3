"""Normal orders of CoinEx: wire -> `venues.model`.

Every parser raises DecodeError for what the document does not allow, and nothing else. Quantities become base
units: a market buy counts in the quote currency unless `amount_asset` says otherwise. Then only what has traded
is known in base units, and that is the order's quantity.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from venues.coinex import VENUE
from venues.coinex.figures import amount, ns_of_seconds, positive, side_of, type_of
from venues.coinex.messages import OrderPush, StreamOrder
from venues.coinex.parse import instrument_id
from venues.coinex.wire import WireOrder
from venues.errors import DecodeError, ProtocolError
from venues.model import ZERO, Instrument, Order, OrderStatus, OrderType, Side, TimeInForce

PUT, UPDATE, FINISH = 1, 2, 3  # the events of order.update

_STATUSES = {
    "not_deal": OrderStatus.NEW,
    "part_deal": OrderStatus.PARTIALLY_FILLED,
    "done": OrderStatus.FILLED,
    "cancel": OrderStatus.CANCELED,
}
_TIMES = {"NORMAL": TimeInForce.GTC, "MAKER_ONLY": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}


def parse_order(order: WireOrder, instrument: Instrument | None = None) -> Order:
    """Returns an order as REST tells of it; `instrument` is its market, where that is listed."""
    side, kind, status = side_of(order.type), type_of(order.order_type), _status_of(order.status)
    filled = amount(order.deal_amount)
    quantity = amount(order.amount)
    if kind is OrderType.MARKET and not _counts_base(side, order, instrument):
        quantity = filled
    if status is OrderStatus.NEW and filled:
        status = OrderStatus.PARTIALLY_FILLED
    if filled > quantity:
        raise DecodeError(VENUE, "an order that traded more than its size")
    if status is OrderStatus.FILLED and filled < quantity:
        status = OrderStatus.CANCELED  # a market order is "done" too when the book was empty before it was filled
    created = ns_of_seconds(order.create_time)
    option = order.option or "NORMAL"
    return Order(
        instrument=instrument_id(order.market),
        client_order_id=order.client_id or "",
        venue_order_id=str(order.id),
        side=side,
        type=kind,
        quantity=quantity,
        status=status,
        price=positive(order.price) if kind is OrderType.LIMIT else None,
        time_in_force=_TIMES.get(option, TimeInForce.GTC),
        post_only=option == "MAKER_ONLY",
        filled_quantity=filled,
        average_price=_average(amount(order.deal_money), filled),
        ts_created=created,
        ts_event=max(created, ns_of_seconds(order.finished_time or 0.0)),
    )


def parse_canceled(order: WireOrder, instrument: Instrument | None = None) -> Order:
    """Returns the order of a cancel's answer, which shows it as it was BEFORE the cancel that succeeded."""
    before = parse_order(order, instrument)
    if before.status.is_terminal:
        return before
    return msgspec.structs.replace(before, status=OrderStatus.CANCELED)


def parse_vanished(accepted: Order) -> Order:
    """Returns what became of an accepted order that is found neither pending nor finished.

    An order that was cancelled without a fill is not kept by the venue.
    """
    return msgspec.structs.replace(
        accepted,
        status=OrderStatus.CANCELED,
        filled_quantity=ZERO,
        average_price=None,
        reason="not resting, nothing filled",
    )


def sole(orders: Sequence[Order], client_order_id: str) -> Order | None:
    """Returns the one order with this client id, None where there is none.

    The venue lets several orders share one.

    Raises:
        ProtocolError: several do, and which one is meant nobody can know.
    """
    found = [order for order in orders if order.client_order_id == client_order_id]
    if len({order.venue_order_id for order in found}) > 1:
        raise ProtocolError(VENUE, f"{len(found)} orders share one client id")
    return found[0] if found else None


def parse_order_push(push: OrderPush, *, counts_base: bool | None = None) -> list[Order]:
    """Returns the orders of a push; `counts_base` says in what a market buy counts, where we know (it is ours)."""
    return [parse_stream_order(order, push.params[0], counts_base=counts_base) for order in push.orders]


def parse_stream_order(order: StreamOrder, event: int, *, counts_base: bool | None = None) -> Order:
    """Returns an order as the stream tells of it, after `event` PUT, UPDATE or FINISH."""
    side, kind = side_of(order.side), type_of(order.type)
    filled, left, quantity = amount(order.deal_stock), amount(order.left), amount(order.amount)
    value = amount(order.deal_money)
    in_quote = False
    if kind is OrderType.MARKET and side is Side.BUY:
        # What was executed and what is left make up the amount in the unit that it counts in.
        if filled and (filled + left == quantity) != (value + left == quantity):
            in_quote = value + left == quantity
        else:
            in_quote = not counts_base
    if in_quote:
        quantity = filled
    if filled > quantity:
        raise DecodeError(VENUE, "an order that traded more than its size")
    match event:
        case 1 | 2:
            status = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.NEW
        case 3 if filled and filled == quantity:  # a market buy in quote units, too, which can leave a small rest
            status = OrderStatus.FILLED
        case 3:
            status = OrderStatus.CANCELED
        case _:
            raise DecodeError(VENUE, "an order event that is none")
    return Order(
        instrument=instrument_id(order.market),
        client_order_id=order.client_id or "",
        venue_order_id=str(order.id),
        side=side,
        type=kind,
        quantity=quantity,
        status=status,
        price=positive(order.price) if kind is OrderType.LIMIT else None,
        filled_quantity=filled,
        average_price=_average(value, filled),
        ts_created=ns_of_seconds(order.ctime),
        ts_event=ns_of_seconds(order.mtime),
    )


def _counts_base(side: Side, order: WireOrder, instrument: Instrument | None) -> bool:
    if not order.amount_asset:
        return side is Side.SELL
    if instrument is not None:
        return order.amount_asset == instrument.base
    return is_base(order.amount_asset, order.market)


def _average(value: Decimal, filled: Decimal) -> Decimal | None:
    return value / filled if filled else None


def _status_of(word: str) -> OrderStatus:
    status = _STATUSES.get(word)
    if status is None:
        raise DecodeError(VENUE, "an order status that is not documented")
    return status


def is_base(asset: str, market: str) -> bool:
    """A market's name is its base and its quote currency, put together."""
    return market.startswith(asset) and market != asset
