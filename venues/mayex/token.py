"""The token of the private stream, as the platform has it: created by REST, refreshed while it lives.

The venue's own document has none. Where the venue does not know such a call either, the account is polled, which
it is anyhow; that is said once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol
from urllib.parse import quote, urlsplit

from venues.errors import NotSupported, VenueError
from venues.mayex.figures import milliseconds_of
from venues.mayex.models import StreamToken
from venues.transport.address import Address

_RENEW_AFTER = 1_500.0  # seconds, where the venue does not say how long a token lives
_LEAST = 5.0
_MILLISECOND = 1_000_000  # nanoseconds


class Tokens(Protocol):
    """The calls about the token, each of which may raise VenueError."""

    async def create_token(self) -> StreamToken: ...

    async def refresh_token(self) -> StreamToken: ...


class Token:
    """The token of one account. `now` is the venue's clock, nanoseconds.

    `failed` hears of each attempt that has failed.
    """

    def __init__(
        self,
        client: Tokens,
        *,
        now: Callable[[], int] = time.time_ns,
        failed: Callable[[VenueError], None] = lambda _: None,
        time_scale: float = 1.0,
    ) -> None:
        self._client = client
        self.now = now
        self.failed = failed
        self._scale = time_scale
        self._newest: StreamToken | None = None
        self._absent: NotSupported | None = None
        self._due = float("-inf")  # the loop's seconds

    @property
    def due(self) -> float:
        """When it is to be refreshed, by the loop's clock in seconds."""
        return self._due if self._newest is not None else asyncio.get_running_loop().time() + _LEAST

    @property
    def names(self) -> list[str]:
        """What is subscribed to: the token itself, once there is one."""
        return [] if self._newest is None else [self._newest.token.reveal()]

    async def login_topics(self) -> Sequence[str]:
        """Returns what a new connection subscribes to. Raises VenueError."""
        await self.create()
        return self.names

    async def address(self, url: str) -> Address:
        """Returns the address with the token in its query. Raises VenueError."""
        await self.create()
        query = urlsplit(url).query
        told = "token=" + "".join(quote(name, safe="") for name in self.names)
        return Address(url=urlsplit(url)._replace(query=f"{query}&{told}" if query else told).geturl())

    async def create(self) -> None:
        """Creates it, or is told the one that lives. Raises VenueError; NotSupported once is for ever."""
        if self._absent is not None:
            raise self._absent
        try:
            self._take(await self._client.create_token())
        except VenueError as error:
            if isinstance(error, NotSupported):
                self._absent = error
            self.failed(error)
            raise

    async def refresh(self) -> bool:
        """Lets it live on, or creates another; returns whether it is another. Raises VenueError."""
        before = self.names
        try:
            self._take(await self._client.refresh_token())
        except VenueError:  # "not-created": it has died meanwhile
            await self.create()
        return self.names != before

    def _take(self, told: StreamToken) -> None:
        self._newest = told
        pause = _RENEW_AFTER * self._scale
        left = milliseconds_of(told.expiry or 0) * _MILLISECOND - self.now()
        if left > 0:  # what is over before it begins is told in another unit, or by another clock
            pause = max(_LEAST * self._scale, left / 2e9)
        self._due = asyncio.get_running_loop().time() + pause
