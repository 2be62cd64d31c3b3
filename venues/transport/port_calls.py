"""The calls of the port that every venue of two streams answers alike, for it to inherit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Protocol

from venues.book import Book
from venues.commands import AmendRequest, CancelRequest, OrderRequest, Subscription
from venues.events import BookSnapshot, Event, Ticker, Trade
from venues.model import Balance, Bar, Fill, Instrument, InstrumentId, MarginMode, Order, Position, Side
from venues.port import Depart, Trading, VenueTime
from venues.transport.clock import ServerClock
from venues.transport.connections import Connections, MarketFeed
from venues.transport.listing import InstrumentList
from venues.transport.settings import VenueSettings


class PublicReads(Protocol):
    """The reads of market data, each of which may raise VenueError."""

    async def order_book(self, instrument: InstrumentId, depth: int) -> BookSnapshot: ...

    async def trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]: ...

    async def bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]: ...

    async def tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]: ...


class BookFeed(MarketFeed, Protocol):
    """The market's half, with the books that it proves."""

    def book(self, instrument: InstrumentId) -> Book | None: ...

    def unsubscribe(self, subscription: Subscription) -> None: ...


class PortCalls:
    """Opening and closing, the market's reads, and all of `Trading`.

    What is left for the venue: its name, its capabilities, and `subscribe`.
    """

    def __init__(
        self,
        venue: str,
        settings: VenueSettings,
        connections: Connections,
        clock: ServerClock,
        *,
        listing: InstrumentList,
        reads: PublicReads,
        market: BookFeed,
        trading: Trading,
    ) -> None:
        self.settings = settings
        self._venue = venue
        self._connections = connections
        self._server_clock = clock
        self._listed = listing
        self._public = reads
        self._books = market
        self._trading = trading

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings.mode.value})"

    @property
    def quarantined(self) -> int:
        """How many frames could not be used."""
        return self._connections.quarantine.count

    def venue_time(self) -> VenueTime | None:
        return self._server_clock.venue_time()

    async def connect(self) -> None:
        """Opens the market's stream, and returns once it stands or at least REST answers.

        Raises:
            VenueError: nothing was reached. The stream goes on trying, and may be asked for again.
        """
        await self._connections.connect(self._listed.all, keeps_warm=self.settings.credentials is not None)

    async def aclose(self) -> None:
        """Closes everything and ends `events()`, within a second. May be called twice."""
        await self._connections.aclose()

    async def unsubscribe(self, subscription: Subscription) -> None:
        if subscription.instrument is None:
            await self._connections.close_account()
        else:
            self._books.unsubscribe(subscription)

    def events(self) -> AsyncIterator[Sequence[Event]]:
        return self._connections.outbox.batches()

    def book(self, instrument: InstrumentId) -> Book | None:
        """Returns the book as it now stands, valid or not; None where it is not subscribed."""
        return self._books.book(instrument) if instrument.venue == self._venue else None

    async def fetch_instruments(self) -> Sequence[Instrument]:
        return tuple((await self._listed.all()).values())

    async def fetch_order_book(self, instrument: InstrumentId, depth: int) -> BookSnapshot:
        return await self._public.order_book(instrument, depth)

    async def fetch_trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]:
        return await self._public.trades(instrument, limit)

    async def fetch_bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        return await self._public.bars(instrument, interval, limit)

    async def fetch_tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]:
        return await self._public.tickers(instruments)

    async def fetch_balances(self) -> Sequence[Balance]:
        return await self._trading.fetch_balances()

    async def fetch_positions(self) -> Sequence[Position]:
        return await self._trading.fetch_positions()

    async def fetch_open_orders(self) -> Sequence[Order]:
        return await self._trading.fetch_open_orders()

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        return await self._trading.fetch_order(instrument, client_order_id, venue_order_id)

    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        return await self._trading.fetch_fills(since)

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        return await self._trading.submit_order(request, depart=depart)

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order:
        return await self._trading.amend_order(request, depart=depart)

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        return await self._trading.cancel_order(request, depart=depart)

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        return await self._trading.cancel_all_orders(instrument, side, depart=depart)

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        await self._trading.set_leverage(instrument, leverage, margin_mode)
