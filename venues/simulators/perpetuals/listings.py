"""Invented terms on well-known names, as every perpetual venue lists them."""

from __future__ import annotations

from decimal import Decimal

from venues.model import Instrument
from venues.paper.instruments import Listing

_TYPICAL_VALUE = Decimal(3_000)  # quote units of a resting order, in the mean


def listing_of(
    instrument: Instrument, opening: Decimal, *, share: int, volatility: float, basis: float = 7e-5
) -> Listing:
    """Returns how an instrument is traded. `share` is of the messages, `volatility` a day's."""
    ticks = int(opening / instrument.tick_size)
    return Listing(
        instrument=instrument,
        coin=instrument.base.lower(),
        opening_price=opening,
        share=share,
        typical_lots=max(1, int(_TYPICAL_VALUE / opening / instrument.lot_size)),
        daily_volatility=volatility,
        step=max(1.0, ticks * 1e-5),
        span=max(26.0, ticks * 8e-4),
        basis=basis,
    )
