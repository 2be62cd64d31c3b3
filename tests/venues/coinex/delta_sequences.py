"""Random sequences of depth pushes, damaged on the way, beside a book that is kept in the simplest way there is.

`python -m tests.venues.coinex.delta_sequences --sequences 1000000` is the long run. A sequence is a full push and
up to a dozen changes of a small market; most lose, double, swap or spoil some. After every push the book is read:

- valid and verified: it has to equal what the venue showed with the newest push that arrived;
- valid and not verified: only where the push had no checksum, or one of zero;
- not valid: every read for a price raises. Where nothing was damaged since the last full push it must be valid.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from venues.book import InvalidBook, Verification
from venues.coinex.depth import DepthFeed
from venues.coinex.messages import DepthUpdate, decode_frame
from venues.errors import DecodeError
from venues.model import Side

MARKET = "BTCUSDT"
LIMIT = 5
START = 1_700_000_000_000
_FARTHEST = 4  # pushes after the damaged one that it can still concern
Sides = tuple[dict[int, str], dict[int, str]]
"""Ticks -> amount as text; bids, asks."""

DAMAGES = (
    "lost", "doubled", "swapped", "old", "amount", "level lost", "level added", "checksum", "zero checksum",
    "no checksum", "crossed", "nan", "negative", "emptied",
)  # fmt: skip


class Push(NamedTuple):
    is_full: bool
    bids: list[list[str]]
    asks: list[list[str]]
    time: int
    checksum: int | None
    shown: tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]  # the venue's book after it

    def frame(self) -> bytes:
        body: dict[str, Any] = {"bids": self.bids, "asks": self.asks, "last": "100.00", "time": self.time}
        if self.checksum is not None:
            body["checksum"] = self.checksum
        return msgspec.json.encode({"method": "depth.update", "params": [self.is_full, body, MARKET], "id": None})


class Failure(AssertionError):
    pass


def text(ticks: int) -> str:
    return f"{ticks // 100}.{ticks % 100:02d}"


class Exchange:
    """A market deeper than what is shown of it, and the pushes that tell of the shown part."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        middle = rng.randrange(9_000, 11_000)
        self._sides: Sides = (
            {middle - step: self._amount() for step in range(1, rng.randrange(2, 9))},
            {middle + step: self._amount() for step in range(1, rng.randrange(2, 9))},
        )
        self._told: tuple[dict[str, str], dict[str, str]] = ({}, {})
        self._time = START
        self._tells_behind = rng.random() < 0.5  # whether a level that falls behind the limit is told as gone

    def _amount(self) -> str:
        return f"{self._rng.randrange(1, 10**6) / 10**4:.4f}"

    def act(self) -> None:
        """Lets one to three things happen to the market; it never crosses itself."""
        rng = self._rng
        for _ in range(rng.randrange(1, 4)):
            index = rng.randrange(2)
            side, other = self._sides[index], self._sides[1 - index]
            sign = -1 if index == 0 else 1
            best = min(side, key=lambda ticks: ticks * sign, default=None)
            if best is not None and rng.random() < 0.35:
                del side[rng.choice(list(side)) if rng.random() < 0.5 else best]
            elif best is not None and rng.random() < 0.5:
                side[rng.choice(list(side))] = self._amount()
            else:
                around = best if best is not None else 10_000 + sign
                ticks = around + sign * rng.randrange(-2, 6)
                opposite = min(other, key=lambda one: one * -sign, default=None)
                if ticks > 0 and (opposite is None or (ticks - opposite) * sign > 0):
                    side[ticks] = self._amount()

    def push(self, *, is_full: bool) -> Push:
        rng, told = self._rng, self._told
        self._time += rng.randrange(1, 400)
        shown = (self._shown(0), self._shown(1))
        joined = ":".join(part for side in shown for level in side for part in level)
        unsigned = zlib.crc32(joined.encode())
        now = (dict(shown[0]), dict(shown[1]))
        if is_full:
            bids, asks = ([list(level) for level in side] for side in shown)
        else:
            bids, asks = (self._changes(told[index], now[index], index) for index in range(2))
        self._told = now
        return Push(is_full, bids, asks, self._time, unsigned - 2**32 if unsigned >= 2**31 else unsigned, shown)

    def _shown(self, index: int) -> tuple[tuple[str, str], ...]:
        side = self._sides[index]
        best_first = sorted(side, reverse=index == 0)[:LIMIT]
        return tuple((text(ticks), side[ticks]) for ticks in best_first)

    def _changes(self, before: dict[str, str], after: dict[str, str], index: int) -> list[list[str]]:
        standing = () if self._tells_behind else {text(ticks) for ticks in self._sides[index]}
        changes = [[price, "0"] for price in before if price not in after and price not in standing]
        changes += [[price, amount] for price, amount in after.items() if before.get(price) != amount]
        self._rng.shuffle(changes)
        return changes


