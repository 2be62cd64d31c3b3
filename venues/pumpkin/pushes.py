"""What the private topics tell. The document has none of it: these are the fields of the venue's kin.

So little is relied on: what lacks a field that is not here is a hint only, and what it is about is read.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

import msgspec

from venues.errors import DecodeError
from venues.pumpkin import VENUE
from venues.pumpkin.models import Balance, Position
from venues.transport.models import CamelModel

T = TypeVar("T")

ORDER, TRADE, POSITION, BALANCE = TOPICS = ("order", "trade", "position", "balance")
PushedBalance = Balance  # as REST has it


class PushedOrder(CamelModel, frozen=True, kw_only=True):
    """How an order stands, its quantities in contracts."""

    order_id: str
    symbol: str
    state: str
    executed_qty: Decimal
    avg_price: Decimal


class PushedTrade(CamelModel, frozen=True, kw_only=True):
    """An execution; without its id or its fee it can not be told, and is read."""

    order_id: str
    symbol: str
    price: Decimal
    quantity: Decimal
    timestamp: int
    exec_id: str | None = None
    fee: Decimal | None = None
    fee_coin: str | None = None


class PushedPosition(Position, frozen=True, kw_only=True):
    """A position as REST has it; of no size once it is closed."""

    total_fee: Decimal | None = None


def decode(data: msgspec.Raw, into: type[T]) -> T:
    """Returns what a push tells. Raises DecodeError."""
    try:
        return msgspec.json.decode(data, type=into)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise DecodeError(VENUE, "a push that is not of the expected shape") from None
