"""What one currency is worth in another, by the spot markets of a venue."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from tui.desk.market import Market
from venues.model import InstrumentId

_ONE = Decimal(1)


class Rates:
    """Rates by the last prices: of a market of the two, either way round, or of two markets with one between."""

    def __init__(self) -> None:
        self._markets: dict[tuple[str, str, str], Market] = {}  # (venue, base, quote)
        self._beside: dict[tuple[str, str], list[str]] = {}  # (venue, currency) -> what it is traded against

    def add(self, market: Market) -> None:
        """Takes a spot market."""
        venue, base, quote = market.instrument.id.venue, market.instrument.base, market.instrument.quote
        self._markets[venue, base, quote] = market
        self._beside.setdefault((venue, base), []).append(quote)
        self._beside.setdefault((venue, quote), []).append(base)

    def rate(self, venue: str, currency: str, into: str) -> Decimal | None:
        """Returns what one unit of `currency` is worth in `into`; None where no price is known yet."""
        if currency == into:
            return _ONE
        for between in self._ways(venue, currency, into):
            first = self._direct(venue, currency, between)
            second = self._direct(venue, between, into) if first is not None else None
            if first is not None and second is not None:
                return first * second
        return None

    def is_priced(self, venue: str, currency: str, into: str) -> bool:
        """Whether there are markets that will tell the rate, known yet or not."""
        return currency == into or next(self._ways(venue, currency, into), None) is not None

    def counted(self, venue: str, currency: str, into: str) -> tuple[Decimal | None, str]:
        """Returns the rate into `into`, and `into`; where no market tells it, 1 and `currency` itself."""
        if not self.is_priced(venue, currency, into):
            return _ONE, currency
        return self.rate(venue, currency, into), into

    def needed(self, venue: str, currency: str, into: str) -> tuple[InstrumentId, ...]:
        """Returns the markets whose prices tell the rate, the shortest way; none where there are none."""
        if currency == into or (between := next(self._ways(venue, currency, into), None)) is None:
            return ()
        pairs = [pair for pair in ((currency, between), (between, into)) if pair[0] != pair[1]]
        found = [self._markets.get((venue, *pair)) or self._markets[venue, pair[1], pair[0]] for pair in pairs]
        return tuple(market.instrument.id for market in found)

    def _ways(self, venue: str, currency: str, into: str) -> Iterator[str]:
        """Yields what may stand between the two, first `into` itself: nothing does."""
        near, far = self._beside.get((venue, currency), ()), self._beside.get((venue, into), ())
        if into in near:
            yield into
        yield from (one for one in near if one != into and one in far)

    def _direct(self, venue: str, currency: str, into: str) -> Decimal | None:
        if currency == into:
            return _ONE
        if (market := self._markets.get((venue, currency, into))) is not None:
            price = market.price()
            return price if price is not None and price > 0 else None  # zero: it was never traded
        market = self._markets.get((venue, into, currency))
        price = market.price() if market is not None else None
        return _ONE / price if price is not None and price > 0 else None
