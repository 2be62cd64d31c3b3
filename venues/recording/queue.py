"""Where a paper order stands in a recorded queue.

An order joins behind the quantity displayed at its price. A trade there, by an aggressor of the other side, takes
from what is ahead first and fills the order with what is left. When the displayed quantity falls by more than
trades explain, somebody cancelled, and the part of it that was ahead is taken to be ahead / displayed. A trade
beyond the price fills the order at once and in full, since it could not have happened otherwise.

Recordings show so many levels a side and no more. What goes out of sight there was not cancelled: who was ahead
stays ahead. An order placed out of sight joins behind what is displayed when its price comes into sight.
"""

from __future__ import annotations

from decimal import Decimal

from venues.model import ZERO, Side
from venues.rounding import floor_to

_STEP = Decimal("1e-12")  # keeps a third of something that is later trebled from being a lot short


class QueuePosition:
    """One resting order's place. `ahead` and all quantities are in base units.

    `displayed` is None where the price is out of sight. Once it is known, `ahead` only ever falls.
    """

    __slots__ = ("_displayed", "_lot", "_unexplained", "ahead", "price", "quantity", "side")

    def __init__(
        self, side: Side, price: Decimal, quantity: Decimal, displayed: Decimal | None, lot: Decimal
    ) -> None:
        self.side = side
        self.price = price
        self.quantity = quantity  # what is still unfilled
        self.ahead = displayed or ZERO
        self._displayed = displayed
        self._unexplained = ZERO  # traded here, and not yet seen to be missing from the displayed quantity
        self._lot = lot

    def on_trade(self, aggressor: Side, price: Decimal, quantity: Decimal, given: Decimal = ZERO) -> Decimal:
        """Returns what the trade fills of the order, a whole number of lots.

        `given` is the part of `quantity` that one's own orders further ahead have had of it.
        """
        if (self.price - price) * self.side.sign > 0:
            filled, self.quantity, self.ahead = self.quantity, ZERO, ZERO
            return filled
        if price != self.price or aggressor is self.side:
            return ZERO
        self._unexplained += quantity
        taken = min(self.ahead, quantity - given)
        self.ahead -= taken
        filled = min(self.quantity, floor_to(quantity - given - taken, self._lot))
        self.quantity -= filled
        return filled

    def on_displayed(self, displayed: Decimal) -> None:
        """Takes in the quantity that is now displayed at the price. Not called while that is out of sight."""
        if self._displayed is None:
            self._displayed = self.ahead = displayed
            self._unexplained = ZERO
            return
        missing = self._displayed - displayed
        if missing > 0:
            traded = min(missing, self._unexplained)
            self._unexplained -= traded
            standing = self._displayed - traded
            if standing > displayed:
                share = (self.ahead * displayed / standing).quantize(_STEP)
                self.ahead = min(self.ahead, share)
            # Who is ahead is displayed; where the venue shows less, the rest was not there.
            self.ahead = min(self.ahead, displayed)
        self._displayed = displayed

    def shrink(self, quantity: Decimal) -> None:
        """Sets a smaller unfilled quantity; the place is kept. A larger one or a new price joins anew."""
        self.quantity = min(self.quantity, quantity)
