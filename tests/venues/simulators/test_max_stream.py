"""MAX's stream on the wire: subscriptions and refusals, books that follow, trades, tickers and candles."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.venues.simulators.max_rig import NOW, SECRET, Book, Rig, Socket, rig, signed
from venues.simulators.max.markets import SYMBOLS as MARKETS

D = Decimal
BOOK = {"channel": "book", "market": "btctwd"}


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        made.book("BTCTWD", "2799000", "2801000")
        yield made


@pytest.fixture
async def socket(opened: Rig) -> AsyncIterator[Socket]:
    async with opened.socket() as made:
        yield made


async def test_nonsense_is_refused_by_its_code(socket: Socket) -> None:
    for text, error in (
        ("nonsense", "E-1005: invalid json"),
        ("[1]", "E-1005: invalid json"),
        ("[" * 100_000, "E-1005: invalid json"),
        ('{"action": "dance"}', "E-1004: invalid action"),
        ("{}", "E-1004: invalid action"),
        ('{"action": "sub"}', "E-1004: invalid subscription"),
        ('{"action": "sub", "subscriptions": [1]}', "E-1004: invalid subscription"),
    ):
        assert await socket.refusal(text) == [error]
    for row, what in (
        ({"channel": "nothing"}, "channel"),
        ({"channel": "book"}, "market"),
        ({"channel": "book", "market": "BTCTWD"}, "market"),
        ({"channel": "book", "market": "btctwd", "depth": 7}, "depth"),
        ({"channel": "kline", "market": "btctwd", "resolution": "3m"}, "resolution"),
        ({"channel": "pool_quota", "currency": "doge"}, "currency"),
    ):
        text = json.dumps({"action": "sub", "subscriptions": [row], "id": "n1"})
        assert await socket.refusal(text) == [f"E-1004: invalid subscription: {what}"]


async def test_a_message_may_come_as_a_binary_frame_and_without_an_id(socket: Socket) -> None:
    await socket.link.send(json.dumps({"action": "subscribe", "subscriptions": [BOOK]}).encode())
    answer = await socket.find("subscribed")
    assert "i" not in answer
    assert answer["s"] == [{"channel": "book", "market": "btctwd", "depth": 50}]


@pytest.mark.parametrize("key", ["subscription", "subscriptions"])
async def test_either_key_ends_a_subscription(opened: Rig, socket: Socket, key: str) -> None:
    await socket.subscribe(BOOK)
    assert (await socket.find("snapshot", "book"))["M"] == "btctwd"
    await socket.send(action="unsub", id="u1", **{key: [BOOK]})
    assert (await socket.find("unsubscribed"))["i"] == "u1"
    opened.act("quote", symbol="btctwd", side="buy", price="2790000", quantity="1")
    await opened.turn()
    await socket.subscribe({"channel": "ticker", "market": "btctwd"})
    assert (await socket.next())["c"] == "ticker", "nothing more of the book"


async def test_the_login_has_a_fresh_nonce_and_the_right_signature(opened: Rig, socket: Socket) -> None:
    right = socket.login()
    for changes, error in (
        ({"signature": "0" * 64}, "E-1007: authentication failed"),
        ({"apiKey": "nobody"}, "E-1007: authentication failed"),
        ({"nonce": None}, "E-1007: authentication failed"),
        ({"subAccount": "other"}, "E-1007: authentication failed"),
        ({"nonce": NOW - 30_001, "signature": signed(str(NOW - 30_001))}, None),
    ):
        words = error or "E-1006: invalid nonce (difference of 30 seconds or more)"
        assert await socket.refusal(json.dumps(right | changes)) == [words]
    await socket.send(**right)
    assert (await socket.find("authenticated"))["i"] == "a1"
    async with opened.socket() as second:
        assert await second.refusal(json.dumps(right)) == ["E-1012: nonce has already been used"]
        used = opened.rest.nonce()
        await second.send(**second.login(nonce=used))
        assert await second.find("authenticated")
    assert SECRET not in repr(right)


async def test_a_book_follows_from_its_snapshot(opened: Rig) -> None:
    opened.act("resume", rate=400)
    async with opened.socket() as socket:
        await socket.subscribe(BOOK, {**BOOK, "market": "btcusdt", "depth": 5})
        books = {"btctwd": Book(), "btcusdt": Book()}
        updates = 0
        while updates < 40:
            await opened.turn()
            message = await socket.find("", "book")
            books[message["M"]].take(message)
            updates += message["e"] == "update"
        opened.act("quiet")
        await opened.turn()
        await socket.send(action="dance")
        while (message := await socket.next())["e"] != "error":
            books[message["M"]].take(message)
    for name, depth in (("btctwd", 50), ("btcusdt", 5)):
        book = books[name]
        assert not book.is_broken
        truth = opened.simulator.state()["books"][name.upper()]
        for side, key in (("bids", "b"), ("asks", "a")):
            true = [(D(price), D(volume)) for price, volume in truth[side][:depth]]
            assert book.levels(key) == true
        rest = await opened.rest.read("/depth", market=name)
        assert (book.version, book.newest <= rest["last_update_id"]) == (rest["last_update_version"], True)


async def test_a_cleared_book_comes_back_as_a_snapshot_of_another_version(opened: Rig, socket: Socket) -> None:
    await socket.subscribe(BOOK)
    first = await socket.find("snapshot", "book")
    assert (first["a"], first["b"]) == ([["2801000.0", "1.0"]], [["2799000.0", "1.0"]])
    assert (first["fi"], first["T"]) == (first["li"], NOW)
    opened.act("clear", symbol="BTCTWD")
    await opened.turn()
    empty = await socket.next()
    assert (empty["e"], empty["a"], empty["b"]) == ("snapshot", [], [])
    opened.act("quote", symbol="BTCTWD", side="buy", price="2790000", quantity="1")
    await opened.turn()
    full = await socket.next()
    assert (full["e"], full["b"]) == ("snapshot", [["2790000.0", "1.0"]])
    assert full["v"] == empty["v"] == first["v"] + 1 and full["li"] < first["li"]
    opened.act("quote", symbol="BTCTWD", side="buy", price="2790000", quantity="1")
    opened.act("trade", symbol="BTCTWD", side="sell", quantity="0.5")
    await opened.turn()
    update = await socket.next()
    assert (update["e"], update["b"], update["a"]) == ("update", [["2790000.0", "1.5"]], [])
    assert (update["fi"], update["li"]) == (full["li"] + 1, full["li"] + 2)
    opened.act("trade", symbol="BTCTWD", side="sell", quantity="1.5")
    opened.act("quote", symbol="BTCTWD", side="sell", price="2801000", quantity="1")
    await opened.turn()
    gone = await socket.next()
    assert (gone["e"], gone["b"], gone["a"]) == ("update", [["2790000.0", "0"]], [["2801000.0", "1.0"]])


async def test_fifty_books_come_by_one_message_and_may_all_break_at_once() -> None:
    async with rig(symbols=MARKETS[:50]) as opened, opened.socket() as socket:
        books = {name.lower(): Book() for name in MARKETS[:50]}
        await socket.subscribe(*({"channel": "book", "market": name} for name in books))
        for _ in books:
            message = await socket.find("snapshot", "book")
            books[message["M"]].take(message)
        opened.faults.switch("gap:1*50")
        for _ in range(2):
            for name, instrument in opened.market.instruments.items():
                opened.act("trade", symbol=name, side="buy", quantity=f"{instrument.lot_size:f}")
            await opened.turn()
        assert opened.faults.done("gap") == 50
        for _ in books:
            message = await socket.find("update", "book")
            books[message["M"]].take(message)
        assert all(book.is_broken for book in books.values())
        await socket.send(action="unsub", subscriptions=[{"channel": "book", "market": name} for name in books])
        await socket.find("unsubscribed")
        await socket.subscribe(*({"channel": "book", "market": name} for name in books), name="c2")
        assert {(await socket.find("snapshot", "book"))["M"] for _ in books} == set(books)


async def test_trades_have_a_trend_and_no_side(opened: Rig, socket: Socket) -> None:
    opened.act("trade", symbol="BTCTWD", side="buy", quantity="0.1")
    await socket.subscribe({"channel": "trade", "market": "btctwd"})
    snapshot = await socket.find("snapshot", "trade")
    assert [(row["p"], row["v"], row["T"]) for row in snapshot["t"]] == [("2801000.0", "0.1", NOW)]
    opened.act("trade", symbol="BTCTWD", side="sell", quantity="0.2")
    assert (await socket.find("update", "trade"))["t"][0]["tr"] == "down"
    opened.act("trade", symbol="BTCTWD", side="buy", quantity="0.2")
    assert (await socket.find("update", "trade"))["t"][0]["tr"] == "up"


async def test_a_ticker_comes_when_it_has_changed(opened: Rig, socket: Socket) -> None:
    await socket.subscribe({"channel": "ticker", "market": "btctwd"})
    before = (await socket.find("snapshot", "ticker"))["tk"]
    opened.act("trade", symbol="BTCTWD", side="buy", quantity="0.1")
    await opened.turn()
    after = (await socket.find("update", "ticker"))["tk"]
    assert after["C"] == "2801000.0"
    assert D(after["v"]) - D(before["v"]) == D("0.1")
    assert D(after["V"]) > 0


async def test_a_candle_is_closed_before_the_next_begins(opened: Rig, socket: Socket) -> None:
    await socket.subscribe({"channel": "kline", "market": "btctwd"})
    first = (await socket.find("snapshot", "kline"))["k"]
    assert (first["R"], first["x"], first["ET"] - first["ST"]) == ("1m", False, 59_999)
    opened.act("trade", symbol="BTCTWD", side="buy", quantity="0.1")
    await opened.turn()
    forming = (await socket.find("update", "kline"))["k"]
    assert (forming["C"], forming["x"], forming["ST"]) == ("2801000.0", False, first["ST"])
    assert forming["ti"] == (await opened.rest.read("/trades", market="btctwd"))[0]["id"]
    await opened.turn(60)
    closed, newest = [(await socket.find("update", "kline"))["k"] for _ in range(2)]
    assert closed == forming | {"x": True}
    assert (newest["ST"], newest["x"], newest["v"]) == (first["ST"] + 60_000, False, "0.0")
