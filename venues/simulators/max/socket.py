"""MAX's WebSocket: who may connect, the connections, and the one task that pushes to all of them.

A client that sends too much is closed, and its address banned: the handshake is then answered with 429 and a
Retry-After in Unix seconds, and whoever comes before that waits longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from venues.model import NANOSECONDS
from venues.simulators.frames import FrameSender
from venues.simulators.gate_connection import CONNECTION
from venues.simulators.max.actions import take
from venues.simulators.max.client import Client
from venues.simulators.max.pushes import BANNED, SILENT
from venues.simulators.max.quota import Quota
from venues.simulators.outgoing import Outgoing

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

PATHS = ("/ws", "/")
_POLICY_VIOLATION = 1008
_MOST_CONNECTS, _HOUR = 600, 3_600.0
_PENALTY = 60.0  # seconds of a ban for too many messages or connections
_LONGEST_PENALTY = 8  # times the first one


def socket_routes(venue: MaxSimulator) -> list[WebSocketRoute]:
    """Returns the routes of the simulator's stream."""
    sockets = _Sockets(venue, venue.door)
    return [WebSocketRoute(path, sockets.serve) for path in PATHS]


class Door:
    """Who may connect. A ban lasts for some seconds, and gets longer for who comes too early."""

    def __init__(self, venue: MaxSimulator) -> None:
        self._venue = venue
        self._scale = venue.settings.time_scale
        self._connects = Quota(_MOST_CONNECTS, _HOUR * self._scale)
        self._until = 0
        self._penalty = 0  # nanoseconds
        self._first = 0
        self._is_by_fault = False

    def ban(self, seconds: float, *, is_by_fault: bool = False) -> None:
        self._penalty = self._first = round(seconds * NANOSECONDS)
        self._until = self._venue.clock.time_ns() + self._penalty
        self._is_by_fault = is_by_fault

    def is_banned(self) -> bool:
        """Says whether connections are refused now. What a fault has banned is free once that is healed."""
        faults, now = self._venue.faults, self._venue.clock.time_ns()
        if self._is_by_fault and not faults.is_on("ban", "stream"):
            self._until, self._is_by_fault = 0, False
        if now >= self._until and not faults.is_quiet and faults.on("ban", "stream"):
            self.ban(faults.number("ban", "stream"), is_by_fault=True)
        return now < self._until

    def refusal(self) -> int:
        """Returns 0 for who may come in, or since when in Unix seconds they may: they have come too early."""
        now = self._venue.clock.time_ns()
        if self.is_banned():
            self._penalty = min(2 * self._penalty, _LONGEST_PENALTY * self._first)
            self._until = now + self._penalty
        elif not self._connects.take(now):
            self.ban(_PENALTY * self._scale)
        return -(-self._until // NANOSECONDS) if now < self._until else 0

    def punish(self) -> None:
        """Bans for too many messages."""
        self.ban(_PENALTY * self._scale)


class _Sockets:
    """All connections of one simulator. A failure of the pushing ends every one of them, and is raised there."""

    def __init__(self, venue: MaxSimulator, door: Door) -> None:
        self._venue = venue
        self._door = door
        self._pushing: asyncio.Task[None] | None = None
        self._open = 0

    async def serve(self, websocket: WebSocket) -> None:
        """Speaks with one client until either side ends it."""
        if until := self._door.refusal():
            headers = {"Retry-After": str(until)}
            await websocket.send_denial_response(Response("Too Many Requests", 429, headers, "text/plain"))
            return
        await websocket.accept()
        venue, publisher = self._venue, self._venue.publisher
        sender = FrameSender(websocket, venue.faults)
        connection = websocket.scope.get("state", {}).get(CONNECTION)
        client = Client(
            Outgoing(sender.send),
            lambda: connection.pings if connection is not None else 0,
            venue.clock.time_ns(),
            venue.settings.time_scale,
        )
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
        if client.outgoing.reason in (BANNED, SILENT):
            await sender.close(_POLICY_VIOLATION, client.outgoing.reason)

    async def _read(self, websocket: WebSocket, client: Client) -> None:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if not client.takes_message(self._venue.clock.time_ns()):
                self._door.punish()
                client.outgoing.end(BANNED)
                return
            frame = message.get("text")
            take(self._venue, client, message["bytes"] if frame is None else frame)

    async def _push(self) -> None:
        """Pushes until cancelled; while a ban is on, nobody stays connected."""
        publisher = self._venue.publisher
        while True:
            await publisher.wait()
            if not self._venue.faults.is_quiet and self._door.is_banned():
                publisher.end_all(BANNED)
            publisher.tick()

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


async def _cancel(tasks: Iterable[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
