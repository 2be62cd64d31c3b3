"""Pumpkin's WebSocket: topics, books by changes, both directions of ping, protobuf frames, faults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import websockets

from tests.venues.simulators.pumpkin_rig import BTC, D, Rig, Socket, rig
from venues.simulators.pumpkin.socket import PATHS


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


class Book:
    """A book put together as the pushes say. `is_broken` once a change does not follow."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
        self.newest = 0
        self.is_broken = False

    def take(self, push: dict[str, Any]) -> None:
        if push["e"] == "depth":
            self.sides = {"b": {}, "a": {}}
        else:
            self.is_broken |= not push["U"] <= self.newest + 1 <= push["u"]
        self.newest = push["u"]
        for name, side in self.sides.items():
            for price, quantity in push[name]:
                if quantity == "0":
                    side.pop(price, None)
                else:
                    side[price] = quantity

    def levels(self, name: str) -> list[list[str]]:
        pairs = sorted(self.sides[name].items(), key=lambda pair: D(pair[0]), reverse=name == "b")
        return [list(pair) for pair in pairs]


async def test_topics_are_answered_and_refused(opened: Rig) -> None:
    async with opened.socket() as socket:
        assert await socket.ask("sub", f"trade@{BTC}", f"depth@{BTC},10", f"kline@{BTC},1m") == (0, "success")
        assert await socket.ask("unsub", f"trade@{BTC}") == (0, "success")
        for event, code in (
            ("trade", 40001),
            ("trade@", 40001),
            (f"trade@{BTC},1", 40001),
            ("trade@nothing_usdt", 40002),
            (f"ticker@{BTC}", 40002),
            (f"depth@{BTC},7", 40004),
            (f"kline@{BTC},2m", 40004),
            ("order@" + "0" * 32, 40005),
            ("order@short", 40005),
        ):
            assert (await socket.ask("sub", event))[0] == code, event
        assert (await socket.ask("subscribe", f"trade@{BTC}"))[0] == 40004
        many = [f"kline@{BTC},{interval}" for interval in ("1m", "5m") for _ in range(100)]
        assert (await socket.ask("sub", *many))[0] == 40003
        for text in ("{", "[]", '{"method":"sub","events":[1]}'):
            await socket.link.send(text)
            assert await socket.find(code=40004)


async def test_every_likely_address_answers(opened: Rig) -> None:
    for path in PATHS:
        async with opened.socket(path.removeprefix("/")) as socket:
            assert await socket.ask("sub", f"trade@{BTC}") == (0, "success")


async def test_trades_carry_a_number_and_no_time(opened: Rig) -> None:
    async with opened.socket() as socket:
        await socket.ask("sub", f"trade@{BTC}")
        opened.act("trade", symbol=BTC, side="buy", quantity="0.0007")
        push = await socket.find(e="trade")
        assert push == {"e": "trade", "s": BTC, "t": push["t"], "p": "60000.1", "a": "7", "m": "BID"}
        assert len(str(push["t"])) == 16
        await opened.order(origQty="3")
        (fill,) = (await opened.rest.get("/v2/order/trade-list"))["items"]
        assert int(fill["execId"]) == (await socket.find(e="trade"))["t"]


async def test_the_book_is_whole_first_and_then_changes(opened: Rig) -> None:
    async with opened.socket() as socket:
        await socket.ask("sub", f"depth@{BTC},5")
        book = Book()
        book.take(await socket.find(e="depth"))
        for price in ("59990", "59980", "59970", "59960", "59995"):
            opened.act("quote", symbol=BTC, side="buy", price=price, quantity="0.5")
        await opened.turn()
        push = await socket.find(e="depth.update")
        assert push["U"] <= book.newest + 1 and push["u"] - book.newest == 5
        book.take(push)
        opened.act("clear", symbol=BTC)
        await opened.turn()
        cleared = await socket.find(e="depth.update")
        assert {quantity for _, quantity in cleared["b"] + cleared["a"]} == {"0"}
        book.take(cleared)
        opened.mark("60500")
        await opened.turn()
        book.take(await socket.find(e="depth.update"))
        told = await opened.rest.get("/v2/public/q/depth", symbol=BTC, level=5)
        assert not book.is_broken and book.newest == told["u"]
        assert [book.levels(name) for name in "ba"] == [told["b"], told["a"]]


async def test_the_book_follows_a_busy_market_without_a_gap() -> None:
    async with rig(rate=2_000) as opened, opened.socket() as socket:
        await socket.ask("sub", f"depth@{BTC},20", f"trade@{BTC}")
        book, trades = Book(), 0
        for _ in range(20):
            await opened.turn()
            newest = opened.simulator.publisher.market.position(BTC)
        while book.newest != newest:
            push = await socket.find()
            if push["e"] == "trade":
                trades += 1
            else:
                book.take(push)
                assert D(book.levels("b")[0][0]) < D(book.levels("a")[0][0])
        told = await opened.rest.get("/v2/public/q/depth", symbol=BTC, level=20)
        assert not book.is_broken and trades and book.newest == told["u"]
        assert [book.levels(name) for name in "ba"] == [told["b"], told["a"]]


