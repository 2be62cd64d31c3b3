"""Contracts, tickers, books, deals and candles (section "Market Data Interface").

Raises (all of them):
    BadRequest: it is not written as the venue writes it; nothing was sent.
    VenueError: what went wrong with the answer.
"""

from __future__ import annotations

from venues.pumpkin.client.calls import Calls
from venues.pumpkin.client.session import TIME_PATH
from venues.pumpkin.models import AggTicker, Deal, Depth, Interval, Kline, Symbol, Ticker
from venues.pumpkin.models.words import ROLLING_DAY, TIME_RANGES
from venues.pumpkin.parameters import (
    MOST_BARS,
    MOST_LEVELS,
    Value,
    limit_of,
    number_of,
    one_of,
    span_of,
    symbol_of,
)
from venues.transport.parameters import compact, given

_MOST_DEALS = 1_000  # inferred: the document names no end
_INTERVALS = tuple(Interval)
_Q = "/v2/public/q"


class MarketCalls(Calls):
    """A `time_range` is "H24", or a trading day such as "UTC_P_8"; quantities are contracts."""

    async def time(self) -> int:
        """Returns the venue's time in milliseconds (section "Get Server Time")."""
        return await self._ask("read time", TIME_PATH, int)

    async def symbols(self, *, status: str | None = None) -> list[Symbol]:
        """Returns all contracts and their rules (section "Get Trading Pair List"); `status` "TRADING" filters."""
        status = None if status is None else one_of(status, ("TRADING",), "a status")
        return await self._ask("list contracts", "/v2/public/symbol/list", list[Symbol], compact(status=status))

    async def symbol(self, symbol: str) -> Symbol:
        """Returns one contract (section "Trading Pair Details")."""
        return await self._ask("read contract", "/v2/public/symbol/detail", Symbol, _of(symbol))

    async def symbol_names(self) -> list[str]:
        """Returns the names of all contracts (section "Get Contract Currency List")."""
        return await self._ask("list names", "/v2/public/symbol/all", list[str])

    async def ticker(self, symbol: str, *, time_range: str = ROLLING_DAY) -> Ticker:
        """Section "Market Tickers"."""
        return await self._ask("read ticker", f"{_Q}/ticker", Ticker, _of(symbol) | _within(time_range))

    async def tickers(self, *, time_range: str = ROLLING_DAY) -> list[Ticker]:
        """Section "Market List"."""
        return await self._ask("read tickers", f"{_Q}/tickers", list[Ticker], _within(time_range))

    async def agg_ticker(self, symbol: str, *, time_range: str = ROLLING_DAY) -> AggTicker:
        """Returns a ticker with index, mark and best prices (section "Aggregate Market Data")."""
        return await self._ask("read ticker", f"{_Q}/agg-ticker", AggTicker, _of(symbol) | _within(time_range))

    async def agg_tickers(self, *, time_range: str = ROLLING_DAY) -> list[AggTicker]:
        """Section "Aggregate Market List"."""
        return await self._ask("read tickers", f"{_Q}/agg-tickers", list[AggTicker], _within(time_range))

    async def depth(self, symbol: str, *, level: int = MOST_LEVELS) -> Depth:
        """Returns 1 to 50 levels of each side (section "Depth Data")."""
        found = _of(symbol) | {"level": number_of(level, "a level", 1, MOST_LEVELS)}
        return await self._ask("read order book", f"{_Q}/depth", Depth, found)

    async def deals(self, symbol: str, *, num: int | None = None) -> list[Deal]:
        """Returns the last trades, newest first, 50 unless it is told (section "Trade Data")."""
        found = _of(symbol) | compact(num=given(num, limit_of, _MOST_DEALS))
        return await self._ask("read trades", f"{_Q}/deal", list[Deal], found)

    async def klines(
        self,
        symbol: str,
        interval: Interval | str,
        *,
        start_time: int | None = None,
        end_time: int | None = None,
        limit: int | None = None,
    ) -> list[Kline]:
        """Returns up to 1,000 candles, newest first, 500 unless it is told (section "K-line Data").

        Moments in milliseconds. With both, `limit` may be ignored.
        """
        found = compact(
            symbol=symbol_of(symbol),
            interval=one_of(interval, _INTERVALS, "an interval"),
            limit=given(limit, limit_of, MOST_BARS),
        )
        return await self._ask("read candles", f"{_Q}/kline", list[Kline], found | span_of(start_time, end_time))


def _of(symbol: str) -> dict[str, Value]:
    return {"symbol": symbol_of(symbol)}


def _within(time_range: str) -> dict[str, Value]:
    return {"timeRangeType": one_of(time_range, TIME_RANGES, "a time range")}
