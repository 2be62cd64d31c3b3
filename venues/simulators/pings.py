"""The server's side of a stream, which counts the ping frames of its client: some venues close who sends none."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from venues.simulators.gate_connection import CONNECTION


class PingHearing(WebSocketsSansIOProtocol):
    """Answers pings as ever, and counts them on the connection."""

    def handle_ping(self) -> None:
        self.app_state[CONNECTION].pings += 1
        super().handle_ping()
