"""What the answers come in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Generic, TypeAlias, TypeVar, cast

import msgspec

T = TypeVar("T")
Row = TypeVar("Row")

Level: TypeAlias = tuple[Decimal, Decimal]
"""A price and the quantity that rests there."""


class Envelope(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What nearly every answer comes in; half of the document's examples say `message` and have no bizCode."""

    code: int
    data: T
    msg: str | None = None
    message: str | None = None
    biz_code: str | int | None = msgspec.field(name="bizCode", default=None)


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The acknowledgement of a command that says nothing else: `data` is true or null.

    Raises:
        ValueError: it is false.
    """

    code: int
    data: object = None

    def __post_init__(self) -> None:
        if self.data is False:
            raise ValueError("neither an acknowledgement nor an error")


class Page(msgspec.Struct, Generic[Row], frozen=True, kw_only=True, rename="camel"):
    """A page of a list: by cursor (`has_prev`, `has_next`), or by number (`page`, `total`).

    Which of the two an answer is does not follow from how it was asked for: the history of orders and the lists of
    plan orders are documented with a cursor, and shown with numbers.
    """

    items: list[Row]
    has_prev: bool | None = None
    has_next: bool | None = None
    page: int | None = None
    ps: int | None = None
    size: int | None = None
    total: int | None = None

    @property
    def page_size(self) -> int | None:
        """The rows of a full page, which the document calls `ps` here and `size` there."""
        return self.ps if self.ps is not None else self.size


def words_of(text: str | None) -> tuple[str, ...]:
    """Returns the words of a comma list."""
    return tuple(word for each in (text or "").split(",") if (word := each.strip()))


def in_envelope(into: type[T]) -> type[Envelope[T]]:
    """Returns the type of an answer whose data is of the type `into`."""
    generic: Any = Envelope
    return cast(type[Envelope[T]], generic[into])
