"""How many requests or messages may come in how many seconds."""

from __future__ import annotations

from collections import deque

from venues.model import NANOSECONDS


class Quota:
    """Counts within a sliding window of `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self._window = int(seconds * NANOSECONDS)
        self._taken: deque[int] = deque()
        self.fullest = 0  # the most that one window ever held

    def take(self, now: int, weight: int = 1) -> bool:
        """Counts one, or as many as it weighs, at `now` in nanoseconds; False where there were too many: those do
        not count."""
        self._forget(now)
        if len(self._taken) + weight > self.most:
            return False
        self._taken.extend([now] * weight)
        self.fullest = max(self.fullest, len(self._taken))
        return True

    def left(self, now: int) -> int:
        self._forget(now)
        return self.most - len(self._taken)

    def _forget(self, now: int) -> None:
        while self._taken and self._taken[0] <= now - self._window:
            self._taken.popleft()
