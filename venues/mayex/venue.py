"""Mayex behind the port: REST, streams for contracts and for spot, one for the account where there is a token."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache, partial

from venues.commands import FundsRequest, Subscription
from venues.errors import AuthenticationError, MissingCredentials, NotSupported, VenueError
from venues.margin import FundsReceipt
from venues.mayex import VENUE
from venues.mayex.abilities import capabilities
from venues.mayex.account import Account
from venues.mayex.account_feed import make_account_feed
from venues.mayex.calls import Calls
from venues.mayex.connection import make_client, make_limiter, make_streams
from venues.mayex.listing import Listing
from venues.mayex.market_feed import MarketFeed
from venues.mayex.settings import Settings
from venues.mayex.timekeeping import DateClock, make_timekeeper
from venues.mayex.token import Token
from venues.model import NANOSECONDS
from venues.port import Capabilities, Depart
from venues.redaction import redaction_of
from venues.transport.account_feed import AccountFeed
from venues.transport.address import Address
from venues.transport.connections import Connections
from venues.transport.port_calls import PortCalls

__all__ = ["MayexVenue", "Settings", "create"]


def create(settings: Settings, *, tls: ssl.SSLContext | None = None) -> MayexVenue:
    """Makes the venue, unconnected; `tls` trusts an authority of its own.

    Raises:
        ConfigurationError: an address, the quota or the secret can not be used.
    """
    return MayexVenue(settings, tls=tls)


class MayexVenue(PortCalls):
    """The port's `Venue`, the books that it keeps (`KeepsBooks`), and margins. For one event loop."""

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
        clock = DateClock(VENUE, is_corrected=True, wall=wall, monotonic=lambda: round(monotonic() * NANOSECONDS))
        limiter = make_limiter(settings)
        hide = redaction_of(settings.credentials)
        self.client, http = make_client(
            settings, limiter, now=clock.now, rng=rng, hide=hide, tls=tls, wall=wall, monotonic=monotonic
        )
        self._listing = Listing(self.client, settings, monotonic=monotonic)
        streams = make_streams(settings, limiter, rng=rng, hide=self.client.secrets, tls=tls, wall=wall)
        connections = Connections(VENUE, http, streams, time_scale=scale, wall=wall)
        self._market = MarketFeed(
            connections, self._listing, clock, settings, wall=wall, monotonic=monotonic, sleep=sleep
        )
        self._account = Account(
            self.client,
            self._listing,
            clock,
            settings,
            emit=connections.outbox.push,
            mark=self._market.fresh_mark,
            last=self._market.last,
            find_mark=self._market.find_mark,
            find_last=self._market.find_last,
            show=connections.chip.account,
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
        self._mayex = settings
        self._facts = settings.facts
        self._time = make_timekeeper(clock, self.client, connections.chip.clock, time_scale=scale, sleep=sleep)
        # The desk asks again and again, and compares: what has not changed is the same.
        self._abilities = lru_cache(maxsize=4)(partial(capabilities, settings))
        connections.join(
            self._market,
            self._account,
            self._time,
            missed=self._account.missed,
            show_market=self._market.hears,
            show_account=self._account.hears,
        )

    @property
    def capabilities(self) -> Capabilities:
        return self._abilities(order_life=self._account.order_life, is_verified=self.client.is_verified)

    async def connect(self) -> None:
        """Opens the contracts' stream, and returns once it stands or at least REST answers.

        With a key the venue's clock is asked for before anything is signed by it.

        Raises:
            VenueError: nothing was reached. The stream goes on trying, and may be asked for again.
        """
        await super().connect()
        if self.settings.credentials is not None:
            await self._time.known()

    async def subscribe(self, subscription: Subscription) -> None:
        """Raises VenueError: UnknownInstrument, BadRequest for what the venue does not have."""
        self._connections.check_open()
        if subscription.instrument is None:
            await self._open_account()
        else:
            await self._market.subscribe(subscription)

    async def unsubscribe(self, subscription: Subscription) -> None:
        await super().unsubscribe(subscription)
        if subscription.instrument is None:
            await self._account.close()

    async def move_funds(self, request: FundsRequest, *, depart: Depart | None = None) -> FundsReceipt:
        return await self._account.move_funds(request, depart=depart)

    async def find_funds(self, request: FundsRequest, since: int) -> Sequence[FundsReceipt]:
        return await self._account.find_funds(request, since)

    async def _open_account(self) -> None:
        if self.settings.credentials is None:
            raise MissingCredentials(VENUE, "an API key is needed for the account")
        await self._time.known()  # where it was not to be had until now
        await self._account.open()
        if self._facts.private_stream != "none" and self._facts.token_path and await self._has_stream():
            self._connections.begin_account(self._make_account_feed)

    async def _has_stream(self) -> bool:
        """Says whether there may be a private stream: not where the venue has no such call, which is said once."""
        try:
            await self.client.create_token()
        except NotSupported as error:
            self._account.stream_failed(error)
            return False
        except VenueError:
            return True  # it may pass: the stream tries again
        return True

    def _make_account_feed(self) -> AccountFeed:
        connections, calls, scale = self._connections, Calls(), self.settings.time_scale
        token, place = Token(self.client, time_scale=scale), self._mayex.contract_address
        in_query = self._facts.private_stream == "query"

        async def address() -> Address:
            return await token.address(place) if in_query else Address(url=place)

        login = calls.list_subscriptions() if in_query else calls.login(token.login_topics, _refused_login)
        stream = connections.account_stream(login, address)
        return make_account_feed(
            stream,
            self._account,
            connections.outbox,
            token=token,
            calls=None if in_query else calls,
            time_scale=scale,
        )


def _refused_login(error: VenueError) -> VenueError:
    """Returns what the refusal of a token is: another one is created for the next connection."""
    return AuthenticationError(VENUE, f"the private stream was refused: {error.message}", error.code)
