"""Margin arithmetic of linear perpetuals, and what resting orders lock. Pure functions on Decimal."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from venues.model import ZERO, Instrument, MarginMode, Side
from venues.paper.ledger import money
from venues.rounding import nearest_to


class Hold(NamedTuple):
    """What an account must know of an order that rests. An untriggered stop holds nothing."""

    side: Side
    price: Decimal
    quantity: Decimal  # what is still unfilled, in base units
    reduce_only: bool = False


class Leverage(msgspec.Struct, frozen=True):
    """How a position of an instrument is margined."""

    value: Decimal = Decimal(1)
    mode: MarginMode = MarginMode.CROSS


class OpenPosition(msgspec.Struct):
    """A position as it is kept: `cost` is the exact signed sum of price times quantity, so that no digit is lost.

    `isolated_funding` is what funding has added to (or taken from) an isolated margin.
    """

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    isolated_funding: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    ts_opened: int = 0
    ts_event: int = 0

    def pnl(self, mark: Decimal) -> Decimal:
        return self.quantity * mark - self.cost

    def margin(self, leverage: Leverage) -> Decimal:
        """Returns what is held for the position: the initial margin at entry, funding included if isolated."""
        margin = money(abs(self.cost) / leverage.value)
        if leverage.mode is MarginMode.ISOLATED:
            margin = max(ZERO, margin + self.isolated_funding)
        return margin

    def reduce(self, closing: Decimal, price: Decimal) -> Decimal:
        """Closes `closing` (positive) base units of it at `price` and returns the realised profit, exactly."""
        size = abs(self.quantity)
        share, funding_share = self.cost, self.isolated_funding
        if closing != size:
            share = money(self.cost * closing / size)
            funding_share = money(self.isolated_funding * closing / size)
        closed = closing if self.quantity > 0 else -closing
        profit = closed * price - share
        self.quantity -= closed
        self.cost -= share
        self.isolated_funding -= funding_share
        self.realized_pnl += profit
        return profit


def fee_rate(instrument: Instrument) -> Decimal:
    """Returns the higher of both fees, never below zero: what an order may cost, whoever comes first."""
    return max(instrument.maker_fee, instrument.taker_fee, ZERO)


def spot_locks(instrument: Instrument, holds: Iterable[Hold]) -> dict[str, Decimal]:
    """Returns what resting spot orders lock: for a buy the quote currency with the fee, for a sell the base."""
    quote = base = ZERO
    for hold in holds:
        if hold.side is Side.BUY:
            quote += hold.price * hold.quantity
        else:
            base += hold.quantity
    return {instrument.quote: money(quote * (1 + fee_rate(instrument))), instrument.base: base}


def perpetual_lock(instrument: Instrument, holds: Iterable[Hold], position: Decimal, leverage: Decimal) -> Decimal:
    """Returns the initial margin and fees that resting orders lock, in the settle currency.

    What would only close the position locks nothing: reduce-only orders, and of the others on the closing side
    those that the market reaches first, up to the position's size.
    """
    opening = ZERO
    for side in (Side.BUY, Side.SELL):
        room = max(ZERO, -position * side.sign)
        ordered = sorted((h for h in holds if h.side is side and not h.reduce_only), key=_price_of)
        for hold in reversed(ordered) if side is Side.BUY else ordered:
            free = min(room, hold.quantity)
            room -= free
            opening += hold.price * (hold.quantity - free)
    return money(opening / leverage + opening * fee_rate(instrument))


def _price_of(hold: Hold) -> Decimal:
    return hold.price


def liquidation_price(
    instrument: Instrument, quantity: Decimal, cost: Decimal, backing: Decimal
) -> Decimal | None:
    """Returns the mark at which `backing` plus the profit is down to the maintenance margin, or None.

    `backing` is the isolated margin, or for cross margin all equity that the other positions leave.
    """
    slope = quantity - instrument.maintenance_margin * abs(quantity)
    if not slope:
        return None
    price = (cost - backing) / slope
    return nearest_to(price, instrument.tick_size) if price > 0 else None
