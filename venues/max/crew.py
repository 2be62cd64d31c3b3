"""The tasks of a venue, none of which may break unseen; and reads beside a command, which may be left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

from venues.errors import VenueError

T = TypeVar("T")
Part: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

_LEAST_TIME = 1.0  # seconds, however short the times of a test are


class Crew:
    """Runs tasks until it is closed. `on_fault` gets what broke one, which is a fault of ours."""

    def __init__(self, on_fault: Callable[[BaseException], None]) -> None:
        self._on_fault = on_fault
        self._parts: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def keep(self, name: str, part: Part) -> None:
        """Runs what never ends by itself, unless it runs already; one that broke is begun anew."""
        running = self._parts.get(name)
        if self._is_closed or (running is not None and not running.done()):
            return
        task = asyncio.create_task(part(), name=f"max {name}")
        self._parts[name] = task
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def aclose(self, *, cancels: bool = True) -> None:
        """Cancels everything, or lets it end by itself, and waits for that. May be called twice."""
        self._is_closed = True
        running = set(self._tasks)
        if cancels:
            for task in running:
                task.cancel()
        if running:
            await asyncio.wait(running)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_fault(error)


class Asides:
    """Reads that are waited for only so long, and whose failure is not the command's.

    They are not cancelled when nobody waits any longer: a connection that is cancelled while it is made stays open
    until it is collected. Each ends by the deadlines of its own requests.
    """

    def __init__(self, time_scale: float = 1.0) -> None:
        self._scale = time_scale
        self._tasks: set[asyncio.Task[Any]] = set()

    async def find(self, read: Coroutine[Any, Any, T], seconds: float) -> T | None:
        """Returns what is read; None where it fails or takes longer than `seconds`."""
        task = asyncio.create_task(read, name="max aside")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task}, timeout=max(seconds * self._scale, _LEAST_TIME))
        if not task.done() or task.cancelled():
            return None
        error = task.exception()
        if error is None:
            return task.result()
        if isinstance(error, VenueError):
            return None
        raise error

    async def aclose(self) -> None:
        """Ends those under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be left to hear it
