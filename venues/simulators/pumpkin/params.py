"""A request's parameters, and the pages of an answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from venues.model import NANOSECONDS, Instrument, Side
from venues.simulators.figures import milliseconds
from venues.simulators.perpetuals.positions import PositionSide
from venues.simulators.pumpkin.refusals import invalid

_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
_WHOLE = re.compile(r"[0-9]{1,19}")
_CLIENT_ID = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_MOST_ROWS = 100
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
_Row = TypeVar("_Row")


def is_whole(text: str) -> bool:
    """Says whether a text is a whole number of as many digits as an id has at most."""
    return _WHOLE.fullmatch(text) is not None


class Params:
    """The parameters of one request. An empty text is the same as none."""

    def __init__(self, values: Mapping[str, Any], instruments: Mapping[str, Instrument]) -> None:
        self._values = values
        self.instruments = instruments

    def has(self, name: str) -> bool:
        return self._values.get(name) not in (None, "")

    def text(self, name: str, default: str | None = None) -> str:
        value = self._values.get(name)
        if value in (None, ""):
            if default is None:
                raise _invalid(name)
            return default
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)

    def integer(self, name: str, default: int | None = None) -> int:
        text = self.text(name, None if default is None else str(default))
        if not _WHOLE.fullmatch(text):
            raise _invalid(name)
        return int(text)

    def number(self, name: str) -> Decimal:
        """Reads a number, zero or above."""
        text = self.text(name)
        if not _NUMBER.fullmatch(text):
            raise _invalid(name)
        return Decimal(text)

    def optional_number(self, name: str) -> Decimal | None:
        """Reads a number above zero; zero is the same as none."""
        return (self.number(name) or None) if self.has(name) else None

    def contracts(self, name: str = "origQty") -> int:
        """Reads whole contracts; the document writes them `1.0` as well."""
        value = self.number(name)
        if value != value.to_integral_value():
            raise invalid("quantity_scale")
        return int(value)

    def one_of(self, name: str, known: Collection[str], default: str | None = None) -> str:
        text = self.text(name, default)
        if text not in known:
            raise _invalid(name)
        return text

    def flag(self, name: str, default: bool = False) -> bool:
        return self.one_of(name, ("true", "false"), "true" if default else "false") == "true"

    def symbol(self, name: str = "symbol") -> str:
        text = self.text(name)
        if text not in self.instruments:
            raise invalid("symbol")
        return text

    def optional_symbol(self) -> str:
        return self.symbol() if self.has("symbol") else ""

    def instrument(self, name: str = "symbol") -> Instrument:
        return self.instruments[self.symbol(name)]

    def side(self, name: str = "orderSide") -> Side:
        return Side.BUY if self.one_of(name, ("BUY", "SELL")) == "BUY" else Side.SELL

    def position_side(self) -> PositionSide:
        return PositionSide(self.one_of("positionSide", tuple(PositionSide)))

    def client_id(self) -> str:
        text = self.text("clientOrderId", "")
        if text and not _CLIENT_ID.fullmatch(text):
            raise _invalid("clientOrderId")
        return text

    def expiry(self) -> int:
        """Reads when something ends, and returns it in nanoseconds UTC: 0 for never."""
        return self.integer("expireTime", 0) * (NANOSECONDS // 1_000)

    def times(self) -> tuple[int, int]:
        """Reads startTime and endTime, in milliseconds."""
        return self.integer("startTime", 0), self.integer("endTime", 10**15)

    def within(self, rows: Sequence[_Row], at: Callable[[_Row], int]) -> list[_Row]:
        """Returns the rows between startTime and endTime; `at` is a row's time in nanoseconds UTC."""
        start, end = self.times()
        return [row for row in rows if start <= milliseconds(at(row)) <= end]

    def page(self, rows: Sequence[_Row]) -> tuple[int, int, list[_Row]]:
        """Returns the page, its size and its rows, by `page` and `size`."""
        page, size = self.integer("page", 1), self.integer("size", 10)
        if page < 1 or not 1 <= size <= _MOST_ROWS:
            raise invalid("limit")
        return page, size, list(rows[(page - 1) * size : page * size])

    def cursor(self, rows: Sequence[_Row], key: Callable[[_Row], int]) -> tuple[bool, bool, list[_Row]]:
        """Returns whether there is more before and after, and the rows by `id`, `direction` and `limit`.

        Rows come newest first; NEXT is what is older than the id, PREV what is newer.
        """
        limit = self.integer("limit", 10)
        if not 1 <= limit <= _MOST_ROWS:
            raise invalid("limit")
        direction = self.one_of("direction", ("NEXT", "PREV"), "NEXT")
        number = self.integer("id", 0)
        start, end = 0, limit
        if number and direction == "NEXT":
            start = sum(1 for row in rows if key(row) >= number)
            end = start + limit
        elif number:
            end = sum(1 for row in rows if key(row) > number)
            start = max(0, end - limit)
        return start > 0, end < len(rows), list(rows[start:end])


def _invalid(name: str) -> Exception:
    """Returns the refusal of a parameter, in the venue's way of writing its name."""
    return invalid(_CAPITAL.sub("_", name).lower())
