"""The signed reads of MAX: what rests, how an order stands, our trades, and what the wallets hold."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from venues.errors import (
    AuthenticationError,
    BadRequest,
    OrderNotFound,
    ProtocolError,
    RequestError,
    TransientError,
)
from venues.max import VENUE
from venues.max.client import Client
from venues.max.client.paging import back_from_now
from venues.max.limits import MOST_A_PAGE
from venues.max.memory import Known, OrderMemory
from venues.max.models import Order as RestOrder
from venues.max.models import PrivateTrade
from venues.max.open_orders import MarketsToAsk
from venues.max.parameters import FIRST_MOMENT
from venues.max.parse import market_name
from venues.max.parse_account import parse_balances, parse_order
from venues.max.profile import MARGIN, Profile
from venues.max.remedies import REMEDIES
from venues.model import Balance, InstrumentId, Order
from venues.transport.clock import ServerClock
from venues.transport.signed_reads import SignedReads
from venues.transport.together import together

T = TypeVar("T")

_INVALID = "1001"  # a parameter is missing, or not valid
_AT_ONCE = 4


class Lookups(SignedReads):
    """Reads of one account. What they find goes into `memory`, and comes out as what is known best."""

    def __init__(
        self,
        client: Client,
        profile: Profile,
        memory: OrderMemory,
        clock: ServerClock,
        markets: MarketsToAsk,
        *,
        has_credentials: bool,
        on_short: Callable[[Known], None] = lambda _: None,
        page_limit: int = MOST_A_PAGE,
    ) -> None:
        """`on_short` hears of orders that have traded more than their executions add up to.

        `page_limit` is how many open orders are asked for at once.
        """
        super().__init__(REMEDIES, clock, has_credentials=has_credentials)
        self.client = client
        self._profile = profile
        self._memory = memory
        self._markets = markets
        self._on_short = on_short
        self._page_limit = page_limit

    async def of_wallets(self, read: Callable[[str], Awaitable[list[T]]]) -> list[tuple[str, T]]:
        """Returns the rows of every wallet, each with its wallet. Raises VenueError.

        An account without an M-wallet may be refused to read it: then it has nothing in it.
        """
        self.require_key()
        with contextlib.suppress(TransientError):  # then both are read
            await self._profile.read()

        async def of(wallet: str) -> list[tuple[str, T]]:
            try:
                return [(wallet, row) for row in await self.read(read(wallet))]
            except (RequestError, AuthenticationError, OrderNotFound) as error:
                if wallet != MARGIN or isinstance(error, TransientError):
                    raise
                return []

        found = await together(*(of(wallet) for wallet in self._profile.wallets))
        return [row for rows in found for row in rows]

    async def balances(self) -> list[Balance]:
        """Returns what the spot wallet holds."""
        self.require_key()
        return parse_balances(await self.read(self.client.accounts()))

    async def open_orders(
        self, instrument: InstrumentId | None = None, *, is_urgent: bool = False, is_whole: bool = False
    ) -> list[Order]:
        """Returns the orders that rest in either wallet, stops that wait with them, but none known to be over.

        Where the venue wants a market to be named, those of which nobody here knows are looked for only where
        `is_whole`.
        """
        rows: list[tuple[str, RestOrder]] | None = None
        if instrument is not None or not self._markets.are_named:
            market = market_name(instrument) if instrument is not None else None
            try:
                rows = await self.of_wallets(lambda wallet: self._resting(wallet, market, is_urgent))
            except BadRequest as error:
                if instrument is not None or error.code != _INVALID:
                    raise
                self._markets.require()
        if rows is None:
            rows = await self.of_wallets(lambda wallet: self._by_market(wallet, is_urgent, is_whole))
        orders = [self.take(row, wallet) for wallet, row in rows]
        return [order for order in orders if order.is_open]

    async def _resting(self, wallet: str, market: str | None, is_urgent: bool) -> list[RestOrder]:
        async def page(moment: int | None, limit: int) -> list[RestOrder]:
            try:
                return await self.client.open_orders(
                    wallet_type=wallet,
                    market=market,
                    timestamp=moment,
                    order_by="desc",
                    limit=limit,
                    is_urgent=is_urgent,
                )
            except BadRequest as error:
                if moment is None:
                    raise
                # It is about the page: the wallet and the market were taken before.
                words = f"open orders beyond the first page were refused: {error.message}"
                raise ProtocolError(VENUE, words, error.code) from None

        return await back_from_now(page, page_limit=self._page_limit)

    async def _by_market(self, wallet: str, is_urgent: bool, is_whole: bool) -> list[RestOrder]:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def read(market: str) -> list[RestOrder]:
            async with gate:
                try:
                    return await self._resting(wallet, market, is_urgent)
                except BadRequest as error:
                    if error.code != _INVALID:
                        raise
                    return []  # a market that is listed no more

        names = await self._markets.of(wallet, is_whole=is_whole)
        return [row for rows in await together(*map(read, names)) for row in rows]

    async def order(
        self, instrument: InstrumentId, client_id: str, order_id: str, *, is_urgent: bool = False
    ) -> Order:
        """Returns an order as it stands. Raises OrderNotFound, which soon after it was sent proves nothing."""
        self.require_key()
        known = self._memory.find(client_id, order_id)
        number = known.order_id if known is not None and known.order_id else order_id
        if number.isdecimal() and number.isascii():
            row = await self.read(self.client.order(order_id=int(number), is_urgent=is_urgent))
        elif client_id:
            row = await self.read(self.client.order(client_oid=client_id, is_urgent=is_urgent))
        else:
            raise OrderNotFound(VENUE, "no order of the venue has such an id")
        if row.market != market_name(instrument):
            raise OrderNotFound(VENUE, "the order with this id is one of another market")
        return self.take(row)

    async def order_trades(self, order_id: str) -> list[PrivateTrade]:
        """Returns the trades of one order. Raises VenueError."""
        return await self.read(self.client.order_trades(order_id=int(order_id)))

    async def trades(self, since: int) -> list[PrivateTrade]:
        """Returns our trades in both wallets from `since` on (nanoseconds UTC)."""
        moment = max(since // 1_000_000, FIRST_MOMENT)
        rows = await self.of_wallets(lambda wallet: self._trades_of(wallet, moment))
        return [row for _, row in rows]

    async def _trades_of(self, wallet: str, moment: int) -> list[PrivateTrade]:
        found = self.client.iter_wallet_trades(
            wallet_type=wallet, timestamp=moment, order="asc", page_limit=MOST_A_PAGE - 1
        )
        return [trade async for trade in found if trade.created_at >= moment]

    def take(self, row: RestOrder, wallet: str | None = None) -> Order:
        """Returns an order of an answer as it is known best, and remembers it. Raises DecodeError."""
        order = parse_order(row)
        known = self._memory.learn(order, wallet or row.wallet_type)
        known.take(order)
        if known.is_short:
            self._on_short(known)
        return known.last or order
