"""The user's own news on MAX's stream: orders, trades, money, and what the M-wallet has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.simulators.max_rig import Rig, Socket, rig

D = Decimal


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        made.book("BTCTWD", "2799000", "2801000")
        yield made


@pytest.fixture
async def socket(opened: Rig) -> AsyncIterator[Socket]:
    async with opened.socket() as made:
        yield made


def rows(message: Any, key: str) -> Any:
    return message[key][0]


async def test_the_life_of_an_order_is_told(opened: Rig, socket: Socket) -> None:
    resting = await opened.place(client_oid="first", group_id=3)
    await socket.log_in()
    assert [row["i"] for row in (await socket.find("order_snapshot"))["o"]] == [resting["id"]]
    assert (await socket.find("trade_snapshot"))["t"] == []
    assert {row["cu"]: row["l"] for row in (await socket.find("account_snapshot"))["B"]}["twd"] == "20000.0"

    order = await opened.place(price="2800000", volume="0.02", client_oid="second", group_id=4)
    put = rows(await socket.find("order_update"), "o")
    assert (put["i"], put["sd"], put["S"], put["ci"], put["gi"]) == (order["id"], "bid", "wait", "second", 4)
    assert (put["p"], put["v"], put["rv"], put["ev"], put["tc"]) == ("2800000.0", "0.02", "0.02", "0.0", 0)
    locked = {row["cu"]: row["l"] for row in (await socket.find("account_update"))["B"]}
    assert set(locked) == {"twd"} and locked["twd"] == "76000.0"

    opened.act("trade", symbol="BTCTWD", side="sell", quantity="0.005")
    trade = rows(await socket.find("trade_update"), "t")
    part = rows(await socket.find("order_update"), "o")
    assert (trade["oi"], trade["sd"], trade["m"], trade["v"]) == (order["id"], "bid", True, "0.005")
    assert (trade["f"], trade["fc"], trade["fd"], trade["fn"]) == ("0.00000225", "btc", False, "14000.0")
    assert (part["S"], part["ev"], part["rv"], part["tc"]) == ("wait", "0.005", "0.015", 1)

    opened.act("trade", symbol="BTCTWD", side="sell", quantity="0.015")
    states = [rows(await socket.find("order_update"), "o")["S"] for _ in range(2)]
    assert states == ["finalizing", "done"]
    await opened.rest.do("DELETE", "/order", id=resting["id"])
    await opened.turn()
    assert rows(await socket.find("order_update"), "o")["S"] == "cancel"
    async with opened.socket() as later:
        await later.log_in()
        assert (await later.find("order_snapshot"))["o"] == [], "what has ended is not in it"
        assert len((await later.find("trade_snapshot"))["t"]) == 2


async def test_a_trade_with_oneself_is_told_for_both_orders(opened: Rig, socket: Socket) -> None:
    await socket.log_in("trade_update")
    sell = await opened.place(side="sell", price="2800000")
    buy = await opened.place(price="2800000")
    told = [rows(await socket.find("trade_update"), "t") for _ in range(2)]
    assert {(row["sd"], row["oi"], row["m"]) for row in told} == {
        ("ask", sell["id"], True),
        ("bid", buy["id"], False),
    }
    assert told[0]["i"] == told[1]["i"]


async def test_how_stops_and_refusals_of_the_book_are_told(opened: Rig, socket: Socket) -> None:
    await socket.log_in("order")
    stop = await opened.place(ord_type="stop_limit", stop_price="2801000", price="2801000", client_oid="stop")
    assert rows(await socket.find("order_update"), "o")["S"] == "wait"
    opened.book("BTCTWD", "2799000", "2801000", "0.001")
    opened.act("trade", symbol="BTCTWD", side="buy", quantity="0.001")
    fired = rows(await socket.find("order_update"), "o")
    assert (fired["i"], fired["S"], fired["sp"], fired["ot"]) == (stop["id"], "convert", "2801000.0", "stop_limit")
    opened.act("quote", symbol="BTCTWD", side="sell", price="2802000", quantity="1")
    for _ in range(2):
        await opened.rest.do(
            "POST", "/wallet/spot/order", market="btctwd", side="buy", volume="0.7", price="2600000"
        )
    await opened.turn()
    states = [rows(await socket.find("order_update"), "o")["S"] for _ in range(2)]
    assert states == ["wait", "failed"], "three million are not enough for both"


async def test_the_filters_choose_what_comes(opened: Rig, socket: Socket) -> None:
    await socket.log_in("fast_trade_update")
    await opened.place(ord_type="market", price=None)
    message = await socket.next()
    assert message["e"] == "fast_trade_update"
    assert not {"f", "fc", "fd"} & rows(message, "t").keys()
    async with opened.socket() as other:
        await other.log_in("trade_update", "order")
        assert (await other.next())["e"] == "order_snapshot"


async def test_the_m_wallet_has_channels_of_its_own(opened: Rig, socket: Socket) -> None:
    opened.book("BTCUSDT", "88000", "88002", "5")
    await socket.log_in("mwallet_order", "mwallet_trade", "mwallet_account", "ad_ratio", "borrowing")
    calm = (await socket.find("ad_ratio_snapshot"))["ad"]
    assert {row["M"] for row in calm["idxp"]} == {"btcusdt", "ethusdt", "usdttwd"}
    assert {row["cu"]: row["dbp"] for row in (await socket.find("borrowing_snapshot"))["db"]}["btc"] == "0.0"
    await opened.rest.do("POST", "/wallet/m/loan", currency="btc", amount="0.2")
    owed = rows(await socket.find("borrowing_update"), "db")
    assert (owed["cu"], owed["dbp"], owed["dbi"]) == ("btc", "0.2", "0.00000062")
    await opened.turn()
    borrowed = (await socket.find("ad_ratio_update"))["ad"]
    assert D(borrowed["ad"]) < D(calm["ad"]) and D(borrowed["db"]) > 0
    assert rows(await socket.find("mwallet_account_update"), "B") == {"cu": "btc", "av": "0.2", "l": "0.0"}
    await opened.place("m", market="btcusdt", side="sell", volume="0.2", price="88000")
    trade = rows(await socket.find("mwallet_trade_update"), "t")
    assert (trade["sd"], "fd" in trade) == ("ask", False)
    assert rows(await socket.find("mwallet_order_update"), "o")["S"] == "wait"
    opened.book("BTCUSDT", "90000", "90002", "5")
    await opened.turn()
    lower = (await socket.find("ad_ratio_update"))["ad"]
    while lower["db"] == borrowed["db"]:
        lower = (await socket.find("ad_ratio_update"))["ad"]
    assert D(lower["ad"]) < D(borrowed["ad"])
