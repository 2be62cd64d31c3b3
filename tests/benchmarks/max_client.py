"""A process that takes fifty books of the local MAX for a while, and says what that cost, as JSON.

python -m tests.benchmarks.max_client KIND REST_URL WS_URL KEY SECRET SECONDS

- `plain`: websockets and json.loads, and no book: what anybody's client does at least;
- `adapter`: the venue, whose events a consumer takes;
- `desk`: the whole desk without a screen, on its engine thread, with one instrument shown and frames taken.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

import websockets

from tests.benchmarks.many_books import SETTLING, ManyBooks, Meter, read_plainly, run_client
from tests.venues.max.fifty_books import BOOKS, FIFTY
from tui.desk.engine import Engine
from tui.desk.frame import Fact
from tui.desk.session import Session
from venues.max.venue import MaxVenue, Settings
from venues.model import InstrumentId
from venues.port import Credentials

FRAME_SECONDS = 0.1
NAMES = tuple(InstrumentId("max", name) for name in FIFTY)


class FiftyBooks(ManyBooks, MaxVenue):
    """The venue with fifty books subscribed; what it tells of them is counted."""

    names = NAMES


class Deep(FiftyBooks):
    """The same for the desk, which opens it by itself."""

    async def connect(self) -> None:
        await super().connect()
        await self.subscribe_all()


async def take_plainly(ws_url: str, seconds: float) -> dict[str, float]:
    rows = [{"channel": "book", "market": name.lower(), "depth": 50} for name in FIFTY]
    async with websockets.connect(ws_url, proxy=None, compression=None, max_size=None) as socket:
        await socket.send(json.dumps({"action": "sub", "subscriptions": rows, "id": "1"}))
        return await read_plainly(socket, seconds, lambda frame: json.loads(frame).get("c") == "book")


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
        return asyncio.run(FiftyBooks(settings).take(seconds))
    return take_as_desk(settings, seconds)


if __name__ == "__main__":
    run_client(main)
