"""The M-wallet: one cross margin account with loans, interest by the started hour, and an AD ratio."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, NamedTuple

import msgspec

from venues.model import NANOSECONDS, ZERO
from venues.simulators.core import LocalExchange
from venues.simulators.loans import Debt
from venues.simulators.max.markets import M_DEPOSITS, opening_price
from venues.simulators.max.refusals import FORBIDDEN, NO_FUNDS, Refusal
from venues.simulators.orders import MAIN

M = 1  # the account's number
HOURLY_RATES: Mapping[str, Decimal] = {
    "TWD": Decimal("0.0000062"),
    "BTC": Decimal("0.0000031"),
    "ETH": Decimal("0.0000038"),
    "USDT": Decimal("0.0000095"),
}
LIMITS: Mapping[str, Decimal] = {
    "TWD": Decimal(3_000_000),
    "BTC": Decimal(2),
    "ETH": Decimal(40),
    "USDT": Decimal(100_000),
}
LEAST_LOAN: Mapping[str, Decimal] = {
    "TWD": Decimal(100),
    "BTC": Decimal("0.0001"),
    "ETH": Decimal("0.001"),
    "USDT": Decimal(10),
}
INDEXES = ("BTCUSDT", "ETHUSDT", "USDTTWD")
NO_DEBT_RATIO = Decimal(999_999)
_LEAST_TO_BORROW = Decimal("1.3")  # the ratio that must be left after a loan
_LEAST_TO_TAKE = Decimal(2)  # the ratio that must be left after a transfer out
_HOUR = 3600 * NANOSECONDS
_SHOWN = Decimal("1e-8")


class Ratio(NamedTuple):
    """Assets against debts, in USDT."""

    ratio: Decimal
    assets: Decimal
    debts: Decimal


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One loan, transfer or repayment as the history has it. `interest` is the part of a repayment."""

    sn: str
    currency: str
    amount: Decimal
    at: int  # nanoseconds UTC
    rate: Decimal = ZERO
    side: str = ""
    interest: Decimal = ZERO

    def shown(self) -> dict[str, str]:
        """Returns it as the control API shows it."""
        return {
            "sn": self.sn,
            "currency": self.currency,
            "amount": f"{self.amount:f}",
            "interest": f"{self.interest:f}",
            "side": self.side,
        }


class InterestRow(NamedTuple):
    """The interest of one loan for one started hour."""

    currency: str
    amount: Decimal
    rate: Decimal
    principal: Decimal
    at: int  # nanoseconds UTC


