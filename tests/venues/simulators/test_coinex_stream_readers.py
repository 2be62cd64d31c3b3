"""Slow and hopeless readers of the CoinEx simulator's stream, and a client over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import websockets

from tests.venues.simulators.coinex_streams import RebuiltBook, rig, signature_of, turns
from venues.model import OrderType, Side
from venues.simulators.orders import OrderWish
from venues.simulators.outgoing import ACCOUNT, TOO_SLOW, Outgoing
from venues.simulators.serving import serving

WISH = OrderWish(
    symbol="BTCUSDT", side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal("0.001"), price=Decimal(50000)
)


class Gate:
    """Takes frames as `Outgoing` sends them; while it is shut a sending waits."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.opened = asyncio.Event()

    async def send(self, data: bytes, /, *, call: str, is_push: bool) -> None:
        await self.opened.wait()
        self.frames.append(data)


async def test_newer_books_stand_in_for_older_ones_in_their_place_and_the_rest_waits_in_order() -> None:
    gate = Gate()
    outgoing = Outgoing(gate.send)
    running = asyncio.create_task(outgoing.run())
    await turns(2)

    outgoing.put(b"answer", is_push=False)
    await turns(2)
    newest = [b"whole 1"]
    for number in range(5):
        outgoing.put_latest("book", b"change %d" % number, lambda: newest[0])
        outgoing.put(b"order %d" % number, ACCOUNT)
    newest[0] = b"whole 5"
    gate.opened.set()
    await turns(3)
    outgoing.put_latest("book", b"change 6", lambda: b"never")
    await turns(3)
    running.cancel()

    assert gate.frames == [b"answer", b"whole 5", *(b"order %d" % n for n in range(5)), b"change 6"]
    assert outgoing.conflated == 4


async def test_what_is_forgotten_is_not_sent() -> None:
    gate = Gate()
    gate.opened.set()
    outgoing = Outgoing(gate.send)
    outgoing.put_latest("a", b"a", lambda: b"a")
    outgoing.put_latest("b", b"b", lambda: b"b")
    outgoing.forget("a")
    outgoing.forget("unknown")
    running = asyncio.create_task(outgoing.run())
    await turns(3)
    running.cancel()

    assert gate.frames == [b"b"]


async def test_too_many_frames_or_bytes_end_it() -> None:
    by_count, by_size = Outgoing(Gate().send, most_waiting=3), Outgoing(Gate().send, most_bytes=10)
    for _ in range(3):
        by_count.put(b"x")
    by_size.put(b"x" * 10)
    assert not by_count.ended.is_set()
    assert not by_size.ended.is_set()

    by_count.put(b"x")
    by_size.put(b"x")

    assert (by_count.reason, by_size.reason) == (TOO_SLOW, TOO_SLOW)


async def test_a_slow_reader_gets_fewer_books_and_every_private_push() -> None:
    async with rig(rate=2000) as opened:
        quick = await opened.client()
        slow = await opened.client(is_signed=True)
        await slow.result("order.subscribe")
        for client in (quick, slow):
            await client.result("depth.subscribe", "BTCUSDT", 10, "0")
            await client.result("state.subscribe")
        slow.reading.clear()
        orders = []
        for _ in range(25):
            orders.append(opened.market.place(WISH).id)
            await opened.clock.advance(0.4)
        slow.reading.set()
        await opened.clock.advance(2)

        books = {client: RebuiltBook(10) for client in (quick, slow)}
        counts = {}
        for client, book in books.items():
            pushes = client.take("depth.update")
            counts[client] = len(pushes), len(client.take("state.update"))
            for push in pushes:
                is_whole, body, _ = push["params"]
                book.take(is_whole, body)
                assert book.checksum == body["checksum"]
        assert books[quick].levels("bids") == books[slow].levels("bids")
        assert counts[quick][0] > 50
        assert counts[slow][0] < 20
        assert counts[slow][1] < 20 < counts[quick][1]
        assert [push["params"][1]["id"] for push in slow.take("order.update")] == orders


