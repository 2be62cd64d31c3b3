"""One instrument as a recording has it so far: book, trades, bars, ticker and mark."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from itertools import islice

from venues.book import Book, sort_levels
from venues.events import BookDelta, BookSnapshot, MarkPrice, Ticker, Trade
from venues.model import NANOSECONDS, ZERO, Bar, Instrument, Side
from venues.recording.format import MILLISECOND, DeltaRow, SnapshotRow, TradeRow

INTERVALS = (1, 5, 15, 60, 300, 900, 3600, 14400, 86400)  # seconds
KEPT_BARS = 1000  # of each interval
KEPT_TRADES = 1000
_DAY = 86400 * NANOSECONDS
_DAY_INTERVAL = 300  # the day's summary is exact to this: 288 bars are summed, not a day of trades


class RecordedBars:
    """Candles of one instrument, made from its trades. Where nothing was traded there is no candle."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument.id
        self._series: dict[int, deque[Bar]] = {interval: deque(maxlen=KEPT_BARS) for interval in INTERVALS}

    def add_trade(self, trade: Trade) -> None:
        price = trade.price
        for interval, series in self._series.items():
            width = interval * NANOSECONDS
            start = trade.ts_event - trade.ts_event % width
            forming = series[-1] if series else None
            if forming is None or forming.ts_open < start:
                bar = Bar(
                    instrument=self._instrument,
                    interval=interval,
                    ts_open=start,
                    open=price,
                    high=price,
                    low=price,
                    close=price,
                    volume=trade.quantity,
                )
                series.append(bar)
            else:
                series[-1] = Bar(
                    instrument=self._instrument,
                    interval=interval,
                    ts_open=forming.ts_open,
                    open=forming.open,
                    high=max(forming.high, price),
                    low=min(forming.low, price),
                    close=price,
                    volume=forming.volume + trade.quantity,
                )

    def fetch(self, interval: int, limit: int) -> tuple[Bar, ...]:
        """Returns the newest bars, oldest first. Raises KeyError: there is no such interval."""
        series = self._series[interval]
        return tuple(islice(series, max(0, len(series) - max(0, limit)), None))

    def since(self, ts: int) -> list[Bar]:
        """Returns the five-minute bars that begin at `ts` or later."""
        return [bar for bar in self._series[_DAY_INTERVAL] if bar.ts_open >= ts]


class Market:
    """The state of one instrument. The sequence numbers of its book are ours: recordings have none."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.book = Book(instrument.id)
        self.bars = RecordedBars(instrument)
        self.trades: deque[Trade] = deque(maxlen=KEPT_TRADES)
        self.last: Decimal | None = None
        self.ts = 0
        self.depth = 0  # levels a side that the newest snapshot had
        self._sequence = 0

    def apply_levels(self, row: SnapshotRow | DeltaRow) -> BookSnapshot | BookDelta:
        """Applies a row to the book and returns it as an event, bids and asks best first."""
        ts = self.ts = row.ts * MILLISECOND
        bids, asks = sort_levels(row.bids, Side.BUY), sort_levels(row.asks, Side.SELL)
        previous, self._sequence = self._sequence, self._sequence + 1
        event: BookSnapshot | BookDelta
        if isinstance(row, SnapshotRow):
            self.depth = max(len(bids), len(asks))
            event = BookSnapshot(self.instrument.id, bids, asks, self._sequence, ts, ts)
        else:
            event = BookDelta(self.instrument.id, bids, asks, previous, self._sequence, ts, ts)
        self.book.apply(event)
        return event

    def apply_trade(self, row: TradeRow) -> Trade:
        ts = self.ts = row.ts * MILLISECOND
        trade = Trade(self.instrument.id, row.id, row.side, Decimal(row.price), Decimal(row.qty), ts, ts)
        self.last = trade.price
        self.trades.append(trade)
        self.bars.add_trade(trade)
        return trade

    def displayed(self, side: Side, price: Decimal) -> Decimal | None:
        """Returns what the book shows at `price`; None where it can not be seen: no valid book, or too deep."""
        if not self.book.is_valid:
            return None
        displayed = self.book.quantity_at(side, price)
        if not displayed and self.depth and self.book.is_beyond_sight(side, price, self.depth):
            return None
        return displayed

    def ticker(self) -> Ticker | None:
        """Returns the summary of the last 24 h of the recording, None before the first trade.

        `open` is the first price in them: what was before the recording is not known.
        """
        if self.last is None:
            return None
        bars = self.bars.since(self.ts - _DAY)
        bid = self.book.best_bid() if self.book.is_valid else None
        ask = self.book.best_ask() if self.book.is_valid else None
        return Ticker(
            instrument=self.instrument.id,
            last=self.last,
            bid=bid and bid[0],
            ask=ask and ask[0],
            open=bars[0].open if bars else None,
            high=max((bar.high for bar in bars), default=None),
            low=min((bar.low for bar in bars), default=None),
            volume=sum((bar.volume for bar in bars), ZERO),
            ts_event=self.ts,
        )

    def mark(self) -> Decimal | None:
        """Returns the middle of the book, or the last price where there is none."""
        mid = self.book.mid() if self.book.is_valid else None
        return self.last if mid is None else mid

    def mark_price(self) -> MarkPrice | None:
        mark = self.mark()
        if mark is None:
            return None
        return MarkPrice(self.instrument.id, mark, None, None, None, self.ts)
