"""What every market's half of a stream does: frames become batches of events, and books break with the link."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from venues.book import Book
from venues.errors import DecodeError
from venues.events import Event, Ticker
from venues.transport.crew import Crew
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.outbox import Outbox

_LOOK_EVERY = 0.5  # seconds


class MarketIntake:
    """Takes the frames of the market's stream; what it tells waits for room in `outbox`.

    `take` adds to the events what a frame tells, and raises DecodeError where it can not be read: then the stream
    sets the frame aside, and `doubt` breaks the books that it may have been about, of its bytes and when it came
    (nanoseconds UTC, as all moments here). `settle` is called once after the frames that were read together.
    `look`, called every half second while the stream is open, mends books of which no frame tells. `break_books`
    makes every book unreadable: it gets why, when (`wall`), and the events to add that to.
    """

    def __init__(
        self,
        stream: Stream,
        outbox: Outbox,
        *,
        take: Callable[[Frame, list[Event]], None],
        doubt: Callable[[bytes, int, list[Event]], None],
        look: Callable[[], None],
        break_books: Callable[[str, int, list[Event]], None],
        settle: Callable[[list[Event]], None] = lambda _: None,
        time_scale: float = 1.0,
        wall: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.crew = Crew(outbox.fail)
        self._stream = stream
        self._outbox = outbox
        self._take = take
        self._doubt = doubt
        self._settle = settle
        self._look_at_all = look
        self._break_books = break_books
        self._every = _LOOK_EVERY * time_scale
        self._wall = wall
        self._sleep = sleep
        self._lost = 0  # the newest connection that is over

    def start(self) -> None:
        """Connects, and again after every loss, until `aclose`."""
        self._stream.start()
        self.crew.keep("frames", self._consume)
        self.crew.keep("look", self._look)

    def is_over(self, frame: Frame) -> bool:
        """Whether the connection that a frame came by was lost: no book may take it."""
        return frame.connection <= self._lost

    def lost(self) -> None:
        """Is told when a connection is lost: no book can be read until it is full again."""
        self._lost = self._stream.connections
        self._break_all("the connection was lost")

    def take(self, frames: Sequence[Frame], events: list[Event]) -> None:
        """Adds to `events` what the frames tell, and what those break that can not be read."""
        take, check = self._take, self._stream.check
        for frame in frames:
            try:
                check(frame)
                take(frame, events)
            except DecodeError as error:
                self._doubt(frame.data, frame.ts_recv, events)
                self._stream.quarantine(frame, error.message)
        self._settle(events)

    async def aclose(self, *parts: Awaitable[None]) -> None:
        """Ends everything, `parts` with it. May be called twice."""
        await asyncio.gather(self.crew.aclose(), self._stream.aclose(), *parts)
        self._break_all("the venue was closed")

    def _break_all(self, why: str) -> None:
        events: list[Event] = []
        self._break_books(why, self._wall(), events)
        self._outbox.push(events)

    async def _consume(self) -> None:
        async for frames in self._stream.batches():
            events: list[Event] = []
            self.take(frames, events)
            await self._outbox.put(events)

    async def _look(self) -> None:
        while True:
            await self._sleep(self._every)
            if self._stream.is_open:
                self._look_at_all()


def with_quotes(ticker: Ticker, book: Book | None) -> Ticker:
    """Returns a ticker that was told without bid and ask with those of a book that is kept, where it is valid."""
    if book is None or not book.is_valid:
        return ticker
    bid, ask = book.best_bid(), book.best_ask()
    return msgspec.structs.replace(ticker, bid=bid and bid[0], ask=ask and ask[0])
