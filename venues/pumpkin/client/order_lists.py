"""Orders and fills looked up and listed (section "Trading and Account Interface"); moments in milliseconds.

Raises (all of them):
    BadRequest: it is not written as the venue writes it; nothing was sent.
    VenueError: what went wrong with the answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from venues.pumpkin.client.calls import Calls, cursor, numbered
from venues.pumpkin.client.paging import by_cursor, by_number
from venues.pumpkin.codes import judge_read_order
from venues.pumpkin.models import Direction, EntrustKind, Fill, Order, OrderEntrust, OrderSide, OrderState, Page
from venues.pumpkin.parameters import (
    MOST_A_PAGE,
    id_of,
    ids_of,
    maybe_id_of,
    one_of,
    symbol_of,
    symbols_of,
    word_of,
)
from venues.transport.parameters import compact, given

_ORDER = "/v2/order"


class OrderListCalls(Calls):
    """Lists have 10 rows unless they are told. An urgent read may use what the quotas keep for cancels."""

    async def order(self, order_id: str | int, *, is_urgent: bool = False) -> Order:
        """Returns one order (section "Query Order Details").

        Raises:
            OrderNotFound: which proves nothing soon after it was sent.
        """
        found = compact(orderId=id_of(order_id, "an order's id"))
        return await self._read(
            "look up order", f"{_ORDER}/detail", Order, found, judge=judge_read_order, is_urgent=is_urgent
        )

    async def orders_by_ids(self, order_ids: Sequence[str | int], *, is_urgent: bool = False) -> list[Order]:
        """Returns the orders of these ids that there are (section "Query Orders by ID List"). Tried once."""
        found = compact(ids=",".join(ids_of(order_ids, "orders")))
        return await self._read_by_post(
            "look up orders", f"{_ORDER}/list-by-ids", list[Order], found, is_urgent=is_urgent
        )

    async def open_orders(self, symbol: str, side: OrderSide | str, *, is_urgent: bool = False) -> list[Order]:
        """Returns the open orders of one contract **and side** (section "Query Current Orders")."""
        found = compact(symbol=symbol_of(symbol), direction=one_of(side, tuple(OrderSide), "a side"))
        return await self._read(
            "list open orders", f"{_ORDER}/listUnfinished", list[Order], found, is_urgent=is_urgent
        )

    async def open_orders_of(self, symbols: Sequence[str], *, is_urgent: bool = False) -> list[Order]:
        """Returns the open orders of these contracts, of both sides (section "Query All Current Orders")."""
        found = compact(list=symbols_of(symbols))
        return await self._read(
            "list open orders", f"{_ORDER}/all/listUnfinished", list[Order], found, is_urgent=is_urgent
        )

    async def orders(
        self,
        *,
        symbol: str | None = None,
        state: OrderState | str | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        page: int | None = None,
        size: int | None = None,
        is_urgent: bool = False,
    ) -> Page[Order]:
        """Returns a page of orders; `state` UNFINISHED is all that are open (section "Query Order List")."""
        found = compact(symbol=given(symbol, symbol_of), state=given(state, word_of, "a state"))
        found |= numbered(page, size, start_time, end_time)
        return await self._read("list orders", f"{_ORDER}/list", Page[Order], found, is_urgent=is_urgent)

    def iter_orders(
        self,
        *,
        symbol: str | None = None,
        state: OrderState | str | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        max_items: int | None = None,
    ) -> AsyncIterator[Order]:
        """Yields orders page by page; see `by_number` for what a list that changes meanwhile does."""

        async def fetch(page: int) -> Page[Order]:
            return await self.orders(
                symbol=symbol, state=state, start_time=start_time, end_time=end_time, page=page, size=MOST_A_PAGE
            )

        return by_number(fetch, _order_id, max_items=max_items)

    async def order_history(
        self,
        *,
        symbol: str | None = None,
        from_id: str | int | None = None,
        direction: Direction | str | None = None,
        limit: int | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> Page[Order]:
        """Returns orders by cursor (section "Query Historical Orders"); a page may have no `has_next`."""
        found = compact(symbol=given(symbol, symbol_of))
        found |= cursor(from_id, direction, limit, start_time, end_time)
        return await self._read("list past orders", f"{_ORDER}/list-history", Page[Order], found)

    def iter_order_history(
        self,
        *,
        symbol: str | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        max_items: int | None = None,
        max_pages: int | None = None,
    ) -> AsyncIterator[Order]:
        """Yields past orders, newest first."""

        async def fetch(last: str | None) -> Page[Order]:
            return await self.order_history(
                symbol=symbol,
                from_id=last,
                direction=Direction.NEXT,
                limit=MOST_A_PAGE,
                start_time=start_time,
                end_time=end_time,
            )

        return by_cursor(fetch, _order_id, max_items=max_items, max_pages=max_pages)

    async def fills(
        self,
        *,
        order_id: str | int | None = None,
        symbol: str | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> Page[Fill]:
        """Returns a page of fills, of one order if it is named (section "Query Trade Records")."""
        found = compact(orderId=maybe_id_of(order_id, "an order's id"), symbol=given(symbol, symbol_of))
        found |= numbered(page, size, start_time, end_time)
        return await self._read("list fills", f"{_ORDER}/trade-list", Page[Fill], found)

    def iter_fills(
        self,
        *,
        order_id: str | int | None = None,
        symbol: str | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        max_items: int | None = None,
    ) -> AsyncIterator[Fill]:
        """Yields fills page by page."""

        async def fetch(page: int) -> Page[Fill]:
            return await self.fills(
                order_id=order_id,
                symbol=symbol,
                start_time=start_time,
                end_time=end_time,
                page=page,
                size=MOST_A_PAGE,
            )

        return by_number(fetch, lambda row: row.exec_id, max_items=max_items)

    async def order_entrusts(
        self,
        *,
        kind: EntrustKind | str | None = None,
        symbol: str | None = None,
        state: str | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        force_close: bool | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> Page[OrderEntrust]:
        """Returns a page of orders and plan orders together (section "Query Order Entrust List")."""
        found = compact(
            type=given(kind, one_of, tuple(EntrustKind), "a kind"),
            symbol=given(symbol, symbol_of),
            state=given(state, word_of, "a state"),
            forceClose=force_close,
        )
        found |= numbered(page, size, start_time, end_time)
        return await self._read("list orders", "/v2/order-entrust/list", Page[OrderEntrust], found)

    def iter_order_entrusts(
        self,
        *,
        kind: EntrustKind | str | None = None,
        symbol: str | None = None,
        state: str | None = None,
        start_time: int | None = None,
        max_items: int | None = None,
    ) -> AsyncIterator[OrderEntrust]:
        """Yields orders and plan orders page by page."""

        async def fetch(page: int) -> Page[OrderEntrust]:
            return await self.order_entrusts(
                kind=kind, symbol=symbol, state=state, start_time=start_time, page=page, size=MOST_A_PAGE
            )

        return by_number(fetch, lambda row: f"{row.type} {row.id}", max_items=max_items)


def _order_id(order: Order) -> str:
    return order.order_id
