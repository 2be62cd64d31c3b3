"""The gate: the one port of a simulator. It takes every connection and hands its bytes to the server, or does not.

It stands where a network, a proxy and a balancer stand in life, so what it does wrong is what they do wrong. The
server's protocols run behind it in the same loop, without a second socket between.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import threading
from collections.abc import Callable

from venues.errors import ConfigurationError
from venues.simulators.faults import Faults
from venues.simulators.gate_connection import Connection, ServerProtocol
from venues.simulators.gate_requests import Requests
from venues.simulators.gate_streams import Stream

HOST = "127.0.0.1"
_BACKLOG = 256
_FAREWELL = 0.3  # seconds that clients get to close by themselves
_TOLD = 5.0  # seconds that another thread waits at most for its change to be in force


class Gate:
    """Listens for one simulator. `call_of` says of a method and a path which call it is."""

    def __init__(
        self,
        venue: str,
        make_server: Callable[[Connection], ServerProtocol],
        faults: Faults,
        call_of: Callable[[str, str], str],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._tls = tls
        self._venue = venue
        self._make_server = make_server
        self._faults = faults
        self._call_of = call_of
        self._connections: set[Connection] = set()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._holder: socket.socket | None = None  # keeps the port while nobody listens
        self._listening: socket.socket | None = None
        self._taking: set[asyncio.Task[None]] = set()
        self._crowded: list[socket.socket] = []  # a listener that answers nobody, and those who fill it
        self._listens_as = ""
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self.port = 0
        self.requests = 0

    @property
    def connections(self) -> int:
        """Connections that are open now, those of the control API included."""
        return len(self._connections)

    async def open(self, port: int = 0) -> None:
        """Listens on 127.0.0.1; port 0 takes a free one.

        Raises:
            ConfigurationError: the port can not be had.
        """
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        if not 0 <= port <= 65535:
            raise ConfigurationError(self._venue, f"there is no port {port}; --port takes 0 (a free one) to 65535")
        try:
            self._holder = _bound(port)
            self.port = int(self._holder.getsockname()[1])
            self._review_listener()
        except OSError as error:
            self._release()
            raise ConfigurationError(self._venue, _no_port(port, error)) from error
        self._faults.subscribe(self._switched)

    async def aclose(self) -> None:
        """Closes every connection, at once those that do not close by themselves. May be called twice."""
        if self._is_closed:
            return
        self._is_closed = True
        self._faults.unsubscribe(self._switched)
        if self._timer is not None:
            self._timer.cancel()
        self._unlisten()
        await asyncio.gather(*self._taking, return_exceptions=True)
        self._release()
        for connection in tuple(self._connections):
            connection.shut_down()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await self._is_empty.wait()
        for connection in tuple(self._connections):
            connection.transport.abort()
        await self._is_empty.wait()

    def _review_listener(self) -> None:
        """Listens, refuses or leaves unanswered, as is switched on."""
        wanted = next((kind for kind in ("refuse", "connect-timeout") if self._faults.is_on(kind)), "listen")
        if wanted == self._listens_as:
            return
        self._listens_as = wanted
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._unlisten()
        if wanted == "listen":
            self._listen()
            return
        self._faults.on(wanted)
        if wanted == "connect-timeout":
            self._crowd()
        else:
            for connection in tuple(self._connections):
                if not connection.is_practice:
                    connection.reset()
        if (seconds := self._faults.number(wanted)) > 0:
            self._timer = self._loop.call_later(seconds, self._faults.end, wanted)

    def _listen(self) -> None:
        self._listening = listening = _bound(self.port)
        listening.listen(_BACKLOG)
        self._loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        """Takes over those who wait."""
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            while True:
                client, _ = listening.accept()
                client.setblocking(False)
                taking = self._loop.create_task(self._take(client))
                self._taking.add(taking)
                taking.add_done_callback(self._taking.discard)

    async def _take(self, client: socket.socket) -> None:
        connection = Connection(self._make_server, self._begin, self._lost, self._faults)
        with contextlib.suppress(OSError):  # gone already, or no handshake
            await self._loop.connect_accepted_socket(lambda: connection, client, ssl=self._tls)

    def _crowd(self) -> None:
        """Listens with a queue of one and fills it: the system leaves whoever comes then unanswered."""
        crowded = _bound(self.port)
        crowded.listen(0)
        self._crowded.append(crowded)
        for _ in range(2):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex((HOST, self.port))
            self._crowded.append(filler)

    def _unlisten(self) -> None:
        if self._listening is not None:
            self._loop.remove_reader(self._listening)
            self._listening.close()
            self._listening = None
        for crowding in reversed(self._crowded):
            crowding.close()
        self._crowded.clear()

    def _release(self) -> None:
        if self._holder is not None:
            self._holder.close()
            self._holder = None

    def _lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._is_empty.set()

    def _begin(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._is_empty.clear()
        connection.mode = Requests(connection, self._call_of, self._count, self._become_stream)

    def _count(self) -> None:
        self.requests += 1

    def _become_stream(self, connection: Connection, waiting: bytes) -> None:
        connection.is_stream = True
        stream = Stream(connection)
        connection.mode = stream
        stream.review()
        if waiting:
            connection.data_received(waiting)

    def _switched(self) -> None:
        """Faults were switched, in whatever thread: they are in force when this returns."""
        if threading.get_ident() == self._thread:
            self._review()
            return
        is_done = threading.Event()

        def review() -> None:
            try:
                self._review()
            finally:
                is_done.set()

        self._loop.call_soon_threadsafe(review)
        is_done.wait(_TOLD)

    def _review(self) -> None:
        if self._is_closed:
            return
        for connection in tuple(self._connections):
            connection.mode.review()
        self._review_listener()


def _bound(port: int) -> socket.socket:
    """Returns a socket that has the port and does not listen. Raises OSError."""
    # Only for sockets that name TCP the loop switches Nagle's algorithm off: 40 ms for each answer otherwise.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Two of ours may have the port at once as long as one of them does not listen.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        raise
    return bound


def _no_port(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} is taken by another program; choose another with --port, or leave it out for a free one"
        )
    if error.errno == errno.EACCES:
        return f"port {port} is reserved for the system; choose one above 1023 with --port"
    return f"port {port} can not be had ({error.strerror}); leave --port out for a free one"
