"""Mayex's public streams: both hosts, what the document shows of each payload, books in both ways, faults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest

from tests.venues.documented import Example, read_lines
from tests.venues.simulators.mayex_rig import BTC, Book, D, Rig, rig, true_levels

HOUR_MS = 3_600_000


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def test_commands_are_answered_by_their_number_and_refused(opened: Rig) -> None:
    async with opened.socket() as socket:
        await socket.subscribe(f"{BTC}@depth10", f"{BTC}@trade")
        assert await socket.ask("LIST_SUBSCRIPTIONS") == {"result": [f"{BTC}@depth10", f"{BTC}@trade"]}
        assert await socket.ask("UNSUBSCRIBE", f"{BTC}@depth10") == {"result": None}
        for stream in (
            "BTCUSDT@trade", "nothing@trade", f"{BTC}@depth", f"{BTC}@depth50", f"{BTC}@depth010",
            f"{BTC}@kline_2m", f"{BTC}@kline", f"{BTC}@aggTrade", "@trade", f"{BTC}@",
        ):  # fmt: skip
            assert await socket.ask("SUBSCRIBE", f"{BTC}@ticker", stream) == {"code": 2, "msg": "invalid stream"}
        assert await socket.ask("LIST_SUBSCRIPTIONS") == {"result": [f"{BTC}@trade"]}
        assert (await socket.ask("SUBSCRIBE", "0" * 32))["code"] == 4
        assert (await socket.ask("SUBSCRIBE"))["code"] == 1
        assert (await socket.ask("subscribe", f"{BTC}@trade"))["code"] == 1
        for text in ("{", "[]", '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":-1}'):
            await socket.link.send(text)
            assert (await socket.find(id=None))["code"] == 1
        await socket.send(event="ping")
        assert await socket.find(event="pong")


async def test_both_hosts_have_their_own_markets(opened: Rig) -> None:
    async with opened.socket("ws") as contracts, opened.socket("spot-ws/any") as spot:
        for socket in (contracts, spot):
            await socket.subscribe(f"{BTC}@trade", f"{BTC}@depth100")
        opened.act("trade", symbol=BTC, side="buy", quantity="0.003")
        opened.act("trade", symbol=f"{BTC}.spot", side="sell", quantity="0.00005")
        mine, other = await contracts.find(e="trade"), await spot.find(e="trade")
        assert (mine["q"], mine["m"], other["q"], other["m"]) == ("0.003", False, "0.00005", True)
        assert mine["s"] == other["s"] == "BTCUSDT"
        await opened.turn()
        for socket, symbol in ((contracts, BTC), (spot, f"{BTC}.spot")):
            (_, book) = [await socket.find(e="depthUpdate") for _ in range(2)]
            assert [book["b"], book["a"]] == true_levels(opened, symbol)
        assert (await spot.ask("SUBSCRIBE", f"{BTC}@markPrice"))["code"] == 2
        token = (await opened.rest.do("POST", "/user/v1/private/token/create"))["wsToken"]
        assert (await spot.ask("SUBSCRIBE", token))["code"] == 4


def shape(value: Any) -> Any:
    """Returns the names and kinds of all fields, in their order; of an array's levels the first."""
    if isinstance(value, dict):
        return [(name, shape(one)) for name, one in value.items()]
    if isinstance(value, list):
        return [shape(one) for one in value[:1]]
    return type(value)


async def test_messages_are_as_the_document_shows_them(opened: Rig) -> None:
    shown = {one.name: one.value for one in read_lines("mayex", "stream.jsonl", Example)}
    async with opened.socket() as socket:
        for command, answer in (("subscribe", "subscribed"), ("list", "listed"), ("unsubscribe", "unsubscribed")):
            await socket.send(**shown[command])
            assert await socket.find(id=shown[command]["id"]) == shown[answer]
        socket.frames.clear()
        await socket.subscribe(
            *(f"{BTC}@{name}" for name in ("kline_1m", "markPrice", "ticker", "depth10", "trade"))
        )
        opened.act("trade", symbol=BTC, side="sell", quantity="0.003")
        now = opened.clock.now // 1_000_000
        pushes = [await socket.next() for _ in range(5)]
        for name, push in zip(("kline", "markPrice", "ticker", "depth", "trade"), pushes, strict=True):
            assert shape(push) == shape(shown[name]), name
            assert (push["s"], push["E"]) == ("BTCUSDT", now)
        kline, mark, ticker, _, trade = pushes
        assert kline["k"]["x"] is False and kline["k"]["T"] - kline["k"]["t"] == 59_999
        assert mark["p"] == "60000.00000000"
        assert 0 < mark["T"] - now <= 8 * HOUR_MS and abs(D(mark["r"])) < D("0.01")
        assert ticker["C"] - ticker["O"] == 24 * HOUR_MS and D(ticker["c"]) - D(ticker["o"]) == D(ticker["p"])
        assert [trade[name] for name in "TpqXm"] == [now, "59999.5", "0.003", "Market", True]


