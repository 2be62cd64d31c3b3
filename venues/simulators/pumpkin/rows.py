"""Pumpkin's rows of orders, fills, positions, money and what waits, as REST answers have them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from venues.events import Level
from venues.model import OrderStatus, Side
from venues.simulators.figures import amount, figure, milliseconds, plain
from venues.simulators.orders import LocalFill, LocalOrder
from venues.simulators.perpetuals.positions import HeldPosition
from venues.simulators.perpetuals.wallet import Bill, Purse
from venues.simulators.pumpkin.entrusts import Plan, Protection
from venues.simulators.pumpkin.figures import trade_number
from venues.simulators.pumpkin.markets import TERMS
from venues.simulators.pumpkin.tickets import Exit, Ticket

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

_STATES = {
    OrderStatus.NEW: "NEW",
    OrderStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELED: "CANCELED",
    OrderStatus.REJECTED: "REJECTED",
    OrderStatus.EXPIRED: "EXPIRED",
}
STATES = (*_STATES.values(), "PARTIALLY_CANCELED", "UNFINISHED")
_UNFINISHED = ("NEW", "PARTIALLY_FILLED")


def side_text(side: Side) -> str:
    return "BUY" if side is Side.BUY else "SELL"


@lru_cache(maxsize=8_192)
def contracts_text(quantity: str, contract_size: Decimal) -> str:
    """Returns base units as whole contracts, both as text."""
    return str(int(Decimal(quantity) / contract_size))


def levels(found: Sequence[Level], contract_size: Decimal) -> list[tuple[str, str]]:
    """Returns levels of a book with their quantities in contracts."""
    return [(price, contracts_text(quantity, contract_size)) for price, quantity in found]


def in_contracts(quantity: Decimal, symbol: str) -> str:
    return str(int(quantity / TERMS[symbol].contract_size))


def state_text(order: LocalOrder) -> str:
    if order.status is OrderStatus.CANCELED and order.filled:
        return "PARTIALLY_CANCELED"
    return _STATES.get(order.status, "NEW")


def is_in_state(order: LocalOrder, wanted: str) -> bool:
    """Says whether an order passes the filter `state`."""
    state = state_text(order)
    return not wanted or state == wanted or (wanted == "UNFINISHED" and state in _UNFINISHED)


def order_row(order: LocalOrder, ticket: Ticket) -> dict[str, Any]:
    """Returns an order. Neither its leverage nor whether it only reduces is in it."""
    profit, stop = ticket.exits
    return {
        "orderId": str(order.id),
        "clientOrderId": order.client_id or None,
        "symbol": ticket.symbol,
        "orderType": "MARKET" if ticket.is_market else "LIMIT",
        "orderSide": side_text(order.side),
        "positionSide": ticket.position_side.value,
        "timeInForce": ticket.time_in_force,
        "closePosition": ticket.is_full and bool(ticket.source_id),
        "price": "0" if ticket.is_market else plain(ticket.price),
        "origQty": str(ticket.contracts),
        "avgPrice": plain(round(order.average_price, 8)),
        "executedQty": in_contracts(order.filled, ticket.symbol),
        "marginFrozen": amount(ticket.frozen),
        "triggerProfitPrice": _trigger(profit),
        "triggerStopPrice": _trigger(stop),
        "sourceId": ticket.source_id or None,
        "forceClose": ticket.is_forced,
        "closeProfit": None if ticket.profit is None else amount(ticket.profit),
        "state": state_text(order),
        "createdTime": milliseconds(order.ts_created),
    }


def mixed_row(order: LocalOrder, ticket: Ticket) -> dict[str, Any]:
    """Returns an order as the list of orders and plans together has it."""
    row = order_row(order, ticket)
    row["id"] = row.pop("orderId")
    del row["clientOrderId"]
    source = row.pop("sourceId")
    empty = ("entrustType", "stopPrice", "triggerPriceType", "isOrdinary", "marketOrderLevel")
    return {"type": "ORDER", **row, "leverage": ticket.leverage, "entrustOrderId": source} | dict.fromkeys(empty)


def mixed_plan_row(plan: Plan) -> dict[str, Any]:
    row = plan_row(plan)
    row["id"] = row.pop("entrustId")
    empty = ("avgPrice", "executedQty", "marginFrozen", "triggerProfitPrice", "triggerStopPrice", "closeProfit")
    return {
        "type": "ENTRUST",
        "orderType": "MARKET" if plan.draft.is_market else "LIMIT",
        **row,
        "leverage": plan.draft.leverage or None,
        "entrustOrderId": plan.order_id or None,
        "forceClose": False,
    } | dict.fromkeys(empty)


def fill_row(fill: LocalFill, symbol: str) -> dict[str, Any]:
    """Returns a fill. A fee that was paid is above zero, whatever the document's note says."""
    return {
        "orderId": str(fill.order_id),
        "execId": str(trade_number(fill.trade_id)),
        "symbol": symbol,
        "quantity": in_contracts(fill.quantity, symbol),
        "price": figure(fill.price),
        "fee": amount(fill.fee),
        "feeCoin": fill.fee_currency,
        "timestamp": milliseconds(fill.ts_event),
    }


