"""Pumpkin's WebSockets: where they are, and who may connect. The document has lost their address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from venues.simulators.outgoing import Outgoing
from venues.simulators.pumpkin.actions import take
from venues.simulators.pumpkin.client import Client
from venues.simulators.pumpkin.pushes import BANNED, SILENT
from venues.simulators.sockets import Sockets

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

# Every address that is likely: all of them have public and private topics.
PATHS = ("/futures/ws/market", "/futures/ws/user", "/ws/market", "/ws/user", "/fstream/ws/open")


def socket_routes(venue: PumpkinSimulator) -> list[WebSocketRoute]:
    """Returns the routes of the simulator's streams."""
    publisher = venue.publisher

    def hear(client: Client, frame: str | bytes) -> None:
        take(venue, client, frame)

    sockets = Sockets[Client](
        venue.faults, publisher, push=publisher.push, take=hear, farewells={one: one for one in (BANNED, SILENT)}
    )

    async def serve(websocket: WebSocket) -> None:
        if publisher.ban.is_on():
            await websocket.send_denial_response(Response("Forbidden", 403, media_type="text/plain"))
            return

        def client(outgoing: Outgoing) -> Client:
            return Client(outgoing, venue.clock.time_ns())

        await sockets.serve(websocket, client)

    return [WebSocketRoute(path, serve) for path in PATHS]
