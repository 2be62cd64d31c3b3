"""CoinEx behind the port: REST and two streams, one for the market, one for the account."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from venues.coinex import VENUE
from venues.coinex.account import Account, capabilities
from venues.coinex.account_feed import make_account_feed
from venues.coinex.channels import Call
from venues.coinex.connection import Calls, make_http, make_limiter, make_streams
from venues.coinex.endpoints import BAR_TYPES
from venues.coinex.listing import Listing
from venues.coinex.market_feed import MarketFeed
from venues.coinex.messages import Reply
from venues.coinex.public import PublicReads
from venues.coinex.settings import Settings
from venues.commands import Channel, Subscription
from venues.errors import (
    BadRequest,
    ConnectionLost,
    MissingCredentials,
)
from venues.events import BookSnapshot, LinkState, MarkPrice
from venues.model import (
    NANOSECONDS,
    InstrumentId,
)
from venues.port import Capabilities, Credentials
from venues.redaction import redaction_of
from venues.transport.account_feed import AccountFeed
from venues.transport.connections import Connections
from venues.transport.port_calls import PortCalls
from venues.transport.timekeeping import SecondsClock, Timekeeper

__all__ = ["CoinexVenue", "Settings", "create"]

_CLOCK_EVERY = 10.0  # seconds
_CLOCK_NARROW = 20_000_000  # nanoseconds; closer than this no trader and no proof needs it
_CLOCK_TRIES = 6  # answers in a row until then: `server.time` is asked on a stream that is open anyway


def create(settings: Settings, *, tls: ssl.SSLContext | None = None) -> CoinexVenue:
    """Makes the venue, unconnected; `tls` trusts an authority of its own.

    Raises:
        ConfigurationError: an address can not be used.
    """
    return CoinexVenue(settings, tls=tls)


class CoinexVenue(PortCalls):
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
        scale = settings.time_scale
        rng = random.Random(settings.seed)
        self._clock = SecondsClock(
            VENUE, is_corrected=True, wall=wall, monotonic=lambda: round(monotonic() * NANOSECONDS)
        )
        limiter = make_limiter()
        self._hide = hide = redaction_of(settings.credentials)
        http = make_http(
            settings, limiter, self._clock, rng=rng, hide=hide, tls=tls, wall=wall, monotonic=monotonic
        )
        streams = make_streams(settings, limiter, rng=rng, hide=hide, tls=tls, wall=wall)
        self._connections = connections = Connections(VENUE, http, streams, time_scale=scale, wall=wall)
        has_credentials = settings.credentials is not None
        self._listing = Listing(http, has_account=has_credentials, time_scale=scale, monotonic=monotonic)
        self._reads = PublicReads(http, self._listing, wall)
        self._market = MarketFeed(
            connections.market_stream(),
            connections.outbox,
            self._reads,
            self._clock,
            time_scale=scale,
            wall=wall,
            sleep=sleep,
        )
        self._account = Account(
            http=http,
            instruments=self._listing,
            clock=self._clock,
            emit=connections.outbox.push,
            has_credentials=has_credentials,
            time_scale=scale,
            wall=wall,
            monotonic=monotonic,
            sleep=sleep,
            last_price=self._last_price,
            ask=self._ask_account,
        )
        timekeeper = Timekeeper(
            self._clock,
            self._market.read_time,
            connections.chip.clock,
            every=_CLOCK_EVERY,
            narrow=_CLOCK_NARROW,
            tries=_CLOCK_TRIES,
            time_scale=scale,
            sleep=sleep,
        )
        connections.join(self._market, self._account, timekeeper)
        self._account_calls = Calls()
        super().__init__(
            VENUE,
            settings,
            connections,
            self._clock,
            listing=self._listing,
            reads=self._reads,
            market=self._market,
            trading=self._account,
        )

    @property
    def capabilities(self) -> Capabilities:
        has_key = self.settings.credentials is not None
        return capabilities(self.settings.mode, self.settings.time_scale, reads_account=has_key)

    async def subscribe(self, subscription: Subscription) -> None:
        """Raises VenueError: UnknownInstrument, BadRequest for what the venue refuses or does not have."""
        self._connections.check_open()
        if subscription.instrument is None:
            await self._open_account()
            return
        if subscription.channel is Channel.BARS and subscription.interval not in BAR_TYPES:
            raise BadRequest(VENUE, f"there are no bars of {subscription.interval} s")
        await self._listing.require(subscription.instrument)
        await self._market.subscribe(subscription)

    async def set_book_merge(self, instrument: InstrumentId, merge: str) -> None:
        """Has the live book of an instrument merged to steps of `merge`, one of `fetch_merge_steps`.

        Raises:
            BadRequest: it is not written as one.
        """
        self._market.set_merge(instrument.symbol, merge)

    async def fetch_order_book(self, instrument: InstrumentId, depth: int, *, merge: str = "0") -> BookSnapshot:
        return await self._reads.order_book(instrument, depth, merge)

    async def fetch_merge_steps(self, instrument: InstrumentId) -> Sequence[str]:
        """Returns the steps to which a book can be merged, "0" first: not merged. Raises VenueError."""
        return await self._reads.merge_steps(instrument)

    async def fetch_index(self, instrument: InstrumentId) -> MarkPrice:
        """Returns the index price, by which margin loans are judged. Raises VenueError."""
        return await self._market.fetch_index(instrument)

    async def _open_account(self) -> None:
        credentials = self.settings.credentials
        if credentials is None:
            raise MissingCredentials(VENUE, "an API key is needed for the account")
        if not self._listing.is_read:
            await self._listing.all()  # the subscription of balances names each currency
        await self._connections.open_account(lambda: self._make_account_feed(credentials))

    def _make_account_feed(self, credentials: Credentials) -> AccountFeed:
        self._account_calls = calls = Calls()
        return make_account_feed(
            self._connections.account_stream(calls.login(credentials, self._clock, self._hide)),
            calls,
            self._account,
            self._connections.outbox,
            self._listing.currencies,
            time_scale=self.settings.time_scale,
        )

    async def _ask_account(self, call: Call) -> Reply:
        """Raises VenueError, ConnectionLost where the account's stream is not open."""
        feed = self._connections.account_feed
        if feed is None:
            raise ConnectionLost(VENUE, f"{call.method}: the account's stream is not open")
        return await self._account_calls.answer(feed.stream, call)

    def _last_price(self, instrument: InstrumentId) -> Decimal | None:
        """Returns the middle of a proven book of a stream that is not silent."""
        book = self._market.book(instrument)
        is_fresh = self._market.stream.status.state is LinkState.LIVE
        return book.mid() if is_fresh and book is not None and book.is_valid else None
