"""A venue's clock beside ours, where the venue tells whole seconds: every proof that an order is dead rests on it.

One answer leaves a second open, and all of them together less. Asked just when the venue's second should turn, it
tells on which side of that moment the turn lies, and leaves half of what was open.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from venues.errors import VenueError
from venues.model import NANOSECONDS
from venues.transport.clock import ServerClock
from venues.transport.interval import Interval


class SecondsClock(ServerClock):
    """A venue's clock that is told in whole seconds: what all answers leave open together is what is known."""

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The least and the most that the venue's time minus ours can be, in nanoseconds; None where unknown."""
        if not self._samples:
            return None
        least = max(sample.offset - sample.error for sample in self._samples)
        return least, min(sample.offset + sample.error for sample in self._samples)

    @property
    def offset(self) -> int | None:
        bounds = self.bounds
        return None if bounds is None else sum(bounds) // 2

    @property
    def uncertainty(self) -> int | None:
        bounds = self.bounds
        return None if bounds is None else -(-(bounds[1] - bounds[0]) // 2)

    @property
    def smallest_offset(self) -> int | None:
        """The offset nearest to zero that can be: never a false alarm."""
        bounds = self.bounds
        return None if bounds is None else max(bounds[0], min(0, bounds[1]))

    @property
    def until_turn(self) -> float:
        """Seconds until the venue's second turns, as far as it is known."""
        return -self.now() % NANOSECONDS / NANOSECONDS

    async def measure(self, read: Callable[[], Awaitable[int]], resolution: int = NANOSECONDS) -> bool:
        """Asks once; False where one of the clocks was set, and what was known before is forgotten."""
        if not await super().measure(read, resolution):
            self.forget()
            return False
        bounds = self.bounds
        if bounds is None or bounds[0] <= bounds[1]:
            return True
        newest = self._samples[-1]
        self.forget()
        self._samples.append(newest)
        return False


class Timekeeper:
    """Compares the clocks now and then.

    `read` returns the venue's time in nanoseconds UTC, `tell` gets the offset to show. Every `every` seconds it
    asks until the clock is known to `narrow` nanoseconds, `tries` times at most: each is a request.
    """

    def __init__(
        self,
        clock: SecondsClock,
        read: Callable[[], Awaitable[int]],
        tell: Callable[[int | None], None],
        *,
        every: float,
        narrow: int,
        tries: int,
        time_scale: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._read = read
        self._tell = tell
        self._narrow = narrow
        self._tries = tries
        self._sleep = sleep
        self._interval = Interval(every * time_scale, sleep)

    def want(self) -> None:
        """Compares as soon as may be."""
        self._interval.hurry()

    async def known(self) -> None:
        """Compares once where nothing is known yet: what is signed by a wrong clock is refused."""
        if self._clock.best is None:
            with contextlib.suppress(VenueError):
                await self._measure()

    async def run(self) -> None:
        """Compares for ever."""
        while True:
            with contextlib.suppress(VenueError):
                await self._compare()
            await self._interval.passed()

    async def _compare(self) -> None:
        """Asks at the turn of the second, at once where nothing is known, until the turn is known closely.

        Raises:
            VenueError: as `read` does.
        """
        for _ in range(self._tries):
            if self._clock.uncertainty is not None:
                await self._sleep(self._clock.until_turn)
            await self._measure()
            if (self._clock.uncertainty or 0) <= self._narrow:
                return

    async def _measure(self) -> None:
        """Raises VenueError."""
        await self._clock.measure(self._read)
        self._tell(self._clock.smallest_offset)
