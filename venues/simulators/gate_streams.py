"""A stream on its way through the gate: bytes pass untouched until a fault says otherwise."""

from __future__ import annotations

from collections.abc import Callable

from venues.simulators.dripping import Drip
from venues.simulators.gate_connection import Connection

_RESET_AFTER = 0.05  # seconds: a reset at once would destroy the answer to the handshake
_MOST_HELD = 1 << 18  # bytes that drip or are held before the server has to wait


class Stream:
    """The mode of a connection after the handshake of a WebSocket."""

    from_client: Callable[[bytes], None]
    from_server: Callable[[bytes], None]

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._faults = connection.faults
        self._drip: Drip | None = None
        self._held: bytearray | None = None  # what waits for the end of a stall
        self._is_server_waiting = False
        self._must_close = False
        self._pass()

    def review(self) -> None:
        """Asks what is switched on; once for a new stream, and again after every change."""
        faults, connection = self._faults, self._connection
        if self._held is not None:
            if not faults.is_on("black-hole", "stream"):
                self._let_go()
        elif self._drip is not None and not faults.is_on("drip", "stream"):
            self._drip.flush()
        elif self._drip is not None:
            self._drip.pace(faults.number("drip", "stream"))
        if faults.is_quiet or self._must_close:
            return
        if faults.on("reset", "stream"):
            connection.loop.call_later(_RESET_AFTER, connection.reset)
        elif faults.on("reconnect-loop", "stream"):
            connection.close()
        elif faults.on("half-open", "stream"):
            self.ended()
            connection.fall_silent()
        elif self._held is None and faults.on("black-hole", "stream"):
            self._fall_in()
        elif self._drip is None and self._held is None and faults.on("drip", "stream"):
            self._drip = Drip(connection.transport.write, faults.number("drip", "stream"), self._dripped)
            self.from_server = self._write_slowly

    def server_closed(self) -> None:
        if self._held is not None or self._drip:
            self._must_close = True
        else:
            self._connection.close()

    def ended(self) -> None:
        if self._drip is not None:
            self._drip.stop()

    def _pass(self) -> None:
        self.from_client = self._connection.server.data_received
        self.from_server = self._connection.transport.write

    def _fall_in(self) -> None:
        if self._drip is not None:
            self._drip.flush()  # half a frame before a stall would be broken for ever
            self._drip = None
        if self._faults.value("black-hole", "stream") != "stall":
            self._connection.fall_into_hole()
            return
        self._held = bytearray()
        self.from_server = self._hold
        self._connection.pause_reading("stall")

    def _hold(self, data: bytes) -> None:
        if self._held is not None:
            self._held += data
            self._watch(len(self._held))

    def _let_go(self) -> None:
        held, self._held = bytes(self._held or b""), None
        self._pass()
        self.from_server(held)
        self._connection.resume_reading("stall")
        self._caught_up()

    def _write_slowly(self, data: bytes) -> None:
        if self._drip is not None:
            self._drip.write(data)
            self._watch(len(self._drip))

    def _dripped(self) -> None:
        """All is through: goes on dripping while that is switched on."""
        if not self._faults.is_on("drip", "stream"):
            self._drip = None
            self._pass()
        self._caught_up()

    def _watch(self, size: int) -> None:
        if size > _MOST_HELD and not self._is_server_waiting:
            self._is_server_waiting = True
            self._connection.pause_writing()

    def _caught_up(self) -> None:
        if self._is_server_waiting:
            self._is_server_waiting = False
            self._connection.resume_writing()
        if self._must_close:
            self._connection.close()
