"""Figures and words of the stream, exact: text to Decimal, milliseconds to nanoseconds."""

from __future__ import annotations

import re
from decimal import Decimal

from venues.errors import DecodeError
from venues.max import VENUE
from venues.model import Side

# An average price comes with 27 decimals.
_is_figure = re.compile(r"-?[0-9]{1,28}(?:\.[0-9]{1,40})?", re.ASCII).fullmatch

# REST says buy and sell, the stream bid and ask; either may be met in either.
_SIDES = {"buy": Side.BUY, "bid": Side.BUY, "sell": Side.SELL, "ask": Side.SELL}


def figure(text: str) -> Decimal:
    """Returns the number that `text` is. Raises DecodeError."""
    if not _is_figure(text):
        raise DecodeError(VENUE, "a figure that is none")
    return Decimal(text)


def amount(text: str | None) -> Decimal:
    """Returns the number that `text` is, zero or above; zero for None. Raises DecodeError."""
    return at_least_zero(figure(text)) if text is not None else Decimal(0)


def at_least_zero(value: Decimal) -> Decimal:
    """Raises DecodeError for what is below zero."""
    if value < 0:
        raise DecodeError(VENUE, "an amount below zero")
    return value


def positive(value: str | Decimal) -> Decimal:
    """Returns a number above zero. Raises DecodeError."""
    number = figure(value) if isinstance(value, str) else value
    if number <= 0:
        raise DecodeError(VENUE, "a price or an amount that is not above zero")
    return number


def positive_or_none(value: str | Decimal | None) -> Decimal | None:
    """Returns None for nothing and for zero. Raises DecodeError."""
    if value is None:
        return None
    number = figure(value) if isinstance(value, str) else value
    return at_least_zero(number) or None


def plain(value: Decimal) -> str:
    """Returns a number as text without exponent and without idle zeros."""
    return format(value.normalize(), "f")


def side_of(word: str) -> Side:
    """Returns the side of either pair of words. Raises DecodeError."""
    side = _SIDES.get(word)
    if side is None:
        raise DecodeError(VENUE, "a side that is neither of the two")
    return side


def ns_of_milliseconds(milliseconds: int) -> int:
    return milliseconds * 1_000_000


def ns_of_seconds(seconds: int) -> int:
    return seconds * 1_000_000_000
