"""Words about an open order: where it stands, of which type it is, what triggers it, and what it closes."""

from __future__ import annotations

from collections.abc import Mapping

from tui import formatting
from tui.desk.facts import mode_of_id
from tui.desk.frame import OrderView, PositionView
from venues.model import InstrumentId, Order, OrderStatus, OrderType, Side

PositionNames = Mapping[tuple[InstrumentId, str], str]
"""What positions are called, by instrument and id: "LONG", or where there are several of a side "LONG #4231"."""

_STATES = {
    OrderStatus.PENDING_NEW: "sending",
    OrderStatus.NEW: "resting",
    OrderStatus.PARTIALLY_FILLED: "part filled",
    OrderStatus.PENDING_CANCEL: "cancelling",
    OrderStatus.PENDING_REPLACE: "changing",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELED: "cancelled",
    OrderStatus.REJECTED: "rejected",
    OrderStatus.EXPIRED: "expired",
}
_TYPES = {
    OrderType.LIMIT: "limit",
    OrderType.MARKET: "market",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop limit",
    OrderType.TAKE_PROFIT: "take profit",
    OrderType.TAKE_PROFIT_LIMIT: "tp limit",
}
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


def is_exit(order: Order) -> bool:
    """Whether it is a take-profit or a stop-loss of a position that it names."""
    return order.type.has_trigger and order.reduce_only and bool(order.position_id)


def state_in_words(view: OrderView, now: int) -> str:
    """Returns where an order stands: "resting", or while nobody has said, "UNKNOWN 3.1 s"."""
    status = view.order.status
    if status is OrderStatus.UNKNOWN:
        since = view.unknown_since
        return f"UNKNOWN {formatting.age(now - since)}" if since is not None else "UNKNOWN"
    if view.is_late_fill:
        return "FILLED AFTER ALL"
    if view.order.is_liquidation:
        return "LIQUIDATION"
    if status is OrderStatus.NEW and view.order.type.has_trigger:
        return "triggered" if view.order.is_triggered else "waiting"
    return _STATES[status]


def kind_in_words(order: Order) -> str:
    """Returns what kind of order it is: "limit", "stop"; of a position's exits "TP", "SL limit", "TP/SL"."""
    if not is_exit(order):
        return _TYPES[order.type]
    name = "SL" if order.type in _STOPS else "TP" if order.stop_loss is None else "TP/SL"
    return f"{name} limit" if order.type.has_price else name


def type_in_words(view: OrderView) -> str:
    """Returns the type with what is attached to it: "limit post-only", "stop reduce-only"."""
    order = view.order
    words = [kind_in_words(order)]
    if order.post_only:
        words.append("post-only")
    if order.reduce_only and not is_exit(order):
        words.append("reduce-only")
    return " ".join(words)


def type_and_state_in_words(view: OrderView, now: int) -> str:
    """Returns where an order stands, and of one that waits for its trigger the type too: "TP/SL waiting"."""
    state, order = state_in_words(view, now), view.order
    if not order.type.has_trigger or order.status is not OrderStatus.NEW or view.is_late_fill:
        return state
    return f"{kind_in_words(order)} {state}"


def triggers_in_words(view: OrderView) -> tuple[str, str]:
    """Returns the prices that it waits for, and the same with the way that the market has to come to them.

    Of a pair of exits both are named, that of the profit first: "61,800.0/59,900.0".
    """
    order, instrument = view.order, view.instrument
    if order.trigger_price is None:
        return "", ""
    # A stop waits for the market to come against its holder, a take-profit for the other way.
    sign = "≥" if (order.side is Side.BUY) is (order.type in _STOPS) else "≤"
    trigger = formatting.price(order.trigger_price, instrument)
    if not is_exit(order) or order.stop_loss is None:
        return trigger, f"{sign} {trigger}"
    pair = f"{trigger}/{formatting.price(order.stop_loss, instrument)}"
    return pair, pair


def exits_in_words(view: OrderView) -> str:
    """Returns the exits that are sent along with an order: "TP 61,200.0 SL 59,900.0"; empty without any."""
    order = view.order
    if is_exit(order):
        return ""
    parts = (("TP", order.take_profit), ("SL", order.stop_loss))
    return " ".join(f"{name} {formatting.price(at, view.instrument)}" for name, at in parts if at is not None)


def closes_in_words(order: Order, names: PositionNames) -> str:
    """Returns which position an order closes: "closes LONG"; empty where the venue does not tell."""
    if not order.position_id:
        return ""
    name = names.get((order.instrument, order.position_id))
    # The position may be gone, or not be told yet: the side alone says what it was.
    return f"closes {name or ('SHORT' if order.side is Side.BUY else 'LONG')}"


def position_names(positions: tuple[PositionView, ...]) -> dict[tuple[InstrumentId, str], str]:
    """Returns what each position is called; those that share market and side go by the end of their ids too."""
    sides = [(each.position.instrument, each.position.quantity > 0) for each in positions]
    names = {}
    for view, (instrument, is_long) in zip(positions, sides, strict=True):
        side = "LONG" if is_long else "SHORT"
        is_one_of_several = sides.count((instrument, is_long)) > 1
        position_id = view.position.position_id
        names[instrument, position_id] = f"{side} {short_id(position_id)}" if is_one_of_several else side
    return names


def short_id(position_id: str, longest: int = 6) -> str:
    """Returns what tells a position from others of its market and side: the end of its id, "#88213", or its margin
    mode, "isolated".
    """
    if (mode := mode_of_id(position_id)) is not None:
        return mode.value
    return f"#{position_id if len(position_id) <= longest else f'…{position_id[-longest:]}'}"


def opening_words(side: Side, *, reduce_only: bool) -> str:
    """Returns what an order does where long and short stand side by side: "open long", "close short"."""
    if reduce_only:
        return "close short" if side is Side.BUY else "close long"
    return "open long" if side is Side.BUY else "open short"
