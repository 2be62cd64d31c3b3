"""What the screens get to see: immutable views, built on the engine thread and read on the UI thread.

A `Frame` holds the views that changed since the one before; None stands for "as it was". Frames merge, so a
UI that is late takes the newest of everything. What must never be conflated (a fill, a rejection) is a `Fact`
and travels in a queue of its own.

Text that came from a venue (order reasons, notices, names) is made inert by the store before it is put here.
Times are nanoseconds UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import msgspec

from venues.commands import FundsRequest
from venues.events import LinkState
from venues.margin import MarginAccount
from venues.model import Balance, Bar, Fill, Instrument, InstrumentId, MarginMode, Order, Position, Side
from venues.port import Capabilities, Mode


class BookLevel(NamedTuple):
    price: Decimal
    quantity: Decimal  # base units


class BookView(msgspec.Struct, frozen=True, kw_only=True):
    """The shown instrument's book, best first. An invalid book has no levels: it can not be misread."""

    instrument: Instrument
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    is_valid: bool
    fault: str = ""  # why it is invalid, or "unverified"
    sequence: int = 0
    ts_event: int = 0
    ts_recv: int = 0  # engine clock, when the last change came in


class TapeRow(NamedTuple):
    trade_id: str
    ts_event: int
    price: Decimal
    quantity: Decimal
    side: Side  # the aggressor's
    is_mine: bool


class TapeView(msgspec.Struct, frozen=True, kw_only=True):
    """The newest trades of the shown instrument, oldest first. `count` is how many there have been."""

    instrument: Instrument
    rows: tuple[TapeRow, ...]
    count: int
    ts_recv: int = 0


class BarsView(msgspec.Struct, frozen=True, kw_only=True):
    """The shown instrument's candles, oldest first; the last one is forming."""

    instrument: Instrument
    interval: int  # seconds
    bars: tuple[Bar, ...]


