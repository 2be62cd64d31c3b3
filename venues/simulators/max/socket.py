"""MAX's WebSocket: where it is, and who may connect.

A client that sends too much is closed, and its address banned: the handshake is then answered with 429 and a
Retry-After in Unix seconds, and whoever comes before that waits longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from venues.model import NANOSECONDS
from venues.simulators.gate_connection import CONNECTION
from venues.simulators.max.actions import take
from venues.simulators.max.client import Client
from venues.simulators.max.pushes import BANNED, SILENT
from venues.simulators.outgoing import Outgoing
from venues.simulators.quota import Quota
from venues.simulators.sockets import Sockets

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

PATHS = ("/ws", "/")
_MOST_CONNECTS, _HOUR = 600, 3_600.0
_PENALTY = 60.0  # seconds of a ban for too many messages or connections
_LONGEST_PENALTY = 8  # times the first one


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


def socket_routes(venue: MaxSimulator) -> list[WebSocketRoute]:
    """Returns the routes of the simulator's stream."""
    door, publisher = venue.door, venue.publisher

    def hear(client: Client, frame: str | bytes) -> None:
        if client.takes_message(venue.clock.time_ns()):
            take(venue, client, frame)
        else:
            door.punish()
            client.outgoing.end(BANNED)

    async def push() -> None:
        """Pushes until cancelled; while a ban is on, nobody stays connected."""
        while True:
            await publisher.wait()
            if not venue.faults.is_quiet and door.is_banned():
                publisher.end_all(BANNED)
            publisher.tick()

    sockets = Sockets[Client](
        venue.faults, publisher, push=push, take=hear, farewells={reason: reason for reason in (BANNED, SILENT)}
    )

    async def serve(websocket: WebSocket) -> None:
        if until := door.refusal():
            headers = {"Retry-After": str(until)}
            await websocket.send_denial_response(Response("Too Many Requests", 429, headers, "text/plain"))
            return
        connection = websocket.scope.get("state", {}).get(CONNECTION)

        def client(outgoing: Outgoing) -> Client:
            return Client(
                outgoing,
                lambda: connection.pings if connection is not None else 0,
                venue.clock.time_ns(),
                venue.settings.time_scale,
            )

        await sockets.serve(websocket, client)

    return [WebSocketRoute(path, serve) for path in PATHS]
