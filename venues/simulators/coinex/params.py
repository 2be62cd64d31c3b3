"""A request's parameters as texts, read with the document's rules; what breaks them is refused with code 2."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from venues.model import Instrument, Side, TimeInForce
from venues.simulators.coinex.refusals import Refusal

MOST_ROWS = 100
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")  # floats are sent as 1e-05
_LEAST, _MOST = Decimal("1e-20"), Decimal("1e12")  # the ledger counts exactly, to sixty digits
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_OPTIONS = {
    "NORMAL": (TimeInForce.GTC, False),
    "IOC": (TimeInForce.IOC, False),
    "FOK": (TimeInForce.FOK, False),
    "MAKER_ONLY": (TimeInForce.GTC, True),
}
_Row = TypeVar("_Row")


def body_params(body: bytes) -> dict[str, str]:
    """Reads a JSON body; numbers keep their text, and a boolean is `True` or `False` as the venue signs it.

    Raises:
        Refusal: it is no JSON object of plain values.
    """
    try:
        values = json.loads(body, parse_int=str, parse_float=str) if body else {}
    except (ValueError, RecursionError):
        raise Refusal(2, "the body is not JSON") from None
    if not isinstance(values, dict):
        raise Refusal(2, "the body is not a JSON object")
    return plain_texts(values)


def plain_texts(values: Mapping[str, object]) -> dict[str, str]:
    """Returns the values of a JSON object as texts, without those that are null.

    Raises:
        Refusal: one is no plain value, or has half of a surrogate pair in it, which no answer could repeat.
    """
    texts = {name: str(value) for name, value in values.items() if isinstance(value, (str, bool))}
    if len(texts) < sum(value is not None for value in values.values()):
        raise Refusal(2, "a parameter is neither text nor a number")
    try:
        "".join([*texts, *texts.values()]).encode()
    except UnicodeEncodeError:
        raise Refusal(2, "a parameter is no Unicode text") from None
    return texts


class Params:
    """The parameters of one request. Empty text is the same as none, as query strings have it."""

    def __init__(self, values: Mapping[str, str], instruments: Mapping[str, Instrument]) -> None:
        self.values = values
        self._instruments = instruments

    def text(self, name: str, default: str | None = None) -> str:
        value = self.values.get(name, "")
        if value:
            return value
        if default is None:
            raise Refusal(2, f"{name} is missing")
        return default

    def integer(self, name: str, default: int | None = None) -> int:
        text = self.text(name, None if default is None else str(default))
        if not _WHOLE.fullmatch(text):
            raise Refusal(2, f"{name} is not an integer")
        return int(text)

    def amount(self, name: str, default: Decimal | None = None) -> Decimal:
        """Reads a number above zero, written with an exponent or without."""
        text = self.text(name, None if default is None else f"{default:f}")
        if not _NUMBER.fullmatch(text) or not _LEAST <= Decimal(text) < _MOST:
            raise Refusal(2, f"{name} is not a number above zero, or too large or too small")
        return Decimal(f"{Decimal(text):f}")

    def optional_amount(self, name: str) -> Decimal | None:
        return self.amount(name) if self.values.get(name) else None

    def one_of(self, name: str, known: Collection[str], default: str | None = None) -> str:
        text = self.text(name, default)
        if text not in known:
            raise Refusal(2, f"{name} is not one of {', '.join(known)}")
        return text

    def market(self) -> Instrument:
        """Reads the market that must be named."""
        return self._instruments[self.one_of("market", self._instruments)]

    def optional_market(self) -> str:
        """Reads the name of a market, empty where none is named."""
        return self.market().id.symbol if self.values.get("market") else ""

    def side(self) -> Side:
        return Side(self.one_of("type", ("buy", "sell")))

    def optional_side(self) -> Side | None:
        return self.side() if self.values.get("type") else None

    def client_id(self) -> str:
        """Reads the client id, which need not be given and need not be new."""
        text = self.text("client_id", "")
        if text and not _CLIENT_ID.fullmatch(text):
            raise Refusal(2, "client_id has letters, digits, - and _ only, and 32 of them at most")
        return text

    def option(self) -> tuple[TimeInForce, bool]:
        """Reads how long an order lives, and whether it may only make."""
        return _OPTIONS[self.one_of("option", _OPTIONS, "NORMAL")]

    def flag(self, name: str) -> bool:
        return self.one_of(name, ("true", "false", "True", "False", "1", "0"), "false") in ("true", "True", "1")

    def numbers(self, name: str) -> list[int]:
        """Reads integers with commas between, at most 100."""
        texts = self.text(name).split(",")
        if len(texts) > MOST_ROWS or not all(_WHOLE.fullmatch(text.strip()) for text in texts):
            raise Refusal(2, f"{name} is a list of at most {MOST_ROWS} integers, with commas")
        return [int(text) for text in texts]

    def page(self, rows: Sequence[_Row]) -> tuple[list[_Row], dict[str, object]]:
        """Reads `page` and `limit`, and returns these rows of the page with what the envelope says of it.

        The document asks for both; its own demos leave them out.
        """
        number, limit = self.integer("page", 1), self.integer("limit", MOST_ROWS)
        if number < 1 or not 1 <= limit <= MOST_ROWS:
            raise Refusal(2, f"page counts from 1, and limit is from 1 to {MOST_ROWS}")
        chosen = list(rows[(number - 1) * limit : number * limit])
        return chosen, {"curr_page": number, "has_next": number * limit < len(rows), "count": len(chosen)}
