"""What the models of every venue's answers share: each figure in them is one."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

_LARGEST = 30  # digits before the point; the longest amounts seen have 12
_FINEST = 40  # digits after it; averages come with 27


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, or a part of one. Fields beyond those listed are passed over.

    Raises:
        ValueError: a figure is none, or none that money can be.
    """

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal):
                check_figure(value)
            elif isinstance(value, list):
                for figure in _figures(value):
                    check_figure(figure)


class CamelModel(Model, frozen=True, kw_only=True, rename="camel"):
    """The same, where the names on the wire are in camel case."""


def check_figure(value: Decimal) -> None:
    """Raises ValueError for NaN and Infinity, which a text may hold, and for what is too long to be money."""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or exponent < -_FINEST or len(digits) + exponent > _LARGEST:
        raise ValueError("a figure that is none")


def _figures(rows: list[object]) -> Iterator[Decimal]:
    for row in rows:
        if isinstance(row, tuple):
            yield from (each for each in row if isinstance(each, Decimal))
