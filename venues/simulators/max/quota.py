"""How many requests may come in how many seconds."""

from __future__ import annotations

from collections import deque

from venues.model import NANOSECONDS


class Quota:
    """Counts within a sliding window of `window` seconds."""

    def __init__(self, most: int, window: float) -> None:
        self.most = most
        self._window = int(window * NANOSECONDS)
        self._taken: deque[int] = deque()

    def take(self, now: int) -> bool:
        """Counts one at `now`, in nanoseconds; False where there were too many: that one does not count."""
        while self._taken and self._taken[0] <= now - self._window:
            self._taken.popleft()
        if len(self._taken) >= self.most:
            return False
        self._taken.append(now)
        return True