class Wallet:
    """What the demo user has borrowed, and what that is worth. `told` hears of the currency of every change."""

    def __init__(self, market: LocalExchange) -> None:
        self._market = market
        self.loans: list[Row] = []
        self.transfers: list[Row] = []
        self.repayments: list[Row] = []
        self.interests: list[InterestRow] = []
        self._hours: dict[int, int] = {}
        self.is_enabled = True
        self.told: Callable[[str], None] = lambda _: None
        for currency, amount in M_DEPOSITS.items():
            market.accounts.fund(M, currency, amount, market.now)
        market.settle()

    def index_prices(self) -> dict[str, Decimal]:
        """Returns the index prices by market, those of markets that are not listed in this run as they open."""
        listed = self._market.instruments
        return {name: self._market.index(name) if name in listed else opening_price(name) for name in INDEXES}

    def debt(self, currency: str) -> Debt:
        """Returns what is owed, up to now."""
        found = self._market.accounts.loans.debt(M, currency, self._market.now)
        return Debt(found.loan, found.interest.quantize(_SHOWN, ROUND_CEILING))

    def owned(self) -> list[str]:
        """Returns the currencies that the wallet holds or owes something of."""
        held = [one.currency for one in self._market.balances(M)]
        return list(dict.fromkeys([*held, *(name for name in HOURLY_RATES if self.debt(name).total)]))

    def ratio(self, *, taken: tuple[str, Decimal] = ("", ZERO), lent: tuple[str, Decimal] = ("", ZERO)) -> Ratio:
        """Returns the AD ratio, as it would be with something taken out or lent."""
        prices = self._prices()
        assets = sum((one.total * prices.get(one.currency, ZERO) for one in self._market.balances(M)), ZERO)
        debts = sum((self.debt(name).total * prices[name] for name in HOURLY_RATES), ZERO)
        assets -= taken[1] * prices.get(taken[0], ZERO)
        more = lent[1] * prices.get(lent[0], ZERO)
        assets, debts = assets + more, debts + more
        ratio = assets / debts if debts else NO_DEBT_RATIO
        return Ratio(ratio.quantize(Decimal("0.0001")), assets.quantize(_SHOWN), debts.quantize(_SHOWN))

    def _prices(self) -> dict[str, Decimal]:
        index = self.index_prices()
        return {
            "USDT": Decimal(1),
            "TWD": 1 / index["USDTTWD"],
            "BTC": index["BTCUSDT"],
            "ETH": index["ETHUSDT"],
        }

    @property
    def has_debt(self) -> bool:
        """Whether anything is owed, interest included."""
        return bool(self._market.accounts.loans.owed(self._market.now))

    def state(self) -> dict[str, Any]:
        """Returns what was borrowed, moved and paid back as plain values, numbers as text."""
        return {
            "loans": [row.shown() for row in self.loans],
            "transfers": [row.shown() for row in self.transfers],
            "repayments": [row.shown() for row in self.repayments],
        }

    def limits(self) -> dict[str, Decimal]:
        """Returns how much more of each currency may be borrowed from the pool."""
        return {name: max(ZERO, most - self.debt(name).loan) for name, most in LIMITS.items()}

    def borrow(self, currency: str, amount: Decimal) -> Row:
        """Pays out a loan. Raises Refusal."""
        if amount < LEAST_LOAN[currency] or amount > self.limits()[currency]:
            raise Refusal(FORBIDDEN, "the amount is not within what may be borrowed")
        if self.ratio(lent=(currency, amount)).ratio < _LEAST_TO_BORROW:
            raise Refusal(FORBIDDEN, "the AD ratio would be too low")
        accounts, now, rate = self._market.accounts, self._market.now, HOURLY_RATES[currency]
        loan = accounts.loans.borrow(M, currency, amount, day_rate=rate * 24, is_renewed=False, now=now)
        accounts.note(M, "loan", loan.id, currency, amount, now)
        row = Row(sn=self._sn(), currency=currency, amount=amount, at=now, rate=rate)
        self.loans.append(row)
        self._changed(currency)
        return row

    def repay(self, currency: str, amount: Decimal) -> Row:
        """Pays back interest first and then the loan. Raises Refusal, VenueError."""
        interest = self.pay(currency, amount)
        row = Row(sn=self._sn(), currency=currency, amount=amount, at=self._market.now, interest=interest)
        self.repayments.append(row)
        return row

    def pay(self, currency: str, amount: Decimal) -> Decimal:
        """Pays back without a row of its own; returns the part that was interest. Raises VenueError."""
        self.charge()
        accounts, now = self._market.accounts, self._market.now
        owed = accounts.loans.debt(M, currency, now)
        interest = min(amount, self.debt(currency).interest)
        # What is shown is rounded up: who pays that has paid all.
        paid = owed.total if owed.total < amount <= self.debt(currency).total else amount
        accounts.loans.repay(M, currency, paid, loan_id=None, now=now)
        accounts.note(M, "repayment", 0, currency, -amount, now)
        self._changed(currency)
        return interest

    def transfer(self, currency: str, amount: Decimal, side: str) -> Row:
        """Moves money in from the spot wallet, or out to it. Raises Refusal, VenueError."""
        accounts, now = self._market.accounts, self._market.now
        source, target = (MAIN, M) if side == "in" else (M, MAIN)
        if amount > accounts.balance(source, currency).available:
            raise Refusal(NO_FUNDS)
        if side == "out" and self.ratio(taken=(currency, amount)).ratio < _LEAST_TO_TAKE:
            raise Refusal(FORBIDDEN, "the AD ratio would be too low")
        accounts.transfer(source, target, currency, amount, now)
        row = Row(sn=self._sn(), currency=currency, amount=amount, at=now, side=side)
        self.transfers.append(row)
        self._changed(currency)
        return row

    def age(self, hours: int) -> None:
        """Makes every loan so many hours older, as if that time had passed."""
        now = self._market.now
        self.charge()
        for loan in self._market.accounts.loans.history((M,), now):
            loan.ts_created -= hours * _HOUR
        for currency in self.charge():
            self.told(currency)

    def charge(self) -> list[str]:
        """Writes down the interest of the hours that have begun since the last time; returns of what."""
        now = self._market.now
        charged: dict[str, None] = {}
        for loan in self._market.accounts.loans.history((M,), now):
            rate = loan.day_rate / 24
            for hour in range(self._hours.get(loan.id, 0), loan.hours if loan.left else 0):
                row = InterestRow(loan.currency, loan.left * rate, rate, loan.left, loan.ts_created + hour * _HOUR)
                self.interests.append(row)
                charged[loan.currency] = None
            self._hours[loan.id] = loan.hours
        return list(charged)

    def _sn(self) -> str:
        return str(self._market.take_number())

    def _changed(self, currency: str) -> None:
        self.charge()
        self._market.settle()
        self.told(currency)
