"""One client of the gate: the socket on one side, the server's protocol on the other, a mode in between."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Any, Protocol, cast

from venues.simulators.faults import Faults

CONNECTION = "pitside.connection"  # where a request's or a stream's scope["state"] holds its connection
_CLOSE_1012 = b"\x88\x02\x03\xf4"  # a close frame, "service restart"


class Mode(Protocol):
    """What is done with bytes at the moment."""

    def from_client(self, data: bytes, /) -> None: ...

    def from_server(self, data: bytes, /) -> None: ...

    def server_closed(self) -> None:
        """The server wants the connection closed."""

    def review(self) -> None:
        """Faults were switched."""

    def ended(self) -> None:
        """The connection is gone; timers stop."""


class ServerProtocol(Protocol):
    """What the gate needs of the server's side."""

    def connection_made(self, transport: asyncio.Transport, /) -> None: ...

    def data_received(self, data: bytes, /) -> None: ...

    def connection_lost(self, exc: Exception | None, /) -> None: ...

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...


class Connection(asyncio.Protocol):
    """Passes bytes as its mode says. `begin` is given the connection once it is made, and sets the first mode."""

    mode: Mode
    transport: asyncio.Transport
    server: ServerProtocol

    def __init__(
        self,
        make_server: Callable[[Connection], ServerProtocol],
        begin: Callable[[Connection], None],
        lost: Callable[[Connection], None],
        faults: Faults,
    ) -> None:
        self._make_server = make_server
        self._begin = begin
        self._lost = lost
        self.faults = faults
        self.loop = asyncio.get_running_loop()
        self.is_practice = False  # the newest request was for the control API
        self.is_compressed = False  # a stream that agreed on compression
        self.is_stream = False
        self.pings = 0  # ping frames that the client of a stream has sent
        self._has_server = False
        self._paused_by: set[str] = set()
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.server = self._make_server(self)
        self._has_server = True
        self._begin(self)
        self.server.connection_made(Wire(self))

    def data_received(self, data: bytes) -> None:
        self.mode.from_client(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._may_write.set()
        self.mode.ended()
        self.forget_server(exc)
        self._lost(self)

    def pause_writing(self) -> None:
        self._may_write.clear()
        if self._has_server:
            self.server.pause_writing()

    def resume_writing(self) -> None:
        self._may_write.set()
        if self._has_server:
            self.server.resume_writing()

    @property
    def is_closing(self) -> bool:
        """Nothing that the server sends can arrive any more."""
        return not self._has_server or self.transport.is_closing()

    def write(self, data: bytes) -> None:
        """Sends what did not come from the server's own protocol: whole frames of a stream."""
        if not self.is_closing:
            self.mode.from_server(data)

    @property
    def is_congested(self) -> bool:
        return not self._may_write.is_set()

    async def drain(self) -> None:
        """Waits while the client does not read."""
        await self._may_write.wait()

    def pause_reading(self, by: str) -> None:
        """Reads no more from the client, until everybody who paused it has resumed it."""
        self._paused_by.add(by)
        self.transport.pause_reading()

    def resume_reading(self, by: str) -> None:
        self._paused_by.discard(by)
        if not self._paused_by and not self.transport.is_closing():
            self.transport.resume_reading()

    def close(self) -> None:
        """Closes in order, after what was written."""
        self.transport.close()

    def reset(self) -> None:
        """Closes with a TCP reset, and drops what was written."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None and not self.transport.is_closing():
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def shut_down(self) -> None:
        """Says goodbye to a stream and closes: the simulator ends."""
        if self.is_stream and self._has_server:
            self.mode.from_server(_CLOSE_1012)
        self.mode.ended()
        self.close()

    def forget_server(self, exc: Exception | None = None) -> None:
        """Lets the server believe that the connection is lost; the client hears nothing of it."""
        if self._has_server:
            self._has_server = False
            # Not at once: the server may be in the middle of writing.
            self.loop.call_soon(self.server.connection_lost, exc)

    def fall_silent(self) -> None:
        """Takes what the client says, does nothing with it and never says anything again."""
        self.forget_server()
        self.mode = Silence(self)
        self._paused_by.clear()
        self.resume_reading("")

    def fall_into_hole(self) -> None:
        """Neither reads nor writes, until it is healed and forgotten."""
        self.mode = Hole(self)
        self.pause_reading("hole")


class Silence:
    """Nobody listens."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def from_client(self, data: bytes, /) -> None:
        """Nothing is done with it."""

    def from_server(self, data: bytes, /) -> None:
        """Nothing is done with it."""

    def server_closed(self) -> None:
        self.connection.forget_server()

    def review(self) -> None:
        """Dead for good."""

    def ended(self) -> None:
        """No timers."""


class Hole(Silence):
    """A black hole: the client's system goes on sending, and nothing is ever acknowledged by anybody."""

    def review(self) -> None:
        connection = self.connection
        if not connection.faults.is_on("black-hole"):
            connection.fall_silent()  # reads again, so that the client's own closing is noticed


class Open:
    """Everything goes through untouched."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.from_client = connection.server.data_received
        self.from_server = connection.transport.write

    def server_closed(self) -> None:
        self.connection.close()

    def review(self) -> None:
        """Never touched."""

    def ended(self) -> None:
        """No timers."""


class Wire(asyncio.Transport):
    """The transport that the server's protocol sees."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._connection.write(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        if not self._connection.is_closing:
            self._connection.mode.server_closed()

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self._connection.is_closing

    def is_reading(self) -> bool:
        return self._connection.transport.is_reading()

    def pause_reading(self) -> None:
        self._connection.pause_reading("server")

    def resume_reading(self) -> None:
        self._connection.resume_reading("server")

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._connection.server = cast(ServerProtocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return cast(asyncio.BaseProtocol, self._connection.server)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._connection.transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return self._connection.transport.get_write_buffer_size()

    def can_write_eof(self) -> bool:
        return False
