"""One connection as the publisher sees it: its topics, and when it was heard of last."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from venues.simulators.outgoing import ACCOUNT, MARKET, Outgoing


class Topic(NamedTuple):
    """One public subscription; `level` belongs to depth, `interval` to candles."""

    channel: str
    symbol: str
    level: int = 0
    interval: str = ""


class Private(NamedTuple):
    """One subscription of the account, and the listen key that opens it."""

    channel: str
    key: str

    @property
    def event(self) -> str:
        return f"{self.channel}@{self.key}"


class Client:
    """A connection. `held` is what heartbeats-only keeps back."""

    def __init__(self, outgoing: Outgoing, now: int) -> None:
        self.outgoing = outgoing
        self.topics: dict[Topic, None] = {}
        self.privates: dict[Private, None] = {}
        self.held: deque[bytes] = deque()
        self.heard_at = now
        self.pinged_at = now

    @property
    def call(self) -> str:
        """What this connection is for: the account once it has a private topic."""
        return ACCOUNT if self.privates else MARKET
