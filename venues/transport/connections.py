"""A venue's HTTP and its streams as one thing: opened and closed together, and told of by one chip."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from venues.errors import AuthenticationError, ConnectionLost, VenueError
from venues.events import LinkState, StreamStatus
from venues.transport.account_feed import AccountFeed
from venues.transport.address import Address
from venues.transport.asks import Ask
from venues.transport.chip import Chip, QuarantineDesk
from venues.transport.crew import Crew
from venues.transport.http import HttpClient
from venues.transport.link import Quarantined, Stream
from venues.transport.outbox import Outbox
from venues.transport.streams import Streams
from venues.transport.timekeeping import Timekeeper

_PATIENCE = 10.0  # seconds that opening waits for a stream whose subscriptions are refused
_LOST = frozenset({LinkState.RECONNECTING, LinkState.DOWN})


class MarketFeed(Protocol):
    """The market's half of a venue; one that is polled alone has no stream."""

    @property
    def stream(self) -> Stream | None: ...

    def start(self) -> None:
        """Connects, and again after every loss, until `aclose`."""
        ...

    def opened(self, connection: int) -> None:
        """Is told of each connection that is open and subscribed."""
        ...

    def lost(self) -> None:
        """Is told when a connection is lost: no book can be read until it is full again."""
        ...

    async def aclose(self) -> None: ...


class Account(Protocol):
    """The private half of a venue."""

    def resynced(self) -> None:
        """Is told each time the account's stream has been opened, signed in and subscribed."""
        ...

    def unsubscribed(self) -> None:
        """Is told when that stream is closed, and nobody wants to hear of the account any more."""
        ...

    async def aclose(self) -> None: ...


