"""Whoever consumes a venue under test: all that it told, and books that follow its events alone."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

from venues.book import Book
from venues.events import BookDelta, BookSnapshot, Event, FillUpdate, LinkState, Notice, OrderUpdate, StreamStatus
from venues.model import Fill, InstrumentId, Order
from venues.port import Venue

T = TypeVar("T")
V = TypeVar("V", bound=Venue)


class Consumer(Generic[V]):
    """Takes what a venue tells from `follow` on. `began` is the venue's first moment, nanoseconds UTC."""

    def __init__(self, began: int) -> None:
        self._began = began
        self.venue: V
        self.events: list[Event] = []
        self.batches: list[int] = []
        self.books: dict[InstrumentId, Book] = {}  # without any checksum
        self.pace = asyncio.Event()  # unset: nothing is taken
        self.pace.set()

    def follow(self) -> None:
        """Begins to take what is told."""
        self.consumption = asyncio.create_task(self._consume())

    def wall(self) -> int:
        """Our clock: the loop's seconds after the venue's beginning."""
        return self._began + round(asyncio.get_running_loop().time() * 1e9)

    def of(self, kind: type[T]) -> list[T]:
        """Returns the events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def orders(self) -> list[Order]:
        return [event.order for event in self.of(OrderUpdate)]

    @property
    def fills(self) -> list[Fill]:
        return [event.fill for event in self.of(FillUpdate)]

    @property
    def states(self) -> list[LinkState]:
        """The states that were told, each once in a row."""
        told = [status.state for status in self.of(StreamStatus)]
        return [state for at, state in enumerate(told) if at == 0 or told[at - 1] is not state]

    @property
    def state(self) -> LinkState:
        return self.of(StreamStatus)[-1].state

    @property
    def notices(self) -> list[str]:
        return [notice.text for notice in self.of(Notice)]

    async def _consume(self) -> None:
        async for batch in self.venue.events():
            assert batch
            self.batches.append(len(batch))
            self.events += batch
            for event in batch:
                if isinstance(event, BookSnapshot | BookDelta):
                    self.books.setdefault(event.instrument, Book(event.instrument)).apply(event)
            await self.pace.wait()

    async def aclose(self) -> None:
        self.pace.set()
        await self.venue.aclose()
        await self.consumption
