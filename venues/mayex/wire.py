"""The messages of Mayex's market streams: JSON texts that name their kind in `e`, and the answers to our commands.

The documented samples have comments and trailing commas in them, which no message on the wire has. Symbols are in
upper case here, and in lower case everywhere else.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from venues.errors import DecodeError
from venues.mayex import VENUE

Figure: TypeAlias = Annotated[str, Meta(max_length=48)]
Word: TypeAlias = Annotated[str, Meta(max_length=128)]
Number: TypeAlias = Annotated[int, Meta(ge=-1, le=2**63 - 1)]
Milliseconds: TypeAlias = Annotated[int, Meta(ge=0, le=10**14)]
WireLevel: TypeAlias = tuple[str, str]

_NOTHING: Final = msgspec.Raw()
_NULL = b"null"
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
_is_symbol = re.compile(r"[A-Za-z0-9]{2,24}", re.ASCII).fullmatch


class WireBar(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"time": "t", "interval": "i", "open": "o", "close": "c", "high": "h", "low": "l", "volume": "v"},
):
    """A candle that begins at `time`, in milliseconds; its volume is in the base coin."""

    time: Milliseconds
    interval: Word
    open: Figure
    close: Figure
    high: Figure
    low: Figure
    volume: Figure


class WireTrade(msgspec.Struct, frozen=True, gc=False):
    """A trade at `time`, in milliseconds. `number` is an "update id": several may have the same."""

    number: int
    time: int
    price: str
    quantity: str
    buyer_is_maker: bool


class WireDepth(msgspec.Struct, frozen=True, gc=False):
    """Levels of a book: all that there are, or those that changed, which it does not tell.

    `first` and `last` are its own numbers, `previous` the last one of the message before it (-1 where it does not
    say). `time` is in milliseconds.
    """

    first: int
    last: int
    previous: int
    bids: tuple[WireLevel, ...]
    asks: tuple[WireLevel, ...]
    time: int


class WireTicker(msgspec.Struct, frozen=True, gc=False):
    """The last 24 hours. It has neither bid nor ask."""

    last: str
    open: str
    high: str
    low: str
    volume: str
    time: int


class WireMark(msgspec.Struct, frozen=True, gc=False):
    """Mark and index price, and the funding that comes at `next_funding`, in milliseconds."""

    mark: str
    index: str
    funding_rate: str
    next_funding: int
    time: int


Told: TypeAlias = WireBar | WireTrade | WireDepth | WireTicker | WireMark


class Push(msgspec.Struct, frozen=True, gc=False):
    """What a message tells of the market `symbol`, in lower case, and when the venue sent it (milliseconds)."""

    symbol: str
    sent: int
    told: Told


class Reply(msgspec.Struct, frozen=True, gc=False):
    """The answer to the command of the same id; `names` is what stands, where that was asked."""

    id: int
    is_success: bool
    code: int | None
    words: str
    names: tuple[str, ...] = ()


class _Message(
    msgspec.Struct,
    frozen=True,
    rename={
        "kind": "e", "sent": "E", "symbol": "s", "bar": "k", "time": "T", "first": "U", "last_number": "u",
        "previous": "pu", "bids": "b", "asks": "a", "number": "t", "price": "p", "quantity": "q",
        "buyer_is_maker": "m", "index": "i", "funding_rate": "r", "last": "c", "open": "o", "high": "h",
        "low": "l", "volume": "v",
    },
):  # fmt: skip
    """Any message of the market, with what its kind does not have left at its default."""

    kind: Word
    sent: Milliseconds = 0
    symbol: Word = ""
    bar: WireBar | None = None
    time: Milliseconds = 0
    first: Number = -1
    last_number: Number | None = None
    previous: Number = -1
    bids: tuple[WireLevel, ...] | None = None
    asks: tuple[WireLevel, ...] | None = None
    number: Number | None = None
    price: Figure = ""
    quantity: Figure = ""
    buyer_is_maker: bool | None = None
    index: Figure = ""
    funding_rate: Figure = ""
    last: Figure = ""
    open: Figure = ""
    high: Figure = ""
    low: Figure = ""
    volume: Figure = ""


class _Reply(msgspec.Struct, frozen=True):
    id: Annotated[int, Meta(ge=0, le=2**53)]
    result: msgspec.Raw = _NOTHING
    code: int | None = None
    msg: str | None = None
    error: msgspec.Raw = _NOTHING
    err: msgspec.Raw = _NOTHING


class _Event(msgspec.Struct, frozen=True):
    event: Word


_messages: msgspec.json.Decoder[_Message] = msgspec.json.Decoder(_Message)
_replies: msgspec.json.Decoder[_Reply] = msgspec.json.Decoder(_Reply)
_events: msgspec.json.Decoder[_Event] = msgspec.json.Decoder(_Event)
_names: msgspec.json.Decoder[tuple[str, ...]] = msgspec.json.Decoder(tuple[str, ...])
_text: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


def decode(data: bytes) -> Push | None:
    """Returns what a frame tells of the market; None for an answer that came too late, and for a heartbeat.

    Raises:
        DecodeError: it is nothing that is documented.
    """
    try:
        message = _messages.decode(data)
    except _UNREADABLE:
        if read_reply(data) is not None or is_pong(data):
            return None
        raise undecodable() from None
    told = _told(message)
    if told is None or not _is_symbol(message.symbol):
        raise undecodable()
    return Push(message.symbol.lower(), message.sent, told)


def read_reply(data: bytes) -> Reply | None:
    """Returns the answer that a frame is; None for all else, and for what can not be read.

    Of a refusal the document says nothing: whatever has our id and is neither nothing nor a list is one.
    """
    if b'"id"' not in data or b'"e":' in data:
        return None
    try:
        reply = _replies.decode(data)
    except _UNREADABLE:
        return None
    names = _names_of(reply.result)
    errors = [raw for raw in (reply.error, reply.err) if bytes(raw) not in (b"", _NULL)]
    is_success = names is not None and not errors and not reply.code
    words = reply.msg or next((_words(raw) for raw in (*errors, reply.result)), "")
    return Reply(reply.id, is_success, reply.code, "" if is_success else words, names or ())


def is_pong(data: bytes) -> bool:
    """Says whether a frame is what the platform may say to its clients' ping: an event of its own."""
    if b'"event"' not in data:
        return False
    try:
        _events.decode(data)
    except _UNREADABLE:
        return False
    return True