class Connections:
    """The connections of one venue, for one event loop. `join` it with the halves that were made from it.

    `wall` is nanoseconds UTC.
    """

    def __init__(
        self,
        venue: str,
        http: HttpClient,
        streams: Streams,
        *,
        time_scale: float = 1.0,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._venue = venue
        self._http = http
        self._streams = streams
        self._patience = _PATIENCE * time_scale
        self.outbox = Outbox()
        self.chip = Chip(venue, self.outbox, time_scale=time_scale, wall=wall)
        self.quarantine = QuarantineDesk(venue, self.outbox, time_scale=time_scale, wall=wall)
        self.account_feed: AccountFeed | None = None  # while anybody wants to hear of the account
        self._crew = Crew(self.outbox.fail)
        self._market_losses = _Losses(lambda: self._market.lost())
        self._is_closed = False

    def market_stream(self) -> Stream:
        """Returns the market's stream, not started. Raises ConfigurationError: address or proxy is none."""
        return self._streams.make(
            on_status=self._market_status, on_open=self._market_opened, on_quarantine=self.quarantine.take
        )

    def further_stream(
        self,
        url: str,
        *,
        show: Callable[[StreamStatus], None],
        opened: Callable[[int], None],
        lost: Callable[[], None],
    ) -> Stream:
        """Returns another stream of the market, not started, which whoever asks for it closes.

        `show` gets its states, for `chip.further` while it is in use; `opened` and `lost` are told as the halves
        of a venue are. Raises ConfigurationError: address or proxy is none.
        """
        losses = _Losses(lost)

        def heard(status: StreamStatus) -> None:
            losses.hear(status)
            show(status)

        return self._streams.make(
            on_status=heard, on_open=opened, on_quarantine=self.quarantine.take, address=Address(url=url)
        )

    def account_stream(self, login: Ask, address: Callable[[], Awaitable[Address]] | None = None) -> Stream:
        """Returns the account's stream, not started; without an `address` it goes where the market's does."""
        return self._streams.make(
            on_status=self._account_status,
            on_open=lambda _: self._account.resynced(),
            on_quarantine=self._missed,
            login=login,
            address=address,
        )

    def join(
        self,
        market: MarketFeed,
        account: Account,
        timekeeper: Timekeeper,
        *,
        missed: Callable[[], None] = lambda: None,
        show_market: Callable[[StreamStatus], None] | None = None,
        show_account: Callable[[StreamStatus], None] | None = None,
    ) -> None:
        """Takes the halves of the venue, once they are made.

        `missed` is told of each frame of the account that could not be used; the desk reads the account back by
        itself then. `show_market` and `show_account` take the states of the streams in place of the chip, where
        something else may stand in for a stream.
        """
        self._market = market
        self._account = account
        self._time = timekeeper
        self._on_missed = missed
        self._show_market = show_market or self.chip.market
        self._show_account = show_account or self.chip.account

    def check_open(self) -> None:
        """Raises ConnectionLost after `aclose`."""
        if self._is_closed:
            raise ConnectionLost(self._venue, "this venue is closed")

    async def connect(self, reach: Callable[[], Awaitable[object]], *, keeps_warm: bool) -> None:
        """Opens the market's stream, and returns once it stands or at least REST answers, by `reach`.

        With `keeps_warm` the connections of commands are kept open as well.

        Raises:
            VenueError: nothing was reached. The stream goes on trying, and may be asked for again.
        """
        self.check_open()
        self._market.start()
        if self.account_feed is not None:
            self.account_feed.start()
        self._crew.keep("time", self._time.run)
        if keeps_warm:
            self._crew.keep("warmth", self._http.keep_warm)
        stream = self._market.stream
        if stream is None:
            await reach()
            self.check_open()
            return
        try:
            async with asyncio.timeout(self._patience):
                await stream.opened()
        except (VenueError, TimeoutError) as error:
            self.check_open()
            try:
                await reach()
            except VenueError as unread:
                raise (error if isinstance(error, VenueError) else unread) from None
            self.check_open()

    async def open_account(self, make: Callable[[], AccountFeed]) -> None:
        """Opens the account's stream, made where there is none; one whose key is not taken is closed again.

        Raises:
            VenueError: as `AccountFeed.open` does.
        """
        self.check_open()
        if self.account_feed is None:
            self.account_feed = make()
        try:
            await self.account_feed.open()
        except AuthenticationError:
            await self.close_account()
            raise

    def begin_account(self, make: Callable[[], AccountFeed]) -> None:
        """Opens the account's stream without waiting for it, where the account is told of without it as well."""
        self.check_open()
        if self.account_feed is None:
            self.account_feed = make()
        self.account_feed.begin()

    async def close_account(self) -> None:
        """Closes the account's stream, if there is one."""
        feed, self.account_feed = self.account_feed, None
        if feed is not None:
            await feed.aclose()
            self._account.unsubscribed()
            self.chip.account(None)

    async def aclose(self) -> None:
        """Closes everything and ends the outbox, within a second. May be called twice."""
        self._is_closed = True
        closing = [self._crew.aclose(), self._market.aclose(), self._account.aclose()]
        if self.account_feed is not None:
            closing.append(self.account_feed.aclose())
        await asyncio.gather(*closing)
        await self._http.aclose()  # after those who read by it: a connection that is being made would be left
        self.chip.close()
        self.quarantine.close()
        self.outbox.close()

    def _market_status(self, status: StreamStatus) -> None:
        self._market_losses.hear(status)
        self._show_market(status)

    def _market_opened(self, connection: int) -> None:
        self._market.opened(connection)
        self._time.want()

    def _account_status(self, status: StreamStatus) -> None:
        if status.state in _LOST:
            self._time.want()  # a login may be refused for the time that it names
        if self.account_feed is not None:
            self._show_account(status)

    def _missed(self, frame: Quarantined) -> None:
        self.quarantine.take(frame)
        self._on_missed()
        self.chip.missed(f"account: {frame.why}")


class _Losses:
    """Tells of each loss of a stream, by its states."""

    def __init__(self, lost: Callable[[], None]) -> None:
        self._lost = lost
        self._was = (LinkState.CONNECTING, "")

    def hear(self, status: StreamStatus) -> None:
        was, self._was = self._was, (status.state, status.detail)
        # A round trip is told with the state as it was: of a new connection, before its subscriptions stand.
        if status.state in _LOST and was != self._was:
            self._lost()
