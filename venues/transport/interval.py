"""A pause that can be cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Interval:
    """The pause between two rounds of a task, `seconds` long, or shorter where somebody hurries."""

    def __init__(self, seconds: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._seconds = seconds
        self._sleep = sleep
        self._hurried = asyncio.Event()

    def hurry(self) -> None:
        """Ends the pause now, or where there is none the next one at once."""
        self._hurried.set()

    async def passed(self, seconds: float | None = None) -> bool:
        """Waits until the pause is over, of `seconds` where they are given; returns whether somebody hurried."""
        waiting = asyncio.ensure_future(self._sleep(self._seconds if seconds is None else seconds))
        hurried = asyncio.ensure_future(self._hurried.wait())
        try:
            await asyncio.wait({waiting, hurried}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            hurried.cancel()
            await asyncio.gather(waiting, hurried, return_exceptions=True)
        is_hurried = self._hurried.is_set()
        self._hurried.clear()
        return is_hurried
