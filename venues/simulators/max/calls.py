"""What an endpoint of MAX is to the routing: its path, how it is answered, and what it counts as."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator
    from venues.simulators.max.params import Params

Handler = Callable[["MaxSimulator", "Params"], Any]


class Call(NamedTuple):
    """One endpoint, `path` below the prefix of the version. `kind`: submit, cancel, query or read."""

    method: str
    path: str
    handle: Handler
    kind: str = "read"
    is_signed: bool = True
    status: int = 200


def public(path: str, handle: Handler) -> Call:
    """Returns a call that needs no key."""
    return Call("GET", path, handle, is_signed=False)
