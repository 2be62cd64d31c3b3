"""The subscriptions of one channel of the stream, asked for together.

A subscription replaces the one before it on its channel, so every call names all that is wanted. What is asked for
at about the same moment goes out as one call, and each who asked gets his own answer: where the venue refuses the
whole for one market that it does not know, the others are subscribed without it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from typing import TypeAlias

from venues.coinex import VENUE
from venues.coinex.channels import Call
from venues.coinex.connection import Calls, passing
from venues.errors import BadRequest, ConnectionLost, RequestTimeout, TransientError, VenueError
from venues.transport.asks import Ask
from venues.transport.link import Stream

logger = logging.getLogger(__name__)

Waiting: TypeAlias = dict[str, list[asyncio.Future[None]]]
"""Market -> who waits for its subscription."""

_TOGETHER = 0.005  # seconds that a call waits for others to join it


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
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self._stream = stream
        self._calls = calls
        self._call_for = call_for
        self._on_drop = on_drop
        self._sleep = sleep
        self._wanted: dict[str, None] = {}
        self._standing: frozenset[str] = frozenset()  # what was acknowledged, or waits for a connection
        self._waiting: Waiting = {}
        self._must_ask = False
        self._sifted = 0  # the connection on which the markets were last asked for one by one
        self._work: asyncio.Task[None] | None = None
        self._is_closed = False

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
        if self._is_closed:
            raise ConnectionLost(VENUE, "this venue is closed")
        if market not in self._standing:
            self._wanted.setdefault(market)
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(market, []).append(waiter)
            self._begin()
            await waiter

    def remove(self, market: str) -> None:
        """Ends a subscription, without waiting for the venue. What is still on its way may come."""
        if self._wanted.pop(market, self) is None:
            self._standing -= {market}
            self._begin()

    def again(self) -> None:
        """Subscribes anew to all that is subscribed: the venue begins with full data."""
        if self._wanted:
            self._begin()

    async def aclose(self) -> None:
        self._is_closed = True
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait({self._work})
        _answer(self._waiting, ConnectionLost(VENUE, "this venue is closed"))

    def _begin(self) -> None:
        self._must_ask = True
        if not self._is_closed and (self._work is None or self._work.done()):
            self._work = asyncio.create_task(self._run(), name=f"coinex {self.name}")

    async def _run(self) -> None:
        while self._must_ask:
            await self._sleep(_TOGETHER)
            self._must_ask = False
            waiting, self._waiting = self._waiting, {}
            try:
                await self._ask_all(waiting)
            finally:
                _answer(waiting, ConnectionLost(VENUE, f"{self.name}: it was given up"))

    async def _ask_all(self, waiting: Waiting) -> None:
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
        _answer(waiting, None)

    async def _take_apart(
        self,
        base: list[str],
        added: list[str],
        error: VenueError,
        waiting: Waiting,
    ) -> None:
        """Finds out which of the added markets were refused, and has the others stand beside the base."""
        refused = await self._sift(base, added, error)
        for market, reason in refused.items():
            self._wanted.pop(market, None)
            _answer({market: waiting.pop(market, [])}, reason)
        good = [*base, *(market for market in added if market not in refused)]
        self._standing = frozenset(good)
        if good:
            await self._stream.subscribe(self.name, self._ask(good))

    async def _sift(self, base: Sequence[str], added: Sequence[str], error: VenueError) -> dict[str, VenueError]:
        """Returns which of `added` the venue refuses, by halves; `error` is what it said to all of them."""
        if len(added) == 1:
            return {added[0]: error}
        middle = len(added) // 2
        refused: dict[str, VenueError] = {}
        good = list(base)
        for half in (added[:middle], added[middle:]):
            reason = await self._probe([*good, *half])
            if reason is None:
                good += half
            elif isinstance(reason, TransientError):  # it says nothing about any market
                refused |= dict.fromkeys(half, reason)
            else:
                found = await self._sift(good, half, reason)
                refused |= found
                good += [market for market in half if market not in found]
        return refused

    async def _probe(self, markets: Sequence[str]) -> VenueError | None:
        try:
            await self._stream.ask(self._calls.ask_for(self._call_for(markets)))
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
        connection has them asked for apart, since one of them may have been delisted.
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
        if self._sifted == self._stream.connections or len(self._wanted) < 2 or not isinstance(error, BadRequest):
            return
        if self._is_closed or (self._work is not None and not self._work.done()):
            return
        self._sifted = self._stream.connections
        self._work = asyncio.create_task(self._drop_delisted(error), name=f"coinex {self.name}")

    async def _drop_delisted(self, error: VenueError) -> None:
        markets = list(self._wanted)
        refused = await self._sift([], markets, error)
        if len(refused) < len(markets):  # else it was not about the markets
            for market, reason in refused.items():
                if self._wanted.pop(market, self) is None:
                    self._standing -= {market}
                    self._on_drop(market, reason)
        if self._wanted:
            await self._stream.subscribe(self.name, self._ask(tuple(self._wanted)))
        if self._must_ask:
            await self._run()


def _answer(waiting: Waiting, error: VenueError | None) -> None:
    for waiter in chain.from_iterable(waiting.values()):
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
