"""One book as its subscribers have been told it: whole, by changes, and wrong where a fault says so.

There is no checksum: an update says by `fi` and `li` which changes of the market it is, and by `v` of which book.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from venues.events import Level
from venues.simulators.faults import Faults
from venues.simulators.max.figures import written
from venues.simulators.outgoing import MARKET

DEPTHS = (1, 5, 10, 20, 50)
_PAST = 16  # windows kept for the stale snapshot: 1.6 s of them
_CROSSED, _EMPTY, _GAP, _NAN = "crossed", "empty-snapshot", "gap", "nan"
_STALE, _WRONG, _ZERO = "stale-snapshot", "wrong-checksum", "zero-checksum"
_KINDS = (_GAP, _WRONG, _ZERO, _CROSSED, _EMPTY, _STALE, _NAN)


class BookPush(msgspec.Struct, frozen=True, gc=False):
    """A message of the book channel. `T` is in milliseconds."""

    c: str
    e: str
    M: str
    a: Sequence[Level]
    b: Sequence[Level]
    T: int
    fi: int
    li: int
    v: int


class UnnumberedPush(msgspec.Struct, frozen=True, gc=False):
    """The same without what proves that nothing is missing."""

    c: str
    e: str
    M: str
    a: Sequence[Level]
    b: Sequence[Level]
    T: int


class Window(msgspec.Struct, frozen=True, gc=False):
    """The best levels of a book at one moment, {price: volume} best first, and the number of its newest change."""

    bids: dict[str, str]
    asks: dict[str, str]
    time: int  # milliseconds
    newest: int
    version: int

    @property
    def is_empty(self) -> bool:
        return not self.bids and not self.asks


def make_window(bids: Iterable[Level], asks: Iterable[Level], time: int, position: tuple[int, int]) -> Window:
    """Makes a window of levels that are cut to its depth; `position` is the book's version and newest change."""
    version, newest = position
    best_bids = {written(price): written(volume) for price, volume in bids}
    best_asks = {written(price): written(volume) for price, volume in asks}
    return Window(best_bids, best_asks, time, newest, version)


class BookFeed:
    """The book of one market at one depth. `told` is what a subscriber has after the last push.

    Updates are against `told` and not against the market's book: what was told wrongly and consistently (a
    crossed book) is put right by the next update.
    """

    def __init__(self, market: str, depth: int, window: Window, faults: Faults) -> None:
        self.market = market
        self.depth = depth
        self.told = window
        self.is_spoilt = False  # what was told is not the market's book
        self._waits = window.is_empty  # the next message has to be a snapshot
        self._faults = faults
        self._past: deque[Window] = deque((window,), maxlen=_PAST)
        self._nans = 0

    def whole(self) -> bytes:
        """Returns the snapshot of what was told last: what the updates that follow apply to."""
        return self._snapshot(self.told, "")

    def first(self) -> bytes:
        """Returns the first push of a subscription: a snapshot, or what a fault makes of it."""
        kind = self._draw()
        if kind == _STALE:
            return self._snapshot(self._past[0], kind)
        return self._snapshot(self._misshapen(self.told, kind), kind)

    def advance(self, window: Window) -> bytes | None:
        """Takes the market's newest book and returns the push that tells of it; None where there is nothing."""
        before = self.told
        is_same = (window.bids, window.asks, window.version) == (before.bids, before.asks, before.version)
        if is_same and not self.is_spoilt:
            return None
        kind = self._draw()
        self.told = self._misshapen(window, kind)
        self.is_spoilt = self.told is not window
        self._past.append(window)
        if kind == _GAP:
            return None
        if kind == _STALE:
            return self._snapshot(self._past[0], kind)
        is_renumbered = window.version != before.version or window.newest == before.newest
        if kind == _EMPTY or self._waits or self.told.is_empty or is_renumbered:
            self._waits = self.told.is_empty
            return self._snapshot(self.told, kind)
        asks = changes(before.asks, self.told.asks)
        bids = changes(before.bids, self.told.bids)
        return self._encode("update", self.told, asks, bids, before.newest + 1, kind)

    def _draw(self) -> str:
        """Returns the fault that strikes this push, if one does."""
        kind = self._faults.first(_KINDS, MARKET)
        self._nans += kind == _NAN
        return kind

    def _misshapen(self, window: Window, kind: str) -> Window:
        if kind == _EMPTY:
            return msgspec.structs.replace(window, bids={}, asks={})
        if kind == _CROSSED and window.bids and window.asks:
            return _crossed(window, self.depth)
        return window

    def _snapshot(self, window: Window, kind: str) -> bytes:
        asks, bids = list(window.asks.items()), list(window.bids.items())
        return self._encode("snapshot", window, asks, bids, window.newest, kind)

    def _encode(
        self, event: str, window: Window, asks: list[Level], bids: list[Level], first: int, kind: str
    ) -> bytes:
        common = ("book", event, self.market.lower(), asks, bids, window.time)
        if kind == _ZERO:
            return msgspec.json.encode(UnnumberedPush(*common))
        version = window.version + (kind == _WRONG)
        data = msgspec.json.encode(BookPush(*common, first, window.newest, version))
        return self._with_nan(data, window.time, asks or bids) if kind == _NAN else data

    def _with_nan(self, data: bytes, time: int, levels: list[Level]) -> bytes:
        """Puts in turn a NaN that is no JSON, and one that is a text where a volume should be."""
        if self._nans % 2 or not levels:
            return data.replace(b'"T":%d' % time, b'"T":NaN')
        price, volume = levels[0]
        return data.replace(f'["{price}","{volume}"]'.encode(), f'["{price}","NaN"]'.encode(), 1)


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Level]:
    """Returns what makes `before` into `after`: new volumes, and "0" for what is no longer shown."""
    told = [(price, volume) for price, volume in after.items() if before.get(price) != volume]
    return told + [(price, "0") for price in before if price not in after]


def _crossed(window: Window, depth: int) -> Window:
    """Returns the book with a bid above its best ask."""
    best_ask = Decimal(next(iter(window.asks)))
    beyond = best_ask + Decimal((0, (5,), int(best_ask.as_tuple().exponent)))
    bids = dict([(f"{beyond:f}", next(iter(window.bids.values()))), *window.bids.items()][:depth])
    return msgspec.structs.replace(window, bids=bids)
