"""MAX's clock beside ours: nonces, and every proof that an order is dead, rest on it.

`GET /timestamp` is cut to seconds: one answer leaves a second open, and all of them together less. Asked just when
the venue's second should turn, it tells on which side of that moment the turn lies, and halves what is open.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from venues.errors import VenueError
from venues.model import NANOSECONDS
from venues.transport.clock import ServerClock

_EVERY = 15.0  # seconds
_SOON = 5  # answers in a row when it begins, or is wanted
_NARROW = 30_000_000  # nanoseconds; closer than this no trader and no proof needs it
_NEAR = 5 * NANOSECONDS


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
        return None if bounds is None else (bounds[0] + bounds[1]) // 2

    @property
    def uncertainty(self) -> int | None:
        bounds = self.bounds
        return None if bounds is None else -(-(bounds[1] - bounds[0]) // 2)

    @property
    def smallest_offset(self) -> int | None:
        """The offset nearest to zero that can be: never a false alarm."""
        bounds = self.bounds
        return None if bounds is None else max(bounds[0], min(0, bounds[1]))

    def nonce_time(self) -> int:
        """Returns what nonces are drawn by, in milliseconds: our own clock, unless it is far off.

        A nonce may be 30 s off, and every program of this user draws by the same clock: what each of them knows of
        the venue's would move them against each other.
        """
        off = abs(self.offset or 0) > _NEAR
        return (self.now() if off else self._wall()) // 1_000_000

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
    """Compares the clocks now and then. `read` returns nanoseconds; `tell` gets the offset to show."""

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

    async def known(self) -> None:
        """Compares once where nothing is known yet: what is signed by a wrong clock is refused."""
        if self._clock.best is None:
            with contextlib.suppress(VenueError):
                await self._measure()

    async def run(self) -> None:
        """Compares for ever."""
        while True:
            self._is_wanted.clear()
            with contextlib.suppress(VenueError):
                await self._narrow()
            await self._wait()

    async def _narrow(self) -> None:
        """Asks at the turn of the second, at once where nothing is known, until the turn is known closely."""
        for _ in range(_SOON):
            if self._clock.uncertainty is not None:
                await self._sleep((-self._clock.now() % NANOSECONDS) / NANOSECONDS)
            await self._measure()
            if (self._clock.uncertainty or 0) <= _NARROW:
                return

    async def _measure(self) -> None:
        """Raises VenueError."""
        await self._clock.measure(self._read)
        self._tell(self._clock.smallest_offset)

    async def _wait(self) -> None:
        waiting = asyncio.ensure_future(self._sleep(self._every))
        wanted = asyncio.ensure_future(self._is_wanted.wait())
        try:
            await asyncio.wait({waiting, wanted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            wanted.cancel()
            await asyncio.gather(waiting, wanted, return_exceptions=True)
