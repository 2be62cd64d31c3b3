"""What a market and an account are made of, the same for every venue.

Money, prices and quantities are `Decimal`. Times are integer nanoseconds UTC: `ts_event` is the venue's,
`ts_recv` ours. Quantities are in base units; a venue that counts contracts converts at its edge.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import msgspec

NANOSECONDS = 1_000_000_000
ZERO = Decimal(0)


class InstrumentId(NamedTuple):
    """Names one instrument on one venue; hashable, and cheap to compare."""

    venue: str
    symbol: str

    def __str__(self) -> str:
        return f"{self.symbol}@{self.venue}"


class InstrumentKind(StrEnum):
    SPOT = "spot"
    LINEAR_PERPETUAL = "linear_perpetual"
    INVERSE_PERPETUAL = "inverse_perpetual"


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell: what a fill does to a position."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    LIMIT = "limit"
    MARKET = "market"
    STOP = "stop"  # a market order once the trigger is reached against the holder
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"  # a market order once the trigger is reached in the holder's favour
    TAKE_PROFIT_LIMIT = "take_profit_limit"

    @property
    def has_price(self) -> bool:
        return self in _PRICED

    @property
    def has_trigger(self) -> bool:
        return self in _TRIGGERED


_PRICED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
_TRIGGERED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})


class TimeInForce(StrEnum):
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class MarginMode(StrEnum):
    CROSS = "cross"
    ISOLATED = "isolated"


class Liquidity(StrEnum):
    MAKER = "maker"
    TAKER = "taker"


class OrderStatus(StrEnum):
    """Where an order stands. UNKNOWN: it was sent, and nobody has said what became of it."""

    PENDING_NEW = "pending_new"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED})


class Bracket(msgspec.Struct, frozen=True, kw_only=True):
    """A tier of a perpetual: what holds for a position of at most `max_quantity` (base units).

    What has to be kept is its notional at the mark times `maintenance_rate`, less `maintenance_amount` (in the
    settle currency), which joins the tiers without a step.
    """

    max_quantity: Decimal
    max_leverage: Decimal
    maintenance_rate: Decimal
    maintenance_amount: Decimal = ZERO


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """What can be traded and in which steps. `lot_size`, minimums and maximums are in base units."""

    id: InstrumentId
    name: str  # as shown: "BTC/USDT" or "BTC/USDT perp"
    kind: InstrumentKind
    base: str
    quote: str
    settle: str  # the currency that profit, loss, fees and margin are paid in
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal = ZERO
    max_quantity: Decimal | None = None
    min_notional: Decimal = ZERO  # in the quote currency
    contract_size: Decimal = Decimal(1)  # base units in one contract, for venues that count contracts
    maker_fee: Decimal = ZERO  # as a fraction of the notional; negative is a rebate
    taker_fee: Decimal = ZERO
    max_leverage: Decimal = Decimal(1)
    maintenance_margin: Decimal = ZERO  # as a fraction of the notional
    brackets: tuple[Bracket, ...] = ()  # smallest first; where they are told they count, not the line above
    band_up: Decimal | None = None  # a buy's price may be above the mark by this fraction of it, at most
    band_down: Decimal | None = None  # a sell's price below it
    is_tradable: bool = True
    takes_margin: bool = False  # its orders may go to the venue's margin wallet, too
    note: str = ""  # why it can not be traded, or what about it is assumed ("tick from prices")

    @property
    def is_perpetual(self) -> bool:
        return self.kind is not InstrumentKind.SPOT

    @property
    def price_decimals(self) -> int:
        return decimals_of(self.tick_size)

    @property
    def quantity_decimals(self) -> int:
        return decimals_of(self.lot_size)


def decimals_of(step: Decimal) -> int:
    """Returns how many digits after the point a multiple of `step` may have."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as its venue last described it (or, while PENDING_NEW, as we sent it)."""

    instrument: InstrumentId
    client_order_id: str
    side: Side
    type: OrderType
    quantity: Decimal
    status: OrderStatus
    venue_order_id: str = ""
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    is_triggered: bool = False  # a stop or take-profit whose trigger has been reached
    filled_quantity: Decimal = ZERO
    average_price: Decimal | None = None
    ts_created: int = 0
    ts_event: int = 0
    reason: str = ""  # the venue's words, untrusted text
    is_external: bool = False  # placed elsewhere: by another program, or by the venue itself
    in_margin_wallet: bool = False  # else in the spot account, where a venue has both
    position_id: str = ""  # which position it closes, where the venue tells
    take_profit: Decimal | None = None  # sent along: the trigger of an exit that stands once it fills
    stop_loss: Decimal | None = None  # the same; of a take-profit order, the other trigger: one ends both
    is_liquidation: bool = False  # the venue closes a position by force

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled_quantity

    @property
    def is_open(self) -> bool:
        return not self.status.is_terminal


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of one of our orders. (venue, trade_id) names it for ever."""

    instrument: InstrumentId
    trade_id: str
    client_order_id: str
    venue_order_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal  # in `fee_currency`; positive is paid, negative is a rebate
    fee_currency: str
    liquidity: Liquidity
    ts_event: int
    realized_pnl: Decimal = ZERO  # in the settle currency, before the fee
    in_margin_wallet: bool = False  # of an order in the venue's margin wallet


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What an account holds of one currency. `total` = `available` + `locked`."""

    currency: str
    total: Decimal
    available: Decimal
    locked: Decimal


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A perpetual position; `quantity` is signed, positive is long, zero says that it is closed."""

    instrument: InstrumentId
    quantity: Decimal
    entry_price: Decimal
    position_id: str = "net"  # "net" one-way; "long" / "short" in hedge mode; or the venue's own id
    leverage: Decimal = Decimal(1)  # zero where nobody tells
    margin_mode: MarginMode = MarginMode.CROSS
    margin: Decimal = ZERO  # what is held for it, in the settle currency
    liquidation_price: Decimal | None = None
    liquidation_is_estimate: bool = False
    realized_pnl: Decimal = ZERO  # since the position was opened, before fees and funding
    fees: Decimal = ZERO  # paid for it since it was opened
    funding: Decimal = ZERO  # received (positive) or paid (negative) since it was opened
    ts_opened: int = 0
    ts_event: int = 0
    note: str = ""  # what else the venue tells of it, in words: loans, interest, how near its end is
    in_margin_wallet: bool = False  # it is what the margin wallet holds of a currency, less what it owes


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A candle. `interval` is in seconds, `ts_open` the start of it, `volume` in base units."""

    instrument: InstrumentId
    interval: int
    ts_open: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
