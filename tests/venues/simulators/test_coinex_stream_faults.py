"""Each fault of the CoinEx simulator's stream does what its name says, and healing ends it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.simulators.coinex_streams import START, RebuiltBook, Rig, StreamClient, rig, signature_of
from venues.model import OrderType, Side
from venues.simulators.coinex.depth import checksum
from venues.simulators.orders import OrderWish

LIMIT = 10


async def following(opened: Rig) -> tuple[StreamClient, RebuiltBook]:
    """Returns a client of a lively book, and the book as it has been told so far."""
    client = await opened.client()
    await client.result("depth.subscribe", "BTCUSDT", LIMIT, "0")
    await opened.clock.advance(1)
    book = RebuiltBook(LIMIT)
    for push in client.take("depth.update"):
        assert follow(book, push["params"])
    return client, book


def follow(book: RebuiltBook, params: Any) -> bool:
    """Applies a push and says whether the book then has the checksum that came with it."""
    is_whole, body, _ = params
    book.take(is_whole, body)
    return bool(book.checksum == body["checksum"])


async def next_push(opened: Rig, client: StreamClient) -> Any:
    await opened.clock.advance(0.21)
    (push,) = client.take("depth.update")
    return push["params"]


async def is_followed(opened: Rig, client: StreamClient, book: RebuiltBook) -> bool:
    """Says whether every push of the next two seconds fits the book."""
    await opened.clock.advance(2)
    pushes = client.take("depth.update")
    assert len(pushes) >= 9
    return all(follow(book, push["params"]) for push in pushes)


async def test_gap_leaves_out_a_change_so_that_the_next_one_does_not_fit() -> None:
    async with rig(rate=2000) as opened:
        client, book = await following(opened)
        opened.faults.switch("gap:1*1")
        await opened.clock.advance(0.21)
        nothing = client.take("depth.update")
        opened.faults.heal()

        assert nothing == []
        assert opened.faults.done("gap") == 1
        assert not follow(book, await next_push(opened, client))


async def test_wrong_checksum_is_of_one_push_alone() -> None:
    async with rig(rate=2000) as opened:
        client, book = await following(opened)
        opened.faults.switch("wrong-checksum:1*1")
        params = await next_push(opened, client)
        opened.faults.heal()

        assert not follow(book, params)
        assert params[1]["checksum"] != 0
        assert await is_followed(opened, client, book)


async def test_zero_checksum_is_in_every_push_and_answer() -> None:
    async with rig(rate=2000) as opened:
        client, book = await following(opened)
        opened.faults.switch("zero-checksum")
        later = [await next_push(opened, client) for _ in range(5)]
        other = await opened.client()
        await other.result("depth.subscribe", "BTCUSDT", LIMIT, "0")
        first = await other.push("depth.update")
        query = await other.result("depth.query", "BTCUSDT", LIMIT, "0")
        for params in later:
            follow(book, params)
        opened.faults.heal()

        assert {params[1]["checksum"] for params in (*later, first)} == {0}
        assert query["checksum"] == 0
        assert await is_followed(opened, client, book)


async def test_crossed_tells_a_book_whose_checksum_fits_and_the_next_change_mends_it() -> None:
    async with rig(rate=2000) as opened:
        client, book = await following(opened)
        opened.faults.switch("crossed:1*1")
        params = await next_push(opened, client)
        opened.faults.heal()

        assert follow(book, params)
        assert Decimal(book.levels("bids")[0][0]) > Decimal(book.levels("asks")[0][0])
        assert await is_followed(opened, client, book)
        assert Decimal(book.levels("bids")[0][0]) < Decimal(book.levels("asks")[0][0])


async def test_a_crossed_book_is_mended_even_where_nothing_happens() -> None:
    async with rig() as opened:
        client = await opened.client()
        await client.result("depth.subscribe", "BTCUSDT", LIMIT, "0")
        opened.faults.switch("crossed:1*1")
        opened.trade("BTCUSDT", "buy", "0.001")
        await opened.clock.advance(0.41)
        opened.faults.heal()
        first, crossed, mended = [push["params"] for push in client.take("depth.update")]

        assert [crossed[0], mended[0]] == [False, False]
        book = RebuiltBook(LIMIT)
        assert follow(book, first)
        assert follow(book, crossed)
        assert follow(book, mended)


async def test_an_empty_snapshot_is_whole_and_the_next_change_fills_it() -> None:
    async with rig(rate=2000) as opened:
        client, book = await following(opened)
        opened.faults.switch("empty-snapshot*1")
        params = await next_push(opened, client)
        other = await opened.client()
        opened.faults.heal()

        assert params[0] is True
        assert (params[1]["bids"], params[1]["asks"]) == ([], [])
        assert follow(book, params)
        assert await is_followed(opened, client, book)
        assert len(book.levels("bids")) == LIMIT

        opened.faults.switch("empty-snapshot")
        await other.result("depth.subscribe", "ETHUSDT", LIMIT, "0")
        first = await other.push("depth.update")
        assert (first[0], first[1]["bids"]) == (True, [])


async def test_a_stale_snapshot_is_an_older_book_that_the_next_change_does_not_fit() -> None:
    async with rig(rate=2000) as opened:
        client, book = await following(opened)
        seen = [await next_push(opened, client) for _ in range(10)]
        for params in seen:
            follow(book, params)
        opened.faults.switch("stale-snapshot*1")
        stale = await next_push(opened, client)
        opened.faults.heal()

        assert stale[0] is True
        assert stale[1]["time"] < seen[-2][1]["time"]
        assert checksum(stale[1]["bids"], stale[1]["asks"]) == stale[1]["checksum"]
        assert follow(book, stale)
        assert not follow(book, await next_push(opened, client))


async def test_nan_is_once_no_json_and_once_a_text_that_is_no_number() -> None:
    async with rig(rate=2000) as opened:
        client, _ = await following(opened)
        opened.faults.switch("nan:1*2")
        await opened.clock.advance(0.41)
        opened.faults.heal()

        bare, quoted = [text for text in client.raw if "NaN" in text]
        assert '"time":NaN' in bare
        assert '"NaN"]' in quoted
        with pytest.raises(ValueError, match="NaN"):
            json.loads(bare, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


async def test_nan_strikes_trades_too() -> None:
    async with rig() as opened:
        client = await opened.client()
        await client.result("deals.subscribe", "BTCUSDT")
        opened.faults.switch("nan:1*1")
        opened.trade("BTCUSDT", "buy", "0.001")
        opened.trade("BTCUSDT", "buy", "0.001")
        await client.result("server.ping")

        prices = [push["params"][1][0]["price"] for push in client.take("deals.update")]
        assert prices[0] == "NaN"
        assert Decimal(prices[1]) > 0


async def test_a_refused_login_leaves_the_public_half_alone() -> None:
    async with rig(faults="login-refused") as opened:
        client = await opened.client()
        tonce = START // 10**6
        params = opened.simulator.api_key, signature_of(opened.simulator, tonce), tonce

        assert await client.refusal("server.sign", *params) == 6
        assert await client.refusal("order.subscribe") == 6
        assert await client.result("deals.subscribe") == "success"
        opened.faults.heal()
        assert await client.result("server.sign", *params) == {"status": "success"}


@pytest.mark.parametrize(
    ("spec", "market", "account"),
    [
        ("subscribe-refused", 2, 2),
        ("subscribe-refused@account", 0, 2),
        ("subscribe-refused@market", 2, 0),
        ("rate-limit@stream", 7, 7),
        ("maintenance", 3, 3),
    ],
)
async def test_a_refused_subscription_has_its_code_and_changes_nothing(
    spec: str, market: int, account: int
) -> None:
    async with rig(rate=2000) as opened:
        client = await opened.client(is_signed=True)
        await client.result("depth.subscribe", "BTCUSDT", 5, "0")
        client.pushes.clear()
        opened.faults.switch(spec)
        answers = [
            await client.ask("depth.subscribe", "ETHUSDT", 5, "0"),
            await client.ask("order.subscribe"),
        ]
        await opened.clock.advance(1)

        assert [answer["error"]["code"] if answer["error"] else 0 for answer in answers] == [market, account]
        markets = {push["params"][2] for push in client.take("depth.update")}
        assert markets == ({"BTCUSDT"} if market else {"ETHUSDT"})
        assert await client.result("server.ping") == "pong"


async def test_maintenance_is_announced_once_and_refuses_all_but_the_heartbeat() -> None:
    async with rig() as opened:
        client = await opened.client(is_signed=True)
        await client.result("notice.subscribe", 101)
        opened.faults.switch("maintenance")
        await opened.clock.advance(1)
        notices = [push["params"] for push in client.take("notice.update")]

        assert [number for number, _ in notices] == [101]
        assert notices[0][1]["scope"] == ["SPOT"]
        assert notices[0][1]["ended_at"] > notices[0][1]["started_at"] == START // 10**9
        assert await client.refusal("order.query", "BTCUSDT", 0, 0, 10) == 3
        assert await client.result("server.ping") == "pong"
        opened.faults.heal()
        assert (await client.result("order.query", "BTCUSDT", 0, 0, 10))["total"] == 0


async def test_heartbeats_only_answers_pings_and_keeps_private_pushes_for_later() -> None:
    async with rig(rate=2000) as opened:
        client = await opened.client(is_signed=True)
        await client.result("order.subscribe")
        await client.result("state.subscribe")
        await client.result("deals.subscribe")
        await client.result("depth.subscribe", "BTCUSDT", LIMIT, "0")
        book = RebuiltBook(LIMIT)
        await opened.clock.advance(1)
        for push in client.take("depth.update"):
            follow(book, push["params"])
        client.pushes.clear()
        opened.faults.switch("heartbeats-only")
        unanswered = client.request("server.time")
        wish = OrderWish(
            symbol="BTCUSDT", side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal("0.1"), price=Decimal(50000)
        )
        orders = [opened.market.place(wish).id for _ in range(3)]
        await opened.clock.advance(3)
        silent = [await client.result("server.ping") for _ in range(3)]
        before = list(client.pushes)
        opened.faults.heal()
        late = opened.market.place(wish).id
        await opened.clock.advance(0.21)

        assert silent == ["pong"] * 3
        assert before == []
        assert unanswered not in client.answers
        assert [push["params"][1]["id"] for push in client.take("order.update")] == [*orders, late]
        assert await is_followed(opened, client, book)
        assert client.take("state.update")


async def test_heartbeats_only_for_the_market_leaves_the_account_alone() -> None:
    async with rig(rate=2000, faults="heartbeats-only@market") as opened:
        client = await opened.client(is_signed=True)
        await client.result("order.subscribe")
        wish = OrderWish(
            symbol="BTCUSDT", side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal("0.1"), price=Decimal(50000)
        )
        order = opened.market.place(wish)

        assert (await client.push("order.update"))[1]["id"] == order.id
        assert (await client.result("order.query", "BTCUSDT", 0, 0, 10))["total"] == 1


async def test_a_ban_closes_what_is_open_and_refuses_handshakes_until_it_ends() -> None:
    async with rig() as opened:
        client = await opened.client()
        opened.faults.switch("ban*1=5")
        await opened.clock.advance(0.21)
        await client.until(lambda: client.closed is not None)
        refused = await opened.client()
        await opened.clock.advance(5)
        welcome = await opened.client()

        assert client.closed == 1008
        assert (refused.is_accepted, refused.closed) == (False, 1008)
        assert await welcome.result("server.ping") == "pong"


async def test_a_skewed_clock_shows_in_every_time_of_the_venue() -> None:
    async with rig(faults="skewed-clock=90") as opened:
        client = await opened.client()
        honest = START // 10**6

        assert await client.result("server.time") == START // 10**9 + 90
        assert (await client.result("depth.query", "BTCUSDT", 5, "0"))["time"] == honest + 90_000
        signature = signature_of(opened.simulator, honest)
        assert await client.refusal("server.sign", opened.simulator.api_key, signature, honest) == 6
        await client.sign(opened.simulator)


async def test_orders_come_in_an_array_as_in_the_documents_example() -> None:
    async with rig(faults="order-array") as opened:
        client = await opened.client(is_signed=True)
        await client.result("order.subscribe")
        opened.market.place(
            OrderWish(
                symbol="BTCUSDT",
                side=Side.BUY,
                type=OrderType.LIMIT,
                quantity=Decimal("0.1"),
                price=Decimal(50000),
            )
        )
        event, rows = await client.push("order.update")

        assert event == 1
        assert [row["market"] for row in rows] == ["BTCUSDT"]
