"""Pumpkin behind the port: REST, one stream for the market and one for the account, and polls for both."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence

from venues.bills import Bill
from venues.commands import FundsRequest, Subscription
from venues.errors import AuthenticationError, MissingCredentials, VenueError
from venues.events import StreamStatus
from venues.margin import FundsReceipt
from venues.model import NANOSECONDS
from venues.port import Capabilities, Depart
from venues.pumpkin import VENUE
from venues.pumpkin.account import Account, capabilities
from venues.pumpkin.account_feed import make_account_feed, make_login
from venues.pumpkin.connection import Calls, make_client, make_limiter, make_streams
from venues.pumpkin.limits import pools
from venues.pumpkin.listing import Listing
from venues.pumpkin.market_feed import MarketFeed, check_wish
from venues.pumpkin.settings import Settings
from venues.pumpkin.timekeeping import MillisecondsClock
from venues.redaction import redaction_of
from venues.transport.account_feed import AccountFeed
from venues.transport.address import Address
from venues.transport.connections import Connections
from venues.transport.port_calls import PortCalls
from venues.transport.timekeeping import Timekeeper

__all__ = ["PumpkinVenue", "Settings", "create"]

_CLOCK_EVERY = 60.0  # seconds: nothing is signed by the venue's clock
_CLOCK_NARROW = 20_000_000  # nanoseconds
_CLOCK_TRIES = 2  # answers in a row until then


def create(settings: Settings, *, tls: ssl.SSLContext | None = None) -> PumpkinVenue:
    """Makes the venue, unconnected; `tls` trusts an authority of its own.

    Raises:
        ConfigurationError: an address can not be used.
    """
    return PumpkinVenue(settings, tls=tls)


class PumpkinVenue(PortCalls):
    """The port's `Venue`, the books that it keeps (`KeepsBooks`), margins and bills. For one event loop."""

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
        clock = MillisecondsClock(
            VENUE, is_corrected=True, wall=wall, monotonic=lambda: round(monotonic() * NANOSECONDS)
        )
        limiter = make_limiter(settings)
        hide = redaction_of(settings.credentials)
        self.client, http = make_client(
            settings, limiter, rng=rng, hide=hide, tls=tls, wall=wall, monotonic=monotonic
        )
        self._listing = Listing(self.client, settings, monotonic=monotonic)
        streams = make_streams(settings, limiter, rng=rng, hide=hide, tls=tls, wall=wall)
        connections = Connections(VENUE, http, streams, time_scale=scale, wall=wall)
        self._market = MarketFeed(
            connections.market_stream() if settings.market_address else None,
            connections.outbox,
            self.client,
            self._listing,
            clock,
            limiter,
            settings,
            quota=pools(settings.readings)[0].unreserved,
            show=connections.chip.market,
            wall=wall,
            monotonic=monotonic,
            sleep=sleep,
        )
        self._account = Account(
            self.client,
            self._listing,
            clock,
            settings,
            emit=connections.outbox.push,
            mark=self._market.mark,
            show=self._show_account,
            limiter=limiter,
            wall=wall,
            monotonic=monotonic,
            sleep=sleep,
            on_fault=connections.outbox.fail,
        )
        super().__init__(
            VENUE,
            settings,
            connections,
            clock,
            listing=self._listing,
            reads=self._market.reads,
            market=self._market,
            trading=self._account,
        )
        self._pumpkin = settings
        self._time = Timekeeper(
            clock,
            self._market.reads.time,
            connections.chip.clock,
            every=_CLOCK_EVERY,
            narrow=_CLOCK_NARROW,
            tries=_CLOCK_TRIES,
            time_scale=scale,
            sleep=sleep,
        )
        connections.join(
            self._market,
            self._account,
            self._time,
            missed=self._account.missed,
            show_market=self._market.standby.heard,
            show_account=self._account.hears,
        )

    @property
    def capabilities(self) -> Capabilities:
        return capabilities(self._pumpkin)

    async def connect(self) -> None:
        """Opens the market's stream, if there is one, and returns once it stands or at least REST answers.

        Raises:
            VenueError: nothing was reached. The stream goes on trying, and may be asked for again.
        """
        await super().connect()
        if self._market.stream is None:
            self._market.standby.answered()

    async def subscribe(self, subscription: Subscription) -> None:
        """Raises VenueError: UnknownInstrument, BadRequest for what the venue does not have."""
        self._connections.check_open()
        if subscription.instrument is None:
            await self._open_account()
            return
        check_wish(subscription)
        await self._market.subscribe(subscription)

    async def unsubscribe(self, subscription: Subscription) -> None:
        await super().unsubscribe(subscription)
        if subscription.instrument is None:
            await self._account.close()

    async def move_funds(self, request: FundsRequest, *, depart: Depart | None = None) -> FundsReceipt:
        return await self._account.move_funds(request, depart=depart)

    async def find_funds(self, request: FundsRequest, since: int) -> Sequence[FundsReceipt]:
        return await self._account.find_funds(request, since)

    async def fetch_bills(self, limit: int) -> Sequence[Bill]:
        return await self._account.fetch_bills(limit)

    async def _open_account(self) -> None:
        if self.settings.credentials is None:
            raise MissingCredentials(VENUE, "an API key is needed for the account")
        await self._time.known()
        await self._account.open()
        if self._pumpkin.user_address:
            self._connections.begin_account(self._make_account_feed)

    def _make_account_feed(self) -> AccountFeed:
        connections, place = self._connections, Address(url=self._pumpkin.user_address)

        async def address() -> Address:
            return place

        topics = make_login(self.client)
        stream = connections.account_stream(Calls().login(topics, _refused_login), address)
        return make_account_feed(
            stream, self._account, connections.outbox, topics=topics, time_scale=self.settings.time_scale
        )

    def _show_account(self, status: StreamStatus | None) -> None:
        self._connections.chip.account(status)


def _refused_login(error: VenueError) -> VenueError:
    """Returns what the refusal of the private topics is: a listen key that is too old is drawn anew."""
    if isinstance(error, AuthenticationError):
        return AuthenticationError(VENUE, f"the private topics were refused: {error.message}", error.code)
    return error
