"""Frames on their way to one client, and what can be done wrong to a whole frame."""

from __future__ import annotations

import struct
from collections import deque

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from venues.simulators.faults import Faults
from venues.simulators.gate_connection import CONNECTION, Connection

_TEXT, _BINARY = 0x81, 0x82  # opcodes of frames that are whole
_KEPT = 1.0  # seconds after which a push that waits for the next one goes without it
_CODES = {
    "1001": "going away",
    "1008": "policy violation",
    "1011": "internal error",
    "1012": "service restart",
    "1013": "try again later",
    "1006": "",
}
# Decided in this order: the first that is switched on, meant for the call and drawn is done.
_KINDS = (
    "close-codes", "drop", "huge-frame", "binary", "bad-utf8", "deep-json", "duplicate", "reorder", "delay",
)  # fmt: skip


class BinaryFrame(bytes):
    """What is sent as a binary frame: of a venue that does not send texts only."""

    __slots__ = ()


def _opcode(data: bytes) -> int:
    return _BINARY if isinstance(data, BinaryFrame) else _TEXT


def encode_frame(opcode: int, data: bytes) -> bytes:
    """Returns a frame as a server sends it, unmasked and not compressed."""
    size = len(data)
    if size < 126:
        return struct.pack("!BB", opcode, size) + data
    if size < 65536:
        return struct.pack("!BBH", opcode, 126, size) + data
    return struct.pack("!BBQ", opcode, 127, size) + data


class FrameSender:
    """What a venue's socket sends every frame through, in order. One for each connection, after its handshake.

    Frames go past the server's protocol straight to the connection, so that they can be what no server would send;
    only a client that asked for compression gets untouched ones through the protocol.
    """

    def __init__(self, websocket: WebSocket, faults: Faults) -> None:
        self._websocket = websocket
        self._faults = faults
        self._connection: Connection | None = websocket.scope.get("state", {}).get(CONNECTION)
        self._kept: bytes | None = None  # a push that comes after the next one
        self._late: deque[tuple[float, bytes]] = deque()  # when each is due, in the loop's time

    @property
    def is_closed(self) -> bool:
        """Nothing that is sent can arrive any more."""
        is_closing = self._connection is not None and self._connection.is_closing
        return is_closing or self._websocket.application_state is not WebSocketState.CONNECTED

    async def send(self, text: str | bytes, *, call: str = "stream", is_push: bool = True) -> None:
        """Sends one text frame (bytes are UTF-8); waits while the client does not read.

        `call` is "market" or "account" where that is known, so that a fault can be for one of them. Answers
        (`is_push` False) are never touched. Returns without a word once the connection has ended: whoever reads
        from the socket learns of it there.
        """
        data = text.encode() if isinstance(text, str) else text
        if self.is_closed:
            return
        connection = self._connection
        is_plain = self._faults.is_quiet and self._kept is None and not self._late
        if connection is None or (connection.is_compressed and (is_plain or not is_push)):
            await self._send_by_protocol(data)
            return
        if is_plain or not is_push:
            connection.write(encode_frame(_opcode(data), data))
        else:
            await self._spoil(connection, data, call)
        if connection.is_congested:
            await connection.drain()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes with a code; fine when it is closed already."""
        if not self.is_closed:
            await self._websocket.close(code, reason)

    async def _send_by_protocol(self, data: bytes) -> None:
        try:
            if isinstance(data, BinaryFrame):
                await self._websocket.send_bytes(data)
            else:
                await self._websocket.send_text(data.decode())
        except WebSocketDisconnect:
            return  # whoever reads is told as well

    async def _spoil(self, connection: Connection, data: bytes, call: str) -> None:
        kind = next((kind for kind in _KINDS if self._faults.on(kind, call)), "")
        match kind:
            case "drop":
                return
            case "close-codes":
                await self._close_by(connection, self._faults.value(kind, call))
                return
            case "huge-frame":
                frame = encode_frame(_TEXT, data.ljust(int(self._faults.number(kind, call))))
            case "binary":
                frame = encode_frame(_BINARY, data)
            case "bad-utf8":
                half = len(data) // 2
                frame = encode_frame(_TEXT, data[:half] + b"\xff\xfe" + data[half:])
            case "deep-json":
                depth = int(self._faults.number(kind, call))
                frame = encode_frame(_TEXT, b"[" * depth + b"]" * depth)
            case "duplicate":
                frame = encode_frame(_opcode(data), data) * 2
            case _:
                frame = encode_frame(_opcode(data), data)
        if kind == "reorder" and self._kept is None:
            self._kept = frame
            connection.loop.call_later(_KEPT, self._give_kept, connection, frame)
        elif kind == "delay" or self._late:
            self._put_off(connection, frame, self._faults.number("delay", call) if kind == "delay" else 0.0)
        else:
            connection.write(frame)
            self._give_kept(connection, self._kept)

    async def _close_by(self, connection: Connection, code: str) -> None:
        code = code or tuple(_CODES)[self._faults.done("close-codes") % len(_CODES)]
        if code == "1006":
            connection.close()
        else:
            await self._websocket.close(int(code), _CODES[code])

    def _give_kept(self, connection: Connection, frame: bytes | None) -> None:
        if frame is not None and frame is self._kept:
            self._kept = None
            connection.write(frame)

    def _put_off(self, connection: Connection, frame: bytes, seconds: float) -> None:
        """Sends it later, and never before what was put off earlier."""
        due = connection.loop.time() + seconds
        if self._late:
            self._late.append((max(due, self._late[-1][0]), frame))
        else:
            self._late.append((due, frame))
            connection.loop.call_at(due, self._give_late, connection)

    def _give_late(self, connection: Connection) -> None:
        now = connection.loop.time()
        while self._late and self._late[0][0] <= now:
            connection.write(self._late.popleft()[1])
        if self._late:
            connection.loop.call_at(self._late[0][0], self._give_late, connection)