async def test_marks_and_tickers_come_every_second_whatever_happens(opened: Rig) -> None:
    async with opened.socket() as socket:
        await socket.subscribe(f"{BTC}@markPrice", f"{BTC}@ticker", f"{BTC}@kline_1m")
        times = [(await socket.find(e="markPriceUpdate"))["E"]]
        for _ in range(30):
            await opened.turn()
        while len(times) < 4:
            times.append((await socket.find(e="markPriceUpdate"))["E"])
        assert {later - before for before, later in pairwise(times[1:])} == {1_000}
        assert (await socket.find(e="24hrTicker"))["n"] == (await socket.find(e="24hrTicker"))["n"]


async def test_a_candle_closes_before_the_next_begins(opened: Rig) -> None:
    async with opened.socket() as socket:
        await socket.subscribe(f"{BTC}@kline_1m")
        first = (await socket.find(e="kline"))["k"]
        opened.act("trade", symbol=BTC, side="buy", quantity="0.5")
        await opened.turn(1)
        grown = (await socket.find(e="kline"))["k"]
        assert D(grown["v"]) - D(first["v"]) == D("0.5") and grown["n"] == first["n"] + 1
        assert D(grown["V"]) - D(first["V"]) == D("0.5"), "the taker bought"
        await opened.turn(60)
        opened.act("trade", symbol=BTC, side="sell", quantity="0.25")
        await opened.turn(1)
        closed, newest = [(await socket.find(e="kline"))["k"] for _ in range(2)]
        assert (closed["x"], closed["t"], closed["v"]) == (True, first["t"], grown["v"])
        assert (newest["x"], newest["t"]) == (False, first["t"] + 60_000)


async def test_weeks_begin_on_mondays_and_months_on_their_first(opened: Rig) -> None:
    async with opened.socket() as socket:
        await socket.subscribe(f"{BTC}@kline_3d", f"{BTC}@kline_1w", f"{BTC}@kline_1M")
        day = 86_400_000
        three, week, month = [(await socket.find(e="kline"))["k"] for _ in range(3)]
        assert three["t"] % (3 * day) == 0 and three["T"] - three["t"] == 3 * day - 1
        assert week["t"] == 1_699_833_600_000, "Monday, 2023-11-13"
        assert (month["t"], month["T"]) == (1_698_796_800_000, 1_701_388_799_999), "November 2023"
        assert D(three["v"]) <= D(week["v"]) <= D(month["v"]) and D(month["l"]) <= D(week["l"])


async def test_a_book_is_complete_every_time_unless_it_is_told_by_changes(opened: Rig) -> None:
    async with opened.socket() as socket:
        await socket.subscribe(f"{BTC}@depth10")
        await socket.find(e="depthUpdate")
        for price in ("59990", "59980"):
            opened.act("quote", symbol=BTC, side="buy", price=price, quantity="0.5")
        await opened.turn()
        push = await socket.find(e="depthUpdate")
        assert [push["b"], push["a"]] == true_levels(opened, most=10)
        opened.act("depth", mode="diff")
        book = Book()
        book.take(await socket.find(e="depthUpdate"))
        assert [book.levels(name) for name in "ba"] == true_levels(opened, most=10)
        opened.act("quote", symbol=BTC, side="buy", price="59970", quantity="0.5")
        opened.act("clear", symbol=BTC)
        opened.act("quote", symbol=BTC, side="buy", price="59960", quantity="0.5")
        await opened.turn()
        change = await socket.find(e="depthUpdate")
        assert ["59960.0", "0.500"] in change["b"] and ["59990.0", "0"] in change["b"]
        assert (change["pu"], change["U"]) == (book.newest, book.newest + 1) and change["u"] >= change["U"]
        book.take(change)
        assert book.levels("b") == true_levels(opened)[0] and not book.levels("a")
        with pytest.raises(ValueError, match="'both' is not a valid"):
            opened.act("depth", mode="both")


@pytest.mark.parametrize("mode", ["diff", "replace"])
async def test_the_book_follows_a_busy_market(mode: str) -> None:
    async with rig(rate=2_000) as opened, opened.socket() as socket:
        opened.act("depth", mode=mode)
        await socket.subscribe(f"{BTC}@depth20", f"{BTC}@trade")
        book, trades = Book(), 0
        for _ in range(20):
            await opened.turn()
        newest = opened.simulator.publisher.market.newest(BTC)
        while book.newest < newest:
            push = await socket.next()
            if push["e"] == "trade":
                trades += 1
                continue
            if mode == "replace":
                book.sides = {"b": {}, "a": {}}
            book.take(push)
            assert D(book.levels("b")[0][0]) < D(book.levels("a")[0][0])
        assert trades and not book.breaks
        assert [book.levels(name) for name in "ba"] == true_levels(opened, most=20)
