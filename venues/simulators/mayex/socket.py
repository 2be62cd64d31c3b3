"""Mayex's WebSockets: the contracts' below `/ws/`, spot's below `/spot-ws/`, and who may connect.

The account's stream is subscribed to by its token, or opened with `?token=`: that a client of the kin does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from venues.simulators.mayex.actions import is_refused, take
from venues.simulators.mayex.client import Client
from venues.simulators.mayex.pushes import BANNED
from venues.simulators.outgoing import Outgoing
from venues.simulators.sockets import Sockets

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator

PATHS = {"/ws": False, "/ws/{rest:path}": False, "/spot-ws": True, "/spot-ws/{rest:path}": True}


def socket_routes(venue: MayexSimulator) -> list[WebSocketRoute]:
    """Returns the routes of the simulator's streams."""
    publisher = venue.publisher

    def hear(client: Client, frame: str | bytes) -> None:
        take(venue, client, frame)

    sockets = Sockets[Client](venue.faults, publisher, push=publisher.push, take=hear, farewells={BANNED: BANNED})

    async def serve(websocket: WebSocket, *, is_spot: bool) -> None:
        token = "" if is_spot else websocket.query_params.get("token", "")
        if publisher.ban.is_on():
            await websocket.send_denial_response(Response("Forbidden", 403, media_type="text/plain"))
        elif token and is_refused(venue, token):
            await websocket.send_denial_response(Response("Unauthorized", 401, media_type="text/plain"))
        else:
            await sockets.serve(websocket, lambda outgoing: _client(outgoing, is_spot, token))

    async def serve_contracts(websocket: WebSocket) -> None:
        await serve(websocket, is_spot=False)

    async def serve_spot(websocket: WebSocket) -> None:
        await serve(websocket, is_spot=True)

    return [WebSocketRoute(path, serve_spot if is_spot else serve_contracts) for path, is_spot in PATHS.items()]


def _client(outgoing: Outgoing, is_spot: bool, token: str) -> Client:
    return Client(outgoing, is_spot=is_spot, token=token)
