"""The local exchange of a venue that keeps its own positions."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from venues.model import Instrument, Side
from venues.rounding import passive_price
from venues.simulators.core import LocalExchange

MARKET_BOUND = Decimal("0.005")  # how far from the best price an order at the market may trade, as a fraction


def market_limit(best: Decimal, side: Side, instrument: Instrument) -> Decimal:
    """Returns the limit of an order at the market, around the best price of the other side."""
    return passive_price(best * (1 + side.sign * MARKET_BOUND), side, instrument.tick_size)


class ReviewedMarket(LocalExchange):
    """The local exchange, which has what follows from an action done before the next one."""

    review: Callable[[], None] | None = None
    _is_reviewing = False

    def settle(self) -> None:
        """Tells what has come of the newest action, and has done what follows from it."""
        super().settle()
        if self.review is None or self._is_reviewing:
            return
        self._is_reviewing = True
        try:
            self.review()
        finally:
            self._is_reviewing = False
