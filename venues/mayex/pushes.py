"""What the private stream tells: ORDER_TRADE_UPDATE and ACCOUNT_UPDATE, as the platform's document has them.

The venue's own document has neither, so little is relied on: a row without what is needed is a hint only, and what
it is about is read.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec import field

from venues.errors import DecodeError
from venues.mayex import VENUE
from venues.mayex.models.figures import without_blanks
from venues.transport import models

T = TypeVar("T")

ORDER, ACCOUNT = "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"
_NANOSECONDS_FROM = 10**17  # milliseconds of the year 5138
_MICROSECONDS_FROM = 10**14


class PushedOrder(models.Model, frozen=True, kw_only=True):
    """`o` of ORDER_TRADE_UPDATE. What has traded (`filled`, `remaining`) is to be trusted over `status`.

    `last_*` and `fee` are of the execution that it tells, which has no id: that one is read.
    """

    symbol: str = field(name="s")
    order_id: int = field(name="i")
    filled: Decimal = field(name="z")
    quantity: Decimal = field(name="q")
    remaining: Decimal | None = field(name="rq", default=None)
    client_id: str | None = field(name="c", default=None)
    execution: str | None = field(name="x", default=None)
    last_price: Decimal | None = field(name="L", default=None)
    last_quantity: Decimal | None = field(name="l", default=None)
    average_price: Decimal | None = field(name="ap", default=None)
    fee: Decimal | None = field(name="n", default=None)
    side: str | None = field(name="S", default=None)
    position_side: str | None = field(name="ps", default=None)
    type: str | None = field(name="o", default=None)
    isolated: bool | None = field(name="is", default=None)
    time_in_force: str | None = field(name="f", default=None)
    price: Decimal | None = field(name="p", default=None)
    status: str | None = field(name="X", default=None)
    time: int | None = field(name="T", default=None)
    maker: bool | None = field(name="m", default=None)
    close_position: bool | None = field(name="cP", default=None)
    trigger_price: Decimal | None = field(name="tp", default=None)
    trigger_type: str | None = field(name="tt", default=None)
    tp_type: str | None = field(name="tpType", default=None)
    tp_price: Decimal | None = field(name="tpPrice", default=None)
    sl_type: str | None = field(name="slType", default=None)
    sl_price: Decimal | None = field(name="slPrice", default=None)
    parent_id: int | None = field(name="sPid", default=None)


class PushedBalance(models.Model, frozen=True, kw_only=True):
    """A row of `B`: of a contract account where there is `ab`; a row of the spot account has other fields."""

    currency: str = field(name="ccy")
    total: Decimal | None = field(name="ab", default=None)
    cross: Decimal | None = field(name="cb", default=None)  # the whole, less what isolated positions hold
    version: int | None = field(name="vid", default=None)
    account: str | None = field(name="at", default=None)


class PushedPosition(models.Model, frozen=True, kw_only=True):
    """A row of `P`; `quantity` has no sign, and is 0 once the position is closed."""

    symbol: str = field(name="s")
    position_side: str | None = field(name="ps", default=None)
    isolated: bool | None = field(name="is", default=None)
    quantity: Decimal | None = field(name="pa", default=None)
    entry_price: Decimal | None = field(name="ep", default=None)
    net_realized: Decimal | None = field(name="cr", default=None)
    margin: Decimal | None = field(name="im", default=None)
    version: int | None = field(name="vid", default=None)
    time: int | None = field(name="T", default=None)


class _Rows(models.Model, frozen=True, kw_only=True):
    reason: str | None = field(name="m", default=None)
    balances: tuple[PushedBalance, ...] = field(name="B", default=())
    positions: tuple[PushedPosition, ...] = field(name="P", default=())


class OrderPush(models.Model, frozen=True, kw_only=True):
    """ORDER_TRADE_UPDATE. Its times are in milliseconds."""

    order: PushedOrder = field(name="o")
    time: int | None = field(name="T", default=None)
    sent: int | None = field(name="E", default=None)


class AccountPush(models.Model, frozen=True, kw_only=True):
    """ACCOUNT_UPDATE. `time` is in nanoseconds, `sent` and the times of its rows in milliseconds."""

    rows: _Rows = field(name="a")
    time: int | None = field(name="T", default=None)
    sent: int | None = field(name="E", default=None)

    @property
    def ts_event(self) -> int:
        """When it happened, nanoseconds UTC; 0 where it does not say."""
        return ns_of(self.time if self.time is not None else self.sent or 0)


class Denied(msgspec.Struct, frozen=True):
    """What the stream says without being asked once its token is no good any more."""

    code: int


class _Kind(msgspec.Struct):
    e: str | None = None
    id: int | None = None
    code: int | None = None


def ns_of(moment: int) -> int:
    """Returns a moment in nanoseconds, whichever of the venue's units it is in."""
    if moment >= _NANOSECONDS_FROM:
        return moment
    return moment * (1_000 if moment >= _MICROSECONDS_FROM else 1_000_000)


def read_push(data: bytes) -> OrderPush | AccountPush | Denied | None:
    """Returns what a frame of the private stream tells; None for what is none of these.

    Raises:
        DecodeError: it is one of them, but not of the expected shape.
    """
    kind = _decode(data, _Kind)
    if kind.e == ORDER:
        return _decode(data, OrderPush)
    if kind.e == ACCOUNT:
        return _decode(data, AccountPush)
    return Denied(kind.code) if kind.code and kind.id is None else None


def _decode(data: bytes, into: type[T]) -> T:
    try:
        return msgspec.json.decode(without_blanks(data), type=into)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise DecodeError(VENUE, "a push that is not of the expected shape") from None
