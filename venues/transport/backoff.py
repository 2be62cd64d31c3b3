"""When to try again to connect."""

from __future__ import annotations

import random

from venues.transport.timing import StreamTiming

_MOST_DOUBLINGS = 16  # 2.0**n would overflow after 1,023 failures, which are a bad weekend


class Backoff:
    """The pauses between attempts: none, then full jitter below a ceiling that doubles. It never gives up."""

    def __init__(self, timing: StreamTiming, rng: random.Random) -> None:
        self._timing = timing
        self._rng = rng
        self._doublings = 0
        self._at_once_at: float | None = None
        self.failures = 0  # since the last time of health

    def next_pause(self, now: float) -> float:
        """Returns the seconds to wait before the next attempt; `now` is any steady clock's."""
        timing = self._timing
        self.failures += 1
        is_first = self.failures == 1
        if is_first and (self._at_once_at is None or now - self._at_once_at >= timing.at_once):
            self._at_once_at = now
            return 0.0
        ceiling = min(timing.ceiling, timing.base * 2.0**self._doublings)
        self._doublings = min(self._doublings + 1, _MOST_DOUBLINGS)
        return self._rng.uniform(timing.floor, max(timing.floor, ceiling))

    def reset(self) -> None:
        """Begins anew: the link was healthy for long enough."""
        self._doublings = 0
        self.failures = 0
