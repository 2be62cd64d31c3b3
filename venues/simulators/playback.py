"""A recording in place of the crowd: its books become the house's quotes, its trades go onto the tape.

Orders of the demo user meet the quotes as on any day: one that crosses takes what the recording shows there, and
one that rests is filled when a recorded quote of the other side reaches its price. A recorded trade by itself
fills nothing; it is printed, moves candles and last price, and triggers stop orders.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from venues.events import Level
from venues.model import NANOSECONDS, Instrument, InstrumentId, Side
from venues.paper.instruments import Listing
from venues.recording.format import MILLISECOND, InstrumentRow, MarketRow, NoticeRow, Row, SnapshotRow, TradeRow
from venues.recording.reader import RecordingReader
from venues.recording.survey import Terms, survey_recording
from venues.simulators.paper import LocalPaper
from venues.simulators.port import Clock

_LONGEST_STEP = 4_000_000  # nanoseconds of work before the loop is given back
_LONGEST_WAIT = 0.1  # seconds

PrintTrade = Callable[[InstrumentId, Side, Decimal, Decimal], None]


def recorded_listings(path: Path, venue: str, maker_fee: Decimal, taker_fee: Decimal) -> dict[str, Listing]:
    """Returns the recording's spot instruments by the name that they have in it, listed as BASEQUOTE.

    Raises:
        RecordingError: it can not be read, or holds no spot instrument with a price.
    """
    terms = Terms(maker_fee, taker_fee, Decimal(1), Decimal(0))
    opening = _opening_prices(RecordingReader(path))
    found: dict[str, Listing] = {}
    for symbol, instrument in survey_recording(path, {}, terms).instruments.items():
        if instrument.is_perpetual or symbol not in opening:
            continue
        listed = msgspec.structs.replace(
            instrument, id=InstrumentId(venue, f"{instrument.base}{instrument.quote}"), is_tradable=True, note=""
        )
        found[symbol] = Listing(
            instrument=listed, coin=instrument.base, opening_price=opening[symbol], share=1, typical_lots=1,
            daily_volatility=0.02, step=1.0, span=1.0,
        )  # fmt: skip
    if not found:
        raise ValueError(f"{path.name} holds no spot instrument that was quoted or traded")
    return found


def _opening_prices(rows: Iterable[Row]) -> dict[str, Decimal]:
    opening: dict[str, Decimal] = {}
    for row in rows:
        if isinstance(row, TradeRow):
            opening.setdefault(row.symbol, Decimal(row.price))
        elif isinstance(row, SnapshotRow) and row.bids:
            opening.setdefault(row.symbol, max(Decimal(price) for price, _ in row.bids))
    return opening


class Playback:
    """Plays the recording once. `listed` is what `recorded_listings` gave."""

    def __init__(
        self,
        path: Path,
        listed: Mapping[str, Instrument],
        paper: LocalPaper,
        settle: Callable[[], None],
        print_trade: PrintTrade,
        clock: Clock,
        *,
        speed: float,
    ) -> None:
        self._listed = listed
        self._paper = paper
        self._settle = settle
        self._print_trade = print_trade
        self._clock = clock
        self._speed = speed
        self._rows: Iterator[Row] = iter(RecordingReader(path))
        self._next: Row | None = None
        self._origin: tuple[int, int] | None = None  # our time and the recording's, of the same moment
        self._levels: dict[tuple[InstrumentId, int], dict[int, tuple[int, int]]] = {}
        self.is_quiet = False
        self.is_over = False

    def quiet(self) -> None:
        """Stops the recording where it is."""
        self.is_quiet = True

    def resume(self, _rate: float | None = None) -> None:
        """Goes on with the row that is next, as if no time had passed; a recording has its own rate."""
        self.is_quiet = False
        self._origin = None

    async def run(self) -> None:
        """Plays each row when it is due, until cancelled; holds the loop for some 5 ms at most."""
        while True:
            await self._clock.sleep(self.step())

    def step(self) -> float:
        """Plays what is due for a few milliseconds; returns how many seconds to wait then."""
        started = time.perf_counter_ns()
        while not self.is_quiet and not self.is_over:
            if self._next is None:
                self._next = next(self._rows, None)
            row = self._next
            if row is None:
                self.is_over = True
                break
            if isinstance(row, (InstrumentRow, NoticeRow)):
                # They may have been written long before the first quote: the time begins with that.
                self._next = None
                continue
            wait = self._due_in(row)
            if wait > 0:
                return min(wait, _LONGEST_WAIT)
            self._next = None
            self._play(row)
            if time.perf_counter_ns() - started > _LONGEST_STEP:
                return 0.0
        return _LONGEST_WAIT

    def _due_in(self, row: MarketRow) -> float:
        now, ts = self._clock.time_ns(), row.ts * MILLISECOND
        if self._origin is None:
            self._origin = now, ts
        return ((ts - self._origin[1]) / self._speed - (now - self._origin[0])) / NANOSECONDS

    def _play(self, row: MarketRow) -> None:
        instrument = self._listed.get(row.symbol)
        if instrument is None:
            return
        self._paper.advance(max(self._paper.now, self._clock.time_ns()))
        if isinstance(row, TradeRow):
            self._print_trade(instrument.id, row.side, Decimal(row.price), Decimal(row.qty))
            return
        changes = {1: _steps(row.bids, instrument), -1: _steps(row.asks, instrument)}
        for sign in (1, -1):
            known = self._levels.setdefault((instrument.id, sign), {})
            gone = set(known) - set(changes[sign]) if isinstance(row, SnapshotRow) else set()
            # What the other side's new quotes reach through was left behind by the recorder, and is gone too.
            edge = _best(changes[-sign], -sign)
            crossed = {ticks for ticks in known if edge is not None and (ticks - edge) * sign >= 0}
            for ticks in gone | crossed | {one for one in changes[sign] if one in known}:
                if known[ticks][1] != changes[sign].get(ticks) or ticks in crossed:
                    self._paper.flow_cancel(known.pop(ticks)[0])
        for sign in (1, -1):
            known = self._levels[instrument.id, sign]
            for ticks, lots in changes[sign].items():
                if lots and ticks not in known:
                    known[ticks] = self._paper.flow_limit_ticks(instrument.id, sign, ticks, lots), lots
        self._settle()


def _steps(levels: Iterable[Level], instrument: Instrument) -> dict[int, int]:
    """Returns lots by ticks; what is below one step is nothing."""
    steps: dict[int, int] = {}
    for price, quantity in levels:
        ticks = int(Decimal(price) / instrument.tick_size)
        if ticks > 0:
            steps[ticks] = int(Decimal(quantity) / instrument.lot_size)
    return steps


def _best(steps: Mapping[int, int], sign: int) -> int | None:
    """Returns the best price of a side's quotes."""
    return max((ticks for ticks, lots in steps.items() if lots), key=lambda ticks: ticks * sign, default=None)
