"""The CoinEx simulator's books: checksums, increments, whole pushes, merging, pacing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.venues.simulators.coinex_streams import RebuiltBook, rig
from venues.simulators.coinex.depth import INTERVALS, LIMITS, changes, checksum, cut

_BOOK = [("46349.61", "0.04000000"), ("46341.00", "1.00000000"), ("46339.99", "1.50000000")]


def test_the_documented_book_has_the_documented_checksum() -> None:
    assert checksum([("46349.61", "0.04000000")], [("46350.52", "1.07871851")]) == 1533284725


def test_a_checksum_is_signed_and_takes_the_asks_alone_where_there_are_no_bids() -> None:
    bids, asks = [("9999.5", "1.2"), ("9999", "0.3")], [("10000", "0.5"), ("10001", "2")]

    assert checksum(bids, asks) == -880562131
    assert checksum([], asks) != checksum(bids, asks)
    assert checksum([], [("46350.52", "1.07871851")]) == checksum([("46350.52", "1.07871851")], [])


@pytest.mark.parametrize(
    ("interval", "bids", "asks"),
    [
        ("0", _BOOK[:2], _BOOK[:2]),
        ("0.01", _BOOK[:2], _BOOK[:2]),
        (
            "1",
            [("46349.00", "0.04000000"), ("46341.00", "1.00000000")],
            [("46350.00", "0.04000000"), ("46341.00", "1.00000000")],
        ),
        (
            "10",
            [("46340.00", "1.04000000"), ("46330.00", "1.50000000")],
            [("46350.00", "1.04000000"), ("46340.00", "1.50000000")],
        ),
    ],
)
def test_merging_rounds_away_from_the_other_side_and_sums(
    interval: str, bids: list[tuple[str, str]], asks: list[tuple[str, str]]
) -> None:
    assert list(cut(_BOOK, 2, interval, is_bids=True)) == bids
    assert list(cut(_BOOK, 2, interval, is_bids=False)) == asks


def test_a_bid_that_would_be_merged_to_nothing_is_left_out() -> None:
    assert list(cut([("12.00", "1.0"), ("9.00", "2.0")], 5, "10", is_bids=True)) == [("10.00", "1.0")]


def test_changes_name_what_came_what_changed_and_what_went() -> None:
    before = {"103.0": "1", "102.0": "2", "101.0": "3"}
    after = {"102.5": "4", "102.0": "5", "101.0": "3"}

    assert changes(before, after, is_bids=True) == [("103.0", "0"), ("102.5", "4"), ("102.0", "5")]
    assert changes(after, before, is_bids=False) == [("102.0", "2"), ("102.5", "0"), ("103.0", "1")]
    assert changes(after, after, is_bids=True) == []


async def test_a_client_rebuilds_every_market_at_every_depth_and_merging() -> None:
    async with rig(seed=3, rate=4000, symbols=()) as opened:
        markets = list(opened.market.instruments)[:20]
        clients = []
        # Each market gets every depth and every merging over the clients, in another mixture each time.
        for shift, limit in enumerate(LIMITS):
            client = await opened.client()
            topics: list[list[Any]] = [
                [market, limit, list(INTERVALS)[(number + 3 * shift) % len(INTERVALS)], True]
                for number, market in enumerate(markets)
            ]
            assert await client.result("depth.subscribe_multi", *topics) == "success"
            books = {market: RebuiltBook(limit) for market in markets}
            clients.append((client, topics, books))
        counted = {True: 0, False: 0}
        for step in range(101):
            if step == 100:
                opened.simulator.act({"do": "quiet"})
            await opened.clock.advance(0.2)
            for client, _, books in clients:
                for push in client.take("depth.update"):
                    is_whole, body, market = push["params"]
                    books[market].take(is_whole, body)
                    assert books[market].checksum == body["checksum"], (market, counted)
                    counted[is_whole] += 1

        assert counted[True] == 80
        assert counted[False] > 4000
        for client, topics, books in clients:
            for market, limit, interval, _ in topics:
                now = await client.result("depth.query", market, limit, interval)
                for side in ("bids", "asks"):
                    assert [list(level) for level in books[market].levels(side)] == now[side]
                assert now["checksum"] == books[market].checksum


async def test_a_push_comes_every_200_ms_at_most_and_only_on_a_change() -> None:
    async with rig() as opened:
        client = await opened.client()
        await client.result("depth.subscribe", "BTCUSDT", 50, "0")
        await client.push("depth.update")
        best = await _best_bid(client)
        for _ in range(5):
            opened.quote("BTCUSDT", "buy", str(best - 1), "0.5")
            await opened.clock.advance(0.03)
        early = client.take("depth.update")
        await opened.clock.advance(0.05)
        (push,) = client.take("depth.update")
        await opened.clock.advance(5)

        assert early == []
        is_whole, body, market = push["params"]
        assert (is_whole, market, body["asks"]) == (False, "BTCUSDT", [])
        assert body["bids"][0][0] == str(best - 1)
        assert body["time"] == opened.clock.now // 10**6 - 5000
        assert client.take("depth.update") == []


async def test_a_whole_book_comes_every_minute() -> None:
    async with rig() as opened:
        client = await opened.client()
        await client.result("depth.subscribe", "BTCUSDT", 20, "0")
        _, first, _ = await client.push("depth.update")
        await opened.clock.advance(59.9)
        quiet = client.take("depth.update")
        await opened.clock.advance(0.2)
        ((is_whole, body, _),) = [push["params"] for push in client.take("depth.update")]

        assert quiet == []
        assert is_whole is True
        assert (body["bids"], body["asks"], body["checksum"]) == (first["bids"], first["asks"], first["checksum"])
        assert body["time"] == first["time"] + 60_000


async def test_intervals_are_scaled_by_the_settings() -> None:
    async with rig(rate=2000, time_scale=0.1) as opened:
        client = await opened.client()
        await client.result("depth.subscribe", "BTCUSDT", 20, "0")
        client.take("depth.update")
        await opened.clock.advance(12.01)
        pushes = client.take("depth.update")

        assert len([push for push in pushes if push["params"][0]]) == 2
        assert len(pushes) > 200


async def test_without_diff_every_push_is_whole() -> None:
    async with rig(rate=2000) as opened:
        client = await opened.client()
        await client.result("depth.subscribe", "BTCUSDT", 10, "0", False)
        await opened.clock.advance(3)
        pushes = [push["params"] for push in client.take("depth.update")]

        assert len(pushes) > 10
        for is_whole, body, _ in pushes:
            assert is_whole is True
            assert len(body["bids"]) == len(body["asks"]) == 10
            assert checksum(body["bids"], body["asks"]) == body["checksum"]


async def test_who_subscribes_later_gets_a_whole_book_that_the_next_changes_fit() -> None:
    async with rig(rate=3000) as opened:
        early = await opened.client()
        await early.result("depth.subscribe", "BTCUSDT", 10, "0")
        await opened.clock.advance(1.1)
        late = await opened.client()
        await late.result("depth.subscribe", "BTCUSDT", 10, "0")
        await opened.clock.advance(3)

        first, *later = [push["params"] for push in late.take("depth.update")]
        assert first[0] is True
        assert [is_whole for is_whole, _, _ in later] == [False] * len(later)
        assert len(later) > 10
        book = RebuiltBook(10)
        for is_whole, body, _ in (first, *later):
            book.take(is_whole, body)
            assert book.checksum == body["checksum"]
        # Both are told the same, and it was encoded once.
        assert [text for text in early.raw if "depth.update" in text][-len(later) :] == late.raw[-len(later) :]


async def test_a_book_is_told_empty_and_filled_again() -> None:
    async with rig() as opened:
        client = await opened.client()
        await client.result("depth.subscribe", "BTCUSDT", 5, "0")
        _, first, _ = await client.push("depth.update")
        opened.simulator.act({"do": "clear", "symbol": "BTCUSDT"})
        await opened.clock.advance(0.2)
        _, cleared, _ = await client.push("depth.update")
        opened.quote("BTCUSDT", "sell", "60000.00", "1")
        await opened.clock.advance(0.2)
        _, body, _ = await client.push("depth.update")

        assert [level[1] for level in cleared["bids"] + cleared["asks"]] == ["0"] * 10
        assert sorted(cleared["bids"]) == sorted([price, "0"] for price, _ in first["bids"])
        assert cleared["checksum"] == 0
        assert body["bids"] == []
        assert body["asks"] == [["60000.00", "1.00000000"]]
        assert body["checksum"] == checksum([], [("60000.00", "1.00000000")])


async def test_of_two_depths_of_one_market_the_last_one_holds() -> None:
    async with rig() as opened:
        client = await opened.client()
        await client.result("depth.subscribe_multi", ["BTCUSDT", 5, "0"], ["BTCUSDT", 20, "1", False])
        pushes = client.take("depth.update")

        assert [len(push["params"][1]["bids"]) for push in pushes] == [20]


async def _best_bid(client: Any) -> Decimal:
    depth = await client.result("depth.query", "BTCUSDT", 5, "0")
    return Decimal(depth["bids"][0][0])
