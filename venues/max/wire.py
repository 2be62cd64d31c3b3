"""The messages of MAX's WebSocket. Their keys are one or two letters, of which the case tells.

`v` is the version of a book at the top and a volume everywhere else, `T` the moment of a message at the top and
the moment of creation within, `db` a list of debts at the top and a figure within `ad`.

The market's messages, a hundred times as many, are read by msgspec alone, and `venues.book` looks at their
figures; whatever is ours is read strictly (`venues.transport.strict_json`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from venues.errors import DecodeError
from venues.max import VENUE
from venues.transport.strict_json import parse_json

T = TypeVar("T")

Figure: TypeAlias = Annotated[str, Meta(max_length=80)]
Word: TypeAlias = Annotated[str, Meta(max_length=64)]
Number: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Milliseconds: TypeAlias = Annotated[int, Meta(ge=0, le=10**14)]
WireLevel: TypeAlias = tuple[str, str]

NOTHING = msgspec.Raw()
USER = "user"
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)  # BadJson and UnicodeDecodeError are ValueErrors


class Message(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "event": "e", "channel": "c", "market": "M", "time": "T", "asks": "a", "bids": "b", "first": "fi",
        "last": "li", "version": "v", "trades": "t", "ticker": "tk", "bar": "k", "markets": "ms", "id": "i",
        "subscriptions": "s", "errors": "E", "orders": "o", "balances": "B", "ratio": "ad", "debts": "db",
    },
):  # fmt: skip
    """Any message, with what its kind does not have left at its default."""

    event: Word
    channel: Word = ""
    market: Word = ""
    time: Milliseconds = 0
    asks: tuple[WireLevel, ...] = ()
    bids: tuple[WireLevel, ...] = ()
    first: Number | None = None
    last: Number | None = None
    version: Number | None = None
    trades: msgspec.Raw = NOTHING
    ticker: msgspec.Raw = NOTHING
    bar: msgspec.Raw = NOTHING
    markets: msgspec.Raw = NOTHING
    id: str | int | None = None
    subscriptions: msgspec.Raw = NOTHING
    errors: msgspec.Raw = NOTHING
    orders: msgspec.Raw = NOTHING
    balances: msgspec.Raw = NOTHING
    ratio: msgspec.Raw = NOTHING
    debts: msgspec.Raw = NOTHING

    @property
    def is_snapshot(self) -> bool:
        return self.event in ("snapshot", "snaptshot")  # the document's own example has the second


class WireTrade(msgspec.Struct, frozen=True, gc=False, rename={"time": "T"}):
    """A public trade: it has neither an id nor a side, only where the price went."""

    p: Figure
    v: Figure
    time: Milliseconds
    tr: Word = ""


class WireTicker(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"market": "M", "open": "O", "high": "H", "low": "L", "close": "C"},
):
    market: Word
    open: Figure
    high: Figure
    low: Figure
    close: Figure
    v: Figure


class WireBar(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"starts": "ST", "market": "M", "resolution": "R", "open": "O", "high": "H", "low": "L", "close": "C"},
):
    starts: Milliseconds
    market: Word
    resolution: Word
    open: Figure
    high: Figure
    low: Figure
    close: Figure
    v: Figure


class WireMarketStatus(msgspec.Struct, frozen=True, rename={"market": "M"}):
    market: Word
    st: Word
    bu: Word
    bup: int
    mba: Decimal
    qu: Word
    qup: int
    mqa: Decimal
    mws: bool = False


class WireOrder(
    msgspec.Struct, frozen=True, rename={"state": "S", "market": "M", "created": "T", "updated": "TU"}
):
    """Our order. `ap` may be null before the first trade, `p` is null of a market order."""

    i: Number
    sd: Word
    ot: Word
    state: Word
    market: Word
    created: Milliseconds
    updated: Milliseconds
    v: Figure
    rv: Figure
    ev: Figure
    p: Figure | None = None
    sp: Figure | None = None
    ap: Figure | None = None
    tc: Number = 0
    ci: Word | None = None
    gi: Number | None = None


class WireFill(msgspec.Struct, frozen=True, rename={"market": "M", "created": "T", "updated": "TU"}):
    """Our trade; the fee may be null just after it, and comes later."""

    i: Number
    market: Word
    sd: Word
    p: Figure
    v: Figure
    created: Milliseconds
    m: bool
    oi: Number
    f: Figure | None = None
    fc: Word | None = None
    updated: Milliseconds = 0


class WireBalance(msgspec.Struct, frozen=True, rename={"locked": "l", "updated": "TU"}):
    cu: Word
    av: Figure
    locked: Figure
    updated: Milliseconds | None = None


class WireRatio(msgspec.Struct, frozen=True, rename={"assets": "as", "updated": "TU"}):
    """The M-wallet's assets over its debts; without a debt it is very large, or null."""

    ad: Figure | None = None
    assets: Figure | None = None
    db: Figure | None = None
    updated: Milliseconds | None = None


class WireDebt(msgspec.Struct, frozen=True, rename={"updated": "TU"}):
    cu: Word
    dbp: Figure
    dbi: Figure
    updated: Milliseconds | None = None


_messages: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def decode_frame(raw: bytes) -> Message:
    """Returns what a text frame says. Raises DecodeError: it is not JSON, or not of the documented shape."""
    try:
        message = _messages.decode(raw)
        if message.channel == USER:
            parse_json(raw)
    except _UNREADABLE:
        raise undecodable() from None
    return message


def decode_part(raw: msgspec.Raw, into: type[T] | Any) -> Any:
    """Returns a part of a message. Raises DecodeError where it is missing, or not of that shape."""
    try:
        return msgspec.json.decode(raw, type=into)
    except _UNREADABLE:
        raise undecodable() from None


def undecodable() -> DecodeError:
    return DecodeError(VENUE, "a frame that is not of the documented shape")
