"""Trades and candles, which live on one channel: the deals of every market that either is wanted of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from venues.coinex.candles import Candles
from venues.coinex.messages import DealsUpdate
from venues.coinex.tape import Tape
from venues.coinex.topics import Topic
from venues.errors import VenueError
from venues.events import Event
from venues.model import Bar
from venues.transport.crew import Crew

_LEFT = 50  # markets that are no longer subscribed whose trades are still known


class Deals:
    """What is wanted of `topic`. The functions are those of `Candles`, which `crew` runs."""

    def __init__(
        self,
        topic: Topic,
        crew: Crew,
        *,
        read: Callable[[str, int, int], Awaitable[Sequence[Bar]]],
        clock: Callable[[], int],
        emit: Callable[[Sequence[Event]], Awaitable[None]],
        time_scale: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._topic = topic
        self._crew = crew
        self._read = read
        self._clock = clock
        self._emit = emit
        self._scale = time_scale
        self._sleep = sleep
        self._tapes: dict[str, Tape] = {}  # of markets that were left as well, the last one left last
        self._told: set[str] = set()  # the markets whose trades are wanted as such
        self._candles: dict[tuple[str, int], tuple[Candles, asyncio.Task[None]]] = {}

    async def add_trades(self, market: str) -> None:
        """Raises VenueError where the subscription was refused."""
        self._told.add(market)
        try:
            await self._add(market)
        except VenueError:
            self.remove_trades(market)
            raise

    def remove_trades(self, market: str) -> None:
        self._told.discard(market)
        self._leave(market)

    async def add_bars(self, market: str, interval: int) -> None:
        """Raises VenueError where the subscription was refused."""
        try:
            await self._add(market)
        except VenueError:
            self._leave(market)
            raise
        if (market, interval) in self._candles:
            return
        candles = Candles(
            market,
            interval,
            read=self._read,
            clock=self._clock,
            emit=self._emit,
            time_scale=self._scale,
            sleep=self._sleep,
        )
        task = self._crew.begin(f"bars of {market}", candles.run)
        if task is not None:
            self._candles[market, interval] = candles, task

    def remove_bars(self, market: str, interval: int) -> None:
        found = self._candles.pop((market, interval), None)
        if found is not None:
            found[1].cancel()
        self._leave(market)

    def read_bars_anew(self) -> None:
        """Has every candle read: trades may have been missed."""
        for candles, _ in self._candles.values():
            candles.read_anew()

    def take(self, push: DealsUpdate, ts_recv: int, events: list[Event]) -> None:
        """Adds the trades that are new to `events`, and has the candles follow them. Raises DecodeError."""
        market = push.params[0]
        if market not in self._topic:
            return  # unsubscribed while it was on its way
        trades = self._tapes[market].take(push, ts_recv)
        if market in self._told:
            events.extend(trades)
        for (name, _), (candles, _) in self._candles.items():
            if name == market:
                candles.take(trades)

    def changed_bars(self, events: list[Event]) -> None:
        """Adds the bars that have changed to `events`."""
        for candles, _ in self._candles.values():
            events.extend(candles.changed())

    async def _add(self, market: str) -> None:
        self._tapes[market] = self._tapes.pop(market) if market in self._tapes else Tape()
        await self._topic.add(market)

    def _leave(self, market: str) -> None:
        if market in self._told or any(name == market for name, _ in self._candles):
            return
        self._topic.remove(market)
        # What was told is not told again where the market is shown once more.
        left = [each for each in self._tapes if each not in self._topic]
        for each in left[:-_LEFT]:
            del self._tapes[each]
