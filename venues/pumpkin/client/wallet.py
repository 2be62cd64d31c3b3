"""Balances, bills, the stream's key and rebates ("Trading and Account Interface"); moments in milliseconds.

Raises (all of them):
    BadRequest: it is not written as the venue writes it; nothing was sent.
    VenueError: what went wrong with the answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from venues.errors import BadRequest
from venues.pumpkin import VENUE
from venues.pumpkin.client.calls import Calls, cursor
from venues.pumpkin.client.paging import by_cursor
from venues.pumpkin.models import Balance, Bill, BillType, Direction, Page, Rebate
from venues.pumpkin.parameters import MOST_A_PAGE, coin_of, maybe_id_of, moment_of, symbol_of, word_of
from venues.transport.parameters import compact, given


class WalletCalls(Calls):
    """The money, by coin."""

    async def balances(self, *, is_urgent: bool = False) -> list[Balance]:
        """Section "Query Balance List"."""
        return await self._read("read balances", "/v2/balance/list", list[Balance], is_urgent=is_urgent)

    async def balance(self, coin: str) -> Balance:
        """Section "Get User Single Currency Funds"."""
        return await self._read("read balance", "/v2/balance/detail", Balance, compact(coin=coin_of(coin)))

    async def bills(
        self,
        *,
        coin: str | None = None,
        symbol: str | None = None,
        bill_type: BillType | str | None = None,
        from_id: str | int | None = None,
        direction: Direction | str | None = None,
        limit: int | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
    ) -> Page[Bill]:
        """Returns what moved the balances, newest first, 10 unless it is told (section "Query Bill Records")."""
        found = compact(
            coin=given(coin, coin_of),
            symbol=given(symbol, symbol_of),
            type=given(bill_type, word_of, "a bill's type"),
        )
        found |= cursor(from_id, direction, limit, start_time, end_time)
        return await self._read("list bills", "/v2/balance/bills", Page[Bill], found)

    def iter_bills(
        self,
        *,
        coin: str | None = None,
        symbol: str | None = None,
        bill_type: BillType | str | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        max_items: int | None = None,
        max_pages: int | None = None,
    ) -> AsyncIterator[Bill]:
        """Yields what moved the balances, newest first."""

        async def fetch(last: str | None) -> Page[Bill]:
            return await self.bills(
                coin=coin,
                symbol=symbol,
                bill_type=bill_type,
                from_id=last,
                direction=Direction.NEXT,
                limit=MOST_A_PAGE,
                start_time=start_time,
                end_time=end_time,
            )

        return by_cursor(fetch, lambda row: row.id, max_items=max_items, max_pages=max_pages)

    async def listen_key(self) -> str:
        """Returns the key of the private stream, good for about an hour (section "Get Listen Key").

        Nothing prolongs it: another one is asked for.
        """
        return await self._read("get listen key", "/v2/user/listen-key", str)

    async def rebates(
        self, *, start: int | None = None, end: int | None = None, symbol_id: str | int | None = None
    ) -> list[Rebate]:
        """Returns a partner's rebates (section "Partner Rebate Details"), from `start` to `end`, milliseconds.

        `symbol_id` is `Symbol.id`.
        """
        if start is not None and end is not None and end < start:
            raise BadRequest(VENUE, "the end comes before the start")
        found = compact(
            rebateStartDate=given(start, moment_of),
            rebateEndDate=given(end, moment_of),
            symbolId=maybe_id_of(symbol_id, "a contract's id"),
        )
        return await self._read("list rebates", "/v2/channel/rebateDetail", list[Rebate], found)
