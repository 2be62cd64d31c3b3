"""What the control API does to a perpetual venue, whatever its wire."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from venues.model import Instrument, Side
from venues.simulators.core import LocalExchange

if TYPE_CHECKING:
    from venues.simulators.perpetuals.venue import PerpetualVenue

_DEEP = 100_000  # lots of a quote that a moved market leaves


def fund(venue: PerpetualVenue, coin: str, amount: Decimal) -> None:
    """Transfers money in, a negative amount out. Raises ValueError: there is not so much."""
    if venue.wallet.purse(coin).available + amount < 0:
        raise ValueError(f"not enough {coin}")
    venue.wallet.move(venue.wallet.words.transfer, amount, venue.market.now, coin=coin)
    venue.market.settle()


def settle_funding(venue: PerpetualVenue, instrument: Instrument, rate: Decimal) -> None:
    """Settles a funding time of a symbol now."""
    venue.positions.fund(instrument.id, rate, venue.mark(instrument.id.symbol), venue.market.now)
    venue.market.settle()


def move_market(market: LocalExchange, instrument: Instrument, price: Decimal) -> None:
    """Moves a market to a price: book, last price, index and so the mark.

    Raises:
        ValueError: the price is not on the tick.
    """
    tick, size = instrument.tick_size, _DEEP * instrument.lot_size
    if price <= tick or price % tick:
        raise ValueError(f"'price' must be a multiple of {tick:f}")
    for number in market.paper.quotes(instrument.id):
        market.paper.flow_cancel(number)
    for side, quoted in ((Side.BUY, price - tick), (Side.SELL, price + tick)):
        market.paper.flow_limit(instrument.id, side, quoted, size)
    market.paper.flow_limit(instrument.id, Side.SELL, price, instrument.lot_size)
    market.paper.flow_market(instrument.id, Side.BUY, instrument.lot_size)
    market.paper.set_index(instrument.id, price)
    market.settle()
