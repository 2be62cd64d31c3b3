"""The frames of CoinEx's WebSocket, decoded in one pass; the order of the elements is the document's.

Whatever concerns money is read strictly (`venues.transport.strict_json`); the market's pushes, a hundred times as
many, by msgspec alone, and `venues.book` looks at their figures.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from venues.coinex import VENUE
from venues.coinex.wire import Figure, Name, Number, Seconds, WireAsset, WireDepth, Words
from venues.errors import DecodeError
from venues.transport.strict_json import parse_json


class StreamDeal(msgspec.Struct, frozen=True, gc=False):
    """Latest Transaction Push and Query."""

    id: Number
    type: Name
    time: Seconds
    price: Figure
    amount: Figure


class StreamOwnDeal(msgspec.Struct, frozen=True, gc=False):
    """Personal Transaction Info Push: it tells neither fee nor role."""

    id: Number
    type: Name
    time: Seconds
    price: Figure
    amount: Figure
    order_id: Number
    client_id: Name | None = None


class StreamState(msgspec.Struct, frozen=True, gc=False):
    """Market Status Push and Query."""

    open: Figure
    last: Figure
    high: Figure
    low: Figure
    volume: Figure
    deal: Figure
    period: Number = 86_400
    sell_total: Figure = "0"
    buy_total: Figure = "0"


class StreamOrder(msgspec.Struct, frozen=True):
    """Order Push, Order Query. `type` 1 limit, 2 market; `side` 1 sell, 2 buy.

    `deal_stock` is the executed amount in base units, which the document's table calls a value. The `last_*` are
    not documented; they were seen live. `last_role` is 1 for maker and 2 for taker.
    """

    id: Number
    type: int
    side: int
    ctime: Seconds
    mtime: Seconds
    market: Name
    price: Figure
    amount: Figure
    left: Figure
    deal_stock: Figure
    deal_money: Figure
    account: Number = 0
    client_id: Name | None = None
    source: Words | None = None
    stock_fee: Figure = "0"
    money_fee: Figure = "0"
    asset_fee: Figure = "0"
    fee_asset: Name | None = None
    fee_discount: Figure = "1"
    taker_fee: Figure = "0"
    maker_fee: Figure = "0"
    stop_id: Number | None = None
    option: int | None = None
    last_deal_amount: Figure = "0"
    last_deal_price: Figure = "0"
    last_deal_time: Seconds = 0.0
    last_deal_id: Number = 0
    last_role: int | None = None


class StreamStop(msgspec.Struct, frozen=True):
    """Stop Order Query, and `order.update_stop`, which the document does not show.

    `state` (`direction` in the push): 1 the trigger lies below the market, 2 above. `status`: 0 waiting, 1 done.
    """

    id: Number
    type: int
    side: int
    market: Name
    stop_price: Figure
    price: Figure
    amount: Figure
    ctime: Seconds = 0.0
    mtime: Seconds = 0.0
    account: Number = 0
    client_id: Name | None = None
    source: Words | None = None
    state: int | None = None
    direction: int | None = None
    status: int | None = None
    option: int | None = None


class StreamRecords(msgspec.Struct, frozen=True):
    """Order Query, Account Order Query."""

    records: tuple[StreamOrder, ...]
    total: Number
    limit: Number
    offset: Number


class StreamStopRecords(msgspec.Struct, frozen=True):
    """Stop Order Query, Account Stop Order Query."""

    records: tuple[StreamStop, ...]
    total: Number
    limit: Number
    offset: Number


class StreamIndex(msgspec.Struct, frozen=True):
    """Index Price Query (seconds) and, without a name, Index Price Query In All Markets (MILLISECONDS)."""

    index: Figure
    time: Number
    name: Name = ""


class StreamStatusWord(msgspec.Struct, frozen=True):
    """The result of `server.sign`."""

    status: Name


class Maintenance(msgspec.Struct, frozen=True):
    """Temporary Maintenance Notice Push; seconds."""

    started_at: Seconds
    ended_at: Seconds
    scope: tuple[Name, ...] = ()


class DepthUpdate(msgspec.Struct, frozen=True, gc=False, tag_field="method", tag="depth.update"):
    """[is full, depth, market]."""

    params: tuple[bool, WireDepth, str]


class DealsUpdate(msgspec.Struct, frozen=True, gc=False, tag_field="method", tag="deals.update"):
    """[market, deals], newest first."""

    params: tuple[str, tuple[StreamDeal, ...]]


class StateUpdate(msgspec.Struct, frozen=True, gc=False, tag_field="method", tag="state.update"):
    params: tuple[dict[str, StreamState]]


class IndexUpdate(msgspec.Struct, frozen=True, gc=False, tag_field="method", tag="index.update"):
    """[market, price]."""

    params: tuple[str, Figure]


class OrderPush(msgspec.Struct, frozen=True, tag_field="method", tag="order.update"):
    """[event, order]; the document shows the order within an array, the venue was seen to send it bare."""

    params: tuple[int, StreamOrder | Annotated[tuple[StreamOrder, ...], Meta(min_length=1)]]

    @property
    def orders(self) -> tuple[StreamOrder, ...]:
        body = self.params[1]
        return (body,) if isinstance(body, StreamOrder) else body


class StopPush(msgspec.Struct, frozen=True, tag_field="method", tag="order.update_stop"):
    """[event, stop order], of both forms as well."""

    params: tuple[int, StreamStop | Annotated[tuple[StreamStop, ...], Meta(min_length=1)]]

    @property
    def stops(self) -> tuple[StreamStop, ...]:
        body = self.params[1]
        return (body,) if isinstance(body, StreamStop) else body


class AssetUpdate(msgspec.Struct, frozen=True, tag_field="method", tag="asset.update"):
    params: tuple[dict[Name, WireAsset]]


class OwnDealsUpdate(msgspec.Struct, frozen=True, tag_field="method", tag="deals_own.update"):
    """[market, deals]."""

    params: tuple[Name, tuple[StreamOwnDeal, ...]]


class NoticeUpdate(msgspec.Struct, frozen=True, tag_field="method", tag="notice.update"):
    """[101, maintenance]."""

    params: tuple[int, Maintenance]


class StreamFault(msgspec.Struct, frozen=True):
    code: int
    message: Words = ""


class Reply(msgspec.Struct, frozen=True):
    """The answer to the call of this `id`; `error` is None where it succeeded, and `result` then is JSON."""

    id: int
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: StreamFault | None = None


class OtherPush(msgspec.Struct, frozen=True):
    """A push of a kind that we never asked for."""

    method: str


MarketPush: TypeAlias = DepthUpdate | DealsUpdate | StateUpdate | IndexUpdate
AccountPush: TypeAlias = OrderPush | StopPush | AssetUpdate | OwnDealsUpdate | NoticeUpdate
Message: TypeAlias = MarketPush | AccountPush | Reply | OtherPush

_pushes: msgspec.json.Decoder[MarketPush | AccountPush] = msgspec.json.Decoder(MarketPush | AccountPush)
_replies = msgspec.json.Decoder(Reply)
_METHODS = frozenset(
    {
        "depth.update", "deals.update", "state.update", "index.update", "order.update", "order.update_stop",
        "asset.update", "deals_own.update", "notice.update",
    }
)  # fmt: skip
_LOOSE = (DepthUpdate, DealsUpdate, StateUpdate, IndexUpdate)
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


def decode_frame(raw: bytes) -> Message:
    """Returns what a text frame says.

    Raises:
        DecodeError: it is not JSON, or not of the documented shape.
    """
    try:
        push = _pushes.decode(raw)
        if isinstance(push, _LOOSE):
            return push
        parse_json(raw)
    except msgspec.ValidationError:
        return _decode_other(raw)
    except _UNREADABLE:
        raise _undecodable() from None
    return push


def decode_result(reply: Reply, into: Any) -> Any:
    """Returns the result of a call as `into`.

    Raises:
        DecodeError: it is not of that shape.
    """
    try:
        try:
            return msgspec.json.decode(reply.result, type=into)
        except msgspec.ValidationError:
            return msgspec.json.decode(_respelt(bytes(reply.result)), type=into)
    except _UNREADABLE:
        raise _undecodable() from None


def _decode_other(raw: bytes) -> Message:
    """Reads a reply, an unknown push, and what the document spells with a blank inside a key ("price ")."""
    try:
        parse_json(raw)
        respelt = _respelt(raw)
        value = msgspec.json.decode(respelt)
        if not isinstance(value, dict) or not isinstance(method := value.get("method"), str | None):
            raise _undecodable()
        if method is None:
            return _replies.decode(respelt)
        if method in _METHODS:
            return _pushes.decode(respelt)
    except _UNREADABLE:  # BadJson is a ValueError
        raise _undecodable() from None
    return OtherPush(method[:64])


def _respelt(raw: bytes) -> bytes:
    """Returns the JSON with the blanks around its keys taken away."""
    return msgspec.json.encode(_strip_keys(msgspec.json.decode(raw)))


def _strip_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.strip(): _strip_keys(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_strip_keys(inner) for inner in value]
    return value


def _undecodable() -> DecodeError:
    return DecodeError(VENUE, "a frame that is not of the documented shape")
