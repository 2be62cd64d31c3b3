"""The market's subscriptions, asked for together: a connection may send 20 messages a second and 200 a minute.

Subscriptions add up. What is asked for at about the same moment goes out as one message, everything again after a
reconnect, and books that broke are ended and begun anew in two messages, however many they are. Where the venue
refuses a message, its parts are asked for by halves, so that one market that it does not know stops no other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from venues.errors import VenueError
from venues.max import VENUE
from venues.max.channels import Topic
from venues.max.connection import Calls
from venues.transport.gathering import Gathering, Waiters
from venues.transport.link import Stream
from venues.transport.sifting import is_judged, sift, to_give_up

logger = logging.getLogger(__name__)

_KEY = "market"
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
        self._wanted: dict[Topic, None] = {}
        self._standing: set[Topic] = set()
        self._connection = 0  # on which `standing` stands
        self._stood: set[Topic] = set()  # on any connection
        self._refused: tuple[Sequence[Topic], VenueError] | None = None
        self._not_before = float("-inf")
        self._gathering: Gathering[Topic] = Gathering(VENUE, "subscriptions", self._act, sleep=sleep)

    def __contains__(self, topic: Topic) -> bool:
        return topic in self._wanted

    @property
    def topics(self) -> Sequence[Topic]:
        return tuple(self._wanted)

    def want(self, topic: Topic) -> None:
        """Subscribes without waiting for anything."""
        self._wanted.setdefault(topic)
        self._gathering.begin()

    async def add(self, topic: Topic) -> None:
        """Subscribes, and returns once the venue has acknowledged it; without a connection, at once.

        Raises:
            VenueError: it was refused, and is not kept.
        """
        self._gathering.check_open()
        self._wanted.setdefault(topic)
        if topic not in self._current():
            await self._gathering.wait_for(topic)

    def remove(self, topic: Topic) -> None:
        """Ends a subscription, without waiting for the venue. What is still on its way may come."""
        if topic in self._wanted:
            del self._wanted[topic]
            self._stood.discard(topic)
            self._gathering.begin()

    def mend(self) -> None:
        """Has the broken books subscribed anew."""
        self._gathering.begin()

    def look(self) -> None:
        """Tries again what does not stand although there is a connection. Called now and then."""
        now = asyncio.get_running_loop().time()
        if self._stream.is_open and now >= self._not_before and self._missing():
            self._not_before = now + self._again
            self._gathering.begin()

    async def aclose(self) -> None:
        await self._gathering.aclose()

    def _current(self) -> set[Topic]:
        """Returns what stands on the present connection."""
        if self._connection != self._stream.connections:
            self._connection = self._stream.connections
            self._standing = set()
        return self._standing

    def _missing(self) -> list[Topic]:
        standing = self._current()
        return [topic for topic in self._wanted if topic not in standing]

    async def _act(self, waiting: Waiters[Topic]) -> None:
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
        waiting.answer_all(None)

    def _to_send(self) -> Sequence[Topic]:
        """Asked when a message is made. Where all stands it is said again, which does no harm."""
        return self._missing() or list(self._wanted)[:1] or [Topic("market_status")]

    def _answered(self, topics: Sequence[Topic], error: VenueError | None) -> None:
        if error is None:
            self._current().update(topics)
            self._stood.update(topic for topic in topics if topic in self._wanted)
            return
        self._refused = (topics, error)
        if not self._gathering.is_working:  # else whoever works looks at it
            self._gathering.begin()

    async def _end(self, topics: Sequence[Topic]) -> None:
        self._current().difference_update(topics)
        try:
            await self._stream.ask(self._calls.unsubscribe(topics))
        except VenueError as error:
            logger.warning("%s: the end of a subscription was not acknowledged: %s", VENUE, error.message)

    async def _sift_all(self, topics: Sequence[Topic], error: VenueError, waiting: Waiters[Topic]) -> None:
        asked = [topic for topic in topics if topic in self._wanted]
        found = await sift(asked, error, self._probe)
        refused = {topic: why for topic, why in found.items() if is_judged(why)}
        for topic in refused.keys() - self._stood:
            self._wanted.pop(topic, None)
            for each in (waiting, self._gathering.waiting):
                each.answer([topic], refused[topic])
        stood = [topic for topic in refused if topic in self._stood]
        others = [topic for topic in asked if topic.market and topic not in found]
        for topic, why in (await to_give_up(stood, found, others, self._probe)).items():
            self._wanted.pop(topic, None)
            self._stood.discard(topic)
            self._on_drop(topic, why)

    async def _probe(self, standing: Sequence[Topic], topics: Sequence[Topic]) -> VenueError | None:
        del standing  # subscriptions add up
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
