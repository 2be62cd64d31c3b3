"""One WebSocket connection to a venue, and why it ended.

Nothing is taken from the environment: no proxy but one that was named, no key log; no redirect is followed, and
nothing is compressed unless asked. The library's log is shut, since it would hold what is sent. It is imported
when the first connection is made: that takes a twentieth of a second, which not every command has.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
import ssl
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from venues.errors import (
    AuthenticationError,
    BadRequest,
    ConnectionLost,
    DecodeError,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    RequestTimeout,
    VenueError,
    VenueUnavailable,
)
from venues.redaction import Redaction
from venues.transport.address import Address
from venues.transport.asks import Payload
from venues.transport.closing import closing_words
from venues.transport.frames import Frame
from venues.transport.privacy import default_tls
from venues.transport.timing import StreamTiming
from venues.transport.verdicts import BANNED
from venues.transport.waiting import parse_retry_after

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection
    from websockets.exceptions import ConnectionClosed
    from websockets.protocol import Event

_LIBRARY = "websockets.asyncio.client"
_MOST_PINGS = 8  # that the library remembers of those that nobody answers
_OVERSIZE, _NOT_WEBSOCKET = 1009, frozenset({1002, 1007})

JudgeClosing: TypeAlias = Callable[[int, str], VenueError | None]
"""Gets the venue's close code and reason; returns what they prove (RateLimited for a ban), None where nothing."""


class StreamLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much may wait. All but `frame_size` (bytes) count frames."""

    frame_size: int = 4 * 1024 * 1024
    unread: int = 256  # received and not yet looked at; beyond it nothing is read from the socket
    waiting: int = 8192  # for the consumer, or held back
    batch: int = 512


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """How to make one connection. `tls` is None for plain ws."""

    venue: str
    address: Address
    timing: StreamTiming
    limits: StreamLimits
    compresses: bool = False
    tls: ssl.SSLContext | None = None
    proxy: str | None = None
    hide: Redaction | None = None  # masks what the venue quotes of the key, before anybody reads it
    judge_closing: JudgeClosing | None = None
    wall: Callable[[], int] = time.time_ns
    number: int = 1

    def __repr__(self) -> str:
        return f"Opening({self.venue!r})"


async def open_websocket(opening: Opening) -> WebSocket:
    """Makes the connection. Raises VenueError; RateLimited where the venue said when to come back."""
    if _LIBRARY not in sys.modules:
        await asyncio.to_thread(importlib.import_module, _LIBRARY)
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidHandshake, InvalidStatus, ProxyError

    class NotRedirected(connect):
        def process_redirect(self, exc: Exception) -> Exception:
            return exc

    receipts = _Receipts()
    error: VenueError
    try:
        connection = await NotRedirected(
            opening.address.url,
            additional_headers=list(opening.address.headers),
            user_agent_header=None if _names_agent(opening.address) else "pitside",
            compression="deflate" if opening.compresses else None,
            proxy=opening.proxy,
            ssl=opening.tls,
            **_towards_proxy(opening.proxy),
            open_timeout=opening.timing.open,
            close_timeout=opening.timing.close,
            ping_interval=None,
            max_size=opening.limits.frame_size,
            max_queue=opening.limits.unread,
            logger=_shut_log(),
            create_connection=_noting(opening, receipts),
        )
    except InvalidStatus as refused:
        response = refused.response
        headers = {name.lower(): value for name, value in response.headers.raw_items()}
        error = _refused(opening, response.status_code, headers)
    except ProxyError:
        error = ConnectionLost(opening.venue, "the proxy did not let us through")
    except InvalidHandshake:
        error = ProtocolError(opening.venue, "the answer was no WebSocket handshake")
    except (OSError, EOFError, ValueError) as failed:  # TimeoutError and every TLS error are OSErrors
        error = _not_made(opening.venue, failed)
    else:
        return WebSocket(opening, connection, receipts)
    raise error


class WebSocket:
    """An open connection. Its methods raise ConnectionLost once it is gone, or what the judge of closings found.

    ProtocolError where it had to be given up for what it sent; DecodeError for a frame that is too large.
    """

    def __init__(self, opening: Opening, connection: ClientConnection, receipts: _Receipts) -> None:
        self._opening = opening
        self._venue = opening.venue
        self._connection = connection
        self._receipts = receipts

    def on_control(self, hear: Callable[[bytes | None], None]) -> None:
        """From now on `hear` gets the payload of each pong, and None for each ping."""
        self._receipts.hear = hear

    async def receive(self) -> Frame:
        """Returns the next message."""
        from websockets.exceptions import ConnectionClosed

        try:
            data = await self._connection.recv(decode=False)
        except ConnectionClosed as closed:
            error = self._described(closed)
        else:
            ts_recv, is_text = self._receipts.stamps.popleft()
            hide = self._opening.hide
            if hide is not None:
                data = hide.clean_bytes(data)
            return Frame(data, is_text, ts_recv, self._opening.number)
        raise error

    async def send(self, payload: Payload) -> None:
        """Returns once the kernel has taken it."""
        await self._outward(self._connection.send(payload))

    async def ping(self, payload: bytes) -> None:
        """Sends a protocol ping."""
        pings = self._connection.pending_pings
        while len(pings) >= _MOST_PINGS:
            del pings[next(iter(pings))]
        await self._outward(self._connection.ping(payload))

    async def close(self, *, is_graceful: bool) -> None:
        """Closes it, within a second even where the venue does not answer. Does not raise."""
        connection = self._connection
        try:
            if is_graceful:
                # The library's own limit does not cover bytes that the kernel does not take.
                async with asyncio.timeout(self._opening.timing.close):
                    await connection.close()
        except TimeoutError:
            return
        finally:
            connection.transport.abort()
            await connection.wait_closed()

    async def _outward(self, sending: Awaitable[object]) -> None:
        from websockets.exceptions import ConnectionClosed

        error: VenueError
        try:
            async with asyncio.timeout(self._opening.timing.answer):
                await sending
        except TimeoutError:
            error = ConnectionLost(self._venue, "the venue takes no more bytes")
        except ConnectionClosed as closed:
            error = self._described(closed)
        else:
            return
        raise error

    def _described(self, closed: ConnectionClosed) -> VenueError:
        theirs, ours = closed.rcvd, closed.sent
        if ours is not None and not closed.rcvd_then_sent:  # the library gave it up
            if ours.code == _OVERSIZE:
                return DecodeError(self._venue, f"a frame of more than {self._opening.limits.frame_size} bytes")
            if ours.code in _NOT_WEBSOCKET:
                return ProtocolError(self._venue, "what came was not the WebSocket protocol")
        if theirs is None:
            return ConnectionLost(self._venue, "the connection broke off")
        judge, hide = self._opening.judge_closing, self._opening.hide
        reason = theirs.reason if hide is None else hide.clean(theirs.reason)
        found = None if judge is None else judge(theirs.code, reason)
        return found or ConnectionLost(self._venue, closing_words(theirs.code, reason))


class _Receipts:
    """What is noted as bytes arrive, which may be well before anybody looks at them."""

    __slots__ = ("hear", "stamps")

    def __init__(self) -> None:
        self.stamps: deque[tuple[int, bool]] = deque()  # of each message: when it was complete; whether it is text
        self.hear: Callable[[bytes | None], None] = lambda _: None


def _noting(opening: Opening, receipts: _Receipts) -> type[ClientConnection]:
    """Returns the library's connection, which notes what arrives and gives up one that closes too slowly."""
    from websockets.asyncio.client import ClientConnection
    from websockets.frames import Frame as WireFrame
    from websockets.frames import Opcode
    from websockets.protocol import State

    class Noting(ClientConnection):
        is_text = True
        given_up: asyncio.TimerHandle | None = None

        def process_event(self, event: Event) -> None:
            if isinstance(event, WireFrame):
                if event.opcode in (Opcode.TEXT, Opcode.BINARY):
                    self.is_text = event.opcode is Opcode.TEXT
                elif event.opcode in (Opcode.PING, Opcode.PONG):
                    receipts.hear(bytes(event.data) if event.opcode is Opcode.PONG else None)
                if event.fin and event.opcode in (Opcode.CONT, Opcode.TEXT, Opcode.BINARY):
                    receipts.stamps.append((opening.wall(), self.is_text))
            super().process_event(event)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._limit_closing()

        def eof_received(self) -> None:
            super().eof_received()
            self._limit_closing()

        def connection_lost(self, exc: Exception | None) -> None:
            if self.given_up is not None:
                self.given_up.cancel()
            super().connection_lost(exc)

        def _limit_closing(self) -> None:
            # The library sets a limit only where we begin to close: a venue that says goodbye and keeps the socket
            # open would hold us for ever.
            is_closing = self.state in (State.CLOSING, State.CLOSED)
            if is_closing and self.given_up is None:
                self.given_up = self.loop.call_later(opening.timing.close, self.transport.abort)

    return Noting


