"""MAX behind the port: REST and two streams, one for the market, one for the account."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from venues.book import Book
from venues.commands import Subscription
from venues.errors import (
    AuthenticationError,
    ConnectionLost,
    MissingCredentials,
    VenueError,
)
from venues.events import Event, LinkState, StreamStatus
from venues.max import VENUE, channels
from venues.max.account import Account, capabilities
from venues.max.account_feed import AccountFeed, address_behind
from venues.max.client import Client
from venues.max.connection import Calls, make_http, make_limiter, make_stream
from venues.max.listing import Listing
from venues.max.market_feed import MarketFeed, topic_of
from venues.max.port_calls import PortCalls
from venues.max.profile import MARGIN, Profile
from venues.max.public import PublicReads
from venues.max.settings import Settings
from venues.max.timekeeping import SecondsClock, Timekeeper
from venues.model import (
    NANOSECONDS,
    InstrumentId,
)
from venues.port import Capabilities, VenueTime
from venues.redaction import redaction_of
from venues.transport.address import Address
from venues.transport.chip import Chip, QuarantineDesk
from venues.transport.crew import Crew
from venues.transport.link import Quarantined
from venues.transport.nonces import KeyNonces
from venues.transport.outbox import Outbox

__all__ = ["MaxVenue", "Settings", "create"]

_PATIENCE = 10.0  # seconds that opening waits for a stream
_LOST = frozenset({LinkState.RECONNECTING, LinkState.DOWN})


def create(
    settings: Settings, *, tls: ssl.SSLContext | None = None, nonces: Callable[[], int] | None = None
) -> MaxVenue:
    """Makes the venue, unconnected; `tls` trusts an authority of its own.

    `nonces` returns milliseconds, each time other ones; without it they come from the file that all programs of
    this user share.

    Raises:
        ConfigurationError: an address can not be used.
    """
    return MaxVenue(settings, tls=tls, nonces=nonces)


class MaxVenue(PortCalls):
    """The port's `Venue`, and the books that it proves itself (`KeepsBooks`). For one event loop."""

    name = VENUE

    def __init__(
        self,
        settings: Settings,
        *,
        tls: ssl.SSLContext | None = None,
        nonces: Callable[[], int] | None = None,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`wall` is in nanoseconds UTC, `monotonic` in seconds."""
        self.settings = settings
        self._wall = wall
        scale = settings.time_scale
        self._rng = rng = random.Random(settings.seed)
        self._clock = clock = SecondsClock(
            VENUE, is_corrected=True, wall=wall, monotonic=lambda: round(monotonic() * NANOSECONDS)
        )
        self._outbox = Outbox()
        self._chip = Chip(VENUE, self._outbox, time_scale=scale, wall=wall)
        self._quarantine = QuarantineDesk(VENUE, self._outbox, time_scale=scale, wall=wall)
        self._limiter = make_limiter()
        self._hide = redaction_of(settings.credentials)
        self._tls = tls
        self._own_nonces: KeyNonces | None = None
        if nonces is None and settings.credentials is not None:
            nonces = self._own_nonces = KeyNonces(settings.credentials.key, VENUE, now_ms=clock.nonce_time)
        self._nonces = nonces
        self._http = make_http(
            settings,
            self._limiter,
            nonces=nonces,
            rng=rng,
            hide=self._hide,
            tls=tls,
            wall=wall,
            monotonic=monotonic,
        )
        sub_account = settings.credentials.sub_account if settings.credentials is not None else ""
        self.client = client = Client(session=self._http, clock=clock, sub_account=sub_account)
        has_key = settings.credentials is not None
        self._profile = Profile(client, has_credentials=has_key, time_scale=scale, monotonic=monotonic)
        self._listing = Listing(client, self._profile, time_scale=scale, monotonic=monotonic)
        self._reads = PublicReads(client, self._listing, wall)
        stream = make_stream(
            settings,
            self._limiter,
            on_status=self._market_status,
            on_open=lambda _: self._market_opened(),
            on_quarantine=self._quarantine.take,
            rng=rng,
            tls=tls,
            wall=wall,
        )
        self._market = MarketFeed(stream, self._outbox, self._listing, time_scale=scale, wall=wall, sleep=sleep)
        account = Account(
            client,
            self._profile,
            self._listing,
            clock,
            emit=self._outbox.push,
            has_credentials=has_key,
            time_scale=scale,
            wall=wall,
            sleep=sleep,
            last_price=self._market.fresh_mid,
            hears=lambda: self._account_feed is not None and self._account_feed.stream.is_open,
        )
        super().__init__(self._listing, self._reads, account)
        self._account_feed: AccountFeed | None = None
        self._time = Timekeeper(clock, self._reads.time, self._chip.clock, time_scale=scale, sleep=sleep)
        self._crew = Crew(self._outbox.fail)
        self._market_was = (LinkState.CONNECTING, "")
        self._is_closed = False

    def __repr__(self) -> str:
        return f"MaxVenue({self.settings.mode.value})"

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
        if self._own_nonces is not None:
            self._own_nonces.close()
        self._chip.close()
        self._quarantine.close()
        self._outbox.close()

    async def subscribe(self, subscription: Subscription) -> None:
        """Raises VenueError: UnknownInstrument, BadRequest for what the venue refuses or does not have."""
        self._check_open()
        if subscription.instrument is None:
            await self._open_account()
            return
        topic_of(subscription)
        await self._listing.require(subscription.instrument)
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

    def _check_open(self) -> None:
        if self._is_closed:
            raise ConnectionLost(VENUE, "this venue is closed")

    async def _open_account(self) -> None:
        credentials = self.settings.credentials
        if credentials is None or self._nonces is None:
            raise MissingCredentials(VENUE, "an API key is needed for the account")
        await self._time.known()
        await self._profile.read()  # an M-wallet that is not there can not be subscribed
        self._check_open()
        feed = self._account_feed
        if feed is None:
            stream = make_stream(
                self.settings,
                self._limiter,
                login=Calls().login(credentials, self._nonces, self._filters, self._hide),
                address=address_behind(
                    self._market.stream,
                    Address(url=self.settings.ws_url),
                    self._limiter,
                    self.settings.time_scale,
                ),
                on_status=self._account_status,
                on_open=lambda _: self._account.resynced(),
                on_quarantine=self._missed,
                rng=self._rng,
                hide=self._hide,
                tls=self._tls,
                wall=self._wall,
            )
            feed = AccountFeed(stream, self._account, self._outbox, time_scale=self.settings.time_scale)
            self._account_feed = feed
        try:
            await feed.open()
        except AuthenticationError:
            await self._close_account()
            raise

    def _filters(self) -> Sequence[str]:
        """Returns what the account's stream is to tell, asked at each login."""
        has_margin = MARGIN in self._profile.wallets
        return (*channels.SPOT_FILTERS, *(channels.MARGIN_FILTERS if has_margin else ()))

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

    def _market_opened(self) -> None:
        self._market.opened()
        self._time.want()

    def _account_status(self, status: StreamStatus) -> None:
        if status.state in _LOST:
            self._time.want()  # a login may be refused for the time that it names
        if self._account_feed is not None:
            self._chip.account(status)

    def _missed(self, frame: Quarantined) -> None:
        self._quarantine.take(frame)
        self._account.missed()
        self._chip.missed(f"account: {frame.why}")
