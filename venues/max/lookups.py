"""The signed reads of MAX: what rests, how an order stands, our trades, and what the wallets hold."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from venues.errors import AuthenticationError, OrderNotFound, RequestError, TransientError, VenueError
from venues.max import VENUE
from venues.max.client import Client
from venues.max.limits import MOST_A_PAGE
from venues.max.memory import Known, OrderMemory
from venues.max.models import Order as RestOrder
from venues.max.models import PrivateTrade
from venues.max.parameters import FIRST_MOMENT
from venues.max.parse import market_name
from venues.max.parse_account import parse_balances, parse_order
from venues.max.profile import MARGIN, Profile
from venues.max.remedies import no_key, with_remedy
from venues.model import Balance, InstrumentId, Order
from venues.transport.clock import ServerClock

T = TypeVar("T")


class Lookups:
    """Reads of one account. What they find goes into `memory`, and comes out as what is known best."""

    def __init__(
        self,
        client: Client,
        profile: Profile,
        memory: OrderMemory,
        clock: ServerClock,
        *,
        has_credentials: bool,
        on_short: Callable[[Known], None] = lambda _: None,
    ) -> None:
        """`on_short` hears of orders that have traded more than their executions add up to."""
        self.client = client
        self._profile = profile
        self._memory = memory
        self._clock = clock
        self._has_credentials = has_credentials
        self._on_short = on_short

    def require_key(self) -> None:
        """Raises MissingCredentials where there is nothing to sign with."""
        if not self._has_credentials:
            raise no_key()

    async def read(self, answer: Awaitable[T]) -> T:
        """Returns the answer to a signed read. Raises VenueError, with the remedy where there is one."""
        try:
            return await answer
        except VenueError as error:
            raise with_remedy(error) from None

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

        found = await asyncio.gather(*(of(wallet) for wallet in self._profile.wallets))
        return [row for rows in found for row in rows]

    def as_of(self) -> int:
        """Returns a moment of the venue's clock that is not after now: what is read from here on was true then.

        Nanoseconds UTC; 0 while that clock is not known.
        """
        best = self._clock.best
        return 0 if best is None else self._clock.now() - best.error

    def now(self) -> int:
        """Returns the venue's clock, nanoseconds UTC; 0 while it is not known."""
        return 0 if self._clock.best is None else self._clock.now()

    async def balances(self) -> list[Balance]:
        """Returns what the spot wallet holds."""
        self.require_key()
        return parse_balances(await self.read(self.client.accounts()))

    async def open_orders(self, instrument: InstrumentId | None = None, *, is_urgent: bool = False) -> list[Order]:
        """Returns the orders that rest in either wallet, stops that wait with them, but none known to be over."""
        market = market_name(instrument) if instrument is not None else None
        rows = await self.of_wallets(
            lambda wallet: self.client.open_orders(
                wallet_type=wallet, market=market, limit=MOST_A_PAGE, is_urgent=is_urgent
            )
        )
        orders = [self.take(row, wallet) for wallet, row in rows]
        return [order for order in orders if order.is_open]

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
