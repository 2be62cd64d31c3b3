"""The orders, stop orders and fills of a local exchange, and what it tells its listeners about them.

Everything here is frozen: a change makes a new object, so that what a listener has queued stays as it was.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from venues.events import BookDelta, MarkPrice, PositionUpdate, Trade
from venues.model import ZERO, Balance, InstrumentId, Liquidity, OrderStatus, OrderType, Side, TimeInForce

MAIN = 0  # the account that every venue has; further numbers are the venue's own (margin accounts)


class OrderWish(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a client of the local exchange asks for it. `client_id` may repeat, or be empty.

    `is_quote`: the quantity is an amount of the quote currency to spend or to receive (market orders only).
    """

    symbol: str
    side: Side
    type: OrderType  # LIMIT or MARKET
    quantity: Decimal
    price: Decimal | None = None
    is_quote: bool = False
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    account: int = MAIN
    client_id: str = ""
    source: str = ""
    is_hidden: bool = False
    is_foreign: bool = False  # placed elsewhere, through the control API
    stop_id: int = 0  # the stop order that it came from


class LocalFill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of an order of the demo user. `fee` is paid in `fee_currency`; negative is a rebate."""

    trade_id: int
    order_id: int
    client_id: str
    account: int
    instrument: InstrumentId
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity
    ts_event: int

    @property
    def value(self) -> Decimal:
        """Price times quantity, in the quote currency."""
        return self.price * self.quantity


class LocalOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands. `quantity` is in quote units where `is_quote`, `filled` always in base units."""

    id: int
    account: int
    instrument: InstrumentId
    client_id: str
    side: Side
    type: OrderType
    quantity: Decimal
    is_quote: bool
    price: Decimal | None
    time_in_force: TimeInForce
    post_only: bool
    is_hidden: bool
    source: str
    stop_id: int
    is_foreign: bool
    maker_rate: Decimal
    taker_rate: Decimal
    fee_currency: str
    status: OrderStatus = OrderStatus.NEW
    filled: Decimal = ZERO
    filled_value: Decimal = ZERO  # in the quote currency
    fee: Decimal = ZERO
    last_fill: LocalFill | None = None
    reason: str = ""
    ts_created: int = 0
    ts_event: int = 0

    @property
    def is_open(self) -> bool:
        return not self.status.is_terminal

    @property
    def left(self) -> Decimal:
        """What is unfilled, in the unit of `quantity`."""
        return self.quantity - (self.filled_value if self.is_quote else self.filled)

    @property
    def average_price(self) -> Decimal:
        """Zero while nothing is filled."""
        return self.filled_value / self.filled if self.filled else ZERO


class StopStatus(StrEnum):
    WAITING = "waiting"
    TRIGGERED = "triggered"
    CANCELED = "canceled"
    FAILED = "failed"  # triggered, and the order was refused


class LocalStop(msgspec.Struct, frozen=True, kw_only=True):
    """A stop order. `wish` is what is placed when the last price reaches the trigger."""

    id: int
    wish: OrderWish
    instrument: InstrumentId
    trigger_price: Decimal
    is_rising: bool  # the trigger lies above the market, and is reached from below
    status: StopStatus = StopStatus.WAITING
    order_id: int = 0  # what it became
    reason: str = ""
    ts_created: int = 0
    ts_event: int = 0

    @property
    def account(self) -> int:
        return self.wish.account

    @property
    def client_id(self) -> str:
        return self.wish.client_id

    @property
    def side(self) -> Side:
        return self.wish.side


class Change(StrEnum):
    """What has happened to an order or a stop order."""

    PUT = "put"
    UPDATE = "update"  # a partial fill or an amendment
    FINISH = "finish"


class OrderChanged(msgspec.Struct, frozen=True):
    change: Change
    order: LocalOrder


class StopChanged(msgspec.Struct, frozen=True):
    change: Change
    stop: LocalStop


class Filled(msgspec.Struct, frozen=True):
    fill: LocalFill


class BalancesChanged(msgspec.Struct, frozen=True):
    """The currencies of one account that have changed, as the venue shows them."""

    account: int
    balances: tuple[Balance, ...]
    ts_event: int


class NoticeGiven(msgspec.Struct, frozen=True):
    """Something to announce to every client: a maintenance of `text` from `ts_start` to `ts_end`, in ns UTC."""

    text: str
    ts_start: int
    ts_end: int
    ts_event: int


LocalEvent: TypeAlias = (
    BookDelta
    | Trade
    | MarkPrice
    | PositionUpdate
    | OrderChanged
    | StopChanged
    | Filled
    | BalancesChanged
    | NoticeGiven
)
"""What `LocalExchange.listen` hands out, in the order it happened."""
