"""The ban of a stream's clients, as the fault `ban` has it."""

from __future__ import annotations

from venues.model import NANOSECONDS
from venues.simulators.faults import Faults
from venues.simulators.port import Clock


class StreamBan:
    """Whether connections are refused now; a ban that strikes lasts for its value in seconds."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults
        self._until = 0

    def is_on(self) -> bool:
        now = self._clock.time_ns()
        if self._faults.is_quiet:
            self._until = 0
        elif now >= self._until and self._faults.on("ban", "stream"):
            self._until = now + round(self._faults.number("ban", "stream") * NANOSECONDS)
        return now < self._until
