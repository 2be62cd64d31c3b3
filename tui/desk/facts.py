"""Puts into words what happened to an order or a connection: one `Fact` each, never conflated."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tui.desk.exits import is_exit
from tui.desk.frame import Fact, FactKind, Severity
from tui.desk.inert import sanitise
from tui.desk.orders import Tracked
from venues.commands import FundsKind, FundsRequest
from venues.events import LinkState, Notice, StreamStatus
from venues.model import Fill, Instrument, MarginMode, Order, OrderStatus, OrderType, Position, TimeInForce
from venues.port import Capabilities

_QUIET = frozenset({OrderStatus.PENDING_NEW, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE})
_WORSE_THAN = {
    LinkState.RECONNECTING: (LinkState.DOWN,),
    LinkState.STALE: (LinkState.DOWN, LinkState.RECONNECTING),
}
_WORDS = {
    OrderStatus.NEW: "rests",
    OrderStatus.PARTIALLY_FILLED: "is partly filled",
    OrderStatus.FILLED: "is filled",
    OrderStatus.CANCELED: "is cancelled",
    OrderStatus.EXPIRED: "has expired",
}

_IN_WALLET = " in the margin wallet"
_LIQUIDATED = "LIQUIDATED"
_FORCED = ("liquidat", "deleverag")
_REMEDY = "; it is looked for, and a miss proves nothing here: look at the venue, then decide"
_RESTING = (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


def describe_order(order: Order, instrument: Instrument | None) -> str:
    """Returns an order in a few words: "BUY 0.25 BTC/USDT at 60000", and the wallet where it is not spot."""
    name = instrument.name if instrument is not None else sanitise(order.instrument.symbol, 32)
    price = f" at {figure(order.price)}" if order.price is not None else ""
    trigger = f" when {figure(order.trigger_price)}" if order.trigger_price is not None else ""
    if order.reduce_only and order.stop_loss is not None:  # one entry of two triggers
        trigger, exits = f"{trigger} or {figure(order.stop_loss)}", ""
    else:
        named = (("TP", order.take_profit), ("SL", order.stop_loss))
        exits = "".join(f" {word} {figure(value)}" for word, value in named if value is not None)
    wallet = _IN_WALLET if order.in_margin_wallet else ""
    number = number_words(order.position_id)
    return f"{order.side.value.upper()} {figure(order.quantity)} {name}{number}{price}{trigger}{exits}{wallet}"


def describe_position(position: Position, instrument: Instrument | None) -> str:
    """Returns a position in a few words: "LONG 0.25 BTC/USDT perp #12"."""
    name = instrument.name if instrument is not None else sanitise(position.instrument.symbol, 32)
    word = "LONG" if position.quantity > 0 else "SHORT"
    return f"{word} {figure(abs(position.quantity))} {name}{number_words(position.position_id)}"


def describe_funds(request: FundsRequest, instrument: Instrument | None = None) -> str:
    """Returns a request about funds in a few words: "ADD MARGIN 5 USDT to BTC-PERP #12 at pumpkin"."""
    verb = request.kind.value.replace("_", " ").upper()
    what = f"{verb} {figure(request.amount)} {sanitise(request.currency, 32)}"
    if request.instrument is not None:
        way = "to" if request.kind is FundsKind.ADD_MARGIN else "from"
        name = instrument.name if instrument is not None else sanitise(request.instrument.symbol, 32)
        what = f"{what} {way} {name}{number_words(request.position_id)}"
    return f"{what} at {request.venue}"


def number_words(position_id: str) -> str:
    """Returns how a position is told from others of its instrument: " #12", of "long:isolated" " isolated"; empty
    where there is one at most.
    """
    if mode := mode_of_id(position_id):
        return f" {mode.value}"
    return "" if position_id in ("", "net") else f" #{sanitise(position_id, 32)}"


def mode_of_id(position_id: str) -> MarginMode | None:
    """Returns the margin mode that tells two positions of a side apart, where their ids say it: "long:cross"."""
    side, _, word = position_id.partition(":")
    return MarginMode(word) if side in ("long", "short") and word in set(MarginMode) else None


def is_margin_told(position: Position) -> bool:
    """Whether its margin is known: no open cross position has none, but not every venue tells it."""
    is_cross = position.margin_mode is MarginMode.CROSS and not position.in_margin_wallet
    return bool(position.margin) or not is_cross or not position.quantity


def can_rest(order: Order) -> bool:
    """Whether an order that its venue has taken may rest: a venue may call one new that trades or ends at once."""
    is_lasting = order.time_in_force not in (TimeInForce.IOC, TimeInForce.FOK)
    return order.type.has_trigger or (order.type is not OrderType.MARKET and is_lasting)


def describe_tracked(tracked: Tracked, instrument: Instrument | None, order: Order | None = None) -> str:
    """Returns an order in a few words, and the margin mode that it was sent with: "BUY 1 BTC-PERP isolated".

    `order` is what it is to become.
    """
    mode = tracked.margin_mode
    return f"{describe_order(order or tracked.order, instrument)}{f' {mode.value}' if mode is not None else ''}"


def figure(value: Decimal) -> str:
    """Writes a figure without the zeros that its venue put behind it."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def order_fact(
    tracked: Tracked,
    before: OrderStatus | None,
    instrument: Instrument | None,
    ts: int,
    can: Capabilities | None = None,
) -> Fact | None:
    """Returns what is worth telling about a change of status; None where nothing is. `can` is the venue's.

    Fills have facts of their own. That an order could not be sent is told by whoever denied it.
    """
    status, order = tracked.status, tracked.order
    if order.is_liquidation:
        return _liquidation_fact(tracked, instrument, ts) if before is None else None
    if status is before or status in _QUIET or (before is None and status.is_terminal):
        return None
    if status is OrderStatus.REJECTED and tracked.was_not_sent:
        return None
    what = describe_tracked(tracked, instrument)
    reason = f": {sanitise(order.reason)}" if order.reason else ""
    kind, severity = FactKind.ORDER, Severity.INFO
    if status is OrderStatus.UNKNOWN:
        kind, severity = FactKind.UNKNOWN, Severity.ALARM
        # What was sent before it was known that its life is bounded has no bound.
        has_bound = tracked.deadline is not None and (can is None or can.order_life is not None)
        remedy = "" if can is None or (has_bound and can.lookup_covers_closed) else _REMEDY
        text = f"UNKNOWN what became of {what}{reason}{remedy}"
    elif status is OrderStatus.REJECTED:
        kind, severity = FactKind.REJECTED, Severity.WARNING
        text = f"rejected: {what}{reason}"
    elif before is OrderStatus.REJECTED:
        severity = Severity.ALARM
        text = f"the venue has an order that it had refused: {what}"
    elif status in (OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED) and before is not OrderStatus.UNKNOWN:
        return None
    elif status is OrderStatus.NEW and order.type is OrderType.MARKET:
        return None  # it trades at once, and that has facts of its own
    elif status is OrderStatus.NEW and before is OrderStatus.PENDING_NEW and not can_rest(order):
        return None  # so does this, or it has expired
    elif before is OrderStatus.PENDING_REPLACE and not status.is_terminal:
        text = f"changed: {what}"
    elif before is None:
        text = f"found at the venue: {what}"
    elif is_exit(order) and before in _RESTING and status in (OrderStatus.CANCELED, OrderStatus.EXPIRED):
        text = f"{what} was ended by the venue{reason}"
    else:
        words = _WORDS[status]
        done = f", {figure(order.filled_quantity)} filled" if status.is_terminal and order.filled_quantity else ""
        text = f"{what} {words}{done}{reason if status.is_terminal else ''}"
    return Fact(ts=ts, kind=kind, severity=severity, text=text, instrument=order.instrument, order_key=tracked.key)


