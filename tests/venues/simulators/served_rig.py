"""What the rigs of served simulators have alike: a clock that tests turn, the control API, a client's link."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import websockets

from tests.venues.simulators.coinex_rest import TurnedClock
from tests.venues.simulators.coinex_streams import turns
from venues.simulators.port import Simulator
from venues.simulators.serving import Practice

PATIENCE = 10.0  # seconds

S = TypeVar("S", bound=Simulator)
K = TypeVar("K")


class Link:
    """One connection. `frames` are those that nobody has taken yet: JSON read, or text or bytes as they came."""

    def __init__(self, link: websockets.ClientConnection) -> None:
        self.link = link
        self.frames: deque[Any] = deque()

    async def next(self) -> Any:
        if self.frames:
            return self.frames.popleft()
        async with asyncio.timeout(PATIENCE):
            frame = await self.link.recv()
        if isinstance(frame, bytes) or frame in ("ping", "pong"):
            return frame
        return json.loads(frame)

    async def take(self, is_wanted: Callable[[Any], bool]) -> Any:
        """Waits for the oldest frame that is wanted; others stay."""
        passed: list[Any] = []
        while not is_wanted(frame := await self.next()):
            passed.append(frame)
        self.frames = deque([*passed, *self.frames])
        return frame

    async def send(self, **message: Any) -> None:
        await self.link.send(json.dumps(message))


class Socket(Link):
    """One connection of a venue whose messages are found by their fields."""

    async def find(self, **wanted: Any) -> dict[str, Any]:
        """Waits for the oldest message that has all of these."""
        found: dict[str, Any] = await self.take(
            lambda frame: isinstance(frame, dict) and wanted.items() <= frame.items()
        )
        return found


class ServedRig(Generic[S]):
    """A simulator that is served in this loop, and its clock."""

    def __init__(self, simulator: S, clock: TurnedClock, practice: Practice) -> None:
        self.simulator = simulator
        self.faults = simulator.faults
        self.clock = clock
        self.practice = practice

    async def turn(self, seconds: float = 0.1) -> None:
        """Turns the clock, and lets what is due happen."""
        self.clock.turn(seconds)
        await turns(8)

    def act(self, do: str, **wish: object) -> dict[str, Any]:
        return self.simulator.act({"do": do, **wish})

    @asynccontextmanager
    async def linked(self, path: str, make: Callable[[websockets.ClientConnection], K]) -> AsyncIterator[K]:
        """Connects to a path of the streams, and makes a client's side of it."""
        url = f"{self.practice.ws_url}{path}"
        async with websockets.connect(url, compression=None, ping_interval=None, proxy=None) as link:
            yield make(link)
