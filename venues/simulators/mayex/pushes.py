"""Publishes what happens on the exchange to every connection of both hosts that has asked for it.

Trades and everything private go out at once, the rest every `PUSH_EVERY`, which is multiplied by the settings'
time scale. The document has no heartbeat: nobody is closed for being silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from venues.simulators.banning import StreamBan
from venues.simulators.mayex.account_pushes import AccountPushes
from venues.simulators.mayex.client import Client
from venues.simulators.mayex.market_pushes import MarketPushes

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator

PUSH_EVERY = 0.1  # seconds
BANNED = "banned"


class Publisher:
    """All connections, and what they are pushed. `market` is the contracts', `spot` the pairs'."""

    def __init__(self, venue: MayexSimulator) -> None:
        self._clock = venue.clock
        self._push_every = PUSH_EVERY * venue.settings.time_scale
        self._clients: dict[Client, None] = {}
        self.ban = StreamBan(venue.clock, venue.faults)
        self.market = MarketPushes(venue, venue.market)
        self.spot = MarketPushes(venue, venue.spot)
        self.account = AccountPushes(venue, self._clients)

    def markets(self, client: Client) -> MarketPushes:
        """Returns what is pushed on a client's host."""
        return self.spot if client.is_spot else self.market

    def join(self, client: Client) -> None:
        self._clients[client] = None

    def leave(self, client: Client) -> None:
        del self._clients[client]
        self.subscribed()

    def subscribed(self) -> None:
        """To be called when a client's subscriptions have changed."""
        self.market.sort(one for one in self._clients if not one.is_spot)
        self.spot.sort(one for one in self._clients if one.is_spot)

    def flush(self) -> None:
        """Tells what positions and money have become, once an action is over."""
        self.account.flush()

    async def push(self) -> None:
        """Pushes what has changed, every `PUSH_EVERY`, until it is cancelled."""
        while True:
            await self._clock.sleep(self._push_every)
            self.tick()

    def tick(self) -> None:
        """Pushes what has changed since the last time."""
        if self.ban.is_on():
            for client in self._clients:
                client.outgoing.end(BANNED)
        self.account.tick()
        self.market.tick()
        self.spot.tick()
