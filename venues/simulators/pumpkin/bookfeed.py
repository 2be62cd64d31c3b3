"""One book as its subscribers have been told it: whole, then by changes, and wrong where a fault says so."""

from __future__ import annotations

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

# There is no checksum: it is the numbers that do not join.
_KINDS = (GAP, CROSSED, EMPTY, STALE, NAN, WRONG, ZERO)
LEVELS = (5, 10, 20, 50)


class DepthPush(msgspec.Struct, frozen=True, gc=False):
    """A whole book, or by `e` the changes of one; `U` and `u` are its first and last change."""

    e: str
    s: str
    U: int
    u: int
    b: list[Level]
    a: list[Level]


class BookFeed(ToldBook[Window]):
    """The book of one symbol at one level."""

    def __init__(self, symbol: str, window: Window, faults: Faults) -> None:
        super().__init__(window, faults, kinds=_KINDS)
        self.symbol = symbol

    def whole(self) -> DepthPush:
        """Returns the book as told last: what the changes that follow apply to."""
        return self._whole(self.told)

    def first(self) -> DepthPush:
        """Returns the first push of a subscription: the whole book, or what a fault makes of it."""
        kind = self.draw()
        if kind == STALE:
            return self._whole(self.oldest)
        return self._spoilt(self._whole(self.misshapen(self.told, kind)), kind)

    def advance(self, window: Window) -> DepthPush | None:
        """Takes the newest book and returns the push that tells of it; None where there is nothing."""
        before = self.told
        if (window.bids, window.asks) == (before.bids, before.asks) and not self.is_spoilt:
            return None
        if window.newest <= before.newest and not self.is_spoilt:
            return None
        kind = self.draw()
        self.turn(window, kind)
        if kind == GAP:
            return None
        if kind == STALE:
            return self._whole(self.oldest)
        if kind == EMPTY:
            return self._whole(self.told)
        if window.newest <= before.newest:
            return self._spoilt(self._whole(window), kind)  # only what a fault had spoilt is put right
        bids, asks = changes(before.bids, self.told.bids), changes(before.asks, self.told.asks)
        push = DepthPush("depth.update", self.symbol, before.newest + 1, self.told.newest, bids, asks)
        return self._spoilt(push, kind)

    def _whole(self, window: Window) -> DepthPush:
        bids, asks = list(window.bids.items()), list(window.asks.items())
        return DepthPush("depth", self.symbol, window.newest, window.newest, bids, asks)

    @staticmethod
    def _spoilt(push: DepthPush, kind: str) -> DepthPush:
        """Makes of a push what a fault wants: a quantity that is no number, or numbers that do not join."""
        if kind == ZERO:
            return msgspec.structs.replace(push, U=0, u=0)
        if kind == WRONG and push.e == "depth":
            return msgspec.structs.replace(push, U=push.U - 2, u=push.u - 2)
        if kind == WRONG:
            return msgspec.structs.replace(push, U=push.U + 1, u=push.u + 1)
        return msgspec.structs.replace(push, **with_nan(push.b, push.a)) if kind == NAN else push
