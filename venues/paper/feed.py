"""What the paper venue's consumer gets to see: only what it asked for, in batches, bounded in memory.

Orders, fills, balances, positions and notices are never dropped. Prices that replace each other (ticker, mark,
candle) go out at most four times a second of paper time. When a consumer is more than `MOST_BEHIND` events
behind on one instrument, that instrument's book changes are dropped and a fresh `BookSnapshot` stands in for
them; of its trades the newest `TRADES_KEPT` stay.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence

from venues.commands import Channel, Subscription
from venues.events import (
    BalanceUpdate,
    BarUpdate,
    BookDelta,
    BookSnapshot,
    Event,
    MarkPrice,
    OrderUpdate,
    PositionUpdate,
    Ticker,
    Trade,
)
from venues.model import Bar, Instrument, InstrumentId
from venues.paper.bars import CandleSeries
from venues.paper.exchange import TRADER, PaperExchange
from venues.paper.instruments import VENUE

CONFLATED_EVERY = 250_000_000  # nanoseconds of paper time
MOST_BEHIND = 4_000  # market events that may wait for the consumer, by instrument
TRADES_KEPT = 500
TRADES_REMEMBERED = 1_000  # for `fetch_trades`
SNAPSHOT_DEPTH = 10_000  # levels a side: the whole book


class Feed:
    """Sorts the exchange's events: remembers trades and candles of all, queues what is subscribed to."""

    def __init__(
        self,
        exchange: PaperExchange,
        instruments: Mapping[InstrumentId, Instrument],
        most_behind: int = MOST_BEHIND,
    ) -> None:
        self._exchange = exchange
        self._instruments = instruments
        self._most_behind = most_behind
        self._candles: dict[InstrumentId, CandleSeries] = {}
        self._trades: dict[InstrumentId, deque[Trade]] = {
            name: deque(maxlen=TRADES_REMEMBERED) for name in instruments
        }
        self._subscriptions: dict[Subscription, None] = {}  # in order, so that nothing depends on hashes
        self._books: set[InstrumentId] = set()
        self._tapes: set[InstrumentId] = set()
        self._account = False
        self._marks: dict[InstrumentId, MarkPrice] = {}
        self._changed_marks: dict[InstrumentId, None] = {}
        self._changed_tickers: dict[InstrumentId, None] = {}
        self._behind: dict[InstrumentId, int] = dict.fromkeys(instruments, 0)
        self._stale_books: dict[InstrumentId, None] = {}
        self._pending: list[Event] = []
        self._latest: dict[tuple[str, InstrumentId, int], Event] = {}
        self._conflated_at = 0
        self._waiting = asyncio.Event()
        self._is_over = False
        self.is_account_changed = False

    def add_candles(self, series: CandleSeries) -> None:
        self._candles[series.instrument.id] = series

    @property
    def backlog(self) -> int:
        """How many events wait for the consumer."""
        return len(self._pending)

    def subscribe(self, subscription: Subscription) -> None:
        """Starts a subscription with what there is now; a second time it does nothing.

        What the exchange has made so far must have been published before.
        """
        if subscription in self._subscriptions:
            return
        self._subscriptions[subscription] = None
        name = subscription.instrument
        if name is None:
            self._account = True
            self._pending += self._account_now()
        elif subscription.channel is Channel.BOOK:
            self._books.add(name)
            self._pending.append(self._exchange.snapshot(name, SNAPSHOT_DEPTH))
        elif subscription.channel is Channel.TRADES:
            self._tapes.add(name)
        elif subscription.channel is Channel.TICKER:
            self._changed_tickers[name] = None
        elif subscription.channel is Channel.MARK:
            self._changed_marks[name] = None
        self._conflated_at = 0
        self._wake()

    def unsubscribe(self, subscription: Subscription) -> None:
        """Ends a subscription; what is queued of it is dropped."""
        if subscription not in self._subscriptions:
            return
        del self._subscriptions[subscription]
        name = subscription.instrument
        if name is None:
            self._account = False
        elif subscription.channel is Channel.BOOK:
            self._books.discard(name)
            self._stale_books.pop(name, None)
            self._drop_book(name)
        elif subscription.channel is Channel.TRADES:
            self._tapes.discard(name)

    def tell(self, event: Event) -> None:
        """Queues something of the venue's own: a status or a notice. It goes to every consumer."""
        self._pending.append(event)
        self._wake()

    def publish(self, events: Sequence[Event]) -> None:
        """Takes the exchange's newest events, in their order."""
        pending, behind = self._pending, self._behind
        for event in events:
            if type(event) is BookDelta:
                name = event.instrument
                self._changed_tickers[name] = None
                if name in self._books and name not in self._stale_books:
                    pending.append(event)
                    behind[name] += 1
                    if behind[name] > self._most_behind:
                        self._fall_behind(name)
                        pending = self._pending
            elif type(event) is Trade:
                name = event.instrument
                self._remember(event)
                if name in self._tapes:
                    pending.append(event)
                    behind[name] += 1
                    if behind[name] > self._most_behind:
                        self._fall_behind(name)
                        pending = self._pending
            elif type(event) is MarkPrice:
                self._marks[event.instrument] = event
                self._changed_marks[event.instrument] = None
            elif type(event) is BookSnapshot:
                if event.instrument in self._books:
                    pending.append(event)
            else:
                self.is_account_changed = True
                if self._account:
                    pending.append(event)
        if pending:
            self._wake()

    def conflate(self, now: int) -> None:
        """Queues the newest ticker, mark and candles where it is time for them (`now` is paper time)."""
        if now < self._conflated_at + CONFLATED_EVERY:
            return
        self._conflated_at = now
        for subscription in self._subscriptions:
            name = subscription.instrument
            if name is None:
                continue
            if subscription.channel is Channel.TICKER and name in self._changed_tickers:
                self._latest["ticker", name, 0] = self.ticker(name)
            elif subscription.channel is Channel.MARK and name in self._changed_marks:
                mark = self._marks.get(name) or self._exchange.mark(name)
                if mark is not None:
                    self._latest["mark", name, 0] = mark
            elif subscription.interval is not None:
                self._latest["bar", name, subscription.interval] = BarUpdate(
                    self._candles[name].newest(subscription.interval, now)
                )
        self._changed_tickers.clear()
        self._changed_marks.clear()
        if self._latest:
            self._wake()

    async def batch(self) -> list[Event]:
        """Waits until there is something, and returns it; empty only after `end`."""
        while True:
            await self._waiting.wait()
            batch = self._pending
            batch += self._latest.values()
            batch += [self._exchange.snapshot(name, SNAPSHOT_DEPTH) for name in self._stale_books]
            self._pending = []
            self._latest.clear()
            self._stale_books.clear()
            self._behind = dict.fromkeys(self._instruments, 0)
            if not self._is_over:
                self._waiting.clear()
            # What woke us may have been dropped since, or be due at the next conflation only.
            if batch or self._is_over:
                return batch

    def end(self) -> None:
        """Nothing more will come: what is queued is handed out, and then nothing."""
        self._is_over = True
        self._waiting.set()

    def ticker(self, name: InstrumentId) -> Ticker:
        """Returns the day's summary as of now."""
        exchange = self._exchange
        candles = self._candles[name]
        opened, high, low, volume = candles.day(exchange.now)
        return Ticker(
            instrument=name,
            last=candles.last,
            bid=exchange.best_bid(name),
            ask=exchange.best_ask(name),
            open=opened,
            high=high,
            low=low,
            volume=volume,
            ts_event=exchange.now,
        )

    def trades(self, name: InstrumentId, limit: int) -> tuple[Trade, ...]:
        """Returns the newest public trades, oldest first."""
        known = tuple(self._trades[name])
        return known[max(0, len(known) - max(0, limit)) :]

    def bars(self, name: InstrumentId, interval: int, limit: int) -> tuple[Bar, ...]:
        """Raises KeyError where there is no such interval."""
        return self._candles[name].fetch(interval, limit, self._exchange.now)

    def _account_now(self) -> list[Event]:
        """Returns what the account stands at: all that a consumer needs before the first change."""
        exchange = self._exchange
        return [
            BalanceUpdate(VENUE, exchange.balances(TRADER), exchange.now),
            *(PositionUpdate(position) for position in exchange.positions(TRADER)),
            *(OrderUpdate(order) for order in exchange.open_orders(TRADER)),
        ]

    def _remember(self, trade: Trade) -> None:
        name = trade.instrument
        instrument = self._instruments[name]
        self._trades[name].append(trade)
        self._candles[name].add_trade(
            int(trade.price / instrument.tick_size), int(trade.quantity / instrument.lot_size), trade.ts_event
        )
        self._changed_tickers[name] = None

    def _fall_behind(self, name: InstrumentId) -> None:
        if name in self._books:
            self._stale_books[name] = None
        self._drop_book(name)
        spare = (
            sum(1 for event in self._pending if type(event) is Trade and event.instrument == name) - TRADES_KEPT
        )
        kept: list[Event] = []
        for event in self._pending:
            if spare > 0 and type(event) is Trade and event.instrument == name:
                spare -= 1
                continue
            kept.append(event)
        self._pending = kept
        self._behind[name] = TRADES_KEPT

    def _drop_book(self, name: InstrumentId) -> None:
        self._pending = [
            event
            for event in self._pending
            if not (type(event) in (BookDelta, BookSnapshot) and _instrument_of(event) == name)
        ]

    def _wake(self) -> None:
        self._waiting.set()


def _instrument_of(event: Event) -> InstrumentId | None:
    return event.instrument if isinstance(event, (BookDelta, BookSnapshot, Trade)) else None
