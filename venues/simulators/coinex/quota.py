"""How many requests of a kind may come in how many seconds."""

from __future__ import annotations

from collections import deque

from venues.model import NANOSECONDS


class Quota:
    """Counts requests within a sliding window of `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self._window = int(seconds * NANOSECONDS)
        self._taken: deque[int] = deque()

    def take(self, now: int) -> bool:
        """Counts a request at `now`, in nanoseconds; False where there were too many: that one does not count."""
        self._forget(now)
        if len(self._taken) >= self.most:
            return False
        self._taken.append(now)
        return True

    def left(self, now: int) -> int:
        self._forget(now)
        return self.most - len(self._taken)

    def _forget(self, now: int) -> None:
        while self._taken and self._taken[0] <= now - self._window:
            self._taken.popleft()
