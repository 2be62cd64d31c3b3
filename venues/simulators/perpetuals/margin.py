"""Margin by brackets: what a position must be backed with, and at which mark it no longer is. Pure functions.

The document gives brackets and no formula; this is the one that is common. Sizes are in contracts, money in the
settle currency. The fee of a liquidation is no part of when it happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from venues.model import ZERO
from venues.rounding import nearest_to


class Bracket(NamedTuple):
    """Up to `max_position` contracts: the highest leverage, the maintenance rate, and what is taken off it."""

    number: int
    max_position: Decimal
    max_leverage: int
    rate: Decimal
    amount: Decimal


class Stake(NamedTuple):
    """A position as the arithmetic sees it: `quantity` and `cost` are signed and in base and quote units."""

    quantity: Decimal
    cost: Decimal
    contracts: Decimal
    brackets: Sequence[Bracket]

    def pnl(self, mark: Decimal) -> Decimal:
        return self.quantity * mark - self.cost

    def maintenance(self, mark: Decimal) -> Decimal:
        found = bracket_of(self.brackets, self.contracts)
        return abs(self.quantity) * mark * found.rate - found.amount


def bracket_of(brackets: Sequence[Bracket], contracts: Decimal) -> Bracket:
    """Returns the bracket that a size falls into; beyond the last one it is the last one."""
    return next((one for one in brackets if contracts <= one.max_position), brackets[-1])


def most_leverage(brackets: Sequence[Bracket], contracts: Decimal) -> int:
    """Returns the highest leverage of a size, 0 where no bracket takes it."""
    return bracket_of(brackets, contracts).max_leverage if contracts <= brackets[-1].max_position else 0


def liquidation_price(stakes: Sequence[Stake], backing: Decimal, tick: Decimal) -> Decimal | None:
    """Returns the mark at which `backing` and the profit of `stakes` are down to their maintenance margin.

    The stakes are of one symbol: one isolated position, or all cross positions of both sides, with what the
    account has beside them as their backing. None where no price above zero does it.
    """
    slope = level = ZERO
    for stake in stakes:
        found = bracket_of(stake.brackets, stake.contracts)
        slope += stake.quantity - found.rate * abs(stake.quantity)
        level += stake.cost - found.amount
    if not slope:
        return None
    price = nearest_to((level - backing) / slope, tick)
    return price if price > 0 else None
