"""Publishes what happens on the exchange to every connection that has asked for it.

Trades and everything private go out at once. Books, tickers and candles go out every `PUSH_EVERY` where they have
changed, which is multiplied by the settings' time scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from venues.events import BookDelta, Trade
from venues.model import NANOSECONDS
from venues.simulators.max.account_pushes import AccountPushes
from venues.simulators.max.client import Client
from venues.simulators.max.market_pushes import MarketPushes
from venues.simulators.orders import (
    BalancesChanged,
    Change,
    Filled,
    LocalEvent,
    OrderChanged,
    StopChanged,
    StopStatus,
)

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

PUSH_EVERY = 0.1  # seconds
LONGEST_SILENCE = 130 * NANOSECONDS  # without a ping frame of the client; never scaled
BANNED, SILENT = "banned", "no ping"


class Publisher:
    """All connections, and what they are pushed."""

    def __init__(self, venue: MaxSimulator) -> None:
        self._venue = venue
        self._push_every = PUSH_EVERY * venue.settings.time_scale
        self._clients: dict[Client, None] = {}
        self.market = MarketPushes(venue)
        self.account = AccountPushes(venue, self._clients)
        # Always, for what is counted: the trades of an order and the changes of a book.
        venue.market.listen(self.publish)
        venue.orders.told = self.account.tell_order
        venue.wallet.told = self._tell_wallet

    def join(self, client: Client) -> None:
        self._clients[client] = None

    def leave(self, client: Client) -> None:
        del self._clients[client]
        self.subscribed()

    def rows(self) -> list[dict[str, int]]:
        """Returns what each open connection has sent so far."""
        return [client.row() for client in self._clients]

    def subscribed(self) -> None:
        """To be called when a client's subscriptions have changed."""
        self.market.sort(self._clients)

    def end_all(self, reason: str) -> None:
        """Gives all connections up."""
        for client in self._clients:
            client.outgoing.end(reason)

    def publish(self, events: Sequence[LocalEvent]) -> None:
        """Takes what one action on the exchange has caused, in its order."""
        trades: dict[str, list[Trade]] = {}
        for event in events:
            match event:
                case BookDelta():
                    self.market.touch(event.instrument.symbol)
                case Trade():
                    trades.setdefault(event.instrument.symbol, []).append(event)
                case OrderChanged():
                    self._tell_order(event)
                case StopChanged():
                    self._tell_stop(event)
                case Filled():
                    self._venue.orders.note_fill(event.fill.order_id)
                    self.account.tell_fill(event.fill)
                case BalancesChanged():
                    self.account.tell_balances(event)
        for market, several in trades.items():
            self.market.tell_trades(market, several)

    def _tell_order(self, event: OrderChanged) -> None:
        if event.change is Change.PUT:
            self._venue.orders.note_put(event.order)
        self.account.tell_order(self._venue.orders.show(event.order))

    def _tell_stop(self, event: StopChanged) -> None:
        """A stop that was triggered has been told by the order that it became."""
        if event.change is Change.PUT:
            self._venue.orders.note_put(event.stop)
        if event.stop.status is not StopStatus.TRIGGERED:
            self.account.tell_order(self._venue.orders.show_stop(event.stop))

    def _tell_wallet(self, currency: str) -> None:
        self.account.tell_debt(currency)
        self.market.tell_quota(currency)

    async def wait(self) -> None:
        """Waits until the next pushes are due."""
        await self._venue.clock.sleep(self._push_every)

    def tick(self) -> None:
        """Pushes what has changed since the last time, and gives up who has not pinged for too long."""
        now = self._venue.clock.time_ns()
        for client in self._clients:
            if client.is_silent(now, LONGEST_SILENCE):
                client.outgoing.end(SILENT)
        self.account.tick()
        self.market.tick()
