"""Reads beside a command, which are waited for only so long, and whose failure is not the command's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from venues.errors import VenueError

T = TypeVar("T")

logger = logging.getLogger(__name__)

_LEAST_TIME = 1.0  # seconds, however short the times of a test are


class Asides:
    """Runs reads that may be left to themselves.

    They are not cancelled when nobody waits any longer: a connection that is cancelled while it is made stays open
    until it is collected. Each ends by the deadlines of its own requests.
    """

    def __init__(self, time_scale: float = 1.0) -> None:
        self._scale = time_scale
        self._tasks: set[asyncio.Task[Any]] = set()

    async def find(self, read: Coroutine[Any, Any, T], seconds: float) -> T | None:
        """Returns what is read; None where it fails or takes longer than `seconds`."""
        task = asyncio.get_running_loop().create_task(read, name="aside")
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
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.debug("a read beside a command failed: %s", error)
