"""What the CoinEx simulator tells of orders and deals afterwards, stop orders included."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.venues.simulators.coinex_rest import NOW_MS, RESTING, RestClient, TurnedClock, make_simulator

PAGE = {"page": 1, "limit": 100}
SECOND = NOW_MS // 1000
STOP: dict[str, object] = RESTING | {"stop_price": "59000", "price": "58000", "amount": "0.1"}


@pytest.fixture
async def client() -> AsyncIterator[RestClient]:
    clock = TurnedClock()
    async with RestClient(make_simulator(clock), clock) as client:
        client.book("BTCUSDT", "60000", "60010", "2")
        client.act("trade", symbol="BTCUSDT", side="buy", quantity="0.001")
        yield client


async def test_a_pending_order_is_shown_as_documented(client: RestClient) -> None:
    order = await client.limit(client_id="a-1")
    pending = await client.call("GET", "/order/pending", **PAGE)
    assert {key: pending[key] for key in ("curr_page", "has_next", "count", "total")} == {
        "curr_page": 1, "has_next": False, "count": 1, "total": 1,
    }  # fmt: skip
    assert pending["data"] == [
        {
            "id": order["id"],
            "account_id": 0,
            "create_time": SECOND,
            "finished_time": None,
            "price": "30000",
            "deal_amount": "0",
            "deal_money": "0",
            "deal_fee": "0",
            "stock_fee": "0",
            "money_fee": "0",
            "asset_fee": "0",
            "market": "BTCUSDT",
            "maker_fee_rate": "0.0016",
            "taker_fee_rate": "0.002",
            "order_type": "limit",
            "type": "buy",
            "status": "not_deal",
            "client_id": "a-1",
            "amount": "0.01000000",
            "amount_asset": "BTC",
            "fee_asset": None,
            "fee_discount": "1.0000",
            "avg_price": "0.00",
            "left": "0.01000000",
        }
    ]


async def test_orders_cancelled_without_a_fill_vanish(client: RestClient) -> None:
    order = await client.limit(client_id="gone")
    await client.call("DELETE", "/order/pending", market="BTCUSDT", id=order["id"])
    assert await client.code("GET", "/order/status", market="BTCUSDT", id=order["id"]) == 600
    span = {"start_time": SECOND - 10, "end_time": SECOND + 10}
    assert (await client.call("GET", "/order/finished", **PAGE, **span))["data"] == []
    assert (await client.call("GET", "/order/pending", **PAGE))["data"] == []
    shown = [row for row in client.simulator.state()["orders"] if row["id"] == str(order["id"])]
    assert [row["status"] for row in shown] == ["canceled"], "the control API still knows"


async def test_a_killed_order_vanishes_too(client: RestClient) -> None:
    order = await client.limit(amount="0.01", price="60005", option="IOC")
    assert order["status"] == "cancel"
    assert await client.code("GET", "/order/status", market="BTCUSDT", id=order["id"]) == 600


async def test_finished_orders_are_found_by_span_market_side_and_client_id(client: RestClient) -> None:
    buy = await client.limit(price="60010", client_id="b")
    client.clock.turn(5)
    sell = await client.limit(type="sell", price="60000", client_id="s")
    span = {"start_time": SECOND, "end_time": SECOND + 5}

    async def found(**filters: object) -> list[int]:
        data = await client.call("GET", "/order/finished", **(PAGE | span | filters))
        return [row["id"] for row in data["data"]]

    assert await found() == [sell["id"], buy["id"]], "newest first"
    assert await found(end_time=SECOND + 4) == [buy["id"]]
    assert await found(start_time=SECOND + 1) == [sell["id"]]
    assert await found(type="buy") == [buy["id"]]
    assert await found(client_id="s") == [sell["id"]]
    assert await found(market="ETHUSDT") == []
    whole = await client.call("GET", "/order/finished", **PAGE)
    assert [row["id"] for row in whole["data"]] == [sell["id"], buy["id"]], "the span may be left out"


async def test_lists_are_paged(client: RestClient) -> None:
    numbers = [(await client.limit(price=str(30000 + step)))["id"] for step in range(5)]
    first = await client.call("GET", "/order/pending", page=1, limit=2)
    assert (first["count"], first["has_next"], first["total"]) == (2, True, 5)
    last = await client.call("GET", "/order/pending", page=3, limit=2)
    assert [row["id"] for row in last["data"]] == [numbers[0]]
    assert (last["curr_page"], last["count"], last["has_next"]) == (3, 1, False)
    assert (await client.call("GET", "/order/pending", page=9, limit=2))["data"] == []
    for page, limit in ((0, 10), (1, 101), (1, 0), ("x", 1)):
        assert await client.code("GET", "/order/pending", page=page, limit=limit) == 2
    unpaged = await client.call("GET", "/order/pending")
    assert [row["id"] for row in unpaged["data"]] == numbers[::-1], "the first hundred, as the demos ask for it"


async def test_status_in_a_batch(client: RestClient) -> None:
    order = await client.limit()
    rows = await client.call("GET", "/order/status/batch", market="BTCUSDT", batch_ids=f"{order['id']},1")
    assert [row["code"] for row in rows] == [0, 600]
    assert rows[0]["data"]["status"] == "not_deal" and rows[0]["data"]["left"] == "0.01"
    assert rows[1]["data"] is None
    assert await client.code("GET", "/order/status", market="ETHUSDT", id=order["id"]) == 600
    assert await client.code("GET", "/order/status", market="BTCUSDT") == 2


async def test_deals_have_role_and_fee(client: RestClient) -> None:
    client.act("quote", symbol="BTCUSDT", side="sell", price="60020", quantity="1")
    maker = await client.limit(type="sell", amount="0.1", price="60005")
    client.act("trade", symbol="BTCUSDT", side="buy", quantity="0.1")
    taker = await client.limit(amount="0.5", price="60010", client_id="t")
    deals = (await client.call("GET", "/order/user/deals", **PAGE))["data"]
    assert [(row["order_id"], row["role"], row["type"]) for row in deals] == [
        (taker["id"], "taker", "buy"),
        (maker["id"], "maker", "sell"),
    ]
    newest = deals[0]
    assert (newest["price"], newest["amount"], newest["deal_money"]) == ("60010", "0.5", "30005")
    assert (newest["fee"], newest["fee_asset"], newest["market"], newest["account_id"]) == (
        "60.01",
        "USDT",
        "BTCUSDT",
        0,
    )
    own = (await client.call("GET", "/order/deals", **PAGE, id=taker["id"]))["data"]
    assert [row["id"] for row in own] == [newest["id"]]
    assert own[0]["order_id"] is None, "as the document's example has it"
    assert (await client.call("GET", "/order/user/deals", **PAGE, type="sell"))["data"] == deals[1:]
    assert (await client.call("GET", "/order/user/deals", **PAGE, start_time=SECOND + 1))["data"] == []
    public = await client.read("/market/deals", market="BTCUSDT")
    assert public[0]["id"] == newest["id"]


async def test_a_stop_order_gives_no_id_and_is_found_by_its_client_id(client: RestClient) -> None:
    assert await client.call("POST", "/order/stop/limit", **STOP, client_id="s1") == {"status": "success"}
    assert client.balance("USDT") == (Decimal(100_000), Decimal(0)), "it holds nothing"
    pending = await client.call("GET", "/order/stop/pending", **PAGE, client_id="s1")
    assert pending["total"] == 1
    row = pending["data"][0]
    number = row.pop("order_id")
    assert isinstance(number, int)
    assert row == {
        "account_id": 0,
        "create_time": SECOND,
        "amount": "0.10000000",
        "price": "58000",
        "stop_price": "59000",
        "taker_fee": "0.002",
        "maker_fee": "0.0016",
        "state": 1,
        "fee_asset": None,
        "fee_discount": "1.0000",
        "market": "BTCUSDT",
        "order_type": "limit",
        "type": "buy",
        "client_id": "s1",
    }
    market = STOP | {"stop_price": "61000"}
    del market["price"]
    assert await client.call("POST", "/order/stop/market", **market) is None
    newest = (await client.call("GET", "/order/stop/pending", **PAGE))["data"][0]
    assert (newest["state"], newest["order_type"], newest["price"]) == (2, "market", "0")


async def test_a_stop_becomes_an_order_of_its_own_when_the_price_gets_there(client: RestClient) -> None:
    await client.call("POST", "/order/stop/limit", **STOP, client_id="below")
    above = STOP | {"type": "sell", "stop_price": "60500", "price": "60400"}
    await client.call("POST", "/order/stop/limit", **above, client_id="above")
    stops = {
        row["client_id"]: row["order_id"]
        for row in (await client.call("GET", "/order/stop/pending", **PAGE))["data"]
    }
    client.book("BTCUSDT", "59000.01", "59010")
    client.act("trade", symbol="BTCUSDT", side="sell", quantity="0.01")
    assert len((await client.call("GET", "/order/stop/pending", **PAGE))["data"]) == 2, "a cent above the trigger"
    client.book("BTCUSDT", "59000", "59010")
    client.act("trade", symbol="BTCUSDT", side="sell", quantity="0.01")
    waiting = (await client.call("GET", "/order/stop/pending", **PAGE))["data"]
    assert [row["client_id"] for row in waiting] == ["above"]
    order = (await client.call("GET", "/order/pending", **PAGE))["data"][0]
    assert order["client_id"] == "below" and order["price"] == "58000" and order["id"] != stops["below"]
    finished = (await client.call("GET", "/order/stop/finished", **PAGE))["data"][0]
    assert (finished["order_id"], finished["status"]) == (stops["below"], "active")
    client.act("trade", symbol="BTCUSDT", side="sell", quantity="0.01")
    assert len((await client.call("GET", "/order/pending", **PAGE))["data"]) == 1, "it fires once"
    client.book("BTCUSDT", "60500", "60510")
    client.act("trade", symbol="BTCUSDT", side="buy", quantity="0.01")
    span = {"start_time": 0, "end_time": SECOND}
    found = await client.call("GET", "/order/finished", **PAGE, **span, stop_order_id=stops["above"])
    assert [(row["client_id"], row["status"], row["avg_price"]) for row in found["data"]] == [
        ("above", "done", "60500")
    ]


async def test_a_market_stop_is_in_base_units_unless_told(client: RestClient) -> None:
    wish: dict[str, object] = {"market": "BTCUSDT", "type": "buy", "stop_price": "60100"}
    await client.call("POST", "/order/stop/market", **wish, amount="0.1", client_id="base")
    await client.call("POST", "/order/stop/market", **wish, amount="6000", asset="USDT", client_id="quote")
    client.book("BTCUSDT", "60090", "60100", "5")
    client.act("trade", symbol="BTCUSDT", side="buy", quantity="0.01")
    deals = (await client.call("GET", "/order/user/deals", **PAGE))["data"]
    assert [row["amount"] for row in deals] == ["0.09983361", "0.1"]


async def test_a_triggered_stop_may_be_refused(client: RestClient) -> None:
    await client.call("POST", "/order/stop/limit", **STOP | {"amount": "50"})
    client.book("BTCUSDT", "59000", "59010")
    client.act("trade", symbol="BTCUSDT", side="sell", quantity="0.01")
    finished = (await client.call("GET", "/order/stop/finished", **PAGE))["data"]
    assert [row["status"] for row in finished] == ["fail"]
    assert (await client.call("GET", "/order/pending", **PAGE))["data"] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"stop_price": "60010"}, 2),
        ({"stop_price": "59000.001"}, 2),
        ({"stop_price": ""}, 2),
        ({"amount": "0.00001"}, 602),
        ({"price": ""}, 2),
        ({"option": "DAY"}, 2),
    ],
)
async def test_refused_stops(client: RestClient, changes: dict[str, object], code: int) -> None:
    assert await client.code("POST", "/order/stop/limit", **(STOP | changes)) == code
    assert (await client.call("GET", "/order/stop/pending", **PAGE))["data"] == []


async def test_stops_are_modified_and_cancelled(client: RestClient) -> None:
    for client_id in ("twin", "twin", "c", "d", ""):
        await client.call("POST", "/order/stop/limit", **STOP, client_id=client_id)
    rows = (await client.call("GET", "/order/stop/pending", **PAGE))["data"]
    number = next(row["order_id"] for row in rows if row["client_id"] == "c")
    change = {"market": "BTCUSDT", "id": number}
    wish = {"price": "57000", "amount": "0.2", "stop_price": "60200"}
    assert await client.call("POST", "/order/stop/modify", **change, **wish) == {"status": "success"}
    (changed,) = (await client.call("GET", "/order/stop/pending", **PAGE, client_id="c"))["data"]
    assert (changed["order_id"], changed["price"], changed["amount"], changed["stop_price"], changed["state"]) == (
        number, "57000", "0.20000000", "60200", 2,
    )  # fmt: skip
    for wrong, code in (
        ({}, 2),
        ({"amount": "0.00001"}, 602),
        ({"price": "0.001"}, 2),
        ({"stop_price": "60010"}, 2),
    ):
        assert await client.code("POST", "/order/stop/modify", **change, **wrong) == code
    assert await client.code("POST", "/order/stop/modify", market="BTCUSDT", id=1, price="57000") == 600
    assert await client.call("DELETE", f"/order/stop/pending/{number}", market="BTCUSDT") == {}
    assert await client.code("DELETE", f"/order/stop/pending/{number}", market="BTCUSDT") == 600
    twins = await client.call("DELETE", "/order/stop/pending/by_client_id", market="BTCUSDT", client_id="twin")
    assert [answer["code"] for answer in twins] == [0, 0]
    assert len((await client.call("GET", "/order/stop/pending", **PAGE))["data"]) == 2
    assert await client.call("DELETE", "/order/stop/pending", market="BTCUSDT") is None
    assert (await client.call("GET", "/order/stop/pending", **PAGE))["data"] == []
    finished = (await client.call("GET", "/order/stop/finished", **PAGE))["data"]
    assert [row["status"] for row in finished] == ["cancel"] * 5
