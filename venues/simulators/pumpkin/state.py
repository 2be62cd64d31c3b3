"""What the control API shows of Pumpkin: what every venue has, and positions, exits and money beside it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.simulators.acts import order_row as common_row
from venues.simulators.figures import cut
from venues.simulators.perpetuals.state import money_state
from venues.simulators.perpetuals.wallet import Purse
from venues.simulators.pumpkin.entrusts import Plan, Protection, State
from venues.simulators.pumpkin.figures import trade_number
from venues.simulators.pumpkin.tickets import Exit

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator


def state_of(venue: PumpkinSimulator) -> dict[str, Any]:
    """Returns all that a test may compare. A triggered plan order and what it became are two orders."""
    state = venue.market.state()
    numbers = sorted([*venue.market.records.ended, *venue.market.records.open])
    plans = [plan_row(venue, plan) for plan in venue.entrusts.plans.values()]
    return (
        state
        | money_state(venue, available=_available)
        | {
            "orders": [*(order_row(venue, number) for number in numbers), *plans],
            "fills": [{**row, "trade_id": str(trade_number(int(row["trade_id"])))} for row in state["fills"]],
            "protections": [_protection_row(venue, one) for one in venue.entrusts.protections.values()],
            "settings": {symbol: _settings_row(venue, symbol) for symbol in venue.market.instruments},
            "weights": venue.weights.state(),
        }
    )


def _available(purse: Purse) -> Decimal:
    return cut(purse.wallet) - cut(purse.frozen) - cut(purse.isolated) - cut(purse.crossed)


def order_row(venue: PumpkinSimulator, number: int) -> dict[str, Any]:
    records = venue.market.records
    order = records.open.get(number) or records.ended[number]
    ticket = venue.orders.ticket(number)
    at_market = {"type": "market", "price": None} if ticket.is_market else {}
    return (
        common_row(order)
        | at_market
        | {
            "position_side": ticket.position_side.value,
            "position_id": str(ticket.position_id or ""),
            "is_closing": ticket.is_closing,
            "is_forced": ticket.is_forced,
            "source_id": str(ticket.source_id or ""),
        }
    )


def plan_row(venue: PumpkinSimulator, plan: Plan) -> dict[str, Any]:
    draft = plan.draft
    size = venue.market.instruments[plan.symbol].contract_size
    statuses = {State.WAITING: "new", State.TRIGGERED: "triggered", State.EXPIRED: "expired"}
    return {
        "id": str(plan.id),
        "account": 0,
        "client_id": draft.client_id,
        "symbol": plan.symbol,
        "side": draft.side.value,
        "type": "stop" if draft.is_market else "stop_limit",
        "price": None if draft.price is None else f"{draft.price:f}",
        "trigger": f"{plan.trigger:f}",
        "quantity": f"{draft.contracts * size:f}",
        "filled": "0",
        "status": statuses.get(plan.state, "canceled"),
        "became": str(plan.order_id) if plan.order_id else None,
        "is_foreign": plan.is_foreign,
        "ts_ns": plan.ts_event,
    }


def _protection_row(venue: PumpkinSimulator, one: Protection) -> dict[str, Any]:
    """Returns a take-profit and a stop; the quantity is in base units, 0 for all of the position."""
    profit, stop = one.exits
    return {
        "id": str(one.id),
        "symbol": one.symbol,
        "side": one.side.value,
        "position_id": str(one.position_id),
        "contracts": one.contracts,
        "quantity": f"{one.contracts * venue.market.instruments[one.symbol].contract_size:f}",
        "take_profit": _trigger(profit),
        "stop_loss": _trigger(stop),
        "price_type": one.price_type,
        "is_attached": one.is_attached,
        "status": one.state.value,
        "became": str(one.order_id) if one.order_id else None,
        "ts_ns": one.ts_event,
    }


def _trigger(found: Exit | None) -> str | None:
    return None if found is None else f"{found.trigger:f}"


def _settings_row(venue: PumpkinSimulator, symbol: str) -> dict[str, Any]:
    settings = venue.book.settings(symbol)
    return {"leverage": settings.leverage, "type": settings.margin_type.value, "model": settings.model.value}
