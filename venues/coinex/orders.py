"""The commands of CoinEx as requests for `HttpClient.command`, each beside the shape of its answer.

Sizes are in base units, of market buys too: `asset` always says so, since the venue would read quote units
otherwise. Nothing here sends the `hide` flag, whose signature no document settles.

Raises (all of them):
    BadRequest: an id, a market or a client id is missing or not written as the venue writes them.
    NotSupported: the venue has no such order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from venues.coinex import PREFIX, VENUE
from venues.coinex.endpoints import (
    OrderAnswer,
    OrderBatch,
    checked_batch,
    checked_client_id,
    checked_market,
    checked_order_id,
    text_of,
)
from venues.coinex.limits import BATCH_CANCEL, BATCH_ORDER, CANCEL, MOST_A_BATCH, ORDER
from venues.coinex.wire import Envelope, WireCanceledItem, WireOrder, WireStatus
from venues.commands import AmendRequest, OrderRequest
from venues.errors import BadRequest, NotSupported
from venues.model import Instrument, OrderType, TimeInForce
from venues.transport.exchange import Request
from venues.transport.ratelimit import Weight

Submitted = OrderAnswer
SubmittedBatch = OrderBatch
StopSubmitted = Envelope[WireStatus | None]  # no order id: it is found by its client id
Modified = OrderAnswer
StopModified = Envelope[WireStatus | None]
Canceled = OrderAnswer
CanceledByClientId = Envelope[tuple[WireCanceledItem[WireOrder], ...]]
StopsCanceledByClientId = Envelope[tuple[WireCanceledItem[object], ...]]  # what they look like there is not sure


class Done(msgspec.Struct, frozen=True):
    """The answer of a cancel that tells nothing but its success."""

    code: int


_STOP_LIMITS = frozenset({OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
_CANCEL_PATH = "/order/pending"
_ONE, _EVERY = "one", "every"


def submit(order: OrderRequest, instrument: Instrument, account_id: int = 0) -> Request:
    """A new order; `account_id` 0 is spot, another one the margin account of the market.

    A stop is triggered by the price coming to its trigger from the side where the market stands when it arrives.
    """
    _require_supported(order)
    body: dict[str, Any] = {
        "market": checked_market(instrument.id.symbol),
        "type": order.side.value,
        "amount": text_of(order.quantity),
        "client_id": checked_client_id(order.client_order_id),
        "account_id": account_id,
    }
    if order.price is not None:
        body["price"] = text_of(order.price)
    else:
        body["asset"] = instrument.base
    if order.trigger_price is not None:
        body["stop_price"] = text_of(order.trigger_price)
    option = _option(order)
    match order.type:
        case OrderType.MARKET:
            path = "/order/market"
        case OrderType.LIMIT if order.time_in_force is TimeInForce.IOC:
            path = "/order/ioc"
        case OrderType.LIMIT:
            path = "/order/limit"
            body["option"] = option
        case kind if kind in _STOP_LIMITS:
            path = "/order/stop/limit"
            body["option"] = option
        case _:
            path = "/order/stop/market"
            if order.time_in_force is not TimeInForce.GTC:
                body["option"] = option
    return _post("place order", path, ORDER, body)


def submit_batch(orders: Sequence[OrderRequest], instrument: Instrument, account_id: int = 0) -> Request:
    """Up to 100 plain limit orders of one market.

    The venue takes no client id here: `source_id` echoes ours, and the orders can not be looked up by it.
    """
    if not 1 <= len(orders) <= MOST_A_BATCH:
        raise BadRequest(VENUE, f"a batch takes 1 to {MOST_A_BATCH} orders")
    rows = []
    for order in orders:
        _require_supported(order)
        if order.type is not OrderType.LIMIT or _option(order) != "NORMAL" or order.price is None:
            raise NotSupported(VENUE, "a batch takes plain limit orders only")
        rows.append(
            {
                "type": order.side.value,
                "amount": text_of(order.quantity),
                "price": text_of(order.price),
                "source_id": checked_client_id(order.client_order_id),
            }
        )
    body = {
        "market": checked_market(instrument.id.symbol),
        "account_id": account_id,
        "batch_orders": msgspec.json.encode(rows).decode(),
    }
    return _post("place orders", "/order/limit/batch", BATCH_ORDER, body)


def amend(change: AmendRequest, *, is_stop: bool = False) -> Request:
    """New price, size or trigger of an order that rests; the id in the answer may be a new one."""
    body: dict[str, Any] = {
        "market": checked_market(change.instrument.symbol),
        "id": checked_order_id(change.venue_order_id),
    }
    if change.trigger_price is not None and not is_stop:
        raise NotSupported(VENUE, "only a stop order has a trigger price")
    for name, value in (
        ("amount", change.quantity),
        ("price", change.price),
        ("stop_price", change.trigger_price),
    ):
        if value is not None:
            body[name] = text_of(value)
    path = "/order/stop/modify" if is_stop else "/order/modify"
    return _post("amend order", path, ORDER, body)


def cancel(market: str, order_id: str, account_id: int = 0) -> Request:
    """Cancels one order. Without an id it raises: the same call without one would cancel every order."""
    ident = checked_order_id(order_id)
    return _delete("cancel order", _CANCEL_PATH, CANCEL, market, account_id, _ONE, id=ident)


def cancel_batch(market: str, order_ids: Sequence[str], account_id: int = 0) -> Request:
    """Cancels up to 100 orders; the answer tells nothing of any of them."""
    ids = checked_batch(order_ids)
    return _delete("cancel orders", "/order/pending/batch", BATCH_CANCEL, market, account_id, _ONE, batch_ids=ids)


def cancel_every_order(market: str, account_id: int = 0) -> Request:
    """Cancels every order of the market, those placed elsewhere too; stops stay."""
    return _delete("cancel all orders", _CANCEL_PATH, BATCH_CANCEL, market, account_id, _EVERY)


def cancel_by_client_id(market: str, client_id: str, account_id: int = 0) -> Request:
    """Cancels every order that has this client id, which need not be one."""
    ident = checked_client_id(client_id)
    path = "/order/pending/by_client_id"
    return _delete("cancel order", path, CANCEL, market, account_id, _ONE, client_id=ident)


def cancel_stop(market: str, order_id: str, account_id: int = 0) -> Request:
    """Cancels one stop order; the answer tells nothing of it."""
    path = f"/order/stop/pending/{checked_order_id(order_id)}"
    return _delete("cancel stop", path, CANCEL, market, account_id, _ONE)


def cancel_every_stop(market: str, account_id: int = 0) -> Request:
    """Cancels every stop order of the market."""
    return _delete("cancel all stops", "/order/stop/pending", BATCH_CANCEL, market, account_id, _EVERY)


def cancel_stop_by_client_id(market: str, client_id: str, account_id: int = 0) -> Request:
    """Cancels every stop order that has this client id."""
    ident = checked_client_id(client_id)
    path = "/order/stop/pending/by_client_id"
    return _delete("cancel stop", path, CANCEL, market, account_id, _ONE, client_id=ident)


def _require_supported(order: OrderRequest) -> None:
    if order.reduce_only or order.leverage is not None or order.margin_mode is not None:
        raise NotSupported(VENUE, "there is no reduce-only and no leverage of an order here")
    if order.take_profit is not None or order.stop_loss is not None or order.position_id is not None:
        raise NotSupported(VENUE, "an order takes no exits here: place a stop order beside it")
    if order.type is OrderType.MARKET and order.time_in_force is TimeInForce.FOK:
        raise NotSupported(VENUE, "a market order can not be fill-or-kill here")


def _option(order: OrderRequest) -> str:
    if order.post_only:
        return "MAKER_ONLY"
    return {TimeInForce.GTC: "NORMAL", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}[order.time_in_force]


def _post(what: str, path: str, weight: Weight, body: dict[str, Any]) -> Request:
    return Request(
        what=what,
        method="POST",
        path=PREFIX + path,
        body=msgspec.json.encode(body),
        is_private=True,
        weight=weight,
    )


def _delete(
    what: str, path: str, weight: Weight, market: str, account_id: int, reach: str, **more: str | int
) -> Request:
    # The last look before a cancel leaves: the bare paths cancel everything, and only who means that says so.
    names_one = bool(more) or path.rsplit("/", 1)[-1].isdigit()
    if names_one is not (reach == _ONE) or not all(more.values()):
        raise BadRequest(VENUE, f"{what}: it does not say which")
    query = urlencode({"market": checked_market(market), "account_id": account_id, **more})
    return Request(
        what=what,
        method="DELETE",
        path=PREFIX + path,
        query=query,
        is_private=True,
        weight=weight,
        is_cancel=True,
    )
