"""Margin loans of a local exchange: isolated per account, interest by the started hour."""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal

import msgspec

from venues.errors import BadRequest, InsufficientFunds, OrderRejected
from venues.model import NANOSECONDS, ZERO
from venues.paper.ledger import money
from venues.simulators.paper import LocalPaper

_HOUR = 3600 * NANOSECONDS
LIQUIDATION_RATIO = Decimal("1.1")  # assets against debts


class Loan(msgspec.Struct, kw_only=True):
    """One loan. `left` and `interest_paid` are in its currency."""

    id: int
    account: int
    currency: str
    amount: Decimal
    left: Decimal
    day_rate: Decimal
    is_renewed: bool
    ts_created: int
    interest_paid: Decimal = ZERO
    interest_charged: Decimal = ZERO  # up to `hours`
    hours: int = 0

    def charge(self, now: int) -> None:
        """Adds the interest of the hours that have begun since; the first begins with the loan."""
        hours = (now - self.ts_created) // _HOUR + 1
        self.interest_charged += money(self.left * self.day_rate / 24 * (hours - self.hours))
        self.hours = hours

    @property
    def interest(self) -> Decimal:
        return self.interest_charged - self.interest_paid


class Debt(msgspec.Struct, frozen=True):
    """What one account owes of one currency."""

    loan: Decimal
    interest: Decimal

    @property
    def total(self) -> Decimal:
        return self.loan + self.interest


class LoanBook:
    """All loans. `owner_of` gives the ledger's name of an account's number."""

    def __init__(self, venue: str, paper: LocalPaper, owner_of: Callable[[int], str]) -> None:
        self._venue = venue
        self._paper = paper
        self._owner_of = owner_of
        self._loans: dict[int, Loan] = {}
        self._repaid: list[Loan] = []
        self._number = 1_000

    def of(self, account: int, currency: str, now: int) -> list[Loan]:
        """Returns the open loans, oldest first, charged up to `now`."""
        found = [one for one in self._loans.values() if (one.account, one.currency) == (account, currency)]
        for loan in found:
            loan.charge(now)
        return found

    def history(self, accounts: Collection[int], now: int) -> list[Loan]:
        """Returns the loans of some accounts, the newest first, also those that are repaid."""
        for loan in self._loans.values():
            loan.charge(now)
        found = [one for one in (*self._repaid, *self._loans.values()) if one.account in accounts]
        return sorted(found, key=lambda loan: -loan.id)

    def debt(self, account: int, currency: str, now: int) -> Debt:
        found = self.of(account, currency, now)
        return Debt(sum((one.left for one in found), ZERO), sum((one.interest for one in found), ZERO))

    def owed(self, now: int) -> dict[str, Debt]:
        """Returns what all accounts together owe, by currency."""
        owed: dict[str, Debt] = {}
        for loan in self._loans.values():
            loan.charge(now)
            before = owed.get(loan.currency, Debt(ZERO, ZERO))
            owed[loan.currency] = Debt(before.loan + loan.left, before.interest + loan.interest)
        return owed

    def borrow(
        self, account: int, currency: str, amount: Decimal, *, day_rate: Decimal, is_renewed: bool, now: int
    ) -> Loan:
        """Pays a loan out into the account."""
        self._number += 1
        loan = Loan(
            id=self._number, account=account, currency=currency, amount=amount, left=amount, day_rate=day_rate,
            is_renewed=is_renewed, ts_created=now,
        )  # fmt: skip
        loan.charge(now)
        self._loans[loan.id] = loan
        self._paper.lend(self._owner_of(account), currency, amount)
        return loan

    def repay(self, account: int, currency: str, amount: Decimal, *, loan_id: int | None, now: int) -> None:
        """Pays interest first and then the loan, the oldest first.

        Raises:
            BadRequest: there is no such loan, or less is owed.
            InsufficientFunds: the account does not hold so much.
        """
        found = [one for one in self.of(account, currency, now) if loan_id in (None, one.id)]
        if not found:
            raise BadRequest(self._venue, "there is no such loan", "NO_LOAN")
        if amount > sum((one.left + one.interest for one in found), ZERO):
            raise BadRequest(self._venue, "more than is owed", "LOAN_AMOUNT")
        owner = self._owner_of(account)
        if amount > self._paper.account(owner).available(currency):
            raise InsufficientFunds(self._venue, f"not enough {currency}", "INSUFFICIENT_FUNDS")
        self._paper.lend(owner, currency, -amount)
        for loan in found:
            interest = min(amount, loan.interest)
            loan.interest_paid += interest
            principal = min(amount - interest, loan.left)
            loan.left -= principal
            amount -= interest + principal
            if not loan.left and not loan.interest:
                self._repaid.append(self._loans.pop(loan.id))

    def require_transferable(self, account: int, currency: str, amount: Decimal, now: int) -> None:
        """Raises OrderRejected where an account that owes something would give away more than is its own."""
        debt = self.debt(account, currency, now).total
        if debt and amount > max(ZERO, self._paper.account(self._owner_of(account)).available(currency) - debt):
            raise OrderRejected(self._venue, "borrowed money can not be transferred", "LOAN_OPEN")


def liquidation_price(base: Decimal, quote: Decimal, base_debt: Decimal, quote_debt: Decimal) -> Decimal | None:
    """Returns the price at which assets are down to 1.1 times the debts, or None where there is none.

    `base` and `quote` are all that the account holds, the borrowed included.
    """
    slope = base - LIQUIDATION_RATIO * base_debt
    if not slope or not (base_debt or quote_debt):
        return None
    price = (LIQUIDATION_RATIO * quote_debt - quote) / slope
    return price if price > 0 else None


def risk_percent(
    base: Decimal, quote: Decimal, base_debt: Decimal, quote_debt: Decimal, price: Decimal
) -> Decimal | None:
    """Returns assets over debts in percent at `price`, or None without debts."""
    debts = base_debt * price + quote_debt
    return (base * price + quote) / debts * 100 if debts else None
