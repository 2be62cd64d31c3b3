"""The account's half of the stream: a login whose filters choose what is told; there is nothing to subscribe."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from venues.errors import RateLimited, VenueError
from venues.events import Event
from venues.max import VENUE
from venues.max.account import Account
from venues.max.wire import USER, decode_frame
from venues.transport.account_feed import AccountFeed
from venues.transport.address import Address
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.outbox import Outbox
from venues.transport.ratelimit import RateLimiter

MakeAddress: TypeAlias = Callable[[], Awaitable[Address]]

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


def make_account_feed(stream: Stream, account: Account, outbox: Outbox, *, time_scale: float = 1.0) -> AccountFeed:
    """Returns the feed, not opened."""

    def read(frame: Frame) -> Iterable[Event]:
        message = decode_frame(frame.data)
        return account.take(message) if message.channel == USER else ()

    return AccountFeed(stream, read, outbox, settled=account.settled, time_scale=time_scale)
