"""A process that takes twenty books of the local Pumpkin for a while, and says what that cost, as JSON.

python -m tests.benchmarks.pumpkin_client KIND REST_URL WS_URL KEY SECRET SECONDS

- `plain`: websockets and json.loads, and no book: what anybody's client does at least;
- `adapter`: the venue by its stream, whose events a consumer takes;
- `polling`: the venue without a stream, everything polled within the quota that it has unless told otherwise;
- `idle`: the same with nothing subscribed: the account alone is polled.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence

import websockets

from tests.benchmarks.max_client import SETTLING, Meter
from tests.benchmarks.pumpkin_server import BOOKS, TWENTY
from venues.commands import Channel, Subscription
from venues.events import BookDelta, BookSnapshot, Event
from venues.model import InstrumentId
from venues.port import Credentials
from venues.pumpkin.venue import PumpkinVenue, Settings

NAMES = tuple(InstrumentId("pumpkin", name) for name in TWENTY)
MANY = 100_000  # weight a minute: a quota that does not count


class TwentyBooks(PumpkinVenue):
    """The venue; what it tells of books is counted."""

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


async def take_plainly(ws_url: str, seconds: float) -> dict[str, float]:
    meter = Meter()
    topics = [f"depth@{name},50" for name in TWENTY]
    async with websockets.connect(
        f"{ws_url}futures/ws/market", proxy=None, compression=None, max_size=None
    ) as socket:
        await socket.send(json.dumps({"events": topics, "method": "sub"}))
        begin = time.monotonic() + SETTLING
        is_begun = False
        while (now := time.monotonic()) < begin + seconds:
            if not is_begun and now >= begin:
                is_begun = True
                meter.begin()
            frame = await socket.recv()
            if frame == "ping":
                await socket.send("pong")
                continue
            meter.messages += json.loads(frame).get("e", "").startswith("depth")
        return meter.read()


async def take_as_venue(settings: Settings, seconds: float, *, has_books: bool) -> dict[str, float]:
    venue, meter = TwentyBooks(settings), Meter()
    venue.meter = meter

    async def consume() -> None:
        async for _ in venue.events():
            pass

    consumer = asyncio.create_task(consume())
    try:
        await venue.connect()
        if has_books:
            await venue.subscribe_all()
        await asyncio.sleep(SETTLING)
        meter.begin()
        await asyncio.sleep(seconds)
        found = meter.read()
        assert not has_books or venue.valid == BOOKS, f"{venue.valid} books of {BOOKS} can be read"
    finally:
        await venue.aclose()
        await consumer
    return found


def main(kind: str, rest_url: str, ws_url: str, key: str, secret: str, seconds: float) -> dict[str, float]:
    if kind == "plain":
        return asyncio.run(take_plainly(ws_url, seconds))
    is_streamed = kind == "adapter"
    settings = Settings(
        rest_url=rest_url,
        ws_url=ws_url if is_streamed else "",
        credentials=Credentials(key, secret),
        is_practice=True,
        minute_quota=MANY if is_streamed else Settings().minute_quota,
    )
    return asyncio.run(take_as_venue(settings, seconds, has_books=kind != "idle"))


if __name__ == "__main__":
    kind, *where, seconds = sys.argv[1:]
    rest_url, ws_url, key, secret = where
    found = main(kind, rest_url, ws_url, key, secret, float(seconds))
    sys.stdout.write(json.dumps(found) + "\n")