async def test_a_slow_reader_may_unsubscribe_from_what_still_waits_for_it() -> None:
    async with rig() as opened:
        client = await opened.client()
        await client.result("state.subscribe")
        await client.result("index.subscribe")
        await client.push("index.update")
        client.reading.clear()
        for _ in range(4):  # several times: what waits is then made anew when its turn comes
            opened.trade("BTCUSDT", "buy", "3")
            await opened.clock.advance(0.4)
        left = [client.request("index.unsubscribe"), client.request("state.unsubscribe")]
        await turns(5)
        client.reading.set()
        await client.until(lambda: all(number in client.answers for number in left))
        client.pushes.clear()
        opened.trade("BTCUSDT", "sell", "20")
        await opened.clock.advance(0.4)

        assert await client.result("server.ping") == "pong"
        assert not client.pushes


async def test_a_hopeless_reader_is_dropped_and_the_others_go_on() -> None:
    async with rig() as opened:
        good, hopeless = await opened.client(), await opened.client()
        for client in (good, hopeless):
            await client.result("deals.subscribe", "BTCUSDT")
        hopeless.reading.clear()
        trades = 0
        while not hopeless.has_ended:
            for _ in range(500):
                opened.trade("BTCUSDT", "buy" if trades % 2 else "sell", "0.0001")
                trades += 1
            await turns(3)
            assert trades < 30_000
        await good.until(lambda: len(good.pushes) == trades)

        assert trades > 20_000
        assert len(hopeless.pushes) < 10
        assert await good.result("server.ping") == "pong"


async def test_a_client_over_a_real_socket_signs_follows_and_trades() -> None:
    async with serving("coinex", seed=5, rate=500, time_scale=0.1) as practice:
        simulator: Any = practice.simulator
        async with websockets.connect(practice.ws_url, proxy=None, compression="deflate") as socket:
            tonce = simulator.server_time_ns() // 1_000_000
            for number, (method, params) in enumerate(
                [
                    ("server.sign", [practice.api_key, signature_of(simulator, tonce), tonce]),
                    ("order.subscribe", []),
                    ("depth.subscribe_multi", [["BTCUSDT", 20, "0", True], ["ETHUSDT", 5, "0.1", True]]),
                ]
            ):
                await socket.send(json.dumps({"method": method, "params": params, "id": number}))
            books = {"BTCUSDT": RebuiltBook(20), "ETHUSDT": RebuiltBook(5)}
            counts = dict.fromkeys(books, 0)
            answers: dict[int, Any] = {}
            orders: list[int] = []
            placed = 0
            while min(counts.values()) < 30 or len(orders) < 3:
                message = json.loads(await asyncio.wait_for(socket.recv(), 20))
                if message["id"] is not None:
                    answers[message["id"]] = message["result"]
                elif message["method"] == "depth.update":
                    is_whole, body, market = message["params"]
                    books[market].take(is_whole, body)
                    assert books[market].checksum == body["checksum"]
                    counts[market] += 1
                    if counts[market] == 10 and not placed:
                        placed = simulator.market.place(WISH).id
                        simulator.market.amend(placed, price=Decimal(50001))
                        simulator.market.cancel(placed)
                else:
                    orders.append(message["params"][0])

            assert answers == {0: {"status": "success"}, 1: "success", 2: "success"}
            assert orders == [1, 2, 3]


async def test_a_banned_client_is_refused_at_the_handshake() -> None:
    async with serving("coinex", rate=0, faults="ban") as practice:
        status = await _status_of(lambda: websockets.connect(practice.ws_url, proxy=None))
        practice.faults.heal()
        async with websockets.connect(practice.ws_url, proxy=None) as socket:
            await socket.send('{"method":"server.ping","params":[],"id":1}')
            answer = json.loads(await socket.recv())

    assert status == 403
    assert answer == {"error": None, "result": "pong", "id": 1}


async def _status_of(connect: Callable[[], Any]) -> int:
    try:
        async with connect():
            return 101
    except websockets.InvalidStatus as refusal:
        return refusal.response.status_code
