"""CoinEx's clock beside ours: signing, and every proof that an order is dead, rest on it.

`server.time` is cut to seconds, so that one answer leaves a second open. Asked just when the venue's second should
turn, it tells on which side of that moment the turn lies, and leaves half of what was open.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from venues.coinex import VENUE
from venues.errors import VenueError
from venues.model import NANOSECONDS
from venues.transport.clock import ServerClock

_EVERY = 10.0  # seconds
_NARROW = 20_000_000  # nanoseconds; closer than this no trader and no proof needs it
_SOON = 6  # answers in a row until then


class SecondsClock(ServerClock):
    """A venue's clock that is told in whole seconds: the answers together tell it better than any of them."""

    def __init__(
        self, *, wall: Callable[[], int] = time.time_ns, monotonic: Callable[[], int] = time.monotonic_ns
    ) -> None:
        super().__init__(VENUE, is_corrected=True, wall=wall, monotonic=monotonic)

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
    """Compares the clocks now and then. `read` is `server.time` in nanoseconds; `tell` gets the offset to show."""

    def __init__(
        self,
        clock: SecondsClock,
        read: Callable[[], Awaitable[int]],
        tell: Callable[[int | None], None],
        *,
        time_scale: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._read = read
        self._tell = tell
        self._every = _EVERY * time_scale
        self._sleep = sleep
        self._is_wanted = asyncio.Event()

    def want(self) -> None:
        """Compares as soon as may be."""
        self._is_wanted.set()

    async def run(self) -> None:
        """Compares for ever."""
        while True:
            self._is_wanted.clear()
            with contextlib.suppress(VenueError):
                await self._compare()
            await self._wait()

    async def _compare(self) -> None:
        """Asks at the turn of the second, at once where nothing is known, and until the turn is known closely."""
        for _ in range(_SOON):
            if self._clock.uncertainty is not None:
                await self._sleep(self._clock.until_turn)
            await self._clock.measure(self._read)
            self._tell(self._clock.smallest_offset)
            if (self._clock.uncertainty or 0) <= _NARROW:
                return

    async def _wait(self) -> None:
        waiting = asyncio.ensure_future(self._sleep(self._every))
        wanted = asyncio.ensure_future(self._is_wanted.wait())
        try:
            await asyncio.wait({waiting, wanted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            wanted.cancel()
            await asyncio.gather(waiting, wanted, return_exceptions=True)
