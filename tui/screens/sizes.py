"""The size that a ladder preview gets: presets and steps, kept for each instrument."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

from venues.model import Instrument, InstrumentId

_MULTIPLES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class SizeDial:
    """The current size per instrument, in base units, always a multiple of its lot.

    `presets` are the trader's own sizes; without any they are multiples of the smallest size that the
    instrument takes.
    """

    def __init__(self, presets: Sequence[Decimal] = ()) -> None:
        self._own = tuple(sorted(presets))
        self._sizes: dict[InstrumentId, Decimal] = {}

    def presets(self, instrument: Instrument, price: Decimal | None = None) -> tuple[Decimal, ...]:
        """Returns the presets that `instrument` can take; `price` is used for its least notional."""
        least = smallest_size(instrument, price)
        own = tuple(size for preset in self._own if (size := _to_lot(preset, instrument)) >= least)
        return own or tuple(least * multiple for multiple in _MULTIPLES)

    def size(self, instrument: Instrument, price: Decimal | None = None) -> Decimal:
        """Returns the current size."""
        known = self._sizes.get(instrument.id)
        return known if known is not None else self.presets(instrument, price)[0]

    def step(self, instrument: Instrument, steps: int, price: Decimal | None = None) -> Decimal:
        """Adds `steps` of a tenth of the current size's leading digit, at least a lot; returns the size."""
        size = self.size(instrument, price)
        step = _to_lot(Decimal(1).scaleb(size.adjusted() - 1), instrument) or instrument.lot_size
        return self._set(instrument, size + step * steps, price)

    def next_preset(self, instrument: Instrument, places: int, price: Decimal | None = None) -> Decimal:
        """Goes to the next larger (+1) or smaller (-1) preset; returns the size."""
        size = self.size(instrument, price)
        presets = self.presets(instrument, price)
        if places > 0:
            wanted = next((p for p in presets if p > size), presets[-1])
        else:
            wanted = next((p for p in reversed(presets) if p < size), presets[0])
        return self._set(instrument, wanted, price)

    def _set(self, instrument: Instrument, size: Decimal, price: Decimal | None) -> Decimal:
        size = max(smallest_size(instrument, price), _to_lot(size, instrument))
        if instrument.max_quantity is not None:
            size = min(size, instrument.max_quantity)
        self._sizes[instrument.id] = size
        return size


def smallest_size(instrument: Instrument, price: Decimal | None) -> Decimal:
    """Returns the smallest size that the instrument takes at `price`, in base units."""
    least = max(instrument.lot_size, instrument.min_quantity)
    if price and instrument.min_notional:
        lots = (instrument.min_notional / price / instrument.lot_size).to_integral_value(ROUND_CEILING)
        least = max(least, lots * instrument.lot_size)
    return least


def _to_lot(size: Decimal, instrument: Instrument) -> Decimal:
    return size // instrument.lot_size * instrument.lot_size
