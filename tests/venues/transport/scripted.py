"""An exchange on a real socket that misbehaves in one chosen way, and keeps the truth of what it carried out."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from enum import StrEnum

import msgspec

from tests.venues.transport.loopback import LoopbackServer

ORDER_OK = b'{"code": 0, "id": "o-1"}'
BIG = 1 << 20


class Fault(StrEnum):
    """The kinds that need a server; the others (refused, no such name, ...) are made by the tests."""

    NONE = "none"
    RESET_UNREAD = "accepted, reset before reading"
    CLOSED_UNREAD = "accepted, closed before reading"
    RESET = "read, then reset"
    CLOSED = "read, then closed"
    KEEP_ALIVE_RESET = "keep-alive connection reset on reuse"
    HALF_HEADERS = "half the headers"
    HALF_BODY = "half the body"
    GARBAGE = "garbage instead of HTTP"
    SILENT = "executed, never answered"
    SILENT_UNDONE = "not executed, never answered"
    DRIP = "body dripped past the deadline"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    GATEWAY_TIMEOUT = "504"
    HTML = "200 with HTML"
    REDIRECT = "307 redirect"
    LATE = "a 4xx for an order that it books later"
    # Beyond the list.
    HUGE = "a body beyond the cap"
    HUGE_CHUNKED = "a body beyond the cap, of no stated length"
    GZIP = "compressed without being asked"
    FIXED = "the answer that the test set"


class Received(msgspec.Struct, frozen=True):
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


class ScriptedVenue(LoopbackServer):
    """Carries out every POST, DELETE and GET by its `id`, then answers as its fault says."""

    def __init__(self, fault: Fault = Fault.NONE, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.fault = fault
        self.executed: list[str] = []
        self.received: list[Received] = []
        self.connections = 0
        self.answer = (200, {}, ORDER_OK)  # what FIXED says: status, headers, body
        self.release = asyncio.Event()  # lets those that are silent go
        self.arrived = asyncio.Event()
        self._later: list[str] = []

    answer: tuple[int, dict[str, str], bytes]

    def settle(self) -> None:
        """The later that has come: what was refused is booked after all."""
        self.executed += self._later
        self._later.clear()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        if self.fault is Fault.RESET_UNREAD:
            reset(writer)
        elif self.fault is not Fault.CLOSED_UNREAD:
            while await self._one(reader, writer, number):
                pass

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        request = await read_request(reader, number)
        self.received.append(request)
        self.arrived.set()
        # A public read that warms the connection is always answered well, whatever is wrong with the rest.
        if request.target.startswith("/time"):
            return await say(writer, 200, {}, b'{"time": 1}')
        done = request.target + request.body.decode()
        if self.fault is Fault.LATE:
            self._later.append(done)
        elif self.fault not in (Fault.SILENT_UNDONE, Fault.REDIRECT):
            self.executed.append(done)
        return await self._misbehave(writer)

    async def _misbehave(self, writer: asyncio.StreamWriter) -> bool:
        html = b"<html><body>upstream</body></html>"
        match self.fault:
            case Fault.NONE:
                return await say(writer, 200, {}, ORDER_OK)
            case Fault.FIXED:
                return await say(writer, *self.answer)
            case Fault.RESET | Fault.KEEP_ALIVE_RESET:
                reset(writer)
                return False
            case Fault.HALF_HEADERS:
                return await send(writer, b"HTTP/1.1 200 OK\r\nContent-Ty")
            case Fault.HALF_BODY:
                return await send(writer, head(200, {}, len(ORDER_OK)) + ORDER_OK[:9])
            case Fault.GARBAGE:
                return await send(writer, b"\x00\xff\x16 no such protocol \r\n\r\n")
            case Fault.SILENT | Fault.SILENT_UNDONE:
                await self.release.wait()
                return False
            case Fault.DRIP:
                return await self._drip(writer)
            case Fault.BAD_GATEWAY | Fault.UNAVAILABLE | Fault.GATEWAY_TIMEOUT:
                return await say(writer, int(self.fault.value), {"Content-Type": "text/html"}, html)
            case Fault.HTML:
                return await say(writer, 200, {"Content-Type": "text/html"}, html)
            case Fault.REDIRECT:
                return await say(writer, 307, {"Location": f"{self.origin}/elsewhere"}, b"")
            case Fault.LATE:
                return await say(writer, 400, {}, b'{"code": 9999, "message": "Order request timed out"}')
            case Fault.HUGE:
                return await send(writer, head(200, {}, BIG) + b" " * BIG)
            case Fault.HUGE_CHUNKED:
                chunks = head(200, {"Transfer-Encoding": "chunked"}, None)
                return await send(writer, chunks + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 16)
            case Fault.GZIP:
                return await say(writer, 200, {"Content-Encoding": "gzip"}, ORDER_OK)
            case _:
                return False

    async def _drip(self, writer: asyncio.StreamWriter) -> bool:
        """Sends a byte every 20 ms for ever: no single read is ever late."""
        await send(writer, head(200, {}, BIG))
        while not self.release.is_set():
            await send(writer, b" ")
            await asyncio.wait({asyncio.ensure_future(self.release.wait())}, timeout=0.02)
        return False


async def read_request(reader: asyncio.StreamReader, number: int) -> Received:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = text.split("\r\n")
    method, target, _ = first.split(" ")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if ":" in line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body, number)


def head(status: int, headers: dict[str, str], length: int | None) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def send(writer: asyncio.StreamWriter, data: bytes) -> bool:
    writer.write(data)
    await writer.drain()
    return False


async def say(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> bool:
    await send(writer, head(status, headers, len(body)) + body)
    return True


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with RST instead of FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def said(body: bytes) -> object:
    return json.loads(body)
