"""The account's half of the stream, opened with the first subscription of the account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from venues.errors import DecodeError, RequestTimeout
from venues.events import Event
from venues.transport.asks import Ask
from venues.transport.crew import Crew
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.outbox import Outbox

_PATIENCE = 10.0  # seconds until the login and the subscriptions have to stand


class AccountFeed:
    """Feeds `outbox` from the account's stream; nothing that it tells is ever dropped.

    `read` returns what a frame tells, and raises DecodeError for one that can not be used: that is set aside.
    `subscriptions` are asked for on each connection, by their names; where the login chooses, there are none.
    `settled` returns what all frames that came together have made of things.
    """

    def __init__(
        self,
        stream: Stream,
        read: Callable[[Frame], Iterable[Event]],
        outbox: Outbox,
        *,
        subscriptions: Mapping[str, Ask] | None = None,
        settled: Callable[[], Iterable[Event]] = tuple,
        time_scale: float = 1.0,
    ) -> None:
        self.stream = stream
        self._subscriptions = dict(subscriptions or {})
        self._read = read
        self._settled = settled
        self._outbox = outbox
        self._patience = _PATIENCE * time_scale
        self._crew = Crew(outbox.fail)

    async def open(self) -> None:
        """Connects, and waits until it is signed in and subscribed; later it comes back by itself.

        Raises:
            AuthenticationError: the venue does not take the key.
            VenueError: an attempt failed; the stream goes on trying.
        """
        for name in list(self._subscriptions):
            await self.stream.subscribe(name, self._subscriptions.pop(name))
        self.begin()
        try:
            async with asyncio.timeout(self._patience):
                await self.stream.opened()
        except TimeoutError:
            raise RequestTimeout(self.stream.venue, "the account's stream does not stand in time") from None

    def begin(self) -> None:
        """Connects, and again after every loss, without waiting."""
        self.stream.start()
        self.start()

    def start(self) -> None:
        """Takes the frames, anew where that has broken."""
        self._crew.keep("account", self._consume)

    def take(self, frames: Sequence[Frame], events: list[Event]) -> None:
        """Adds to `events` what the frames tell."""
        for frame in frames:
            try:
                events.extend(self._read(frame))
            except DecodeError as error:
                self.stream.quarantine(frame, error.message)
        events.extend(self._settled())

    async def aclose(self) -> None:
        """Ends everything, after what was received is told. May be called twice."""
        await self.stream.aclose()
        await self._crew.aclose(cancels=False)

    async def _consume(self) -> None:
        async for frames in self.stream.batches():
            events: list[Event] = []
            self.take(frames, events)
            self._outbox.push(events)
