"""Pumpkin's clock, which is told in whole milliseconds. Nothing is signed by it: it dates what is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from venues.transport.timekeeping import SecondsClock

_MILLISECOND = 1_000_000  # nanoseconds


class MillisecondsClock(SecondsClock):
    """What all answers leave open together is what is known; no turn of a second has to be waited for."""

    @property
    def until_turn(self) -> float:
        return 0.0

    async def measure(self, read: Callable[[], Awaitable[int]], resolution: int = _MILLISECOND) -> bool:
        """Asks once; False where one of the clocks was set, and what was known before is forgotten."""
        return await super().measure(read, resolution)
