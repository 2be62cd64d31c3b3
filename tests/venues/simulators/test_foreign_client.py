"""A client written from CoinEx's document alone goes through a whole session with the served simulator.

What it, and the clients that other people have written, may rely on stays true by these tests.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.simulators.foreign_client import Book, Rest, connected, now_ms, signed
from venues.simulators.serving import Practice, served_in_thread

D = Decimal
SYMBOLS = ("BTCUSDT", "ETHUSDT", "CETUSDT")


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with served_in_thread("coinex", seed=5, rate=200, time_scale=0.1, symbols=SYMBOLS) as served:
        yield served


@pytest.fixture
def rest(practice: Practice) -> Iterator[Rest]:
    client = Rest(practice)
    with client.client:
        yield client
        client.do("DELETE", "/order/pending", market="BTCUSDT")
        client.do("DELETE", "/order/stop/pending", market="BTCUSDT")


def test_the_signature_is_that_of_the_document() -> None:
    params = {"access_id": "ACCESS_TEST", "market": "BTCUSDT", "id": 12345, "tonce": 1700000000000}
    assert signed(params, "SECRET_TEST") == "F2038AB736C1D698A95AA4C05D1ED929"


def test_public_data_needs_no_key(rest: Rest) -> None:
    info = rest.read("/market/info")
    assert list(info) == rest.read("/market/list") == list(rest.read("/market/ticker/all")["ticker"])
    assert rest.read("/market/detail", market="BTCUSDT") == info["BTCUSDT"]
    decimals = info["BTCUSDT"]["pricing_decimal"]

    depth = rest.read("/market/depth", market="BTCUSDT", merge="0", limit=20)
    bids, asks = ([D(price) for price, _ in depth[name]] for name in ("bids", "asks"))
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    assert all(price == round(price, decimals) for price in bids + asks)
    merged = rest.read("/market/depth", market="BTCUSDT", merge="1", limit=5)
    assert all(D(price) == int(D(price)) for price, _ in merged["bids"] + merged["asks"])
    assert rest.client.get("/v1/market/depth?market=BTCUSDT").json()["code"] != 0

    rows = rest.read("/market/kline", market="BTCUSDT", type="1hour", limit=24)
    assert len(rows) == 24
    for moment, *prices, _, _ in rows:
        open_, close, high, low = map(D, prices)
        assert moment % 3600 == 0
        assert low <= min(open_, close) <= max(open_, close) <= high


def test_deals_are_told_newest_first_and_since_an_id(rest: Rest) -> None:
    bought = [rest.buy("20") for _ in range(4)]
    deals = rest.read("/market/deals", market="BTCUSDT", limit=100)
    numbers = [deal["id"] for deal in deals]
    assert numbers == sorted(numbers, reverse=True)
    assert sum(deal["type"] == "buy" for deal in deals) >= 4
    assert {D(one["deal_amount"]) for one in bought} <= {D(deal["amount"]) for deal in deals}
    newer = rest.read("/market/deals", market="BTCUSDT", last_id=numbers[2])
    assert [deal["id"] for deal in newer][-2:] == numbers[:2]


def test_who_signs_wrong_is_told_so(rest: Rest) -> None:
    assert rest.ask("GET", "/balance/info", tonce=now_ms() - 70_000)["code"] == 227
    key, secret = rest.key, rest.secret
    rest.secret = "wrong"
    assert rest.code("GET", "/balance/info") == 25
    rest.key = "nobody"
    assert rest.code("GET", "/balance/info") == 24
    rest.key, rest.secret = key, secret
    assert rest.code("GET", "/balance/info") == 0


def test_an_order_lives_and_is_forgotten(rest: Rest) -> None:
    usdt, btc = rest.money("USDT"), rest.money("BTC")
    order = rest.limit(client_id="mine_1")
    assert (order["status"], order["left"], order["client_id"]) == ("not_deal", "0.01000000", "mine_1")
    changed = rest.do("POST", "/order/modify", market="BTCUSDT", id=order["id"], amount="0.02")
    assert changed["amount"] == "0.02000000"
    assert rest.pending() == [changed["id"]]
    assert D(rest.do("GET", "/balance/info")["USDT"]["frozen"]) > 0

    before = rest.do("DELETE", "/order/pending", market="BTCUSDT", id=changed["id"])
    assert (before["id"], before["status"]) == (changed["id"], "not_deal")
    assert rest.code("GET", "/order/status", market="BTCUSDT", id=changed["id"]) == 600
    assert rest.code("DELETE", "/order/pending", market="BTCUSDT", id=changed["id"]) == 600
    assert (rest.pending(), rest.money("USDT")) == ([], usdt)

    # A market buy counts in the quote currency.
    bought = rest.buy("100")
    cost, amount, fee = (D(bought[name]) for name in ("deal_money", "deal_amount", "deal_fee"))
    assert (bought["status"], bought["amount_asset"]) == ("done", "USDT")
    assert D("99") < cost <= 100
    assert rest.money("BTC") == btc + amount
    assert abs(rest.money("USDT") - (usdt - cost - fee)) < D("1e-7")
    deals = rest.do("GET", "/order/deals", id=bought["id"], page=1, limit=100)["data"]
    assert sum(D(deal["amount"]) for deal in deals) == amount
    mine = rest.do("GET", "/order/user/deals", market="BTCUSDT", page=1, limit=100)["data"]
    assert {deal["id"] for deal in deals} <= {deal["id"] for deal in mine}
    done = rest.do("GET", "/order/finished", market="BTCUSDT", page=1, limit=100, start_time=0, end_time=2**33)
    assert done["data"][0]["id"] == bought["id"]


def test_a_cancel_without_an_id_cancels_all(rest: Rest) -> None:
    orders = [rest.limit(client_id="same")["id"] for _ in range(3)]
    other = rest.limit(client_id="other")["id"]
    assert sorted(rest.pending()) == sorted([*orders, other])
    answers = rest.do("DELETE", "/order/pending/by_client_id", market="BTCUSDT", client_id="same")
    assert sorted(answer["order"]["id"] for answer in answers) == orders
    assert rest.pending() == [other]
    rest.do("DELETE", "/order/pending", market="BTCUSDT")
    assert rest.pending() == []


def test_stop_orders_have_no_id_until_they_are_looked_up(rest: Rest) -> None:
    below = str((rest.last() * D("0.8")).quantize(D("0.01")))
    order = {"market": "BTCUSDT", "type": "sell", "amount": "0.01", "stop_price": below, "client_id": "stop_1"}
    assert rest.do("POST", "/order/stop/limit", price=below, **order) == {"status": "success"}
    assert rest.do("POST", "/order/stop/market", **order) is None
    found = rest.do("GET", "/order/stop/pending", client_id="stop_1", page=1, limit=10)["data"]
    assert sorted(row["order_type"] for row in found) == ["limit", "market"]
    assert {row["state"] for row in found} == {1}
    rest.do("DELETE", f"/order/stop/pending/{found[0]['order_id']}", market="BTCUSDT")
    rest.do("DELETE", "/order/stop/pending/by_client_id", market="BTCUSDT", client_id="stop_1")
    assert rest.do("GET", "/order/stop/pending", page=1, limit=10)["data"] == []


async def test_every_checksum_of_the_depth_is_right(practice: Practice) -> None:
    async with connected(practice) as link:
        topics = [["BTCUSDT", 10, "0"], ["ETHUSDT", 20, "0.1", True], ["CETUSDT", 5, "0", False]]
        assert await link.do("depth.subscribe_multi", *topics) == "success"
        books = {"BTCUSDT": Book(10), "ETHUSDT": Book(20), "CETUSDT": Book(5)}
        fulls: dict[str, list[bool]] = {market: [] for market in books}
        while min(len(fulls["BTCUSDT"]), len(fulls["ETHUSDT"])) < 25:
            is_full, body, market = await link.pushed("depth.update")
            books[market].take(is_full, body)
            fulls[market].append(is_full)
            assert books[market].checksum() == body["checksum"]
        assert fulls["BTCUSDT"][0] is True
        assert fulls["BTCUSDT"].count(False) > 20
        assert all(fulls["CETUSDT"])

        # A new subscription takes the place of the old one.
        assert await link.do("depth.subscribe", "BTCUSDT", 5, "0") == "success"
        link.pushes.clear()
        for _ in range(5):
            assert (await link.pushed("depth.update"))[2] == "BTCUSDT"
        assert await link.do("depth.unsubscribe") == "success"
        answer = await link.do("depth.query", "BTCUSDT", 10, "0")
        copy = Book(10)
        copy.take(True, answer)
        assert copy.checksum() == answer["checksum"]


async def test_deals_and_states_are_pushed(practice: Practice, rest: Rest) -> None:
    async with connected(practice) as link:
        assert await link.do("server.ping") == "pong"
        assert abs(await link.do("server.time") - time.time()) < 5
        for _ in range(3):
            await asyncio.to_thread(rest.buy, "20")
        assert await link.do("deals.subscribe", "BTCUSDT", "ETHUSDT") == "success"
        numbers: list[int] = []
        while len(numbers) < 6:  # the first push has what was before the subscription
            await asyncio.to_thread(rest.buy, "20")
            market, deals = await link.pushed("deals.update")
            assert {deal["type"] for deal in deals} <= {"buy", "sell"}
            if market == "BTCUSDT":
                numbers += [deal["id"] for deal in reversed(deals)]  # newest first
        assert numbers == sorted(set(numbers))
        assert await link.do("state.subscribe") == "success"
        (states,) = await link.pushed("state.update")
        assert D(states["BTCUSDT"]["low"]) <= D(states["BTCUSDT"]["last"]) <= D(states["BTCUSDT"]["high"])
        assert (await link.ask("no.such"))["error"]["code"] == 4
        assert (await link.ask("order.subscribe"))["error"]["code"] == 6


async def test_the_account_is_pushed_to_who_has_signed(practice: Practice, rest: Rest) -> None:
    async with connected(practice) as link:
        assert (await link.sign(rest.key, "wrong"))["error"]["code"] == 6
        assert (await link.sign(rest.key, rest.secret))["result"] == {"status": "success"}
        assert await link.do("order.subscribe", "BTCUSDT") == "success"
        assert await link.do("deals_own.subscribe", "BTCUSDT") == "success"
        assert await link.do("asset.subscribe", "USDT", "BTC") == "success"

        order = await asyncio.to_thread(rest.limit, client_id="told")
        event, row = await link.pushed("order.update")
        assert (event, row["id"], row["client_id"], row["left"]) == (1, order["id"], "told", "0.01000000")
        (assets,) = await link.pushed("asset.update")
        assert D(assets["USDT"]["frozen"]) > 0
        await asyncio.to_thread(rest.do, "DELETE", "/order/pending", market="BTCUSDT", id=order["id"])
        event, row = await link.pushed("order.update")
        assert (event, row["id"], row["deal_stock"]) == (3, order["id"], "0")

        sell: dict[str, Any] = {"market": "BTCUSDT", "type": "sell", "amount": "0.02"}
        sold = await asyncio.to_thread(rest.do, "POST", "/order/market", **sell)
        while event != 3 or row["id"] != sold["id"]:
            event, row = await link.pushed("order.update")
        assert (D(row["deal_stock"]), D(row["left"])) == (D("0.02"), D(0))
        amount = D(0)
        while amount < D("0.02"):
            market, deals = await link.pushed("deals_own.update")
            assert market == "BTCUSDT"
            assert {deal["order_id"] for deal in deals} == {sold["id"]}
            amount += sum(D(deal["amount"]) for deal in deals)
        assert amount == D("0.02")
        mine = await asyncio.to_thread(rest.do, "GET", "/balance/info")
        await link.until(lambda: ("asset.update", [{name: mine[name] for name in ("USDT", "BTC")}]) in link.pushes)


def test_clients_may_leave_out_what_their_demos_leave_out(rest: Rest) -> None:
    number = rest.limit(amount=0.01, client_id="")["id"]  # a float, as careless clients send it
    assert [row["id"] for row in rest.do("GET", "/order/pending", market="BTCUSDT")["data"]] == [number]
    tiny = rest.limit(amount="1E-3")
    assert tiny["amount"] == "0.00100000"
    bought = rest.buy("20")["id"]
    assert rest.do("GET", "/order/finished", market="BTCUSDT", page=1, limit=10)["data"][0]["id"] == bought
    assert rest.do("GET", "/balance/") == rest.do("GET", "/balance/info")

    below = str((rest.last() * D("0.8")).quantize(D("0.01")))
    rest.do("POST", "/order/stop/market", market="BTCUSDT", type="sell", amount="0.01", stop_price=below)
    stop = rest.do("GET", "/order/stop/pending")["data"][0]["order_id"]
    assert rest.do("DELETE", f"/order/stop/pending/{stop}", market="BTCUSDT", id=stop) in ({}, None)
    gone = rest.do("DELETE", "/order/pending/batch", market="BTCUSDT", batch_ids=f"{number},{tiny['id']},1")
    assert [(item["code"], item["data"] and item["data"]["id"]) for item in gone] == [
        (0, number),
        (0, tiny["id"]),
        (600, None),
    ]


NONSENSE: tuple[tuple[int, str, str, bytes], ...] = (
    (405, "GET", "/v1/order/limit", b""),
    (405, "POST", "/v1/market/list", b"{}"),
    (405, "OPTIONS", "/v1/market/list", b""),
    (404, "GET", "/v1/no/such", b""),
    (404, "GET", "/", b""),
    (200, "GET", "/v1/market/detail", b""),
    (200, "GET", "/v1/market/depth?market=%ff%00&merge=0", b""),
    (200, "GET", "/v1/market/deals?market=BTCUSDT&limit=" + "9" * 5_000, b""),
    (200, "GET", "/v1/market/detail?market=" + "x" * 10_000, b""),
    (200, "GET", "/v1/balance/info", b""),
    (200, "POST", "/v1/order/limit", b""),
    (200, "POST", "/v1/order/limit", b'{"market":'),
    (200, "POST", "/v1/order/limit", b"[" * 100_000),
    (200, "POST", "/v1/order/limit", b'{"amount": NaN, "price": Infinity}'),
    (200, "POST", "/v1/order/limit", b'{"market": "\xff"}'),
    (200, "POST", "/v1/order/limit", b"x" * 1_000_000),
)


@pytest.mark.parametrize(("status", "method", "path", "body"), NONSENSE)
def test_nonsense_is_answered_as_a_venue_would(
    rest: Rest, status: int, method: str, path: str, body: bytes
) -> None:
    answer = rest.client.request(method, path, content=body)
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["code"] != 0
    assert rest.read("/market/list") == list(SYMBOLS)


def test_signed_nonsense_is_refused_by_its_code(rest: Rest) -> None:
    order = {"market": "BTCUSDT", "type": "buy", "amount": "0.01", "price": "50000.00"}
    batch = [{"type": "buy", "amount": "0.01", "price": "50000.00"}]
    assert rest.code("POST", "/order/limit", **(order | {"amount": "٠.٠١"})) == 2
    assert rest.code("POST", "/order/limit", **(order | {"client_id": "né"})) == 2
    assert rest.code("POST", "/order/limit", **(order | {"amount": "0.00000001"})) == 602
    assert rest.code("POST", "/order/limit", **(order | {"amount": "99999"})) == 107
    assert rest.code("POST", "/order/limit", **(order | {"type": "sell", "price": "0.01"})) == 606
    assert rest.code("POST", "/order/limit/batch", market="BTCUSDT", batch_orders=batch) == 2
    text = rest.do("POST", "/order/limit/batch", market="BTCUSDT", batch_orders=json.dumps([*batch, {}]))
    assert [item["code"] for item in text] == [0, 2]
    assert rest.pending() == [text[0]["data"]["id"]]
    lone = json.dumps([{**batch[0], "source_id": "\ud800"}])
    assert rest.code("POST", "/order/limit/batch", market="BTCUSDT", batch_orders=lone) == 2
    answer = rest.client.post(
        "/v1/order/limit",
        content=b'{"access_id": "%s", "tonce": %d, "source_id": "\\ud800"}' % (rest.key.encode(), now_ms()),
        headers={"authorization": "0" * 32},
    )
    assert (answer.status_code, answer.json()["code"] != 0) == (200, True)


def test_a_hundred_requests_need_one_connection(practice: Practice, rest: Rest) -> None:
    before = practice.connections
    answers = [rest.client.get("/v1/market/list") for _ in range(100)]
    assert all(answer.status_code == 200 for answer in answers)
    assert {answer.headers.get("content-encoding") for answer in answers} == {None}
    assert practice.connections <= before + 1


def test_who_goes_away_half_way_leaves_no_trace(
    practice: Practice, rest: Rest, caplog: pytest.LogCaptureFixture
) -> None:
    rest.read("/market/list")
    before = practice.connections
    with socket.create_connection(("127.0.0.1", practice.port)) as link:
        link.sendall(b"POST /v1/order/limit HTTP/1.1\r\nHost: x\r\nUser-Agent: x\r\nContent-Length: 99\r\n\r\n{")
        while practice.connections <= before:
            rest.read("/market/list")
    while practice.connections > before:
        rest.read("/market/list")
    for _ in range(5):  # so that the server has done with it
        rest.read("/market/list")
    assert caplog.records == []


async def test_a_socket_answers_nonsense_and_goes_on(practice: Practice) -> None:
    async with connected(practice) as link:
        for frame in ("{", "[]", "null", "[" * 50_000, '{"id": 1e400}', "\x00", b"\xff\xfe", '{"a": "\\ud800"}'):
            assert (await link.send(frame))["error"]["code"] == 1
        wrong: tuple[list[Any], ...] = (["NONE", 5, "0"], ["BTCUSDT", 7, "0"], ["BTCUSDT", 5, 1], [None], [{}])
        for params in wrong:
            assert (await link.ask("depth.subscribe", *params))["error"]["code"] == 1
        assert await link.do("server.ping") == "pong"
