"""The book's checksum, and the feed that notices what is wrong before anybody reads."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.venues.coinex.depth_frames import depth_frames, follow, follow_plainly
from tests.venues.coinex.documented import stream
from venues.book import Book, InvalidBook, Verification
from venues.coinex.depth import DepthFeed, checksum
from venues.coinex.messages import DepthUpdate, Reply, decode_frame, decode_result
from venues.coinex.parse import instrument_id, parse_book, parse_depth
from venues.coinex.wire import WireDepth
from venues.errors import DecodeError
from venues.events import BookDelta, BookSnapshot


def push_of(raw: bytes) -> DepthUpdate:
    push = decode_frame(raw)
    assert isinstance(push, DepthUpdate)
    return push


def push(is_full: bool, **depth: Any) -> DepthUpdate:
    fields = {"asks": [], "bids": [], "last": "1", "time": 1_000} | depth
    return push_of(msgspec.json.encode({"method": "depth.update", "params": [is_full, fields, "X"], "id": None}))


def test_the_documented_checksum() -> None:
    example = push_of(stream("depth.update").raw)
    _, depth, market = example.params
    assert market == "BTCUSDT"
    assert checksum(depth.bids, depth.asks) == 1533284725 == depth.checksum
    queried = decode_frame(stream("depth.query", "answer").raw)
    assert isinstance(queried, Reply)
    depth = decode_result(queried, WireDepth)
    assert checksum(depth.bids, depth.asks) == 1533284725


def test_the_checksum_is_signed() -> None:
    bids, asks = [("9999.5", "1.2"), ("9999", "0.3")], [("10000", "0.5"), ("10001", "2")]
    assert checksum(bids, asks) == -880562131
    for sent in (-880562131, 3414405165):
        feed = DepthFeed("X", 5)
        event = feed.take(push(True, bids=bids, asks=asks, checksum=sent), 7)
        assert isinstance(event, BookSnapshot)
        assert event.checksum == -880562131
        assert feed.book.verification is Verification.VERIFIED
    for sent in (2**32, -(2**31) - 1):
        with pytest.raises(DecodeError):
            parse_depth(push(True, checksum=sent), 7)


def test_a_side_may_be_empty() -> None:
    assert checksum([], [("2", "1.0")]) == checksum([("2", "1.0")], [])
    feed = DepthFeed("X", 5)
    assert feed.take(push(True, asks=[("2", "1.0")], checksum=checksum([], [("2", "1.0")])), 0)
    assert feed.book.best_bid() is None


def test_true_is_a_full_book_and_false_a_change() -> None:
    feed = DepthFeed("X", 5)
    assert isinstance(feed.take(push(True, bids=[("1", "1"), ("0.5", "1")], asks=[("3", "1")]), 7), BookSnapshot)
    event = feed.take(push(False, bids=[("1", "2")], time=2_000), 8)
    assert isinstance(event, BookDelta)
    assert (event.bids, event.asks, event.previous) == ((("1", "2"),), (), -1)
    assert (event.ts_event, event.ts_recv, event.sequence) == (2_000_000_000, 8, 2_000)
    feed.take(push(True, bids=[("0.7", "1")], asks=[("3", "1")], time=3_000), 9)
    assert feed.book.top(9)[0] == [("0.7", "1")]


def test_zero_deletes() -> None:
    feed = DepthFeed("X", 5)
    feed.take(push(True, bids=[("1", "1"), ("0.5", "1")], asks=[("3", "1"), ("4", "1")]), 0)
    for zero in ("0", "0.00000000"):
        feed.take(push(False, bids=[("1", zero)], asks=[("3", zero), ("9", zero)]), 0)
        assert feed.book.top(9) == ([("0.5", "1")], [("4", "1")])


def test_a_change_before_any_full_book_is_no_book() -> None:
    feed = DepthFeed("X", 5)
    assert feed.take(push(False, bids=[("1", "1")]), 0) is None
    with pytest.raises(InvalidBook):
        feed.book.best_bid()


def test_what_fell_behind_the_limit_is_gone_for_everybody() -> None:
    bids = [(str(price), "1") for price in (50, 40, 30, 20, 10)]
    feed, other = DepthFeed("X", 5), Book(instrument_id("X"))
    best = [("45", "2"), *bids]
    best = sorted(best, key=lambda level: -float(level[0]))[:5]
    for each in (
        push(True, bids=bids, asks=[("60", "1")], checksum=checksum(bids, [("60", "1")])),
        push(False, bids=[("45", "2")], checksum=checksum(best, [("60", "1")]), time=2_000),
    ):
        event = feed.take(each, 0)
        assert event is not None
        assert other.apply(event)
    assert feed.book.top(99) == other.top(99) == (best, [("60", "1")])
    assert feed.book.verification is Verification.VERIFIED
    crc = checksum(bids, [("60", "1")])
    deep = feed.take(push(True, bids=[*bids, ("5", "1")], asks=[("60", "1")], checksum=crc, time=3_000), 0)
    assert isinstance(deep, BookSnapshot)
    assert list(deep.bids) == bids == feed.book.top(9)[0]


def test_a_push_of_the_past_is_a_fault() -> None:
    feed = DepthFeed("X", 5)
    feed.take(push(True, bids=[("1", "1")], time=5_000), 0)
    assert feed.take(push(False, bids=[("1", "2")], time=4_999), 0) is None
    assert not feed.book.is_valid
    assert feed.take(push(True, bids=[("1", "1")], time=5_001), 0) is not None
    assert feed.take(push(True, bids=[("1", "3")], time=5_000), 0) is None, "a whole book of the past neither"
    assert not feed.book.is_valid


def test_a_venue_whose_clock_was_set_back_is_followed_after_three_pushes() -> None:
    feed = DepthFeed("X", 5)
    feed.take(push(True, bids=[("1", "1")], time=5_000), 0)
    for time in (1_000, 1_001, 1_002):
        assert feed.take(push(True, bids=[("1", "2")], time=time), 0) is None
    assert feed.take(push(True, bids=[("1", "2")], time=1_003), 0) is not None
    assert feed.take(push(False, bids=[("1", "3")], time=1_004), 0) is not None


def test_one_that_never_matches_is_unverified_and_one_that_matched_is_a_fault() -> None:
    feed = DepthFeed("X", 5)
    assert feed.take(push(True, bids=[("1", "1")], checksum=77), 0) is None
    assert feed.take(push(True, bids=[("1", "1")], checksum=77), 0) is None
    assert feed.take(push(True, bids=[("1", "1")], checksum=77), 0) is not None
    assert (feed.book.is_valid, feed.book.verification) == (True, Verification.UNVERIFIED)
    feed.take(push(True, bids=[("1", "1")], checksum=checksum([("1", "1")], [])), 0)
    assert feed.take(push(False, bids=[("1", "3")], checksum=77), 0) is None
    assert not feed.book.is_valid


def test_a_lost_and_a_swapped_push_are_found_before_the_next_read() -> None:
    frames = depth_frames(240, changes=2)
    rng = random.Random(3)
    for _ in range(60):
        at = rng.randrange(2, 230)
        broken = list(frames[: at + 4])
        kind = rng.choice(["lost", "swapped"])
        if kind == "lost":
            del broken[at]
        else:
            broken[at], broken[at + 1] = broken[at + 1], broken[at]
        feed = DepthFeed("BTCUSDT", 50)
        right = DepthFeed("BTCUSDT", 50)
        for number, raw in enumerate(broken):
            feed.take(push_of(raw), 0)
            if number < at:
                right.take(push_of(raw), 0)
                assert feed.book.top(50) == right.book.top(50)
            elif feed.book.is_valid:
                now = push_of(raw).params[1]
                assert checksum(*feed.book.top(50)) == now.checksum


def test_both_ways_of_following_a_market_agree() -> None:
    frames = depth_frames(700)
    for is_checked in (False, True):
        ours = [
            [(Decimal(price), Decimal(quantity)) for price, quantity in side]
            for side in follow(frames, is_checked=is_checked)
        ]
        assert ours == list(follow_plainly(frames, is_checked=is_checked))


def test_a_queried_book_is_a_snapshot() -> None:
    book = parse_book("X", WireDepth(time=5, bids=(("1", "2"),)), 9)
    assert (book.bids, book.asks, book.sequence, book.ts_event, book.ts_recv) == (
        (("1", "2"),),
        (),
        5,
        5_000_000,
        9,
    )
