"""The candles of one market and interval, kept live although CoinEx streams none on spot.

The bars are read by REST: when they are subscribed, after each connection, and twice after each end of a bar,
since what was traded in its last moment may be booked late. Between the reads the forming bar follows the trades;
one that was under way during a read may count twice in its volume until the bar has ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from venues.coinex import VENUE
from venues.errors import VenueError
from venues.events import BarUpdate, Event, Trade
from venues.model import NANOSECONDS, Bar

logger = logging.getLogger(__name__)

_AFTER = (1.0, 6.0)  # seconds after the end of a bar
_APART = 100_000_000  # nanoseconds; the venue's clock may be found to be that much behind while we wait
_AGAIN = 2.0  # seconds after a read that failed
READ = 3  # bars: one that has just ended, the one before, and the one that forms


class Candles:
    """`read` gives the newest bars, oldest first, `clock` the venue's time in nanoseconds; `emit` gets changes."""

    def __init__(
        self,
        market: str,
        interval: int,
        *,
        read: Callable[[str, int, int], Awaitable[Sequence[Bar]]],
        clock: Callable[[], int],
        emit: Callable[[Sequence[Event]], Awaitable[None]],
        time_scale: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.market = market
        self.interval = interval
        self._length = interval * NANOSECONDS
        self._read = read
        self._clock = clock
        self._emit = emit
        self._scale = time_scale
        self._sleep = sleep
        self._forming: Bar | None = None
        self._ended: list[Bar] = []
        self._told: dict[int, Bar] = {}  # start -> bar, as told last
        self._newest = -1  # id of the newest trade that was seen
        self._must_read = asyncio.Event()

    def read_anew(self) -> None:
        """Reads as soon as may be: trades may have been missed."""
        self._must_read.set()

    def take(self, trades: Sequence[Trade]) -> None:
        """Follows the trades; `changed` then tells what came of it."""
        for trade in trades:
            number = int(trade.trade_id)
            is_late = number < self._newest
            self._newest = max(self._newest, number)
            if (forming := self._forming) is not None:
                self._forming = self._followed(forming, trade, is_late=is_late)
                if self._forming.ts_open > forming.ts_open:
                    self._ended.append(forming)

    def changed(self) -> list[Event]:
        """Returns the bars that are not as they were told last."""
        ended, self._ended = self._ended, []
        return [BarUpdate(bar) for bar in (*ended, self._forming) if bar is not None and self._note(bar)]

    async def run(self) -> None:
        """Reads for ever."""
        while True:
            self._must_read.clear()
            try:
                bars = await self._read(self.market, self.interval, READ)
            except VenueError as error:
                logger.warning("%s: bars of %s: %s", VENUE, self.market, error.message)
                await self._sleep(_AGAIN * self._scale)
                continue
            changed = self._take_read(bars)
            if changed:
                await self._emit(changed)
            await self._wait(self._next_read())

    def _take_read(self, bars: Sequence[Bar]) -> list[Event]:
        """Takes what was read for the truth, trades up to now included; returns what differs from what was told.

        A bar that still forms may be ahead of what was read: then the one of more volume stands.
        """
        now = self._clock()
        changed: list[Event] = []
        for bar in bars:
            forming = self._forming
            if forming is None or bar.ts_open > forming.ts_open:
                self._forming = bar
            elif bar.ts_open == forming.ts_open:
                if now < bar.ts_open + self._length and bar.volume < forming.volume:
                    continue
                self._forming = bar
            if self._note(bar):
                changed.append(BarUpdate(bar))
        return changed

    def _followed(self, forming: Bar, trade: Trade, *, is_late: bool) -> Bar:
        """Returns the forming bar after a trade, a new one where the trade is beyond its end."""
        ahead = (trade.ts_event - forming.ts_open) // self._length
        if ahead < 0:
            return forming  # a bar that has ended is read, not computed
        price, quantity = trade.price, trade.quantity
        if ahead > 0:
            ts_open = forming.ts_open + ahead * self._length
            return Bar(
                instrument=forming.instrument,
                interval=self.interval,
                ts_open=ts_open,
                open=price,
                high=price,
                low=price,
                close=price,
                volume=quantity,
            )
        return msgspec.structs.replace(
            forming,
            high=max(forming.high, price),
            low=min(forming.low, price),
            close=forming.close if is_late else price,
            volume=forming.volume + quantity,
        )

    def _note(self, bar: Bar) -> bool:
        """Says whether a bar is not as it was told last, and takes it for told."""
        if self._told.get(bar.ts_open) == bar:
            return False
        self._told[bar.ts_open] = bar
        while len(self._told) > READ + 1:
            del self._told[min(self._told)]
        return True

    def _next_read(self) -> float:
        """Returns the seconds until the next moment after the end of a bar."""
        if self._forming is None:
            return _AGAIN * self._scale
        now = self._clock()
        ended = (now - self._forming.ts_open) // self._length * self._length + self._forming.ts_open
        moments = [
            end + round(after * self._scale * NANOSECONDS)
            for end in (ended, ended + self._length)
            for after in _AFTER
        ]
        return next(moment - now for moment in moments if moment > now + _APART) / NANOSECONDS

    async def _wait(self, seconds: float) -> None:
        """Waits so long, or until something has to be read anew."""
        waiting = asyncio.ensure_future(self._sleep(seconds))
        reading = asyncio.ensure_future(self._must_read.wait())
        try:
            await asyncio.wait({waiting, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            reading.cancel()
            await asyncio.gather(waiting, reading, return_exceptions=True)
