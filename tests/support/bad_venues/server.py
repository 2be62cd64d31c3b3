"""A bad venue as a program of its own, so that it outlives the desks that are killed.

    python -m tests.support.bad_venues.server '{"kind": "by_id", "fault_rate": 0.25}'

It prints its port and its control port, and ends when its standard input does. The control port never misbehaves:
GET /truth, POST /faults {"rate": 0.25, "seed": 7}.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.support.bad_venues.exchange import Exchange, Refused
from tests.support.bad_venues.faults import Fault, Faults
from tests.support.bad_venues.rules import (
    SYMBOL,
    Code,
    Create,
    Lane,
    OrderState,
    Page,
    Rules,
    signature,
)
from tests.venues.transport.scripted import Received, head, read_request, reset, say, send

_HTML = b"<html><body>upstream</body></html>"
_WRONG = (400, b'{"code": "busy", "message": "Order request timed out"}')  # a code that is not documented
_POLL = 0.25  # seconds that a page of events is waited for
_REPEATED = 3  # events of before that come again with a duplicate
_COMMANDS = frozenset({("POST", "/order"), ("DELETE", "/order"), ("DELETE", "/orders")})

Reply = tuple[int, bytes]


class BadServer:
    """Answers on two ports. Each request's nonce and signature are checked when it has been read."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.faults = Faults(rules.fault_rate, random.Random(rules.seed))
        self.requests = 0
        self._offset = round(rules.clock_offset * 1e9)
        self._nonces: dict[Lane, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self.exchange = Exchange(rules, random.Random(rules.seed + 1), self.now, self._later)
        self.exchange.woken = self._wake

    def now(self) -> int:
        return time.time_ns() + self._offset

    async def run(self) -> None:
        """Serves until standard input ends."""
        venue = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        control = await asyncio.start_server(self._accept_control, "127.0.0.1", 0)
        ports = [server.sockets[0].getsockname()[1] for server in (venue, control)]
        sys.stdout.write(" ".join(map(str, ports)) + "\n")
        sys.stdout.flush()
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer
        )
        await reader.read()
        for server in (venue, control):
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, work)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._converse(reader, writer, self._one)

    async def _accept_control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._converse(reader, writer, self._one_control)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, one: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the stream's own callback would log a cancelled task as a failure
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _one_control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await read_request(reader, 0)
        if request.target == "/truth":
            truth = self.exchange.truth(dict(self.faults.drawn), self.requests)
            return await say(writer, 200, {}, msgspec.json.encode(truth))
        wanted = msgspec.json.decode(request.body, type=dict[str, float])
        self.faults = Faults(wanted["rate"], random.Random(int(wanted.get("seed", 1))))
        return await say(writer, 200, {}, b"{}")

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await read_request(reader, 0)
        url = urlsplit(request.target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        is_command = (request.method, url.path) in _COMMANDS
        fault = self.faults.draw(is_command=is_command)
        create = None
        if (request.method, url.path) == ("POST", "/order"):
            create = msgspec.json.decode(request.body, type=Create)
            self.exchange.arrive(create)
        if fault is Fault.RESET_UNREAD:
            reset(writer)
            return False
        self.requests += 1
        try:
            nonce = 0 if url.path in ("/time", "/market") else self._check(request)
        except Refused as refusal:
            self.exchange.violations.append(f"{refusal.code.value}: {request.method} {url.path}")
            return await say(writer, *_with_headers(_refusal(refusal)))
        if is_command:
            return await self._command(request, query, create, nonce, fault, reader, writer)
        reply = await self._read(url.path, query)
        return await self._answer(reply, fault, reader, writer)

    def _check(self, request: Received) -> int:
        """Returns the nonce. Raises Refused."""
        try:
            lane = Lane(request.headers["x-key"])
            nonce = int(request.headers["x-nonce"])
        except (KeyError, ValueError):
            raise Refused(Code.BAD_SIGNATURE) from None
        if request.headers.get("x-signature") != signature(
            lane, request.method, request.target, nonce, request.body
        ):
            raise Refused(Code.BAD_SIGNATURE)
        if nonce <= self._nonces.get(lane, 0):
            raise Refused(Code.BAD_NONCE)
        self._nonces[lane] = nonce
        return nonce

    async def _command(
        self,
        request: Received,
        query: dict[str, str],
        create: Create | None,
        nonce: int,
        fault: Fault,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        done: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.exchange.pending += 1

        def carry_out() -> None:
            self.exchange.pending -= 1
            try:
                reply = (200, msgspec.json.encode(self._execute(request, query, create, nonce)))
            except Refused as refusal:
                reply = _refusal(refusal)
            done.set_result(reply)

        # Booked whatever becomes of the connection, and of the desk.
        self._later(self.faults.delay(fault, self.rules.most_delay), carry_out)
        if fault in (Fault.NONE, Fault.LATE, Fault.HALF, Fault.DRIP):
            return await self._answer(await done, fault, reader, writer)
        return await self._answer(
            (400, b'{"code": "busy", "message": "Order request timed out"}'), fault, reader, writer
        )

    def _execute(
        self, request: Received, query: dict[str, str], create: Create | None, nonce: int
    ) -> OrderState | list[OrderState]:
        """Raises Refused."""
        if create is not None:
            return self.exchange.book(create, nonce)
        if urlsplit(request.target).path == "/orders":
            return self.exchange.cancel_all(query.get("side", ""), nonce)
        return self.exchange.cancel(query.get("id", ""), query.get("client_id", ""), nonce)

    async def _read(self, path: str, query: dict[str, str]) -> Reply:
        exchange = self.exchange
        exchange.refresh()
        found: object
        try:
            match path:
                case "/time":
                    found = {"time": self.now()}
                case "/market":
                    found = {"symbol": SYMBOL, "bid": "59990", "ask": "60010", "time": self.now()}
                case "/order":
                    found = exchange.find(query.get("id", ""), query.get("client_id", ""))
                case "/orders/open":
                    found = exchange.resting()
                case "/orders/history":
                    found = exchange.history(int(query["before"]), int(query["limit"]))
                case "/fills":
                    found = exchange.fills(int(query["since"]))
                case "/balances":
                    found = [{"currency": "USDT", "total": "1000000"}, {"currency": "BTC", "total": "1000"}]
                case "/events":
                    found = await self._page(int(query["after"]))
                case _:
                    return 404, b'{"code": "no_such_path"}'
        except Refused as refusal:
            return _refusal(refusal)
        return 200, msgspec.json.encode(found)

    async def _page(self, after: int) -> Page:
        events = self.exchange.events
        if after < 0:
            return Page(len(events))
        if len(events) <= after:
            waiting = asyncio.ensure_future(self._news.wait())
            await asyncio.wait({waiting}, timeout=_POLL)
            waiting.cancel()
        before = events[max(0, after - _REPEATED) : after]
        return Page(len(events), self.faults.deliver(events[after:], before))

    async def _answer(
        self, reply: Reply, fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        status, body = reply
        match fault:
            case Fault.SILENT:
                await reader.read()  # until the client gives up
                return False
            case Fault.RESET:
                reset(writer)
                return False
            case Fault.HTML:
                return await say(writer, 200, {"Content-Type": "text/html"}, _HTML)
            case Fault.BAD_GATEWAY:
                return await say(writer, 502, {"Content-Type": "text/html"}, _HTML)
            case Fault.HALF:
                return await send(writer, head(status, {}, len(body)) + body[: len(body) // 2])
            case Fault.DRIP:
                return await self._drip(reply, reader, writer)
            case _:
                return await say(writer, *_with_headers(reply))

    async def _drip(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Sends a byte every 20 ms: no single read is ever late."""
        status, body = reply
        await send(writer, head(status, {}, len(body)))
        gone = asyncio.ensure_future(reader.read())
        try:
            for index in range(len(body)):
                await send(writer, body[index : index + 1])
                await asyncio.wait({gone}, timeout=0.02)
                if gone.done():
                    return False
        finally:
            gone.cancel()
        return False


def _refusal(refusal: Refused) -> Reply:
    status = 404 if refusal.code is Code.NOT_FOUND else 400
    return status, msgspec.json.encode({"code": refusal.code.value, "message": "as documented"})


def _with_headers(reply: Reply) -> tuple[int, dict[str, str], bytes]:
    return reply[0], {}, reply[1]


def main() -> None:
    asyncio.run(BadServer(msgspec.json.decode(sys.argv[1], type=Rules)).run())


if __name__ == "__main__":
    main()
