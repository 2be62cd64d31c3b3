"""Orders of MAX by REST: accepted first and booked later, every kind, every refusal, and how they end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.simulators.max_rig import RESTING, Rig, rig

D = Decimal
ORDER = "/wallet/spot/order"


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        made.book("BTCTWD", "2799000", "2801000")
        yield made


async def test_an_order_is_accepted_and_booked_a_little_later(opened: Rig) -> None:
    accepted = await opened.rest.do("POST", ORDER, **RESTING, client_oid="mine-1", group_id=7)
    assert (accepted["state"], accepted["executed_volume"], accepted["price"]) == ("wait", "0.0", "2000000.0")
    assert (accepted["client_oid"], accepted["group_id"], accepted["wallet_type"]) == ("mine-1", 7, "spot")
    assert opened.market.open_orders() == []
    assert await opened.rest.refusal("GET", "/order", id=accepted["id"]) == (404, 2004)
    assert await opened.rest.refusal("GET", "/order", client_oid="mine-1") == (404, 2004)
    await opened.turn(0.02)
    booked = await opened.order(accepted["id"])
    assert booked | {"updated_at": 0} == accepted | {"updated_at": 0}
    assert await opened.rest.do("GET", "/order", client_oid="mine-1") == booked


async def test_a_marketable_order_is_answered_without_fills(opened: Rig) -> None:
    accepted = await opened.place(price="2801000")
    assert (accepted["state"], accepted["executed_volume"], accepted["trades_count"]) == ("wait", "0.0", 0)
    done = await opened.order(accepted["id"])
    assert (done["state"], done["executed_volume"], done["remaining_volume"]) == ("done", "0.01", "0.0")
    assert (done["avg_price"], done["trades_count"]) == ("2801000.0", 1)


async def test_a_market_order_counts_in_the_base_currency(opened: Rig) -> None:
    order = await opened.place(ord_type="market", price=None)
    assert order["price"] is None
    done = await opened.order(order["id"])
    assert (done["state"], done["executed_volume"], done["ord_type"]) == ("done", "0.01", "market")
    await opened.turn(0.2)
    trades = await opened.rest.do("GET", "/order/trades", order_id=order["id"])
    assert trades[0]["fee_currency"] == "btc", "a fee is paid in what is received"
    assert (trades[0]["funds"], trades[0]["fee"], trades[0]["liquidity"]) == ("28010.0", "0.000015", "taker")


async def test_a_market_order_that_finds_nothing_is_done(opened: Rig) -> None:
    opened.act("clear", symbol="BTCTWD")
    order = await opened.place(ord_type="market", price=None)
    found = await opened.order(order["id"])
    assert (found["state"], found["executed_volume"]) == ("done", "0.0")
    closed = await opened.rest.do("GET", "/wallet/spot/orders/closed", market="btctwd")
    assert [row["id"] for row in closed] == [order["id"]]


async def test_what_may_only_make_or_not_rest_is_cancelled(opened: Rig) -> None:
    post = await opened.place(ord_type="post_only", price="2801000")
    resting = await opened.place(ord_type="post_only")
    states = {row["id"]: row for row in [await opened.order(one["id"]) for one in (post, resting)]}
    assert (states[post["id"]]["state"], states[post["id"]]["executed_volume"]) == ("cancel", "0.0")
    assert (states[resting["id"]]["state"], states[resting["id"]]["ord_type"]) == ("wait", "post_only")
    opened.act("fund", currency="TWD", amount="9000000")
    part = await opened.place(ord_type="ioc_limit", price="2801000", volume="1.5")
    found = await opened.order(part["id"])
    assert (found["state"], found["executed_volume"], found["remaining_volume"]) == ("cancel", "1.0", "0.5")


async def test_what_can_not_be_paid_when_the_book_comes_to_it_is_cancelled(opened: Rig) -> None:
    """Both are accepted: three million are enough for each alone."""
    orders = [await opened.rest.do("POST", ORDER, **RESTING | {"volume": "1"}) for _ in range(2)]
    await opened.turn()
    assert [(await opened.order(one["id"]))["state"] for one in orders] == ["wait", "cancel"]


async def test_refusals_have_their_codes(opened: Rig) -> None:
    many = {"group_id": "2147483648"}
    for changes, refusal in (
        ({"market": None}, (400, 1001)),
        ({"market": "nothing"}, (400, 1001)),
        ({"market": "BTCTWD"}, (400, 1001)),
        ({"side": "bid"}, (400, 1001)),
        ({"volume": "0"}, (400, 1001)),
        ({"volume": "NaN"}, (400, 1001)),
        ({"volume": "-1"}, (400, 1001)),
        ({"volume": "0.000000001"}, (400, 1001)),
        ({"price": "2000000.05"}, (400, 1001)),
        ({"price": None}, (400, 1001)),
        ({"ord_type": "fok"}, (400, 1001)),
        ({"ord_type": "stop_limit"}, (400, 1001)),
        ({"client_oid": "x" * 37}, (400, 1001)),
        (many, (400, 1001)),
        ({"volume": "0.00007"}, (400, 2016)),
        ({"volume": "0.0001"}, (400, 2016)),  # 200 TWD
        ({"volume": "2"}, (400, 2018)),
        ({"side": "sell", "volume": "1.1"}, (400, 2018)),
    ):
        assert await opened.rest.refusal("POST", ORDER, **(RESTING | changes)) == refusal, changes
    await opened.turn()
    assert opened.simulator.state()["orders"] == []


async def test_negative_precisions_and_markets_that_are_closed() -> None:
    async with rig(symbols=("SHIBTWD", "YFITWD", "COMPTWD", "BCNTTWD")) as opened:
        terms = {row["id"]: row for row in await opened.rest.read("/markets")}
        assert (terms["shibtwd"]["base_unit_precision"], terms["yfitwd"]["quote_unit_precision"]) == (-3, -1)
        shib = RESTING | {"market": "shibtwd", "price": "0.0002", "volume": "2000500"}
        assert await opened.rest.refusal("POST", ORDER, **shib) == (400, 1001)
        assert (await opened.rest.do("POST", ORDER, **shib | {"volume": "2001000"}))["volume"] == "2001000.0"
        yfi = RESTING | {"market": "yfitwd", "price": "150005", "volume": "0.002"}
        assert await opened.rest.refusal("POST", ORDER, **yfi) == (400, 1001)
        assert (await opened.rest.do("POST", ORDER, **yfi | {"price": "150010"}))["price"] == "150010.0"
        depth = await opened.rest.read("/depth", market="yfitwd", limit=5)
        assert all(D(price) % 10 == 0 for price, _ in depth["asks"] + depth["bids"])
        for market, status in (("comptwd", "cancel-only"), ("bcnttwd", "suspended")):
            order = RESTING | {"market": market, "price": "0.1", "volume": "5000"}
            assert terms[market]["status"] == status
            assert await opened.rest.refusal("POST", ORDER, **order) == (400, 2002)


async def test_a_client_oid_is_unique_for_a_day(opened: Rig) -> None:
    order = await opened.place(client_oid="once")
    assert await opened.rest.refusal("POST", ORDER, **RESTING, client_oid="once") == (400, 2002)
    await opened.rest.do("DELETE", "/order", client_oid="once")
    await opened.turn(24 * 3600 - 1)
    assert await opened.rest.refusal("POST", ORDER, **RESTING, client_oid="once") == (400, 2002)
    await opened.turn(1)
    again = await opened.place(client_oid="once")
    assert again["id"] != order["id"]
    assert (await opened.rest.do("GET", "/order", client_oid="once"))["id"] == again["id"]


async def test_a_cancel_is_answered_in_either_form(opened: Rig) -> None:
    first, second = await opened.place(), await opened.place(client_oid="second")
    answer = await opened.rest.do("DELETE", "/order", id=first["id"])
    assert (answer["id"], answer["state"]) == (first["id"], "wait")
    assert (await opened.order(first["id"]))["state"] == "wait", "answered before the book has done it"
    assert await opened.rest.do("DELETE", "/order", client_oid="second") == {"success": True}
    await opened.turn()
    assert [(await opened.order(one["id"]))["state"] for one in (first, second)] == ["cancel", "cancel"]
    assert await opened.rest.refusal("DELETE", "/order", id=first["id"]) == (400, 2003)
    assert await opened.rest.refusal("DELETE", "/order", id=1) == (404, 2004)
    assert await opened.rest.refusal("DELETE", "/order") == (400, 1001)


async def test_commands_are_done_in_their_order(opened: Rig) -> None:
    accepted = await opened.rest.do("POST", ORDER, **RESTING, client_oid="quick")
    assert await opened.rest.do("DELETE", "/order", client_oid="quick") == {"success": True}
    await opened.turn()
    assert (await opened.order(accepted["id"]))["state"] == "cancel"


async def test_a_fill_may_win_the_race(opened: Rig) -> None:
    order = await opened.place(price="2800000")
    assert (await opened.rest.do("DELETE", "/order", id=order["id"]))["state"] == "wait"
    opened.act("trade", symbol="BTCTWD", side="sell", quantity="0.01")
    await opened.turn()
    assert (await opened.order(order["id"]))["state"] == "done"


async def test_orders_are_cancelled_by_filter_with_an_answer_for_each(opened: Rig) -> None:
    buy = await opened.place(group_id=5)
    sell = await opened.place(side="sell", price="2900000", group_id=6)
    other = await opened.place(market="btcusdt", price="80000", volume="0.001")
    path = "/wallet/spot/orders"
    assert await opened.rest.do("DELETE", path, group_id=9) == []
    answers = await opened.rest.do("DELETE", path, market="btctwd", side="buy")
    assert [(one["error"], one["order"]["id"], one["order"]["state"]) for one in answers] == [
        (None, buy["id"], "wait")
    ]
    assert [one["order"]["id"] for one in await opened.rest.do("DELETE", path, group_id=6)] == [sell["id"]]
    assert await opened.rest.do("DELETE", "/wallet/m/orders") == []
    await opened.turn()
    assert [one["order"]["id"] for one in await opened.rest.do("DELETE", path)] == [other["id"]]
    await opened.turn()
    assert opened.market.open_orders() == []


@pytest.mark.parametrize("kind", ["stop_limit", "stop_market"])
async def test_a_stop_order_keeps_its_id_when_it_fires(opened: Rig, kind: str) -> None:
    changes: dict[str, Any] = {"ord_type": kind, "stop_price": "2820000", "volume": "0.02"}
    stop = await opened.place(**changes, price="2830000" if kind == "stop_limit" else None)
    waiting = await opened.order(stop["id"])
    assert (waiting["state"], waiting["stop_price"], waiting["ord_type"]) == ("wait", "2820000.0", kind)
    assert [row["id"] for row in await opened.rest.do("GET", "/wallet/spot/orders/open")] == [stop["id"]]
    opened.book("BTCTWD", "2819000", "2820000", "0.015")
    opened.act("trade", symbol="BTCTWD", side="buy", quantity="0.005")
    fired = await opened.order(stop["id"])
    assert (fired["executed_volume"], fired["stop_price"]) == ("0.01", "2820000.0")
    assert fired["state"] == ("convert" if kind == "stop_limit" else "cancel")
    rows = [row for row in opened.simulator.state()["orders"] if row["id"] == str(stop["id"])]
    assert len(rows) == 1
    if kind == "stop_limit":
        opened.act("quote", symbol="BTCTWD", side="sell", price="2829000", quantity="1")
        assert (await opened.order(stop["id"]))["state"] == "done"


async def test_a_waiting_stop_can_be_cancelled_and_a_wrong_one_is_refused_with_status_200(opened: Rig) -> None:
    changes: dict[str, Any] = {"ord_type": "stop_market", "price": None, "side": "sell"}
    stop = await opened.place(**changes, stop_price="2500000")
    await opened.rest.do("DELETE", "/order", id=stop["id"])
    await opened.turn()
    assert (await opened.order(stop["id"]))["state"] == "cancel"
    last = str(opened.market.last("BTCTWD"))
    answer = await opened.rest.respond("POST", ORDER, **(RESTING | changes), stop_price=last)
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, 2002)


async def test_a_stop_that_can_not_be_paid_when_it_fires_is_cancelled(opened: Rig) -> None:
    stop = await opened.place(ord_type="stop_market", price=None, stop_price="2500000", side="sell", volume="1")
    await opened.place(side="sell", volume="0.5", price="2900000")
    opened.book("BTCTWD", "2500000", "2600000")
    opened.act("trade", symbol="BTCTWD", side="sell", quantity="0.001")
    assert (await opened.order(stop["id"]))["state"] == "cancel"


async def test_late_booking_refuses_and_books_all_the_same(opened: Rig) -> None:
    opened.faults.switch("late-booking@submit=3")
    assert await opened.rest.refusal("POST", ORDER, **RESTING, client_oid="late") == (400, 2002)
    opened.faults.heal()
    await opened.turn(1)
    assert await opened.rest.refusal("GET", "/order", client_oid="late") == (404, 2004)
    assert await opened.rest.refusal("DELETE", "/order", client_oid="late") == (404, 2004)
    await opened.turn(2)
    assert (await opened.rest.do("GET", "/order", client_oid="late"))["state"] == "wait"


async def test_stale_orders_are_not_known_to_queries(opened: Rig) -> None:
    opened.faults.switch("stale-orders=5")
    order = await opened.place(client_oid="young")
    assert await opened.rest.refusal("GET", "/order", id=order["id"]) == (404, 2004)
    assert await opened.rest.do("GET", "/wallet/spot/orders/open") == []
    opened.clock.turn(5)
    assert [row["id"] for row in await opened.rest.do("GET", "/wallet/spot/orders/open")] == [order["id"]]


async def test_an_order_from_elsewhere_can_be_read_and_cancelled(opened: Rig) -> None:
    wish = {"symbol": "btctwd", "side": "buy", "quantity": "0.01", "price": "2000000", "client_id": "theirs"}
    number = int(opened.act("place", **wish)["id"])
    row = await opened.rest.do("GET", "/order", client_oid="theirs")
    assert (row["id"], row["group_id"], row["state"]) == (number, None, "wait")
    assert await opened.rest.refusal("POST", ORDER, **RESTING, client_oid="theirs") == (400, 2002)
    await opened.rest.do("DELETE", "/order", id=number)
    await opened.turn()
    assert (await opened.order(number))["state"] == "cancel"
