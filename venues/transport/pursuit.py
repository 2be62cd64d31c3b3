"""What a venue has told in part is read again, with growing pauses, until all of it is known."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from venues.errors import VenueError

logger = logging.getLogger(__name__)

_GRACE = 0.3  # seconds; what belongs together comes as several messages
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 4.0
_LEAST_PAUSE = 0.1  # however short the times of a test are: each read draws from what the venue allows a second

MOST_MISSES = 12
"""Successful reads, 40 s, after which the venue does not list what it told."""


class Pursuit:
    """Reads while something is wanting, in a task that `wake` begins. `read` reads once; it may raise VenueError.

    `what` is read, as a warning says it ("our executions").
    """

    def __init__(
        self,
        venue: str,
        what: str,
        is_wanting: Callable[[], bool],
        read: Callable[[], Awaitable[None]],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        time_scale: float = 1.0,
    ) -> None:
        self._venue = venue
        self._what = what
        self._is_wanting = is_wanting
        self._read = read
        self._sleep = sleep
        self._scale = time_scale
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    def wake(self) -> None:
        """Begins, unless it is under way or closed."""
        if (self._task is None or self._task.done()) and not self._is_closed:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"{self._venue} {self._what}")

    async def aclose(self) -> None:
        """Ends the reads under way. May be called twice."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        await self._sleep(_GRACE * self._scale)
        pause, failure = _FIRST_PAUSE, ""
        while self._is_wanting():
            try:
                await self._read()
                failure = ""
            except VenueError as error:
                if error.message != failure:  # the same again is not said again
                    logger.warning("%s can not be read: %s", self._what, error)
                failure = error.message
            if not self._is_wanting():
                return
            await self._sleep(max(pause * self._scale, _LEAST_PAUSE))
            pause = min(_LONGEST_PAUSE, pause * 2)
