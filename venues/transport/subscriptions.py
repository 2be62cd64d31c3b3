"""What is subscribed on a market's stream, and which of it stands.

One command goes at a time, and what is wished together is asked together. Where one is refused it is found by
halves. Nothing that is refused is an error: it is asked for again after a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from venues.errors import ConnectionLost, RequestTimeout, VenueError
from venues.transport.asks import Ask
from venues.transport.gathering import Gathering, Waiters
from venues.transport.link import Stream
from venues.transport.sifting import is_judged, sift

logger = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

_AGAIN = 10.0  # seconds between two attempts at what does not stand


class Subscriptions(Generic[K]):
    """What is wanted of a stream. `subscribe` and `unsubscribe` make the asks, of topics by their names.

    `name` is what a topic is sent as. `asks` is told what is about to be asked for, of which nothing stands any
    more, `stands` what has begun to stand, and when it was asked for, `refused` what the venue does not take, and
    why; `judged` is how many seconds that is left, at full scale. `now` is in seconds.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        subscribe: Callable[[Sequence[str]], Ask],
        unsubscribe: Callable[[Sequence[str]], Ask],
        name: Callable[[K], str],
        asks: Callable[[K], None] = lambda _: None,
        stands: Callable[[K, float], None] = lambda *_: None,
        refused: Callable[[K, VenueError], None] = lambda *_: None,
        judged: float,
        time_scale: float = 1.0,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._stream = stream
        self._subscribe = subscribe
        self._unsubscribe = unsubscribe
        self._name = name
        self._asks = asks
        self._stands = stands
        self._tell_refused = refused
        self._judged = judged * time_scale
        self._again = _AGAIN * time_scale
        self._now = now
        self._wanted: dict[K, None] = {}
        self._standing: set[K] = set()
        self._anew: set[K] = set()
        self._refused: dict[K, float] = {}  # until when it is left
        self._not_before = float("-inf")
        self._connection = 0  # on which `standing` stands
        self._gathering: Gathering[K] = Gathering(stream.venue, "subscriptions", self._act, sleep=sleep)

    def __contains__(self, topic: K) -> bool:
        return topic in self._wanted

    def is_standing(self, topic: K) -> bool:
        """Whether the venue has acknowledged it on the present connection."""
        return self._stream.is_open and topic in self._current()

    def want(self, topic: K) -> None:
        """Subscribes without waiting for anything."""
        if topic not in self._wanted:
            self._wanted[topic] = None
            self._gathering.begin()

    def remove(self, topic: K) -> None:
        """Ends a subscription, without waiting for the venue. What is still on its way may come."""
        if topic in self._wanted:
            del self._wanted[topic]
            self._refused.pop(topic, None)
            self._gathering.begin()

    def opened(self) -> None:
        """Is told of each new connection: nothing stands on it."""
        self._refused.clear()
        if self._wanted:
            self._gathering.begin()

    def renew(self, topics: Iterable[K]) -> None:
        """Ends what stands of these and subscribes it again."""
        found = {topic for topic in topics if self.is_standing(topic)}
        if found:
            self._anew |= found
            self._gathering.begin()

    def look(self) -> None:
        """Tries again what does not stand although there is a connection. Called now and then."""
        if self._stream.is_open and self._now() >= self._not_before and self._missing():
            self._not_before = self._now() + self._again
            self._gathering.begin()

    async def aclose(self) -> None:
        await self._gathering.aclose()

    def _current(self) -> set[K]:
        if self._connection != self._stream.connections:
            self._connection = self._stream.connections
            self._standing = set()
            self._anew = set()
        return self._standing

    def _missing(self) -> list[K]:
        standing, now = self._current(), self._now()
        return [topic for topic in self._wanted if topic not in standing and self._refused.get(topic, now) <= now]

    async def _act(self, waiting: Waiters[K]) -> None:
        if self._stream.is_open:
            try:
                await self._end([topic for topic in self._current() if topic not in self._wanted])
                await self._end(list(self._anew & self._current()))
                self._anew.clear()
                if missing := self._missing():
                    await self._begin(missing)
            except RequestTimeout as error:
                self._stream.reconnect(error.message)
            except VenueError as error:
                logger.warning("%s: %s", self._stream.venue, error.message)
        waiting.answer_all(None)

    async def _begin(self, topics: Sequence[K]) -> None:
        error = await self._probe((), topics)
        if error is None:
            return
        for topic, why in (await sift(topics, error, self._probe)).items():
            self._refused[topic] = self._now() + (self._judged if is_judged(why) else self._again)
            logger.warning("%s: %s is not streamed: %s", self._stream.venue, self._name(topic), why.message)
            self._tell_refused(topic, why)

    async def _probe(self, standing: Sequence[K], topics: Sequence[K]) -> VenueError | None:
        """Raises RequestTimeout, and ConnectionLost: neither is an answer."""
        del standing  # subscriptions add up
        sent = self._now()
        for topic in topics:
            self._asks(topic)
        connection = self._stream.connections
        try:
            await self._stream.ask(self._subscribe([self._name(topic) for topic in topics]))
        except (ConnectionLost, RequestTimeout):
            raise
        except VenueError as error:
            if not self._stream.is_open or connection != self._stream.connections:
                raise
            return error
        standing_now = self._current()
        if connection == self._stream.connections:
            standing_now.update(topics)
            for topic in topics:
                self._stands(topic, sent)
        return None

    async def _end(self, topics: Sequence[K]) -> None:
        if not topics:
            return
        self._current().difference_update(topics)
        connection = self._stream.connections
        try:
            await self._stream.ask(self._unsubscribe([self._name(topic) for topic in topics]))
        except (ConnectionLost, RequestTimeout):
            raise
        except VenueError as error:
            if not self._stream.is_open or connection != self._stream.connections:
                raise
            # What goes on coming is left aside: no reason to leave what is wanted now.
            logger.warning("%s: a subscription was not ended: %s", self._stream.venue, error.message)