class QuoteView(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the watchlist, and what the header shows of the instrument in focus."""

    instrument: Instrument
    last: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    change: Decimal | None = None  # over 24 h, as a fraction
    high: Decimal | None = None
    low: Decimal | None = None
    volume: Decimal | None = None
    mark: Decimal | None = None
    index: Decimal | None = None
    funding_rate: Decimal | None = None  # fraction, paid at `ts_next_funding`
    ts_next_funding: int | None = None
    is_favourite: bool = False
    ts_recv: int = 0


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order on its row. `key` names it to the desk: the client order id, or for an order that was placed
    elsewhere without one, the venue's id.
    """

    key: str
    order: Order
    instrument: Instrument
    account: str
    unknown_since: int | None = None  # set while the order's status is UNKNOWN
    is_late_fill: bool = False  # it filled after it was reported as over: worth an alarm
    ts_provable: int | None = None  # while UNKNOWN: when the venue's word is a proof at the latest, engine's clock
    margin_mode: MarginMode | None = None  # that it was sent with from here


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    position: Position
    instrument: Instrument
    account: str
    mark: Decimal | None = None
    unrealized_pnl: Decimal | None = None  # settle currency, at the mark
    break_even: Decimal | None = None  # the price at which closing pays for all fees and funding
    liquidation_distance: Decimal | None = None  # fraction of the mark
    notional: Decimal | None = None  # at the mark, quote currency
    next_funding: Decimal | None = None  # what it would receive (positive) or pay at the mark and the rate of now
    funds: tuple[FundsView, ...] = ()  # changes of its margin, newest first; what is not over is always in it


class FillView(msgspec.Struct, frozen=True, kw_only=True):
    fill: Fill
    instrument: Instrument
    account: str


class BalanceView(msgspec.Struct, frozen=True, kw_only=True):
    venue: str
    account: str
    balance: Balance
    value: Decimal | None = None  # in the account's currency; None where no price is known


class FundsView(msgspec.Struct, frozen=True, kw_only=True):
    """A loan, repayment, transfer or change of margin.

    `state` is "sent", "UNKNOWN", "processing", "done", "refused", or "moot": its position is closed, and it
    can not matter any more what became of it.
    """

    request: FundsRequest
    state: str
    is_over: bool
    words: str = ""  # the venue's, or what is being done about it
    ts_sent: int = 0  # engine's clock
    ts_provable: int | None = None  # while UNKNOWN: when the venue's word is a proof at the latest, engine's clock


class MarginView(msgspec.Struct, frozen=True, kw_only=True):
    """A venue's margin wallet, as last heard of. `account` is the desk's name of the account."""

    venue: str
    account: str
    name: str  # the venue's word for it: "M-wallet"
    wallet: MarginAccount
    ts_recv: int = 0  # engine's clock
    warn_below: Decimal = Decimal("1.5")  # of the ratio; ours, where the venue names no level
    alarm_below: Decimal = Decimal("1.25")
    funds: tuple[FundsView, ...] = ()  # newest first; what is not over is always in it
    values: Mapping[str, Decimal] = {}  # currency -> its net in the account's currency, where a price is known


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """The account's summary line. All amounts in `currency`."""

    account: str
    currency: str
    equity: Decimal | None = None
    day_pnl: Decimal | None = None  # fees and funding in it
    day_fees: Decimal | None = None  # paid is negative
    day_funding: Decimal | None = None
    budget_used: Decimal | None = None  # notional sent in this session
    budget: Decimal | None = None


class VenueView(msgspec.Struct, frozen=True, kw_only=True):
    """A venue's chip in the status bar."""

    venue: str
    account: str
    mode: Mode
    capabilities: Capabilities
    state: LinkState = LinkState.CONNECTING
    detail: str = ""
    round_trip: int | None = None  # nanoseconds
    clock_offset: int | None = None  # nanoseconds, venue minus ours
    ts_last_data: int = 0
    is_reconciling: bool = False
    fault: str = ""  # why no order can be sent to it, and the remedy


class VenueOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A venue that is not open: the mode it would have, what that means, or why it can not join this desk."""

    venue: str
    mode: Mode
    words: str = ""
    refusal: str = ""
    capabilities: Capabilities | None = None  # where they are known without opening it


class RecoveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One command of which nobody knows what became, as it was found in the journal at the start.

    `key` is the order's, empty for a cancel of many. `ts_provable` is when the venue's word will be a proof at the
    latest (engine's clock); None where nothing bounds the request's life, so that a person has to decide.
    """

    key: str
    venue: str
    text: str  # "BUY 0.25 BTC/USDT at 60000"
    ts_sent: int
    state: str  # what is being done, or what it turned out to be
    is_settled: bool = False
    ts_provable: int | None = None


class RecoveryView(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk found unresolved when it was started. Until `is_over` nothing that adds risk is sent."""

    rows: tuple[RecoveryRow, ...] = ()
    notices: tuple[str, ...] = ()  # about the journal itself, and what other desks of the profile left
    is_over: bool = False  # the trader has read it and gone on


class DeskView(msgspec.Struct, frozen=True, kw_only=True):
    """What concerns the whole desk."""

    shown: Instrument | None = None  # the instrument that book, tape and candles are of
    mode: Mode = Mode.PAPER
    account: str = "main"
    is_armed: bool = False
    lock_reason: str = ""
    messages_per_second: int = 0
    detach_policy: str = "leave"
    detach_when: str = ""  # besides a hang-up: "after 15 min idle", "60 s without tmux client"
    read_only_reason: str = ""  # why this desk only watches
    offers: tuple[VenueOffer, ...] = ()  # venues that may be opened beside those that are


class Severity(StrEnum):
    INFO = "info"
    GOOD = "good"
    WARNING = "warning"
    ALARM = "alarm"


class LogLine(msgspec.Struct, frozen=True):
    ts: int
    severity: Severity
    text: str


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """All that changed since the frame before. `ts` is the engine's clock when it was built."""

    number: int
    ts: int
    desk: DeskView | None = None
    venues: tuple[VenueView, ...] | None = None
    instruments: tuple[Instrument, ...] | None = None
    book: BookView | None = None
    tape: TapeView | None = None
    bars: BarsView | None = None
    quotes: tuple[QuoteView, ...] | None = None  # the whole watchlist, favourites first
    orders: tuple[OrderView, ...] | None = None  # all that are open or UNKNOWN, newest first
    positions: tuple[PositionView, ...] | None = None
    fills: tuple[FillView, ...] | None = None  # newest first
    balances: tuple[BalanceView, ...] | None = None
    accounts: tuple[AccountView, ...] | None = None
    margins: tuple[MarginView, ...] | None = None  # one of each venue that has a margin wallet
    log: tuple[LogLine, ...] | None = None  # newest last
    recovery: RecoveryView | None = None

    def over(self, older: Frame) -> Frame:
        """Returns this frame laid over an older one that nobody has taken yet."""
        merged = {
            name: value if (value := getattr(self, name)) is not None else getattr(older, name)
            for name in self.__struct_fields__
        }
        return Frame(**merged)


class FactKind(StrEnum):
    FILL = "fill"
    ORDER = "order"  # acknowledged, cancelled, amended, expired
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"  # nobody has said what became of an order
    CONNECTION = "connection"
    NOTICE = "notice"
    CONFIGURATION = "configuration"  # keys or settings: shown as a dialog that names the remedy
    PANIC = "panic"  # carries a receipt


class PanicLine(msgspec.Struct, frozen=True, kw_only=True):
    """What panic achieved on one venue. `is_proven`: read back from the venue, twice empty."""

    venue: str
    account: str
    cancelled: int
    closed: int
    orders_left: int
    positions_left: int
    is_proven: bool
    note: str = ""


class PanicReceipt(msgspec.Struct, frozen=True, kw_only=True):
    ts: int
    duration: int  # nanoseconds
    lines: tuple[PanicLine, ...]


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened and must be shown, each one, in order."""

    ts: int
    kind: FactKind
    severity: Severity
    text: str
    instrument: InstrumentId | None = None
    order_key: str = ""
    receipt: PanicReceipt | None = None
    stays: bool = False  # its toast stands until it is dismissed
