"""What MAX tells everybody, the M-wallet's prices and rates with it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from venues.errors import BadRequest, DecodeError
from venues.max import VENUE
from venues.max.client.calls import Calls
from venues.max.limits import MOST_BARS, MOST_LEVELS
from venues.max.models import (
    Currency,
    Depth,
    HistoricalIndexPrice,
    InterestRate,
    KLine,
    Market,
    PublicTrade,
    Ticker,
    Timestamp,
)
from venues.max.models.margin import IndexPriceRow
from venues.max.models.public import KLineRow
from venues.max.parameters import limit_of, market_of, moment_of, number_of
from venues.transport.models import check_figure
from venues.transport.parameters import compact, given

PERIODS = (1, 5, 15, 30, 60, 120, 240, 360, 720, 1_440, 4_320, 10_080)
"""The lengths of candles, in minutes."""

_LONGEST_SPAN = 30 * 24 * 3_600_000
_LAST_SECOND = 4_102_444_800


class PublicCalls(Calls):
    """Market data. Each raises VenueError."""

    async def markets(self) -> list[Market]:
        return await self._ask("list markets", "/markets", list[Market])

    async def currencies(self) -> list[Currency]:
        return await self._ask("list currencies", "/currencies", list[Currency])

    async def timestamp(self) -> Timestamp:
        """Returns the venue's time, cut to seconds."""
        return await self._ask("read time", "/timestamp", Timestamp)

    async def kline(
        self, market: str, *, limit: int = 30, period: int = 1, timestamp: int | None = None
    ) -> list[KLine]:
        """Returns up to 10,000 candles of `period` minutes, oldest first; `timestamp` begins, in **seconds**.

        Raises:
            BadRequest: there are no candles of such a period.
        """
        if period not in PERIODS:
            raise BadRequest(VENUE, f"a period is one of {', '.join(map(str, PERIODS))} minutes")
        rows = await self._ask(
            "read candles",
            "/k",
            list[KLineRow],
            compact(
                market=market_of(market),
                limit=limit_of(limit, MOST_BARS),
                period=period,
                timestamp=given(timestamp, number_of, "a second", 0, _LAST_SECOND),
            ),
        )
        return [row.line() for row in rows]

    async def depth(self, market: str, *, limit: int | None = None, sort_by_price: bool | None = None) -> Depth:
        """Returns up to 300 levels of each side; the best ask is the last of them (see `Depth.best_first`)."""
        return await self._ask(
            "read order book",
            "/depth",
            Depth,
            compact(
                market=market_of(market), limit=given(limit, limit_of, MOST_LEVELS), sort_by_price=sort_by_price
            ),
        )

    async def trades(
        self, market: str, *, timestamp: int | None = None, limit: int | None = None
    ) -> list[PublicTrade]:
        """Returns up to 1,000 trades until `timestamp` (milliseconds), newest first."""
        return await self._ask(
            "read trades",
            "/trades",
            list[PublicTrade],
            compact(market=market_of(market), timestamp=given(timestamp, moment_of), limit=given(limit, limit_of)),
        )

    async def tickers(self, markets: Sequence[str]) -> list[Ticker]:
        """Returns the tickers of `markets`. Raises BadRequest where none is named."""
        names = [market_of(market) for market in markets]
        if not names:
            raise BadRequest(VENUE, "no market is named")
        return await self._ask("read tickers", "/tickers", list[Ticker], compact(markets=names))

    async def ticker(self, market: str) -> Ticker:
        return await self._ask("read ticker", "/ticker", Ticker, compact(market=market_of(market)))

    async def m_wallet_index_prices(self) -> dict[str, Decimal]:
        """Returns the prices that value the M-wallet, by market."""
        return _checked(await self._ask("read index prices", "/wallet/m/index_prices", dict[str, Decimal]))

    async def m_wallet_historical_index_prices(
        self, market: str, *, start_time: int, end_time: int
    ) -> list[HistoricalIndexPrice]:
        """Returns the index prices from `start_time` until before `end_time`, milliseconds, 30 days at most."""
        start, end = moment_of(start_time), moment_of(end_time)
        number_of(end - start, "the span in milliseconds", 0, _LONGEST_SPAN)
        rows = await self._ask(
            "read past index prices",
            "/wallet/m/historical_index_prices",
            list[IndexPriceRow],
            compact(market=market_of(market), start_time=start, end_time=end),
        )
        return [row.index_price() for row in rows]

    async def m_wallet_limits(self) -> dict[str, Decimal]:
        """Returns what the venue has left to lend, by currency."""
        return _checked(await self._ask("read loan limits", "/wallet/m/limits", dict[str, Decimal]))

    async def m_wallet_interest_rates(self) -> dict[str, InterestRate]:
        """Returns the hourly rates, by currency."""
        return await self._ask("read interest rates", "/wallet/m/interest_rates", dict[str, InterestRate])


def _checked(figures: dict[str, Decimal]) -> dict[str, Decimal]:
    try:
        for figure in figures.values():
            check_figure(figure)
    except ValueError as error:
        raise DecodeError(VENUE, str(error)) from None
    return figures
