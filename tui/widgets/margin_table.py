"""A margin wallet's currencies: what is there, what is owed and at which rate, and what can still be borrowed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from decimal import Decimal
from typing import ClassVar

from tui import formatting
from tui.desk.margin_estimate import borrowable
from tui.widgets.blotter import Blotter, Column
from tui.widgets.cells import Span
from tui.widgets.palette import Palette
from venues.margin import MarginAsset

_MOST_DECIMALS = 8  # interest has more; nobody reads them in a column
_RATE_DECIMALS = 5  # of per cent an hour: 0.00013 % is a rate


class MarginTable(Blotter[MarginAsset]):
    """One row per currency, those that are owed first as the desk orders them."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("currency", "", 5, widest=10),
        Column("available", "available", 9, 0, "decimal"),
        Column("locked", "in orders", 9, 5, "decimal"),
        Column("loan", "loan", 6, 4, "decimal"),
        Column("interest", "interest", 8, 4, "decimal"),
        Column("owed", "owed", 6, 0, "decimal"),
        Column("net", "net", 6, 1, "decimal"),
        Column("rate", "%/hour", 6, 2, "decimal"),
        Column("next", "next", 6, 6, "decimal"),
        Column("borrowable", "to borrow", 9, 3, "decimal"),
    )
    empty: ClassVar[str] = "the wallet is empty"

    def key_of(self, row: MarginAsset) -> Hashable:
        return row.currency

    def cells_of(self, row: MarginAsset) -> Mapping[str, Span]:
        palette = self.palette
        owed = palette.warning if row.debt else palette.faint
        left = borrowable(row)
        return {
            "currency": (row.currency, palette.strong),
            "available": quantity(row.available, palette),
            "locked": quantity(row.locked, palette),
            "loan": (amount(row.principal), palette.text if row.principal else palette.faint),
            "interest": (amount(row.interest), owed if row.interest else palette.faint),
            "owed": (amount(row.debt), owed),
            "net": (formatting.signed(_cut(row.net), None), palette.sign(formatting.sign_of(row.net))),
            "rate": _rate(row.hourly_rate, palette),
            "next": _rate(row.next_hourly_rate, palette),
            "borrowable": _none(palette) if left is None else quantity(left, palette),
        }


def amount(value: Decimal) -> str:
    """Returns an amount of a currency with its own digits behind the point, eight at most."""
    return formatting.grouped(_cut(value))


def _cut(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_MOST_DECIMALS:
        return value.quantize(Decimal(1).scaleb(-_MOST_DECIMALS))
    return value


def quantity(value: Decimal, palette: Palette) -> Span:
    """Returns an amount, faint where there is nothing."""
    return (amount(value), palette.text if value else palette.faint)


def rate_words(rate: Decimal) -> str:
    """Returns a fraction per hour as per cent, without a sign of its own: "0.00125"."""
    return formatting.grouped(rate * 100, _RATE_DECIMALS)


def _rate(rate: Decimal | None, palette: Palette) -> Span:
    return _none(palette) if rate is None else (rate_words(rate), palette.muted)


def _none(palette: Palette) -> Span:
    return (formatting.NONE, palette.faint)
