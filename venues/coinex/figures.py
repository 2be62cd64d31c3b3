"""Figures of the wire, exact: text to Decimal, seconds and milliseconds to nanoseconds."""

from __future__ import annotations

import re
from decimal import Decimal

from venues.coinex import VENUE
from venues.errors import DecodeError
from venues.model import OrderType, Side

# Money comes with up to 24 decimals ("0.313600000000000000000000"); a documented example has a blank before it.
_is_figure = re.compile(r" *-?[0-9]{1,28}(?:\.[0-9]{1,32})? *", re.ASCII).fullmatch

_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_SIDE_NUMBERS = {1: Side.SELL, 2: Side.BUY}
_TYPES = {"limit": OrderType.LIMIT, "market": OrderType.MARKET, 1: OrderType.LIMIT, 2: OrderType.MARKET}


def figure(text: str) -> Decimal:
    """Returns the number that `text` is. Raises DecodeError."""
    if not _is_figure(text):
        raise DecodeError(VENUE, "a figure that is none")
    return Decimal(text)


def amount(text: str) -> Decimal:
    """Returns the number that `text` is, zero or above. Raises DecodeError."""
    value = figure(text)
    if value < 0:
        raise DecodeError(VENUE, "an amount below zero")
    return value


def positive(text: str) -> Decimal:
    """Returns the number that `text` is, above zero. Raises DecodeError."""
    value = figure(text)
    if value <= 0:
        raise DecodeError(VENUE, "a price or an amount that is not above zero")
    return value


def positive_or_none(text: str) -> Decimal | None:
    """Returns None for an empty text and for zero, by which the venue says "there is none". Raises DecodeError."""
    return (amount(text) or None) if text else None


def ns_of_seconds(seconds: float) -> int:
    """Returns nanoseconds; the venue's fractions of seconds are microseconds, which a float still tells apart."""
    return round(seconds * 1_000_000) * 1_000


def ns_of_milliseconds(milliseconds: int) -> int:
    return milliseconds * 1_000_000


def side_of(word: str | int) -> Side:
    """Returns the side that REST names and the stream numbers. Raises DecodeError."""
    side = _SIDES.get(word) if isinstance(word, str) else _SIDE_NUMBERS.get(word)
    if side is None:
        raise DecodeError(VENUE, "a side that is neither buy nor sell")
    return side


def type_of(kind: str | int) -> OrderType:
    """Returns the type that REST names and the stream numbers. Raises DecodeError."""
    found = _TYPES.get(kind)
    if found is None:
        raise DecodeError(VENUE, "an order type that is neither limit nor market")
    return found
