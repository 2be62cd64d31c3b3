"""How MAX writes numbers and times: decimals as text with one digit after the point at least, times in ms or s."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from venues.model import NANOSECONDS


def figure(value: Decimal) -> str:
    """Returns a number as text: no exponent, no needless zeros, and "30000.0" where it is whole."""
    return written(f"{value:f}")


@lru_cache(maxsize=8_192)
def written(text: str) -> str:
    """Returns the same of a number that is text already."""
    if "." not in text:
        return f"{text}.0"
    text = text.rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def optional_figure(value: Decimal | None) -> str | None:
    return None if value is None else figure(value)


def seconds(ns: int) -> int:
    return ns // NANOSECONDS
