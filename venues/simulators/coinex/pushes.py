"""Publishes what happens on the exchange to every connection that has subscribed to it.

Trades and everything private go out at once. Books, states and index prices go out every `PUSH_EVERY` where they
have changed, whole books every `WHOLE_EVERY` as well; both are multiplied by the settings' time scale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from venues.events import BookDelta, Trade
from venues.model import NANOSECONDS
from venues.simulators.banning import StreamBan
from venues.simulators.coinex.account_pushes import AccountPushes
from venues.simulators.coinex.client import Client
from venues.simulators.coinex.figures import whole_seconds
from venues.simulators.coinex.market_pushes import MarketPushes
from venues.simulators.orders import (
    BalancesChanged,
    Filled,
    LocalEvent,
    NoticeGiven,
    OrderChanged,
    StopChanged,
)

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator

PUSH_EVERY = 0.2  # seconds
WHOLE_EVERY = 60 * NANOSECONDS
MAINTENANCE = 101  # the number of the notice
MAINTENANCE_LASTS = 3_600  # seconds, as announced
BANNED = "banned"


class Publisher:
    """All connections, and what they are pushed."""

    def __init__(self, simulator: CoinexSimulator) -> None:
        scale = simulator.settings.time_scale
        self._simulator = simulator
        self._faults = simulator.faults
        self._push_every = PUSH_EVERY * scale
        self._clients: dict[Client, None] = {}
        self.ban = StreamBan(simulator.clock, self._faults)
        self.market = MarketPushes(simulator, round(WHOLE_EVERY * scale))
        self.account = AccountPushes(simulator, self._clients)
        self._stop_listening: Callable[[], None] | None = None
        self._is_in_maintenance = False

    def join(self, client: Client) -> None:
        """Takes a connection in. The exchange is listened to while there is one."""
        self._clients[client] = None
        if self._stop_listening is None:
            self._stop_listening = self._simulator.market.listen(self.publish)

    def leave(self, client: Client) -> None:
        del self._clients[client]
        self.subscribed()
        if not self._clients and self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None

    def subscribed(self) -> None:
        """To be called when a client's subscriptions have changed."""
        self.market.sort(self._clients)

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
                    self.account.tell_order(event)
                case StopChanged():
                    self.account.tell_stop(event)
                case Filled():
                    self.account.tell_fill(event)
                case BalancesChanged():
                    self.account.tell_balances(event)
                case NoticeGiven():
                    start, end = whole_seconds(event.ts_start), whole_seconds(event.ts_end)
                    self.account.tell_notice(MAINTENANCE, start, end, event.text)
        for market, several in trades.items():
            self.market.tell_trades(market, several)

    async def run(self) -> None:
        """Pushes what has changed, every `PUSH_EVERY`, until it is cancelled."""
        while True:
            await self._simulator.clock.sleep(self._push_every)
            self.tick()

    def tick(self) -> None:
        """Pushes what has changed since the last time."""
        if not self._faults.is_quiet or self._is_in_maintenance:
            self._announce_maintenance()
            if self.ban.is_on():
                for client in self._clients:
                    client.outgoing.end(BANNED)
        self.account.release()
        self.market.tick()

    def _announce_maintenance(self) -> None:
        is_in_maintenance = self._faults.is_on("maintenance", "stream")
        if is_in_maintenance and not self._is_in_maintenance:
            start = whole_seconds(self._simulator.server_time_ns())
            self.account.tell_notice(MAINTENANCE, start, start + MAINTENANCE_LASTS)
        self._is_in_maintenance = is_in_maintenance
