"""What the accounts are worth: equity, the day's P&L, and the rows of positions and balances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from tui.desk.frame import AccountView, BalanceView, FundsView, PositionView
from tui.desk.funds_book import Place
from tui.desk.ledger import Ledger
from tui.desk.market import Market
from tui.desk.rates import Rates
from tui.desk.views import balance_view, position_view
from venues.margin import MarginAccount
from venues.model import ZERO, Balance, InstrumentId


class Equity(NamedTuple):
    """`value` is of all that can be valued; `is_complete` says that nothing held still waits for its price."""

    value: Decimal
    is_complete: bool


class Valuation:
    """Values what `ledger` and the margin `wallets` hold at the prices of `markets`, in `currency`.

    `is_awaited` says of which venues more than the balances is still to be read.
    """

    def __init__(
        self,
        ledger: Ledger,
        wallets: Iterable[MarginAccount],
        markets: Mapping[InstrumentId, Market],
        rates: Rates,
        currency: str,
        is_awaited: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._ledger = ledger
        self._wallets = wallets
        self._markets = markets
        self._rates = rates
        self._currency = currency
        self._is_awaited = is_awaited

    def positions(
        self, account_of: Callable[[str], str], funds_of: Callable[[Place], tuple[FundsView, ...]] = lambda _: ()
    ) -> tuple[PositionView, ...]:
        """Returns every open position at its mark; `funds_of` tells the changes of one's margin."""
        return tuple(
            position_view(
                position,
                market.instrument,
                account_of(place[0].venue),
                market.price(),
                funding_rate=market.mark.funding_rate if market.mark is not None else None,
                funds=funds_of(place),
            )
            for place, position in self._ledger.positions.items()
            if (market := self._markets.get(place[0])) is not None
        )

    def balances(self, account_of: Callable[[str], str]) -> tuple[BalanceView, ...]:
        """Returns every balance, valued where a price is known."""
        return tuple(
            balance_view(venue, account_of(venue), balance, self._rate(venue, balance.currency))
            for venue, held in self._ledger.balances.items()
            for balance in held.values()
        )

    def equity(self) -> Equity | None:
        """Returns balances, margin wallets and unrealised P&L together; None while nothing is known.

        Of a margin wallet counts what is there less what is owed: a loan, or a transfer, makes nobody richer.
        A currency that no markets of its venue price counts as nothing, always; so does what has been told of an
        account that is not read yet.
        """
        unread = self._ledger.basis.unread
        balances = {venue: held for venue, held in self._ledger.balances.items() if venue not in unread}
        wallets = [wallet for wallet in self._wallets if wallet.venue not in unread]
        if not any(balances.values()) and not any(wallet.assets for wallet in wallets):
            return None
        # All that there is may be in a wallet; spot has been read where its balances are known to be none.
        value, is_complete = ZERO, all(wallet.venue in balances for wallet in wallets)
        for venue, held in balances.items():
            is_complete = is_complete and not (held and self._is_awaited(venue))
        for venue, currency, amount in _amounts(balances, wallets):
            rate = self._rate(venue, currency)
            if rate is not None:
                value += amount * rate
            elif amount and self._rates.is_priced(venue, currency, self._currency):
                is_complete = False
        for view in self.positions(lambda _: ""):
            if view.position.in_margin_wallet or view.instrument.id.venue in unread:
                continue  # of the former all is counted in the wallet
            rate = self._rate(view.instrument.id.venue, view.instrument.settle)
            if view.unrealized_pnl is None or rate is None:
                is_complete = False
            else:
                value += view.unrealized_pnl * rate
        return Equity(value, is_complete)

    def wallet(self, wallet: MarginAccount) -> dict[str, Decimal]:
        """Returns what each currency of a margin wallet is worth, less what is owed of it, where that is known."""
        priced = ((asset, self._rate(wallet.venue, asset.currency)) for asset in wallet.assets)
        return {asset.currency: asset.net * rate for asset, rate in priced if rate is not None}

    def account(
        self, account: str, used: Decimal, budget: Decimal | None, *, is_still: bool = True
    ) -> AccountView:
        """Returns the summary line; it opens the day's P&L once everything held can be valued, and `is_still`."""
        equity = self.equity()
        ledger = self._ledger
        if equity is not None and equity.is_complete and is_still and ledger.day_open is None:
            ledger.day_open = equity.value
        opened = ledger.day_open if ledger.basis.is_known else None
        return AccountView(
            account=account,
            currency=self._currency,
            equity=equity.value if equity is not None else None,
            day_pnl=equity.value - opened if equity is not None and opened is not None else None,
            day_fees=-self._sum(ledger.day_fees),
            day_funding=self._sum(self._day_funding()),
            budget_used=used,
            budget=budget,
        )

    def _day_funding(self) -> dict[tuple[str, str], Decimal]:
        received: dict[tuple[str, str], Decimal] = {}
        for (venue, symbol), amount in self._ledger.day_funding.items():
            market = self._markets.get(InstrumentId(venue, symbol))
            if market is not None:
                key = (venue, market.instrument.settle)
                received[key] = received.get(key, ZERO) + amount
        return received

    def _sum(self, amounts: Mapping[tuple[str, str], Decimal]) -> Decimal:
        total = ZERO
        for (venue, currency), amount in amounts.items():
            total += amount * (self._rate(venue, currency) or ZERO)
        return total

    def _rate(self, venue: str, currency: str) -> Decimal | None:
        return self._rates.rate(venue, currency, self._currency)


def _amounts(
    balances: Mapping[str, Mapping[str, Balance]], wallets: Iterable[MarginAccount]
) -> Iterator[tuple[str, str, Decimal]]:
    """Yields (venue, currency, how much of it)."""
    for venue, held in balances.items():
        for balance in held.values():
            yield venue, balance.currency, balance.total
    for wallet in wallets:
        for asset in wallet.assets:
            yield wallet.venue, asset.currency, asset.net
