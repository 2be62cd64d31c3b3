"""What the store knows of one instrument's market: book, tape, candles and quote."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable
from decimal import Decimal

from tui.desk.frame import BarsView, QuoteView, TapeRow, TapeView
from venues.book import Book, Fault
from venues.events import BarUpdate, BookDelta, BookSnapshot, MarkPrice, Ticker, Trade
from venues.model import NANOSECONDS, Bar, Instrument

TAPE_ROWS = 500
BARS = 500
_MARK_IS_OLD = 60 * NANOSECONDS


class Market:
    """One instrument's market data. Not thread-safe; `ts_recv` is the engine's clock in nanoseconds."""

    __slots__ = (
        "bars", "book", "book_ts_recv", "had_valid_book", "instrument", "is_favourite", "is_quoted", "last",
        "mark", "quote_ts_recv", "shown_quote", "tape", "tape_ts_recv", "ticker", "trade_count", "ts_mended",
    )  # fmt: skip

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.book: Book | None = None
        self.book_ts_recv = 0
        # After the last event, where the venue keeps the book: that one changes ahead of its events.
        self.had_valid_book = False
        self.ts_mended = 0  # when the book was last asked for anew
        self.tape: deque[Trade] = deque(maxlen=TAPE_ROWS)
        self.trade_count = 0
        self.tape_ts_recv = 0
        self.bars: dict[int, dict[int, Bar]] = {}  # interval -> start -> candle, oldest first
        self.last: Decimal | None = None
        self.ticker: Ticker | None = None
        self.mark: MarkPrice | None = None
        self.quote_ts_recv = 0
        self.is_favourite = False
        self.is_quoted = False  # it is on the watchlist
        self.shown_quote: QuoteView | None = None  # the view, kept until something of it changes

    def take_book(self, event: BookSnapshot | BookDelta, now: int) -> bool:
        """Applies a book event; says whether the book is valid after it."""
        if self.book is None:
            self.book = Book(event.instrument)
        is_valid = self.book.apply(event)
        if is_valid:
            self.book_ts_recv = now
        return is_valid

    def share_book(self, book: Book | None, now: int) -> bool:
        """Takes the book that the venue itself keeps, as it now stands; says whether it is valid."""
        self.book = book
        self.had_valid_book = book is not None and book.is_valid
        if self.had_valid_book:
            self.book_ts_recv = now
        return self.had_valid_book

    def take_trade(self, trade: Trade, now: int) -> None:
        self.tape.append(trade)
        self.trade_count += 1
        self.last = trade.price
        self.tape_ts_recv = self.quote_ts_recv = now
        self.shown_quote = None

    def take_ticker(self, ticker: Ticker, now: int) -> None:
        self.ticker = ticker
        self.last = ticker.last
        self.quote_ts_recv = now
        self.is_quoted = True
        self.shown_quote = None

    def take_mark(self, mark: MarkPrice, now: int) -> None:
        self.mark = mark
        self.quote_ts_recv = now
        self.shown_quote = None

    def take_bar(self, update: BarUpdate) -> None:
        bar = update.bar
        bars = self.bars.setdefault(bar.interval, {})
        is_late = bool(bars) and bar.ts_open not in bars and bar.ts_open < next(reversed(bars))
        bars[bar.ts_open] = bar
        if is_late:
            self.bars[bar.interval] = dict(sorted(bars.items()))
        elif len(bars) > BARS:
            del bars[next(iter(bars))]

    def seed_bars(self, interval: int, older: Iterable[Bar]) -> None:
        """Puts fetched candles below those that came live meanwhile."""
        merged = {bar.ts_open: bar for bar in older} | self.bars.get(interval, {})
        self.bars[interval] = dict(sorted(merged.items())[-BARS:])

    def seed_trades(self, older: Iterable[Trade], now: int) -> None:
        """Puts fetched trades below those that came live meanwhile."""
        known = {trade.trade_id for trade in self.tape}
        added = [trade for trade in older if trade.trade_id not in known]
        self.tape = deque([*added, *self.tape][-TAPE_ROWS:], maxlen=TAPE_ROWS)
        self.trade_count += len(added)
        self.tape_ts_recv = now
        if self.last is None and self.tape:
            self.last = self.tape[-1].price
            self.shown_quote = None

    @property
    def is_book_broken(self) -> bool:
        """Says whether there was a book and it can not be trusted any more."""
        return self.book is not None and not self.book.is_valid and self.book.fault is not Fault.WAITING

    def mid(self) -> Decimal | None:
        """Returns the middle of the valid book, else of the ticker's bid and ask, else the last price."""
        if self.book is not None and self.book.is_valid:
            mid = self.book.mid()
            if mid is not None:
                return mid
        ticker = self.ticker
        if ticker is not None and ticker.bid is not None and ticker.ask is not None:
            return (ticker.bid + ticker.ask) / 2
        return self.last

    def price(self) -> Decimal | None:
        """Returns what a unit is worth: the mark price where there is one, else the last price."""
        return self.mark.mark if self.mark is not None else self.last

    def fresh_mark(self, now: int) -> Decimal | None:
        """Returns the mark price, if it is not too old to hold an order's price against."""
        mark = self.mark
        return mark.mark if mark is not None and now - mark.ts_event <= _MARK_IS_OLD else None

    def quote_view(self) -> QuoteView:
        if self.shown_quote is None:
            self.shown_quote = self._build_quote()
        return self.shown_quote

    def _build_quote(self) -> QuoteView:
        ticker, mark = self.ticker, self.mark
        last, opened = self.last, ticker.open if ticker is not None else None
        return QuoteView(
            instrument=self.instrument,
            last=last,
            bid=ticker.bid if ticker is not None else None,
            ask=ticker.ask if ticker is not None else None,
            change=last / opened - 1 if last is not None and opened else None,
            high=ticker.high if ticker is not None else None,
            low=ticker.low if ticker is not None else None,
            volume=ticker.volume if ticker is not None else None,
            mark=mark.mark if mark is not None else None,
            index=mark.index if mark is not None else None,
            funding_rate=mark.funding_rate if mark is not None else None,
            ts_next_funding=mark.ts_next_funding if mark is not None else None,
            is_favourite=self.is_favourite,
            ts_recv=self.quote_ts_recv,
        )

    def tape_view(self, mine: Container[str]) -> TapeView:
        """Builds the tape; `mine` holds the ids of our own executions."""
        return TapeView(
            instrument=self.instrument,
            rows=tuple(
                TapeRow(t.trade_id, t.ts_event, t.price, t.quantity, t.side, t.trade_id in mine) for t in self.tape
            ),
            count=self.trade_count,
            ts_recv=self.tape_ts_recv,
        )

    def bars_view(self, interval: int) -> BarsView:
        bars = self.bars.get(interval, {})
        return BarsView(instrument=self.instrument, interval=interval, bars=tuple(bars.values()))