def fill_fact(fill: Fill, tracked: Tracked | None, is_late: bool, instrument: Instrument | None, ts: int) -> Fact:
    """Returns the fact of an execution; one after the order was reported as over is an alarm."""
    name = instrument.name if instrument is not None else sanitise(fill.instrument.symbol, 32)
    verb = "bought" if fill.side.sign > 0 else "sold"
    is_of_wallet = fill.in_margin_wallet or (tracked is not None and tracked.order.in_margin_wallet)
    text = f"{verb} {figure(fill.quantity)} {name} at {figure(fill.price)}{_IN_WALLET if is_of_wallet else ''}"
    severity = Severity.GOOD
    if tracked is not None and tracked.order.is_liquidation:
        text, severity = f"{_LIQUIDATED}: {text}", Severity.ALARM
    elif is_late:
        text, severity = f"LATE FILL after the order was over: {text}", Severity.ALARM
    elif tracked is not None and tracked.is_overfilled:
        text, severity = f"MORE FILLED than ordered: {text}", Severity.ALARM
    elif tracked is not None and tracked.status is not OrderStatus.FILLED:
        text += f" ({figure(tracked.order.filled_quantity)} of {figure(tracked.order.quantity)})"
    return Fact(
        ts=ts,
        kind=FactKind.FILL,
        severity=severity,
        text=text,
        instrument=fill.instrument,
        order_key=tracked.key if tracked is not None else "",
    )


def link_fact(status: StreamStatus, before: LinkState, ts: int, *, was_live: bool = False) -> Fact | None:
    """Returns the fact of a connection that came or went; None while it only goes on.

    `was_live`: it was told as live and not as lost since, so that more of it coming up is no news.
    """
    if status.state is before or status.state is LinkState.CONNECTING:
        return None
    if was_live and before is LinkState.CONNECTING and status.state is LinkState.LIVE:
        return None
    if before in _WORSE_THAN.get(status.state, ()):
        return None  # it is being tried again, which does not yet make it better
    detail = sanitise(status.detail).removeprefix(f"{status.venue}: ")  # an error's words begin with the venue
    detail = f": {detail}" if detail else ""
    severity = {
        LinkState.LIVE: Severity.GOOD,
        LinkState.ENDED: Severity.INFO,
        LinkState.STALE: Severity.INFO,  # the panes show their age
        LinkState.DOWN: Severity.ALARM,
    }.get(status.state, Severity.WARNING)
    return Fact(ts=ts, kind=FactKind.CONNECTION, severity=severity, text=f"{status.venue} {status.state}{detail}")


def notice_fact(notice: Notice, ts: int) -> Fact:
    """Returns the fact of something that a venue wants read; an alarm about a forced close stays shown."""
    severity = Severity.ALARM if notice.is_alarm else Severity.INFO
    text = sanitise(notice.text)
    is_forced = notice.is_alarm and any(word in text.lower() for word in _FORCED)
    return Fact(ts=ts, kind=FactKind.NOTICE, severity=severity, text=f"{notice.venue}: {text}", stays=is_forced)


def _liquidation_fact(tracked: Tracked, instrument: Instrument | None, ts: int) -> Fact:
    order = tracked.order
    what = describe_order(msgspec.structs.replace(order, price=None), instrument)
    price = order.average_price if order.average_price is not None else order.price
    at = f" at {figure(price)}" if price is not None else ""
    return Fact(
        ts=ts,
        kind=FactKind.ORDER,
        severity=Severity.INFO,  # the alarm is the venue's own notice, which says most; its fill is one as well
        text=f"{_LIQUIDATED}: the venue closes by force: {what}{at}",
        instrument=order.instrument,
        order_key=tracked.key,
    )