def position_row(venue: PumpkinSimulator, position: HeldPosition) -> dict[str, Any]:
    """Returns a position: without a mark, a profit or a liquidation price."""
    closing = venue.orders.closing(position) if position.size else 0
    frozen = sum(
        venue.orders.frozen_by(order, ticket)
        for order, ticket in venue.orders.all_open()
        if ticket.symbol == position.symbol and ticket.position_side is position.side
    )
    return {
        "symbol": position.symbol,
        "positionId": str(position.id),
        "positionType": position.margin_type.value,
        "positionSide": position.side.value,
        "positionSize": str(position.size),
        "closeOrderSize": str(closing),
        "availableCloseSize": str(position.size - closing),
        "entryPrice": plain(round(position.entry_price, 8)),
        "isolatedMargin": amount(position.margin),
        "openOrderMarginFrozen": amount(Decimal(frozen)),
        "realizedProfit": amount(position.realized),
        "autoMargin": False,
        "leverage": position.leverage,
        "contractSize": plain(position.contract_size),
    }


def purse_row(purse: Purse) -> dict[str, str]:
    return {
        "coin": purse.coin,
        "walletBalance": amount(purse.wallet),
        "openOrderMarginFrozen": amount(purse.frozen),
        "isolatedMargin": amount(purse.isolated),
        "crossedMargin": amount(purse.crossed),
        "availableBalance": amount(purse.available),
        "bonus": "0",
    }


def bill_row(bill: Bill) -> dict[str, Any]:
    return {
        "id": str(bill.id),
        "coin": bill.coin,
        "symbol": bill.symbol or None,
        "type": bill.kind,
        "amount": f"{bill.amount:.8f}",
        "side": "ADD" if bill.amount > 0 else "SUB",
        "afterAmount": None,
        "createdTime": milliseconds(bill.ts_event),
    }


def plan_row(plan: Plan) -> dict[str, Any]:
    draft = plan.draft
    return {
        "entrustId": str(plan.id),
        "symbol": draft.symbol,
        "entrustType": plan.kind,
        "orderSide": side_text(draft.side),
        "positionSide": draft.position_side.value,
        "timeInForce": draft.time_in_force,
        "closePosition": False,
        "price": plain(draft.price) if draft.price is not None else "0",
        "origQty": str(draft.contracts),
        "stopPrice": plain(plan.trigger),
        "triggerPriceType": plan.price_type,
        "isOrdinary": True,
        "state": plan.state.value,
        "marketOrderLevel": plan.level,
        "createdTime": milliseconds(plan.ts_created),
    }


def protection_row(venue: PumpkinSimulator, found: Protection) -> dict[str, Any]:
    profit, stop = found.exits
    position = venue.book.open.get(found.position_id)
    order = venue.market.records.find(found.order_id)
    return {
        "profitId": str(found.id),
        "symbol": found.symbol,
        "positionSide": found.side.value,
        "origQty": str(found.contracts),
        "triggerPriceType": found.price_type,
        "triggerProfitPrice": _trigger(profit),
        "triggerStopPrice": _trigger(stop),
        "entryPrice": plain(round(position.entry_price if position else found.entry_price, 8)),
        "positionSize": str(position.size if position else 0),
        "isolatedMargin": amount(position.margin) if position else "0",
        "executedQty": in_contracts(order.filled, found.symbol) if order is not None else "0",
        "state": found.state.value,
        "createdTime": milliseconds(found.ts_created),
    }


def _trigger(found: Exit | None) -> str | None:
    return None if found is None else plain(found.trigger)
