"""What becomes of an M-wallet whose debts are no longer covered: its orders end, and its assets pay them back.

No document names the level, nor how the venue sells: both are ours. A liquidation is `processing` until nothing is
owed any more (`liquidated`), or nothing is left to sell (`debt_recovery`); what comes in then is taken as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.errors import OrderError
from venues.model import Instrument, OrderType, Side
from venues.rounding import ceil_to, floor_to
from venues.simulators.figures import milliseconds
from venues.simulators.max.figures import figure
from venues.simulators.max.markets import TAKER_FEE, terms_of
from venues.simulators.max.wallet import HOURLY_RATES, NO_DEBT_RATIO, M
from venues.simulators.orders import LocalOrder, OrderWish

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

LIQUIDATION_RATIO = Decimal("1.1")
PROCESSING, LIQUIDATED, RECOVERY = "processing", "liquidated", "debt_recovery"
_EVERY = 0.1  # seconds between two looks
_HUBS = ("USDT", "TWD")  # what an asset is sold for that no market trades against the debt
_MORE = 1 + 2 * TAKER_FEE  # what is bought beyond the debt, for the fee is taken out of it
_SLIPPAGE = Decimal("0.98")  # of what is held: the share that a purchase is sized by


class Liquidator:
    """Looks after the M-wallet, and keeps the list of its liquidations."""

    def __init__(self, venue: MaxSimulator) -> None:
        self._venue = venue
        self._market = venue.market
        self._wallet = venue.wallet
        self._row: dict[str, Any] | None = None  # the one that is not over
        self._every = _EVERY * venue.settings.time_scale

    async def run(self) -> None:
        """Looks again and again until cancelled."""
        while True:
            await self._venue.clock.sleep(self._every)
            self.review()

    def review(self) -> None:
        """Charges the interest that has fallen due; begins a liquidation, or goes on with the one that began."""
        if not self._wallet.has_debt and self._row is None:
            return
        for currency in self._wallet.charge():
            self._wallet.told(currency)
        if self._row is None:
            found = self._wallet.ratio()
            if found.debts and found.ratio < LIQUIDATION_RATIO:
                self._begin(found.ratio)
            return
        self._go_on(self._row)

    def _begin(self, ratio: Decimal) -> None:
        now = self._market.now
        self._row = {
            "sn": f"L{self._market.take_number()}",
            "ad_ratio": figure(ratio),
            "expected_ad_ratio": figure(NO_DEBT_RATIO),
            "created_at": milliseconds(now),
            "state": PROCESSING,
            "repayments": [],
            "liquidations": [],
        }
        self._venue.past.liquidations.append(self._row)
        for shown in self._venue.orders.open(M):
            self._venue.orders.cancel(shown.id)

    def _go_on(self, row: dict[str, Any]) -> None:
        found: list[bool | None] = []
        for currency in HOURLY_RATES:
            paid = self._pay(currency)
            if paid is not None:
                row["repayments"].append(paid)
            found += [
                self._sell(asset, currency, row)
                for asset in self._assets(currency)
                if self._wallet.debt(currency).total
            ]
        if not any(self._wallet.debt(currency).total for currency in HOURLY_RATES):
            row["state"], self._row = LIQUIDATED, None
        elif all(each is None for each in found):
            row["state"] = RECOVERY

    def _assets(self, debt: str) -> Iterator[str]:
        """Yields what may be sold for a debt, money first; what is owed itself is kept back for that."""
        held = {balance.currency: balance.available for balance in self._market.balances(M)}
        for name in dict.fromkeys([*_HUBS, *held]):
            if name != debt and held.get(name) and not self._wallet.debt(name).total:
                yield name

    def _pay(self, currency: str) -> dict[str, Any] | None:
        """Pays back what the wallet holds of a currency; returns the row of it, None where there is nothing."""
        owed = self._wallet.debt(currency)
        amount = min(owed.total, self._market.balance(M, currency).available)
        if amount <= 0:
            return None
        interest = self._wallet.pay(currency, amount)
        return {
            "currency": currency.lower(),
            "amount": figure(amount),
            "principal": figure(amount - interest),
            "interest": figure(interest),
            "state": "confirmed",
        }

    def _sell(self, asset: str, debt: str, row: dict[str, Any]) -> bool | None:
        """Sells an asset for what is owed, or for what that can be bought with.

        Says whether anything traded; None where there is too little of it to be sold.
        """
        need = self._wallet.debt(debt).total * _MORE
        held = self._market.balance(M, asset).available
        for target in (debt, *_HUBS):
            if target == asset:
                continue
            if (sold := self._instrument(asset, target)) is not None:
                price = self._market.index(sold.id.symbol)
                wanted = need / price if target == debt else held
                return self._trade(sold, Side.SELL, min(wanted, held), held, row, debt)
            if (bought := self._instrument(target, asset)) is not None and target == debt:
                most = held * _SLIPPAGE / self._market.index(bought.id.symbol)
                return self._trade(bought, Side.BUY, min(need, most), most, row, debt)
        return None

    def _instrument(self, base: str, quote: str) -> Instrument | None:
        found = self._market.instruments.get(f"{base}{quote}")
        return found if found is not None and terms_of(found).is_on_m and found.is_tradable else None

    def _trade(
        self, instrument: Instrument, side: Side, wanted: Decimal, most: Decimal, row: dict[str, Any], debt: str
    ) -> bool | None:
        price = self._market.index(instrument.id.symbol)
        least = max(instrument.min_quantity, instrument.min_notional * _MORE / price)
        quantity = min(ceil_to(max(wanted, least), instrument.lot_size), floor_to(most, instrument.lot_size))
        if quantity < least:
            return None
        wish = OrderWish(
            symbol=instrument.id.symbol,
            side=side,
            type=OrderType.MARKET,
            quantity=quantity,
            account=M,
            source="liquidation",
            is_foreign=True,
        )
        try:
            order = self._market.place(wish)
        except OrderError:
            return False  # nobody is there to trade with: it is tried again
        if not order.filled:
            return False
        row["liquidations"].append(self._sale(order, self._pay(debt)))
        return True

    @staticmethod
    def _sale(order: LocalOrder, repayment: dict[str, Any] | None) -> dict[str, Any]:
        return {
            "market": order.instrument.symbol.lower(),
            "type": order.side.value,
            "price": figure(round(order.average_price, 8)),
            "volume": figure(order.filled),
            "fee": figure(order.fee),
            "fee_currency": order.fee_currency.lower(),
            "repayment": repayment,
        }
