"""What a venue can do, in words: for the screens, the command line and the tables that are made from it."""

from __future__ import annotations

from venues.model import MarginMode, OrderType, TimeInForce
from venues.port import Capabilities, Mode

_TYPES = {
    OrderType.LIMIT: "limit",
    OrderType.MARKET: "market",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop-limit",
    OrderType.TAKE_PROFIT: "take-profit",
    OrderType.TAKE_PROFIT_LIMIT: "take-profit-limit",
}
OPENING = {
    Mode.LIVE: "orders on it are real",
    Mode.PAPER: "the exchange inside the desk: nothing on it is real",
    Mode.REPLAY: "a recording: nothing on it is real",
    Mode.PRACTICE: "a local copy of the exchange: nothing on it is real",
    Mode.READ_ONLY: "its public data, without a key: no orders",
}
"""What opening a venue in each mode means."""


def order_types_in_words(can: Capabilities) -> str:
    """Returns the order types: "limit, market, stop, stop-limit"."""
    return ", ".join(words for kind, words in _TYPES.items() if kind in can.order_types)


def conditions_in_words(can: Capabilities) -> str:
    """Returns what an order can be told besides: "GTC IOC FOK, post-only, reduce-only"."""
    parts = [" ".join(time.value.upper() for time in TimeInForce if time in can.times_in_force)]
    parts += ["post-only"] if can.post_only else []
    parts += ["reduce-only"] if can.reduce_only else []
    return ", ".join(part for part in parts if part)


def amending_in_words(can: Capabilities) -> str:
    """Returns how an order is changed: "amended in place", or "changed by cancel and new"."""
    return "amended in place" if can.amend else "changed by cancel and new"


def account_in_words(can: Capabilities) -> str:
    """Returns what the account has: "balances, positions, leverage, cross and isolated margin"."""
    parts = ["balances, positions"] if can.positions else ["balances, no positions"]
    parts += ["long beside short"] if can.position_sides else []
    parts += [f"leverage{' (changed while flat)' if can.leverage_needs_flat else ''}"] if can.leverage else []
    modes = " and ".join(mode.value for mode in MarginMode if mode in can.margin_modes)
    parts += [f"{modes} margin{' by order' if can.margin_mode_of_order else ''}"] if modes else []
    parts += ["margin of a position"] if can.position_margin else []
    parts += [f"{can.margin_wallet} beside spot: borrow, transfer"] if can.margin_wallet else []
    parts += ["exits sent along"] if can.attached_exits else []
    return ", ".join(parts)


def in_short(can: Capabilities) -> str:
    """Returns all of it in as few words as a column has room for."""
    parts = [order_types_in_words(can).replace(",", "")]
    parts += ["amend"] if can.amend else []
    parts += ["margin"] if can.leverage or can.margin_modes or can.margin_wallet else []
    return " · ".join(parts)


def remedy_of(venue: str) -> str:
    """Returns why a venue that is open for reading only takes no orders, and what can be done about it."""
    return f"there is no key for {venue}: press K to add one, or  pitside keys add {venue}"


def practice_instead(venue: str) -> str:
    """Returns how to trade on a venue without a key."""
    return f"`pitside --venue {venue} --practice` trades on a local copy of it"
