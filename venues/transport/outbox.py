"""What a venue tells, in one order, on its way to whoever consumes it.

Market data waits for room: then its stream is not read, and the venue waits as well. What is told of the account,
and of the connection, never waits and is never dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence

from venues.events import Event, LinkState, StreamStatus

LIMIT = 8_192
BATCH = 1_024

_LOST = frozenset({LinkState.RECONNECTING, LinkState.DOWN})


class Outbox:
    """Events from several producers to one consumer, for one event loop. `limit` is of those that wait."""

    def __init__(self, limit: int = LIMIT, largest_batch: int = BATCH) -> None:
        self._limit = limit
        self._largest_batch = largest_batch
        self._events: deque[Event] = deque()
        self._may_take = asyncio.Event()
        self._may_put = asyncio.Event()
        self._is_closed = False
        self._fault: BaseException | None = None

    def __len__(self) -> int:
        return len(self._events)

    @property
    def is_full(self) -> bool:
        return len(self._events) >= self._limit

    async def put(self, events: Sequence[Event]) -> None:
        """Waits for room, then takes all of them. After `close` it takes nothing and returns at once."""
        while self.is_full and not self._is_closed:
            self._may_put.clear()
            await self._may_put.wait()
        self.push(events)

    def push(self, events: Sequence[Event]) -> None:
        """Takes them at once, room or not; nothing after `close`."""
        if self._is_closed or not events:
            return
        self._events.extend(events)
        self._may_take.set()

    def push_status(self, status: StreamStatus) -> None:
        """Takes the state of the connection, in place of the last event where that says no more than this one.

        While nobody consumes, a venue that can not be reached would fill the memory with its attempts.
        """
        last = self._events[-1] if self._events else None
        if isinstance(last, StreamStatus) and (
            last.state is status.state or (last.state in _LOST and status.state in _LOST)
        ):
            self._events.pop()
        self.push((status,))

    def fail(self, fault: BaseException) -> None:
        """Has the consumer get `fault` as an exception, after what was told before it."""
        self._fault = self._fault or fault
        self._may_take.set()

    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        """Yields what waits, in order; ends after `close` and what was told before it. One consumer at a time.

        Raises:
            BaseException: what `fail` was told, once.
        """
        while True:
            while not self._events and not self._is_closed and self._fault is None:
                self._may_take.clear()
                await self._may_take.wait()
            if self._events:
                yield self._take()
            elif self._fault is not None:
                fault, self._fault = self._fault, None
                raise fault
            else:
                return

    def close(self) -> None:
        """Takes nothing more, and lets `batches` end. May be called twice."""
        self._is_closed = True
        self._may_take.set()
        self._may_put.set()

    def _take(self) -> Sequence[Event]:
        events = self._events
        if len(events) <= self._largest_batch:
            batch = list(events)
            events.clear()
        else:
            batch = [events.popleft() for _ in range(self._largest_batch)]
        self._may_put.set()
        return batch
