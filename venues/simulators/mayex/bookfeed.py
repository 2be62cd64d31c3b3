"""One book as Mayex's depth stream tells it: complete every time, or whole once and then by changes.

The document leaves it open: its stream names a number of levels, its payload says "to be updated" and counts
updates. `U` and `u` are the first and last update of a message, `pu` is the `u` of the message before.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from venues.events import Level
from venues.simulators.faults import Faults
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
    with_nan,
)

# There is no checksum: the numbers of the updates do not join instead.
_KINDS = (GAP, WRONG, ZERO, CROSSED, EMPTY, STALE, NAN)


class DepthMode(StrEnum):
    REPLACE = "replace"
    DIFF = "diff"


class DepthPush(msgspec.Struct, frozen=True, gc=False):
    """A message of the depth stream but for its times; a quantity of "0" takes a level out."""

    U: int
    u: int
    pu: int
    b: list[Level]
    a: list[Level]


class BookFeed(ToldBook[Window]):
    """The book of one depth stream."""

    def __init__(self, symbol: str, window: Window, faults: Faults, mode: DepthMode) -> None:
        super().__init__(window, faults, kinds=_KINDS)
        self.symbol = symbol
        self.mode = mode

    def whole(self) -> DepthPush:
        """Returns the book as told last: what the changes that follow apply to."""
        return _whole(self.told, self.told.newest - 1)

    def first(self) -> DepthPush:
        """Returns the first push of a subscription: the whole book, or what a fault makes of it."""
        kind = self.draw()
        window = self.oldest if kind == STALE else self.misshapen(self.told, kind)
        return _spoilt(_whole(window, window.newest - 1), kind)

    def advance(self, window: Window) -> DepthPush | None:
        """Takes the newest book and returns the push that tells of it; None where there is nothing."""
        is_same = (window.bids, window.asks) == (self.told.bids, self.told.asks)
        if is_same and not self.is_spoilt:
            return None
        kind = self.draw()
        before = self.turn(window, kind)
        if kind == GAP:
            return None
        if kind == STALE:
            return _whole(self.oldest, self.oldest.newest - 1)
        if self.mode is DepthMode.REPLACE:
            return _spoilt(_whole(self.told, before.newest), kind)
        bids, asks = changes(before.bids, self.told.bids), changes(before.asks, self.told.asks)
        return _spoilt(_push(before.newest, self.told.newest, bids, asks), kind)


def _push(before: int, newest: int, bids: Iterable[Level], asks: Iterable[Level]) -> DepthPush:
    return DepthPush(before + 1, newest, before, list(bids), list(asks))


def _whole(window: Window, before: int) -> DepthPush:
    return _push(before, window.newest, window.bids.items(), window.asks.items())


def _spoilt(push: DepthPush, kind: str) -> DepthPush:
    """Makes of a push what a fault wants: a quantity that is no number, or numbers that do not join."""
    if kind == ZERO:
        return msgspec.structs.replace(push, U=0, u=0, pu=0)
    if kind == WRONG:
        return msgspec.structs.replace(push, U=push.U + 1, pu=push.pu + 1)
    return msgspec.structs.replace(push, **with_nan(push.b, push.a)) if kind == NAN else push
