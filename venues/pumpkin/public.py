"""The public reads of Pumpkin by REST. Every one raises VenueError, UnknownInstrument for what is not listed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from venues.errors import BadRequest
from venues.events import BookSnapshot, Ticker, Trade
from venues.model import Bar, InstrumentId
from venues.pumpkin import VENUE
from venues.pumpkin.client import Client
from venues.pumpkin.figures import ns_of_milliseconds
from venues.pumpkin.listing import Listing
from venues.pumpkin.models import AggTicker
from venues.pumpkin.parameters import MOST_BARS, MOST_LEVELS
from venues.pumpkin.parse import INTERVALS, Lots, parse_bars, parse_book, parse_ticker
from venues.pumpkin.tape import MOST_DEALS, Tapes


class PublicReads:
    """Reads market data. `wall` is our clock in nanoseconds UTC, the time at which an answer was received."""

    def __init__(
        self, client: Client, listing: Listing, tapes: Tapes, wall: Callable[[], int] = time.time_ns
    ) -> None:
        self._client = client
        self._listing = listing
        self._tapes = tapes
        self._wall = wall

    async def time(self) -> int:
        """Returns the venue's time in nanoseconds UTC, cut to milliseconds."""
        return ns_of_milliseconds(await self._client.time())

    async def order_book(self, instrument: InstrumentId, depth: int) -> BookSnapshot:
        """Returns the best `depth` levels a side, 50 at most."""
        one = await self._listing.one(instrument)
        levels = min(max(depth, 1), MOST_LEVELS)
        book = await self.whole_book(one.id.symbol, Lots(one.contract_size), levels)
        return msgspec.structs.replace(book, bids=book.bids[:levels], asks=book.asks[:levels])

    async def whole_book(self, symbol: str, lots: Lots, levels: int = MOST_LEVELS) -> BookSnapshot:
        return parse_book(await self._client.depth(symbol, level=levels), lots, self._wall())

    async def trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]:
        """Returns the newest trades, 1,000 at most, oldest first, by the names that the stream gave them."""
        one = await self._listing.one(instrument)
        count = min(max(limit, 1), MOST_DEALS)
        rows = await self._client.deals(one.id.symbol, num=count)
        return self._tapes.of(one).name(rows, self._wall())[-count:]

    async def bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        """Returns the newest bars, 1,000 at most, oldest first."""
        if interval not in INTERVALS:
            raise BadRequest(VENUE, f"there are no bars of {interval} s")
        one = await self._listing.one(instrument)
        count = min(max(limit, 1), MOST_BARS)
        rows = await self._client.klines(one.id.symbol, INTERVALS[interval], limit=count)
        return parse_bars(one, interval, rows)[-count:]

    async def tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]:
        """Returns the day of these contracts, in their order."""
        listed = [await self._listing.one(instrument) for instrument in instruments]
        rows = await self.agg_tickers([one.id.symbol for one in listed])
        return [parse_ticker(one, rows[one.id.symbol]) for one in listed if one.id.symbol in rows]

    async def agg_tickers(self, symbols: Sequence[str]) -> dict[str, AggTicker]:
        """Returns the day, mark and index of these contracts: an answer about all weighs no more."""
        if not symbols:
            return {}
        if len(symbols) == 1:
            return {symbols[0]: await self._client.agg_ticker(symbols[0])}
        wanted = set(symbols)
        return {row.symbol: row for row in await self._client.agg_tickers() if row.symbol in wanted}
