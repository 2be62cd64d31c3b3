"""What an endpoint of Pumpkin is to the routing: its path, its weight, how it is answered, what it counts as."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator
    from venues.simulators.pumpkin.params import Params

Handler = Callable[["PumpkinSimulator", "Params"], Any]


class Call(NamedTuple):
    """One endpoint. `kind`: submit, cancel, query or read, and of what is no order plan, exit, margin or leverage.

    `label` is where the answer has its text.

    `is_bare`: the answer has no envelope. `has_whitelist`: it may trade only what the key's whitelist names.
    """

    method: str
    path: str
    handle: Handler
    weight: int = 1
    kind: str = "query"
    is_signed: bool = True
    label: str = "msg"
    is_bare: bool = False
    has_whitelist: bool = False


def public(path: str, handle: Handler, *, label: str = "msg", is_bare: bool = False) -> Call:
    """Returns a call for market data."""
    return Call("GET", path, handle, 1, "read", False, label, is_bare)


def query(path: str, handle: Handler, weight: int, *, label: str = "msg") -> Call:
    return Call("GET", path, handle, weight, "query", True, label)


def trade(
    path: str, handle: Handler, weight: int, kind: str, *, label: str = "message", has_whitelist: bool = False
) -> Call:
    return Call("POST", path, handle, weight, kind, True, label, False, has_whitelist)
