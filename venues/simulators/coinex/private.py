"""The demo user's orders, stop orders, deals and money as CoinEx's stream writes them.

Document: "Order Push", "Order Query", "Stop Order Query", "Asset Push", "Personal Transaction Info Push". The
fields behind `option` are not in the document; they are what live captures show.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from venues.model import Balance, Instrument, Liquidity, OrderType, Side
from venues.simulators.coinex.answers import eight, short
from venues.simulators.coinex.figures import float_seconds
from venues.simulators.figures import figure
from venues.simulators.orders import Change, LocalFill, LocalOrder, LocalStop, OrderWish, StopStatus

USER = 553
EVENTS = {Change.PUT: 1, Change.UPDATE: 2, Change.FINISH: 3}
SIDES = {1: Side.SELL, 2: Side.BUY}
_SIDE_NUMBERS = {side: number for number, side in SIDES.items()}
_TYPE_NUMBERS = {OrderType.LIMIT: 1, OrderType.MARKET: 2}
_ROLES = {Liquidity.MAKER: 1, Liquidity.TAKER: 2}
_OPTION = 0  # a bit mask whose bits the document does not name


def order_row(order: LocalOrder, quote: str) -> dict[str, Any]:
    """Returns an order of order.update and order.query; `quote` is its market's quote currency."""
    fee = short(order.fee)
    pays_quote = order.fee_currency == quote
    last = order.last_fill
    return {
        "id": order.id,
        "type": _TYPE_NUMBERS[order.type],
        "side": _SIDE_NUMBERS[order.side],
        "user": USER,
        "account": order.account,
        "ctime": float_seconds(order.ts_created),
        "mtime": float_seconds(order.ts_event),
        "market": order.instrument.symbol,
        "source": order.source,
        "client_id": order.client_id,
        "price": "0" if order.price is None else eight(order.price),
        "amount": eight(order.quantity),
        "taker_fee": short(order.taker_rate),
        "maker_fee": short(order.maker_rate),
        "left": _exact(order.left),
        "deal_stock": short(order.filled),
        "deal_money": short(order.filled_value),
        "money_fee": fee if pays_quote else "0",
        "stock_fee": "0" if pays_quote else fee,
        "asset_fee": "0",
        "fee_asset": None,
        "fee_discount": "1",
        "stop_id": order.stop_id,
        "option": _OPTION,
        "last_deal_amount": short(last.quantity) if last else "0",
        "last_deal_price": short(last.price) if last else "0",
        "last_deal_time": float_seconds(last.ts_event) if last else 0,
        "last_deal_id": last.trade_id if last else 0,
        "last_role": _ROLES[last.liquidity] if last else 0,
    }


def stop_row(stop: LocalStop, taker_fee: str, maker_fee: str) -> dict[str, Any]:
    """Returns a stop order of order.query_stop; the fees are its market's rates."""
    wish = stop.wish
    return {
        "id": stop.id,
        "type": _TYPE_NUMBERS[wish.type],
        "side": _SIDE_NUMBERS[wish.side],
        "user": USER,
        "account": wish.account,
        "option": _OPTION,
        "state": _state(stop),
        "ctime": float_seconds(stop.ts_created),
        "mtime": float_seconds(stop.ts_event),
        "market": stop.instrument.symbol,
        "source": wish.source,
        "client_id": wish.client_id,
        "stop_price": eight(stop.trigger_price),
        "price": _price_of(wish),
        "amount": eight(wish.quantity),
        "taker_fee": taker_fee,
        "maker_fee": maker_fee,
        "fee_discount": "1",
        "fee_asset": None,
    }


def stop_push_row(stop: LocalStop, taker_fee: str, maker_fee: str) -> dict[str, Any]:
    """Returns the same for order.update_stop, where `status` says whether it has been triggered."""
    is_triggered = stop.status is StopStatus.TRIGGERED
    return stop_row(stop, taker_fee, maker_fee) | {"direction": _state(stop), "status": int(is_triggered)}


def deal_row(fill: LocalFill) -> dict[str, Any]:
    """Returns a deal of deals.query_user."""
    return {
        "type": fill.side.value,
        "time": float_seconds(fill.ts_event),
        "price": figure(fill.price),
        "id": fill.trade_id,
        "amount": figure(fill.quantity),
    }


def own_deal_row(fill: LocalFill) -> dict[str, Any]:
    """Returns the same for deals_own.update."""
    return deal_row(fill) | {"order_id": fill.order_id, "client_id": fill.client_id}


def asset_rows(balances: Iterable[Balance]) -> dict[str, dict[str, str]]:
    return {
        balance.currency: {"available": short(balance.available), "frozen": short(balance.locked)}
        for balance in balances
    }


def _exact(value: Decimal) -> str:
    """Returns a number with eight decimals, or more where it has them.

    What is left of an amount in quote units has more, and what was executed and what is left have to add up to it.
    """
    return eight(value) if value == round(value, 8) else short(value)


def _state(stop: LocalStop) -> int:
    """1: the stop price lies below the market's; 2: above."""
    return 2 if stop.is_rising else 1


def _price_of(wish: OrderWish) -> str:
    return "0" if wish.price is None else eight(wish.price)


def stop_rates(instrument: Instrument) -> tuple[str, str]:
    """Returns the taker's and the maker's fee rate, which a stop order shows before it is an order."""
    return short(instrument.taker_fee), short(instrument.maker_fee)
