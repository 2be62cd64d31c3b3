"""Mayex's rows of orders, fills, positions and money. Numbers are text with as many digits as its samples have."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.model import Instrument, Liquidity
from venues.simulators.figures import cut, milliseconds, plain
from venues.simulators.mayex.markets import COIN
from venues.simulators.mayex.tickets import Shown
from venues.simulators.mayex.tokens import USER
from venues.simulators.orders import LocalFill
from venues.simulators.perpetuals.positions import HeldPosition

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator

_ORDER_DIGITS, _MONEY_DIGITS = 6, 8
NO_LIQUIDATION, LIQUIDATED = "L_NONE", "L_LIQUIDATION"


def digits(value: Decimal, count: int) -> str:
    """Returns a number with at least `count` digits after the point, and all that it has."""
    whole, _, rest = plain(value).partition(".")
    return f"{whole}.{rest:0<{count}}" if rest or count else whole


def amount(value: Decimal) -> str:
    """Returns money with eight digits after the point, towards zero."""
    return f"{cut(value):f}"


def order_row(order: Shown, *, status: str = "") -> dict[str, Any]:
    """Returns an order as the answers to its placing and cancelling have it.

    A `status` takes the place of its own; NEW comes with nothing filled.
    """
    is_new = status == "NEW"
    filled, value, average = (Decimal(0) if is_new else one for one in (order.filled, order.value, order.average))
    return {
        "orderId": order.number,
        "clientOrderId": order.client_id,
        "symbol": order.symbol,
        "isolated": order.isolated,
        "cumQty": _order(filled),
        "cumQuote": _order(value),
        "executedQty": _order(filled),
        "avgPrice": _order(round(average, _MONEY_DIGITS)),
        "origQty": _order(order.quantity),
        "price": _order(order.price),
        "side": order.side.name,
        "positionSide": order.position_side.value,
        "timeInForce": order.time_in_force,
        "origType": order.orig_type.value,
        "type": order.orig_type.value if is_new else order.type.value,
        "activatePrice": None,
        "priceRate": None,
        "triggerPrice": _order(order.trigger_price),
        "triggerType": order.trigger_type,
        "tpTriggerType": order.tp_type,
        "tpTriggerPrice": _order(order.tp_price),
        "slTriggerType": order.sl_type,
        "slTriggerPrice": _order(order.sl_price),
        "strategyParentId": order.parent,
        "status": status or order.status.value,
    }


def _order(value: Decimal) -> str:
    return digits(value, _ORDER_DIGITS)


def open_row(order: Shown, instrument: Instrument) -> dict[str, Any]:
    """Returns an order as the open ones are listed: neither its original type nor its average price is in it."""
    price, quantity = _writers(instrument)
    return {
        "orderId": order.number,
        "clientOrderId": order.client_id,
        "symbol": order.symbol,
        "type": order.type.value,
        "origQty": quantity(order.quantity),
        "executedQty": quantity(order.filled),
        "price": price(order.price),
        "timeInForce": order.time_in_force,
        "isolated": order.isolated,
        "side": order.side.name,
        "positionSide": order.position_side.value,
        "transactTime": milliseconds(order.ts_created),
        "status": order.status.value,
        "markPriceAtPlace": price(order.mark_at_place),
        "lastPriceAtPlace": price(order.last_at_place),
        "closePosition": order.close_position,
        "triggerPrice": price(order.trigger_price),
        "triggerType": order.trigger_type,
        "tpTriggerType": order.tp_type,
        "tpTriggerPrice": price(order.tp_price),
        "slTriggerType": order.sl_type,
        "slTriggerPrice": price(order.sl_price),
        "strategyParentId": order.parent,
    }


def past_row(order: Shown, instrument: Instrument) -> dict[str, Any]:
    """Returns an ended order as the history has it, its average price misspelt as in the document."""
    return open_row(order, instrument) | {
        "avlPrice": digits(round(order.average, _MONEY_DIGITS), instrument.price_decimals),
        "liqCounterpartyType": LIQUIDATED if order.is_forced else NO_LIQUIDATION,
        "baseCcy": instrument.base,
        "settledCcy": instrument.settle,
    }


def _writers(instrument: Instrument) -> tuple[Any, Any]:
    def price(value: Decimal) -> str:
        return digits(value, instrument.price_decimals)

    def quantity(value: Decimal) -> str:
        return digits(value, instrument.quantity_decimals)

    return price, quantity


def fill_row(venue: MayexSimulator, fill: LocalFill) -> dict[str, Any]:
    """Returns a fill; a fee that was paid is below zero."""
    order = venue.orders.shown_now(fill.order_id)
    instrument = venue.market.instruments[order.symbol]
    price, quantity = _writers(instrument)
    return {
        "tradeId": fill.trade_id,
        "userId": USER,
        "orderId": fill.order_id,
        "symbol": order.symbol,
        "side": fill.side.name,
        "positionSide": order.position_side.value,
        "fee": amount(-fill.fee),
        "lastQty": quantity(fill.quantity),
        "lastPrice": price(fill.price),
        "realizedPnl": amount(venue.orders.profits.get(fill.trade_id, Decimal(0))),
        "isolated": order.isolated,
        "liquidationType": LIQUIDATED if order.is_forced else NO_LIQUIDATION,
        "baseCcy": instrument.base,
        "settledCcy": instrument.settle,
        "transactionTime": milliseconds(fill.ts_event),
        "maker": fill.liquidity is Liquidity.MAKER,
    }


def position_row(venue: MayexSimulator, position: HeldPosition) -> dict[str, Any]:
    """Returns a position: without a mark, a leverage or a liquidation price."""
    frozen = sum(
        venue.orders.frozen_by(order, ticket)
        for order, ticket in venue.orders.all_open()
        if (ticket.symbol, ticket.position_side, ticket.draft.margin_type)
        == (position.symbol, position.side, position.margin_type)
    )
    instrument = venue.market.instruments[position.symbol]
    net = amount(position.net)
    return {
        "symbol": position.symbol,
        "positionSide": position.side.value,
        "isolated": position.is_isolated,
        "avgEntryPrice": f"{round(position.entry_price, _MONEY_DIGITS):.{_MONEY_DIGITS}f}",
        "quantity": f"{position.quantity:.{_MONEY_DIGITS}f}",
        "isolatedMargin": amount(position.margin if position.is_isolated else Decimal(0)),
        "frozenMargin": amount(Decimal(frozen)),
        "margin": "",
        "liqPrice": "",
        "lastFundingTime": milliseconds(position.ts_funded),
        "lastTxTime": milliseconds(position.ts_event),
        "baseCurrency": instrument.base,
        "quoteCurrency": instrument.quote,
        "settleCurrency": instrument.settle,
        "curTermRealisedPnl": net,
        "cumRealizedPnl": net,
    }


def asset_row(venue: MayexSimulator, stale_pnl: Decimal) -> dict[str, Any]:
    """Returns the money; its unrealised profit is of some earlier mark."""
    purses = venue.wallet.purses()
    worth = sum((purse.wallet for purse in purses if purse.coin == COIN), Decimal(0))
    price = venue.market.last("btcusdt") if "btcusdt" in venue.market.instruments else Decimal(60_000)
    return {
        "marginBalanceUsd": f"{worth + stale_pnl:.2f}",
        "marginBalanceBtc": f"{(worth + stale_pnl) / price:.8f}",
        "totalAccountBalance": amount(worth),
        "totalUnRealizedPnL": amount(stale_pnl),
        "accounts": [
            {
                "currency": purse.coin,
                "accountBalance": amount(purse.wallet),
                "availBalance": amount(purse.available),
                "unRealizedPnL": amount(stale_pnl if purse.coin == COIN else Decimal(0)),
                "positionMargin": amount(purse.isolated + purse.crossed),
                "bonus": "0.00",
                "display": "Tether" if purse.coin == COIN else purse.coin,
            }
            for purse in purses
        ],
    }
