"""An event loop whose time is its own: where nothing is ready, it jumps to the next timer.

Descriptors and other threads still wake it, since the real selector is asked each time; while the loop is held,
it waits for them as any other loop does, and its time stands still.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

from venues.model import NANOSECONDS

START = 1_800_000_000 * NANOSECONDS


class _JumpingSelector(selectors.DefaultSelector):
    """Asks the system without waiting, and lets time pass instead."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0  # nanoseconds since the loop began
        self.holds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or self.holds:  # only a descriptor or another thread can go on from here
            return super().select(timeout)
        ready = super().select(0)
        if not ready and timeout > 0:
            self.elapsed += ceil(timeout * NANOSECONDS)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop on virtual time, which begins at zero."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    @property
    def elapsed(self) -> int:
        """Nanoseconds since the loop began; what `time` is made of."""
        return self._jumping.elapsed

    def time(self) -> float:
        return self._jumping.elapsed / NANOSECONDS

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps the time from jumping while something outside of the loop works for it."""
        self._jumping.holds += 1
        try:
            yield
        finally:
            self._jumping.holds -= 1


class VirtualClock:
    """The wall clock that belongs to a loop: nanoseconds UTC. `jump` is what a suspended machine sees."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._jumped = 0

    def __call__(self) -> int:
        return START + self._jumped + self._loop.elapsed

    def boottime(self) -> int:
        """Nanoseconds since the machine was started, those in which it was suspended included."""
        return self._jumped + self._loop.elapsed

    def jump(self, seconds: float) -> None:
        self._jumped += round(seconds * NANOSECONDS)
