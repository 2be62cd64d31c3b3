"""The messages of Pumpkin's WebSockets: JSON text, JSON in binary frames, the same in gzip, and protobuf.

A binary frame does not name its message: it is the one whose fields make sense, and no frame makes sense as two.
In candles `v` is the volume and `a` the turnover; REST has them the other way round.
"""

from __future__ import annotations

import re
import zlib
from typing import Annotated, Final, TypeAlias

import msgspec
from google.protobuf.message import DecodeError as BadProtobuf
from msgspec import Meta

from venues.errors import DecodeError
from venues.pumpkin import VENUE
from venues.pumpkin.market_pb2 import DealVO, DepthVO, KlineVO
from venues.transport.strict_json import parse_json

Figure: TypeAlias = Annotated[str, Meta(max_length=48)]
Word: TypeAlias = Annotated[str, Meta(max_length=128)]
Number: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Milliseconds: TypeAlias = Annotated[int, Meta(ge=0, le=10**14)]
WireLevel: TypeAlias = tuple[str, str]

NOTHING: Final = msgspec.Raw()
LARGEST = 4 * 1024 * 1024  # bytes of a frame that was compressed
_GZIP = b"\x1f\x8b"
_FIRST_MOMENT, _LAST_MOMENT = 10**12, 10**13  # milliseconds are thirteen digits
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
_is_symbol = re.compile(r"[a-z0-9]{1,24}_[a-z0-9]{1,12}", re.ASCII).fullmatch


class WireBar(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "symbol": "s", "interval": "i", "time": "t", "open": "o", "close": "c", "high": "h", "low": "l",
        "volume": "v", "turnover": "a",
    },
):  # fmt: skip
    """A candle that begins at `time`, in milliseconds; its volume is in contracts."""

    symbol: Word
    interval: Word
    time: Milliseconds
    open: Figure
    close: Figure
    high: Figure
    low: Figure
    volume: Figure
    turnover: Figure


class WireDeal(msgspec.Struct, frozen=True, gc=False):
    """A trade of `quantity` contracts: with its moment in milliseconds, its number, or both."""

    symbol: str
    price: str
    quantity: str
    side: str
    number: int | None
    time: int | None


class WireDepth(msgspec.Struct, frozen=True, gc=False):
    """A book or its changes, in contracts; `is_whole` is None where the message does not tell which."""

    symbol: str
    first: int
    last: int
    bids: tuple[WireLevel, ...]
    asks: tuple[WireLevel, ...]
    is_whole: bool | None


class Reply(msgspec.Struct, frozen=True, gc=False):
    """The answer to the oldest command that has none yet."""

    code: int
    words: str


class Push(msgspec.Struct, frozen=True):
    """What is told of the account (inferred: the document does not have it). `event` holds the listen key."""

    topic: Word
    data: msgspec.Raw
    event: Word = ""


Said: TypeAlias = WireBar | WireDeal | WireDepth | Reply | Push


class _Message(msgspec.Struct, frozen=True, gc=False, rename={"first": "U", "last": "u"}):
    """Any message as JSON, with what its kind does not have left at its default."""

    e: Word = ""
    s: Word = ""
    t: Number = 0
    p: Figure = ""
    a: Figure | tuple[WireLevel, ...] = ""
    b: tuple[WireLevel, ...] = ()
    m: Word = ""
    first: Number = 0
    last: Number | None = None
    k: WireBar | None = None
    code: int | None = None
    msg: str | None = None
    message: str | None = None
    topic: Word = ""
    event: Word = ""
    data: msgspec.Raw = NOTHING


_messages: msgspec.json.Decoder[_Message] = msgspec.json.Decoder(_Message)


def decode(data: bytes) -> Said:
    """Returns what a frame says, text or binary. Raises DecodeError: it is nothing that is documented."""
    if data.startswith(_GZIP):
        data = _inflate(data)
    if data.lstrip(b" \r\n\t").startswith(b"{"):
        return _decode_json(data)
    return _decode_protobuf(data)


def read_reply(data: bytes) -> Reply | None:
    """Returns the answer that a frame is; None for all else, and for what can not be read."""
    if b'"code"' not in data:
        return None
    try:
        said = decode(data)
    except DecodeError:
        return None
    return said if isinstance(said, Reply) else None


def _decode_json(data: bytes) -> Said:
    try:
        message = _messages.decode(data)
        if message.topic:
            parse_json(data)  # what is ours is read strictly
    except _UNREADABLE:
        raise undecodable() from None
    match message.e:
        case "kline" if message.k is not None:
            return message.k
        case "trade" if isinstance(message.a, str):
            is_time = _FIRST_MOMENT <= message.t < _LAST_MOMENT
            number, time = (None, message.t) if is_time else (message.t or None, None)
            return WireDeal(message.s, message.p, message.a, message.m, number, time)
        case "depth" | "depth.update" if message.last is not None and not isinstance(message.a, str):
            is_whole = message.e == "depth"
            return WireDepth(message.s, message.first, message.last, message.b, message.a, is_whole)
        case "" if message.topic:
            return Push(message.topic, message.data, message.event)
        case "" if message.code is not None:
            return Reply(message.code, message.msg or message.message or "")
    raise undecodable()


def _decode_protobuf(data: bytes) -> Said:
    try:
        deal = DealVO.FromString(data)
        if _is_symbol(deal.s):
            if deal.p and deal.a and deal.m and deal.t >= 0 and deal.id >= 0:
                time = deal.t if _FIRST_MOMENT <= deal.t < _LAST_MOMENT else None
                return WireDeal(deal.s, deal.p, deal.a, deal.m, deal.id or None, time)
            raise undecodable()
        bar = KlineVO.FromString(data)
        if _is_symbol(bar.s) and bar.i:
            if bar.o and bar.c and bar.h and bar.l and bar.v and bar.a and 0 < bar.t < _LAST_MOMENT:
                return WireBar(bar.s, bar.i, bar.t, bar.o, bar.c, bar.h, bar.l, volume=bar.v, turnover=bar.a)
            raise undecodable()
        depth = DepthVO.FromString(data)
        if _is_symbol(depth.s) and depth.U >= 0 and depth.u > 0:
            bids = tuple((each.price, each.quantity) for each in depth.bids)
            asks = tuple((each.price, each.quantity) for each in depth.asks)
            return WireDepth(depth.s, depth.U, depth.u, bids, asks, None)
    except BadProtobuf:
        pass
    raise undecodable()


def _inflate(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        inflated = unpacker.decompress(data, LARGEST)
    except zlib.error:
        raise undecodable() from None
    if not unpacker.eof or unpacker.unused_data:
        raise undecodable()
    return inflated


def undecodable() -> DecodeError:
    return DecodeError(VENUE, "a frame that is not of the documented shape")
