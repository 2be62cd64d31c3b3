"""The double-entry ledger: every amount leaves one owner and reaches another, exactly.

Amounts are added in a context that traps rounding, so that the sum over all owners of a currency changes by
deposits only, to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Any

from venues.model import ZERO

HOUSE = "house"  # the background flow trades from it, and every trade and funding payment is cleared against it
FEES = "fees"
INSURANCE = "insurance"
SYSTEM_OWNERS = frozenset({HOUSE, FEES, INSURANCE})

MONEY_STEP = Decimal("1e-12")  # finer results (a share of a cost, a funding payment) are rounded to this
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


def money(value: Decimal) -> Decimal:
    """Returns `value` with at most 12 digits after the point, ties to even."""
    exponent = value.as_tuple().exponent
    return value.quantize(MONEY_STEP, context=_WIDE) if isinstance(exponent, int) and exponent < -12 else value


class Ledger:
    """Cash of every owner by currency. System owners may be negative, the house without limit."""

    __slots__ = ("_cash",)

    def __init__(self) -> None:
        self._cash: dict[str, dict[str, Decimal]] = {}

    def cash(self, owner: str, currency: str) -> Decimal:
        return self._cash.get(owner, {}).get(currency, ZERO)

    def currencies(self, owner: str) -> tuple[str, ...]:
        """Returns the currencies that the owner has ever held, in the order of their first use."""
        return tuple(self._cash.get(owner, ()))

    def deposit(self, owner: str, currency: str, amount: Decimal) -> None:
        """Brings money in from outside (negative takes it out): the only way that a sum changes."""
        held = self._cash.setdefault(owner, {})
        held[currency] = _EXACT.add(held.get(currency, ZERO), amount)

    def transfer(self, source: str, target: str, currency: str, amount: Decimal) -> None:
        """Moves `amount` from one owner to another; a negative amount moves the other way."""
        if amount:
            self.deposit(source, currency, amount.copy_negate())
            self.deposit(target, currency, amount)

    def sums(self) -> dict[str, Decimal]:
        """Returns the sum over all owners of each currency."""
        sums: dict[str, Decimal] = {}
        for held in self._cash.values():
            for currency, amount in held.items():
                sums[currency] = _EXACT.add(sums.get(currency, ZERO), amount)
        return sums

    def to_state(self) -> dict[str, Any]:
        return {owner: {name: str(amount) for name, amount in held.items()} for owner, held in self._cash.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Mapping[str, str]]) -> Ledger:
        ledger = cls()
        for owner, held in state.items():
            ledger._cash[owner] = {name: Decimal(amount) for name, amount in held.items()}
        return ledger
