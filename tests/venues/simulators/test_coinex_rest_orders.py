"""Orders on the CoinEx simulator: how they are entered, matched, modified and cancelled, and what they cost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.venues.simulators.coinex_rest import NOW_MS, RESTING, RestClient, TurnedClock, make_simulator

D = Decimal


@pytest.fixture
async def client() -> AsyncIterator[RestClient]:
    clock = TurnedClock()
    async with RestClient(make_simulator(clock), clock) as client:
        client.book("BTCUSDT", "60000", "60010", "2")
        yield client


async def test_a_resting_order_is_answered_as_documented(client: RestClient) -> None:
    order = await client.limit(client_id="a-1", source_id="mine", option="NORMAL")
    number = order.pop("id")
    assert isinstance(number, int)
    assert order == {
        "create_time": NOW_MS // 1000,
        "finished_time": None,
        "amount": "0.01000000",
        "price": "30000",
        "deal_amount": "0",
        "deal_money": "0",
        "deal_fee": "0",
        "stock_fee": "0",
        "money_fee": "0",
        "asset_fee": "0",
        "fee_asset": None,
        "fee_discount": "1",
        "avg_price": "0",
        "market": "BTCUSDT",
        "left": "0.01000000",
        "maker_fee_rate": "0.0016",
        "taker_fee_rate": "0.002",
        "order_type": "limit",
        "type": "buy",
        "status": "not_deal",
        "client_id": "a-1",
        "source_id": "mine",
    }
    assert client.balance("USDT") == (D("100000") - D("300.6"), D("300.6")), "the fee is held with the price"


async def test_a_taking_order_pays_the_takers_fee_in_quote(client: RestClient) -> None:
    order = await client.limit(amount="0.5", price="60020")
    assert (order["status"], order["left"], order["avg_price"]) == ("done", "0.00000000", "60010")
    assert order["deal_money"] == "30005.0000000000000000"
    assert D(order["deal_fee"]) == D(order["money_fee"]) == D("60.01")
    assert order["stock_fee"] == "0"
    assert client.balance("USDT") == (D("100000") - D("30005") - D("60.01"), D(0))
    assert client.balance("BTC") == (D("1.5"), D(0))


async def test_a_resting_order_pays_the_makers_fee(client: RestClient) -> None:
    order = await client.limit(type="sell", amount="0.4", price="60005")
    assert client.balance("BTC") == (D("0.6"), D("0.4"))
    client.act("trade", symbol="BTCUSDT", side="buy", quantity="0.1")
    row = (await client.call("GET", "/order/pending", page=1, limit=10))["data"][0]
    assert (row["id"], row["status"], row["left"], row["deal_amount"]) == (
        order["id"],
        "part_deal",
        "0.30000000",
        "0.1",
    )
    client.act("trade", symbol="BTCUSDT", side="buy", quantity="0.3")
    done = await client.call("GET", "/order/status", market="BTCUSDT", id=order["id"])
    assert (done["status"], done["deal_amount"], done["deal_money"], done["left"]) == ("done", "0.4", "24002", "0")
    assert done["deal_fee"] == "38.4032"
    assert client.balance("USDT") == (D("100000") + D("24002") - D("38.4032"), D(0))


async def test_options(client: RestClient) -> None:
    client.book("BTCUSDT", "60000", "60010", "0.5")
    ioc = await client.limit(amount="0.6", price="60010", option="IOC")
    assert ioc["status"] == "cancel" and ioc["deal_amount"] == "0.5" and ioc["left"] == "0.10000000"
    client.book("BTCUSDT", "60000", "60010", "2")
    same = await client.call(
        "POST", "/order/ioc", **(RESTING | {"type": "sell", "price": "60000", "amount": "0.5"})
    )
    assert (same["status"], same["deal_amount"]) == ("done", "0.5")
    killed = await client.limit(amount="0.0001", price="60005", option="FOK")
    assert (killed["status"], killed["deal_amount"]) == ("cancel", "0")
    filled = await client.limit(type="sell", amount="0.5", price="60000", option="FOK")
    assert filled["status"] == "done"
    maker = await client.limit(amount="0.01", price="60009.99", option="MAKER_ONLY")
    assert maker["status"] == "not_deal"
    assert await client.code("POST", "/order/limit", **RESTING | {"price": "60010", "option": "MAKER_ONLY"}) == 2


async def test_a_market_sell_is_in_base_units(client: RestClient) -> None:
    order = await client.call(
        "POST", "/order/market", market="BTCUSDT", type="sell", amount="0.25", client_id="m1"
    )
    assert (order["order_type"], order["price"], order["maker_fee_rate"]) == ("market", "0", "0")
    assert (order["amount"], order["amount_asset"], order["status"]) == ("0.25000000", "BTC", "done")
    assert client.balance("BTC") == (D("0.75"), D(0))


async def test_a_market_buy_is_in_quote_units_unless_told(client: RestClient) -> None:
    order = await client.call("POST", "/order/market", market="BTCUSDT", type="buy", amount="600")
    assert order["amount_asset"] == "USDT"
    assert order["deal_amount"] == "0.00999833", "600 / 60010, cut to eight decimals"
    assert D(order["deal_money"]) == D("0.00999833") * 60010
    assert order["left"] == f"{D('600') - D(order['deal_money']):.8f}" and D(order["left"]) < D("0.001")
    assert order["status"] == "done"
    base = await client.call("POST", "/order/market", market="BTCUSDT", type="buy", amount="0.01", asset="BTC")
    assert (base["amount_asset"], base["deal_amount"]) == ("BTC", "0.01")
    other = await client.call("POST", "/order/market", market="BTCUSDT", type="sell", amount="600", asset="USDT")
    assert (other["amount_asset"], other["deal_amount"]) == ("USDT", "0.01")


async def test_a_market_order_goes_through_the_levels_and_no_further(client: RestClient) -> None:
    client.book("BTCUSDT", "60000", "60010", "0.1")
    client.act("quote", symbol="BTCUSDT", side="sell", price="60100", quantity="0.1")
    client.act("quote", symbol="BTCUSDT", side="sell", price="70000", quantity="5")
    order = await client.call("POST", "/order/market", market="BTCUSDT", type="buy", amount="1", asset="BTC")
    assert (order["status"], order["deal_amount"], order["avg_price"]) == ("done", "0.2", "60055")
    status = await client.call("GET", "/order/status", market="BTCUSDT", id=order["id"])
    assert (status["status"], status["amount"], status["left"]) == ("done", "1", "0")
    client.act("clear", symbol="BTCUSDT")
    assert await client.code("POST", "/order/market", market="BTCUSDT", type="buy", amount="100") == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"market": "NOSUCH"}, 2),
        ({"market": ""}, 2),
        ({"type": "long"}, 2),
        ({"amount": "0.00009"}, 602),
        ({"amount": "0.000100001"}, 2),
        ({"amount": "-1"}, 2),
        ({"amount": "NaN"}, 2),
        ({"amount": "1e-200"}, 2),
        ({"amount": "1e12"}, 2),
        ({"amount": "٠.٠١"}, 2),
        ({"price": "30000.001"}, 2),
        ({"price": "0"}, 2),
        ({"price": "700000"}, 606),
        ({"type": "sell", "price": "5000"}, 606),
        ({"amount": "100"}, 107),
        ({"type": "sell", "price": "70000", "amount": "1.1"}, 107),
        ({"option": "GTC"}, 2),
        ({"client_id": "x" * 33}, 2),
        ({"client_id": "a b"}, 2),
        ({"account_id": 1}, 2),
        ({"account_id": 99}, 2),
        ({"hide": "perhaps"}, 2),
    ],
)
async def test_refused_orders_change_nothing(client: RestClient, changes: dict[str, object], code: int) -> None:
    before = client.simulator.state()
    assert await client.code("POST", "/order/limit", **(RESTING | changes)) == code
    assert client.simulator.state() == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "buy", "amount": "5"}, 602),
        ({"type": "sell", "amount": "0.00001"}, 602),
        ({"type": "sell", "amount": "0.5", "asset": "ETH"}, 2),
        ({"type": "sell", "amount": "1.5"}, 107),
        ({"type": "buy", "amount": "100000"}, 107),
    ],
)
async def test_refused_market_orders(client: RestClient, changes: dict[str, object], code: int) -> None:
    assert await client.code("POST", "/order/market", market="BTCUSDT", **changes) == code


async def test_a_batch_is_a_text_that_holds_json(client: RestClient) -> None:
    orders = [
        {"type": "buy", "amount": "0.01", "price": "30000", "client_id": "one"},
        {"type": "buy", "amount": "0.00001", "price": "30000"},
        {"type": "sell", "amount": 0.02, "price": 60000},
    ]
    answers = await client.call("POST", "/order/limit/batch", market="BTCUSDT", batch_orders=json.dumps(orders))
    assert [answer["code"] for answer in answers] == [0, 602, 0]
    assert answers[0]["data"]["client_id"] == "one" and answers[1]["data"] is None
    assert answers[2]["data"]["status"] == "done"
    for text in ("nothing", "{}", "[]", "[1]", json.dumps([orders[0]] * 101), '[{"type": {}}]'):
        assert await client.code("POST", "/order/limit/batch", market="BTCUSDT", batch_orders=text) == 2


async def test_modify_keeps_the_id(client: RestClient) -> None:
    order = await client.limit(amount="0.02")
    changed = await client.call("POST", "/order/modify", market="BTCUSDT", id=order["id"], price="31000")
    assert (changed["id"], changed["price"], changed["amount"]) == (order["id"], "31000", "0.02000000")
    assert client.balance("USDT")[1] == D("621.24")
    changed = await client.call("POST", "/order/modify", market="BTCUSDT", id=order["id"], amount="0.01")
    assert (changed["amount"], changed["status"]) == ("0.01000000", "not_deal")
    taken = await client.call("POST", "/order/modify", market="BTCUSDT", id=order["id"], price="60010")
    assert (taken["id"], taken["status"], taken["avg_price"]) == (order["id"], "done", "60010")
    assert await client.code("POST", "/order/modify", market="BTCUSDT", id=order["id"], price="30000") == 600
    assert await client.code("POST", "/order/modify", market="ETHUSDT", id=order["id"], price="2000") == 600


async def test_a_modification_that_is_refused_leaves_the_order(client: RestClient) -> None:
    order = await client.limit()
    for changes, code in (
        ({}, 2),
        ({"amount": "0.00001"}, 602),
        ({"price": "30000.001"}, 2),
        ({"amount": "100"}, 107),
    ):
        assert await client.code("POST", "/order/modify", market="BTCUSDT", id=order["id"], **changes) == code
    pending = await client.call("GET", "/order/pending", page=1, limit=10)
    assert [(row["id"], row["price"], row["left"]) for row in pending["data"]] == [
        (order["id"], "30000", "0.01000000")
    ]


async def test_cancel_echoes_the_order_as_it_was_before(client: RestClient) -> None:
    order = await client.limit(type="sell", amount="0.4", price="60005")
    client.act("trade", symbol="BTCUSDT", side="buy", quantity="0.1")
    echo = await client.call("DELETE", "/order/pending", market="BTCUSDT", id=order["id"])
    assert (echo["id"], echo["status"], echo["left"]) == (order["id"], "part_deal", "0.30000000")
    assert await client.code("DELETE", "/order/pending", market="BTCUSDT", id=order["id"]) == 600
    gone = await client.call("GET", "/order/status", market="BTCUSDT", id=order["id"])
    assert (gone["status"], gone["deal_amount"], gone["finished_time"]) == ("cancel", "0.1", NOW_MS // 1000)
    assert client.balance("BTC") == (D("0.9"), D(0))


async def test_cancelling_without_an_id_cancels_everything_of_the_market(client: RestClient) -> None:
    for price in ("30000", "31000", "32000"):
        await client.limit(price=price)
    other = await client.limit(market="ETHUSDT", price="1000", amount="0.1")
    assert await client.call("DELETE", "/order/pending", market="BTCUSDT") == {}
    pending = await client.call("GET", "/order/pending", page=1, limit=10)
    assert [row["id"] for row in pending["data"]] == [other["id"]]
    assert await client.code("DELETE", "/order/pending") == 2, "the market at least must be named"


async def test_client_ids_need_not_be_unique_and_cancel_all_that_share_one(client: RestClient) -> None:
    same = [(await client.limit(price=price, client_id="twin"))["id"] for price in ("30000", "31000")]
    other = await client.limit(client_id="other")
    unnamed = await client.limit()
    found = await client.call("GET", "/order/pending", page=1, limit=10, client_id="twin")
    assert sorted(row["id"] for row in found["data"]) == same
    answers = await client.call("DELETE", "/order/pending/by_client_id", market="BTCUSDT", client_id="twin")
    assert sorted(answer["order"]["id"] for answer in answers) == same
    assert all(answer["code"] == 0 and "data" not in answer for answer in answers)
    left = await client.call("GET", "/order/pending", page=1, limit=10)
    assert [row["id"] for row in left["data"]] == [unnamed["id"], other["id"]]
    assert await client.call("DELETE", "/order/pending/by_client_id", market="BTCUSDT", client_id="twin") == []
    assert await client.code("DELETE", "/order/pending/by_client_id", market="BTCUSDT") == 2


async def test_a_batch_of_cancels_answers_each_by_itself(client: RestClient) -> None:
    numbers = [(await client.limit(price=price))["id"] for price in ("30000", "31000", "32000")]
    ids = f"{numbers[0]},{numbers[2]},1"
    answers = await client.call("DELETE", "/order/pending/batch", market="BTCUSDT", batch_ids=ids)
    assert [answer["code"] for answer in answers] == [0, 0, 600]
    assert [answer["data"]["id"] for answer in answers[:2]] == [numbers[0], numbers[2]]
    left = await client.call("GET", "/order/pending", page=1, limit=10)
    assert [row["id"] for row in left["data"]] == [numbers[1]]
    many = ",".join(map(str, range(101)))
    assert await client.code("DELETE", "/order/pending/batch", market="BTCUSDT", batch_ids=many) == 2


async def test_an_order_may_be_booked_late(client: RestClient) -> None:
    client.simulator.faults.switch("late-booking@submit=2")
    assert await client.code("POST", "/order/limit", **RESTING, client_id="late") == 36
    assert await client.code("POST", "/order/stop/limit", **RESTING, stop_price="40000", client_id="late") == 36
    client.simulator.faults.heal()
    assert (await client.call("GET", "/order/pending", page=1, limit=10))["data"] == []
    late = list(client.simulator._late)
    client.clock.turn(2)
    await asyncio.gather(*late)
    for path in ("/order/pending", "/order/stop/pending"):
        rows = (await client.call("GET", path, page=1, limit=10))["data"]
        assert [row["client_id"] for row in rows] == ["late"]


async def test_queries_may_not_know_the_newest_orders(client: RestClient) -> None:
    old = await client.limit()
    client.clock.turn(3)
    client.simulator.faults.switch("stale-orders=2")
    new = await client.limit()
    pending = await client.call("GET", "/order/pending", page=1, limit=10)
    assert [row["id"] for row in pending["data"]] == [old["id"]]
    assert await client.code("GET", "/order/status", market="BTCUSDT", id=new["id"]) == 600
    client.clock.turn(2)
    assert await client.code("GET", "/order/status", market="BTCUSDT", id=new["id"]) == 0
