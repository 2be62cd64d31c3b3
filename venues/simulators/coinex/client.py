"""One connection as the publisher sees it: who it is, what it has subscribed to, what it is still to be sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Set

from venues.simulators.coinex.depth import DepthTopic
from venues.simulators.outgoing import ACCOUNT, MARKET, Outgoing

NOTHING: Set[str] = frozenset()


class Client:
    """A connection's subscriptions, each replaced as a whole; `held` is what heartbeats-only keeps back."""

    __slots__ = (
        "assets", "deals", "depth", "held", "index", "is_signed", "notices", "orders", "outgoing",
        "own_deals", "states",
    )  # fmt: skip

    def __init__(self, outgoing: Outgoing) -> None:
        self.outgoing = outgoing
        self.is_signed = False
        self.depth: tuple[DepthTopic, ...] = ()
        # Names of markets, or of currencies for `assets`.
        self.deals = self.states = self.index = NOTHING
        self.orders = self.own_deals = self.assets = NOTHING
        self.notices = False
        self.held: deque[bytes] = deque()

    @property
    def call(self) -> str:
        """What this connection is for: the account once it has signed."""
        return ACCOUNT if self.is_signed else MARKET
