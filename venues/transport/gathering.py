"""What is asked for at about the same moment is done together, and each who asked gets an answer of his own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

from venues.errors import ConnectionLost, VenueError
from venues.transport.crew import Part

logger = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

_TOGETHER = 0.005  # seconds that the work waits for others to join it


class Waiters(Generic[K]):
    """Who waits for what."""

    def __init__(self) -> None:
        self._waiters: dict[K, list[asyncio.Future[None]]] = {}

    def add(self, key: K) -> asyncio.Future[None]:
        """Returns what one more may wait for."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(key, []).append(waiter)
        return waiter

    def answer(self, keys: Iterable[K], error: VenueError | None) -> None:
        """Answers all who wait for one of these, with None for success; they wait no longer."""
        for key in keys:
            for waiter in self._waiters.pop(key, ()):
                if waiter.done():
                    continue
                if error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(error)

    def answer_all(self, error: VenueError | None) -> None:
        self.answer(list(self._waiters), error)


class Gathering(Generic[K]):
    """Runs `act` in one task at a time, for those who wait since the last time; each is answered in the end.

    A VenueError of `act` is the answer to all whom it has not answered.
    """

    def __init__(
        self,
        venue: str,
        name: str,
        act: Callable[[Waiters[K]], Awaitable[None]],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._venue = venue
        self._name = name
        self._act = act
        self._sleep = sleep
        self._must_act = False
        self._work: asyncio.Task[None] | None = None
        self._is_closed = False
        self.waiting: Waiters[K] = Waiters()  # those whom nobody has begun to work for

    @property
    def is_working(self) -> bool:
        return self._work is not None and not self._work.done()

    def check_open(self) -> None:
        """Raises ConnectionLost after `aclose`."""
        if self._is_closed:
            raise ConnectionLost(self._venue, "this venue is closed")

    async def wait_for(self, key: K) -> None:
        """Has it acted, and returns once this is answered. Raises VenueError: the answer."""
        self.check_open()
        waiter = self.waiting.add(key)
        self.begin()
        await waiter

    def begin(self) -> None:
        """Has it acted soon, once more where it is acting."""
        self._must_act = True
        if not self._is_closed and not self.is_working:
            self._work = asyncio.create_task(self._run(), name=f"{self._venue} {self._name}")

    def begin_with(self, work: Part) -> bool:
        """Runs something else in its place, and then what was asked for meanwhile; False where it is not idle."""
        if self._is_closed or self.is_working:
            return False
        self._work = asyncio.create_task(self._run_after(work), name=f"{self._venue} {self._name}")
        return True

    async def aclose(self) -> None:
        """Ends the work, and answers all who wait. May be called twice."""
        self._is_closed = True
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait({self._work})
        self.waiting.answer_all(ConnectionLost(self._venue, "this venue is closed"))

    async def _run_after(self, work: Part) -> None:
        try:
            await work()
        except VenueError as error:  # whoever waits meanwhile waits for something else
            logger.warning("%s %s: %s", self._venue, self._name, error.message)
        await self._run()

    async def _run(self) -> None:
        while self._must_act:
            await self._sleep(_TOGETHER)
            self._must_act = False
            waiting, self.waiting = self.waiting, Waiters()
            try:
                await self._act(waiting)
            except VenueError as error:
                waiting.answer_all(error)
            finally:
                waiting.answer_all(ConnectionLost(self._venue, f"{self._name}: it was given up"))