def undecodable() -> DecodeError:
    return DecodeError(VENUE, "a frame that is not of the documented shape")


def _told(message: _Message) -> Told | None:
    match message.kind:
        case "depthUpdate":
            number, bids, asks = message.last_number, message.bids, message.asks
            if number is None or bids is None or asks is None:
                return None
            return WireDepth(message.first, number, message.previous, bids, asks, message.time or message.sent)
        case "trade":
            if message.number is None or message.buyer_is_maker is None:
                return None
            time = message.time or message.sent
            return WireTrade(message.number, time, message.price, message.quantity, message.buyer_is_maker)
        case "kline":
            return message.bar
        case "24hrTicker":
            return WireTicker(message.last, message.open, message.high, message.low, message.volume, message.sent)
        case "markPriceUpdate":
            return WireMark(message.price, message.index, message.funding_rate, message.time, message.sent)
        case _:
            return None


def _names_of(result: msgspec.Raw) -> tuple[str, ...] | None:
    """Returns the names that a result lists, none for null; None for anything else."""
    raw = bytes(result)
    if raw in (b"", _NULL):
        return ()
    try:
        return _names.decode(raw)
    except _UNREADABLE:
        return None


def _words(raw: msgspec.Raw) -> str:
    try:
        return _text.decode(raw)
    except _UNREADABLE:
        return ""
