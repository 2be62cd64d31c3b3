"""What we ask of a venue: frozen, and validated when made, so that nonsense can not travel.

Validation here is about what no venue could mean (a zero size, a limit order without a price). Tick, lot,
minimums and what a given venue supports are checked by `venues.rounding` and the venue's capabilities.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from venues.model import InstrumentId, MarginMode, OrderType, Side, TimeInForce


class Channel(StrEnum):
    BOOK = "book"
    TRADES = "trades"
    TICKER = "ticker"
    BARS = "bars"
    MARK = "mark"
    ACCOUNT = "account"  # orders, fills, balances and positions of the account


class Subscription(msgspec.Struct, frozen=True):
    """A wish for live data. `instrument` is None for ACCOUNT; `interval` is in seconds, for BARS only."""

    channel: Channel
    instrument: InstrumentId | None = None
    interval: int | None = None

    def __post_init__(self) -> None:
        if (self.channel is Channel.ACCOUNT) is not (self.instrument is None):
            raise ValueError("a market channel needs an instrument, the account channel has none")
        if (self.channel is Channel.BARS) is not (self.interval is not None):
            raise ValueError("bars, and only bars, have an interval")


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A new order. `client_order_id` is made at the moment of intent and never used for another body.

    Raises:
        ValueError: the order makes no sense on any venue; the message says why, in a trader's words.
    """

    instrument: InstrumentId
    client_order_id: str
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    position_id: str | None = None  # which position it closes, where a venue keeps several
    in_margin_wallet: bool = False  # else in the spot account, where a venue has both

    def __post_init__(self) -> None:
        if not self.client_order_id:
            raise ValueError("an order needs a client order id")
        _positive("size", self.quantity)
        _present("price", self.price, self.type.has_price, self.type)
        _present("trigger price", self.trigger_price, self.type.has_trigger, self.type)
        for what, value in (
            ("leverage", self.leverage),
            ("take profit", self.take_profit),
            ("stop loss", self.stop_loss),
        ):
            if value is not None:
                _positive(what, value)
        if self.post_only and (not self.type.has_price or self.time_in_force is not TimeInForce.GTC):
            raise ValueError("post-only needs a limit order that may rest")


class FundsKind(StrEnum):
    """What is done with a margin wallet, or with the margin of one isolated position.

    A transfer is between the wallet and the spot account.
    """

    BORROW = "borrow"
    REPAY = "repay"
    TRANSFER_IN = "transfer_in"  # spot -> margin wallet
    TRANSFER_OUT = "transfer_out"  # margin wallet -> spot
    ADD_MARGIN = "add_margin"  # balance -> position
    REMOVE_MARGIN = "remove_margin"  # position -> balance

    @property
    def adds_risk(self) -> bool:
        """Whether it brings the wallet or the position nearer to a liquidation."""
        return self in (FundsKind.BORROW, FundsKind.TRANSFER_OUT, FundsKind.REMOVE_MARGIN)

    @property
    def is_of_position(self) -> bool:
        return self in (FundsKind.ADD_MARGIN, FundsKind.REMOVE_MARGIN)


class FundsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A loan, repayment, transfer or change of margin. Never sent twice: no venue knows a name of ours for it.

    `request_id` names it to the desk and the journal only; two requests that look the same are two.

    Raises:
        ValueError: it makes no sense on any venue; the message says why, in a trader's words.
    """

    venue: str
    request_id: str
    kind: FundsKind
    currency: str  # as the desk writes it: "BTC"
    amount: Decimal
    instrument: InstrumentId | None = None  # of the position, where its margin is changed
    position_id: str = ""
    held_before: Decimal | None = None  # its margin when this was wished for: what it is compared with afterwards

    def __post_init__(self) -> None:
        if not self.request_id:
            raise ValueError("it needs an id of its own")
        if not self.currency:
            raise ValueError("it needs a currency")
        if self.kind.is_of_position is not (self.instrument is not None and bool(self.position_id)):
            raise ValueError("a change of margin, and only that, names a position")
        _positive("amount", self.amount)


class AmendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """New price, total quantity or trigger of a resting order; None leaves as it is."""

    instrument: InstrumentId
    client_order_id: str
    venue_order_id: str
    price: Decimal | None = None
    quantity: Decimal | None = None
    trigger_price: Decimal | None = None

    def __post_init__(self) -> None:
        if not (self.client_order_id or self.venue_order_id):
            raise ValueError("an amendment needs an order id")
        if self.price is None and self.quantity is None and self.trigger_price is None:
            raise ValueError("an amendment needs a new price, size or trigger")
        for what, value in (
            ("price", self.price),
            ("size", self.quantity),
            ("trigger price", self.trigger_price),
        ):
            if value is not None:
                _positive(what, value)


class CancelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Cancels exactly one order: an id is required, since on some venues none means all."""

    instrument: InstrumentId
    client_order_id: str
    venue_order_id: str

    def __post_init__(self) -> None:
        if not (self.client_order_id or self.venue_order_id):
            raise ValueError("a cancel needs an order id")


def _positive(what: str, value: Decimal) -> None:
    if not value.is_finite() or value <= 0:
        raise ValueError(f"the {what} must be above zero")


def _present(what: str, value: Decimal | None, wanted: bool, kind: OrderType) -> None:
    words = kind.replace("_", " ")
    if wanted and value is None:
        raise ValueError(f"a {words} order needs a {what}")
    if not wanted and value is not None:
        raise ValueError(f"a {words} order has no {what}")
    if value is not None:
        _positive(what, value)
