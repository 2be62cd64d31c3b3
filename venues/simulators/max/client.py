"""One connection as the publisher sees it: what it has subscribed to, who it is, what it is still to be sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from venues.simulators.outgoing import ACCOUNT, MARKET, Outgoing
from venues.simulators.quota import Quota

_PER_SECOND, _PER_MINUTE = 20, 200  # messages of a client


class Topic(NamedTuple):
    """One public subscription. What a channel does not have stays empty; `market` is in capitals."""

    channel: str
    market: str = ""
    depth: int = 0
    resolution: str = ""
    currency: str = ""

    def row(self) -> dict[str, Any]:
        """Returns it as the answer repeats it."""
        row: dict[str, Any] = {"channel": self.channel}
        for name in ("market", "depth", "resolution", "currency"):
            value = getattr(self, name)
            if value:
                row[name] = value.lower() if name in ("market", "currency") else value
        return row


class Client:
    """A connection. `pings` counts the ping frames that came; `held` is what heartbeats-only keeps back."""

    def __init__(self, outgoing: Outgoing, pings: Callable[[], int], now: int, time_scale: float) -> None:
        self.outgoing = outgoing
        self.topics: dict[Topic, None] = {}
        self.is_signed = False
        self.filters: frozenset[str] = frozenset()
        self.held: deque[bytes] = deque()
        self._pings = pings
        self._heard = 0
        self._heard_at = now
        self._second, self._minute = Quota(_PER_SECOND, time_scale), Quota(_PER_MINUTE, 60 * time_scale)
        self._messages = 0

    @property
    def call(self) -> str:
        """What this connection is for: the account once it has signed."""
        return ACCOUNT if self.is_signed else MARKET

    def takes_message(self, now: int) -> bool:
        """Counts one message; False where there are too many."""
        self._messages += 1
        return self._second.take(now) and self._minute.take(now)

    def row(self) -> dict[str, int]:
        """Returns how much this connection has sent: in all, and the most within a second and within a minute."""
        most = {"most_a_second": self._second.fullest, "most_a_minute": self._minute.fullest}
        return {"messages": self._messages, "topics": len(self.topics)} | most

    def is_silent(self, now: int, longest: int) -> bool:
        """Says whether no ping frame has come for longer than `longest` nanoseconds."""
        count = self._pings()
        if count != self._heard:
            self._heard, self._heard_at = count, now
        return now - self._heard_at > longest
