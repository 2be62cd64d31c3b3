"""One book as its subscribers have been told it: whole, by changes, and wrong where a fault says so.

There is no checksum: an update says by `fi` and `li` which changes of the market it is, and by `v` of which book.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from venues.events import Level
from venues.simulators.faults import Faults
from venues.simulators.max.figures import written
from venues.simulators.told_books import (
    CROSSED,
    EMPTY,
    GAP,
    NAN,
    STALE,
    WRONG,
    ZERO,
    ToldBook,
    Window,
    changes,
)

DEPTHS = (1, 5, 10, 20, 50)
_PAST = 16  # windows kept for the stale snapshot: 1.6 s of them
_KINDS = (GAP, WRONG, ZERO, CROSSED, EMPTY, STALE, NAN)


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


class NumberedWindow(Window, frozen=True, gc=False):
    """A book's best levels, when they were so in milliseconds, and of which version of the book."""

    time: int
    version: int


def make_window(
    bids: Iterable[Level], asks: Iterable[Level], time: int, position: tuple[int, int]
) -> NumberedWindow:
    """Makes a window of levels that are cut to its depth; `position` is the book's version and newest change."""
    version, newest = position
    best_bids = {written(price): written(volume) for price, volume in bids}
    best_asks = {written(price): written(volume) for price, volume in asks}
    return NumberedWindow(best_bids, best_asks, newest, time, version)


class BookFeed(ToldBook[NumberedWindow]):
    """The book of one market at one depth."""

    def __init__(self, market: str, depth: int, window: NumberedWindow, faults: Faults) -> None:
        super().__init__(window, faults, kinds=_KINDS, kept=_PAST, depth=depth)
        self.market = market
        self._waits = window.is_empty  # the next message has to be a snapshot
        self._nans = 0

    def whole(self) -> bytes:
        """Returns the snapshot of what was told last: what the updates that follow apply to."""
        return self._snapshot(self.told, "")

    def first(self) -> bytes:
        """Returns the first push of a subscription: a snapshot, or what a fault makes of it."""
        kind = self.draw()
        if kind == STALE:
            return self._snapshot(self.oldest, kind)
        return self._snapshot(self.misshapen(self.told, kind), kind)

    def advance(self, window: NumberedWindow) -> bytes | None:
        """Takes the market's newest book and returns the push that tells of it; None where there is nothing."""
        before = self.told
        is_same = (window.bids, window.asks, window.version) == (before.bids, before.asks, before.version)
        if is_same and not self.is_spoilt:
            return None
        kind = self.draw()
        self.turn(window, kind)
        if kind == GAP:
            return None
        if kind == STALE:
            return self._snapshot(self.oldest, kind)
        is_renumbered = window.version != before.version or window.newest == before.newest
        if kind == EMPTY or self._waits or self.told.is_empty or is_renumbered:
            self._waits = self.told.is_empty
            return self._snapshot(self.told, kind)
        asks = changes(before.asks, self.told.asks)
        bids = changes(before.bids, self.told.bids)
        return self._encode("update", self.told, asks, bids, before.newest + 1, kind)

    def draw(self) -> str:
        """Returns the fault that strikes the next push, empty for none."""
        kind = super().draw()
        self._nans += kind == NAN
        return kind

    def _snapshot(self, window: NumberedWindow, kind: str) -> bytes:
        asks, bids = list(window.asks.items()), list(window.bids.items())
        return self._encode("snapshot", window, asks, bids, window.newest, kind)

    def _encode(
        self, event: str, window: NumberedWindow, asks: list[Level], bids: list[Level], first: int, kind: str
    ) -> bytes:
        common = ("book", event, self.market.lower(), asks, bids, window.time)
        if kind == ZERO:
            return msgspec.json.encode(UnnumberedPush(*common))
        version = window.version + (kind == WRONG)
        data = msgspec.json.encode(BookPush(*common, first, window.newest, version))
        return self._with_nan(data, window.time, asks or bids) if kind == NAN else data

    def _with_nan(self, data: bytes, time: int, levels: list[Level]) -> bytes:
        """Puts in turn a NaN that is no JSON, and one that is a text where a volume should be."""
        if self._nans % 2 or not levels:
            return data.replace(b'"T":%d' % time, b'"T":NaN')
        price, volume = levels[0]
        return data.replace(f'["{price}","{volume}"]'.encode(), f'["{price}","NaN"]'.encode(), 1)
