"""What goes wrong with Mayex's streams: books in both ways, frames and connections of both hosts, refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import websockets

from tests.venues.simulators.mayex_rig import BTC, Book, D, Rig, Socket, rig, true_levels


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def changed(opened: Rig, socket: Socket, price: str, kind: str) -> list[dict[str, Any]]:
    """Changes the book with a fault on and again without one, and returns what was pushed."""
    opened.faults.switch(f"{kind}@market:1*1")
    opened.act("quote", symbol=BTC, side="buy", price=price, quantity="0.5")
    await opened.turn()
    opened.faults.heal()
    opened.act("quote", symbol=BTC, side="sell", price="60300", quantity="0.5")
    await opened.turn()
    newest = opened.simulator.publisher.market.newest(BTC)
    pushes = [await socket.find(e="depthUpdate")]
    while pushes[-1]["u"] < newest:
        pushes.append(await socket.find(e="depthUpdate"))
    return pushes


async def test_faults_of_a_book_that_is_told_by_changes(opened: Rig) -> None:
    opened.act("depth", mode="diff")
    async with opened.socket() as socket:
        await socket.subscribe(f"{BTC}@depth100")
        book = Book()
        book.take(await socket.find(e="depthUpdate"))
        (after,) = await changed(opened, socket, "59990", "gap")
        assert after["pu"] > book.newest, "one is missing"
        crossed, put_right = await changed(opened, socket, "59980", "crossed")
        highest = max(D(price) for price, _ in crossed["b"])
        assert highest > 60_000 and [f"{highest}", "0"] in put_right["b"]
        empty, back = await changed(opened, socket, "59970", "empty-snapshot")
        assert {quantity for _, quantity in empty["b"]} == {"0"} and len(back["b"]) == len(empty["b"]) + 1
        nan, _ = await changed(opened, socket, "59960", "nan")
        assert nan["b"][0][1] == "NaN"
        before, after = await changed(opened, socket, "59950", "stale-snapshot")
        assert before["u"] < nan["u"] < after["pu"]
        wrong, _ = await changed(opened, socket, "59940", "wrong-checksum")
        assert wrong["pu"] == after["u"] + 1, "the numbers do not join"
        unnumbered, _ = await changed(opened, socket, "59930", "zero-checksum")
        assert (unnumbered["U"], unnumbered["u"], unnumbered["pu"]) == (0, 0, 0) and unnumbered["b"]


async def test_faults_of_a_book_that_is_complete(opened: Rig) -> None:
    async with opened.socket() as socket:
        await socket.subscribe(f"{BTC}@depth100")
        before = await socket.find(e="depthUpdate")
        (after,) = await changed(opened, socket, "59990", "gap")
        assert after["pu"] > before["u"] and ["59990.0", "0.500"] in after["b"]
        crossed, put_right = await changed(opened, socket, "59980", "crossed")
        assert D(crossed["b"][0][0]) > D(crossed["a"][0][0])
        assert D(put_right["b"][0][0]) < D(put_right["a"][0][0])
        empty, back = await changed(opened, socket, "59970", "empty-snapshot")
        assert (empty["b"], empty["a"]) == ([], []) and [back["b"], back["a"]] == true_levels(opened)
        stale, _ = await changed(opened, socket, "59950", "stale-snapshot")
        assert stale["u"] < back["u"] and ["59950.0", "0.500"] not in stale["b"]


async def test_a_ban_a_refused_subscription_and_heartbeats_alone(opened: Rig) -> None:
    async with opened.socket() as socket:
        opened.faults.switch("subscribe-refused@market*1")
        assert (await socket.ask("SUBSCRIBE", f"{BTC}@trade"))["code"] == 2
        opened.faults.switch("maintenance@market*1")
        assert (await socket.ask("SUBSCRIBE", f"{BTC}@trade"))["code"] == 5
        opened.faults.switch("heartbeats-only")
        await socket.send(method="SUBSCRIBE", params=[f"{BTC}@trade"], id=77)
        await socket.send(event="ping")
        assert await socket.next() == {"event": "pong"}
        opened.faults.switch("nan@market:1*1")
        await socket.subscribe(f"{BTC}@markPrice")
        assert (await socket.find(e="markPriceUpdate"))["p"] == "NaN"
        opened.faults.switch("ban@stream=5")
        await opened.turn()
        with pytest.raises(websockets.ConnectionClosed):
            await socket.take(lambda _: False)
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with opened.socket("spot-ws/"):
                pass
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize("host", ["ws/", "spot-ws/"])
@pytest.mark.parametrize("kind", ["duplicate", "reorder", "binary", "bad-utf8", "deep-json", "huge-frame", "drop"])
async def test_frames_are_spoilt_on_both_hosts(opened: Rig, host: str, kind: str) -> None:
    opened.faults.switch(f"{kind}@market:1*1" + ("=100" if kind in ("deep-json", "huge-frame") else ""))
    symbol = f"{BTC}.spot" if host == "spot-ws/" else BTC
    async with opened.socket(host) as socket:
        await socket.subscribe(f"{BTC}@trade")
        for side in ("buy", "sell"):
            opened.act("trade", symbol=symbol, side=side, quantity="0.001")
        if kind == "bad-utf8":
            with pytest.raises(websockets.ConnectionClosed):
                await socket.next()
            return
        found = await socket.next()
        match kind:
            case "duplicate":
                assert await socket.next() == found
            case "reorder":
                assert (found["m"], (await socket.next())["m"]) == (True, False)
            case "binary":
                assert isinstance(found, bytes)
            case "deep-json":
                assert isinstance(found, list)
            case "drop":
                assert found["m"] is True, "the first is lost"
            case _:
                assert found["m"] is False
        assert opened.faults.done(kind) == 1


@pytest.mark.parametrize("host", ["ws/", "spot-ws/"])
@pytest.mark.parametrize("kind", ["reset", "close-codes=1011", "half-open", "black-hole", "drip=1000"])
async def test_what_strikes_connections_strikes_both_hosts(opened: Rig, host: str, kind: str) -> None:
    async with opened.socket(host) as socket:
        await socket.subscribe(f"{BTC}@depth10")
        opened.faults.switch(kind)
        for symbol in (BTC, f"{BTC}.spot"):
            opened.act("clear", symbol=symbol)
        await opened.turn()
        if kind in ("reset", "close-codes=1011"):
            with pytest.raises(websockets.ConnectionClosed):
                await socket.take(lambda _: False)
        else:
            socket.link.transport.abort()  # a goodbye would not be answered
        assert opened.faults.done(kind.partition("=")[0]) == 1