def damaged(pushes: list[Push], damage: str, rng: random.Random) -> tuple[list[Push], int]:
    """Returns the pushes as they arrive, and the place of the first one that is not as it was sent."""
    at = rng.randrange(len(pushes))
    push, arriving = pushes[at], list(pushes)
    match damage:
        case "lost":
            del arriving[at]
        case "doubled":
            arriving.insert(at + 1, push)
        case "swapped" if at + 1 < len(arriving):
            arriving[at], arriving[at + 1] = arriving[at + 1], arriving[at]
        case "old":
            arriving.insert(min(len(arriving), at + rng.randrange(1, 4)), push)
        case "checksum":
            arriving[at] = push._replace(checksum=rng.randrange(1, 2**31))
        case "zero checksum":
            arriving[at] = push._replace(checksum=0)
        case "no checksum":
            arriving[at] = push._replace(checksum=None)
        case "crossed":
            high = [["999.00", "1.0000"]]
            arriving[at] = push._replace(bids=high + push.bids if push.is_full else push.bids + high)
        case "nan":
            arriving[at] = push._replace(asks=[*push.asks, ["NaN", "1.0000"]])
        case "negative":
            arriving[at] = push._replace(bids=[*push.bids, ["90.00", "-1.0000"]])
        case "emptied":
            arriving[at] = push._replace(bids=[], asks=[])
        case "amount" if push.bids:
            arriving[at] = push._replace(bids=[[push.bids[0][0], "7.7777"], *push.bids[1:]])
        case "level lost" if push.asks:
            arriving[at] = push._replace(asks=push.asks[1:])
        case "level added":
            arriving[at] = push._replace(asks=[*push.asks, ["500.00", "1.0000"]])
    return arriving, at


def play(seed: int, make: Callable[[str, int], DepthFeed] = DepthFeed) -> Counter[str]:
    """Plays one sequence through what `make` makes. Raises Failure; returns what happened how often."""
    rng = random.Random(seed)
    exchange = Exchange(rng)
    pushes = [exchange.push(is_full=True)]
    for _ in range(rng.randrange(2, 13)):
        exchange.act()
        pushes.append(exchange.push(is_full=rng.random() < 0.1))
    damage = rng.choice(DAMAGES) if rng.random() < 0.8 else ""
    arriving, spoilt_at = damaged(pushes, damage, rng) if damage else (pushes, len(pushes))
    counts: Counter[str] = Counter(damage=bool(damage), pushes=len(arriving))
    feed = make(MARKET, LIMIT)
    newest, mended_at = pushes[0], -1
    for number, push in enumerate(arriving):
        where = f"seed {seed}, {damage or 'undamaged'}, push {number}"
        message = decode_frame(push.frame())
        if not isinstance(message, DepthUpdate):
            raise Failure(f"{where}: decoded as {type(message).__name__}")
        try:
            event = feed.take(message, push.time)
        except DecodeError:
            event = None
            if damage not in {"nan", "negative"}:
                raise Failure(f"{where}: refused") from None
        newest = max(newest, push, key=lambda one: one.time)
        if push.is_full:
            mended_at = number
        is_clean = number < spoilt_at or mended_at > spoilt_at + _FARTHEST
        _check(feed, push, newest, where, is_clean=is_clean, told=event is not None)
        counts["caught"] += not feed.book.is_valid
        counts["verified"] += feed.book.is_valid and feed.book.verification is Verification.VERIFIED
    healing = exchange.push(is_full=True)
    message = decode_frame(healing.frame())
    if isinstance(message, DepthUpdate):
        feed.take(message, healing.time)
    _check(feed, healing, healing, f"seed {seed}, {damage}, healed", is_clean=True, told=True)
    return counts


def _check(feed: DepthFeed, push: Push, newest: Push, where: str, *, is_clean: bool, told: bool) -> None:
    book = feed.book
    if not book.is_valid:
        if is_clean:
            raise Failure(f"{where}: nothing was damaged, and the book is invalid: {book.detail}")
        if told:
            raise Failure(f"{where}: the book is invalid, and an event was told")
        _refuses(feed, where)
        return
    bids, asks = book.top(2 * LIMIT)
    is_true = (tuple(map(tuple, bids)), tuple(map(tuple, asks))) == newest.shown
    if book.verification is Verification.VERIFIED:
        if not is_true:
            raise Failure(f"{where}: verified, and not what the venue shows")
        if newest.shown[0] and book.best_bid() != tuple(map(Decimal, newest.shown[0][0])):
            raise Failure(f"{where}: another best bid")
    elif push.checksum:
        raise Failure(f"{where}: valid with a checksum that does not match")


def _refuses(feed: DepthFeed, where: str) -> None:
    book = feed.book
    reads = (
        book.best_bid, book.best_ask, book.mid, book.depth,
        lambda: book.top(5), lambda: book.levels(5), lambda: book.snapshot(5),
        lambda: list(book.walk(Side.BUY)), lambda: book.quantity_at(Side.SELL, Decimal(100)),
    )  # fmt: skip
    for read in reads:
        try:
            read()
        except InvalidBook:
            continue
        raise Failure(f"{where}: an invalid book was read")


def play_many(first: int, count: int) -> Counter[str]:
    """Plays `count` sequences from seed `first`."""
    total: Counter[str] = Counter()
    for seed in range(first, first + count):
        total += play(seed)
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sequences", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    share, began = 5_000, time.monotonic()
    total: Counter[str] = Counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        firsts = range(chosen.seed, chosen.seed + chosen.sequences, share)
        for counts in pool.map(play_many, firsts, [share] * len(firsts)):
            total += counts
    seconds = time.monotonic() - began
    sys.stdout.write(
        f"{len(firsts) * share:,} sequences, {total['damage']:,} damaged; {total['pushes']:,} pushes: "
        f"{total['verified']:,} verified and equal, {total['caught']:,} invalid and unreadable; {seconds:.0f} s\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
