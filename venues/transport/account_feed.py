"""The account's half of the stream, opened with the first subscription of the account."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from venues.errors import DecodeError, RequestTimeout, VenueError
from venues.events import Event
from venues.transport.asks import Ask
from venues.transport.crew import Crew
from venues.transport.frames import Frame
from venues.transport.link import Stream
from venues.transport.outbox import Outbox

logger = logging.getLogger(__name__)

_PATIENCE = 10.0  # seconds until the login and the subscriptions have to stand
_RETRY_AFTER = 60.0  # seconds


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
                self.stream.check(frame)
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


class RenewedFeed(AccountFeed):
    """The account's stream where what opens it has an end, and is renewed in time.

    `due` returns the moment of the loop's clock at which that is, in seconds. `renew` does it, by the stream. It
    may raise VenueError, and is tried again later.
    """

    def __init__(
        self,
        stream: Stream,
        read: Callable[[Frame], Iterable[Event]],
        outbox: Outbox,
        *,
        due: Callable[[], float],
        renew: Callable[[], Awaitable[None]],
        settled: Callable[[], Iterable[Event]] = tuple,
        time_scale: float = 1.0,
    ) -> None:
        super().__init__(stream, read, outbox, settled=settled, time_scale=time_scale)
        self._due = due
        self._renew = renew
        self._retry_after = _RETRY_AFTER * time_scale
        self._renewing: asyncio.Task[None] | None = None

    def begin(self) -> None:
        super().begin()
        if self._renewing is None:
            self._renewing = asyncio.get_running_loop().create_task(self._run(), name="renewal of the account")

    async def aclose(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        await super().aclose()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = self._due()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if self._due() > due:
                continue  # a new connection has done it
            try:
                await self._renew()
            except VenueError as error:
                logger.warning("what opens the account's stream could not be renewed: %s", error)
                await asyncio.sleep(self._retry_after)
