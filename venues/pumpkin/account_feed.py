"""The private topics: subscribed by a listen key, which is good for about an hour and never prolonged.

Another key is drawn with each connection, and before the hour is over: the topics are subscribed by it as well,
and those of the key before are left. Nothing is missed by that, and what is told twice is told once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from venues.events import Event
from venues.pumpkin.account import Account
from venues.pumpkin.client import Client
from venues.pumpkin.connection import Calls
from venues.pumpkin.pushes import TOPICS
from venues.pumpkin.wire import Push, Reply, decode
from venues.transport.account_feed import AccountFeed, RenewedFeed
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.outbox import Outbox

_RENEW_AFTER = 3_000.0  # seconds; the key's life is "about" an hour
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
    given, calls = topics, Calls()

    def due() -> float:
        drawn_at = given.drawn_at if given.newest else asyncio.get_running_loop().time()
        return drawn_at + _RENEW_AFTER * time_scale

    async def renew() -> None:
        before = given.newest
        await stream.ask(calls.login(given, lambda error: error))
        await stream.ask(calls.unsubscribe(before))

    return RenewedFeed(stream, read, outbox, due=due, renew=renew, settled=account.settled, time_scale=time_scale)
