"""The reads of the market that stand in for the stream, and those of what no stream tells.

How often (seconds at full scale, each of weight 1, stretched where the quota is short): a book and the trades of a
contract every second, a candle every 5 s, while the stream does not carry them; day, mark and index of all
contracts in one answer every 2 s, and the funding rate of a contract every minute, always. One contract with all
of it takes 163 units of weight a minute without a stream, and 31 with one.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from venues.errors import UnknownInstrument, VenueError
from venues.events import BarUpdate, Event, MarkPrice
from venues.model import NANOSECONDS, Instrument, InstrumentId
from venues.pumpkin.books import Books
from venues.pumpkin.client import Client
from venues.pumpkin.figures import symbol_of
from venues.pumpkin.listing import Listing
from venues.pumpkin.models import FundingRate
from venues.pumpkin.parse import INTERVALS, parse_bars, parse_mark, parse_ticker
from venues.pumpkin.public import PublicReads
from venues.pumpkin.tape import Tapes
from venues.transport.clock import ServerClock
from venues.transport.polling import Polls

BOOK_EVERY, TRADES_EVERY, BARS_EVERY = 1.0, 1.0, 5.0  # seconds
DAY_EVERY, FUNDING_EVERY = 2.0, 60.0
_DAY = "day"
_DEALS = 200  # a second of a busy contract; a poll that comes late may miss some
_MOST_OLD = 3  # answers in a row that are older than what was told: the newer one was wrong
_BARS = 2  # the candle before is told once more as it closed

Put = Callable[[Sequence[Event]], Awaitable[None]]


class MarketPolls:
    """Has read what is wished for. `put` waits for room; `covers` says whether polls stand in for the stream."""

    def __init__(
        self,
        client: Client,
        listing: Listing,
        reads: PublicReads,
        clock: ServerClock,
        books: Books,
        tapes: Tapes,
        polls: Polls,
        *,
        put: Put,
        covers: Callable[[], bool],
        news: Callable[[BarUpdate], bool],
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._client = client
        self._listing = listing
        self._reads = reads
        self._clock = clock
        self._books = books
        self._tapes = tapes
        self._polls = polls
        self._put = put
        self._covers = covers
        self._is_news = news
        self._wall = wall
        self._days: set[InstrumentId] = set()
        self._marked: set[InstrumentId] = set()
        self._funding: dict[str, FundingRate] = {}
        self._handing_over: dict[str, bool] = {}  # contracts whose trades the stream tells from now on
        self._old: dict[InstrumentId, int] = {}  # answers in a row
        self.marks: dict[InstrumentId, MarkPrice] = {}

    def hurry_book(self, symbol: str) -> None:
        """Has a book read as soon as may be."""
        self._polls.hurry(("book", symbol))

    def want_book(self, instrument: InstrumentId, is_due: Callable[[], bool]) -> None:
        symbol = symbol_of(instrument)

        async def read() -> None:
            lots = self._books.lots(symbol)
            if lots is None:
                return
            whole = await self._reads.whole_book(symbol, lots)
            events: list[Event] = []
            self._books.take_read(symbol, whole, events)
            await self._put(events)

        self._begin(("book", symbol), read, BOOK_EVERY, is_due)

    def want_trades(self, instrument: InstrumentId, is_due: Callable[[], bool]) -> None:
        symbol = symbol_of(instrument)
        key = ("trades", symbol)

        async def read() -> None:
            listed = await self._listing.one(instrument)
            handing_over = self._handing_over.pop(symbol, False)
            try:
                rows = await self._client.deals(symbol, num=_DEALS)
            except VenueError:
                if handing_over:
                    self._handing_over[symbol] = True
                raise
            if key in self._polls:
                await self._put(self._tapes.of(listed).take_deals(rows, self._wall()))

        self._begin(key, read, TRADES_EVERY, lambda: symbol in self._handing_over or is_due())

    def hand_over_trades(self, symbol: str) -> None:
        """Reads the trades once more, since the stream tells only what comes after its subscription."""
        self._handing_over[symbol] = True
        self._polls.hurry(("trades", symbol))

    def want_bars(self, instrument: InstrumentId, interval: int, is_due: Callable[[], bool]) -> None:
        symbol = symbol_of(instrument)
        key = ("bars", symbol, interval)

        async def read() -> None:
            listed = await self._listing.one(instrument)
            rows = await self._client.klines(symbol, INTERVALS[interval], limit=_BARS)
            if key in self._polls:
                updates = [BarUpdate(bar) for bar in parse_bars(listed, interval, rows)]
                await self._put([update for update in updates if self._is_news(update)])

        self._begin(key, read, BARS_EVERY, is_due)

    def want_day(self, instrument: InstrumentId) -> None:
        self._days.add(instrument)
        self._want_days()

    def want_mark(self, instrument: InstrumentId) -> None:
        symbol = symbol_of(instrument)

        async def read() -> None:
            self._funding[symbol] = await self._client.funding_rate(symbol)

        self._marked.add(instrument)
        self._want_days()
        self._begin(("funding", symbol), read, FUNDING_EVERY, lambda: True)

    def drop(self, key: tuple[str, str] | tuple[str, str, int]) -> None:
        """Ends what was wanted: ("book", symbol), ("trades", symbol), ("bars", symbol, seconds)."""
        self._polls.end(key)

    def drop_day(self, instrument: InstrumentId) -> None:
        self._days.discard(instrument)
        self._end_days()

    def drop_mark(self, instrument: InstrumentId) -> None:
        self._marked.discard(instrument)
        self._old.pop(instrument, None)
        self._funding.pop(instrument.symbol, None)
        self._polls.end(("funding", instrument.symbol))
        self._end_days()

    def _begin(
        self, key: tuple[str, ...] | tuple[str, str, int], read: Callable[[], Awaitable[None]], every: float,
        is_due: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._polls.begin(key, read, every=every, is_due=is_due, stands_in=self._covers)

    def _want_days(self) -> None:
        if _DAY in self._polls:
            self._polls.hurry(_DAY, is_spare=True)
        else:
            self._polls.begin(_DAY, self._read_days, every=DAY_EVERY, stands_in=self._covers)

    def _end_days(self) -> None:
        if not self._days and not self._marked:
            self._polls.end(_DAY)

    async def _read_days(self) -> None:
        """Reads day, mark and index of all that is wanted, in one answer."""
        found: dict[str, Instrument] = {}
        for instrument in self._days | self._marked:
            try:
                found[instrument.symbol] = await self._listing.one(instrument)
            except UnknownInstrument:  # no longer listed: the others are read all the same
                continue
        rows = await self._reads.agg_tickers(list(found))
        events: list[Event] = []
        for symbol, row in rows.items():
            listed = found[symbol]
            if listed.id in self._days:
                events.append(parse_ticker(listed, row))
            if listed.id in self._marked:
                self._note_mark(parse_mark(listed.id, row, self._funding.get(symbol)), events)
        await self._put(events)

    def _note_mark(self, mark: MarkPrice, events: list[Event]) -> None:
        known = self.marks.get(mark.instrument)
        if known is not None and mark.ts_event < known.ts_event:
            self._old[mark.instrument] = self._old.get(mark.instrument, 0) + 1
            if self._old[mark.instrument] < _MOST_OLD:
                return
        self._old.pop(mark.instrument, None)
        if known is None or msgspec.structs.replace(mark, ts_event=known.ts_event) != known:
            events.append(mark)
        self.marks[mark.instrument] = mark
        due = mark.ts_next_funding
        if due is not None and due + NANOSECONDS < self._clock.now():
            # The next collection is told a moment after the last one: the countdown would stand at zero.
            self._polls.hurry(("funding", mark.instrument.symbol), is_spare=True)
