"""Fifty books of the local exchange, each of which changes whenever it is told to."""

from __future__ import annotations

from venues.model import Side
from venues.simulators.core import LocalExchange
from venues.simulators.max.markets import ACTIVE, SYMBOLS, TERMS

BOOKS = 50
FIFTY = tuple(name for name in SYMBOLS if TERMS[name].status == ACTIVE)[:BOOKS]
PER_SECOND, PER_MINUTE = 20, 200  # messages that one connection may send


class Stir:
    """Changes every book by one level: an order of the crowd at the best bid comes, and goes the next time."""

    def __init__(self, market: LocalExchange) -> None:
        self._market = market
        self._resting: dict[str, int] = {}

    def __call__(self) -> None:
        market = self._market
        for name, instrument in market.instruments.items():
            number = self._resting.pop(name, 0)
            if not number or not market.paper.flow_cancel(number):
                best = market.paper.best_bid(instrument.id)
                if best is not None:
                    self._resting[name] = market.paper.flow_limit(
                        instrument.id, Side.BUY, best, instrument.lot_size
                    )
        market.settle()
