"""A proxy on a real socket that tunnels by CONNECT, and notes what it was asked for and what it could read."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from tests.venues.transport.loopback import LoopbackServer


class ConnectProxy(LoopbackServer):
    """Lets everybody through to 127.0.0.1, or refuses with `refusal`, a status and its words."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.asked: list[str] = []  # the first line of each request
        self.heads = b""  # everything that was said to the proxy itself
        self.read = b""  # what passed through towards the venue
        self.refusal = ""

    @property
    def url(self) -> str:
        return self.origin

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward: asyncio.StreamWriter | None = None
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads += head
            line = head.split(b"\r\n")[0].decode()
            self.asked.append(line)
            method, target, _ = line.split()
            if self.refusal or method != "CONNECT":
                writer.write(f"HTTP/1.1 {self.refusal or '400 Bad'}\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
                return
            port = int(target.rpartition(":")[2])
            answers, onward = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(self._pass(reader, onward, is_ours=True), self._pass(answers, writer))
        finally:
            if onward is not None:
                onward.close()

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_ours: bool = False
    ) -> None:
        while data := await source.read(65536):
            if is_ours:
                self.read += data
            sink.write(data)
            await sink.drain()
        with contextlib.suppress(OSError):
            sink.close()
