"""The crowd of the paper market: a seeded order flow that makes book and tape look like a real market's.

Each coin has a latent fair price whose volatility comes in clusters; its spot pair and its perpetual follow the
same one, the perpetual with a basis. Quotes are placed around it, near and far, with heavy tails in size; those
who know better sweep what stands on its wrong side; old and far quotes are pulled, so that depth stays bounded.

The decisions depend on the seed and the book alone. The rate only scales the paper time between them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from venues.events import Event
from venues.model import NANOSECONDS, InstrumentId, Side
from venues.paper.instruments import Listing
from venues.paper.tables import EXPONENTIAL, GAUSS, QUANTILES, SIZE

LOWEST_RATE, DEFAULT_RATE, HIGHEST_RATE = 1.0, 200.0, 5000.0  # messages a second over all instruments

_SIZES = 512  # sizes an instrument's orders may have
_RESTING = 95  # orders a side that the flow keeps around; those that share a price make 30 to 60 levels of them
_FEWEST = 20  # below this many on a side nothing is pulled from it
_TRADES = 0.05  # of the actions
_MOOD_EVERY = 32  # moves of a coin between two changes of its volatility
_REVERSION_DAYS = 20.0  # after how long the fair price has forgotten where it was pushed to
_LOWEST_TICKS = 60  # a fair price is kept above this many ticks, so that a book fits below it
_MINUTE = 60 * NANOSECONDS


class Exchange(Protocol):
    """What the flow needs of the exchange that it trades on."""

    @property
    def now(self) -> int: ...
    def advance(self, to: int) -> None: ...
    def flow_limit_ticks(self, instrument: InstrumentId, sign: int, ticks: int, lots: int) -> int: ...
    def flow_market(self, instrument: InstrumentId, side: Side, quantity: Decimal) -> Decimal: ...
    def flow_cancel(self, number: int) -> bool: ...
    def best_bid(self, instrument: InstrumentId) -> Decimal | None: ...
    def best_ask(self, instrument: InstrumentId) -> Decimal | None: ...
    def set_index(self, instrument: InstrumentId, price: Decimal) -> None: ...
    def set_funding_rate(self, instrument: InstrumentId, rate: Decimal) -> None: ...
    def drain(self) -> list[Event]: ...


class FairPrice:
    """A coin's latent price, relative to where it opened.

    Its volatility is a random process too: quiet and wild minutes come in runs.
    """

    __slots__ = ("_base", "_lowest", "_mood", "_moves", "_random", "_reversion", "_scale", "value")

    def __init__(self, rng: random.Random, daily_volatility: float, moves_a_day: float, lowest: float) -> None:
        self.value = 1.0
        self._random = rng.random
        self._lowest = lowest
        self._base = daily_volatility / math.sqrt(moves_a_day)
        self._reversion = _MOOD_EVERY / (_REVERSION_DAYS * moves_a_day)
        self._mood = 0.0
        self._moves = 0
        self._scale = self._base

    def move(self) -> float:
        """Makes one random step and returns the price."""
        draw = self._random
        self._moves += 1
        if self._moves % _MOOD_EVERY == 0:
            self._mood = 0.985 * self._mood + 0.13 * GAUSS[int(draw() * SIZE)]
            if draw() < 0.004:
                self._mood += 1.2  # news
            # The stationary deviation of the mood is 0.75: subtracting its variance keeps the mean square.
            self._scale = self._base * math.exp(self._mood - 0.56)
            self.value *= 1.0 - self._reversion * math.log(self.value)
        self.value = max(self._lowest, self.value * (1.0 + self._scale * GAUSS[int(draw() * SIZE)]))
        return self.value


class Crowd:
    """Everybody who trades one instrument."""

    __slots__ = (
        "_ask_ticks", "_asks", "_basis", "_bid_ticks", "_bids", "_exchange", "_fair", "_far", "_id",
        "_lot", "_mean_basis", "_most", "_opening", "_random", "_size", "_step", "_tick", "_trade_size",
        "_turn", "listing",
    )  # fmt: skip

    def __init__(
        self, listing: Listing, lead: Listing, fair: FairPrice, rng: random.Random, exchange: Exchange
    ) -> None:
        """`lead` is the coin's first listing: all of a coin open at what that one says it is worth."""
        instrument = listing.instrument
        self.listing = listing
        self._exchange = exchange
        self._fair = fair
        self._random = rng.random
        self._id = instrument.id
        self._tick = instrument.tick_size
        self._lot = instrument.lot_size
        numerator, denominator = (lead.opening_price / instrument.tick_size).as_integer_ratio()
        self._opening = numerator / denominator / (1.0 + lead.basis)  # of the coin, in this instrument's ticks
        self._mean_basis = self._basis = listing.basis
        self._step = listing.step
        self._most = 15 * listing.typical_lots
        self._size = _sizes(rng, listing.typical_lots, 1.1)
        self._trade_size = _sizes(rng, max(1, listing.typical_lots // 4), 1.3)
        self._far = [int(listing.span * distance) for distance in _FAR]
        self._bids: list[int] = []
        self._asks: list[int] = []
        self._bid_ticks: list[int] = []
        self._ask_ticks: list[int] = []
        self._turn = 0

    def index_ticks(self) -> int:
        """Returns what the coin is worth now, without the instrument's basis."""
        return round(self._fair.value * self._opening)

    def fair_ticks(self) -> float:
        """Returns what the instrument is worth now, in ticks."""
        return self._fair.value * (1.0 + self._basis) * self._opening

    def open_book(self) -> None:
        """Places the quotes that the market opens with."""
        for _ in range(_RESTING):
            self._quote(1, self.fair_ticks())
            self._quote(-1, self.fair_ticks())

    def act(self) -> None:
        """Does one thing that makes at least one public event."""
        draw = self._random
        self._turn += 1
        if self._turn % 64 == 0:
            self._basis += 0.02 * (self._mean_basis - self._basis) + 2e-6 * GAUSS[int(draw() * SIZE)]
        fair = self._fair.move() * (1.0 + self._basis) * self._opening
        choice = draw()
        if choice < _TRADES:
            self._trade(fair)
            return
        bids, asks = len(self._bids), len(self._asks)
        # As many are pulled as are placed when each side holds its number: the more there are, the more go.
        if choice < _TRADES + 0.46 * (bids + asks) / (2 * _RESTING) and self._pull(fair, bids, asks):
            return
        self._quote(1 if draw() < 0.5 + 0.8 * (asks - bids) / (asks + bids + 1) else -1, fair)

    def _trade(self, fair: float) -> None:
        draw = self._random
        bid, ask = self._exchange.best_bid(self._id), self._exchange.best_ask(self._id)
        if bid is None or ask is None:
            self._quote(1 if bid is None else -1, fair)
            return
        best_bid, best_ask = int(bid / self._tick), int(ask / self._tick)
        lots = min(self._trade_size[int(draw() * _SIZES)], self._most)
        if fair > best_ask:
            self._take(1, max(best_ask, int(fair)), lots + self._size[int(draw() * _SIZES)])
        elif fair < best_bid:
            self._take(-1, min(best_bid, math.ceil(fair)), lots + self._size[int(draw() * _SIZES)])
        else:
            # The touch nearer to the fair price is the better deal.
            is_buy = draw() < 0.5 + 0.4 * (fair - 0.5 * (best_bid + best_ask)) / (best_ask - best_bid)
            if draw() < 0.12:  # impatient: takes what there is, through several levels
                side = Side.BUY if is_buy else Side.SELL
                self._exchange.flow_market(self._id, side, min(4 * lots, self._most) * self._lot)
            elif is_buy:
                self._take(1, best_ask, lots)
            else:
                self._take(-1, best_bid, lots)

    def _take(self, sign: int, ticks: int, lots: int) -> None:
        number = self._exchange.flow_limit_ticks(self._id, sign, ticks, lots)
        if number:
            self._remember(sign, ticks, number)

    def _quote(self, sign: int, fair: float) -> None:
        """Places an order that rests, near the fair price or far from it, and never across the other side."""
        draw = self._random
        distance = self._step * _NEAR[int(draw() * SIZE)] if draw() < 0.55 else self._far[int(draw() * SIZE)]
        if sign > 0:
            ticks = int(fair - 0.5 - distance)
            ask = self._exchange.best_ask(self._id)
            if ask is not None:
                ticks = min(ticks, int(ask / self._tick) - 1)
            ticks = max(ticks, 1)
        else:
            ticks = math.ceil(fair + 0.5 + distance)
            bid = self._exchange.best_bid(self._id)
            if bid is not None:
                ticks = max(ticks, int(bid / self._tick) + 1)
        self._take(sign, ticks, self._size[int(draw() * _SIZES)])

    def _remember(self, sign: int, ticks: int, number: int) -> None:
        if sign > 0:
            self._bids.append(number)
            self._bid_ticks.append(ticks)
        else:
            self._asks.append(number)
            self._ask_ticks.append(ticks)

    def _pull(self, fair: float, bids: int, asks: int) -> bool:
        """Cancels a quote, the far ones rather than the near; says whether there was one to spare."""
        draw = self._random
        if draw() * (bids + asks) < bids:
            numbers, prices = self._bids, self._bid_ticks
        else:
            numbers, prices = self._asks, self._ask_ticks
        while len(numbers) > _FEWEST:
            index = int(draw() * len(numbers))
            if draw() < 0.6:
                other = int(draw() * len(numbers))
                if abs(prices[other] - fair) > abs(prices[index] - fair):
                    index = other
            number = numbers[index]
            numbers[index], prices[index] = numbers[-1], prices[-1]
            numbers.pop()
            prices.pop()
            if self._exchange.flow_cancel(number):
                return True
        return False


class OrderFlow:
    """Performs the crowd's actions at their paper times. `rate` is in messages a second over all instruments."""

    def __init__(self, exchange: Exchange, market: Sequence[Listing], seed: int, rate: float, start: int) -> None:
        check_rate(rate)
        self._exchange = exchange
        self._rng = random.Random(seed)
        self._random = self._rng.random
        self._funding_rng = random.Random(seed ^ 0x5EED)  # drawn by the minute, so not from the actions' own
        self._gap = NANOSECONDS / rate
        shares = sum(listing.share for listing in market)
        coins: dict[str, tuple[Listing, FairPrice]] = {}
        self.crowds: list[Crowd] = []
        self._turns: list[Crowd] = []
        for listing in market:
            if listing.coin not in coins:
                share = sum(other.share for other in market if other.coin == listing.coin) / shares
                coins[listing.coin] = (
                    listing,
                    FairPrice(
                        self._rng,
                        listing.daily_volatility,
                        86400 * DEFAULT_RATE * share,
                        _LOWEST_TICKS / int(listing.opening_price / listing.instrument.tick_size),
                    ),
                )
            lead, fair = coins[listing.coin]
            crowd = Crowd(listing, lead, fair, self._rng, exchange)
            self.crowds.append(crowd)
            self._turns += [crowd] * listing.share
        self._perpetuals = [crowd for crowd in self.crowds if crowd.listing.instrument.is_perpetual]
        self._next_second = start
        self._next_minute = start
        self.next_at = start

    def open_market(self) -> None:
        """Fills the books and sets index prices and funding rates, before the first action."""
        for crowd in self.crowds:
            crowd.open_book()
        self._second(self.next_at)
        self._wait()

    def run(self, until: int, most: int) -> list[Event]:
        """Performs the actions due up to paper time `until`, at most `most` of them; returns what came of it.

        All that was due is done when `next_at` is later than `until`; the clock then stands at `until`.
        """
        exchange, draw, turns = self._exchange, self._random, self._turns
        crowds = len(turns)
        events: list[Event] = []
        while most > 0 and self.next_at <= until:
            most -= 1
            at = self.next_at
            if at >= self._next_second:
                self._second(at)
            exchange.advance(at)
            turns[int(draw() * crowds)].act()
            # Per action: were several drained together, then how a delta is cut would depend on the pace.
            events += exchange.drain()
            self._wait()
        if self.next_at > until > exchange.now:
            exchange.advance(until)
            events += exchange.drain()
        return events

    def pause(self, duration: int) -> None:
        """Puts off all that is to come by `duration` nanoseconds: the market stands still for so long."""
        self.next_at += duration

    def _wait(self) -> None:
        self.next_at += int(self._gap * _GAPS[int(self._random() * SIZE)]) + 1

    def _second(self, at: int) -> None:
        """Tells the exchange what the perpetuals' coins are worth, once a second of paper time."""
        self._exchange.advance(at)
        for crowd in self._perpetuals:
            listing = crowd.listing
            self._exchange.set_index(listing.id, crowd.index_ticks() * listing.instrument.tick_size)
            if at >= self._next_minute:
                rate = 1.0 + 0.4 * self._funding_rng.gauss(0.0, 1.0)
                self._exchange.set_funding_rate(listing.id, Decimal(round(rate * 100)) / 1_000_000)
        if at >= self._next_minute:
            self._next_minute = at - at % _MINUTE + _MINUTE
        self._next_second = at - at % NANOSECONDS + NANOSECONDS


def check_rate(rate: float) -> None:
    """Raises ValueError where `rate` is not one that the flow can keep."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ValueError(f"the rate must be from {LOWEST_RATE:.0f} to {HIGHEST_RATE:.0f} messages a second")


def _bursty_gaps() -> list[float]:
    """Waiting times of mean 1 that come in bursts: more short and more long ones than a Poisson process has."""
    gaps = [wait**1.35 for wait in EXPONENTIAL]
    mean = sum(gaps) / SIZE
    return [gap / mean for gap in gaps]


def _sizes(rng: random.Random, median: int, sigma: float) -> list[int]:
    """Returns lots with a heavy tail; every third one is a round number, as people type them."""
    sizes: list[int] = []
    for z in GAUSS[SIZE // _SIZES // 2 :: SIZE // _SIZES]:
        size = median * math.exp(sigma * z)
        if rng.random() < 0.01:
            size += 4 * median * rng.paretovariate(1.4)
        lots = max(1, median // 50, int(min(size, 60 * median)))
        if rng.random() < 0.35:
            unit = 10 ** max(0, len(str(lots)) - 1)
            lots = max(1, round(lots / unit)) * unit
        sizes.append(lots)
    return sizes


_NEAR = tuple(float(int(draw / 0.9)) for draw in EXPONENTIAL)  # in steps: mostly 0, 1 or 2
_FAR = tuple(draw * (1.0 + p**6) for draw, p in zip(EXPONENTIAL, QUANTILES, strict=True))  # in spans
_GAPS = tuple(_bursty_gaps())
