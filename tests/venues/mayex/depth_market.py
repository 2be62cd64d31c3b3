"""A market that moves by itself, told as its whole book or as what changed, with every state that it ever had."""

from __future__ import annotations

import random
from collections.abc import Iterable

from venues.mayex.depth import DepthFeed
from venues.mayex.wire import WireDepth

FIRST = 4_611_686_018_427_000_000  # above 2^53
Side = dict[int, int]  # ticks -> lots
State = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]


class DepthMarket:
    """Books of about `size` levels a side; `levels` of them are shown. Numbers rise by a few with each move."""

    def __init__(self, seed: int, *, size: int = 40, levels: int = 100, moves: int = 3) -> None:
        self.rng = random.Random(seed)
        self.levels = levels
        self.moves = moves
        self.middle = 60_000
        self.bids: Side = {self.middle - 1 - at: self.rng.randint(1, 500) for at in range(size)}
        self.asks: Side = {self.middle + 1 + at: self.rng.randint(1, 500) for at in range(size)}
        self.number = FIRST
        self.states: dict[int, State] = {FIRST: self.state}

    @property
    def state(self) -> State:
        bids = tuple((_price(at), _size(self.bids[at])) for at in sorted(self.bids, reverse=True)[: self.levels])
        asks = tuple((_price(at), _size(self.asks[at])) for at in sorted(self.asks)[: self.levels])
        return bids, asks

    def whole(self, *, previous: int | None = None) -> WireDepth:
        """Returns the book as it now stands."""
        bids, asks = self.state
        before = self.number if previous is None else previous
        return WireDepth(self.number, self.number, before, bids, asks, 1_700_000_000_000)

    def move(self) -> tuple[WireDepth, WireDepth]:
        """Moves; returns the same told as the whole book and as what changed."""
        before, previous = self.state, self.number
        for _ in range(self.rng.randint(1, self.moves)):
            self._change()
        while self.state == before:  # what a message tells of has changed
            self._change()
        self.number += self.rng.randint(1, 4)
        self.states[self.number] = self.state
        bids, asks = (_changes(old, new) for old, new in zip(before, self.state, strict=True))
        changed = WireDepth(previous + 1, self.number, previous, bids, asks, 1_700_000_000_000)
        return self.whole(previous=previous), changed

    def _change(self) -> None:
        side, away = (self.bids, -1) if self.rng.random() < 0.5 else (self.asks, 1)
        at = self.middle + away * self.rng.randint(1, 60)
        if at in side and len(side) > 5 and self.rng.random() < 0.5:
            del side[at]
        else:
            size = self.rng.randint(1, 500)
            side[at] = size if side.get(at) != size else size + 1


class Followed:
    """A feed that is subscribed anew where it needs to be, and is held to what was true at its number."""

    def __init__(self, feed: DepthFeed, market: DepthMarket) -> None:
        self.feed = feed
        self.market = market
        self.anew = 0
        self.checked = 0
        self.give(market.whole())

    def give(self, *messages: WireDepth) -> None:
        for message in messages:
            self.feed.take(message, 1, 2)
            self.check()

    def mend(self) -> None:
        """Does what the books do where the stream is no help: subscribes anew, and gets the whole book."""
        if self.feed.is_held:
            self.feed.give_up()
        if self.feed.needs_anew:
            self.anew += 1
            self.feed.restart()
            self.give(self.market.whole())

    def check(self) -> None:
        if self.feed.book.is_valid:
            self.checked += 1
            bids, asks = self.feed.book.top(self.market.levels)
            assert (tuple(bids), tuple(asks)) == self.market.states[self.feed.book.sequence]


def _changes(old: Iterable[tuple[str, str]], new: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    before, after = dict(old), dict(new)
    changed = [(price, size) for price, size in after.items() if before.get(price) != size]
    return (*changed, *((price, "0.000") for price in before if price not in after))


def _price(ticks: int) -> str:
    return f"{ticks / 2:.1f}"


def _size(lots: int) -> str:
    return f"{lots / 1000:.3f}"
