"""How CoinEx's stream writes times."""

from __future__ import annotations

from venues.model import NANOSECONDS


def float_seconds(ns: int) -> float:
    """Returns seconds with microseconds."""
    return ns // 1_000 / 1_000_000


def whole_seconds(ns: int) -> int:
    return ns // NANOSECONDS
