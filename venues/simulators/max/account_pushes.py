"""Orders, trades, money and debts of the demo user: told at once, in order, and never lost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from venues.simulators.figures import milliseconds
from venues.simulators.held import HEARTBEATS_ONLY, give_held, put_private
from venues.simulators.max.client import Client
from venues.simulators.max.figures import figure
from venues.simulators.max.orders import DONE, FINALIZING, Shown
from venues.simulators.max.rows import balance_row, fast_trade_row, order_row, trade_row
from venues.simulators.max.wallet import HOURLY_RATES, M, Ratio
from venues.simulators.orders import MAIN, BalancesChanged, LocalFill
from venues.simulators.outgoing import ACCOUNT

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

DEFAULT_FILTERS = frozenset({"order", "trade", "account"})
_TRADES = 100  # the newest, of a snapshot
# event -> the filters that ask for it; a filter with "update" in its name gets no snapshot.
_PREFIXES = {MAIN: "", M: "mwallet_"}


class AccountPushes:
    """What is pushed of the demo user's wallets, to those who have signed."""

    def __init__(self, venue: MaxSimulator, clients: Iterable[Client]) -> None:
        self._venue = venue
        self._market = venue.market
        self._faults = venue.faults
        self._clients = clients
        self._told_ratio: Ratio | None = None

    def start(self, client: Client) -> None:
        """Sends the snapshots that the client's filters ask for."""
        for account, prefix in _PREFIXES.items():
            if f"{prefix}order" in client.filters:
                rows = [order_row(shown) for shown in self._venue.orders.open(account)]
                self._put(client, self._encode(f"{prefix}order_snapshot", "o", rows))
            if f"{prefix}trade" in client.filters:
                self._put(client, self._encode(f"{prefix}trade_snapshot", "t", self._newest_trades(account)))
            if f"{prefix}account" in client.filters:
                balances = BalancesChanged(account, self._market.balances(account), self._market.now)
                self._put(client, self._encode(f"{prefix}account_snapshot", "B", self._balance_rows(balances)))
        if "ad_ratio" in client.filters:
            self._put(client, self._ratio("ad_ratio_snapshot", self._venue.wallet.ratio()))
        if "borrowing" in client.filters:
            self._put(client, self._debts("borrowing_snapshot", list(HOURLY_RATES)))

    def tell_order(self, shown: Shown) -> None:
        """Tells how an order stands; one that is matched whole is settling first, and done then."""
        prefix = _PREFIXES[shown.account]
        wanted, event = (f"{prefix}order", f"{prefix}order_update"), f"{prefix}order_update"
        if shown.state == DONE and shown.filled:
            self._tell(wanted, event, "o", [order_row(shown, FINALIZING)])
        self._tell(wanted, event, "o", [order_row(shown)])

    def tell_fill(self, fill: LocalFill) -> None:
        """Tells a trade; one with oneself is told twice, once for each of its orders."""
        prefix, is_margin = _PREFIXES[fill.account], fill.account == M
        self._tell((f"{prefix}fast_trade_update",), f"{prefix}fast_trade_update", "t", [fast_trade_row(fill)])
        wanted = (f"{prefix}trade", f"{prefix}trade_update")
        self._tell(wanted, f"{prefix}trade_update", "t", [trade_row(fill, is_margin=is_margin)])

    def tell_balances(self, event: BalancesChanged) -> None:
        prefix = _PREFIXES[event.account]
        wanted = (f"{prefix}account", f"{prefix}account_update")
        self._tell(wanted, f"{prefix}account_update", "B", self._balance_rows(event))

    def tell_debt(self, currency: str) -> None:
        """Tells what is owed of a currency after a loan or a repayment."""
        for client in self._wanting(("borrowing",)):
            self._put(client, self._debts("borrowing_update", [currency]))

    def tick(self) -> None:
        """Tells the AD ratio where it has changed, and gives what heartbeats-only has kept back."""
        if self._faults.is_on(HEARTBEATS_ONLY, ACCOUNT):
            return
        give_held(self._clients, self._faults)
        wanting = self._wanting(("ad_ratio",))
        if not wanting:
            return
        ratio = self._venue.wallet.ratio()
        if ratio != self._told_ratio:
            self._told_ratio = ratio
            data = self._ratio("ad_ratio_update", ratio)
            for client in wanting:
                self._put(client, data)

    def _wanting(self, filters: Collection[str]) -> list[Client]:
        return [client for client in self._clients if not client.filters.isdisjoint(filters)]

    def _tell(self, filters: Collection[str], event: str, key: str, rows: Sequence[Any]) -> None:
        wanting = self._wanting(filters)
        if wanting:
            data = self._encode(event, key, rows)
            for client in wanting:
                self._put(client, data)

    def _put(self, client: Client, data: bytes) -> None:
        put_private(client, data, self._faults)

    def _newest_trades(self, account: int) -> list[dict[str, Any]]:
        """Returns the newest trades, in the order they were made."""
        fills = list(islice(self._market.fills(accounts=(account,)), _TRADES))
        return [trade_row(fill, is_margin=account == M) for fill in reversed(fills)]

    def _balance_rows(self, event: BalancesChanged) -> list[dict[str, Any]]:
        is_margin = event.account == M
        return [balance_row(one, event.ts_event, is_margin=is_margin) for one in event.balances]

    def _debts(self, event: str, currencies: Iterable[str]) -> bytes:
        at, rows = milliseconds(self._market.now), []
        for name in currencies:
            debt = self._venue.wallet.debt(name)
            row = {"cu": name.lower(), "dbp": figure(debt.loan), "dbi": figure(debt.interest), "TU": at}
            rows.append(row)
        return self._encode(event, "db", rows)

    def _ratio(self, event: str, ratio: Ratio) -> bytes:
        prices = self._venue.wallet.index_prices()
        body = {
            "ad": figure(ratio.ratio),
            "as": figure(ratio.assets),
            "db": figure(ratio.debts),
            "idxp": [{"M": name.lower(), "p": figure(price)} for name, price in prices.items()],
            "TU": milliseconds(self._market.now),
        }
        return self._encode(event, "ad", body)

    def _encode(self, event: str, key: str, body: Any) -> bytes:
        now = milliseconds(self._venue.server_time_ns())
        return msgspec.json.encode({"c": "user", "e": event, key: body, "T": now})
