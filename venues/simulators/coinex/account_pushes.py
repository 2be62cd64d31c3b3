"""Orders, stop orders, own deals and money: told at once, in order, and never lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from venues.simulators.coinex.client import Client
from venues.simulators.coinex.market_pushes import encode_push
from venues.simulators.coinex.private import EVENTS, asset_rows, order_row, own_deal_row, stop_push_row, stop_rates
from venues.simulators.held import give_held, put_private
from venues.simulators.orders import MAIN, BalancesChanged, Filled, OrderChanged, StopChanged
from venues.simulators.outgoing import ACCOUNT

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator


class AccountPushes:
    """What is pushed of the demo user's accounts, to those who have signed and subscribed."""

    def __init__(self, simulator: CoinexSimulator, clients: Iterable[Client]) -> None:
        self._instruments = simulator.market.instruments
        self._faults = simulator.faults
        self._clients = clients

    def tell_order(self, event: OrderChanged) -> None:
        market = event.order.instrument.symbol
        row: Any = order_row(event.order, self._instruments[market].quote)
        if self._faults.is_on("order-array", ACCOUNT):
            row = [row]
        self._tell(lambda client: market in client.orders, "order.update", EVENTS[event.change], row)

    def tell_stop(self, event: StopChanged) -> None:
        market = event.stop.instrument.symbol
        row = stop_push_row(event.stop, *stop_rates(self._instruments[market]))
        self._tell(lambda client: market in client.orders, "order.update_stop", EVENTS[event.change], row)

    def tell_fill(self, event: Filled) -> None:
        market = event.fill.instrument.symbol
        rows = [own_deal_row(event.fill)]
        self._tell(lambda client: market in client.own_deals, "deals_own.update", market, rows)

    def tell_balances(self, event: BalancesChanged) -> None:
        """Tells of the spot account alone: the push has no field that could name another."""
        if event.account != MAIN:
            return
        rows = asset_rows(event.balances)
        for client in self._clients:
            wanted = {currency: row for currency, row in rows.items() if currency in client.assets}
            if wanted:
                self._put(client, encode_push("asset.update", wanted))

    def tell_notice(self, number: int, started_at: int, ended_at: int, scope: str = "SPOT") -> None:
        """Announces a maintenance of `scope`; times in seconds."""
        body = {"started_at": started_at, "ended_at": ended_at, "scope": [scope]}
        self._tell(lambda client: client.notices, "notice.update", number, body)

    def release(self) -> None:
        """Sends what heartbeats-only has kept back, once that is over."""
        give_held(self._clients, self._faults)

    def _tell(self, wants: Callable[[Client], bool], method: str, *params: object) -> None:
        data = b""
        for client in self._clients:
            if wants(client):
                data = data or encode_push(method, *params)
                self._put(client, data)

    def _put(self, client: Client, data: bytes) -> None:
        put_private(client, data, self._faults)
