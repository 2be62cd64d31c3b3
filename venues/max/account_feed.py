"""The account's half of the stream: the login, whose filters choose what is told. There is nothing to subscribe.

It is opened with the first subscription of the account, so that a key that is not taken never stops market data.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from venues.errors import DecodeError, RateLimited, RequestTimeout, VenueError
from venues.events import Event
from venues.max import VENUE
from venues.max.account import Account
from venues.max.wire import USER, decode_frame
from venues.transport.address import Address
from venues.transport.crew import Crew
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.outbox import Outbox
from venues.transport.ratelimit import RateLimiter

MakeAddress: TypeAlias = Callable[[], Awaitable[Address]]

_PATIENCE = 10.0  # seconds until the login has to stand
_BEHIND = 1.0  # seconds that the account's connection gives the market's


def address_behind(stream: Stream, address: Address, limiter: RateLimiter, time_scale: float = 1.0) -> MakeAddress:
    """Returns what makes the address of the account's stream: after `stream`, the market's, has connected.

    A ban is lengthened by each attempt that is made in it, so that one stream tries, and the other hears of it.
    """

    async def make() -> Address:
        with contextlib.suppress(VenueError, TimeoutError):
            async with asyncio.timeout(_BEHIND * time_scale):
                await stream.opened()
        if (left := limiter.penalty_left()) > 0:
            raise RateLimited(VENUE, "the venue told us to be silent", retry_after=left)
        return address

    return make


class AccountFeed:
    """Feeds `outbox` from the account's stream; nothing that it tells is ever dropped."""

    def __init__(self, stream: Stream, account: Account, outbox: Outbox, *, time_scale: float = 1.0) -> None:
        self.stream = stream
        self._account = account
        self._outbox = outbox
        self._patience = _PATIENCE * time_scale
        self._crew = Crew(outbox.fail)

    async def open(self) -> None:
        """Connects and waits until it is signed in; later it comes back by itself.

        Raises:
            AuthenticationError: the venue does not take the key.
            VenueError: an attempt failed; the stream goes on trying.
        """
        self.stream.start()
        self.start()
        try:
            async with asyncio.timeout(self._patience):
                await self.stream.opened()
        except TimeoutError:
            raise RequestTimeout(VENUE, "the account's stream is not signed in in time") from None

    def start(self) -> None:
        """Takes the frames, anew where that has broken."""
        self._crew.keep("account", self._consume)

    def take(self, frames: Sequence[Frame], events: list[Event]) -> None:
        """Adds to `events` what the frames tell."""
        for frame in frames:
            try:
                message = decode_frame(frame.data)
                if message.channel == USER:
                    events.extend(self._account.take(message))
            except DecodeError as error:
                self.stream.quarantine(frame, error.message)

    async def aclose(self) -> None:
        """Ends everything, after what was received is told. May be called twice."""
        await self.stream.aclose()
        await self._crew.aclose(cancels=False)

    async def _consume(self) -> None:
        async for frames in self.stream.batches():
            events: list[Event] = []
            self.take(frames, events)
            self._outbox.push(events)
