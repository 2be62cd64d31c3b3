"""The public reads of MAX by REST. Every one raises VenueError, UnknownInstrument for what is not listed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from venues.errors import BadRequest
from venues.events import BookSnapshot, Ticker, Trade
from venues.max import VENUE
from venues.max.channels import RESOLUTIONS
from venues.max.client import Client
from venues.max.limits import MOST_A_PAGE, MOST_BARS, MOST_LEVELS
from venues.max.listing import Listing
from venues.max.parse import market_name, parse_bars, parse_book, parse_ticker
from venues.max.tape import parse_trades
from venues.model import NANOSECONDS, Bar, InstrumentId


class PublicReads:
    """Reads market data. `wall` is our clock in nanoseconds UTC, the time at which an answer was received."""

    def __init__(self, client: Client, listing: Listing, wall: Callable[[], int] = time.time_ns) -> None:
        self._client = client
        self._listing = listing
        self._wall = wall

    async def time(self) -> int:
        """Returns the venue's time in nanoseconds UTC, cut to seconds."""
        return (await self._client.timestamp()).timestamp * NANOSECONDS

    async def order_book(self, instrument: InstrumentId, depth: int) -> BookSnapshot:
        """Returns the best `depth` levels a side, 300 at most."""
        market = market_name((await self._listing.one(instrument)).id)
        limit = min(max(depth, 1), MOST_LEVELS)
        book = parse_book(market, await self._client.depth(market, limit=limit), self._wall())
        if len(book.bids) <= depth and len(book.asks) <= depth:
            return book
        return BookSnapshot(
            book.instrument, book.bids[:depth], book.asks[:depth], book.sequence, book.ts_event, book.ts_recv
        )

    async def trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]:
        """Returns the newest trades, 1,000 at most, oldest first."""
        market = market_name((await self._listing.one(instrument)).id)
        count = min(max(limit, 1), MOST_A_PAGE)
        return parse_trades(market, await self._client.trades(market, limit=count), self._wall())[-count:]

    async def bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        """Returns the newest bars, 10,000 at most, oldest first."""
        if interval not in RESOLUTIONS:
            raise BadRequest(VENUE, f"there are no bars of {interval} s")
        market = market_name((await self._listing.one(instrument)).id)
        count = min(max(limit, 1), MOST_BARS)
        lines = await self._client.kline(market, limit=count, period=interval // 60)
        return parse_bars(market, interval, lines)[-count:]

    async def tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]:
        """Returns the day of these markets, in their order."""
        markets = [market_name((await self._listing.one(instrument)).id) for instrument in instruments]
        if not markets:
            return []
        found = {each.market: each for each in await self._client.tickers(markets)}
        return [parse_ticker(found[market]) for market in markets if market in found]
