"""CoinEx's WebSocket: the connections, and the one task that pushes to all of them while there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from venues.simulators.coinex.asking import Desk
from venues.simulators.coinex.client import Client
from venues.simulators.coinex.pushes import BANNED, Publisher
from venues.simulators.coinex.requests import take
from venues.simulators.frames import FrameSender
from venues.simulators.outgoing import Outgoing

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator

PATH = "/"
_POLICY_VIOLATION = 1008


def socket_routes(exchange: CoinexSimulator) -> list[WebSocketRoute]:
    """Returns the routes of the simulator's stream."""
    return [WebSocketRoute(PATH, _Sockets(exchange).serve)]


class _Sockets:
    """All connections of one simulator. A failure of the pushing ends every one of them, and is raised there."""

    def __init__(self, simulator: CoinexSimulator) -> None:
        self._simulator = simulator
        self._desk = Desk(simulator, Publisher(simulator))
        self._pushing: asyncio.Task[None] | None = None
        self._open = 0

    async def serve(self, websocket: WebSocket) -> None:
        """Speaks with one client until either side ends it."""
        publisher = self._desk.publisher
        if publisher.is_banned():
            await websocket.close(_POLICY_VIOLATION)  # before the handshake: the answer is 403
            return
        await websocket.accept()
        sender = FrameSender(websocket, self._simulator.faults)
        client = Client(Outgoing(sender.send))
        publisher.join(client)
        pushing = self._start_pushing()
        tasks = [
            asyncio.create_task(self._read(websocket, client)),
            asyncio.create_task(client.outgoing.run()),
            asyncio.create_task(client.outgoing.ended.wait()),
        ]
        try:
            ended, _ = await asyncio.wait((*tasks, pushing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            publisher.leave(client)
            await self._stop_pushing()
            await _cancel(tasks)
        for task in ended:
            if not task.cancelled():
                task.result()
        if client.outgoing.reason == BANNED:
            await sender.close(_POLICY_VIOLATION, "ip not allow visit")

    async def _read(self, websocket: WebSocket, client: Client) -> None:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            frame = message.get("text")
            take(self._desk, client, message["bytes"] if frame is None else frame)

    def _start_pushing(self) -> asyncio.Task[None]:
        self._open += 1
        if self._pushing is None:
            self._pushing = asyncio.create_task(self._desk.publisher.run())
        return self._pushing

    async def _stop_pushing(self) -> None:
        self._open -= 1
        if not self._open and self._pushing is not None:
            pushing, self._pushing = self._pushing, None
            await _cancel([pushing])


async def _cancel(tasks: Iterable[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
