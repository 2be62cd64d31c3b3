"""Tick, lot and minimum arithmetic on Decimal."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from venues.model import Instrument, Side


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """Returns the largest multiple of `step` that is not above `value`, with the step's own decimals."""
    return ((value / step).to_integral_value(ROUND_FLOOR) * step).quantize(step)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """Returns the smallest multiple of `step` that is not below `value`, with the step's own decimals."""
    return ((value / step).to_integral_value(ROUND_CEILING) * step).quantize(step)


def nearest_to(value: Decimal, step: Decimal) -> Decimal:
    """Returns the multiple of `step` nearest to `value`, ties to even."""
    return ((value / step).to_integral_value(ROUND_HALF_EVEN) * step).quantize(step)


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Says whether `value` is a whole number of steps, exactly."""
    return value % step == 0


def passive_price(price: Decimal, side: Side, tick: Decimal) -> Decimal:
    """Returns `price` on the tick, rounded so that the order never pays more than was typed."""
    return floor_to(price, tick) if side is Side.BUY else ceil_to(price, tick)


def order_faults(instrument: Instrument, quantity: Decimal, price: Decimal | None) -> tuple[str, ...]:
    """Returns what the instrument's steps and limits forbid about an order, in a trader's words.

    `price` is the limit price, or for a market order the price it is expected to trade at (for the minimum
    notional only: that one need not be on the tick, so pass it already rounded).
    """
    faults: list[str] = []
    if not is_multiple(quantity, instrument.lot_size):
        faults.append(f"size must be a multiple of {instrument.lot_size:f} {instrument.base}")
    if quantity < instrument.min_quantity:
        faults.append(f"size is below the minimum of {instrument.min_quantity:f} {instrument.base}")
    if instrument.max_quantity is not None and quantity > instrument.max_quantity:
        faults.append(f"size is above the maximum of {instrument.max_quantity:f} {instrument.base}")
    if price is not None:
        if not is_multiple(price, instrument.tick_size):
            faults.append(f"price must be a multiple of {instrument.tick_size:f}")
        if quantity * price < instrument.min_notional:
            faults.append(f"order is below the minimum of {instrument.min_notional:f} {instrument.quote}")
    return tuple(faults)
