"""How CoinEx's stream writes numbers and times."""

from __future__ import annotations

from decimal import Decimal

from venues.model import NANOSECONDS


def figure(value: Decimal) -> str:
    """Returns a number as text, never with an exponent."""
    return f"{value:f}"


def float_seconds(ns: int) -> float:
    """Returns seconds with microseconds."""
    return ns // 1_000 / 1_000_000


def whole_seconds(ns: int) -> int:
    return ns // NANOSECONDS


def milliseconds(ns: int) -> int:
    return ns // 1_000_000
