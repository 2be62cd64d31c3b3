"""CoinEx's rows of orders, stop orders and deals in REST answers, as the document's examples write numbers.

A new or pending order has amounts with eight decimals; one that has ended has them as short as they can be, and
its `left` is 0. Fees are in the quote currency: none are paid in CET here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from venues.model import NANOSECONDS, Instrument, Liquidity, OrderStatus, OrderType
from venues.rounding import floor_to
from venues.simulators.orders import LocalFill, LocalOrder, LocalStop, StopStatus

_SHOWN = Decimal("1e-8")
_ROLES = {Liquidity.MAKER: "maker", Liquidity.TAKER: "taker"}
_STOP_WORDS = {
    StopStatus.WAITING: "not_deal",
    StopStatus.TRIGGERED: "active",
    StopStatus.CANCELED: "cancel",
    StopStatus.FAILED: "fail",
}


def short(value: Decimal) -> str:
    """Returns a number without trailing zeros."""
    return f"{value.normalize():f}"


def eight(value: Decimal) -> str:
    """Returns a number with eight decimals, cut."""
    return f"{floor_to(value, _SHOWN):f}"


def seconds(ns: int) -> int:
    return ns // NANOSECONDS


def status_word(order: LocalOrder) -> str:
    """Returns not_deal, part_deal, done or cancel. A market order that traded is done, whatever is left."""
    if order.is_open:
        return "part_deal" if order.filled else "not_deal"
    if order.status is OrderStatus.FILLED or (order.type is OrderType.MARKET and order.filled):
        return "done"
    return "cancel"


def submitted_row(order: LocalOrder, instrument: Instrument) -> dict[str, Any]:
    """Returns the answer to a new or modified order."""
    fee = f"{order.fee:.24f}" if order.fee else "0"
    row = {
        "id": order.id,
        "create_time": seconds(order.ts_created),
        "finished_time": None,
        "amount": eight(order.quantity),
        "price": _price(order.price),
        "deal_amount": short(order.filled),
        "deal_money": f"{order.filled_value:.16f}" if order.filled else "0",
        "deal_fee": fee,
        "stock_fee": "0",
        "money_fee": fee,
        "asset_fee": "0",
        "fee_asset": None,
        "fee_discount": "1",
        "avg_price": short(order.average_price),
        "market": order.instrument.symbol,
        "left": eight(order.left),
        **_rates(order),
        "order_type": _kind(order),
        "type": order.side.value,
        "status": status_word(order),
        "client_id": order.client_id,
        "source_id": order.source,
    }
    if order.type is OrderType.MARKET:
        row["amount_asset"] = amount_asset(order, instrument)
    return row


def pending_row(order: LocalOrder, instrument: Instrument) -> dict[str, Any]:
    """Returns an open order as lists and cancels show it."""
    return {
        **_common(order),
        "amount": eight(order.quantity),
        "amount_asset": amount_asset(order, instrument),
        "fee_asset": None,
        "fee_discount": "1.0000",
        "avg_price": short(order.average_price) if order.filled else "0.00",
        "left": eight(order.left),
    }


def finished_row(order: LocalOrder, instrument: Instrument) -> dict[str, Any]:
    """Returns an order as the history and the status query show it."""
    return {
        **_common(order),
        "finished_time": None if order.is_open else seconds(order.ts_event),
        "amount": short(order.quantity),
        "amount_asset": amount_asset(order, instrument),
        "fee_asset": "",
        "fee_discount": "1",
        "avg_price": short(order.average_price),
        "left": short(order.left) if order.is_open else "0",
    }


def _common(order: LocalOrder) -> dict[str, Any]:
    fee = short(order.fee)
    return {
        "id": order.id,
        "account_id": order.account,
        "create_time": seconds(order.ts_created),
        "finished_time": None,
        "price": _price(order.price),
        "deal_amount": short(order.filled),
        "deal_money": short(order.filled_value),
        "deal_fee": fee,
        "stock_fee": "0",
        "money_fee": fee,
        "asset_fee": "0",
        "market": order.instrument.symbol,
        **_rates(order),
        "order_type": _kind(order),
        "type": order.side.value,
        "status": status_word(order),
        "client_id": order.client_id,
    }


def pending_stop_row(stop: LocalStop, instrument: Instrument) -> dict[str, Any]:
    """Returns a stop order that waits. `state` is on which side of the market its stop price lies."""
    wish = stop.wish
    return {
        "account_id": stop.account,
        "order_id": stop.id,
        "create_time": seconds(stop.ts_created),
        "amount": eight(wish.quantity),
        "price": _price(wish.price),
        "stop_price": short(stop.trigger_price),
        "taker_fee": short(instrument.taker_fee),
        "maker_fee": short(instrument.maker_fee),
        "state": 2 if stop.is_rising else 1,
        "fee_asset": None,
        "fee_discount": "1.0000",
        "market": wish.symbol,
        "order_type": wish.type.value,
        "type": wish.side.value,
        "client_id": stop.client_id,
    }


def finished_stop_row(stop: LocalStop) -> dict[str, Any]:
    wish = stop.wish
    return {
        "account_id": stop.account,
        "order_id": stop.id,
        "create_time": seconds(stop.ts_created),
        "amount": short(wish.quantity),
        "price": _price(wish.price),
        "stop_price": short(stop.trigger_price),
        "fee_asset": "",
        "fee_discount": "1",
        "market": wish.symbol,
        "order_type": wish.type.value,
        "type": wish.side.value,
        "status": _STOP_WORDS[stop.status],
    }


def order_deal_row(fill: LocalFill) -> dict[str, Any]:
    """Returns a deal of one order; the venue leaves its `order_id` null."""
    return {
        "id": fill.trade_id,
        "order_id": None,
        "create_time": seconds(fill.ts_event),
        "role": _ROLES[fill.liquidity],
        "type": fill.side.value,
        "price": short(fill.price),
        "amount": short(fill.quantity),
        "fee": short(fill.fee),
        "fee_asset": fill.fee_currency,
        "deal_money": short(fill.value),
    }


def user_deal_row(fill: LocalFill) -> dict[str, Any]:
    return {
        **order_deal_row(fill),
        "order_id": fill.order_id,
        "account_id": fill.account,
        "market": fill.instrument.symbol,
    }


def amount_asset(order: LocalOrder, instrument: Instrument) -> str:
    """Returns the currency that an order's amount is in."""
    return instrument.quote if order.is_quote else instrument.base


def _kind(order: LocalOrder) -> str:
    return "market" if order.type is OrderType.MARKET else "limit"


def _price(price: Decimal | None) -> str:
    return "0" if price is None else short(price)


def _rates(order: LocalOrder) -> dict[str, str]:
    maker = "0" if order.type is OrderType.MARKET else short(order.maker_rate)
    return {"maker_fee_rate": maker, "taker_fee_rate": short(order.taker_rate)}
