"""The public reads of CoinEx by REST. Every one raises VenueError, UnknownInstrument for what is not listed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from venues.coinex import endpoints
from venues.coinex.codes import judge_read
from venues.coinex.listing import Listing
from venues.coinex.parse import merge_levels, parse_bars, parse_book, parse_deals, parse_ticker, parse_tickers
from venues.events import BookSnapshot, Ticker, Trade
from venues.model import Bar, InstrumentId
from venues.transport.http import HttpClient

_FEW = 2  # tickers; more are read with all others in one answer


class PublicReads:
    """Reads market data. `wall` is our clock in nanoseconds UTC, the time at which an answer was received."""

    def __init__(self, http: HttpClient, listing: Listing, wall: Callable[[], int] = time.time_ns) -> None:
        self._http = http
        self._listing = listing
        self._wall = wall
        self._depths: Mapping[str, tuple[str, ...]] | None = None

    async def order_book(self, instrument: InstrumentId, depth: int, merge: str = "0") -> BookSnapshot:
        """Returns the best `depth` levels a side, 50 at most, merged to steps of `merge`; it has no checksum."""
        market = (await self._listing.one(instrument)).id.symbol
        request = endpoints.market_depth(market, depth, merge)
        answer = await self._http.fetch(request, endpoints.Depth, judge=judge_read)
        book = parse_book(market, answer.data, self._wall())
        if len(book.bids) <= depth and len(book.asks) <= depth:
            return book
        return BookSnapshot(
            book.instrument, book.bids[:depth], book.asks[:depth], book.sequence, book.ts_event, book.ts_recv
        )

    async def merge_steps(self, instrument: InstrumentId) -> Sequence[str]:
        """Returns the steps to which the book can be merged, "0" first: not merged."""
        market = (await self._listing.one(instrument)).id.symbol
        if self._depths is None:
            request = endpoints.market_tradings()
            answer = await self._http.fetch(request, endpoints.MarketTradings, judge=judge_read)
            self._depths = {name: trading.depths for name, trading in answer.data.items()}
        return merge_levels(self._depths, market)

    async def trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]:
        """Returns the newest trades, 1,000 at most, oldest first."""
        market = (await self._listing.one(instrument)).id.symbol
        answer = await self._http.fetch(
            endpoints.market_deals(market, limit), endpoints.Deals, judge=judge_read
        )  # fmt: skip
        return parse_deals(market, answer.data, self._wall())[-max(limit, 1) :]

    async def bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        """Returns the newest bars, 1,000 at most, oldest first."""
        return await self.bars_of((await self._listing.one(instrument)).id.symbol, interval, limit)

    async def bars_of(self, market: str, interval: int, limit: int) -> Sequence[Bar]:
        request = endpoints.market_bars(market, interval, limit)
        answer = await self._http.fetch(request, endpoints.Bars, judge=judge_read)
        return parse_bars(market, interval, answer.data)[-max(limit, 1) :]

    async def tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]:
        """Returns the day of these markets, in their order."""
        markets = [(await self._listing.one(instrument)).id.symbol for instrument in instruments]
        if len(markets) > _FEW:
            return await self.tickers_of(markets)
        found = []
        for market in markets:
            request = endpoints.market_ticker(market)
            answer = await self._http.fetch(request, endpoints.TickerAt, judge=judge_read)
            found.append(parse_ticker(market, answer.data.ticker, answer.data.date))
        return found

    async def tickers_of(self, markets: Sequence[str]) -> Sequence[Ticker]:
        answer = await self._http.fetch(endpoints.all_tickers(), endpoints.Tickers, judge=judge_read)
        return parse_tickers(answer.data, markets)
