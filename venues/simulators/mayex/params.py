"""A request's parameters: the query's, or those of a JSON body, whose types are looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from venues.model import Instrument, Side
from venues.simulators.mayex.refusals import Refusal
from venues.simulators.mayex.tickets import TRIGGER_KINDS, Trigger
from venues.simulators.perpetuals.positions import PositionSide

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_WHOLE = re.compile(r"[0-9]{1,16}")
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_ID = 40
_PAGE, _LARGEST_PAGE = 50, 100  # rows
_Row = TypeVar("_Row")


def read_values(query: str, body: bytes) -> dict[str, Any]:
    """Returns what a request says. Raises Refusal: its body is no JSON object."""
    if not body:
        return dict(parse_qsl(query, keep_blank_values=True))
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(4040) from None
    if not isinstance(values, dict):
        raise Refusal(4040)
    return values


class Params:
    """The parameters of one request. Null and an empty text are the same as none."""

    def __init__(self, values: Mapping[str, Any], instruments: Mapping[str, Instrument]) -> None:
        self._values = values
        self._instruments = instruments

    def has(self, name: str) -> bool:
        return self._values.get(name) not in (None, "")

    def text(self, name: str, default: str | None = None) -> str:
        value = self._values.get(name)
        if value is None or value == "":
            if default is None:
                raise Refusal(216, f"mandatory parameter missing: {name}")
            return default
        if not isinstance(value, str):
            raise Refusal(219, f"{name} must be a string")
        return value

    def one_of(self, name: str, known: Collection[str], code: int, default: str | None = None) -> str:
        """Raises Refusal of this code where it is none of those."""
        text = self.text(name, default)
        if text not in known:
            raise Refusal(code)
        return text

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Reads what must be true or false, and no text."""
        value = self._values.get(name, default)
        if value is None:
            raise Refusal(216, f"mandatory parameter missing: {name}")
        if not isinstance(value, bool):
            raise Refusal(219, f"{name} must be true or false")
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        """Reads a whole number, or its text."""
        value = self._values.get(name)
        if value in (None, "") and default is not None:
            return default
        if isinstance(value, bool) or not _WHOLE.fullmatch(str(value)):
            raise Refusal(216 if value in (None, "") else 219, f"{name} must be a whole number")
        return int(str(value))

    def number(self, name: str, code: int) -> Decimal:
        """Reads a number that is sent as text. Raises Refusal of this code where it is none."""
        text = self.text(name)
        if not _NUMBER.fullmatch(text):
            raise Refusal(code)
        return Decimal(text)

    def optional_number(self, name: str, code: int) -> Decimal | None:
        return self.number(name, code) if self.has(name) else None

    def symbol(self) -> str:
        text = self.text("symbol")
        if text not in self._instruments:
            raise Refusal(300)
        return text

    def optional_symbol(self) -> str:
        return self.symbol() if self.has("symbol") else ""

    def instrument(self) -> Instrument:
        return self._instruments[self.symbol()]

    def side(self) -> Side:
        return Side.BUY if self.one_of("side", ("BUY", "SELL"), 218) == "BUY" else Side.SELL

    def position_side(self) -> PositionSide:
        return PositionSide(self.one_of("positionSide", tuple(PositionSide), 5000))

    def client_id(self) -> str:
        text = self.text("clientOrderId")
        if len(text) > _LONGEST_ID:
            raise Refusal(212)
        if not _CLIENT_ID.fullmatch(text):
            raise Refusal(214)
        return text

    def lots(self, *, is_optional: bool) -> int:
        """Reads a quantity in base units, and returns it in lots."""
        if is_optional and not self.has("quantity"):
            return 0
        lots = self.number("quantity", 4003) / self.instrument().lot_size
        if lots != lots.to_integral_value():
            raise Refusal(207)
        return int(lots)

    def trigger(self, prefix: str = "") -> Trigger | None:
        """Reads a trigger's price and type; the table of the document writes one of them Mark_PRICE."""
        name = f"{prefix}TriggerPrice" if prefix else "triggerPrice"
        kind = f"{prefix}TriggerType" if prefix else "triggerType"
        price = self.optional_number(name, 208)
        if price is None:
            return None
        text = self.text(kind).upper()
        if text not in TRIGGER_KINDS:
            raise Refusal(210)
        return Trigger(text, price)

    def page(self, rows: Sequence[_Row]) -> list[_Row]:
        """Returns the rows of a page, the first of the usual size where none is named."""
        size = self.integer("pageSize", _PAGE)
        if not 1 <= size <= _LARGEST_PAGE:
            raise Refusal(219)
        start = max(0, self.integer("pageIndex", 1) - 1) * size
        return list(rows[start : start + size])
