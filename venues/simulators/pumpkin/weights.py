"""What a key may ask for: a weight per call out of a quota a minute and one a day, which begin on the clock."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from venues.model import NANOSECONDS

# The document has lost the amounts; these are ours.
PER_MINUTE, PER_DAY = 1_200, 500_000
_MINUTE, _DAY = 60, 86_400
MOST_SYMBOLS = 30  # of a whitelist


class TooHeavy(NamedTuple):
    """What is used up, and in how many seconds it begins anew."""

    kind: str
    current: int
    limit: int
    reset: int


class Weights:
    """The quotas of one key, and the symbols that it may trade (empty: all)."""

    def __init__(self, time_scale: float = 1.0) -> None:
        self.limits = {"minute": PER_MINUTE, "day": PER_DAY}
        self.symbols: frozenset[str] = frozenset()
        self.spent = 0  # since the start
        self._windows = {"minute": max(1, round(_MINUTE * time_scale)), "day": _DAY}
        self._used: dict[str, tuple[int, int]] = {}  # (which window, how much of it)

    def take(self, weight: int, now: int) -> TooHeavy | None:
        """Takes a weight off both quotas at `now`, nanoseconds UTC; where one is short of it, off none."""
        seconds = now // NANOSECONDS
        used: dict[str, tuple[int, int]] = {}
        for kind, width in self._windows.items():
            window, spent = self._used.get(kind, (0, 0))
            if window != seconds // width:
                window, spent = seconds // width, 0
            if spent + weight > self.limits[kind]:
                return TooHeavy(kind, spent, self.limits[kind], width - seconds % width)
            used[kind] = window, spent + weight
        self._used = used
        self.spent += weight
        return None

    def state(self) -> dict[str, int]:
        """Returns what of the current windows is used, and all that was since the start."""
        return {"spent": self.spent} | {kind: used for kind, (_, used) in self._used.items()}

    def allow(self, symbols: Collection[str]) -> None:
        """Sets the whitelist. Raises ValueError: it is too long."""
        if len(symbols) > MOST_SYMBOLS:
            raise ValueError(f"a whitelist has {MOST_SYMBOLS} symbols at most")
        self.symbols = frozenset(symbols)
