"""One book as its subscribers have been told it: whole, then by changes, and wrong where a fault says so."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from venues.events import Level
from venues.simulators.faults import Faults
from venues.simulators.outgoing import MARKET

_PAST = 8  # windows kept for the stale snapshot
_CROSSED, _EMPTY, _GAP, _NAN, _STALE = "crossed", "empty-snapshot", "gap", "nan", "stale-snapshot"
_WRONG, _ZERO = "wrong-checksum", "zero-checksum"  # there is none here: it is the numbers that do not join
_KINDS = (_GAP, _CROSSED, _EMPTY, _STALE, _NAN, _WRONG, _ZERO)
LEVELS = (5, 10, 20, 50)


class DepthPush(msgspec.Struct, frozen=True, gc=False):
    """A whole book, or by `e` the changes of one; `U` and `u` are its first and last change."""

    e: str
    s: str
    U: int
    u: int
    b: list[Level]
    a: list[Level]


class Window(msgspec.Struct, frozen=True, gc=False):
    """The best levels of a book at one moment, {price: contracts} best first, and its newest change's number."""

    bids: dict[str, str]
    asks: dict[str, str]
    newest: int


def make_window(bids: Iterable[Level], asks: Iterable[Level], newest: int) -> Window:
    return Window(dict(bids), dict(asks), newest)


class BookFeed:
    """The book of one symbol at one level. `told` is what a subscriber has after the last push.

    Changes are against `told`: what was told wrongly and consistently (a crossed book) is put right by the next.
    """

    def __init__(self, symbol: str, window: Window, faults: Faults) -> None:
        self.symbol = symbol
        self.told = window
        self.is_spoilt = False  # what was told is not the market's book
        self._faults = faults
        self._past: deque[Window] = deque((window,), maxlen=_PAST)

    def whole(self) -> DepthPush:
        """Returns the book as told last: what the changes that follow apply to."""
        return self._whole(self.told)

    def first(self) -> DepthPush:
        """Returns the first push of a subscription: the whole book, or what a fault makes of it."""
        kind = self._draw()
        if kind == _STALE:
            return self._whole(self._past[0])
        return self._spoilt(self._whole(_misshapen(self.told, kind)), kind)

    def advance(self, window: Window) -> DepthPush | None:
        """Takes the newest book and returns the push that tells of it; None where there is nothing."""
        before = self.told
        if (window.bids, window.asks) == (before.bids, before.asks) and not self.is_spoilt:
            return None
        if window.newest <= before.newest and not self.is_spoilt:
            return None
        kind = self._draw()
        self.told = _misshapen(window, kind)
        self.is_spoilt = self.told is not window
        self._past.append(window)
        if kind == _GAP:
            return None
        if kind == _STALE:
            return self._whole(self._past[0])
        if kind == _EMPTY:
            return self._whole(self.told)
        if window.newest <= before.newest:
            return self._spoilt(self._whole(window), kind)  # only what a fault had spoilt is put right
        bids, asks = _changes(before.bids, self.told.bids), _changes(before.asks, self.told.asks)
        push = DepthPush("depth.update", self.symbol, before.newest + 1, self.told.newest, bids, asks)
        return self._spoilt(push, kind)

    def _draw(self) -> str:
        return "" if self._faults.is_quiet else self._faults.first(_KINDS, MARKET)

    def _whole(self, window: Window) -> DepthPush:
        bids, asks = list(window.bids.items()), list(window.asks.items())
        return DepthPush("depth", self.symbol, window.newest, window.newest, bids, asks)

    @staticmethod
    def _spoilt(push: DepthPush, kind: str) -> DepthPush:
        """Makes of a push what a fault wants: a quantity that is no number, or numbers that do not join."""
        if kind == _ZERO:
            return msgspec.structs.replace(push, U=0, u=0)
        if kind == _WRONG and push.e == "depth":
            return msgspec.structs.replace(push, U=push.U - 2, u=push.u - 2)
        if kind == _WRONG:
            return msgspec.structs.replace(push, U=push.U + 1, u=push.u + 1)
        if kind != _NAN or not (push.b or push.a):
            return push
        name, rows = ("b", push.b) if push.b else ("a", push.a)
        return msgspec.structs.replace(push, **{name: [(rows[0][0], "NaN"), *rows[1:]]})


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Level]:
    """Returns what makes `before` into `after`: new quantities, and "0" for what is no longer shown."""
    told = [(price, quantity) for price, quantity in after.items() if before.get(price) != quantity]
    return told + [(price, "0") for price in before if price not in after]


def _misshapen(window: Window, kind: str) -> Window:
    if kind == _EMPTY:
        return msgspec.structs.replace(window, bids={}, asks={})
    if kind == _CROSSED and window.bids and window.asks:
        best_ask = Decimal(next(iter(window.asks)))
        beyond = best_ask + Decimal((0, (5,), int(best_ask.as_tuple().exponent)))
        bids = {f"{beyond:f}": next(iter(window.bids.values())), **window.bids}
        return msgspec.structs.replace(window, bids=bids)
    return window