def _towards_proxy(proxy: str | None) -> dict[str, Any]:
    # The library's own context would write the session's keys to the file that SSLKEYLOGFILE names.
    return {"proxy_ssl": default_tls()} if proxy is not None and proxy.startswith("https:") else {}


def _shut_log() -> logging.Logger:
    """Returns a logger of nobody that writes nothing: at DEBUG the library's own writes every frame."""
    log = logging.Logger(_LIBRARY, logging.CRITICAL + 1)
    log.addHandler(logging.NullHandler())
    return log


def _names_agent(address: Address) -> bool:
    return any(name.lower() == "user-agent" for name, _ in address.headers)


def _refused(opening: Opening, status: int, headers: Mapping[str, str]) -> VenueError:
    venue, words = opening.venue, f"the venue refused the connection with status {status}"
    wait = parse_retry_after(headers, opening.wall())
    if status in BANNED or wait is not None:
        return RateLimited(venue, words, str(status), wait)
    match status:
        case 401:
            return AuthenticationError(venue, words, str(status))
        case 403:
            return PermissionDenied(venue, words, str(status))
        case _ if status >= 500:
            return VenueUnavailable(venue, words, str(status))
        case _ if 300 <= status < 400:
            return ProtocolError(venue, f"the venue sent us elsewhere (status {status})", str(status))
        case _:
            return BadRequest(venue, words, str(status))


def _not_made(venue: str, error: Exception) -> VenueError:
    """Puts it into our words: those of the libraries can quote the address."""
    match error:
        case TimeoutError():
            return RequestTimeout(venue, "no connection in time")
        case ssl.SSLCertVerificationError():
            return ConnectionLost(venue, "the venue's certificate is not to be trusted")
        case ssl.SSLError():
            return ConnectionLost(venue, "the TLS handshake failed")
        case socket.gaierror():
            return ConnectionLost(venue, "the venue's name can not be resolved")
        case ConnectionRefusedError():
            return ConnectionLost(venue, "the connection was refused")
        case _:
            return ConnectionLost(venue, "the connection could not be made")
