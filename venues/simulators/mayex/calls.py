"""What an endpoint of Mayex is to the routing: its path, its weight, how it is answered, what it counts as."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator
    from venues.simulators.mayex.params import Params

Handler = Callable[["MayexSimulator", "Params"], Any]
HEAVY = 5
"""The weight of histories and of positions, which the document calls very high."""


class Call(NamedTuple):
    """One endpoint. `kind`: submit, cancel, query or read, and of what is no order margin or leverage.

    `error` is what the answer says where there is none; `is_documented` False: the venue's document has no such
    endpoint, and it can be switched off.
    """

    method: str
    path: str
    handle: Handler
    kind: str
    weight: int = 1
    is_signed: bool = True
    error: str | None = "OK"
    is_documented: bool = True
