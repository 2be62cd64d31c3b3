"""Positions that are smaller than they were, set against the executions that have closed them.

What no execution explains, the venue has taken: that is for a person to know. An execution may be told before or
after the position that it has changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

import msgspec

from venues.model import NANOSECONDS, Fill, InstrumentId, Side

_SEEN_LATE = 15 * NANOSECONDS  # how long a closing may have been executed before the last read of a whole position
_MOST = 1_000


class Held(Protocol):
    """What an adapter knows of a position; `quantity` is signed."""

    @property
    def instrument(self) -> InstrumentId: ...

    @property
    def position_id(self) -> str: ...

    @property
    def quantity(self) -> Decimal: ...

    @property
    def closing_side(self) -> Side: ...


H = TypeVar("H", bound=Held)


class Missing(msgspec.Struct, Generic[H]):
    """Base units of a position that went between `since` and `at`, and of which no execution is known."""

    facts: H
    quantity: Decimal
    since: int
    at: int
    looks: int = 0


class _Closing(msgspec.Struct):
    """An execution that closed, as far as it explains nothing yet."""

    instrument: InstrumentId
    side: Side
    position_id: str
    left: Decimal
    ts_event: int


class Vanished(Generic[H]):
    """What is gone and unexplained; `looks` is how often that is asked for.

    `now` is the venue's clock, nanoseconds, `read_at` that clock at the last read of all positions, 0 before the
    first. `is_back` says whether a position is whole again: a read did not show what there was.
    """

    def __init__(
        self, looks: int, *, now: Callable[[], int], read_at: Callable[[], int], is_back: Callable[[H], bool]
    ) -> None:
        self._looks = looks
        self._now = now
        self._read_at = read_at
        self._is_back = is_back
        self._missing: list[Missing[H]] = []
        self._closings: deque[_Closing] = deque(maxlen=_MOST)

    def __bool__(self) -> bool:
        return bool(self._missing)

    def take_fill(self, fill: Fill, position_id: str) -> None:
        """Takes an execution that closed; `position_id` is empty where it may be of any position of its side."""
        closing = _Closing(fill.instrument, fill.side, position_id, fill.quantity, fill.ts_event)
        for missing in self._missing:
            _explain(missing, closing)
        if closing.left:
            self._closings.append(closing)

    def take_change(self, before: H, quantity: Decimal) -> None:
        """Takes note that so many base units of a position are gone."""
        now = self._now()
        seen = self._read_at() or now
        missing = Missing(before, abs(quantity), min(now, seen) - _SEEN_LATE, now)
        for closing in self._closings:
            _explain(missing, closing)
        if missing.quantity > 0:
            self._missing.append(missing)

    def unexplained(self) -> list[Missing[H]]:
        """Returns what no execution has explained, each once, after so many calls: executions may be late."""
        found: list[Missing[H]] = []
        for missing in list(self._missing):
            missing.looks += 1
            if missing.quantity <= 0 or self._is_back(missing.facts):
                self._missing.remove(missing)
            elif missing.looks >= self._looks:
                self._missing.remove(missing)
                found.append(missing)
        return found


def _explain(missing: Missing[H], closing: _Closing) -> None:
    facts = missing.facts
    is_other = closing.position_id and closing.position_id != facts.position_id
    if is_other or (closing.instrument, closing.side) != (facts.instrument, facts.closing_side):
        return
    if closing.ts_event < missing.since:
        return
    explained = min(missing.quantity, closing.left)
    missing.quantity -= explained
    closing.left -= explained
