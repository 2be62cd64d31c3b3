"""The WebSocket connections of one simulator, and the one task that pushes to all of them while there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from starlette.websockets import WebSocket

from venues.simulators.faults import Faults
from venues.simulators.frames import FrameSender
from venues.simulators.outgoing import Outgoing

POLICY_VIOLATION = 1008


class Client(Protocol):
    """One connection as a venue sees it."""

    outgoing: Outgoing


C = TypeVar("C", bound=Client)
C_contra = TypeVar("C_contra", bound=Client, contravariant=True)


class Publisher(Protocol[C_contra]):
    """What pushes to the connections that it is told of."""

    def join(self, client: C_contra) -> None: ...

    def leave(self, client: C_contra) -> None: ...


class Sockets(Generic[C]):
    """All connections of one simulator. A failure of the pushing ends every one of them, and is raised there.

    `push` pushes until it is cancelled, `take` gets what clients send. A connection that was given up for one of
    the reasons in `farewells` is closed as a violation, with those words.
    """

    def __init__(
        self,
        faults: Faults,
        publisher: Publisher[C],
        *,
        push: Callable[[], Coroutine[Any, Any, None]],
        take: Callable[[C, str | bytes], None],
        farewells: Mapping[str, str],
    ) -> None:
        self._faults = faults
        self._publisher = publisher
        self._push = push
        self._take = take
        self._farewells = farewells
        self._pushing: asyncio.Task[None] | None = None
        self._open = 0

    async def serve(self, websocket: WebSocket, make: Callable[[Outgoing], C]) -> None:
        """Accepts a client, of which `make` makes what the venue knows of it, until either side ends it."""
        await websocket.accept()
        sender = FrameSender(websocket, self._faults)
        client = make(Outgoing(sender.send))
        self._publisher.join(client)
        pushing = self._start_pushing()
        tasks = [
            asyncio.create_task(self._read(websocket, client)),
            asyncio.create_task(client.outgoing.run()),
            asyncio.create_task(client.outgoing.ended.wait()),
        ]
        try:
            ended, _ = await asyncio.wait((*tasks, pushing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._publisher.leave(client)
            await self._stop_pushing()
            await _cancel(tasks)
        for task in ended:
            if not task.cancelled():
                task.result()
        words = self._farewells.get(client.outgoing.reason)
        if words is not None:
            await sender.close(POLICY_VIOLATION, words)

    async def _read(self, websocket: WebSocket, client: C) -> None:
        while not client.outgoing.ended.is_set():  # nobody hears a client that was given up
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            frame = message.get("text")
            self._take(client, message["bytes"] if frame is None else frame)

    def _start_pushing(self) -> asyncio.Task[None]:
        self._open += 1
        if self._pushing is None:
            self._pushing = asyncio.create_task(self._push())
        return self._pushing

    async def _stop_pushing(self) -> None:
        self._open -= 1
        if not self._open and self._pushing is not None:
            pushing, self._pushing = self._pushing, None
            await _cancel([pushing])


def read_object(frame: str | bytes) -> dict[str, Any] | None:
    """Returns the JSON object that a client has sent, None where it is none."""
    try:
        found = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


async def _cancel(tasks: Iterable[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
