"""CoinEx's WebSocket: where it is, and who may connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from venues.simulators.coinex.asking import Desk
from venues.simulators.coinex.client import Client
from venues.simulators.coinex.pushes import BANNED, Publisher
from venues.simulators.coinex.requests import take
from venues.simulators.sockets import POLICY_VIOLATION, Sockets

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator

PATH = "/"


def socket_routes(exchange: CoinexSimulator) -> list[WebSocketRoute]:
    """Returns the routes of the simulator's stream."""
    publisher = Publisher(exchange)
    desk = Desk(exchange, publisher)
    sockets = Sockets[Client](
        exchange.faults,
        publisher,
        push=publisher.run,
        take=lambda client, frame: take(desk, client, frame),
        farewells={BANNED: "ip not allow visit"},
    )

    async def serve(websocket: WebSocket) -> None:
        if publisher.ban.is_on():
            await websocket.close(POLICY_VIOLATION)  # before the handshake: the answer is 403
        else:
            await sockets.serve(websocket, Client)

    return [WebSocketRoute(PATH, serve)]
