"""The tasks of a venue, none of which may break unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

Part: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class Crew:
    """Runs tasks until it is closed. `on_fault` gets what broke one, which is a fault of ours.

    A part that broke is begun anew by the next `keep` of its name.
    """

    def __init__(self, on_fault: Callable[[BaseException], None]) -> None:
        self._on_fault = on_fault
        self._parts: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def keep(self, name: str, part: Part) -> None:
        """Runs what never ends by itself, unless it runs already."""
        running = self._parts.get(name)
        if running is None or running.done():
            task = self.begin(name, part)
            if task is not None:
                self._parts[name] = task

    def begin(self, name: str, part: Part) -> asyncio.Task[None] | None:
        """Runs a task; None after `aclose`."""
        if self._is_closed:
            return None
        task = asyncio.create_task(part(), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

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
