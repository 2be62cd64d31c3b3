"""What was accepted and is done later: commands in the order they came, and those that a fault holds back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from venues.model import NANOSECONDS
from venues.simulators.port import Clock


class CommandQueue:
    """Does what is put into it `delay` seconds later, in order. A new delay is none of what is there already.

    Tasks live until `aclose`.
    """

    def __init__(self, clock: Clock, delay: float) -> None:
        self._clock = clock
        self.delay = delay
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many wait their turn."""
        return len(self._waiting)

    def put(self, work: Callable[[], None]) -> None:
        """Queues a command behind those that came before."""
        self._waiting.append((self._clock.time_ns() + round(self.delay * NANOSECONDS), work))
        if self._draining is None:
            self._draining = self._start(self._drain())

    def put_late(self, work: Callable[[], None], seconds: float) -> None:
        """Does it some seconds from now, and lets later commands overtake it."""
        self._start(self._do_late(work, self._clock.time_ns() + round(seconds * NANOSECONDS)))

    def aclose(self) -> None:
        """Drops what waits."""
        for task in list(self._tasks):
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await self._until(self._waiting[0][0])
                self._waiting.popleft()[1]()
        finally:
            self._draining = None

    async def _do_late(self, work: Callable[[], None], due: int) -> None:
        await self._until(due)
        work()

    async def _until(self, due: int) -> None:
        while (left := due - self._clock.time_ns()) > 0:
            await self._clock.sleep(left / NANOSECONDS)
