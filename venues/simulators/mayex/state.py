"""What the control API shows of Mayex: what every venue has, and positions and money beside it.

A trigger order and what it became are one order. Spot pairs are named `btcusdt.spot`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venues.simulators.figures import cut
from venues.simulators.mayex.markets import SPOT
from venues.simulators.mayex.tickets import Shown, Status
from venues.simulators.perpetuals.positions import HeldPosition, MarginType
from venues.simulators.perpetuals.state import money_state, position_state

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator

_TYPES = {
    "LIMIT": "limit",
    "MARKET": "market",
    "STOP_LOSS_MARKET": "stop",
    "STOP_LOSS_LIMIT": "stop_limit",
    "TAKE_PROFIT_MARKET": "take_profit",
    "TAKE_PROFIT_LIMIT": "take_profit_limit",
}


def state_of(venue: MayexSimulator) -> dict[str, Any]:
    """Returns all that a test may compare."""
    state = venue.market.state()
    spot = {f"{symbol}{SPOT}": book for symbol, book in venue.spot.state()["books"].items()}
    return (
        state
        | money_state(venue, available=lambda purse: cut(purse.available))  # which is told itself
        | {
            "books": state["books"] | spot,
            "spot": list(spot),
            "orders": [order_state(one) for one in venue.orders.every()],
            "fills": [_fill(venue, row) for row in state["fills"] if venue.orders.knows(int(row["order_id"]))],
            "positions": [_position(venue, one) for one in venue.book.of()],
            "settings": {symbol: _leverage(venue, symbol) for symbol in venue.market.instruments},
            "quota": {"left": venue.quota.left(venue.clock.time_ns()), "fullest": venue.quota.fullest},
        }
    )


def order_state(one: Shown) -> dict[str, Any]:
    """Returns an order in the words that every venue's state has."""
    return {
        "id": str(one.number),
        "account": 0,
        "client_id": one.client_id,
        "symbol": one.symbol,
        "side": one.side.value,
        "type": _type(one),
        "venue_type": one.orig_type.value,
        "price": f"{one.price:f}" if one.price else None,
        "trigger": f"{one.trigger_price:f}" if one.trigger_price else None,
        "quantity": f"{one.quantity:f}",
        "is_quote": False,
        "filled": f"{one.filled:f}",
        "value": f"{one.value:f}",
        "fee": f"{one.fee:f}",
        "status": Status(one.status).name.lower(),
        "position_side": one.position_side.value,
        "position_id": position_name(one.position_side.value, is_isolated=one.isolated),
        "is_closing": one.side is one.position_side.closing,
        "close_position": one.close_position,
        "parent_id": str(one.parent or ""),
        "take_profit": f"{one.tp_price:f}" if one.tp_price else None,
        "stop_loss": f"{one.sl_price:f}" if one.sl_price else None,
        "is_forced": one.is_forced,
        "is_foreign": one.is_foreign,
        "ts_ns": one.ts,
    }


def position_name(side: str, *, is_isolated: bool) -> str:
    """Returns which of a symbol's positions it is, as in `long:isolated`."""
    return f"{side.lower()}:{'isolated' if is_isolated else 'cross'}"


def _type(one: Shown) -> str:
    kind = one.orig_type
    if not kind.is_conditional:
        return _TYPES[kind.value]
    price = one.mark_at_place if one.trigger_type == "MARK_PRICE" else one.last_at_place
    is_stop = (one.trigger_price > price) is (one.side.sign > 0)
    return ("stop" if is_stop else "take_profit") + ("" if kind.is_market else "_limit")


def _fill(venue: MayexSimulator, row: dict[str, Any]) -> dict[str, Any]:
    shown = venue.orders.shown_now(int(row["order_id"]))
    return row | {
        "client_id": shown.client_id,
        "position_id": position_name(shown.position_side.value, is_isolated=shown.isolated),
    }


def _position(venue: MayexSimulator, one: HeldPosition) -> dict[str, Any]:
    name = position_name(one.side.value, is_isolated=one.is_isolated)
    return position_state(venue, one) | {"id": name, "number": one.id, "net": f"{one.net:f}"}


def _leverage(venue: MayexSimulator, symbol: str) -> dict[str, int]:
    return {
        "isolated": venue.book.leverage(symbol, MarginType.ISOLATED),
        "cross": venue.book.leverage(symbol, MarginType.CROSSED),
    }
