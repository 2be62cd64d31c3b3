"""What all methods of CoinEx's stream share: what a method is, how it refuses, and how its params are read.

Document: "Error code description".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from venues.simulators.coinex.client import Client

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator
    from venues.simulators.coinex.pushes import Publisher

INVALID_ARGUMENT, INTERNAL_ERROR, SERVICE_UNAVAILABLE = 1, 2, 3
METHOD_NOT_FOUND, SERVICE_TIMEOUT, REQUIRE_AUTH, TOO_QUICK = 4, 5, 6, 7
MESSAGES = {
    INVALID_ARGUMENT: "invalid argument",
    INTERNAL_ERROR: "internal error",
    SERVICE_UNAVAILABLE: "service unavailable",
    METHOD_NOT_FOUND: "method not found",
    SERVICE_TIMEOUT: "service timeout",
    REQUIRE_AUTH: "require auth",
    TOO_QUICK: "too quick",
}
SUCCESS = "success"
MOST_ROWS = 1_000  # of one answer; the document names no maximum


class Refused(Exception):
    """The request is answered with an error; `code` is one of the document's."""

    def __init__(self, code: int = INVALID_ARGUMENT) -> None:
        super().__init__(MESSAGES[code])
        self.code = code


class Desk(NamedTuple):
    """What a method works on."""

    simulator: CoinexSimulator
    publisher: Publisher


class Answer(NamedTuple):
    """The result of a request, and what is done once it has been queued: a subscription's first pushes."""

    result: Any
    then: Callable[[], None] | None = None


class Method(NamedTuple):
    """How a request is answered. `is_private` ones are for those who have signed."""

    run: Callable[[Desk, Client, Sequence[Any]], Answer]
    is_private: bool = False
    is_subscribe: bool = False


def integer(params: Sequence[Any], index: int, default: int | None = None) -> int:
    """Reads a whole number from 0. Raises Refused where there is none, and no default."""
    if default is not None and len(params) <= index:
        return default
    value = params[index] if len(params) > index else None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refused
    return value


def one_of(params: Sequence[Any], index: int, known: Collection[str]) -> str:
    """Reads a name. Raises Refused where it is not known."""
    value = params[index] if len(params) > index else None
    if not isinstance(value, str) or value not in known:
        raise Refused
    return value


def names(values: Any, known: Collection[str]) -> frozenset[str]:
    """Reads a list of names; an empty one, or null in place of a name, means all. Raises Refused."""
    if not isinstance(values, list):
        raise Refused
    if not values or values == [None]:
        return frozenset(known)
    if not all(isinstance(value, str) and value in known for value in values):
        raise Refused
    return frozenset(values)


def page(params: Sequence[Any], index: int, rows: Sequence[Any]) -> tuple[int, int, Sequence[Any]]:
    """Reads offset and limit at `index` and returns them with these rows. Raises Refused."""
    offset, limit = integer(params, index), integer(params, index + 1)
    if not 0 < limit <= MOST_ROWS:
        raise Refused
    return offset, limit, rows[offset : offset + limit]
