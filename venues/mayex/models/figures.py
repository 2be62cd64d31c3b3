"""What the answers come in, and the blanks in them."""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar, cast

import msgspec

T = TypeVar("T")
Row = TypeVar("Row")

# No quotation mark within a text is bare, so that this is always a key and the empty text behind it.
_blanks = re.compile(rb'(":[ \t\r\n]*)""(?=[ \t\r\n]*[,}])')


def without_blanks(body: bytes) -> bytes:
    """Returns JSON with null for each empty text of an object.

    The venue sends empty texts for figures that it does not know: `margin` and `liqPrice` of positions.
    """
    return _blanks.sub(rb"\1null", body) if b'""' in body else body


class Envelope(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What every answer comes in (section "All restful API shares the same response format")."""

    status: int
    data: T
    error: str | None = None


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The acknowledgement of a command of which the document does not say what else it tells."""

    status: int
    data: msgspec.Raw = msgspec.Raw(b"null")


class Rows(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """A page of a list; `total` is the platform's, not in the venue's document."""

    rows: list[Row]
    total: int | None = None


def in_envelope(into: Any) -> type[Envelope[T]]:
    """Returns the type of an answer whose data is of the type `into`."""
    generic: Any = Envelope
    return cast(type[Envelope[T]], generic[into])
