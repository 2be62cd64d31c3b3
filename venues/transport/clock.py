"""The venue's clock beside ours, and the jumps of our own.

The venue's offset is its time minus the middle of the round trip that asked for it; of the last eight answers the
quickest is believed, since it is wrong by at most half of its round trip.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec

from venues.errors import ClockSkew
from venues.port import VenueTime

_SAMPLES = 8
_WARN = 500_000_000  # nanoseconds
_REFUSE = 5_000_000_000
_JUMP = 2_000_000_000
_STEADY = 50_000_000  # how far the two clocks may part within one round trip


class Sample(msgspec.Struct, frozen=True):
    """One comparison, in nanoseconds. `error` is the most by which `offset` can be wrong."""

    offset: int
    round_trip: int
    error: int


class ServerClock:
    """How far the venue's clock is from ours.

    With `is_corrected` its time is used for signing, as far as it is known; without, our own, and signing is
    refused where that is known to be more than 5 s wrong.
    """

    def __init__(
        self,
        venue: str,
        *,
        is_corrected: bool = False,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._venue = venue
        self.is_corrected = is_corrected
        self._wall = wall
        self._monotonic = monotonic
        self._samples: deque[Sample] = deque(maxlen=_SAMPLES)

    async def measure(self, read: Callable[[], Awaitable[int]], resolution: int = 1) -> bool:
        """Asks for the venue's time once (nanoseconds UTC); False where our clock was set meanwhile.

        `resolution` is the step of the venue's clock: one that is cut to seconds is half a second late on average.
        """
        wall, began = self._wall(), self._monotonic()
        server = await read()
        ended, wall_after = self._monotonic(), self._wall()
        round_trip = max(0, ended - began)
        if abs((wall_after - wall) - round_trip) > _STEADY:
            return False
        offset = server + resolution // 2 - (wall + round_trip // 2)
        self._samples.append(Sample(offset, round_trip, round_trip // 2 + resolution // 2))
        return True

    def forget(self) -> None:
        """Drops every answer: our clock jumped, and they no longer compare."""
        self._samples.clear()

    @property
    def best(self) -> Sample | None:
        """The quickest of the last eight answers, the newest of equals; None before the first."""
        return min(reversed(self._samples), key=lambda sample: sample.round_trip, default=None)

    @property
    def offset(self) -> int | None:
        """The venue's time minus ours, in nanoseconds."""
        best = self.best
        return None if best is None else best.offset

    @property
    def uncertainty(self) -> int | None:
        """The most by which `offset` can be wrong, in nanoseconds."""
        best = self.best
        return None if best is None else best.error

    @property
    def is_off(self) -> bool:
        """More than 500 ms: worth a warning, corrected or not."""
        return abs(self.offset or 0) > _WARN

    def now(self) -> int:
        """Returns the venue's time as far as it is known, in nanoseconds UTC."""
        return self._wall() + (self.offset or 0)

    def now_if_known(self) -> int:
        """Returns the venue's time in nanoseconds UTC; 0 while it is not known."""
        return 0 if self.best is None else self.now()

    def as_of(self) -> int:
        """Returns a moment of the venue's clock that is not after now: what is read from here on was true then.

        Nanoseconds UTC; 0 while that clock is not known.
        """
        best = self.best
        return 0 if best is None else self.now() - best.error

    def venue_time(self) -> VenueTime | None:
        """Returns the venue's time and the most by which it can be wrong; None while it is not known."""
        uncertainty = self.uncertainty
        return None if uncertainty is None else VenueTime(self.now(), uncertainty)

    def signing_time(self) -> int:
        """Returns the time to sign with, in nanoseconds UTC.

        Raises:
            ClockSkew: our clock is more than 5 s from the venue's, and is not corrected.
        """
        if self.is_corrected:
            return self.now()
        offset = self.offset or 0
        if abs(offset) > _REFUSE:
            side = "behind" if offset > 0 else "ahead of"
            raise ClockSkew(self._venue, f"this machine's clock is {abs(offset) / 1e9:.1f} s {side} the venue's")
        return self._wall()


class JumpKind(StrEnum):
    SET = "the clock was set"
    STOPPED = "the program stood still"


class Jump(msgspec.Struct, frozen=True):
    """What is on the screen can no longer be trusted. `by` is in nanoseconds, negative for a clock set back."""

    kind: JumpKind
    by: int


class JumpWatch:
    """Looks every `interval` seconds whether time went on as it should, and calls `on_jump` where it did not.

    Two ways: the wall clock parts from the time since boot (it was set, or the machine was paused from outside),
    or more time went by between two looks than there should (sleep, SIGSTOP).
    """

    def __init__(
        self,
        on_jump: Callable[[Jump], None],
        *,
        interval: float = 1.0,
        wall: Callable[[], int] = time.time_ns,
        boottime: Callable[[], int] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._on_jump = on_jump
        self._interval = interval
        self._wall = wall
        self._boottime = boottime or boottime_ns
        self._sleep = sleep
        self._last: tuple[int, int] | None = None

    def check(self) -> Jump | None:
        """Compares with the last look; returns the jump that it reported, if any."""
        wall, boottime = self._wall(), self._boottime()
        last, self._last = self._last, (wall, boottime)
        if last is None:
            return None
        passed = boottime - last[1]
        parted = (wall - last[0]) - passed
        late = passed - round(self._interval * 1e9)
        if abs(parted) > _JUMP:
            jump = Jump(JumpKind.SET, parted)
        elif late > _JUMP:
            jump = Jump(JumpKind.STOPPED, late)
        else:
            return None
        self._on_jump(jump)
        return jump

    async def run(self) -> None:
        """Looks until it is cancelled."""
        while True:
            self.check()
            await self._sleep(self._interval)


def boottime_ns() -> int:
    """Returns the nanoseconds since boot, sleep included where the system counts it (Linux)."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if clock is None else time.clock_gettime_ns(clock)
