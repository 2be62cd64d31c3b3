"""A tiny venue behind the real gate and server, and a client that sees every byte."""

from __future__ import annotations

import asyncio
import json
import os
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from venues.simulators.faults import Faults
from venues.simulators.frames import FrameSender
from venues.simulators.http_bytes import Answer
from venues.simulators.serving import Practice, serving_simulator

PATIENCE = 5.0  # seconds: only a failure waits that long
SILENCE = 0.15  # seconds in which nothing may come
PLACED = b'{"code":0,"data":{"id":4711,"status":"not_deal"},"message":"Ok"}'


class TinyVenue:
    """Keeps what it carried out, echoes what its streams hear."""

    venue = "tiny"
    api_key = "tiny-key"
    api_secret = "tiny-secret"

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.executed: list[str] = []
        self.bodies: list[bytes] = []
        self.senders: list[FrameSender] = []
        self.heard: list[str] = []
        self.open_streams = 0
        self.acted: list[dict[str, Any]] = []
        self.failure: Exception | None = None
        self.is_living = False

    def call_of(self, method: str, path: str) -> str:
        if path.startswith("/order"):
            return {"POST": "submit", "DELETE": "cancel"}.get(method, "query")
        return "read"

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/order", self._order, methods=["GET", "POST", "DELETE"]),
            Route("/chunked", self._chunked),
            Route("/fails", self._fail),
            WebSocketRoute("/", self._stream),
        ]

    async def run(self) -> None:
        self.is_living = True
        try:
            if self.failure is not None:
                raise self.failure
            await asyncio.Event().wait()
        finally:
            self.is_living = False

    def state(self) -> dict[str, Any]:
        return {"venue": self.venue, "orders": self.executed}

    def act(self, wish: dict[str, Any]) -> dict[str, Any]:
        if "do" not in wish:
            raise ValueError('a wish needs "do"')
        self.acted.append(wish)
        return {"done": wish["do"]}

    async def push(self, *texts: str, call: str = "stream") -> None:
        for text in texts:
            for sender in self.senders:
                await sender.send(text, call=call)

    async def _order(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        self.executed.append(request.method)
        return Response(PLACED, media_type="application/json")

    async def _chunked(self, _request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one,"
            yield b"two,"
            yield b"three"

        return StreamingResponse(pieces())

    async def _fail(self, _request: Request) -> Response:
        return Response(b"no", 418)

    async def _stream(self, websocket: WebSocket) -> None:
        await websocket.accept()
        sender = FrameSender(websocket, self.faults)
        self.senders.append(sender)
        self.open_streams += 1
        try:
            while True:
                text = await websocket.receive_text()
                self.heard.append(text)
                await sender.send(f"echo {text}", is_push=False)
        except WebSocketDisconnect:
            return
        finally:
            self.open_streams -= 1
            self.senders.remove(sender)


class Rig:
    """The venue as it is served."""

    def __init__(self, venue: TinyVenue, practice: Practice) -> None:
        self.venue = venue
        self.practice = practice
        self.faults = practice.faults
        self._clients: list[RawClient] = []

    async def connect(self) -> RawClient:
        client = RawClient(*await asyncio.open_connection("127.0.0.1", self.practice.port))
        self._clients.append(client)
        return client

    async def stream(self, **headers: str) -> RawClient:
        """Connects and shakes hands."""
        client = await self.connect()
        await client.shake_hands(**headers)
        return client

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Asks once on a connection of its own."""
        client = await self.connect()
        await client.request(method, path, body)
        answer = await client.answer(method)
        client.close()
        return answer

    async def control(self, method: str, path: str, body: object = None) -> Any:
        _, answer = await self.ask(method, f"/practice/{path}", b"" if body is None else json.dumps(body).encode())
        return json.loads(answer)

    def close(self) -> None:
        for client in self._clients:
            client.close()


class RawClient:
    """One connection; every read has a deadline."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def close(self) -> None:
        self.writer.transport.abort()

    async def request(self, method: str, path: str, body: bytes = b"", *more: str) -> None:
        head = "".join(f"{line}\r\n" for line in (f"{method} {path} HTTP/1.1", "Host: tiny", *more))
        length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
        await self.send(f"{head}{length}\r\n".encode() + body)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, method: str = "GET") -> tuple[int, bytes]:
        """Reads one whole answer."""
        answer = Answer(method, keeps=True)
        async with asyncio.timeout(PATIENCE):
            while not answer.is_complete:
                data = await self.reader.read(65536)
                if not data:
                    raise EOFError("closed in the middle of an answer")
                answer.feed(data)
        assert answer.head is not None
        self.head = answer.head
        return answer.head.status, bytes(answer.body)

    async def rest(self) -> bytes:
        """Reads until it is closed; raises ConnectionResetError for a reset."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def is_silent(self) -> bool:
        """Whether nothing comes for a while: no byte, no end."""
        try:
            async with asyncio.timeout(SILENCE):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False

    async def shake_hands(self, **headers: str) -> None:
        await self.ask_for_stream(**headers)
        async with asyncio.timeout(PATIENCE):
            self.handshake = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        assert self.handshake.startswith("HTTP/1.1 101 ")

    async def ask_for_stream(self, **headers: str) -> None:
        more = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.request(
            "GET", "/", b"", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *more,
        )  # fmt: skip

    async def say(self, text: str) -> None:
        """Sends a short text frame, masked as a client must."""
        data, mask = text.encode(), os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        await self.send(struct.pack("!BB", 0x81, 0x80 | len(data)) + mask + masked)

    async def frame(self) -> tuple[int, bytes]:
        """Reads a frame: its opcode and what is in it."""
        async with asyncio.timeout(PATIENCE):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 0xF, await self.reader.readexactly(size)

    async def hear(self) -> str:
        opcode, data = await self.frame()
        assert opcode == 1
        return data.decode()

    async def hears(self, count: int) -> list[str]:
        return [await self.hear() for _ in range(count)]


@asynccontextmanager
async def tiny_rig(faults: str = "", *, seed: int = 1, port: int = 0) -> AsyncIterator[Rig]:
    """Serves the tiny venue in the running loop."""
    venue = TinyVenue(Faults(faults, seed=seed))
    async with serving_simulator(venue, port=port) as practice:
        rig = Rig(venue, practice)
        try:
            yield rig
        finally:
            rig.close()


async def until(condition: Callable[[], object]) -> None:
    """Lets the loop run until `condition` holds."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if condition():
                return
            await asyncio.sleep(0)
