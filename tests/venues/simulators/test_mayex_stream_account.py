"""The account's stream of Mayex: by token, orders and positions with versions, in milliseconds and nanoseconds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import websockets

from tests.venues.simulators.mayex_rig import ACCOUNT, BTC, ORDERS, RESTING, D, Rig, Socket, rig

# The names of the fields in the platform's samples.
ORDER = {
    "ac", "x", "L", "l", "ap", "rq", "z", "n", "i", "c", "C", "s", "S", "ps", "o", "is", "f", "p", "q", "X", "T",
    "m", "cP", "tp", "tt", "tpType", "tpPrice", "slType", "slPrice", "sPid",
}  # fmt: skip
POSITION = {"a", "ccy", "s", "ps", "is", "pa", "ep", "cr", "im", "vid", "T"}


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        yield made


async def token_of(opened: Rig) -> str:
    token: str = (await opened.rest.do("POST", f"{ACCOUNT}/token/create"))["wsToken"]
    return token


async def listen(opened: Rig, socket: Socket) -> str:
    token = await token_of(opened)
    await socket.subscribe(token)
    return token


async def account_news(socket: Socket) -> dict[str, Any]:
    found: dict[str, Any] = (await socket.find(e="ACCOUNT_UPDATE"))["a"]
    return found


async def test_an_order_is_told_with_its_fill_position_and_money(opened: Rig) -> None:
    async with opened.socket() as socket:
        await listen(opened, socket)
        answer = await opened.order(clientOrderId="mine")
        new, filled, account = [await socket.next() for _ in range(3)]
        assert [push["e"] for push in (new, filled, account)] == ["ORDER_TRADE_UPDATE"] * 2 + ["ACCOUNT_UPDATE"]
        order = filled["o"]
        assert set(order) == set(new["o"]) == ORDER
        assert (new["o"]["x"], new["o"]["X"], new["o"]["z"]) == ("E_NEW", "NEW", "0.000000")
        assert (order["x"], order["X"], order["i"], order["c"]) == ("E_TRADE", "FILLED", answer["orderId"], "mine")
        assert (order["s"], order["S"], order["ps"], order["is"]) == (BTC, "BUY", "LONG", True)
        assert (order["z"], order["rq"], order["l"], order["L"]) == (
            "0.010000",
            "0.000000",
            "0.010000",
            "60000.500000",
        )
        (fill,) = await opened.history("trade")
        assert D(order["n"]) == D(fill["fee"]) < 0 and order["m"] is fill["maker"] is False
        assert account["T"] // 1_000_000 == filled["T"] == account["E"], "nanoseconds beside milliseconds"
        assert account["a"]["m"] == "ORDER"
        (money,), (position,) = account["a"]["B"], account["a"]["P"]
        assert set(position) == POSITION and (position["pa"], position["ps"], position["is"]) == (
            "0.010000",
            "LONG",
            True,
        )
        (row,) = await opened.positions()
        told = [D(position[name]) for name in ("ep", "im", "cr")]
        assert told == [D(row[name]) for name in ("avgEntryPrice", "isolatedMargin", "cumRealizedPnl")]
        assert D(money["ab"]) == (await opened.purse())["accountBalance"]
        assert D(money["ab"]) - D(money["cb"]) == D(position["im"])


async def test_versions_rise_and_a_closed_position_is_told(opened: Rig) -> None:
    async with opened.socket() as socket:
        await listen(opened, socket)
        await opened.order()
        first = await account_news(socket)
        await opened.order(side="SELL", quantity="0.004")
        second = await account_news(socket)
        await opened.order(side="SELL", quantity="0.006")
        third = await account_news(socket)
        for key in "BP":
            versions = [news[key][0]["vid"] for news in (first, second, third)]
            assert versions == sorted(set(versions)), key
        assert [D(news["P"][0]["pa"]) for news in (first, second, third)] == [D("0.01"), D("0.006"), 0]
        await opened.order(side="SELL", positionSide="SHORT", isolated=False)
        short = await account_news(socket)
        assert (short["P"][0]["ps"], short["P"][0]["is"], short["P"][0]["im"]) == ("SHORT", False, "0.000000")


async def test_what_is_done_elsewhere_is_told_and_what_waits_and_ends(opened: Rig) -> None:
    async with opened.socket() as socket:
        await listen(opened, socket)
        resting = await opened.order(**RESTING)
        await opened.rest.do("POST", f"{ORDERS}/cancel-order", symbol=BTC, orderId=resting["orderId"])
        told = [(await socket.next())["o"] for _ in range(2)]
        assert [(one["x"], one["X"], one["i"]) for one in told] == [
            ("E_NEW", "NEW", resting["orderId"]), ("E_CANCELED", "CANCELED", resting["orderId"]),
        ]  # fmt: skip
        crossing = {"timeInForce": "POST_ONLY", "price": "60001"}
        assert (await opened.order(**(RESTING | crossing)))["status"] == "EXPIRED"
        ended = await socket.take(lambda push: push["o"]["X"] == "EXPIRED")
        assert ended["o"]["x"] == "E_EXPIRED"
        opened.act("place", symbol=BTC, side="buy", type="market", quantity="0.002")
        assert (await account_news(socket))["P"][0]["pa"] == "0.002000"
        waiting = {
            "type": "STOP_LOSS_MARKET",
            "triggerType": "LAST_PRICE",
            "triggerPrice": "59000",
            "side": "SELL",
        }
        await opened.order(**waiting, quantity="0.002", isolated=True, timeInForce="GTC")
        stop = (await socket.take(lambda push: push.get("o", {}).get("tt") == "LAST_PRICE"))["o"]
        assert (stop["o"], stop["tp"], stop["X"]) == ("STOP_LOSS_MARKET", "59000.000000", "NEW")
        opened.mark("58900")
        closed = await socket.take(
            lambda push: push.get("o", {}).get("X") == "FILLED" and push["o"]["i"] == stop["i"]
        )
        assert closed["o"]["o"] == "MARKET", "a triggered order keeps its number"


async def test_an_order_may_be_told_as_the_platform_shows_it(opened: Rig) -> None:
    opened.act("pushes", as_sampled=True)
    async with opened.socket() as socket:
        await listen(opened, socket)
        await opened.order()
        order = (await socket.take(lambda push: push["e"] == "ORDER_TRADE_UPDATE" and D(push["o"]["z"]) > 0))["o"]
        assert (order["x"], order["X"]) == ("E_NEW", "NEW") and order["z"] == order["q"] and not D(order["rq"])


async def test_tokens_are_good_for_an_hour_and_can_be_refreshed_and_deleted(opened: Rig) -> None:
    async with opened.socket() as socket:
        token = await listen(opened, socket)
        assert token == await token_of(opened) and await socket.ask("LIST_SUBSCRIPTIONS") == {"result": [token]}
        await opened.turn(3_500)
        await opened.rest.do("POST", f"{ACCOUNT}/token/refresh")
        await opened.turn(3_500)
        opened.act("fund", currency="USDT", amount="7")
        assert D((await account_news(socket))["B"][0]["ab"]) == 100_007
        await opened.rest.do("DELETE", f"{ACCOUNT}/token/delete")
        await opened.turn()
        assert await socket.find(code=4) == {"code": 4, "msg": "invalid token"}
        assert (await socket.ask("SUBSCRIBE", token))["code"] == 4
        assert await token_of(opened) != token


async def test_a_token_may_stand_in_the_address(opened: Rig) -> None:
    token = await token_of(opened)
    async with opened.socket(f"ws/?token={token}") as socket:
        opened.act("fund", currency="USDT", amount="7")
        assert (await account_news(socket))["P"] == []
        assert await socket.ask("UNSUBSCRIBE", token) == {"result": None}
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with opened.socket("ws/?token=web.1.AB"):
            pass
    assert refused.value.response.status_code == 401


async def test_refused_tokens_and_withheld_news(opened: Rig) -> None:
    async with opened.socket() as socket:
        token = await token_of(opened)
        opened.faults.switch("login-refused@account*1")
        assert await socket.ask("SUBSCRIBE", token) == {"code": 4, "msg": "invalid token"}
        await socket.subscribe(token)
        opened.faults.switch("heartbeats-only")
        opened.act("fund", currency="USDT", amount="7")
        await socket.send(event="ping")
        assert await socket.next() == {"event": "pong"}
        opened.faults.heal()
        await opened.turn()
        assert D((await account_news(socket))["B"][0]["ab"]) == 100_007
        opened.faults.switch("duplicate@account:1*1")
        opened.act("fund", currency="USDT", amount="1")
        assert await account_news(socket) == await account_news(socket)
