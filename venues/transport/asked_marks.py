"""Mark prices that had to be asked for, since no stream told them; they count for some seconds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from venues.model import InstrumentId


class AskedMarks:
    """The newest by contract. `fresh_for` is how many seconds of `monotonic` one counts."""

    def __init__(self, monotonic: Callable[[], float], fresh_for: float) -> None:
        self._monotonic = monotonic
        self._fresh_for = fresh_for
        self._marks: dict[InstrumentId, tuple[Decimal, float]] = {}

    def note(self, instrument: InstrumentId, price: Decimal, asked_at: float) -> None:
        """Takes a price that was asked for at a moment of `monotonic`."""
        self._marks[instrument] = (price, asked_at)

    def mark(self, instrument: InstrumentId) -> Decimal | None:
        """Returns a price that still counts."""
        found = self._marks.get(instrument)
        return found[0] if found is not None and self._monotonic() - found[1] <= self._fresh_for else None
