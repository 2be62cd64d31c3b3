"""Many books of a local exchange that all change as often as it pushes them: the server, and who takes them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Protocol, cast

from websockets.asyncio.client import ClientConnection

from tests.benchmarks.terminal import child_environment
from tests.venues.max.fifty_books import Stir
from venues.commands import Channel, Subscription
from venues.events import BookDelta, BookSnapshot, Event
from venues.model import InstrumentId
from venues.port import MarketData
from venues.simulators.core import LocalExchange
from venues.simulators.serving import serving
from venues.transport.port_calls import PortCalls

SETTLING = 3.0  # seconds: subscriptions, snapshots, first reads


class HasMarket(Protocol):
    """A simulator over the common exchange."""

    @property
    def market(self) -> LocalExchange: ...


async def serve(venue: str, kind: type[HasMarket], symbols: tuple[str, ...], rate: float, every: float) -> None:
    """Serves an exchange whose books are stirred each `every` seconds; `rate` is of the crowd's acts a second.

    It prints where it listens as JSON, and ends when the standard input does.
    """
    async with serving(venue, rate=rate, symbols=symbols) as practice:
        simulator = practice.simulator
        assert isinstance(simulator, kind)
        stirring = asyncio.create_task(_stir(Stir(simulator.market), every))
        sys.stdout.write(practice.line() + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        stirring.cancel()
        await asyncio.wait({stirring})


async def _stir(stir: Stir, every: float) -> None:
    """Stirs as often as books are pushed, however long it takes."""
    due = asyncio.get_running_loop().time()
    while True:
        stir()
        due += every
        await asyncio.sleep(due - asyncio.get_running_loop().time())


@contextmanager
def exchange(module: str, home: Path) -> Iterator[dict[str, str]]:
    """Runs a module that serves, and says where it listens."""
    argv = [sys.executable, "-m", module]
    with subprocess.Popen(
        argv, env=child_environment(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        found: dict[str, str] = json.loads(server.stdout.readline())
        yield found
        server.communicate()


def measured(module: str, kind: str, served: dict[str, str], home: Path, seconds: float) -> dict[str, float]:
    """Runs a client of an exchange, and returns what it says that it took."""
    where = [served[name] for name in ("rest_url", "ws_url", "api_key", "api_secret")]
    argv = [sys.executable, "-m", module, kind, *where, str(seconds)]
    done = subprocess.run(argv, env=child_environment(home), stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


class Meter:
    """Messages, processor seconds and seconds since `begin`."""

    def __init__(self) -> None:
        self.messages = 0
        self.begin()

    def begin(self) -> None:
        self.messages, self._cpu, self._at = 0, time.process_time(), time.perf_counter()

    def read(self) -> dict[str, float]:
        used, took = time.process_time() - self._cpu, time.perf_counter() - self._at
        return {"messages": self.messages, "cpu": used, "seconds": took}


class ManyBooks(PortCalls):
    """To stand before a venue: it has the books of `names` subscribed, and counts what is told of them."""

    names: ClassVar[tuple[InstrumentId, ...]]
    meter: Meter

    async def subscribe_all(self) -> None:
        venue = cast(MarketData, self)
        await venue.fetch_instruments()
        await asyncio.gather(*(venue.subscribe(Subscription(Channel.BOOK, name)) for name in self.names))

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        async for batch in super().events():
            self.meter.messages += sum(isinstance(one, BookSnapshot | BookDelta) for one in batch)
            yield batch

    @property
    def valid(self) -> int:
        books = [self.book(name) for name in self.names]
        return sum(book is not None and book.is_valid for book in books)

    async def take(self, seconds: float, *, has_books: bool = True) -> dict[str, float]:
        """Connects, and takes all events for so long."""
        self.meter = meter = Meter()
        consumer = asyncio.create_task(self._consume())
        try:
            await self.connect()
            if has_books:
                await self.subscribe_all()
            await asyncio.sleep(SETTLING)
            meter.begin()
            await asyncio.sleep(seconds)
            found = meter.read()
            assert not has_books or self.valid == len(self.names), f"{self.valid} books can be read"
        finally:
            await self.aclose()
            await consumer
        return found

    async def _consume(self) -> None:
        async for _ in self.events():
            pass


async def read_plainly(
    socket: ClientConnection, seconds: float, is_update: Callable[[str | bytes], bool]
) -> dict[str, float]:
    """Takes frames for so long, and keeps no book: what anybody's client does at least."""
    meter = Meter()
    begin = time.monotonic() + SETTLING
    is_begun = False
    while (now := time.monotonic()) < begin + seconds:
        if not is_begun and now >= begin:
            is_begun = True
            meter.begin()
        frame = await socket.recv()
        if frame == "ping":
            await socket.send("pong")
        else:
            meter.messages += is_update(frame)
    return meter.read()


def run_client(main: Callable[[str, str, str, str, str, float], dict[str, float]]) -> None:
    """Calls `main` with what `measured` has given, and prints what it returns."""
    kind, rest_url, ws_url, key, secret, seconds = sys.argv[1:]
    sys.stdout.write(json.dumps(main(kind, rest_url, ws_url, key, secret, float(seconds))) + "\n")
