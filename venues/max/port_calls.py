"""The calls of the port that go straight to one part of the venue, for it to inherit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.events import BookSnapshot, Ticker, Trade
from venues.max.account import Account
from venues.max.listing import Listing
from venues.max.margin import Holding
from venues.max.public import PublicReads
from venues.model import Balance, Bar, Fill, Instrument, InstrumentId, MarginMode, Order, Position, Side
from venues.port import Depart


class PortCalls:
    """The port's reads and commands, and the M-wallet beside them."""

    def __init__(self, listing: Listing, reads: PublicReads, account: Account) -> None:
        self._listing = listing
        self._reads = reads
        self._account = account

    async def fetch_instruments(self) -> Sequence[Instrument]:
        return tuple((await self._listing.all()).values())

    async def fetch_order_book(self, instrument: InstrumentId, depth: int) -> BookSnapshot:
        return await self._reads.order_book(instrument, depth)

    async def fetch_trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]:
        return await self._reads.trades(instrument, limit)

    async def fetch_bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        return await self._reads.bars(instrument, interval, limit)

    async def fetch_tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]:
        return await self._reads.tickers(instruments)

    async def fetch_balances(self) -> Sequence[Balance]:
        return await self._account.fetch_balances()

    async def fetch_positions(self) -> Sequence[Position]:
        return await self._account.fetch_positions()

    async def fetch_margin(self) -> tuple[Sequence[Holding], Decimal | None]:
        """Returns what is in the M-wallet, and its AD ratio, None without a debt. Raises VenueError."""
        return await self._account.fetch_margin()

    async def fetch_open_orders(self) -> Sequence[Order]:
        return await self._account.fetch_open_orders()

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        return await self._account.fetch_order(instrument, client_order_id, venue_order_id)

    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        return await self._account.fetch_fills(since)

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        return await self._account.submit_order(request, depart=depart)

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order:
        return await self._account.amend_order(request, depart=depart)

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        return await self._account.cancel_order(request, depart=depart)

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        return await self._account.cancel_all_orders(instrument, side, depart=depart)

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        await self._account.set_leverage(instrument, leverage, margin_mode)