async def test_candles_have_volume_and_turnover_the_other_way_round(opened: Rig) -> None:
    async with opened.socket() as socket:
        await socket.ask("sub", f"kline@{BTC},1m")
        first = (await socket.find(e="kline"))["k"]
        opened.act("trade", symbol=BTC, side="buy", quantity="1")
        await opened.turn()
        push = await socket.find(e="kline")
        candle = push["k"]
        assert set(candle) == set("sitochlva") and (push["s"], candle["i"], candle["t"]) == (BTC, "1m", first["t"])
        assert D(candle["v"]) - D(first["v"]) == 10_000, "contracts"
        assert D(candle["a"]) > 50_000
        (row,) = await opened.rest.get("/v2/public/q/kline", symbol=BTC, interval="1m", limit=1)
        assert (row["a"], row["v"]) == (candle["v"], candle["a"])
        await opened.turn(60)
        opened.act("trade", symbol=BTC, side="buy", quantity="1")
        await opened.turn()
        times = [(await socket.find(e="kline"))["k"]["t"] for _ in range(2)]
        assert times == [first["t"], first["t"] + 60_000], "the closed one comes once more"


async def test_pings_go_in_both_directions(opened: Rig) -> None:
    async with opened.socket() as socket:
        await socket.link.send("ping")
        assert await socket.next() == "pong"
        await opened.turn(15)
        assert await socket.next() == "ping"
        await socket.link.send("pong")
        await socket.ask("sub", f"trade@{BTC}")
        await opened.turn(59)
        assert await socket.next() == "ping"
        await opened.turn(2)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.link.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008


def fields(data: bytes) -> list[tuple[int, Any]]:
    """Reads a protobuf message: numbers as they are, the rest as bytes."""
    found: list[tuple[int, Any]] = []
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            found.append((number, varint()))
        else:
            size = varint()
            found.append((number, data[at : at + size]))
            at += size
    return found


async def binary(socket: Socket) -> list[tuple[int, Any]]:
    while True:
        frame = await socket.next()
        if isinstance(frame, bytes):
            return fields(frame)


async def test_pushes_may_be_protobuf_messages(opened: Rig) -> None:
    opened.act("frames", binary=True)
    async with opened.socket() as socket:
        await socket.ask("sub", f"trade@{BTC}")
        opened.act("trade", symbol=BTC, side="buy", quantity="0.0007")
        deal = dict(await binary(socket))
        assert deal[1] == opened.clock.now // 1_000_000 and len(str(deal[6])) == 16
        assert [deal[number] for number in (2, 3, 4, 5)] == [BTC.encode(), b"60000.1", b"7", b"BID"]
        await socket.ask("sub", f"depth@{BTC},5")
        depth = await binary(socket)
        assert dict(depth)[1] == BTC.encode() and dict(depth)[3] > 2**53
        assert [fields(level) for number, level in depth if number == 4] == [[(1, b"59999.9"), (2, b"100000")]]
        await socket.ask("sub", f"kline@{BTC},1m")
        kline = dict(await binary(socket))
        assert (kline[1], kline[8], kline[2 + 1]) == (BTC.encode(), b"1m", b"60000.1")
        assert D(kline[6].decode()) > D(kline[7].decode()) and kline[9] % 60_000 == 0


async def test_faults_of_the_book(opened: Rig) -> None:
    async with opened.socket() as socket:
        await socket.ask("sub", f"depth@{BTC},50")
        book = Book()
        book.take(await socket.find(e="depth"))

        async def change(price: str, kind: str) -> list[dict[str, Any]]:
            """Changes the book with a fault on and again without one, and returns what was pushed."""
            opened.faults.switch(f"{kind}@market:1*1")
            opened.act("quote", symbol=BTC, side="buy", price=price, quantity="0.5")
            await opened.turn()
            opened.faults.heal()
            opened.act("quote", symbol=BTC, side="sell", price="60300", quantity="0.5")
            await opened.turn()
            newest = opened.simulator.publisher.market.position(BTC)
            pushes = [await socket.find()]
            while pushes[-1]["u"] != newest:
                pushes.append(await socket.find())
            return pushes

        (gap,) = await change("59990", "gap")
        assert gap["e"] == "depth.update" and gap["U"] > book.newest + 1, "one is missing"
        crossed, put_right = await change("59980", "crossed")
        prices = [Decimal(price) for price, _ in crossed["b"]]
        assert max(prices) > Decimal("60000.1")
        assert [f"{max(prices)}", "0"] in put_right["b"]
        empty, whole = await change("59970", "empty-snapshot")
        assert (empty["e"], empty["b"], empty["a"]) == ("depth", [], [])
        assert len(whole["b"]) == 4
        nan, _ = await change("59960", "nan")
        assert nan["b"][0][1] == "NaN"
        stale, after = await change("59950", "stale-snapshot")
        assert stale["e"] == "depth" and stale["u"] < nan["u"] < after["U"]
        (wrong,) = await change("59940", "wrong-checksum")
        assert wrong["U"] == after["u"] + 2, "it does not follow"
        late = await socket.find()
        assert late["U"] == late["u"] == wrong["u"], "and what comes after it seems to be old"
        unnumbered, _ = await change("59930", "zero-checksum")
        assert (unnumbered["U"], unnumbered["u"]) == (0, 0) and unnumbered["b"]
        opened.faults.switch("wrong-checksum@market:1*1")
        await socket.ask("sub", f"depth@{BTC},20")
        first = await socket.find(e="depth")
        assert first["u"] == opened.simulator.publisher.market.position(BTC) - 2


async def test_a_ban_and_a_refused_subscription(opened: Rig) -> None:
    async with opened.socket() as socket:
        opened.faults.switch("subscribe-refused@market*1")
        assert (await socket.ask("sub", f"trade@{BTC}"))[0] == 40004
        opened.faults.switch("maintenance@market*1")
        assert (await socket.ask("sub", f"trade@{BTC}"))[0] == 50002
        opened.faults.switch("ban@stream=5")
        await opened.turn()
        with pytest.raises(websockets.ConnectionClosed):
            await socket.link.recv()
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with opened.socket():
                pass
        assert refused.value.response.status_code == 403
