"""Each fault of the MAX simulator's stream does what its name says, and healing ends it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import websockets

from tests.venues.simulators.max_rig import NOW, Book, Rig, Socket, rig

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


async def following(socket: Socket) -> Book:
    await socket.subscribe(BOOK)
    book = Book()
    book.take(await socket.find("snapshot", "book"))
    return book


async def changed(opened: Rig, price: int) -> None:
    """Lets the book change by one level."""
    opened.act("quote", symbol="BTCTWD", side="buy", price=str(price), quantity="1")
    await opened.turn()


async def resubscribed(opened: Rig, socket: Socket, book: Book) -> None:
    """Subscribes anew, and has the market's own book then."""
    await socket.send(action="unsub", subscriptions=[BOOK])
    await socket.find("unsubscribed")
    socket.frames.clear()
    await socket.subscribe(BOOK)
    book.take(await socket.find("snapshot", "book"))
    book.is_broken = False
    await changed(opened, 2_700_000)
    book.take(await socket.find("update", "book"))
    assert not book.is_broken
    true = opened.simulator.state()["books"]["BTCTWD"]
    assert [float(price) for price, _ in book.levels("b")] == [float(price) for price, _ in true["bids"]]


async def test_gap_leaves_out_a_change_so_that_the_next_does_not_follow(opened: Rig, socket: Socket) -> None:
    book = await following(socket)
    opened.faults.switch("gap:1*1")
    await changed(opened, 2_790_000)
    await changed(opened, 2_791_000)
    book.take(await socket.find("update", "book"))
    assert book.is_broken and opened.faults.done("gap") == 1
    opened.faults.heal()
    await resubscribed(opened, socket, book)


async def test_wrong_checksum_is_another_version(opened: Rig, socket: Socket) -> None:
    book = await following(socket)
    version = book.version
    opened.faults.switch("wrong-checksum:1*1")
    await changed(opened, 2_790_000)
    book.take(await socket.find("update", "book"))
    assert (book.version, book.is_broken) == (version + 1, True)
    await resubscribed(opened, socket, book)
    assert book.version == version


async def test_zero_checksum_leaves_the_numbers_out(opened: Rig, socket: Socket) -> None:
    opened.faults.switch("zero-checksum")
    await socket.subscribe(BOOK)
    await changed(opened, 2_790_000)
    for event in ("snapshot", "update"):
        message = await socket.find(event, "book")
        assert not {"fi", "li", "v"} & message.keys()
    opened.faults.heal()
    await changed(opened, 2_790_000)
    assert {"fi", "li", "v"} <= (await socket.find("update", "book")).keys()


async def test_crossed_is_put_right_by_the_next_message(opened: Rig, socket: Socket) -> None:
    book = await following(socket)
    opened.faults.switch("crossed:1*1")
    await changed(opened, 2_790_000)
    book.take(await socket.find("update", "book"))
    assert book.levels("b")[0][0] > book.levels("a")[0][0]
    await opened.turn()
    book.take(await socket.find("snapshot", "book"))
    assert book.levels("b")[0][0] == 2_799_000 and not book.is_broken
    opened.faults.switch("crossed:1*1")
    await changed(opened, 2_790_001)
    await changed(opened, 2_790_002)
    for _ in range(2):
        book.take(await socket.find("update", "book"))
    assert book.levels("b")[0][0] == 2_799_000 and not book.is_broken


async def test_after_an_empty_snapshot_comes_a_full_one(opened: Rig, socket: Socket) -> None:
    await following(socket)
    opened.faults.switch("empty-snapshot*1")
    await changed(opened, 2_790_000)
    empty = await socket.next()
    assert (empty["e"], empty["a"], empty["b"]) == ("snapshot", [], [])
    await opened.turn()
    full = await socket.next()
    assert (full["e"], len(full["b"])) == ("snapshot", 2)
    opened.faults.switch("empty-snapshot")
    async with opened.socket() as other:
        await other.subscribe(BOOK)
        assert (await other.find("snapshot", "book"))["b"] == []


async def test_a_stale_snapshot_is_followed_by_a_gap(opened: Rig, socket: Socket) -> None:
    book = await following(socket)
    for price in range(2_790_000, 2_790_004):
        await changed(opened, price)
    opened.faults.switch("stale-snapshot*1")
    async with opened.socket() as other:
        await other.subscribe(BOOK)
        stale = await other.find("snapshot", "book")
        assert stale["li"] == book.newest and len(stale["b"]) == 1
        late = Book()
        late.take(stale)
        await changed(opened, 2_790_009)
        late.take(await other.find("update", "book"))
        assert late.is_broken


async def test_numbers_that_are_none(opened: Rig, socket: Socket) -> None:
    await following(socket)
    opened.faults.switch("nan:1")
    texts = []
    for price in (2_790_000, 2_790_001):
        await changed(opened, price)
        texts.append(str(await socket.link.recv()))
    assert any('"T":NaN' in text for text in texts)
    assert any('"NaN"' in text for text in texts)
    await socket.subscribe({"channel": "trade", "market": "btctwd"})
    opened.act("trade", symbol="BTCTWD", side="buy", quantity="0.1")
    assert (await socket.find("update", "trade"))["t"][0]["p"] == "NaN2801000.0"


