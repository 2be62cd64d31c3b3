"""One market of an exchange: a price that wanders within bounds, the book around it, and its feed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from random import Random

from venues.events import BookDelta, BookSnapshot, Event, Level, MarkPrice, Ticker, Trade
from venues.model import Bar, Instrument, Side

_CENTRE = 2_000  # ticks
_REACH = 60  # ticks that the price goes away from there at most
_DEPTH = 20  # levels on a side


class Market:
    """The truth about one market. Prices are kept in ticks."""

    def __init__(self, instrument: Instrument, random: Random) -> None:
        self.instrument = instrument
        self.sequence = 1
        self.trades: deque[Trade] = deque(maxlen=200)
        self._random = random
        self._mid = _CENTRE
        self._bids = {self._mid - 1 - n: self._some() for n in range(_DEPTH)}
        self._asks = {self._mid + 1 + n: self._some() for n in range(_DEPTH)}
        self._count = 0
        self._texts: dict[int, str] = {}

    @property
    def mid(self) -> Decimal:
        return self._mid * self.instrument.tick_size

    def touch(self, side: Side) -> Decimal:
        """Returns what one who buys or sells now trades at."""
        return (self._mid + side.sign) * self.instrument.tick_size

    def price_near(self, side: Side, away: int) -> Decimal:
        """Returns a price `away` ticks on the passive side."""
        return (self._mid - side.sign * away) * self.instrument.tick_size

    def halves(self, quantity: Decimal) -> list[Decimal]:
        """Returns `quantity` in two parts of whole lots, or in one."""
        lot = self.instrument.lot_size
        first = quantity / 2 // lot * lot
        return [first, quantity - first] if first else [quantity]

    def levels(self) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Returns bids and asks, best first."""
        return (
            tuple((self._text(tick), self._bids[tick]) for tick in sorted(self._bids, reverse=True)),
            tuple((self._text(tick), self._asks[tick]) for tick in sorted(self._asks)),
        )

    def snapshot(self, ts: int) -> BookSnapshot:
        return BookSnapshot(self.instrument.id, *self.levels(), self.sequence, ts, ts)

    def ticker(self, ts: int) -> Ticker:
        return Ticker(
            self.instrument.id, self.mid, self.touch(Side.SELL), self.touch(Side.BUY), None, None, None, None, ts
        )

    def mark(self, ts: int) -> MarkPrice:
        return MarkPrice(self.instrument.id, self.mid, self.mid, None, None, ts)

    def bar(self, interval: int, ts: int) -> Bar:
        start = ts // (interval * 10**9) * interval * 10**9
        price = self.mid
        return Bar(
            instrument=self.instrument.id, interval=interval, ts_open=start, open=price, high=price, low=price,
            close=price, volume=Decimal(1),
        )  # fmt: skip

    def move(self, steps: int, ts: int) -> Iterator[Event]:
        """Moves price and book on, and yields the changes and a trade now and then."""
        random = self._random
        for step in range(steps):
            dice = random.random()
            if dice < 0.2:
                yield self._wander(1 if random.random() < 0.5 - (self._mid - _CENTRE) / _REACH / 2 else -1, ts)
            else:
                yield self._change_level(dice < 0.6, ts)
            if step % 8 == 0:
                self._count += 1
                side = Side.BUY if dice < 0.5 else Side.SELL
                trade = Trade(
                    self.instrument.id, f"m{self._count}", side, self.touch(side), self.instrument.lot_size, ts, ts
                )
                self.trades.append(trade)
                yield trade

    def _change_level(self, is_bid: bool, ts: int) -> BookDelta:
        levels, side = (self._bids, -1) if is_bid else (self._asks, 1)
        tick = self._mid + side * self._random.randint(1, _DEPTH)
        quantity = "0" if tick in levels and len(levels) > 5 and self._random.random() < 0.3 else self._some()
        if quantity == "0":
            del levels[tick]
        else:
            levels[tick] = quantity
        level = ((self._text(tick), quantity),)
        return self._delta(level if is_bid else (), () if is_bid else level, ts)

    def _wander(self, step: int, ts: int) -> BookDelta:
        self._mid += step
        taken, given, side = (self._asks, self._bids, 1) if step > 0 else (self._bids, self._asks, -1)
        gone = [tick for tick in taken if (tick - self._mid) * side <= 0]
        far = [tick for tick in given if (self._mid - tick) * side > 2 * _DEPTH]
        changed_taken = [(self._text(tick), "0") for tick in gone]
        changed_given = [(self._text(tick), "0") for tick in far]
        for tick in gone:
            del taken[tick]
        for tick in far:
            del given[tick]
        for levels, changes, tick in (
            (given, changed_given, self._mid - side),
            (taken, changed_taken, self._mid + side * _DEPTH),
        ):
            levels[tick] = self._some()
            changes.append((self._text(tick), levels[tick]))
        if step > 0:
            return self._delta(tuple(changed_given), tuple(changed_taken), ts)
        return self._delta(tuple(changed_taken), tuple(changed_given), ts)

    def _delta(self, bids: tuple[Level, ...], asks: tuple[Level, ...], ts: int) -> BookDelta:
        previous, self.sequence = self.sequence, self.sequence + 1
        return BookDelta(self.instrument.id, bids, asks, previous, self.sequence, ts, ts)

    def _some(self) -> str:
        return f"{self._random.randint(1, 999)}"

    def _text(self, tick: int) -> str:
        text = self._texts.get(tick)
        if text is None:
            text = self._texts[tick] = f"{tick * self.instrument.tick_size:f}"
        return text
