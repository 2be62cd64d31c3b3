"""Stop orders of CoinEx: wire -> `venues.model`.

They have ids of their own, which the answer to their submission does not tell: they are found by their client id.
A market buy counts in the quote currency unless we know better (`counts_base`: ours count in base units).
Every parser raises DecodeError for what the document does not allow, and nothing else.
"""

from __future__ import annotations

from venues.coinex import VENUE
from venues.coinex.figures import amount, ns_of_seconds, positive, side_of, type_of
from venues.coinex.messages import StopPush, StreamStop
from venues.coinex.parse import instrument_id
from venues.coinex.parse_orders import PUT, is_base
from venues.coinex.wire import WireStop
from venues.errors import DecodeError
from venues.model import Order, OrderStatus, OrderType, Side

BELOW, ABOVE = 1, 2  # where a trigger lies, seen from the market


def parse_stop(stop: WireStop, *, counts_base: bool = False) -> Order:
    """Returns a stop order of `order/stop/pending` or `order/stop/finished`; the latter has a status.

    `counts_base` says that a market buy counts in base units, as ours do.
    """
    status, is_triggered = _stop_status(stop.status)
    return _stop(
        market=stop.market,
        order_id=stop.order_id,
        client_id=stop.client_id,
        side=side_of(stop.type),
        kind=type_of(stop.order_type),
        place=stop.state,
        texts=(stop.amount, stop.price, stop.stop_price),
        counts_base=counts_base or (stop.amount_asset is not None and is_base(stop.amount_asset, stop.market)),
        status=status,
        is_triggered=is_triggered,
        reason=stop.status if status is OrderStatus.UNKNOWN else "",
        times=(stop.create_time, stop.create_time),
    )


def parse_stop_push(push: StopPush, *, counts_base: bool = False) -> list[Order]:
    """Returns the stop orders of a push.

    One that finished without a word whether it was triggered or cancelled is UNKNOWN, until it is looked up.
    """
    return [parse_stream_stop(stop, push.params[0], counts_base=counts_base) for stop in push.stops]


def parse_stream_stop(stop: StreamStop, event: int = PUT, *, counts_base: bool = False) -> Order:
    """Returns a stop order as the stream tells of it, after `event` PUT, UPDATE or FINISH."""
    status, is_triggered = OrderStatus.NEW, stop.status == 1
    match event, stop.status:
        case (1 | 2, _) | (3, 1):
            pass
        case (3, 0):
            status = OrderStatus.CANCELED
        case (3, _):
            status = OrderStatus.UNKNOWN
        case _:
            raise DecodeError(VENUE, "an order event that is none")
    return _stop(
        market=stop.market,
        order_id=stop.id,
        client_id=stop.client_id,
        side=side_of(stop.side),
        kind=type_of(stop.type),
        place=stop.state if stop.direction is None else stop.direction,
        texts=(stop.amount, stop.price, stop.stop_price),
        counts_base=counts_base,
        status=status,
        is_triggered=is_triggered,
        reason="",
        times=(stop.ctime, stop.mtime),
    )


def _stop(
    *,
    market: str,
    order_id: int,
    client_id: str | None,
    side: Side,
    kind: OrderType,
    place: int | None,
    texts: tuple[str, str, str],
    counts_base: bool,
    status: OrderStatus,
    is_triggered: bool,
    reason: str,
    times: tuple[float, float],
) -> Order:
    quantity, trigger = amount(texts[0]), positive(texts[2])
    is_market = kind is OrderType.MARKET
    if is_market and side is Side.BUY and not counts_base:
        quantity = quantity / trigger  # all that can be said before it trades
    return Order(
        instrument=instrument_id(market),
        client_order_id=client_id or "",
        venue_order_id=str(order_id),
        side=side,
        type=_stop_type(side, place, is_market=is_market),
        quantity=quantity,
        status=status,
        price=None if is_market else positive(texts[1]),
        trigger_price=trigger,
        is_triggered=is_triggered,
        ts_created=ns_of_seconds(times[0]),
        ts_event=ns_of_seconds(times[1]),
        reason=reason,
    )


def _stop_type(side: Side, place: int | None, *, is_market: bool) -> OrderType:
    """A trigger on the far side of the market is reached in the holder's favour; where it lies may be untold."""
    favourable = place == (BELOW if side is Side.BUY else ABOVE)
    if is_market:
        return OrderType.TAKE_PROFIT if favourable else OrderType.STOP
    return OrderType.TAKE_PROFIT_LIMIT if favourable else OrderType.STOP_LIMIT


def _stop_status(word: str) -> tuple[OrderStatus, bool]:
    """Returns (status, whether it was triggered) for the words of a finished stop; the document names one."""
    match word.lower():
        case "":
            return OrderStatus.NEW, False
        case "active":
            return OrderStatus.NEW, True
        case text if text.startswith("cancel"):
            return OrderStatus.CANCELED, False
        case text if text.startswith("fail"):
            return OrderStatus.REJECTED, False
        case _:
            return OrderStatus.UNKNOWN, False
