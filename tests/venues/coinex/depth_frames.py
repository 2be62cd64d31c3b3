"""Depth frames of a wandering market, and two ways to follow it: ours, and json with a dict of Decimal.

`python -m tests.venues.coinex.depth_frames` prints frames a second of both, with and without the checksum.
"""

from __future__ import annotations

import json
import random
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial

import msgspec

from venues.book import Book, PricedLevel
from venues.coinex.depth import DepthFeed
from venues.coinex.messages import DepthUpdate, decode_frame
from venues.coinex.parse import instrument_id, parse_depth
from venues.events import Level

MARKET = "BTCUSDT"
TOP = 20
FULL_EVERY = 300  # a full book a minute, at five pushes a second


def depth_frames(count: int, *, limit: int = 50, changes: int = 3, seed: int = 1) -> list[bytes]:
    """Returns `count` frames of `changes` changes each, with true checksums; the first one is full."""
    rng = random.Random(seed)
    sides: tuple[dict[int, str], dict[int, str]] = (
        {4_634_900 - step: amount_of(rng) for step in range(limit)},
        {4_635_000 + step: amount_of(rng) for step in range(limit)},
    )
    frames = []
    for number in range(count):
        is_full = number % FULL_EVERY == 0
        told: tuple[dict[int, str], dict[int, str]] = ({}, {})
        for _ in range(0 if is_full else changes):
            index = rng.randrange(2)
            side, sign = sides[index], -1 if index == 0 else 1
            best_first = sorted(side, key=lambda price: price * sign)
            if rng.random() < 0.6:
                price = rng.choice(best_first[:10])
                side[price] = told[index][price] = amount_of(rng)
            elif (price := next(iter(free_prices(side, best_first, sign)), 0)) and len(side) >= limit:
                del side[best_first[-1]]
                told[index][best_first[-1]] = "0"
                side[price] = told[index][price] = amount_of(rng)
            else:
                price = rng.choice(best_first[:10])
                del side[price]
                told[index][price] = "0"
                worst = best_first[-1] + sign
                side[worst] = told[index][worst] = amount_of(rng)
        bids, asks = levels_of(sides[0], -1), levels_of(sides[1], 1)
        text = ":".join(part for level in (*bids, *asks) for part in level)
        crc = zlib.crc32(text.encode())
        body = {
            "asks": asks if is_full else levels_of(told[1], 1),
            "bids": bids if is_full else levels_of(told[0], -1),
            "last": "46349.93",
            "time": 1_639_987_469_166 + 200 * number,
            "checksum": crc - 2**32 if crc >= 2**31 else crc,
        }
        frames.append(
            msgspec.json.encode({"method": "depth.update", "params": [is_full, body, MARKET], "id": None})
        )
    return frames


def amount_of(rng: random.Random) -> str:
    return f"{rng.randrange(1, 10**9) / 10**8:.8f}"


def free_prices(side: dict[int, str], best_first: Sequence[int], sign: int) -> list[int]:
    """Returns the gaps among the best ten prices."""
    span = range(best_first[0], best_first[9], sign)
    return [price for price in span if price not in side]


def levels_of(side: dict[int, str], sign: int) -> list[Level]:
    return [(f"{price / 100:.2f}", side[price]) for price in sorted(side, key=lambda price: price * sign)]


def follow(frames: Sequence[bytes], *, is_checked: bool) -> tuple[list[Level], list[Level]]:
    """Decodes, applies and, where asked, proves every frame, and reads the top after each: our path."""
    feed = DepthFeed(MARKET, 50)
    book = feed.book if is_checked else Book(instrument_id(MARKET))
    top: tuple[list[Level], list[Level]] = ([], [])
    for frame in frames:
        push = decode_frame(frame)
        if isinstance(push, DepthUpdate):
            if is_checked:
                feed.take(push, 0)
            else:
                book.apply(parse_depth(push, 0))
        top = book.top(TOP)
    return top


def follow_plainly(frames: Sequence[bytes], *, is_checked: bool) -> tuple[list[PricedLevel], list[PricedLevel]]:
    """The same as anybody would write it first."""
    sides: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})
    top: tuple[list[PricedLevel], list[PricedLevel]] = ([], [])
    for frame in frames:
        is_full, depth, _ = json.loads(frame)["params"]
        for side, levels in zip(sides, (depth["bids"], depth["asks"]), strict=True):
            if is_full:
                side.clear()
            for price, quantity in levels:
                if amount := Decimal(quantity):
                    side[Decimal(price)] = amount
                else:
                    side.pop(Decimal(price), None)
        bids = sorted(sides[0].items(), reverse=True)
        asks = sorted(sides[1].items())
        if is_checked:
            text = ":".join(f"{price}:{quantity}" for price, quantity in bids + asks)
            crc = zlib.crc32(text.encode())
            if (crc - 2**32 if crc >= 2**31 else crc) != depth["checksum"]:
                raise ValueError("wrong checksum")
        top = bids[:TOP], asks[:TOP]
    return top


def rate(work: Callable[[], object], frames: int, rounds: int = 5) -> float:
    """Returns frames a second of processor time, the best of `rounds`."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return frames / best


def main(count: int = 3_000) -> None:
    frames = depth_frames(count)
    for is_checked in (False, True):
        ours = rate(partial(follow, frames, is_checked=is_checked), count)
        plain = rate(partial(follow_plainly, frames, is_checked=is_checked), count)
        words = "with CRC-32" if is_checked else "without CRC"
        sys.stdout.write(f"{words}: ours {ours:,.0f}/s, json + Decimal {plain:,.0f}/s, ratio {ours / plain:.2f}\n")


if __name__ == "__main__":
    main()
