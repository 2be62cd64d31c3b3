"""The lists of Pumpkin that orders, plan orders and exits are in, each read as far as it has to be.

Open orders are read by `order/list?state=UNFINISHED`, whose symbol may be left out: weight 2 whatever the number
of contracts, where `all/listUnfinished` wants every contract named and `listUnfinished` a side besides. It comes
in pages, and an order that ends between two of them hides another at the seam. So it counts only where one page
holds all; of more, every listed contract is named to `all/listUnfinished`, which has no pages.

An urgent read may use what the quotas keep for cancels. Raises (all of them): VenueError.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from venues.model import NANOSECONDS
from venues.pumpkin.client import Client
from venues.pumpkin.client.paging import by_cursor, by_number
from venues.pumpkin.figures import symbol_of
from venues.pumpkin.intake import Instruments
from venues.pumpkin.models import (
    Direction,
    EntrustKind,
    EntrustState,
    Order,
    OrderState,
    Page,
    PlanOrder,
    ProfitStop,
)
from venues.pumpkin.parameters import FIRST_MOMENT, MOST_A_PAGE, MOST_SYMBOLS

_MOST_PAGES, _MOST_SINCE = 5, 30  # of a list without a beginning; and of one with: 3,000 rows
WAITING = EntrustState.NOT_TRIGGERED


class OrderLists:
    """Lists of one account; `since` and `made` are moments of the venue's clock, nanoseconds UTC."""

    def __init__(self, client: Client, listing: Instruments) -> None:
        self._client = client
        self._listing = listing

    async def resting(self, symbol: str | None, *, is_urgent: bool) -> list[Order]:
        """Returns the orders that rest in the book."""
        if symbol is not None:
            return await self._client.open_orders_of([symbol], is_urgent=is_urgent)
        page = await self._client.orders(
            state=OrderState.UNFINISHED, page=1, size=MOST_A_PAGE, is_urgent=is_urgent
        )
        if page.total is not None and len(page.items) >= page.total:
            return page.items
        names = sorted(symbol_of(each) for each in await self._listing.all())
        found: list[Order] = []
        for first in range(0, len(names), MOST_SYMBOLS):
            part = names[first : first + MOST_SYMBOLS]
            found += await self._client.open_orders_of(part, is_urgent=is_urgent)
        return found

    async def plans(self, symbol: str | None, *, is_urgent: bool) -> list[PlanOrder]:
        """Returns plan orders that wait."""

        async def fetch(last: str | None) -> Page[PlanOrder]:
            return await self._client.plans(
                symbol=symbol, state=WAITING, from_id=last, direction=Direction.NEXT, limit=MOST_A_PAGE,
                is_urgent=is_urgent,
            )  # fmt: skip

        return [row async for row in by_cursor(fetch, lambda row: row.entrust_id)]

    async def past_plans(self, symbol: str, since: int) -> list[PlanOrder]:
        """Returns plan orders that no longer wait, those made at `since` or later."""
        past = self._client.iter_plan_history(
            symbol=symbol, start_time=_moment(since), max_items=_pages_of(since) * MOST_A_PAGE
        )
        return [row async for row in past]

    async def exits(self, symbol: str | None, *, is_urgent: bool) -> list[ProfitStop]:
        """Returns exits that wait."""

        async def fetch(last: str | None) -> Page[ProfitStop]:
            return await self._exits(symbol, WAITING, last, is_urgent)

        return [row async for row in by_cursor(fetch, _exit_id)]

    async def past_exits(
        self, symbol: str, state: EntrustState, since: int, *, is_urgent: bool
    ) -> list[ProfitStop]:
        """Returns exits of a state in which they no longer wait, those made at `since` or later among them.

        This list has no filter by time: it is read until a page has nothing so new.
        """

        async def fetch(last: str | None) -> Page[ProfitStop]:
            page = await self._exits(symbol, state, last, is_urgent)
            is_older = all(row.created_time < since // 1_000_000 for row in page.items)
            return msgspec.structs.replace(page, has_next=False) if is_older else page

        return [row async for row in by_cursor(fetch, _exit_id, max_pages=_pages_of(since))]

    async def _exits(
        self, symbol: str | None, state: EntrustState, last: str | None, is_urgent: bool
    ) -> Page[ProfitStop]:
        return await self._client.profit_stops(
            symbol=symbol, state=state, from_id=last, direction=Direction.NEXT, limit=MOST_A_PAGE,
            is_urgent=is_urgent,
        )  # fmt: skip

    def orders(self, symbol: str, since: int, *, is_urgent: bool) -> AsyncIterator[Order]:
        """Yields orders of all states that were made at `since` or later, the newest first."""

        async def fetch(page: int) -> Page[Order]:
            return await self._client.orders(
                symbol=symbol, start_time=_moment(since), page=page, size=MOST_A_PAGE, is_urgent=is_urgent
            )

        return by_number(fetch, lambda row: row.order_id, max_pages=_pages_of(since))

    def past_orders(self, symbol: str, since: int) -> AsyncIterator[Order]:
        """Yields orders that are over, the newest first."""
        return self._client.iter_order_history(
            symbol=symbol, start_time=_moment(since), max_pages=_pages_of(since)
        )

    async def named_child(self, symbol: str, number: str, made: int) -> str:
        """Returns the number of the order that a plan order has placed; empty where it is not named."""
        page = await self._client.order_entrusts(
            kind=EntrustKind.ENTRUST, symbol=symbol, start_time=_moment(made - NANOSECONDS),
            end_time=_moment(made + NANOSECONDS), size=MOST_A_PAGE,
        )  # fmt: skip
        named = next((row.entrust_order_id for row in page.items if row.id == number), None)
        return str(named or "")


def _exit_id(row: ProfitStop) -> str:
    return row.profit_id


def _pages_of(since: int) -> int:
    """Returns how far a list is read: to its beginning, where it is known since when."""
    return _MOST_PAGES if _moment(since) is None else _MOST_SINCE


def _moment(since: int) -> int | None:
    """Returns nanoseconds as the milliseconds that the venue filters by; None for no beginning."""
    milliseconds = since // 1_000_000
    return milliseconds if milliseconds >= FIRST_MOMENT else None
