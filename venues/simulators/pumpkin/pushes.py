"""Publishes what happens on the exchange to every connection that has asked for it.

Trades and everything private go out at once. Books and candles go out every `PUSH_EVERY` where they have changed,
which is multiplied by the settings' time scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from venues.events import BookDelta, Trade
from venues.model import NANOSECONDS
from venues.simulators.banning import StreamBan
from venues.simulators.orders import Filled, LocalEvent, NoticeGiven, OrderChanged
from venues.simulators.outgoing import MARKET
from venues.simulators.pumpkin.account_pushes import AccountPushes
from venues.simulators.pumpkin.client import Client
from venues.simulators.pumpkin.market_pushes import MarketPushes

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

PUSH_EVERY = 0.1  # seconds
PING_EVERY, LONGEST_SILENCE = 15 * NANOSECONDS, 60 * NANOSECONDS  # never scaled
BANNED, SILENT = "banned", "no pong"


class Publisher:
    """All connections, and what they are pushed."""

    def __init__(self, venue: PumpkinSimulator) -> None:
        self._venue = venue
        self._faults = venue.faults
        self._push_every = PUSH_EVERY * venue.settings.time_scale
        self._clients: dict[Client, None] = {}
        self.ban = StreamBan(venue.clock, self._faults)
        self.market = MarketPushes(venue)
        self.account = AccountPushes(venue, self._clients)
        self._is_poorer = False  # the balance has changed, and nobody was told
        # Always, for what is counted: the changes of a book.
        venue.market.listen(self.publish)
        venue.wallet.changed = self._note_money

    def join(self, client: Client) -> None:
        self._clients[client] = None

    def leave(self, client: Client) -> None:
        del self._clients[client]
        self.subscribed()

    def subscribed(self) -> None:
        """To be called when a client's subscriptions have changed."""
        self.market.sort(self._clients)

    def publish(self, events: Sequence[LocalEvent]) -> None:
        """Takes what one action on the exchange has caused, in its order."""
        orders = self._venue.orders
        for event in events:
            match event:
                case BookDelta():
                    self.market.touch(event.instrument.symbol)
                case Trade():
                    self.market.tell_trade(event)
                case OrderChanged():
                    self._is_poorer = True
                    self.account.tell_order(event.order, orders.ticket(event.order.id))
                case Filled():
                    self.account.tell_fill(event.fill, orders.ticket(event.fill.order_id))
                case NoticeGiven():
                    self.account.tell_notice(event.text)

    def _note_money(self) -> None:
        self._is_poorer = True

    def flush(self) -> None:
        """Tells what positions and money have become, once an action is over."""
        for position in self._venue.positions.take_changed():
            self.account.tell_position(position)
        if self._is_poorer:
            self._is_poorer = False
            self.account.tell_balance()

    async def push(self) -> None:
        """Pushes what has changed, every `PUSH_EVERY`, until it is cancelled."""
        while True:
            await self._venue.clock.sleep(self._push_every)
            self.tick()

    def tick(self) -> None:
        """Pushes what has changed since the last time, and gives up who is silent."""
        now = self._venue.clock.time_ns()
        if self.ban.is_on():
            for client in self._clients:
                client.outgoing.end(BANNED)
        for client in self._clients:
            if now - client.heard_at > LONGEST_SILENCE:
                client.outgoing.end(SILENT)
            elif now - client.pinged_at >= PING_EVERY:
                client.pinged_at = now
                client.outgoing.put(b"ping", MARKET, is_push=False)
        self.flush()
        self.account.tick()
        self.market.tick()
