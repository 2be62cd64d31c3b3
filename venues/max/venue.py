"""MAX behind the port: REST and two streams, one for the market, one for the account."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence

from venues.commands import FundsRequest, Subscription
from venues.errors import MissingCredentials
from venues.margin import FundsReceipt, MarginAccount
from venues.max import VENUE, channels
from venues.max.account import Account, capabilities
from venues.max.account_feed import address_behind, make_account_feed
from venues.max.client import Client
from venues.max.connection import Calls, make_http, make_limiter, make_streams
from venues.max.listing import Listing
from venues.max.market_feed import MarketFeed, topic_of
from venues.max.profile import MARGIN, Profile
from venues.max.public import PublicReads
from venues.max.settings import Settings
from venues.max.timekeeping import nonce_time
from venues.model import (
    NANOSECONDS,
)
from venues.port import Capabilities, Depart
from venues.redaction import redaction_of
from venues.transport.account_feed import AccountFeed
from venues.transport.asks import Ask
from venues.transport.connections import Connections
from venues.transport.nonces import KeyNonces
from venues.transport.port_calls import PortCalls
from venues.transport.timekeeping import SecondsClock, Timekeeper

__all__ = ["MaxVenue", "Settings", "create"]

_CLOCK_EVERY = 15.0  # seconds
_CLOCK_NARROW = 30_000_000  # nanoseconds; closer than this no trader and no proof needs it
_CLOCK_TRIES = 5  # answers in a row until then


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
        scale = settings.time_scale
        rng = random.Random(settings.seed)
        self._clock = clock = SecondsClock(
            VENUE, is_corrected=True, wall=wall, monotonic=lambda: round(monotonic() * NANOSECONDS)
        )
        self._limiter = make_limiter()
        self._hide = redaction_of(settings.credentials)
        self._own_nonces: KeyNonces | None = None
        if nonces is None and settings.credentials is not None:
            key = settings.credentials.key
            nonces = self._own_nonces = KeyNonces(key, VENUE, now_ms=lambda: nonce_time(clock, wall))
        self._nonces = nonces
        http = make_http(
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
        self.client = client = Client(session=http, clock=clock, sub_account=sub_account)
        has_key = settings.credentials is not None
        self._profile = Profile(client, has_credentials=has_key, time_scale=scale, monotonic=monotonic)
        self._listing = Listing(client, self._profile, time_scale=scale, monotonic=monotonic)
        self._reads = PublicReads(client, self._listing, wall)
        streams = make_streams(settings, self._limiter, rng=rng, hide=self._hide, tls=tls, wall=wall)
        self._address = streams.address
        self._connections = connections = Connections(VENUE, http, streams, time_scale=scale, wall=wall)
        self._market = MarketFeed(
            connections.market_stream(),
            connections.outbox,
            self._listing,
            time_scale=scale,
            wall=wall,
            sleep=sleep,
        )
        account = Account(
            client,
            self._profile,
            self._listing,
            clock,
            emit=connections.outbox.push,
            has_credentials=has_key,
            time_scale=scale,
            wall=wall,
            monotonic=monotonic,
            sleep=sleep,
            last_price=self._market.fresh_mid,
            hears=self._hears,
            watched=self._market.watched,
        )
        super().__init__(
            VENUE,
            settings,
            connections,
            clock,
            listing=self._listing,
            reads=self._reads,
            market=self._market,
            trading=account,
        )
        self._account = account
        self._time = Timekeeper(
            clock,
            self._reads.time,
            connections.chip.clock,
            every=_CLOCK_EVERY,
            narrow=_CLOCK_NARROW,
            tries=_CLOCK_TRIES,
            time_scale=scale,
            sleep=sleep,
        )
        connections.join(self._market, account, self._time, missed=account.missed)

    @property
    def capabilities(self) -> Capabilities:
        has_key = self.settings.credentials is not None
        return capabilities(self.settings.mode, self.settings.time_scale, reads_account=has_key)

    async def aclose(self) -> None:
        await super().aclose()
        if self._own_nonces is not None:
            self._own_nonces.close()

    async def subscribe(self, subscription: Subscription) -> None:
        """Raises VenueError: UnknownInstrument, BadRequest for what the venue refuses or does not have."""
        self._connections.check_open()
        if subscription.instrument is None:
            await self._open_account()
            return
        topic_of(subscription)
        await self._listing.require(subscription.instrument)
        await self._market.subscribe(subscription)

    async def fetch_margin_account(self) -> MarginAccount:
        """Returns the M-wallet as a whole. Raises VenueError: NotSupported where the account has none."""
        return await self._account.fetch_margin_account()

    async def move_funds(self, request: FundsRequest, *, depart: Depart | None = None) -> FundsReceipt:
        return await self._account.move_funds(request, depart=depart)

    async def find_funds(self, request: FundsRequest, since: int) -> Sequence[FundsReceipt]:
        return await self._account.find_funds(request, since)

    async def _open_account(self) -> None:
        credentials = self.settings.credentials
        if credentials is None or self._nonces is None:
            raise MissingCredentials(VENUE, "an API key is needed for the account")
        await self._time.known()
        await self._profile.read()  # an M-wallet that is not there can not be subscribed
        login = Calls().login(credentials, self._nonces, self._filters, self._hide)
        await self._connections.open_account(lambda: self._make_account_feed(login))

    def _make_account_feed(self, login: Ask) -> AccountFeed:
        connections, scale = self._connections, self.settings.time_scale
        address = address_behind(self._market.stream, self._address, self._limiter, scale)
        return make_account_feed(
            connections.account_stream(login, address), self._account, connections.outbox, time_scale=scale
        )

    def _hears(self) -> bool:
        feed = self._connections.account_feed
        return feed is not None and feed.stream.is_open

    def _filters(self) -> Sequence[str]:
        """Returns what the account's stream is to tell, asked at each login."""
        has_margin = MARGIN in self._profile.wallets
        return (*channels.SPOT_FILTERS, *(channels.MARGIN_FILTERS if has_margin else ()))
