"""An order as it is asked for, what is kept of it beside the local exchange's own, and how it stands."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from venues.model import ZERO, OrderStatus, Side, TimeInForce
from venues.simulators.orders import LocalFill, LocalOrder
from venues.simulators.perpetuals.positions import MarginType, PositionSide
from venues.simulators.perpetuals.ranges import PriceKind
from venues.simulators.perpetuals.tickets import Ticket as PositionTicket

NO_TRIGGER = "TRIGGER_NONE"
TRIGGER_KINDS = {"MARK_PRICE": PriceKind.MARK, "LAST_PRICE": PriceKind.LAST}
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "POST_ONLY")
_LOCAL = {"IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}


class OrderKind(StrEnum):
    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP_LOSS_MARKET = "STOP_LOSS_MARKET"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    CONDITIONAL_LIMIT = "CONDITIONAL_LIMIT"
    CONDITIONAL_MARKET = "CONDITIONAL_MARKET"

    @property
    def is_market(self) -> bool:
        return self.value.endswith("MARKET")

    @property
    def waits(self) -> bool:
        """Whether it waits for its trigger."""
        return self not in (OrderKind.LIMIT, OrderKind.MARKET)

    @property
    def is_conditional(self) -> bool:
        return self.value.startswith("CONDITIONAL")

    @property
    def triggered(self) -> OrderKind:
        """What it is once it is triggered."""
        return OrderKind.MARKET if self.is_market else OrderKind.LIMIT


class Status(StrEnum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"

    @property
    def is_open(self) -> bool:
        return self in (Status.NEW, Status.PARTIALLY_FILLED)


class Execution(StrEnum):
    """What has happened to an order, in the word of its push."""

    NEW = "E_NEW"
    TRADE = "E_TRADE"
    CANCELED = "E_CANCELED"
    EXPIRED = "E_EXPIRED"


class Trigger(NamedTuple):
    """A price that is waited for, and of what it is the price: MARK_PRICE or LAST_PRICE."""

    type: str
    price: Decimal


class Draft(NamedTuple):
    """An order as it is asked for; 0 lots with `close_position`: all that there is."""

    symbol: str
    client_id: str
    side: Side
    position_side: PositionSide
    is_isolated: bool
    kind: OrderKind
    time_in_force: str
    lots: int
    price: Decimal | None = None
    close_position: bool = False
    trigger: Trigger | None = None
    profit: Trigger | None = None
    stop: Trigger | None = None
    parent: int = 0  # the order whose fills it protects
    is_foreign: bool = False

    @property
    def is_closing(self) -> bool:
        return self.side is self.position_side.closing

    @property
    def margin_type(self) -> MarginType:
        return MarginType.ISOLATED if self.is_isolated else MarginType.CROSSED

    @property
    def local_time_in_force(self) -> TimeInForce:
        default = TimeInForce.IOC if self.kind.is_market else TimeInForce.GTC
        return _LOCAL.get(self.time_in_force, default)


class Ticket(PositionTicket, kw_only=True):
    """An order beside the local exchange's own, which it has once it was in the book.

    `kind` is what it is now, `own_status` how it stands while, or where, it never came to the book.
    """

    draft: Draft
    kind: OrderKind
    lots: int
    mark_at_place: Decimal
    last_at_place: Decimal
    ts_created: int
    ts_event: int
    rises: bool = False  # its trigger is reached from below
    own_status: Status | None = None
    children: tuple[int, ...] = ()  # the orders that protect what it has opened

    @property
    def is_waiting(self) -> bool:
        return self.own_status is Status.NEW

    def is_reached(self, low: Decimal, high: Decimal) -> bool:
        trigger = self.draft.trigger
        return trigger is not None and (high >= trigger.price if self.rises else low <= trigger.price)


class Shown(NamedTuple):
    """An order as it stands, in the words of the venue; times in nanoseconds UTC, quantities in base units."""

    number: int
    client_id: str
    symbol: str
    side: Side
    position_side: PositionSide
    isolated: bool
    type: OrderKind
    orig_type: OrderKind
    time_in_force: str
    price: Decimal  # 0 at the market
    quantity: Decimal
    filled: Decimal
    value: Decimal  # of what is filled
    average: Decimal
    fee: Decimal  # above zero where it was paid
    status: Status
    close_position: bool
    trigger_type: str
    trigger_price: Decimal
    tp_type: str
    tp_price: Decimal
    sl_type: str
    sl_price: Decimal
    parent: int
    mark_at_place: Decimal
    last_at_place: Decimal
    ts_created: int
    ts: int
    is_forced: bool
    is_foreign: bool

    @property
    def left(self) -> Decimal:
        return self.quantity - self.filled


class OrderTold(NamedTuple):
    """What has happened to an order; a fill with TRADE alone."""

    kind: Execution
    shown: Shown
    fill: LocalFill | None = None


def status_of(order: LocalOrder, ticket: Ticket) -> Status:
    """Returns how an order of the book stands. What could not rest has expired."""
    if order.is_open:
        return Status.PARTIALLY_FILLED if order.filled else Status.NEW
    if order.status is OrderStatus.FILLED:
        return Status.FILLED
    could_rest = ticket.draft.local_time_in_force is TimeInForce.GTC
    return Status.CANCELED if could_rest else Status.EXPIRED


def shown_of(ticket: Ticket, order: LocalOrder | None, lot: Decimal) -> Shown:
    """Returns how an order stands. `order` is the book's; none where it waits, or never came there."""
    draft = ticket.draft
    status = ticket.own_status or Status.NEW
    filled = value = average = fee = ZERO
    ts = ticket.ts_event
    if order is not None and ticket.own_status is None:
        status, ts = status_of(order, ticket), order.ts_event
        filled, value, average, fee = order.filled, order.filled_value, order.average_price, order.fee
    trigger, profit, stop = (one or Trigger(NO_TRIGGER, ZERO) for one in (draft.trigger, draft.profit, draft.stop))
    return Shown(
        number=ticket.number,
        client_id=f"LIQ{ticket.number}" if ticket.is_forced else draft.client_id,
        symbol=ticket.symbol,
        side=draft.side,
        position_side=draft.position_side,
        isolated=draft.is_isolated,
        type=ticket.kind,
        orig_type=draft.kind,
        time_in_force=draft.time_in_force,
        price=draft.price or ZERO,
        quantity=ticket.lots * lot,
        filled=filled,
        value=value,
        average=average,
        fee=fee,
        status=status,
        close_position=draft.close_position,
        trigger_type=trigger.type,
        trigger_price=trigger.price,
        tp_type=profit.type,
        tp_price=profit.price,
        sl_type=stop.type,
        sl_price=stop.price,
        parent=draft.parent,
        mark_at_place=ticket.mark_at_place,
        last_at_place=ticket.last_at_place,
        ts_created=ticket.ts_created,
        ts=ts,
        is_forced=ticket.is_forced,
        is_foreign=draft.is_foreign,
    )
