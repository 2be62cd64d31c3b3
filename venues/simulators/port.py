"""What every simulator is to the server that runs it, and what it is made from.

A simulator is a local exchange that speaks one venue's protocol: the market behind it is `core.LocalExchange`,
the wire in front of it is the venue's own package.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from venues.simulators.faults import Faults

DEFAULT_RATE = 200.0


class Clock(Protocol):
    """The time that the exchange lives by: nanoseconds UTC, and how to wait."""

    def time_ns(self) -> int: ...
    async def sleep(self, seconds: float) -> None: ...


class WallClock:
    """The machine's own."""

    def time_ns(self) -> int:
        return time.time_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SimulatorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a simulator is opened.

    `rate` is the crowd's messages a second over all instruments; 0 opens the books and lets nobody act in them.
    `replay` is a recording that feeds books and tape in place of the crowd. `symbols` lists only these.
    """

    seed: int = 1
    rate: float = DEFAULT_RATE
    replay: Path | None = None
    speed: float = 1.0  # how many times faster than recorded a replay runs
    symbols: tuple[str, ...] = ()
    time_scale: float = 1.0  # multiplies the venue's constants of time (push intervals, limits), for tests


class Simulator(Protocol):
    """One venue's local exchange: its routes, its life, and what tests may look at and do to it."""

    venue: str
    api_key: str
    api_secret: str
    faults: Faults

    def routes(self) -> list[BaseRoute]:
        """Returns the HTTP and WebSocket routes of the venue's own paths."""
        ...

    def call_of(self, method: str, path: str) -> str:
        """Returns what a request is: submit, cancel, query or read. `path` comes without its query string."""
        ...

    async def run(self) -> None:
        """Lets the market live until it is cancelled; never holds the loop for more than 10 ms."""
        ...

    def state(self) -> dict[str, Any]:
        """Returns books, orders, fills and balances as plain values, numbers as text."""
        ...

    def act(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Does what the control API asks for: place, cancel, quote, trade, quiet, resume, fund, notice, clear.

        Raises:
            ValueError: the wish makes no sense; the words say why.
        """
        ...
