"""One book as its subscribers have been told it: whole, by changes, and wrong where a fault says so."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import msgspec

from venues.simulators.coinex.depth import DepthBody, Window, make_window
from venues.simulators.faults import Faults
from venues.simulators.outgoing import MARKET
from venues.simulators.told_books import CROSSED, EMPTY, GAP, NAN, STALE, WRONG, ZERO, above

_PAST = 8  # windows kept for the stale snapshot: 1.6 s of them
_KINDS = (GAP, WRONG, ZERO, CROSSED, EMPTY, STALE, NAN)


class DepthPush(NamedTuple):
    """What goes to those who want changes, and to those who want the whole book every time (if there are any)."""

    changes: bytes
    whole: bytes


class BookFeed:
    """The book of one market at one depth and merging. `told` is what a subscriber has after the last push.

    Increments are against `told` and not against the market's book: what was told wrongly and consistently (a
    crossed or an empty book) is put right by the next increment.
    """

    def __init__(self, market: str, limit: int, window: Window, faults: Faults) -> None:
        self.market = market
        self.limit = limit
        self.told = window
        self.full_at = 0  # when the next whole book is due, nanoseconds UTC
        self.is_spoilt = False  # what was told is not the market's book
        self._faults = faults
        self._past: deque[Window] = deque((window,), maxlen=_PAST)
        self._whole = b""
        self._nans = 0

    def whole(self) -> bytes:
        """Returns the push of the whole book as told last: what the increments that follow apply to."""
        if not self._whole:
            self._whole = self._encode(True, self.told.body(), "")
        return self._whole

    def first(self) -> bytes:
        """Returns the first push of a subscription: the whole book, or what a fault makes of it."""
        kind = self._draw()
        if not kind or kind == GAP:
            return self.whole()
        # Only this subscriber is told wrongly: the increments that follow do not fit what it has.
        window = self._past[0] if kind == STALE else self._misshapen(self.told, kind)
        return self._encode(True, window.body(), kind)

    def advance(self, window: Window, *, is_whole: bool, has_whole_readers: bool = False) -> DepthPush | None:
        """Takes the market's newest book and returns the pushes that tell of it; None where there is nothing.

        `is_whole` says that a whole book is due for everybody.
        """
        if not is_whole and not self.is_spoilt and window.has_same_book(self.told):
            return None
        kind = self._draw()
        before, self.told, self._whole = self.told, self._misshapen(window, kind), b""
        self.is_spoilt = self.told is not window
        self._past.append(window)
        if kind == STALE:
            stale = self._encode(True, self._past[0].body(), kind)
            return DepthPush(stale, stale)
        if kind == GAP and not is_whole:
            return None
        whole = b""
        if is_whole or has_whole_readers or kind == EMPTY:
            whole = self._encode(True, self.told.body(), kind) if kind else self.whole()
        if is_whole or kind == EMPTY:
            return DepthPush(whole, whole)
        return DepthPush(self._encode(False, self.told.changes_since(before), kind), whole)

    def _draw(self) -> str:
        """Returns the fault that strikes this push, if one does."""
        kind = self._faults.first(_KINDS, MARKET)
        self._nans += kind == NAN
        return kind

    def _misshapen(self, window: Window, kind: str) -> Window:
        if kind == EMPTY:
            return make_window((), (), window.last, window.time)
        if kind == CROSSED and window.bids and window.asks:
            return _crossed(window, self.limit)
        return window

    def _encode(self, is_whole: bool, body: DepthBody, kind: str) -> bytes:
        if kind == WRONG:
            body = msgspec.structs.replace(body, checksum=body.checksum ^ 2)
        elif kind == ZERO:
            body = msgspec.structs.replace(body, checksum=0)
        push = {"method": "depth.update", "params": (is_whole, body, self.market), "id": None}
        data = msgspec.json.encode(push)
        return self._with_nan(data, body) if kind == NAN else data

    def _with_nan(self, data: bytes, body: DepthBody) -> bytes:
        """Puts in turn a NaN that is no JSON, and one that is a text where an amount should be."""
        levels = body.asks or body.bids
        if self._nans % 2 or not levels:
            return data.replace(b'"time":%d' % body.time, b'"time":NaN')
        price, amount = levels[0]
        return data.replace(f'["{price}","{amount}"]'.encode(), f'["{price}","NaN"]'.encode(), 1)


def _crossed(window: Window, limit: int) -> Window:
    """Returns the book with a bid above its best ask."""
    bids = [(above(next(iter(window.asks))), next(iter(window.bids.values()))), *window.bids.items()]
    return make_window(bids[:limit], window.asks.items(), window.last, window.time)
