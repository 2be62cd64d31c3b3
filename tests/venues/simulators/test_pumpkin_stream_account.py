"""Pumpkin's private topics: orders, fills, positions and money by listen key, and how a key ends."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.venues.simulators.pumpkin_rig import RESTING, D, Rig, Socket, rig


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def listen(opened: Rig, socket: Socket, *channels: str) -> str:
    key: str = await opened.rest.get("/v2/user/listen-key")
    assert await socket.ask("sub", *(f"{channel}@{key}" for channel in channels)) == (0, "success")
    return key


async def test_an_order_is_told_with_its_fill_position_and_money_in_order(opened: Rig) -> None:
    async with opened.socket("futures/ws/user") as socket:
        key = await listen(opened, socket, "order", "trade", "position", "balance")
        number = await opened.order(clientOrderId="mine", leverage=10)
        told = [await socket.next() for _ in range(5)]
        assert [push["topic"] for push in told] == ["order", "trade", "order", "position", "balance"]
        assert {push["event"] for push in told} == {f"{push['topic']}@{key}" for push in told}
        new, fill, filled, position, balance = [push["data"] for push in told]
        assert (new["state"], filled["state"], filled["executedQty"]) == ("NEW", "FILLED", "100")
        assert filled["clientOrderId"] == "mine" and filled["orderId"] == fill["orderId"] == number
        assert (fill["quantity"], fill["price"], fill["positionSide"]) == ("100", "60000.1", "LONG")
        assert position["markPrice"] == "60000.0" and position["totalFee"] == "0.3000005"
        (row,) = await opened.positions()
        assert row.items() <= position.items()
        (purse,) = await opened.rest.get("/v2/balance/list")
        assert balance == purse | {"underlyingType": "U_BASED"}


async def test_what_is_done_elsewhere_and_by_the_venue_is_told_as_well(opened: Rig) -> None:
    await opened.isolate(10)
    async with opened.socket() as socket:
        await listen(opened, socket, "order", "position")
        opened.act("place", symbol="btc_usdt", side="buy", type="market", quantity="0.01")
        assert (await socket.find(topic="position"))["data"]["positionSize"] == "100"
        resting = await opened.order(**RESTING)
        await opened.rest.post("/v2/order/cancel", orderId=resting)
        opened.mark("54000")
        states: list[tuple[str, bool]] = []
        while not states or states[-1] != ("FILLED", True):
            data = (await socket.find(topic="order"))["data"]
            states.append((data["state"], data["forceClose"]))
        assert ("CANCELED", False) in states
        assert (await socket.find(topic="position"))["data"]["positionSize"] == "0"


async def test_a_key_expires_and_another_one_takes_over(opened: Rig) -> None:
    async with opened.socket() as socket:
        key = await listen(opened, socket, "balance")
        for _ in range(72):
            await socket.link.send("ping")
            await socket.take(lambda frame: frame == "pong")
            await opened.turn(50)
        assert await socket.find(code=40005) == {"code": 40005, "msg": "token expire"}
        assert await socket.ask("sub", f"balance@{key}") == (40005, "token expire")
        await listen(opened, socket, "balance")
        opened.act("fund", amount="7")
        assert D((await socket.find(topic="balance"))["data"]["walletBalance"]) == 100_007


async def test_refused_keys_and_withheld_news(opened: Rig) -> None:
    async with opened.socket() as socket:
        key = await opened.rest.get("/v2/user/listen-key")
        opened.faults.switch("login-refused@account*1")
        assert await socket.ask("sub", f"order@{key}") == (40005, "invalid_listen_key")
        await listen(opened, socket, "balance")
        opened.faults.switch("heartbeats-only")
        opened.act("fund", amount="7")
        await socket.link.send("ping")
        assert await socket.next() == "pong"
        opened.faults.heal()
        await opened.turn()
        assert (await socket.next())["data"]["walletBalance"] == "100007"
