"""Requests on their way through the gate, one at a time, and what can go wrong with each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from venues.simulators.dripping import Drip
from venues.simulators.gate_connection import Connection, Open
from venues.simulators.http_bytes import Answer, Body, Head, parse_head, request_body

PRACTICE = "/practice"  # the control API: never touched
_MOST_WAITING = 1 << 20  # bytes that a client may send before its last request is answered

# Decided in this order: the first that is switched on, meant for the call and drawn is done.
_AT_ONCE = ("black-hole", "reset-before", "closed-before")
_WHOLE = (
    "reset-after", "closed-after", "never-executed", "lost-reply", "502", "503", "504", "html-200", "redirect",
    "half-headers", "half-body", "garbage",
)  # fmt: skip
_SLOW = ("drip", "delay")  # of answers; streams have their own
_REASONS = {"502": "Bad Gateway", "503": "Service Unavailable", "504": "Gateway Time-out"}
_BAD_BODY = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_GARBAGE = bytes((number * 73 + 11) % 256 for number in range(512))

_Step = Literal["request", "answer", "slow"]


class _Exchange:
    """One request and its answer. `kind` is what is done wrong, empty for nothing, with its value."""

    def __init__(self, head: Head, kind: str, value: str) -> None:
        self.head = head
        self.kind = kind
        self.value = value  # as it was when the request came
        self.executes = kind != "never-executed" and value != "unexecuted"
        self.left_of_head = head.size
        self.body: Body = request_body(head)
        self.answer = Answer(head.method, keeps=bool(kind))
        self.step: _Step = "request"


class Requests:
    """The mode of a connection that speaks HTTP. `counted` hears of each that is not for the control API."""

    def __init__(
        self, connection: Connection, call_of: Callable[[str, str], str], counted: Callable[[], None],
        become_stream: Callable[[Connection, bytes], None],
    ) -> None:  # fmt: skip
        self._connection = connection
        self._faults = connection.faults
        self._call_of = call_of
        self._counted = counted
        self._become_stream = become_stream
        self._waiting = bytearray()
        self._exchange: _Exchange | None = None
        self._requests = 0
        self._drip: Drip | None = None
        self._must_close = False

    def from_client(self, data: bytes, /) -> None:
        self._waiting += data
        self._advance()
        if len(self._waiting) > _MOST_WAITING:
            self._connection.pause_reading("gate")

    def from_server(self, data: bytes, /) -> None:
        exchange = self._exchange
        if exchange is None:
            self._connection.transport.write(data)
            return
        exchange.answer.feed(data)
        if not exchange.kind:
            self._connection.transport.write(data)
        if exchange.answer.is_complete and exchange.step != "slow":
            self._answered(exchange)

    def server_closed(self) -> None:
        exchange = self._exchange
        if exchange is None or not exchange.kind:
            self._connection.close()
            return
        self._must_close = True
        if exchange.step != "slow":
            exchange.answer.end()
            self._answered(exchange)

    def review(self) -> None:
        if self._drip is not None and not self._faults.is_on("drip"):
            self._drip.flush()

    def ended(self) -> None:
        if self._drip is not None:
            self._drip.stop()

    def _advance(self) -> None:
        """Goes on with what the client has sent, as far as it goes."""
        while self._waiting and self._connection.mode is self:
            try:
                if self._exchange is None and not self._begin():
                    return
                if not self._forward():
                    return
            except ValueError:
                if self._exchange is None:
                    self._pass_through()
                else:
                    self._say_part(_BAD_BODY)  # the server has begun with it, and would answer it twice
                return
        if len(self._waiting) < _MOST_WAITING:
            self._connection.resume_reading("gate")

    def _pass_through(self) -> None:
        """Leaves what is not HTTP to the server: it knows what to say."""
        connection = self._connection
        connection.mode = Open(connection)
        connection.server.data_received(bytes(self._waiting))

    def _begin(self) -> bool:
        """Reads the next head and decides what becomes of its request; False where there is no more to do."""
        head = parse_head(self._waiting)
        if head is None:
            return False
        connection = self._connection
        self._requests += 1
        connection.is_practice = head.path == PRACTICE or head.path.startswith(f"{PRACTICE}/")
        kind, call = "", "read"
        if not connection.is_practice:
            self._counted()
            call = "stream" if head.asks_for_websocket else self._call_of(head.method, head.path)
            kind = self._choose(call)
        if kind in _AT_ONCE:
            self._break_at_once(kind)
            return False
        self._exchange = _Exchange(head, kind, self._faults.value(kind, call) if kind else "")
        return True

    def _choose(self, call: str) -> str:
        faults = self._faults
        if faults.is_quiet:
            return ""
        kept = ("keep-alive-reset",) if self._requests > 1 else ()
        slow = () if call == "stream" else _SLOW
        return next((kind for kind in (*_AT_ONCE, *kept, *_WHOLE, *slow) if faults.on(kind, call)), "")

    def _break_at_once(self, kind: str) -> None:
        if kind == "black-hole":
            self._connection.fall_into_hole()
        elif kind == "reset-before":
            self._connection.reset()
        else:
            self._connection.close()

    def _forward(self) -> bool:
        """Hands the server what has come of the request; True where it is done with and the next may begin."""
        exchange = self._exchange
        if exchange is None or exchange.step != "request":
            return False
        size = min(exchange.left_of_head, len(self._waiting))
        exchange.left_of_head -= size
        size += exchange.body.take(self._waiting[size:])
        piece = bytes(self._waiting[:size])
        del self._waiting[:size]
        if exchange.body.is_done:
            exchange.step = "answer"
        if exchange.executes:
            self._connection.server.data_received(piece)
            return False
        if not exchange.body.is_done:
            return False
        self._spoil(exchange)
        return self._exchange is None

    def _answered(self, exchange: _Exchange) -> None:
        """The server's answer is whole."""
        head = exchange.answer.head
        if not exchange.kind:
            if head is not None and head.status == 101:
                self._connection.is_compressed = "sec-websocket-extensions" in head.headers
                self._become_stream(self._connection, bytes(self._waiting))
                return
            self._finish()
        else:
            self._spoil(exchange)

    def _finish(self) -> None:
        """Makes room for the next request: not at once, since the server is still writing."""
        self._exchange = None
        connection = self._connection
        if self._must_close:
            connection.close()
        else:
            connection.loop.call_soon(self._advance)

    def _spoil(self, exchange: _Exchange) -> None:
        """Does to the answer what was drawn; an answer there is only where it was executed."""
        connection, answer = self._connection, exchange.answer
        match exchange.kind:
            case "502" | "503" | "504":
                self._say_page(f"{exchange.kind} {_REASONS[exchange.kind]}")
            case "html-200":
                self._say_page("200 OK")
            case "redirect":
                host = exchange.head.headers.get("host", "127.0.0.1")
                place = f"http://{host}/elsewhere{exchange.head.start[1]}"
                self._say_page("307 Temporary Redirect", f"Location: {place}\r\n")
            case "drip" | "delay":
                self._say_slowly(exchange)
            case "half-headers":
                self._say_part(answer.head_bytes[: len(answer.head_bytes) // 2])
            case "half-body":
                self._say_part(answer.head_bytes + bytes(answer.body[: len(answer.body) // 2]))
            case "garbage":
                self._say_part(_GARBAGE)
            case "never-executed":
                connection.fall_silent()
            case "reset-after" | "keep-alive-reset":
                connection.reset()
            case "lost-reply" if exchange.value == "hang":
                connection.fall_silent()
            case "lost-reply" if exchange.value == "reset":
                connection.reset()
            case _:
                connection.close()

    def _say_page(self, status: str, more: str = "") -> None:
        page = (
            f"<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>\n"
        )
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\n{more}Content-Length: {len(page)}\r\n\r\n"
        self._connection.transport.write((head + page).encode())
        self._finish()

    def _say_part(self, part: bytes) -> None:
        self._connection.transport.write(part)
        self._connection.close()

    def _say_slowly(self, exchange: _Exchange) -> None:
        exchange.step = "slow"
        connection, answer = self._connection, exchange.answer
        if exchange.kind == "delay":
            whole = answer.head_bytes + bytes(answer.body)
            connection.loop.call_later(float(exchange.value), self._say_late, whole)
            return
        connection.transport.write(answer.head_bytes)
        self._drip = Drip(connection.transport.write, float(exchange.value), self._dripped)
        if answer.body:
            self._drip.write(bytes(answer.body))
        else:
            self._dripped()

    def _say_late(self, whole: bytes) -> None:
        if not self._connection.transport.is_closing():
            self._connection.transport.write(whole)
            self._finish()

    def _dripped(self) -> None:
        self._drip = None
        self._finish()
