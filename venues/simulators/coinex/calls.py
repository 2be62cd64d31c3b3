"""What an endpoint of CoinEx is to the routing: its path, how it is answered, and what it counts as."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator
    from venues.simulators.coinex.params import Params

Handler = Callable[["CoinexSimulator", "Params"], Any]


class Call(NamedTuple):
    """One endpoint, `path` below the prefix of the version. `kind`: submit, cancel, query or read.

    `quota` names the limit that it counts against, if any.
    """

    method: str
    path: str
    handle: Handler
    kind: str = "read"
    is_signed: bool = False
    quota: str = ""
    message: str = "Success"
