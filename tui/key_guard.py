"""The type-ahead guard: tells keys that a person pressed now from those that piled up or were pasted.

Times are seconds of one monotonic clock, taken when a key was read from the terminal.
"""

from __future__ import annotations

from collections import deque

BURST_KEYS = 3  # more than these within the window are no typing
BURST_WINDOW = 0.005
STALE = 0.5  # a key this old was meant for what the screen showed then


class KeyGuard:
    """Remembers when keys came, and says which of them must not trade."""

    def __init__(
        self, *, burst_keys: int = BURST_KEYS, burst_window: float = BURST_WINDOW, stale: float = STALE
    ) -> None:
        self.burst_window = burst_window
        self._burst_keys = burst_keys
        self._stale = stale
        self._times: deque[float] = deque(maxlen=64)

    def saw(self, time: float) -> None:
        """A key was read from the terminal at `time`."""
        self._times.append(time)

    def is_burst(self, time: float) -> bool:
        """Whether the key read at `time` is one of more than `burst_keys` within a window around it."""
        near = sorted(t for t in self._times if abs(t - time) <= self.burst_window)
        return any(
            near[first + self._burst_keys] - near[first] <= self.burst_window
            for first in range(len(near) - self._burst_keys)
        )

    def is_stale(self, time: float, now: float) -> bool:
        """Whether the key read at `time` waited too long to be carried out at `now`."""
        return now - time > self._stale
