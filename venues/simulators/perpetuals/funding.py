"""When positions pay funding: three times a day with the market, or as often as a test wants it."""

from __future__ import annotations

from decimal import Decimal

from venues.model import NANOSECONDS
from venues.paper.market import FUNDING_INTERVAL

_SHORTEST = NANOSECONDS // 10


class FundingTimes:
    """The moments at which funding is settled, counted from the epoch. `every` is in nanoseconds."""

    def __init__(self) -> None:
        self.every = FUNDING_INTERVAL
        self._settled = 0  # the newest moment that was seen to

    @property
    def is_own(self) -> bool:
        """Says whether the times are not the market's."""
        return self.every != FUNDING_INTERVAL

    @property
    def seconds(self) -> int:
        return max(1, self.every // NANOSECONDS)

    def set_every(self, seconds: Decimal, now: int) -> None:
        """Sets the time between two settlements, 0 for the market's. Raises ValueError: it is too short."""
        every = int(seconds * NANOSECONDS) or FUNDING_INTERVAL
        if every < _SHORTEST:
            raise ValueError("'seconds' must be 0.1 or more")
        self.every = every
        self._settled = now // every

    def next_at(self, now: int) -> int:
        """Returns the next moment, nanoseconds UTC."""
        return (now // self.every + 1) * self.every

    def take_due(self, now: int) -> bool:
        """Says whether a moment has come that is ours to settle; each of them once."""
        if not self.is_own or now // self.every <= self._settled:
            return False
        self._settled = now // self.every
        return True
