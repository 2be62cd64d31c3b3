"""A request's parameters, read with the document's rules; what breaks them is refused with code 1001."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from venues.model import Instrument, Side
from venues.simulators.max.refusals import INVALID, Refusal
from venues.simulators.max.signing import are_plain

EARLIEST = 1_512_950_400_000  # milliseconds: the venue takes no time before this
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")
_LEAST, _MOST = Decimal("1e-20"), Decimal("1e15")
_WHOLE = re.compile(r"[0-9]{1,18}")
_CLIENT_OID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_LARGEST_GROUP = 2_147_483_647
_Row = TypeVar("_Row")


def body_params(body: bytes) -> dict[str, Any]:
    """Reads a JSON body; numbers keep their text.

    Raises:
        Refusal: it is no JSON object.
    """
    try:
        values = json.loads(body, parse_int=str, parse_float=str) if body else {}
    except (ValueError, RecursionError):
        raise Refusal(INVALID, "the body is not JSON") from None
    if not isinstance(values, dict) or not are_plain(values):
        raise Refusal(INVALID, "the body is not a JSON object of plain values")
    return values


def query_params(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Reads a query string; a name with brackets is an array."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name.endswith("[]"):
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    return values


def invalid(name: str) -> Refusal:
    return Refusal(INVALID, f"{name} does not have a valid value")


class Params:
    """The parameters of one request. Empty text and null are the same as none."""

    def __init__(self, values: Mapping[str, Any], instruments: Mapping[str, Instrument]) -> None:
        self._values = values
        self._instruments = instruments

    def has(self, name: str) -> bool:
        return self._values.get(name) not in (None, "")

    def text(self, name: str, default: str | None = None) -> str:
        value = self._values.get(name)
        if value in (None, ""):
            if default is None:
                raise Refusal(INVALID, f"{name} is missing")
            return default
        if not isinstance(value, str):
            raise invalid(name)
        try:
            value.encode()
        except UnicodeEncodeError:
            raise invalid(name) from None
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        text = self.text(name, None if default is None else str(default))
        if not _WHOLE.fullmatch(text):
            raise invalid(name)
        return int(text)

    def amount(self, name: str) -> Decimal:
        """Reads a number above zero, written with an exponent or without."""
        text = self.text(name)
        if not _NUMBER.fullmatch(text) or not _LEAST <= Decimal(text) < _MOST:
            raise invalid(name)
        return Decimal(f"{Decimal(text):f}")

    def optional_amount(self, name: str) -> Decimal | None:
        return self.amount(name) if self.has(name) else None

    def one_of(self, name: str, known: Collection[str], default: str | None = None) -> str:
        text = self.text(name, default)
        if text not in known:
            raise invalid(name)
        return text

    def flag(self, name: str, default: bool) -> bool:
        value = self._values.get(name)
        if isinstance(value, bool):
            return value
        return self.one_of(name, ("true", "false", "1", "0"), "true" if default else "false") in ("true", "1")

    def market(self, name: str = "market") -> Instrument:
        """Reads the market that must be named, in the venue's small letters."""
        text = self.text(name)
        found = self._instruments.get(text.upper()) if text == text.lower() else None
        if found is None:
            raise invalid(name)
        return found

    def optional_market(self) -> str:
        """Reads the name of a market, empty where none is named."""
        return self.market().id.symbol if self.has("market") else ""

    def markets(self, name: str) -> list[Instrument]:
        """Reads an array of markets; all where there is none."""
        values = self._values.get(f"{name}[]", self._values.get(name))
        if values in (None, "", []):
            return list(self._instruments.values())
        names = values if isinstance(values, list) else [values]
        return [Params({"market": one}, self._instruments).market() for one in names]

    def currency(self, known: Collection[str], name: str = "currency") -> str:
        """Reads a currency and returns it in capitals."""
        text = self.text(name)
        if text != text.lower() or text.upper() not in known:
            raise invalid(name)
        return text.upper()

    def optional_currency(self, known: Collection[str]) -> str:
        return self.currency(known) if self.has("currency") else ""

    def side(self) -> Side:
        return Side(self.one_of("side", ("buy", "sell")))

    def client_oid(self) -> str:
        """Reads the client's own id, 36 characters at most, which need not be given."""
        text = self.text("client_oid", "")
        if text and not _CLIENT_OID.fullmatch(text):
            raise invalid("client_oid")
        return text

    def group_id(self) -> int | None:
        if not self.has("group_id"):
            return None
        group = self.integer("group_id")
        if not 1 <= group <= _LARGEST_GROUP:
            raise invalid("group_id")
        return group

    def limit(self, default: int, most: int) -> int:
        limit = self.integer("limit", default)
        if not 1 <= limit <= most:
            raise invalid("limit")
        return limit

    def moment(self, name: str = "timestamp") -> int | None:
        """Reads a time in milliseconds. Raises Refusal where it is before the venue's beginning."""
        if not self.has(name):
            return None
        at = self.integer(name)
        if at < EARLIEST:
            raise invalid(name)
        return at

    def page(
        self, rows: Iterable[_Row], at: Callable[[_Row], int], *, default: int = 50, most: int = 1_000
    ) -> list[_Row]:
        """Returns those rows that `timestamp`, `order` and `limit` choose; `at` is a row's time in milliseconds.

        `order` desc (the default) gives the newest first, from the time backwards; asc from the time onwards.
        """
        is_ascending = self.one_of("order", ("asc", "desc"), "desc") == "asc"
        since, limit = self.moment(), self.limit(default, most)
        chosen = sorted(rows, key=at, reverse=not is_ascending)
        if since is not None:
            chosen = [row for row in chosen if (at(row) >= since if is_ascending else at(row) <= since)]
        return chosen[:limit]
