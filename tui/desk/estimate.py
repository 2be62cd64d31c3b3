"""What an order would cost and do, worked out before it is sent. Estimates, all of them; pure Decimal.

Amounts are in the quote currency, quantities in base units. None says that it is not known, or does not apply.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext

import msgspec

from tui.desk.control import OrderIntent
from tui.desk.frame import BookLevel, BookView
from venues.liquidation import Stake, brackets_of, liquidation_price
from venues.model import ZERO, Instrument, MarginMode, Position, Side

DEPTH = 10  # levels that the share of the book is told of
_PRECISION = 90


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be expected of an order.

    `share` is the part (0..1) of the first ten levels' size that it takes at once, `average_price` what that
    would trade at, `filled_now` how much. `is_beyond_book`: the book shown is too thin to tell the price.
    """

    notional: Decimal | None = None
    fee: Decimal | None = None
    margin: Decimal | None = None
    liquidation: Decimal | None = None
    liquidation_distance: Decimal | None = None  # fraction of the entry
    share: Decimal | None = None
    average_price: Decimal | None = None
    filled_now: Decimal = ZERO
    is_beyond_book: bool = False


class Sweep(msgspec.Struct, frozen=True):
    """What an aggressive order takes from the levels shown."""

    quantity: Decimal
    cost: Decimal  # quote currency, without fees
    share: Decimal  # of the first ten levels' size, 0..1

    @property
    def average_price(self) -> Decimal | None:
        return self.cost / self.quantity if self.quantity else None


def opposite_levels(book: BookView, side: Side) -> tuple[BookLevel, ...]:
    """Returns the levels that an order of this side would trade with, best first."""
    return book.asks if side is Side.BUY else book.bids


def is_within(level: Decimal, side: Side, limit: Decimal | None) -> bool:
    """Says whether an order of this side with this limit price trades at `level`."""
    return limit is None or (level <= limit if side is Side.BUY else level >= limit)


def sweep(levels: Sequence[BookLevel], side: Side, quantity: Decimal, limit: Decimal | None = None) -> Sweep:
    """Returns what an order of `quantity` would trade at once, down to its limit price."""
    left, cost, near = quantity, ZERO, ZERO
    for index, level in enumerate(levels):
        if left <= 0 or not is_within(level.price, side, limit):
            break
        taken = min(left, level.quantity)
        cost += taken * level.price
        left -= taken
        if index < DEPTH:
            near += taken
    shown = sum((level.quantity for level in levels[:DEPTH]), ZERO)
    return Sweep(quantity - left, cost, near / shown if shown else ZERO)


def affordable(levels: Sequence[BookLevel], amount: Decimal, factor: Decimal) -> Decimal:
    """Returns the base quantity that `amount` buys (or a sale of which brings it) at market, at `factor` a unit
    of cost: 1 for the bare notional, more with fees, less with leverage. What the levels do not hold is not
    counted: no price is known for it.
    """
    quantity, left = ZERO, amount
    for level in levels:
        price = level.price * factor
        if level.quantity * price >= left:
            return quantity + left / price
        quantity += level.quantity
        left -= level.quantity * price
    return quantity


def estimate(
    intent: OrderIntent,
    instrument: Instrument,
    *,
    book: BookView | None,
    reference: Decimal | None,
    position: Position | None,
    leverage: Decimal | None,
    margin_mode: MarginMode,
    collateral: Decimal | None,
    beside: Sequence[Position] = (),
) -> Estimate:
    """Works out what `intent` would cost and do.

    `reference` is a price to fall back on where no book says what a market order would trade at; `collateral`
    is what the account holds of the settle currency, `position` the one the order would add to or reduce, `beside`
    are the instrument's others.
    """
    limit = intent.price
    taken = Sweep(ZERO, ZERO, ZERO)
    triggered = intent.trigger_price is not None
    has_book = book is not None and book.is_valid
    if book is not None and has_book and not triggered and not intent.post_only:
        taken = sweep(opposite_levels(book, intent.side), intent.side, intent.quantity, limit)
    rest = intent.quantity - taken.quantity
    rest_price = limit or intent.trigger_price or taken.average_price or reference
    if rest > 0 and rest_price is None:
        return Estimate()
    notional = taken.cost + (rest * rest_price if rest_price is not None else ZERO)
    is_aggressive_rest = limit is None or triggered
    rest_fee = instrument.taker_fee if is_aggressive_rest else instrument.maker_fee
    fee = taken.cost * instrument.taker_fee + (notional - taken.cost) * rest_fee
    entry = notional / intent.quantity
    margin, liquidation = None, None
    if instrument.is_perpetual:
        if leverage and not intent.reduce_only:
            margin = notional / leverage
        liquidation = liquidation_after(
            intent, entry, instrument, position, leverage, margin_mode, collateral, beside
        )
    return Estimate(
        notional=notional,
        fee=fee,
        margin=margin,
        liquidation=liquidation,
        liquidation_distance=None if liquidation is None else abs(liquidation - entry) / entry,
        share=taken.share if has_book else None,
        average_price=taken.average_price,
        filled_now=taken.quantity,
        is_beyond_book=has_book and limit is None and not triggered and rest > 0,
    )


def liquidation_after(
    intent: OrderIntent,
    entry: Decimal,
    instrument: Instrument,
    position: Position | None,
    leverage: Decimal | None,
    margin_mode: MarginMode,
    collateral: Decimal | None,
    beside: Sequence[Position] = (),
) -> Decimal | None:
    """Returns about where the position would be liquidated once the whole order has filled at `entry`.

    `beside` are the instrument's other positions. Those of other instruments, and fees, are left out: an estimate,
    and shown as one. None when the order leaves no position, or one that the collateral covers wholly.
    """
    held = ZERO if position is None else position.quantity
    size = held + intent.side.sign * intent.quantity
    if intent.reduce_only and (held == 0 or size * held < 0):
        return None
    if size == 0:
        return None
    if position is None or held == 0 or size * held < 0:
        average = entry
    elif abs(size) < abs(held):
        average = position.entry_price
    else:
        average = (position.entry_price * abs(held) + entry * intent.quantity) / abs(size)
    stakes = [Stake(size, average, brackets_of(instrument))]
    if margin_mode is MarginMode.ISOLATED:
        backing = _isolated_backing(position, size, average, entry, leverage)
    elif collateral is None:
        backing = None
    else:
        backing = collateral - sum((p.margin for p in beside if p.margin_mode is MarginMode.ISOLATED), ZERO)
        stakes += [
            Stake(p.quantity, p.entry_price, brackets_of(instrument))
            for p in beside
            if p.margin_mode is MarginMode.CROSS
        ]
    if backing is None:
        return None
    with localcontext(prec=_PRECISION):  # a small short with much behind it is liquidated very far away
        return liquidation_price(stakes, backing, instrument.tick_size)


def _isolated_backing(
    position: Position | None, size: Decimal, average: Decimal, entry: Decimal, leverage: Decimal | None
) -> Decimal | None:
    """Returns what an isolated position has behind it then; what was added to its margin stays with it."""
    if position is not None and position.margin > 0 and position.quantity * size > 0:
        before, after = abs(position.quantity), abs(size)
        if after <= before:
            return position.margin * after / before
        return position.margin + (after - before) * entry / leverage if leverage else None
    return abs(size) * average / leverage if leverage else None
