"""How most venues write numbers and times: decimals as text without an exponent, times in milliseconds."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

MONEY_STEP = Decimal("1e-8")


def figure(value: Decimal) -> str:
    """Returns a number as text, with the digits that it has."""
    return f"{value:f}"


def plain(value: Decimal) -> str:
    """Returns a number as text, without needless zeros."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def cut(value: Decimal) -> Decimal:
    """Returns money as it is told: of more than eight digits after the point the others are left out."""
    return value.quantize(MONEY_STEP, ROUND_DOWN)


def amount(value: Decimal) -> str:
    """Returns money as text: eight digits after the point at most, towards zero."""
    return plain(cut(value)) if value else "0"


def milliseconds(ns: int) -> int:
    return ns // 1_000_000
