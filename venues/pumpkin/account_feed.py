"""The private topics: subscribed by a listen key, which is good for about an hour and never prolonged.

Another key is drawn with each connection, and before the hour is over: the topics are subscribed by it as well,
and those of the key before are left. Nothing is missed by that, and what is told twice is told once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from venues.errors import VenueError
from venues.events import Event
from venues.pumpkin.account import Account
from venues.pumpkin.client import Client
from venues.pumpkin.connection import Calls
from venues.pumpkin.pushes import TOPICS
from venues.pumpkin.wire import Push, Reply, decode
from venues.transport.account_feed import AccountFeed
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.outbox import Outbox

logger = logging.getLogger(__name__)

_RENEW_AFTER = 3_000.0  # seconds; the key's life is "about" an hour
_RETRY_AFTER = 60.0
_DENIED = 40005


class PrivateTopics:
    """Returns the topics of the account each time by a new key. Raises VenueError."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.newest: Sequence[str] = ()
        self.drawn_at = float("-inf")  # the loop's seconds

    async def __call__(self) -> Sequence[str]:
        key = await self._client.listen_key()
        self.newest = tuple(f"{topic}@{key}" for topic in TOPICS)
        self.drawn_at = asyncio.get_running_loop().time()
        return self.newest


def make_login(client: Client) -> PrivateTopics:
    """Returns what makes the topics that a connection begins with."""
    return PrivateTopics(client)


class PrivateFeed(AccountFeed):
    """The account's stream, whose key is renewed in time."""

    def __init__(
        self,
        stream: Stream,
        read: Callable[[Frame], Iterable[Event]],
        outbox: Outbox,
        topics: PrivateTopics,
        *,
        settled: Callable[[], Iterable[Event]],
        time_scale: float = 1.0,
    ) -> None:
        super().__init__(stream, read, outbox, settled=settled, time_scale=time_scale)
        self._topics = topics
        self._scale = time_scale
        self._renewing: asyncio.Task[None] | None = None

    def begin(self) -> None:
        super().begin()
        if self._renewing is None:
            self._renewing = asyncio.get_running_loop().create_task(self._renew(), name="pumpkin listen key")

    async def aclose(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        await super().aclose()

    async def _renew(self) -> None:
        loop, calls = asyncio.get_running_loop(), Calls()
        while True:
            drawn_at = max(self._topics.drawn_at, 0.0)
            due = (drawn_at or loop.time()) + _RENEW_AFTER * self._scale
            await asyncio.sleep(max(0.0, due - loop.time()))
            if self._topics.drawn_at > drawn_at:
                continue  # a new connection has drawn another
            before = self._topics.newest
            try:
                await self.stream.ask(calls.login(self._topics, lambda error: error))
                await self.stream.ask(calls.unsubscribe(before))
            except VenueError as error:
                logger.warning("the listen key could not be renewed: %s", error)
                await asyncio.sleep(_RETRY_AFTER * self._scale)


def make_account_feed(
    stream: Stream,
    account: Account,
    outbox: Outbox,
    *,
    topics: PrivateTopics | None = None,
    time_scale: float = 1.0,
) -> AccountFeed:
    """Returns the feed, not opened. With the `topics` of the login their key is renewed; else it comes anew."""

    def read(frame: Frame) -> Iterable[Event]:
        said = decode(frame.data)
        if isinstance(said, Push):
            return account.take(said)
        if isinstance(said, Reply) and said.code == _DENIED:
            stream.reconnect("the listen key has expired")
        return ()

    if topics is None:
        return AccountFeed(stream, read, outbox, settled=account.settled, time_scale=time_scale)
    return PrivateFeed(stream, read, outbox, topics, settled=account.settled, time_scale=time_scale)
