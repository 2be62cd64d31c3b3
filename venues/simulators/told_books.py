"""A book as its subscribers have been told it, and what a fault makes of that. Venues say how it is written."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

from venues.events import Level
from venues.simulators.faults import Faults
from venues.simulators.outgoing import MARKET

CROSSED, EMPTY, GAP, NAN, STALE = "crossed", "empty-snapshot", "gap", "nan", "stale-snapshot"
WRONG, ZERO = "wrong-checksum", "zero-checksum"


class Window(msgspec.Struct, frozen=True, gc=False):
    """The best levels of a book at one moment, {price: quantity} best first, and its newest change's number."""

    bids: dict[str, str]
    asks: dict[str, str]
    newest: int

    @property
    def is_empty(self) -> bool:
        return not self.bids and not self.asks


W = TypeVar("W", bound=Window)


class ToldBook(Generic[W]):
    """The book of one topic. `told` is what a subscriber has after the last push.

    Changes are to be told against `told` and not against the market's book: what was told wrongly and consistently
    (a crossed book) is put right by the next push. `kinds` are the faults that can strike a push, `kept` is
    how many windows are kept for the stale snapshot, and `depth` how many levels are shown of a side, 0 for all.
    """

    def __init__(self, window: W, faults: Faults, *, kinds: Sequence[str], kept: int = 8, depth: int = 0) -> None:
        self.told = window
        self.is_spoilt = False  # what was told is not the market's book
        self._faults = faults
        self._kinds = kinds
        self._depth = depth or None
        self._past: deque[W] = deque((window,), maxlen=kept)

    @property
    def oldest(self) -> W:
        """What a stale snapshot tells."""
        return self._past[0]

    def draw(self) -> str:
        """Returns the fault that strikes the next push, empty for none."""
        return "" if self._faults.is_quiet else self._faults.first(self._kinds, MARKET)

    def turn(self, window: W, kind: str) -> W:
        """Takes the newest book, or what the fault `kind` makes of it; returns what was told before."""
        before = self.told
        self.told = self.misshapen(window, kind)
        self.is_spoilt = self.told is not window
        self._past.append(window)
        return before

    def misshapen(self, window: W, kind: str) -> W:
        """Returns a window as a fault wants it told: without a level, or with a bid above its best ask."""
        if kind == EMPTY:
            return msgspec.structs.replace(window, bids={}, asks={})
        if kind == CROSSED and window.bids and window.asks:
            beyond = above(next(iter(window.asks))), next(iter(window.bids.values()))
            return msgspec.structs.replace(window, bids=dict([beyond, *window.bids.items()][: self._depth]))
        return window


def with_nan(bids: list[Level], asks: list[Level]) -> dict[str, list[Level]]:
    """Returns the side that is changed where the best of the levels gets a quantity that is no number."""
    name, rows = ("b", bids) if bids else ("a", asks)
    return {name: [(rows[0][0], "NaN"), *rows[1:]]} if rows else {}


def above(price: str) -> str:
    """Returns a price a little above another, with as many digits."""
    exponent = int(Decimal(price).as_tuple().exponent)
    return f"{Decimal(price) + Decimal((0, (5,), exponent)):f}"


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Level]:
    """Returns what makes `before` into `after`: new quantities, and "0" for what is no longer shown."""
    told = [(price, quantity) for price, quantity in after.items() if before.get(price) != quantity]
    return told + [(price, "0") for price in before if price not in after]
