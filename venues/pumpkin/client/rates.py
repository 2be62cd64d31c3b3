"""Mark and index prices, funding, leverage brackets, the risk fund, open interest ("Market Data Interface").

Raises (all of them):
    BadRequest: it is not written as the venue writes it; nothing was sent.
    VenueError: what went wrong with the answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from venues.pumpkin.client.calls import Calls, cursor
from venues.pumpkin.client.paging import by_cursor
from venues.pumpkin.models import (
    Direction,
    FundingRate,
    FundingRecord,
    LeverageBrackets,
    OpenInterest,
    Page,
    Price,
    RiskBalance,
)
from venues.pumpkin.parameters import MOST_A_PAGE, Value, symbol_of

_Q, _BRACKETS, _CONTRACT = "/v2/public/q", "/v2/public/leverage/bracket", "/v2/public/contract"


class RateCalls(Calls):
    """Lists by cursor have the newest row first, and 10 rows unless they are told."""

    async def mark_prices(self) -> list[Price]:
        """Section "Mark Price"."""
        return await self._ask("read mark prices", f"{_Q}/mark-price", list[Price])

    async def mark_price(self, symbol: str) -> Price:
        """Section "Trading Pair Mark Price"."""
        return await self._ask("read mark price", f"{_Q}/symbol-mark-price", Price, _of(symbol))

    async def index_prices(self) -> list[Price]:
        """Section "Index Price"."""
        return await self._ask("read index prices", f"{_Q}/index-price", list[Price])

    async def index_price(self, symbol: str) -> Price:
        """Section "Trading Pair Index Price"."""
        return await self._ask("read index price", f"{_Q}/symbol-index-price", Price, _of(symbol))

    async def funding_rate(self, symbol: str) -> FundingRate:
        """Returns the rate that the next collection will take, a fraction (section "Funding Rate")."""
        return await self._ask("read funding rate", f"{_Q}/funding-rate", FundingRate, _of(symbol))

    async def funding_history(
        self,
        symbol: str,
        *,
        from_id: str | int | None = None,
        direction: Direction | str | None = None,
        limit: int | None = None,
    ) -> Page[FundingRecord]:
        """Returns rates that were collected (section "Funding Rate Records")."""
        found = _of(symbol) | cursor(from_id, direction, limit)
        return await self._ask("read funding history", f"{_Q}/funding-rate-record", Page[FundingRecord], found)

    def iter_funding_history(
        self, symbol: str, *, max_items: int | None = None, max_pages: int | None = None
    ) -> AsyncIterator[FundingRecord]:
        """Yields the rates that were collected, newest first."""

        async def fetch(last: str | None) -> Page[FundingRecord]:
            return await self.funding_history(symbol, from_id=last, direction=Direction.NEXT, limit=MOST_A_PAGE)

        return by_cursor(fetch, lambda row: row.id, max_items=max_items, max_pages=max_pages)

    async def leverage_brackets(self) -> list[LeverageBrackets]:
        """Returns the tiers of all contracts (section "Leverage Tier List")."""
        return await self._ask("read leverage tiers", f"{_BRACKETS}/list", list[LeverageBrackets])

    async def leverage_bracket(self, symbol: str) -> LeverageBrackets:
        """Returns the tiers of one contract (section "Leverage Tier Details")."""
        return await self._ask("read leverage tiers", f"{_BRACKETS}/detail", LeverageBrackets, _of(symbol))

    async def risk_balances(
        self,
        symbol: str,
        *,
        from_id: str | int | None = None,
        direction: Direction | str | None = None,
        limit: int | None = None,
    ) -> Page[RiskBalance]:
        """Returns what was in the risk fund (section "Get Trading Pair Risk Fund Balance")."""
        found = _of(symbol) | cursor(from_id, direction, limit)
        return await self._ask("read risk fund", f"{_CONTRACT}/risk-balance", Page[RiskBalance], found)

    def iter_risk_balances(
        self, symbol: str, *, max_items: int | None = None, max_pages: int | None = None
    ) -> AsyncIterator[RiskBalance]:
        """Yields what was in the risk fund, newest first."""

        async def fetch(last: str | None) -> Page[RiskBalance]:
            return await self.risk_balances(symbol, from_id=last, direction=Direction.NEXT, limit=MOST_A_PAGE)

        return by_cursor(fetch, lambda row: row.id, max_items=max_items, max_pages=max_pages)

    async def open_interest(self, symbol: str) -> OpenInterest:
        """Section "Get Trading Pair Open Interest"."""
        return await self._ask("read open interest", f"{_CONTRACT}/open-interest", OpenInterest, _of(symbol))


def _of(symbol: str) -> dict[str, Value]:
    return {"symbol": symbol_of(symbol)}
