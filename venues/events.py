"""All that a venue may tell: the closed union `Event`. Nothing else comes out of an adapter.

Book levels stay the raw text that the venue sent, since checksums need it; `venues.book` keeps them. Whatever
money is computed from is `Decimal`.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from venues.margin import MarginAccount
from venues.model import Balance, Bar, Fill, InstrumentId, Order, Position, Side

Level: TypeAlias = tuple[str, str]
"""(price, quantity) as text; the quantity of base units that now stands at that price, zero removes it."""


class BookSnapshot(msgspec.Struct, frozen=True, gc=False):
    """Replaces the whole book. Bids best first, asks best first."""

    instrument: InstrumentId
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence: int
    ts_event: int
    ts_recv: int
    checksum: int | None = None  # the venue's, over the book as it stands after this event


class BookDelta(msgspec.Struct, frozen=True, gc=False):
    """Changes of a book. It applies only to a book that stands at `previous`; else the book is invalid.

    `previous` is -1 where the venue numbers nothing: then order of arrival is all there is.
    """

    instrument: InstrumentId
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    previous: int
    sequence: int
    ts_event: int
    ts_recv: int
    checksum: int | None = None


class Trade(msgspec.Struct, frozen=True, gc=False):
    """A public trade; `side` is the aggressor's."""

    instrument: InstrumentId
    trade_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    ts_event: int
    ts_recv: int


class Ticker(msgspec.Struct, frozen=True, gc=False):
    """The day's summary. `open` is the price 24 h ago, from which the change is computed."""

    instrument: InstrumentId
    last: Decimal
    bid: Decimal | None
    ask: Decimal | None
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    volume: Decimal | None
    ts_event: int


class BarUpdate(msgspec.Struct, frozen=True, gc=False):
    """The newest state of a candle; the same `ts_open` again replaces it."""

    bar: Bar


class MarkPrice(msgspec.Struct, frozen=True, gc=False):
    """Mark and index price of a perpetual; the funding rate is a fraction, paid at `ts_next_funding`."""

    instrument: InstrumentId
    mark: Decimal
    index: Decimal | None
    funding_rate: Decimal | None
    ts_next_funding: int | None
    ts_event: int


class OrderUpdate(msgspec.Struct, frozen=True, gc=False):
    order: Order


class FillUpdate(msgspec.Struct, frozen=True, gc=False):
    fill: Fill


class BalanceUpdate(msgspec.Struct, frozen=True, gc=False):
    """The named currencies' new balances. Currencies that are not named are unchanged."""

    venue: str
    balances: tuple[Balance, ...]
    ts_event: int


class PositionUpdate(msgspec.Struct, frozen=True, gc=False):
    """A position's new state, identified by (instrument, position_id); zero quantity closes it."""

    position: Position


class MarginUpdate(msgspec.Struct, frozen=True, gc=False):
    """The margin wallet's new state, whole."""

    account: MarginAccount


class LinkState(StrEnum):
    """What a venue's chip says. LIVE: data flows; STALE: connected and silent; the rest is not connected."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    RECONNECTING = "reconnecting"
    DOWN = "down"
    ENDED = "ended"  # a recording that has been played to its end


class StreamStatus(msgspec.Struct, frozen=True, gc=False):
    """The state of a venue's connection. `round_trip` in nanoseconds, `clock_offset` venue minus ours."""

    venue: str
    state: LinkState
    detail: str = ""
    round_trip: int | None = None
    clock_offset: int | None = None
    ts_event: int = 0


class Notice(msgspec.Struct, frozen=True, gc=False):
    """Something that the venue wants a person to read: a liquidation, a funding payment, a maintenance."""

    venue: str
    text: str  # untrusted
    is_alarm: bool = False
    ts_event: int = 0


Event: TypeAlias = (
    BookSnapshot
    | BookDelta
    | Trade
    | Ticker
    | BarUpdate
    | MarkPrice
    | OrderUpdate
    | FillUpdate
    | BalanceUpdate
    | PositionUpdate
    | MarginUpdate
    | StreamStatus
    | Notice
)
