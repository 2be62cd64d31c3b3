"""Which executions have been counted: each of them once, however often and however late it is told."""

from __future__ import annotations

_MOST = 20_000  # about 4 MB


class SeenTrades:
    """Remembers trade ids. Of more than `most` the oldest are forgotten, and whatever is as old as those counts as
    seen: reading far back must not count an execution twice. None forgets nothing.
    """

    def __init__(self, most: int | None = _MOST) -> None:
        self._most = most
        self._times: dict[tuple[str, str], int] = {}  # (venue, trade id) -> nanoseconds UTC of the venue
        self._horizon: dict[str, int] = {}  # venue -> time of the newest that was forgotten

    def add(self, venue: str, trade_id: str, ts_event: int) -> bool:
        """Remembers one, and says whether it is new."""
        key = (venue, trade_id)
        if key in self._times or ts_event <= self._horizon.get(venue, 0):
            return False
        self._times[key] = ts_event
        if self._most is not None and len(self._times) > self._most:
            oldest = next(iter(self._times))
            forgotten = self._times.pop(oldest)
            self._horizon[oldest[0]] = max(self._horizon.get(oldest[0], 0), forgotten)
        return True

    def __len__(self) -> int:
        return len(self._times)
