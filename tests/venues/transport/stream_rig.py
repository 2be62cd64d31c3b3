"""A stream at a scripted venue, with everything that it told and handed over."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.venues.transport.stream_server import StreamServer
from venues.errors import AuthenticationError, BadRequest, VenueError
from venues.events import LinkState, StreamStatus
from venues.transport.address import Address
from venues.transport.asks import Ask
from venues.transport.conversation import Rules
from venues.transport.frames import Frame
from venues.transport.heartbeat import Form, Heartbeat
from venues.transport.link import Quarantined, Stream
from venues.transport.stream import StreamLimits
from venues.transport.timing import StreamTiming

SECRET = "canary-4f1d9c"
SMALL = StreamLimits(frame_size=64 * 1024)


def ask(text: str, deadline: float | None = None) -> Ask:
    """Returns one that the scripted venue acknowledges with "ok" and refuses with "no"."""

    def judge(frame: Frame) -> bool | VenueError | None:
        if frame.data == f"no {text}".encode():
            kind = AuthenticationError if text == "login" else BadRequest
            return kind("here", f"{text} was refused")
        return True if frame.data == f"ok {text}".encode() else None

    return Ask(what=text, make=lambda: f"{text} #{SECRET}", judge=judge, deadline=deadline)


def read_beaten(frame: Frame) -> int | None:
    return int(frame.data[7:]) if frame.data.startswith(b"beaten ") else None


METHOD = Heartbeat(form=Form.MESSAGE, message=lambda number: f"beat {number}", read_answer=read_beaten)
PROTOCOL_PING = Heartbeat()


def rules(**changes: Any) -> Rules:
    plain = Rules(venue="here", heartbeat=METHOD, timing=StreamTiming(), login=ask("login"))
    return msgspec.structs.replace(plain, **changes)


class StreamRig:
    """The stream, its consumer, and what both said; times are the loop's."""

    def __init__(self, server: StreamServer, its_rules: Rules, **settings: Any) -> None:
        self.server = server
        self.told: list[tuple[float, StreamStatus]] = []
        self.frames: list[Frame] = []
        self.batches: list[int] = []
        self.opened: list[int] = []
        self.quarantine: list[Quarantined] = []
        self.pace = asyncio.Event()  # unset: the consumer takes nothing
        self.pace.set()
        settings.setdefault("limits", SMALL)
        settings.setdefault("rng", random.Random(4))
        settings["address"] = settings.get("address") or Address(url=server.url)
        self.stream = Stream(
            its_rules,
            on_status=lambda status: self.told.append((self.now, status)),
            on_open=self.opened.append,
            on_quarantine=self.quarantine.append,
            **settings,
        )
        self._consumer = asyncio.create_task(self._consume())

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def state(self) -> LinkState:
        return self.stream.status.state

    @property
    def texts(self) -> list[str]:
        return [frame.data.decode(errors="replace") for frame in self.frames]

    @property
    def numbers(self) -> list[int]:
        return [int(text[5:]) for text in self.texts if text.startswith("data ")]

    async def _consume(self) -> None:
        async for batch in self.stream.batches():
            self.frames += batch
            self.batches.append(len(batch))
            await self.pace.wait()

    async def aclose(self) -> None:
        self.pace.set()
        await self.stream.aclose()
        await self._consumer


@asynccontextmanager
async def streaming(
    its_rules: Rules | None = None, server: StreamServer | None = None, **settings: Any
) -> AsyncIterator[tuple[StreamServer, StreamRig]]:
    """Gives a server and a stream to it that has been started; nothing is left of either."""
    before = open_descriptors()
    async with server or StreamServer() as serving:
        rig = StreamRig(serving, its_rules or rules(), **settings)
        rig.stream.start()
        try:
            yield serving, rig
        finally:
            await rig.aclose()
    await until(lambda: len(asyncio.all_tasks()) == 1 and open_descriptors() == before)


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Waits in steps of the loop's own time until `condition` holds."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(seconds):
        while not condition():
            step: asyncio.Future[None] = loop.create_future()
            loop.call_later(0.05, step.set_result, None)
            await step


async def passes(seconds: float) -> None:
    """Lets so much of the loop's time go by: for what must not happen, where there is nothing to wait for."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    loop.call_later(seconds, over.set_result, None)
    await over


def open_descriptors() -> int:
    """Returns how many sockets this process has open."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found += str(entry.readlink()).startswith("socket:")
        except OSError:
            continue  # the listing's own, already closed
    return found
