"""The demo user's accounts: the main one and those that a venue adds (margin); transfers, loans, history."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from venues.errors import InsufficientFunds
from venues.model import Balance
from venues.paper.exchange import TRADER
from venues.rounding import floor_to
from venues.simulators.loans import LoanBook
from venues.simulators.orders import MAIN, BalancesChanged, LocalFill
from venues.simulators.paper import LocalPaper

_SHOWN = Decimal("1e-8")  # the ledger is exact; what a venue shows of it is rounded down to this
_HISTORY_KEPT = 5_000


class HistoryRow(msgspec.Struct, frozen=True, gc=False):
    """One change of a balance. `business` is what it was: trade, deposit, transfer, loan, repayment."""

    ts_event: int
    account: int
    business: str
    business_id: int
    currency: str
    change: Decimal
    balance: Decimal


class Accounts:
    """Balances by the account's number. Any number may be named; what it holds is then nothing."""

    def __init__(self, venue: str, paper: LocalPaper) -> None:
        self._venue = venue
        self._paper = paper
        self._told: dict[tuple[int, str], Balance] = {}
        self._owners = {TRADER: MAIN}
        self.history: deque[HistoryRow] = deque(maxlen=_HISTORY_KEPT)
        self.loans = LoanBook(venue, paper, self.owner)

    def owner(self, account: int) -> str:
        """Returns the ledger's name of an account."""
        owner = TRADER if account == MAIN else f"account{account}"
        self._owners[owner] = account
        return owner

    @property
    def numbers(self) -> list[int]:
        """The accounts that were ever named, the main one first."""
        return list(self._owners.values())

    def balance(self, account: int, currency: str) -> Balance:
        """Returns a balance as the venue shows it."""
        exact = self._paper.account(self.owner(account)).balance(currency)
        available, locked = floor_to(exact.available, _SHOWN), floor_to(exact.locked, _SHOWN)
        return Balance(currency=currency, total=available + locked, available=available, locked=locked)

    def balances(self, account: int) -> tuple[Balance, ...]:
        """Returns all currencies that the account has ever held."""
        held = self._paper.account(self.owner(account)).balances()
        return tuple(self.balance(account, one.currency) for one in held)

    def fund(self, account: int, currency: str, amount: Decimal, now: int) -> None:
        """Brings money in from outside, a negative amount takes it out.

        Raises:
            InsufficientFunds: there is not so much to take.
        """
        if amount < 0:
            self._require(account, currency, -amount)
        self._paper.move_money("", self.owner(account), currency, amount)
        self.note(account, "deposit" if amount >= 0 else "withdraw", 0, currency, amount, now)

    def transfer(self, source: int, target: int, currency: str, amount: Decimal, now: int) -> None:
        """Raises InsufficientFunds, or OrderRejected where the money is borrowed."""
        self._require(source, currency, amount)
        self.loans.require_transferable(source, currency, amount, now)
        self._paper.move_money(self.owner(source), self.owner(target), currency, amount)
        self.note(source, "transfer", 0, currency, -amount, now)
        self.note(target, "transfer", 0, currency, amount, now)

    def _require(self, account: int, currency: str, amount: Decimal) -> None:
        if amount > self._paper.account(self.owner(account)).available(currency):
            raise InsufficientFunds(self._venue, f"not enough {currency}", "INSUFFICIENT_FUNDS")

    def note(self, account: int, business: str, number: int, currency: str, change: Decimal, now: int) -> None:
        """Adds a row to the history; the balance in it is the one that follows."""
        total = self.balance(account, currency).total
        self.history.append(HistoryRow(now, account, business, number, currency, change, total))

    def note_fill(self, fill: LocalFill, base: str, quote: str) -> None:
        """Adds what a spot fill has moved."""
        sign = fill.side.sign
        for currency, moved in ((base, sign * fill.quantity), (quote, -sign * fill.value)):
            change = moved - fill.fee if currency == fill.fee_currency else moved
            self.note(fill.account, "trade", fill.order_id, currency, change, fill.ts_event)

    def changes(self, moved: Iterable[tuple[str, str]], now: int) -> list[BalancesChanged]:
        """Returns what differs from what was told last, of the (owner, currency) that may have changed."""
        changed: dict[int, list[Balance]] = {}
        for owner, currency in moved:
            account = self._owners.get(owner)
            if account is None:
                continue
            balance = self.balance(account, currency)
            if balance != self._told.get((account, currency)):
                self._told[account, currency] = balance
                changed.setdefault(account, []).append(balance)
        return [BalancesChanged(account, tuple(balances), now) for account, balances in changed.items()]
