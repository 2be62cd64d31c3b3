"""What may be sent to a venue is checked before it is sent: what is checked alike at all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Concatenate, ParamSpec, TypeVar

from venues.errors import BadRequest

T = TypeVar("T")
V = TypeVar("V")
P = ParamSpec("P")

_is_figure = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII).fullmatch


def compact(**parameters: object) -> dict[str, Any]:
    """Returns what is not None."""
    return {name: value for name, value in parameters.items() if value is not None}


def given(value: T | None, check: Callable[Concatenate[T, P], V], *args: P.args, **kwargs: P.kwargs) -> V | None:
    """Returns None as it is, and all else checked."""
    return None if value is None else check(value, *args, **kwargs)


def plain_figure(value: Decimal | str | int) -> str | None:
    """Returns a figure as text with all its digits, no sign and no exponent; None for what is none."""
    text = format(value, "f") if isinstance(value, Decimal) else value
    text = str(text) if type(text) is int else text
    return text if isinstance(text, str) and _is_figure(text) else None


class Checks:
    """The checks of one venue.

    Raises (all of them):
        BadRequest: it is not written as the venue writes it. Nothing was sent.
    """

    def __init__(self, venue: str) -> None:
        self._venue = venue

    def matches(self, text: str, pattern: Callable[[str], object | None], words: str) -> str:
        """Returns `text`, which `pattern` knows; `words` say what it is not."""
        if not isinstance(text, str) or not pattern(text):
            raise BadRequest(self._venue, words)
        return str(text)  # of an enumeration its bare text

    def one_of(self, word: str, words: Sequence[str], what: str) -> str:
        """Returns `word`, which is among `words`."""
        if word not in words:
            raise BadRequest(self._venue, f"{what} is one of {', '.join(words)}")
        return str(word)

    def figure(self, value: Decimal | str | int, what: str) -> str:
        """Returns a price or an amount above zero as text, with all its digits and no exponent."""
        text = plain_figure(value)
        if text is None or Decimal(text) <= 0:
            raise BadRequest(
                self._venue, f"{what}: a figure above zero is needed, of up to 20 digits on either side"
            )
        return text

    def number(self, number: int, what: str, least: int, most: int) -> int:
        """Returns `number`, which is between `least` and `most`."""
        if type(number) is not int or not least <= number <= most:
            raise BadRequest(self._venue, f"{what} is between {least} and {most}")
        return number
