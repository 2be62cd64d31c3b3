"""How Pumpkin shows the numbers of trades."""

from __future__ import annotations


def trade_number(number: int) -> int:
    """Returns a trade's id as it is shown: 16 digits, so that nobody takes it for a time."""
    return number * 1_000
