"""The account, its balances, and the lists of its orders and fills, in either wallet.

Raises (all of them):
    BadRequest: it is not written as the venue writes it; nothing was sent.
    VenueError: what went wrong with the answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from venues.errors import BadRequest
from venues.max import VENUE
from venues.max.client.calls import ORDERS, Calls, paged
from venues.max.client.paging import pages
from venues.max.models import Account, Order, PrivateTrade, UserInfo
from venues.max.parameters import Value, currency_of, id_of, limit_of, market_of, moment_of, one_of, wallet_of
from venues.transport.parameters import compact, given

ORDER_BY = ("asc", "desc", "asc_updated_at", "desc_updated_at")


class HistoryCalls(Calls):
    """The lists of what is ours. A `wallet_type` is "spot", or "m" for the M-wallet."""

    async def info(self) -> UserInfo:
        return await self._read("read account", "/info", UserInfo)

    async def accounts(self, *, wallet_type: str = "spot", currency: str | None = None) -> list[Account]:
        """Returns the balances, one of each currency."""
        return await self._read(
            "read balances",
            f"/wallet/{wallet_of(wallet_type)}/accounts",
            list[Account],
            compact(currency=given(currency, currency_of)),
        )

    async def wallet_trades(
        self,
        *,
        wallet_type: str = "spot",
        market: str | None = None,
        timestamp: int | None = None,
        from_id: int | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> list[PrivateTrade]:
        """Returns our trades from a moment (milliseconds) or an id on; of the two, the moment wins."""
        return await self._read(
            "list fills",
            f"/wallet/{wallet_of(wallet_type)}/trades",
            list[PrivateTrade],
            paged(
                timestamp,
                order,
                limit,
                market=given(market, market_of),
                from_id=given(from_id, id_of, "a trade's id"),
            ),
        )

    async def open_orders(
        self,
        *,
        wallet_type: str = "spot",
        market: str | None = None,
        timestamp: int | None = None,
        order_by: str | None = None,
        limit: int | None = None,
        is_urgent: bool = False,
    ) -> list[Order]:
        """Returns the orders that rest, stops with them, 50 unless `limit` says otherwise."""
        path = f"/wallet/{wallet_of(wallet_type)}/orders/open"
        parameters = _listing(market, timestamp, order_by, limit)
        return await self._read("list open orders", path, list[Order], parameters, is_urgent=is_urgent)

    async def closed_orders(
        self,
        *,
        wallet_type: str = "spot",
        market: str | None = None,
        timestamp: int | None = None,
        order_by: str | None = None,
        limit: int | None = None,
    ) -> list[Order]:
        """Returns the orders that ended."""
        path = f"/wallet/{wallet_of(wallet_type)}/orders/closed"
        parameters = _listing(market, timestamp, order_by, limit)
        return await self._read("list past orders", path, list[Order], parameters)

    async def order_history(
        self, market: str, *, wallet_type: str = "spot", from_id: int | None = None, limit: int | None = None
    ) -> list[Order]:
        """Returns every order from an id on, in the order of their ids."""
        return await self._read(
            "list orders",
            f"/wallet/{wallet_of(wallet_type)}/orders/history",
            list[Order],
            compact(
                market=market_of(market),
                from_id=given(from_id, id_of, "an order's id"),
                limit=given(limit, limit_of),
            ),
        )

    async def iter_wallet_trades(
        self,
        *,
        wallet_type: str = "spot",
        market: str | None = None,
        timestamp: int | None = None,
        from_id: int | None = None,
        order: str = "asc",
        page_limit: int = 100,
        max_items: int | None = None,
        max_pages: int | None = None,
    ) -> AsyncIterator[PrivateTrade]:
        """Yields our trades, each once; without a beginning from the first (asc) or from the last (desc).

        Raises:
            BadRequest: both a moment and an id to begin with: the venue would take no notice of the second.
        """
        if timestamp is not None and from_id is not None:
            raise BadRequest(VENUE, "give a timestamp or a from_id to begin with, not both")
        begin = from_id
        if begin is None and timestamp is None and one_of(order, ORDERS, "the order") == "asc":
            begin = 1

        async def fetch(cursor: int | None, limit: int) -> list[PrivateTrade]:
            # A moment is for the first page only: the venue takes it before any id.
            moment = timestamp if cursor is None else None
            return await self.wallet_trades(
                wallet_type=wallet_type, market=market, timestamp=moment, from_id=cursor, order=order, limit=limit
            )

        async for trade in pages(
            fetch, from_id=begin, page_limit=page_limit, max_items=max_items, max_pages=max_pages
        ):
            yield trade

    async def iter_order_history(
        self,
        market: str,
        *,
        wallet_type: str = "spot",
        from_id: int | None = None,
        page_limit: int = 100,
        max_items: int | None = None,
        max_pages: int | None = None,
    ) -> AsyncIterator[Order]:
        """Yields every order of a market, each once, in the order of their ids."""

        async def fetch(cursor: int | None, limit: int) -> list[Order]:
            return await self.order_history(market, wallet_type=wallet_type, from_id=cursor, limit=limit)

        async for order in pages(
            fetch, from_id=from_id, page_limit=page_limit, max_items=max_items, max_pages=max_pages
        ):
            yield order


def _listing(
    market: str | None, timestamp: int | None, order_by: str | None, limit: int | None
) -> dict[str, Value]:
    return compact(
        market=given(market, market_of),
        timestamp=given(timestamp, moment_of),
        order_by=given(order_by, one_of, ORDER_BY, "the order"),
        limit=given(limit, limit_of),
    )
