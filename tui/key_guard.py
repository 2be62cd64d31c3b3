"""The type-ahead guard: tells keys that a person pressed now from those that piled up or were pasted.

Times are seconds of one monotonic clock, taken when a key was read from the terminal.
"""

from __future__ import annotations

from collections import deque

BURST_KEYS = 3  # more than these within the window are no typing
BURST_WINDOW = 0.005
_BURSTS = 256  # in the half second after which a key is stale there are at most a hundred
STALE = 0.5  # a key this old was meant for what the screen showed then


class KeyGuard:
    """Remembers when keys came, and says which of them must not trade."""

    def __init__(
        self, *, burst_keys: int = BURST_KEYS, burst_window: float = BURST_WINDOW, stale: float = STALE
    ) -> None:
        self.burst_window = burst_window
        self._burst_keys = burst_keys
        self._stale = stale
        self._newest: deque[float] = deque(maxlen=burst_keys + 1)
        # Spans, not keys: a burst is told however long it is, and however late its keys are looked at.
        self._bursts: deque[tuple[float, float]] = deque(maxlen=_BURSTS)

    def saw(self, time: float) -> None:
        """A key was read from the terminal at `time`; in the order in which they were read."""
        self._newest.append(time)
        first = self._newest[0]
        if len(self._newest) <= self._burst_keys or time - first > self.burst_window:
            return
        if self._bursts and first <= self._bursts[-1][1]:
            first = self._bursts.pop()[0]
        self._bursts.append((first, time))

    def is_burst(self, time: float) -> bool:
        """Whether the key read at `time` is one of more than `burst_keys` within a window around it."""
        return any(first <= time <= last for first, last in self._bursts)

    def is_stale(self, time: float, now: float) -> bool:
        """Whether the key read at `time` waited too long to be carried out at `now`."""
        return now - time > self._stale
