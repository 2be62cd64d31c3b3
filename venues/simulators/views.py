"""What can be asked of a local exchange: its markets, and the demo user's orders and fills."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from venues.errors import OrderNotFound
from venues.events import Level, Trade
from venues.model import NANOSECONDS, Bar, Instrument, Side
from venues.rounding import floor_to
from venues.simulators.orders import LocalFill, LocalOrder, LocalStop
from venues.simulators.paper import LocalPaper
from venues.simulators.port import Clock
from venues.simulators.records import OrderRecords, chosen
from venues.simulators.stops import StopBook
from venues.simulators.tape import Day, Tape


class Views:
    """The readable half of a `LocalExchange`. Methods that take a symbol raise KeyError where it is not listed."""

    venue: str
    clock: Clock
    paper: LocalPaper
    records: OrderRecords
    stops: StopBook
    tapes: Mapping[str, Tape]
    instruments: Mapping[str, Instrument]

    @property
    def now(self) -> int:
        """The market's time, nanoseconds UTC: the clock's, and never going back."""
        self._advance()
        return self.paper.now

    def _advance(self) -> None:
        now = self.clock.time_ns()
        if now > self.paper.now:
            self.paper.advance(now)

    def book(self, symbol: str) -> tuple[Sequence[Level], Sequence[Level]]:
        """Returns all bids and all asks as text, best first."""
        return self.paper.levels(self.instruments[symbol].id)

    def top(self, symbol: str) -> tuple[Sequence[Level], Sequence[Level]]:
        """Returns the best bid and the best ask, in lists that are empty where there is none."""
        return self.paper.levels(self.instruments[symbol].id, 1)

    def last(self, symbol: str) -> Decimal:
        """Returns the newest trade's price, or the opening price."""
        return self.tapes[symbol].last

    def index(self, symbol: str) -> Decimal:
        """Returns the middle of the book on the tick, or the last price where there is none."""
        instrument = self.instruments[symbol]
        bid, ask = self.paper.best_bid(instrument.id), self.paper.best_ask(instrument.id)
        if bid is None or ask is None:
            return self.last(symbol)
        return floor_to((bid + ask) / 2, instrument.tick_size)

    def day(self, symbol: str, period: int = 86400) -> Day:
        """Returns the summary of the last `period` seconds."""
        tape, instrument = self.tapes[symbol], self.instruments[symbol]
        opened, high, low, volume = tape.summary(period, self.now)
        bids, asks = self.paper.totals(instrument.id)
        value = volume * (opened + high + low + tape.last) / 4
        return Day(opened, tape.last, high, low, volume, value, bids, asks)

    def trades(self, symbol: str, count: int, after: int = 0) -> list[Trade]:
        """Returns public trades with a number above `after`, newest first."""
        return self.tapes[symbol].trades(count, after)

    def bars(self, symbol: str, interval: int, count: int) -> list[Bar]:
        """Returns the newest candles of `interval` seconds, oldest first.

        Raises:
            ValueError: there are no candles of that interval.
        """
        return self.tapes[symbol].bars(interval, count, self.now)

    def bars_between(self, symbol: str, interval: int, start: int, end: int) -> list[Bar]:
        """Returns the candles that open from `start` to `end`, in seconds UTC. Raises ValueError as `bars`."""
        return [bar for bar in self.bars(symbol, interval, 1_000) if start <= bar.ts_open // NANOSECONDS <= end]

    def order(self, order_id: int) -> LocalOrder:
        """Raises OrderNotFound where there is none, or where it has vanished."""
        found = self.records.find(order_id)
        if found is None:
            raise OrderNotFound(self.venue, "there is no such order", "ORDER_NOT_FOUND")
        return found

    def open_order(self, order_id: int) -> LocalOrder:
        """Raises OrderNotFound where it is not open."""
        found = self.records.open.get(order_id)
        if found is None:
            raise OrderNotFound(self.venue, "there is no such open order", "ORDER_NOT_FOUND")
        return found

    def waiting_stop(self, stop_id: int) -> LocalStop:
        """Raises OrderNotFound where it does not wait."""
        found = self.stops.waiting.get(stop_id)
        if found is None:
            raise OrderNotFound(self.venue, "there is no such waiting stop order", "ORDER_NOT_FOUND")
        return found

    def open_orders(
        self,
        *,
        accounts: Collection[int] | None = None,
        symbol: str = "",
        side: Side | None = None,
        client_id: str = "",
    ) -> list[LocalOrder]:
        """Returns open orders, newest first; `accounts` None is all of them."""
        return chosen(reversed(self.records.open.values()), accounts, symbol, side, client_id)

    def finished_orders(
        self,
        *,
        accounts: Collection[int] | None = None,
        symbol: str = "",
        side: Side | None = None,
        client_id: str = "",
    ) -> list[LocalOrder]:
        """Returns ended orders that the venue still answers for, newest first."""
        return chosen(self.records.remembered(), accounts, symbol, side, client_id)

    def waiting_stops(
        self,
        *,
        accounts: Collection[int] | None = None,
        symbol: str = "",
        side: Side | None = None,
        client_id: str = "",
    ) -> list[LocalStop]:
        """Returns stop orders that wait for their trigger, newest first."""
        return chosen(reversed(self.stops.waiting.values()), accounts, symbol, side, client_id)

    def finished_stops(
        self,
        *,
        accounts: Collection[int] | None = None,
        symbol: str = "",
        side: Side | None = None,
        client_id: str = "",
    ) -> list[LocalStop]:
        """Returns stop orders that were triggered or cancelled, newest first."""
        return chosen(reversed(self.stops.ended.values()), accounts, symbol, side, client_id)

    def fills(
        self, *, accounts: Collection[int] | None = None, symbol: str = "", side: Side | None = None
    ) -> list[LocalFill]:
        """Returns the demo user's fills, newest first."""
        return chosen(reversed(self.records.fills), accounts, symbol, side, "")
