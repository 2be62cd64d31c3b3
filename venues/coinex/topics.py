"""The subscriptions of one channel of the stream, asked for together.

A subscription replaces the one before it on its channel, so every call names all that is wanted. What is asked for
at about the same moment goes out as one call, and each who asked gets his own answer: where the venue refuses the
whole for one market that it does not know, the others are subscribed without it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from venues.coinex import VENUE
from venues.coinex.channels import Call
from venues.coinex.connection import Calls, passing
from venues.errors import BadRequest, RequestTimeout, TransientError, VenueError
from venues.transport.asks import Ask
from venues.transport.gathering import Gathering, Waiters
from venues.transport.link import Stream
from venues.transport.sifting import sift, to_give_up

logger = logging.getLogger(__name__)

_AGAIN = 30.0  # seconds between two attempts on one connection to find out what it is that is refused


class Topic:
    """One channel. `call_for` makes the call that subscribes to these markets alone, for none that which ends it.

    `on_drop` is told of a market that was subscribed and that the venue no longer takes.
    """

    def __init__(
        self,
        name: str,
        stream: Stream,
        calls: Calls,
        call_for: Callable[[Sequence[str]], Call],
        *,
        on_drop: Callable[[str, VenueError], None] = lambda *_: None,
        time_scale: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self._stream = stream
        self._calls = calls
        self._call_for = call_for
        self._on_drop = on_drop
        self._wanted: dict[str, None] = {}
        self._standing: frozenset[str] = frozenset()  # what was acknowledged, or waits for a connection
        self._gathering: Gathering[str] = Gathering(VENUE, name, self._ask_all, sleep=sleep)
        self._again = _AGAIN * time_scale
        self._sifted = 0  # the connection on which the markets were last asked for apart
        self._not_before = float("-inf")  # in the loop's seconds, where it is still the same connection

    def __contains__(self, market: str) -> bool:
        return market in self._wanted

    @property
    def markets(self) -> Sequence[str]:
        return tuple(self._wanted)

    async def add(self, market: str) -> None:
        """Subscribes, and returns once the venue has acknowledged it; without a connection, at once.

        Raises:
            VenueError: it was refused, and is not kept.
        """
        self._gathering.check_open()
        if market not in self._standing:
            self._wanted.setdefault(market)
            await self._gathering.wait_for(market)

    def remove(self, market: str) -> None:
        """Ends a subscription, without waiting for the venue. What is still on its way may come."""
        if self._wanted.pop(market, self) is None:
            self._standing -= {market}
            self._gathering.begin()

    def again(self) -> None:
        """Subscribes anew to all that is subscribed: the venue begins with full data."""
        if self._wanted:
            self._gathering.begin()

    async def aclose(self) -> None:
        await self._gathering.aclose()

    async def _ask_all(self, waiting: Waiters[str]) -> None:
        wanted = tuple(self._wanted)
        if not wanted:
            self._standing = frozenset()
            await self._end()
        else:
            base = [market for market in wanted if market in self._standing]
            try:
                await self._stream.subscribe(self.name, self._ask(wanted))
            except VenueError as error:
                await self._take_apart(base, [m for m in wanted if m not in self._standing], error, waiting)
            else:
                self._standing = frozenset(wanted)
        waiting.answer_all(None)

    async def _take_apart(
        self,
        base: list[str],
        added: list[str],
        error: VenueError,
        waiting: Waiters[str],
    ) -> None:
        """Finds out which of the added markets were refused, and has the others stand beside the base."""
        refused = await sift(added, error, self._probe, beside=base)
        for market, reason in refused.items():
            self._wanted.pop(market, None)
            waiting.answer([market], reason)
        good = [*base, *(market for market in added if market not in refused)]
        self._standing = frozenset(good)
        if good:
            await self._stream.subscribe(self.name, self._ask(good))

    async def _probe(self, standing: Sequence[str], markets: Sequence[str]) -> VenueError | None:
        try:
            await self._stream.ask(self._calls.ask_for(self._call_for([*standing, *markets])))
        except VenueError as error:
            return error
        return None

    async def _end(self) -> None:
        try:
            await self._stream.unsubscribe(self.name, self._calls.ask_for(self._call_for(())))
        except VenueError as error:
            logger.warning("%s: the end of %s was not acknowledged: %s", VENUE, self.name, error.message)

    def _ask(self, markets: Sequence[str]) -> Ask:
        """Returns the ask of all these markets.

        Once they stand it is kept whatever the venue says, and the stream asks again. The first refusal on each
        connection has them asked for apart, a later one now and then, since one of them may have been delisted.
        """

        def judge(error: VenueError) -> VenueError:
            if isinstance(error, TransientError):
                return passing(error)
            if self._standing.issuperset(markets):
                self._doubt(error)
                return RequestTimeout(VENUE, error.message, error.code)
            return error

        return self._calls.ask(lambda: self._call_for(markets), f"subscribe {self.name}", judge=judge)

    def _doubt(self, error: VenueError) -> None:
        if len(self._wanted) < 2 or not isinstance(error, BadRequest):
            return
        connection, now = self._stream.connections, asyncio.get_running_loop().time()
        if connection == self._sifted and now < self._not_before:
            return
        if self._gathering.begin_with(lambda: self._drop_delisted(error)):
            self._sifted, self._not_before = connection, now + self._again

    async def _drop_delisted(self, error: VenueError) -> None:
        markets = self._kept()
        found = await sift(markets, error, self._probe)
        others = [market for market in markets if market not in found]
        for market, reason in (await to_give_up(list(found), found, others, self._probe)).items():
            if self._wanted.pop(market, self) is None:
                self._standing -= {market}
                self._on_drop(market, reason)
        if kept := self._kept():
            await self._stream.subscribe(self.name, self._ask(kept))

    def _kept(self) -> Sequence[str]:
        """Returns what is wanted but for what was added meanwhile, which is asked for next."""
        return tuple(market for market in self._wanted if market in self._standing)
