"""The reads of Mayex's market. There is none by REST: each subscribes for a moment to what is not told yet.

Every one raises VenueError, UnknownInstrument for what is not listed. Books, tickers and the newest candle are as
of now. Trades, and the candles before the newest, are those that were told since somebody first subscribed them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from venues.errors import BadRequest, RequestTimeout
from venues.events import BookSnapshot, Ticker, Trade
from venues.mayex import VENUE
from venues.mayex.figures import symbol_of
from venues.mayex.host import Host
from venues.mayex.listing import Listing
from venues.mayex.parse import INTERVALS
from venues.mayex.streams import bars_name, depth_name, ticker_name
from venues.model import Bar, InstrumentId
from venues.transport.market_feed import with_quotes
from venues.transport.together import together

_PATIENCE = 10.0  # seconds at full scale that the first message of a stream is waited for
_QUIET = 3.0  # the same for candles, of which a market without trades may tell nothing
_FRESH = 5.0  # seconds that what was told every second counts as of now


class PublicReads:
    """Reads market data from the streams. `host` returns where an instrument is told of."""

    def __init__(self, host: Callable[[InstrumentId], Host], listing: Listing) -> None:
        self._host = host
        self._listing = listing

    async def order_book(self, instrument: InstrumentId, depth: int) -> BookSnapshot:
        """Returns the best `depth` levels a side, 100 at most."""
        host, symbol = await self._find(instrument)
        book = host.book(symbol)
        found: list[BookSnapshot] = []
        if book is not None and book.is_valid:
            return book.snapshot(max(depth, 1))

        def is_enough() -> bool:
            now = host.book(symbol)
            if now is not None and now.is_valid:
                found.append(now.snapshot(max(depth, 1)))
            return bool(found)

        if not await host.glimpse(depth_name(symbol, host.levels), _PATIENCE, is_enough):
            raise RequestTimeout(VENUE, f"no book of {symbol} came in time")
        return found[-1]

    async def trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]:
        """Returns the newest trades that were told, 1,000 at most, oldest first."""
        host, _ = await self._find(instrument)
        return host.tapes.of(instrument).newest(limit)

    async def bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        """Returns the newest bars that were told, 1,000 at most, oldest first."""
        if interval not in INTERVALS:
            raise BadRequest(VENUE, f"there are no bars of {interval} s")
        host, symbol = await self._find(instrument)
        name = bars_name(symbol, interval)
        if not host.is_fresh(name, _FRESH):
            await host.glimpse(name, _QUIET)
        return host.candles.newest(instrument, interval, limit)

    async def tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]:
        """Returns the day of these markets, in their order, without those of which nothing is told."""
        found = await together(*(self._ticker(instrument) for instrument in instruments))
        if instruments and not any(found):
            raise RequestTimeout(VENUE, "no ticker came in time")
        return [ticker for ticker in found if ticker is not None]

    async def _ticker(self, instrument: InstrumentId) -> Ticker | None:
        host, symbol = await self._find(instrument)
        name = ticker_name(symbol)
        if not host.is_fresh(name, _FRESH) and not await host.glimpse(name, _PATIENCE):
            return None
        ticker = host.tickers.get(instrument)
        return None if ticker is None else with_quotes(ticker, host.book(symbol))

    async def _find(self, instrument: InstrumentId) -> tuple[Host, str]:
        symbol = symbol_of(instrument)
        await self._listing.one(instrument)
        return self._host(instrument), symbol
