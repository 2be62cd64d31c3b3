"""One read for all who ask at about the same time: where each draws from a small quota, or is slow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class JoinedRead(Generic[T]):
    """Reads by `read`, for one event loop. What `fresh` returns was asked for after the call, never before it.

    At most one read is under way and one to come. Whoever waits no longer leaves it to the others.
    """

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._under_way: asyncio.Task[T] | None = None
        self._to_come: asyncio.Task[T] | None = None

    async def fresh(self) -> T:
        """Raises what the read raises."""
        if self._to_come is None:
            self._to_come = asyncio.get_running_loop().create_task(self._run(self._under_way), name="joined read")
        return await asyncio.shield(self._to_come)

    async def aclose(self) -> None:
        """Ends the reads under way; who waits for one gets its CancelledError. May be called twice."""
        tasks = [task for task in (self._under_way, self._to_come) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait({before})
        self._under_way, self._to_come = self._to_come, None
        return await self._read()
