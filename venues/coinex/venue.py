"""CoinEx behind the port: REST and two streams, one for the market, one for the account."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal

from venues.book import Book
from venues.coinex import VENUE
from venues.coinex.account import Account, capabilities
from venues.coinex.account_feed import AccountFeed
from venues.coinex.channels import Call
from venues.coinex.connection import Calls, make_http, make_limiter, make_stream
from venues.coinex.endpoints import BAR_TYPES
from venues.coinex.listing import Listing
from venues.coinex.market_feed import MarketFeed
from venues.coinex.messages import Reply
from venues.coinex.public import PublicReads
from venues.coinex.settings import Settings
from venues.coinex.timekeeping import SecondsClock, Timekeeper
from venues.commands import AmendRequest, CancelRequest, Channel, OrderRequest, Subscription
from venues.errors import (
    AuthenticationError,
    BadRequest,
    ConnectionLost,
    MissingCredentials,
    UnknownInstrument,
    VenueError,
)
from venues.events import BookSnapshot, Event, LinkState, MarkPrice, StreamStatus, Ticker, Trade
from venues.model import (
    NANOSECONDS,
    Balance,
    Bar,
    Fill,
    Instrument,
    InstrumentId,
    MarginMode,
    Order,
    Position,
    Side,
)
from venues.port import Capabilities, Depart, VenueTime
from venues.redaction import redaction_of
from venues.transport.chip import Chip, QuarantineDesk
from venues.transport.crew import Crew
from venues.transport.link import Quarantined
from venues.transport.outbox import Outbox

__all__ = ["CoinexVenue", "Settings", "create"]

_PATIENCE = 10.0  # seconds that opening waits for a stream whose subscriptions are refused
_LOST = frozenset({LinkState.RECONNECTING, LinkState.DOWN})


def create(settings: Settings, *, tls: ssl.SSLContext | None = None) -> CoinexVenue:
    """Makes the venue, unconnected; `tls` trusts an authority of its own.

    Raises:
        ConfigurationError: an address can not be used.
    """
    return CoinexVenue(settings, tls=tls)


class CoinexVenue:
    """The port's `Venue`, and the books that it proves itself (`KeepsBooks`). For one event loop."""

    name = VENUE

    def __init__(
        self,
        settings: Settings,
        *,
        tls: ssl.SSLContext | None = None,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`wall` is in nanoseconds UTC, `monotonic` in seconds."""
        self.settings = settings
        self._wall = wall
        scale = settings.time_scale
        rng = random.Random(settings.seed)
        self._clock = SecondsClock(wall=wall, monotonic=lambda: round(monotonic() * NANOSECONDS))
        self._outbox = Outbox()
        self._chip = Chip(VENUE, self._outbox, time_scale=scale, wall=wall)
        self._quarantine = QuarantineDesk(VENUE, self._outbox, time_scale=scale, wall=wall)
        self._limiter = make_limiter()
        self._hide = redaction_of(settings.credentials)
        self._http = make_http(
            settings, self._limiter, self._clock, rng=rng, hide=self._hide, tls=tls, wall=wall, monotonic=monotonic
        )
        has_credentials = settings.credentials is not None
        self._listing = Listing(self._http, has_account=has_credentials, time_scale=scale, monotonic=monotonic)
        self._reads = PublicReads(self._http, self._listing, wall)
        self._tls = tls
        self._rng = rng
        stream = make_stream(
            settings,
            self._limiter,
            on_status=self._market_status,
            on_open=self._market_opened,
            on_quarantine=self._quarantine.take,
            rng=rng,
            tls=tls,
            wall=wall,
        )
        self._market = MarketFeed(
            stream, self._outbox, self._reads, self._clock, time_scale=scale, wall=wall, sleep=sleep
        )
        self._account = Account(
            http=self._http,
            instruments=self._listing,
            clock=self._clock,
            emit=self._outbox.push,
            has_credentials=has_credentials,
            time_scale=scale,
            wall=wall,
            monotonic=monotonic,
            sleep=sleep,
            last_price=self._last_price,
            ask=self._ask_account,
        )
        self._account_feed: AccountFeed | None = None
        self._time = Timekeeper(
            self._clock, self._market.read_time, self._chip.clock, time_scale=scale, sleep=sleep
        )
        self._crew = Crew(self._outbox.fail)
        self._market_was = (LinkState.CONNECTING, "")
        self._is_closed = False

    def __repr__(self) -> str:
        return f"CoinexVenue({self.settings.mode.value})"

    @property
    def capabilities(self) -> Capabilities:
        has_key = self.settings.credentials is not None
        return capabilities(self.settings.mode, self.settings.time_scale, reads_account=has_key)

    @property
    def quarantined(self) -> int:
        """How many frames could not be used."""
        return self._quarantine.count

    def venue_time(self) -> VenueTime | None:
        uncertainty = self._clock.uncertainty
        return None if uncertainty is None else VenueTime(self._clock.now(), uncertainty)

    async def connect(self) -> None:
        """Opens the market's stream, and returns once it stands or at least REST answers.

        Raises:
            VenueError: nothing was reached. The stream goes on trying, and may be asked for again.
        """
        self._check_open()
        self._market.start()
        if self._account_feed is not None:
            self._account_feed.start()
        self._crew.keep("time", self._time.run)
        if self.settings.credentials is not None:
            self._crew.keep("warmth", self._http.keep_warm)
        try:
            async with asyncio.timeout(_PATIENCE * self.settings.time_scale):
                await self._market.stream.opened()
        except (VenueError, TimeoutError) as error:
            self._check_open()
            try:
                await self._listing.all()
            except VenueError as unread:
                raise (error if isinstance(error, VenueError) else unread) from None
            self._check_open()

    async def aclose(self) -> None:
        """Closes everything and ends `events()`, within a second. May be called twice."""
        self._is_closed = True
        closing = [self._crew.aclose(), self._market.aclose(), self._account.aclose()]
        if self._account_feed is not None:
            closing.append(self._account_feed.aclose())
        await asyncio.gather(*closing)
        await self._http.aclose()  # after those who read by it: a connection that is being made would be left
        self._chip.close()
        self._quarantine.close()
        self._outbox.close()

    async def subscribe(self, subscription: Subscription) -> None:
        """Raises VenueError: UnknownInstrument, BadRequest for what the venue refuses or does not have."""
        self._check_open()
        if subscription.instrument is None:
            await self._open_account()
            return
        if subscription.channel is Channel.BARS and subscription.interval not in BAR_TYPES:
            raise BadRequest(VENUE, f"there are no bars of {subscription.interval} s")
        await self._require_listed(subscription.instrument)
        await self._market.subscribe(subscription)

    async def unsubscribe(self, subscription: Subscription) -> None:
        if subscription.instrument is None:
            await self._close_account()
        else:
            self._market.unsubscribe(subscription)

    def events(self) -> AsyncIterator[Sequence[Event]]:
        return self._outbox.batches()

    def book(self, instrument: InstrumentId) -> Book | None:
        """Returns the book as it now stands, valid or not; None where it is not subscribed."""
        return self._market.book(instrument) if instrument.venue == VENUE else None

    async def set_book_merge(self, instrument: InstrumentId, merge: str) -> None:
        """Has the live book of an instrument merged to steps of `merge`, one of `fetch_merge_steps`.

        Raises:
            BadRequest: it is not written as one.
        """
        self._market.set_merge(instrument.symbol, merge)

    async def fetch_instruments(self) -> Sequence[Instrument]:
        return tuple((await self._listing.all()).values())

    async def fetch_order_book(self, instrument: InstrumentId, depth: int, *, merge: str = "0") -> BookSnapshot:
        return await self._reads.order_book(instrument, depth, merge)

    async def fetch_merge_steps(self, instrument: InstrumentId) -> Sequence[str]:
        """Returns the steps to which a book can be merged, "0" first: not merged. Raises VenueError."""
        return await self._reads.merge_steps(instrument)

    async def fetch_trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]:
        return await self._reads.trades(instrument, limit)

    async def fetch_bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        return await self._reads.bars(instrument, interval, limit)

    async def fetch_tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]:
        return await self._reads.tickers(instruments)

    async def fetch_index(self, instrument: InstrumentId) -> MarkPrice:
        """Returns the index price, by which margin loans are judged. Raises VenueError."""
        return await self._market.fetch_index(instrument)

    async def fetch_balances(self) -> Sequence[Balance]:
        return await self._account.fetch_balances()

    async def fetch_positions(self) -> Sequence[Position]:
        return await self._account.fetch_positions()

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

    def _check_open(self) -> None:
        if self._is_closed:
            raise ConnectionLost(VENUE, "this venue is closed")

    async def _require_listed(self, instrument: InstrumentId) -> None:
        """Raises UnknownInstrument. Where the list can not be read now, the stream has the last word."""
        try:
            await self._listing.one(instrument)
        except UnknownInstrument:
            raise
        except VenueError:
            if instrument.venue != VENUE:
                raise

    async def _open_account(self) -> None:
        credentials = self.settings.credentials
        if credentials is None:
            raise MissingCredentials(VENUE, "an API key is needed for the account")
        if not self._listing.is_read:
            await self._listing.all()  # the subscription of balances names each currency
        self._check_open()
        feed = self._account_feed
        if feed is None:
            calls = Calls()
            stream = make_stream(
                self.settings,
                self._limiter,
                login=calls.login(credentials, self._clock, self._hide),
                on_status=self._account_status,
                on_open=lambda _: self._account.resynced(),
                on_quarantine=self._missed,
                rng=self._rng,
                hide=self._hide,
                tls=self._tls,
                wall=self._wall,
            )
            feed = AccountFeed(stream, calls, self._account, self._outbox, time_scale=self.settings.time_scale)
            self._account_feed = feed
        try:
            await feed.open(self._listing.currencies)
        except AuthenticationError:
            await self._close_account()
            raise

    async def _ask_account(self, call: Call) -> Reply:
        """Raises VenueError, ConnectionLost where the account's stream is not open."""
        if self._account_feed is None:
            raise ConnectionLost(VENUE, f"{call.method}: the account's stream is not open")
        return await self._account_feed.ask(call)

    async def _close_account(self) -> None:
        feed, self._account_feed = self._account_feed, None
        if feed is not None:
            await feed.aclose()
            self._account.unsubscribed()
            self._chip.account(None)

    def _market_status(self, status: StreamStatus) -> None:
        was, self._market_was = self._market_was, (status.state, status.detail)
        # A round trip is told with the state as it was: of a new connection, before its subscriptions stand.
        if status.state in _LOST and was != self._market_was:
            self._market.lost()
        self._chip.market(status)

    def _market_opened(self, connection: int) -> None:
        self._market.opened(connection)
        self._time.want()

    def _account_status(self, status: StreamStatus) -> None:
        if status.state in _LOST:
            self._time.want()  # a login may be refused for the time that it names
        if self._account_feed is not None:
            self._chip.account(status)

    def _missed(self, frame: Quarantined) -> None:
        self._quarantine.take(frame)
        self._chip.missed(f"account: {frame.why}")

    def _last_price(self, instrument: InstrumentId) -> Decimal | None:
        """Returns the middle of a proven book of a stream that is not silent."""
        book = self._market.book(instrument)
        is_fresh = self._market.stream.status.state is LinkState.LIVE
        return book.mid() if is_fresh and book is not None and book.is_valid else None
