"""What is subscribed on the market's stream, and which of it stands.

Answers have no id: one command goes at a time, and what is wished together is asked together. Where one is refused
it is found by halves. Nothing that is refused is an error: it is polled, and asked for again after a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from venues.errors import RequestTimeout, VenueError
from venues.pumpkin import VENUE
from venues.pumpkin.connection import Calls
from venues.transport.gathering import Gathering, Waiters
from venues.transport.link import Stream
from venues.transport.sifting import is_judged, sift

logger = logging.getLogger(__name__)

_AGAIN = 10.0  # seconds between two attempts at what does not stand
_REFUSED = 60.0  # the same for what the venue has judged


class Topic(NamedTuple):
    """What one subscription is about; `detail` is a candle's length or a book's levels."""

    channel: str
    symbol: str
    detail: str = ""

    @property
    def name(self) -> str:
        """Returns it as it is sent."""
        return f"{self.channel}@{self.symbol}" + (f",{self.detail}" if self.detail else "")


class Subscriptions:
    """What is wanted of the market's stream. `stands` is told what has begun to stand, and when it was asked for.

    `now` is in seconds.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        stands: Callable[[Topic, float], None] = lambda *_: None,
        time_scale: float = 1.0,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._stream = stream
        self._stands = stands
        self._scale = time_scale
        self._now = now
        self._calls = Calls()
        self._wanted: dict[Topic, None] = {}
        self._standing: set[Topic] = set()
        self._anew: set[Topic] = set()
        self._refused: dict[Topic, float] = {}  # until when it is left
        self._not_before = float("-inf")
        self._connection = 0  # on which `standing` stands
        self._gathering: Gathering[Topic] = Gathering(VENUE, "subscriptions", self._act, sleep=sleep)

    def __contains__(self, topic: Topic) -> bool:
        return topic in self._wanted

    def is_standing(self, topic: Topic) -> bool:
        """Whether the venue has acknowledged it on the present connection."""
        return self._stream.is_open and topic in self._current()

    def want(self, topic: Topic) -> None:
        """Subscribes without waiting for anything."""
        if topic not in self._wanted:
            self._wanted[topic] = None
            self._gathering.begin()

    def remove(self, topic: Topic) -> None:
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

    def renew(self, topics: Iterable[Topic]) -> None:
        """Ends what stands of these and subscribes it again."""
        found = {topic for topic in topics if self.is_standing(topic)}
        if found:
            self._anew |= found
            self._gathering.begin()

    def look(self) -> None:
        """Tries again what does not stand although there is a connection. Called now and then."""
        if self._stream.is_open and self._now() >= self._not_before and self._missing():
            self._not_before = self._now() + _AGAIN * self._scale
            self._gathering.begin()

    async def aclose(self) -> None:
        await self._gathering.aclose()

    def _current(self) -> set[Topic]:
        if self._connection != self._stream.connections:
            self._connection = self._stream.connections
            self._standing = set()
            self._anew = set()
        return self._standing

    def _missing(self) -> list[Topic]:
        standing, now = self._current(), self._now()
        return [topic for topic in self._wanted if topic not in standing and self._refused.get(topic, now) <= now]

    async def _act(self, waiting: Waiters[Topic]) -> None:
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
                logger.warning("%s: %s", VENUE, error.message)
        waiting.answer_all(None)

    async def _begin(self, topics: Sequence[Topic]) -> None:
        error = await self._probe((), topics)
        if error is None:
            return
        for topic, why in (await sift(topics, error, self._probe)).items():
            left = _REFUSED if is_judged(why) else _AGAIN
            self._refused[topic] = self._now() + left * self._scale
            logger.warning("%s: %s is not streamed: %s", VENUE, topic.name, why.message)

    async def _probe(self, standing: Sequence[Topic], topics: Sequence[Topic]) -> VenueError | None:
        """Raises RequestTimeout, and ConnectionLost: neither is an answer."""
        del standing  # subscriptions add up
        sent = self._now()
        connection = self._stream.connections
        try:
            await self._stream.ask(self._calls.subscribe([topic.name for topic in topics]))
        except RequestTimeout:
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

    async def _end(self, topics: Sequence[Topic]) -> None:
        if not topics:
            return
        self._current().difference_update(topics)
        connection = self._stream.connections
        try:
            await self._stream.ask(self._calls.unsubscribe([topic.name for topic in topics]))
        except RequestTimeout:
            raise
        except VenueError as error:
            if not self._stream.is_open or connection != self._stream.connections:
                raise
            # What goes on coming is left aside: no reason to leave what is wanted now.
            logger.warning("%s: a subscription was not ended: %s", VENUE, error.message)
