"""A venue's stream on a real socket, the WebSocket protocol written out by hand so that it can be broken anywhere.

It answers `login`, `sub <what>` and `beat <number>`, and sends `data <n>` to all that have logged in, n rising
over all connections.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
import struct
from types import TracebackType
from typing import Self

from tests.venues.transport.loopback import LoopbackServer
from tests.venues.transport.scripted import read_request, reset

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def wire_frame(opcode: int, payload: bytes, *, fin: bool = True, length: int | None = None) -> bytes:
    """Returns a frame as a server sends it; `length` lies about its size."""
    size = len(payload) if length is None else length
    first = (0x80 if fin else 0) | opcode
    if size < 126:
        head = struct.pack("!BB", first, size)
    elif size < 65536:
        head = struct.pack("!BBH", first, 126, size)
    else:
        head = struct.pack("!BBQ", first, 127, size)
    return head + payload


class Peer:
    """One client, as the venue sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number
        self.target = ""
        self.headers: dict[str, str] = {}
        self.heard: list[str] = []
        self.pings = 0
        self.close_code: int | None = None
        self.is_logged_in = False
        self.is_mute = False  # whatever happens, it gets nothing any more
        self.ended = asyncio.Event()

    def write(self, data: bytes) -> None:
        if not self.is_mute and not self.writer.is_closing():
            self.writer.write(data)

    def say(self, text: str) -> None:
        self.write(wire_frame(TEXT, text.encode()))

    def close(self, code: int, reason: str = "") -> None:
        self.write(wire_frame(CLOSE, struct.pack("!H", code) + reason.encode()))

    def reset(self) -> None:
        reset(self.writer)

    async def read_frame(self) -> tuple[int, bytes]:
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
        mask = await self.reader.readexactly(4)
        masked = await self.reader.readexactly(size)
        return first & 0xF, bytes(byte ^ mask[at % 4] for at, byte in enumerate(masked))


class StreamServer(LoopbackServer):
    """The venue. Its attributes say how it behaves from now on, towards new connections or all."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, every: float = 0.5) -> None:
        super().__init__(tls)
        self._every = every
        self._sent = 0
        self._ticker: asyncio.TimerHandle | None = None
        self.peers: list[Peer] = []
        self.connected_at: list[float] = []
        self.answers_handshakes = True
        self.refusal: tuple[int, dict[str, str]] | None = None
        self.answers_beats = True
        self.refuses: set[str] = set()  # what it says no to: "login", "sub book"
        self.ignores: set[str] = set()
        self.sends_data = True
        self.closes_at_once: int | None = None
        self.answers_closing = True

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._tick()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        for peer in self.peers:
            peer.writer.transport.abort()
        await super().__aexit__(kind, error, trace)

    @property
    def url(self) -> str:
        return f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self.port}/stream"

    @property
    def peer(self) -> Peer:
        """The newest."""
        return self.peers[-1]

    def publish(self, count: int = 1) -> None:
        """Sends the next data to everybody, in one piece."""
        texts = [f"data {self._sent + n}" for n in range(1, count + 1)]
        self._sent += count
        for peer in self.peers:
            if peer.is_logged_in:
                peer.write(b"".join(wire_frame(TEXT, text.encode()) for text in texts))

    def _tick(self) -> None:
        if self.sends_data:
            self.publish()
        self._ticker = asyncio.get_running_loop().call_later(self._every, self._tick)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected_at.append(asyncio.get_running_loop().time())
        peer = Peer(reader, writer, len(self.peers) + 1)
        self.peers.append(peer)
        try:
            await self._converse(peer)
        finally:
            peer.ended.set()
            peer.is_mute = True

    async def _converse(self, peer: Peer) -> None:
        request = await read_request(peer.reader, peer.number)
        peer.target, peer.headers = request.target, request.headers
        if not self.answers_handshakes:
            await peer.reader.read()
            return
        if self.refusal is not None:
            status, headers = self.refusal
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            peer.write(f"HTTP/1.1 {status} No\r\n{lines}Content-Length: 0\r\n\r\n".encode())
            return
        digest = hashlib.sha1((request.headers["sec-websocket-key"] + _GUID).encode(), usedforsecurity=False)
        accept = base64.b64encode(digest.digest()).decode()
        lines = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
        peer.write(f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode())
        if self.closes_at_once is not None:
            peer.close(self.closes_at_once, "go away")
        while True:
            opcode, payload = await peer.read_frame()
            if opcode == CLOSE:
                peer.close_code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                if self.answers_closing:
                    peer.write(wire_frame(CLOSE, payload))
                    return
            elif opcode == PING:
                peer.pings += 1
                if self.answers_beats:
                    peer.write(wire_frame(PONG, payload))
            elif opcode == TEXT:
                self._answer(peer, payload.decode())

    def _answer(self, peer: Peer, text: str) -> None:
        peer.heard.append(text)
        name = text.split("#")[0].strip()
        if name in self.ignores:
            return
        if name in self.refuses:
            peer.say(f"no {name}")
        elif name.startswith("beat "):
            if self.answers_beats:
                peer.say(f"beaten {name[5:]}")
        elif name.startswith(("login", "sub ", "ask ")):
            if name == "login":
                peer.is_logged_in = True
            peer.say(f"ok {name}")
