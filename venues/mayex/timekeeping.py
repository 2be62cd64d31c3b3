"""Mayex's clock, of which only the Date of its HTTP answers tells, in whole seconds.

A server may write its Date once a second and send it for another: what it names may be two seconds ago. That is
close enough to date what is signed, which lives for a minute. While no Date is known the pushes' own moments show
how far the clocks are apart at least, and prove nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from venues.model import NANOSECONDS
from venues.transport.timekeeping import SecondsClock, Timekeeper

_STALE = 2 * NANOSECONDS  # that a Date may be behind
_EVERY = 60.0  # seconds
_NARROW = _STALE  # one answer will do
_TRIES = 1


class Dated(Protocol):
    async def time(self) -> int:
        """Returns the Date of an answer, in nanoseconds UTC. Raises VenueError."""
        ...


class DateClock(SecondsClock):
    """The venue's clock: what the dates of all answers leave open together is what is known."""

    _pushed: int | None = None  # the most that a push was ahead of its arrival, in nanoseconds

    @property
    def until_turn(self) -> float:
        """No turn of a second has to be waited for."""
        return 0.0

    @property
    def offset(self) -> int | None:
        known = super().offset
        return self._pushed if known is None else known

    async def measure(self, read: Callable[[], Awaitable[int]], resolution: int = _STALE) -> bool:
        """Asks once; False where one of the clocks was set, and what was known before is forgotten."""
        return await super().measure(read, resolution)

    def hear(self, ts_event: int, ts_recv: int) -> None:
        """Takes the venue's moment of a push and ours of its arrival, nanoseconds UTC."""
        ahead = ts_event - ts_recv
        self._pushed = ahead if self._pushed is None else max(ahead, self._pushed)


def make_timekeeper(
    clock: DateClock,
    client: Dated,
    tell: Callable[[int | None], None],
    *,
    time_scale: float = 1.0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Timekeeper:
    """Returns what compares the clocks every minute; `tell` gets the offset to show."""
    return Timekeeper(
        clock,
        client.time,
        tell,
        every=_EVERY,
        narrow=_NARROW,
        tries=_TRIES,
        time_scale=time_scale,
        sleep=sleep,
    )
