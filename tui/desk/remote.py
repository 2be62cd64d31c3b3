"""The desk's side of the control socket: other commands of the same user ask, on the engine's own loop.

No request holds that loop up: each has a size, a time to arrive, a time to be worked on and a time to be read.
What acts on the market goes on to its end when whoever asked is gone, and is not begun when he gave up before.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from tui.desk.frame import PanicReceipt
from tui.desk.inert import sanitise
from tui.desk.instance import InstanceLock
from tui.desk.remote_commands import RemoteCommands, RemoteDesk
from tui.desk.remote_messages import (
    LONGEST_REQUEST,
    Done,
    Failed,
    Heard,
    Message,
    NotUnderstood,
    Receipt,
    Request,
    Working,
    encode,
    parse_request,
    peer_uid,
)
from tui.desk.remote_rows import desk_line, order_lines, position_lines, unread_lines, venue_lines
from tui.desk.remote_socket import ControlSocket, SocketError
from tui.desk.tasks import cancelled
from venues.errors import VenueError
from venues.transport.clock import boottime_ns

logger = logging.getLogger(__name__)
T = TypeVar("T")

MOST_CLIENTS = 64
REQUEST_SECONDS = 2.0  # for the request's line to arrive
WORK_SECONDS = 15.0  # for an answer; panic has more
PANIC_SECONDS = 60.0
WRITE_SECONDS = 5.0  # for a client to read what it asked for
BEAT_SECONDS = 0.5  # between two signs of life
_LAST_SECONDS = 1.0
_LONGEST_LIFE = 60_000_000_000  # nanoseconds that a request may wait to be begun
_ROWS_AT_ONCE = 100  # 0.5 ms on the loop
_BUSY = Failed(text="the desk has too many requests", remedy="try again in a moment", is_busy=True)


class RemoteControl:
    """Answers requests about `desk` through `state_dir`; only the holder of its `lock` may.

    `clock` returns nanoseconds since boot, `wall` nanoseconds UTC. It belongs to one loop, the desk's.
    """

    def __init__(
        self,
        desk: RemoteDesk,
        state_dir: Path,
        lock: InstanceLock,
        *,
        clock: Callable[[], int] = boottime_ns,
        wall: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        uid_of: Callable[[socket.socket], int | None] = peer_uid,
        most_clients: int = MOST_CLIENTS,
        request_seconds: float = REQUEST_SECONDS,
        work_seconds: float = WORK_SECONDS,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        self._desk = desk
        self._commands = RemoteCommands(desk, wall, sleep)
        self._state_dir = state_dir
        self._lock = lock
        self._clock = clock
        self._sleep = sleep
        self._uid_of = uid_of
        self._most_clients = most_clients
        self._request_seconds = request_seconds
        self._work_seconds = work_seconds
        self._write_seconds = write_seconds
        self._control: ControlSocket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._clients: dict[asyncio.Task[None], bool] = {}  # oldest first; whether it has asked yet
        self._acting: set[asyncio.Task[Any]] = set()
        self._panicking: asyncio.Task[PanicReceipt] | None = None

    async def start(self) -> None:
        """Begins to answer.

        Raises:
            SocketError: nobody will be able to reach this desk; it can trade all the same.
        """
        if not self._lock.is_held:
            raise SocketError("another desk holds the profile: commands reach that one")
        self._control = ControlSocket(self._state_dir)
        self._accepting = asyncio.create_task(self._accept(self._control.socket), name="remote control")

    async def aclose(self) -> None:
        """Stops answering, and waits a second at most for what acts on the market. Again is no error."""
        if self._accepting is not None:
            await cancelled({self._accepting})
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._acting:
            await asyncio.wait(self._acting, timeout=_LAST_SECONDS)
        await cancelled({*self._clients, *self._acting})

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError as error:  # out of descriptors, for one: what waits is taken later
                logger.warning("a request could not be taken: %s", error)
                await self._sleep(0.1)
                continue
            uid = self._uid_of(connection)
            if uid is not None and uid != os.getuid():
                logger.warning("a request of user %d was refused", uid)
                connection.close()
            elif not self._make_room():
                _say_at_once(connection, _BUSY)
            else:
                task = asyncio.create_task(self._serve(connection))
                self._clients[task] = False
                task.add_done_callback(self._forget)
                task.add_done_callback(partial(_close, connection))  # one that was ended before it ran

    def _make_room(self) -> bool:
        """Says whether one more is taken. Whoever connected and asked nothing goes first: panic must get in."""
        if len(self._clients) < self._most_clients:
            return True
        idle = next((task for task, has_asked in self._clients.items() if not has_asked), None)
        if idle is None:
            return False
        del self._clients[idle]
        idle.cancel()
        return True

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._clients.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a request broke", exc_info=error)

    async def _serve(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LONGEST_REQUEST)
        is_closed = False
        try:
            await self._converse(reader, writer)
            writer.close()
            async with asyncio.timeout(self._write_seconds):
                await writer.wait_closed()
            is_closed = True
        except (OSError, TimeoutError) as error:
            logger.info("a request was left: %s", str(error) or type(error).__name__)
        finally:
            if not is_closed:
                writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self._request_seconds):
                line = await reader.readline()
            if not line.endswith(b"\n"):
                raise NotUnderstood("the line has no end")
            request = parse_request(line)
            if request.deadline - self._clock() > _LONGEST_LIFE:
                raise NotUnderstood("its deadline is too far away")
        except TimeoutError:
            remedy = "send one line of JSON at once"
            await self._say(
                writer, Failed(text=f"no request came within {self._request_seconds:g} s", remedy=remedy)
            )
            return
        except ValueError as error:  # too long a line, or NotUnderstood
            remedy = "ask with the pitside that the desk was started with"
            await self._say(writer, Failed(text=f"this is no request: {sanitise(str(error), 120)}", remedy=remedy))
            return
        task = asyncio.current_task()
        if task in self._clients:
            self._clients[task] = True
        if self._clock() > request.deadline:
            remedy = "ask again: nothing was done"
            await self._say(writer, Failed(text="the request came too late and was dropped", remedy=remedy))
            return
        await self._say(writer, Heard(pid=os.getpid()))
        await self._carry_out(request, writer)

    async def _carry_out(self, request: Request, writer: asyncio.StreamWriter) -> None:
        store = self._desk.store
        match request.verb:
            case "status":
                await self._say_all(writer, iter((desk_line(store), *venue_lines(store))))
            case "orders":
                await self._say_all(writer, chain(order_lines(store), unread_lines(store)))
            case "positions":
                await self._say_all(writer, chain(position_lines(store), unread_lines(store)))
            case "panic":
                await self._tell(self._panic(), PANIC_SECONDS, writer, lambda done: Receipt(receipt=done))
            case _:
                work = self._begin(self._decide(request))
                await self._tell(work, self._work_seconds, writer, lambda decided: decided)

    async def _decide(self, request: Request) -> Message:
        if request.verb == "cancel":
            return await self._commands.run(f"cancel {request.argument}", request.is_sure)
        if request.verb == "cancel-all":
            return await self._commands.cancel_all(request.argument.split())
        return await self._commands.run(request.argument, request.is_sure)

    def _panic(self) -> asyncio.Task[PanicReceipt]:
        """Begins a panic; who asks while one runs gets the receipt of that one."""
        if self._panicking is None or self._panicking.done():
            self._panicking = self._begin(self._desk.panic())
        return self._panicking

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)
        task.add_done_callback(_note_fault)
        return task

    async def _tell(
        self,
        work: asyncio.Task[T],
        seconds: float,
        writer: asyncio.StreamWriter,
        message_of: Callable[[T], Message],
    ) -> None:
        """Gives signs of life until the work is done, then its result. The work itself is never cut short."""
        end = self._clock() + int(seconds * 1e9)
        while not work.done():
            await asyncio.wait({work}, timeout=BEAT_SECONDS)
            if not work.done():
                if self._clock() > end:
                    text, remedy = f"no result within {seconds:g} s; it goes on", "look at pitside orders"
                    await self._say(writer, Failed(text=text, remedy=remedy))
                    return
                await self._say(writer, Working())
        error = None if work.cancelled() else work.exception()
        if work.cancelled() or error is not None:
            text = sanitise(str(error)) if isinstance(error, VenueError) else "the desk broke on it, see its log"
            await self._say(writer, Failed(text=text, remedy="look at pitside orders and at the venue"))
            return
        await self._say(writer, message_of(work.result()))
        await self._say(writer, Done())

    async def _say_all(self, writer: asyncio.StreamWriter, messages: Iterator[Message]) -> None:
        for number, message in enumerate(messages, 1):
            await self._say(writer, message)
            if number % _ROWS_AT_ONCE == 0:
                await self._sleep(0)
        await self._say(writer, Done())

    async def _say(self, writer: asyncio.StreamWriter, message: Message) -> None:
        """Writes one line. Raises OSError or TimeoutError where nobody reads it."""
        writer.write(encode(message))
        async with asyncio.timeout(self._write_seconds):
            await writer.drain()


def _close(connection: socket.socket, _task: asyncio.Task[None]) -> None:
    connection.close()


def _note_fault(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("what was asked for broke", exc_info=error)


def _say_at_once(connection: socket.socket, message: Message) -> None:
    with connection:
        connection.setblocking(False)
        try:
            connection.send(encode(message))
        except OSError as error:
            logger.info("a request was left: %s", error)
