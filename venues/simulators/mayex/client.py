"""One connection as the publisher sees it: its host, its streams, and the token that opens the account's."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from venues.simulators.outgoing import ACCOUNT, MARKET, Outgoing


class Topic(NamedTuple):
    """One public stream; `level` belongs to depth, `interval` to candles. `name` is how a client asks for it."""

    name: str
    channel: str
    symbol: str
    level: int = 0
    interval: str = ""


class Client:
    """A connection to the contracts' or the spot host. `held` is what heartbeats-only keeps back."""

    def __init__(self, outgoing: Outgoing, *, is_spot: bool, token: str = "") -> None:
        self.outgoing = outgoing
        self.is_spot = is_spot
        self.token = token  # of the account's stream, empty where it is not subscribed to
        self.topics: dict[Topic, None] = {}
        self.held: deque[bytes] = deque()

    @property
    def call(self) -> str:
        """What this connection is for: the account once it has given a token."""
        return ACCOUNT if self.token else MARKET

    def names(self) -> list[str]:
        """Returns all that it is subscribed to, as LIST_SUBSCRIPTIONS answers it."""
        return [*(topic.name for topic in self.topics), *([self.token] if self.token else [])]
