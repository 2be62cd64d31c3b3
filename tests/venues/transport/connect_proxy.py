"""A proxy on a real socket that tunnels by CONNECT, and notes what it was asked for and what it could read."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from types import TracebackType


class ConnectProxy:
    """Lets everybody through to 127.0.0.1, or refuses with `refusal`, a status and its words."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.asked: list[str] = []  # the first line of each request
        self.heads = b""  # everything that was said to the proxy itself
        self.read = b""  # what passed through towards the venue
        self.refusal = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> ConnectProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
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
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the stream's own callback would log a cancelled task as a failure
        finally:
            writer.close()
            if onward is not None:
                onward.close()
            self._tasks.discard(task)

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
