"""The pace of a replay: when a row is due."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from venues.errors import ConfigurationError
from venues.recording.format import VENUE

_is_speed = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?").fullmatch


def parse_speed(text: str) -> float:
    """Returns how many times faster than recorded; "max" is infinite.

    Raises:
        ConfigurationError: it is neither "max" nor a number above zero.
    """
    if text.strip().lower() == "max":
        return math.inf
    if not _is_speed(text.strip()) or not (speed := float(text)):
        raise ConfigurationError(VENUE, f'the speed {text[:20]!r} is neither "max" nor a number above zero')
    return speed


class Pace:
    """Ties the recording's time to a clock in seconds, from the first row on."""

    def __init__(self, speed: float, clock: Callable[[], float]) -> None:
        self.speed = speed
        self._clock = clock
        self._start: float | None = None
        self._first = 0

    def delay(self, ts: int) -> float:
        """Returns in how many seconds the row of `ts` (milliseconds) is due; zero or less: now."""
        if self._start is None:
            self._start, self._first = self._clock(), ts
        if math.isinf(self.speed):
            return 0.0
        return self._start + (ts - self._first) / 1000 / self.speed - self._clock()
