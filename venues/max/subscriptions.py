"""The market's subscriptions, asked for together: a connection may send 20 messages a second and 200 a minute.

Subscriptions add up. What is asked for at about the same moment goes out as one message, everything again after a
reconnect, and books that broke are ended and begun anew in two messages, however many they are. Where the venue
refuses a message, its parts are asked for by halves, so that one market that it does not know stops no other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from venues.errors import ConnectionLost, TransientError, VenueError
from venues.max import VENUE
from venues.max.channels import Topic
from venues.max.connection import Calls
from venues.transport.link import Stream

logger = logging.getLogger(__name__)

Waiting: TypeAlias = dict[Topic, list[asyncio.Future[None]]]
"""Topic -> who waits for its subscription."""

_KEY = "market"
_TOGETHER = 0.005  # seconds that a message waits for others to join it
_AGAIN = 5.0  # seconds between two attempts at what was refused though it stood before


class Subscriptions:
    """What is wanted of the market's stream.

    `broken` returns the markets whose books are to begin anew, `asked_for` is told when they were. `on_drop` is
    told of what stood before and the venue no longer takes.
    """

    def __init__(
        self,
        stream: Stream,
        calls: Calls,
        *,
        broken: Callable[[], Sequence[str]] = tuple,
        asked_for: Callable[[Sequence[str]], None] = lambda _: None,
        on_drop: Callable[[Topic, VenueError], None] = lambda *_: None,
        time_scale: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._stream = stream
        self._calls = calls
        self._broken = broken
        self._asked_for = asked_for
        self._on_drop = on_drop
        self._again = _AGAIN * time_scale
        self._sleep = sleep
        self._wanted: dict[Topic, None] = {}
        self._standing: set[Topic] = set()
        self._connection = 0  # on which `standing` stands
        self._stood: set[Topic] = set()  # on any connection
        self._waiting: Waiting = {}
        self._refused: tuple[Sequence[Topic], VenueError] | None = None
        self._not_before = float("-inf")
        self._must_act = False
        self._work: asyncio.Task[None] | None = None
        self._is_closed = False

    def __contains__(self, topic: Topic) -> bool:
        return topic in self._wanted

    @property
    def topics(self) -> Sequence[Topic]:
        return tuple(self._wanted)

    def want(self, topic: Topic) -> None:
        """Subscribes without waiting for anything."""
        self._wanted.setdefault(topic)
        self._begin()

    async def add(self, topic: Topic) -> None:
        """Subscribes, and returns once the venue has acknowledged it; without a connection, at once.

        Raises:
            VenueError: it was refused, and is not kept.
        """
        if self._is_closed:
            raise ConnectionLost(VENUE, "this venue is closed")
        if topic in self._current():
            self._wanted.setdefault(topic)
            return
        self._wanted.setdefault(topic)
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(topic, []).append(waiter)
        self._begin()
        await waiter

    def remove(self, topic: Topic) -> None:
        """Ends a subscription, without waiting for the venue. What is still on its way may come."""
        if topic in self._wanted:
            del self._wanted[topic]
            self._stood.discard(topic)
            self._begin()

    def mend(self) -> None:
        """Has the broken books subscribed anew."""
        self._begin()

    def look(self) -> None:
        """Tries again what does not stand although there is a connection. Called now and then."""
        now = asyncio.get_running_loop().time()
        if self._stream.is_open and now >= self._not_before and self._missing():
            self._not_before = now + self._again
            self._begin()

    async def aclose(self) -> None:
        self._is_closed = True
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait({self._work})
        self._answer_all(self._waiting, ConnectionLost(VENUE, "this venue is closed"))

    def _current(self) -> set[Topic]:
        """Returns what stands on the present connection."""
        if self._connection != self._stream.connections:
            self._connection = self._stream.connections
            self._standing = set()
        return self._standing

    def _missing(self) -> list[Topic]:
        standing = self._current()
        return [topic for topic in self._wanted if topic not in standing]

    def _begin(self) -> None:
        self._must_act = True
        if not self._is_closed and (self._work is None or self._work.done()):
            self._work = asyncio.create_task(self._run(), name="max subscriptions")

    async def _run(self) -> None:
        while self._must_act:
            await self._sleep(_TOGETHER)
            self._must_act = False
            waiting, self._waiting = self._waiting, {}
            try:
                await self._act(waiting)
            finally:
                self._answer_all(waiting, ConnectionLost(VENUE, "the subscription was given up"))

    async def _act(self, waiting: Waiting) -> None:
        books = {Topic("book", market) for market in self._broken()}
        gone = [topic for topic in self._current() if topic not in self._wanted or topic in books]
        self._asked_for([topic.market for topic in books])
        if gone:
            await self._end(gone)
        if not self._wanted:
            await self._stream.unsubscribe(_KEY)
        elif self._missing():
            await self._stream.subscribe(_KEY, self._calls.subscribe(self._to_send, self._answered))
        if self._refused is not None:
            (topics, error), self._refused = self._refused, None
            await self._sift_all(topics, error, waiting)
        self._answer_all(waiting, None)

    def _to_send(self) -> Sequence[Topic]:
        """Asked when a message is made. Where all stands it is said again, which does no harm."""
        return self._missing() or list(self._wanted)[:1] or [Topic("market_status")]

    def _answered(self, topics: Sequence[Topic], error: VenueError | None) -> None:
        if error is None:
            self._current().update(topics)
            self._stood.update(topic for topic in topics if topic in self._wanted)
            return
        self._refused = (topics, error)
        if self._work is None or self._work.done():  # else whoever works looks at it
            self._begin()

    async def _end(self, topics: Sequence[Topic]) -> None:
        self._current().difference_update(topics)
        try:
            await self._stream.ask(self._calls.unsubscribe(topics))
        except VenueError as error:
            logger.warning("%s: the end of a subscription was not acknowledged: %s", VENUE, error.message)

    async def _sift_all(self, topics: Sequence[Topic], error: VenueError, waiting: Waiting) -> None:
        refused = await self._sift([topic for topic in topics if topic in self._wanted], error)
        for topic, reason in refused.items():
            if topic not in self._stood:
                self._wanted.pop(topic, None)
                _answer(waiting.pop(topic, []) + self._waiting.pop(topic, []), reason)
            elif len(refused) < sum(bool(each.market) for each in topics):  # else it was not about the markets
                self._wanted.pop(topic, None)
                self._stood.discard(topic)
                self._on_drop(topic, reason)

    async def _sift(self, topics: Sequence[Topic], error: VenueError) -> dict[Topic, VenueError]:
        """Returns which of the topics the venue refuses, by halves; `error` is what it said to all of them."""
        if not topics or isinstance(error, TransientError):
            return {}
        if len(topics) == 1:
            return {topics[0]: error}
        middle = len(topics) // 2
        refused: dict[Topic, VenueError] = {}
        for half in (topics[:middle], topics[middle:]):
            reason = await self._probe(half)
            if reason is not None:
                refused |= await self._sift(half, reason)
        return refused

    async def _probe(self, topics: Sequence[Topic]) -> VenueError | None:
        found: list[VenueError] = []

        def answered(about: Sequence[Topic], error: VenueError | None) -> None:
            if error is None:
                self._answered(about, None)
            else:
                found.append(error)

        try:
            await self._stream.ask(self._calls.subscribe(lambda: topics, answered))
        except VenueError as error:
            return error
        return found[0] if found else None

    def _answer_all(self, waiting: Waiting, error: VenueError | None) -> None:
        for waiters in waiting.values():
            _answer(waiters, error)


def _answer(waiters: Sequence[asyncio.Future[None]], error: VenueError | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