async def test_logins_and_subscriptions_are_refused(opened: Rig, socket: Socket) -> None:
    opened.faults.switch("login-refused,subscribe-refused")
    assert await socket.refusal(json.dumps(socket.login())) == ["E-1007: authentication failed"]
    text = json.dumps({"action": "sub", "subscriptions": [BOOK]})
    assert await socket.refusal(text) == ["E-1004: invalid subscription"]
    opened.faults.heal()
    await socket.log_in()
    await socket.subscribe(BOOK)


async def test_a_maintenance_is_told_by_the_markets_states(opened: Rig, socket: Socket) -> None:
    await socket.subscribe({"channel": "market_status"})
    before = (await socket.find("snapshot", "market_status"))["ms"]
    assert {row["st"] for row in before} == {"active"}
    opened.faults.switch("maintenance")
    await opened.turn()
    assert {row["st"] for row in (await socket.find("update", "market_status"))["ms"]} == {"suspended"}
    text = json.dumps({"action": "sub", "subscriptions": [BOOK]})
    assert "maintenance" in (await socket.refusal(text))[0]
    opened.faults.heal()
    await opened.turn()
    assert (await socket.find("update", "market_status"))["ms"] == before


async def test_heartbeats_only_keeps_back_what_is_private(opened: Rig, socket: Socket) -> None:
    await following(socket)
    await socket.log_in("order")
    await socket.find("order_snapshot")
    opened.faults.switch("heartbeats-only")
    await opened.place(client_oid="kept")
    await changed(opened, 2_790_000)
    await socket.send(action="sub", subscriptions=[BOOK], id="unheard")
    pong = await socket.link.ping()
    await pong
    opened.faults.heal()
    await opened.turn()
    kept = await socket.find("order_update")
    assert kept["o"][0]["ci"] == "kept"
    await changed(opened, 2_790_001)
    told = [(await socket.find("update", "book"))["b"] for _ in range(2)]
    assert ["2790000.0", "1.0"] in told[0] and told[1] == [["2790001.0", "1.0"]]
    assert not any(one.get("i") == "unheard" for one in socket.frames)


async def refused_with(opened: Rig) -> tuple[int, int]:
    """Returns the status and the Retry-After that a handshake is refused with."""
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with opened.socket():
            pass
    answer = caught.value.response
    return answer.status_code, int(answer.headers["Retry-After"])


async def test_a_ban_is_told_as_a_unix_time_and_gets_longer_for_who_comes_early(opened: Rig) -> None:
    async with opened.socket() as socket:
        opened.faults.switch("ban@stream=10")
        await opened.turn()
        await socket.link.wait_closed()
        assert socket.link.close_code == 1008
    opened.clock.turn(1)
    assert await refused_with(opened) == (429, NOW // 1000 + 22), "20 s from 1.1 s on, in whole seconds"
    opened.clock.turn(19)
    assert await refused_with(opened) == (429, NOW // 1000 + 61)
    opened.faults.heal()
    async with opened.socket() as socket:
        await socket.subscribe(BOOK)


async def test_more_than_twenty_messages_a_second_are_banned(opened: Rig, socket: Socket) -> None:
    for number in range(20):
        await socket.send(action="dance", id=str(number))
    for _ in range(20):
        assert (await socket.next())["e"] == "error"
    await socket.send(action="dance")
    await socket.link.wait_closed()
    assert socket.link.close_code == 1008
    assert await refused_with(opened) == (429, NOW // 1000 + 120)
    opened.clock.turn(120)
    async with opened.socket() as other:
        await other.subscribe(BOOK)


async def test_who_is_banned_is_heard_no_more(
    opened: Rig, socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bans: list[None] = []
    monkeypatch.setattr(opened.simulator.door, "punish", lambda: bans.append(None))
    for _ in range(60):
        await socket.send(action="dance")
    with pytest.raises(websockets.ConnectionClosed):
        while True:
            await socket.next()
    assert len(bans) == 1


async def test_more_than_two_hundred_messages_a_minute_are_banned(opened: Rig, socket: Socket) -> None:
    for _ in range(10):
        for _ in range(20):
            await socket.send(action="dance")
        for _ in range(20):
            await socket.next()
        opened.clock.turn(1.1)
    await socket.send(action="dance")
    await socket.link.wait_closed()
    assert socket.link.close_code == 1008


async def test_six_hundred_connections_an_hour_and_no_more(opened: Rig, socket: Socket) -> None:
    door = opened.simulator.door
    for _ in range(599):
        assert door.refusal() == 0
    assert await refused_with(opened) == (429, NOW // 1000 + 60)


async def test_who_sends_no_ping_is_closed_after_130_seconds(opened: Rig, socket: Socket) -> None:
    await following(socket)
    await opened.turn(129)
    await (await socket.link.ping(b"test"))
    await opened.turn()
    await opened.turn(100)
    await changed(opened, 2_790_000)
    assert await socket.find("update", "book")
    await opened.turn(40)
    await socket.link.wait_closed()
    assert (socket.link.close_code, socket.link.close_reason) == (1008, "no ping")


@pytest.mark.parametrize("path", ["", "ws"])
async def test_the_stream_is_at_its_own_path_and_at_the_root(opened: Rig, path: str) -> None:
    async with opened.socket(path) as socket:
        answer: Any = await socket.subscribe(BOOK)
        assert answer["i"] == "c1"
