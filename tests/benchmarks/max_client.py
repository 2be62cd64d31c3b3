"""A process that takes fifty books of the local MAX for a while, and says what that cost, as JSON.

python -m tests.benchmarks.max_client KIND REST_URL WS_URL KEY SECRET SECONDS

- `plain`: websockets and json.loads, and no book: what anybody's client does at least;
- `adapter`: the venue, whose events a consumer takes;
- `desk`: the whole desk without a screen, on its engine thread, with one instrument shown and frames taken.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence

import websockets

from tests.venues.max.fifty_books import BOOKS, FIFTY
from tui.desk.engine import Engine
from tui.desk.frame import Fact
from tui.desk.session import Session
from venues.commands import Channel, Subscription
from venues.events import BookDelta, BookSnapshot, Event
from venues.max.venue import MaxVenue, Settings
from venues.model import InstrumentId
from venues.port import Credentials

SETTLING = 3.0  # seconds: subscriptions, snapshots, first reads
FRAME_SECONDS = 0.1
NAMES = tuple(InstrumentId("max", name) for name in FIFTY)


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


class FiftyBooks(MaxVenue):
    """The venue with fifty books subscribed; what it tells of them is counted."""

    meter: Meter

    async def subscribe_all(self) -> None:
        await self.fetch_instruments()
        await asyncio.gather(*(self.subscribe(Subscription(Channel.BOOK, name)) for name in NAMES))

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        async for batch in super().events():
            self.meter.messages += sum(isinstance(one, BookSnapshot | BookDelta) for one in batch)
            yield batch

    @property
    def valid(self) -> int:
        books = [self.book(name) for name in NAMES]
        return sum(book is not None and book.is_valid for book in books)


class Deep(FiftyBooks):
    """The same for the desk, which opens it by itself."""

    async def connect(self) -> None:
        await super().connect()
        await self.subscribe_all()


async def take_plainly(ws_url: str, seconds: float) -> dict[str, float]:
    meter = Meter()
    rows = [{"channel": "book", "market": name.lower(), "depth": 50} for name in FIFTY]
    async with websockets.connect(ws_url, proxy=None, compression=None, max_size=None) as socket:
        await socket.send(json.dumps({"action": "sub", "subscriptions": rows, "id": "1"}))
        begin = time.monotonic() + SETTLING
        is_begun = False
        while (now := time.monotonic()) < begin + seconds:
            if not is_begun and now >= begin:
                is_begun = True
                meter.begin()
            message = json.loads(await socket.recv())
            meter.messages += message.get("c") == "book"
        return meter.read()


async def take_as_venue(settings: Settings, seconds: float) -> dict[str, float]:
    venue, meter = FiftyBooks(settings), Meter()
    venue.meter = meter

    async def consume() -> None:
        async for _ in venue.events():
            pass

    consumer = asyncio.create_task(consume())
    try:
        await venue.connect()
        await venue.subscribe_all()
        await asyncio.sleep(SETTLING)
        meter.begin()
        await asyncio.sleep(seconds)
        found = meter.read()
        assert venue.valid == BOOKS, f"{venue.valid} books of {BOOKS} can be read"
    finally:
        await venue.aclose()
        await consumer
    return found


def take_as_desk(settings: Settings, seconds: float) -> dict[str, float]:
    meter = Meter()
    venues: list[Deep] = []

    def make(tell: Callable[[Fact], None]) -> Session:
        venue = Deep(settings)
        venue.meter = meter
        venues.append(venue)
        return Session([venue], tell=tell, shown=NAMES[0])

    engine = Engine(make)
    engine.start()
    try:
        _take_frames(engine, SETTLING * 2)
        meter.begin()
        frames = _take_frames(engine, seconds)
        found = meter.read()
        assert frames > seconds, f"{frames} frames"
        assert venues[0].valid == BOOKS, f"{venues[0].valid} books of {BOOKS} can be read"
    finally:
        engine.stop()
    return found


def _take_frames(engine: Engine, seconds: float) -> int:
    """Takes frames for so long; returns how many showed a book."""
    end, shown = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        frame = engine.take_frame()
        shown += frame is not None and frame.book is not None and frame.book.is_valid
        time.sleep(FRAME_SECONDS)
    return shown


def main(kind: str, rest_url: str, ws_url: str, key: str, secret: str, seconds: float) -> dict[str, float]:
    if kind == "plain":
        return asyncio.run(take_plainly(ws_url, seconds))
    settings = Settings(rest_url=rest_url, ws_url=ws_url, credentials=Credentials(key, secret), is_practice=True)
    if kind == "adapter":
        return asyncio.run(take_as_venue(settings, seconds))
    return take_as_desk(settings, seconds)


if __name__ == "__main__":
    kind, *where, seconds = sys.argv[1:]
    rest_url, ws_url, key, secret = where
    found = main(kind, rest_url, ws_url, key, secret, float(seconds))
    sys.stdout.write(json.dumps(found) + "\n")
