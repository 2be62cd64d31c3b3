"""Reads of MAX by REST: lists of orders and trades with their cursors, a trade with oneself, public data."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.venues.simulators.max_rig import NOW, Rig, rig
from tests.venues.simulators.test_local_life import recorded, snapshot, trade
from venues.simulators.serving import serving

D = Decimal


@pytest.fixture
async def opened() -> AsyncIterator[Rig]:
    async with rig() as made:
        made.book("BTCTWD", "2799000", "2801000")
        yield made


def ids(rows: Any) -> list[int]:
    return [row["id"] for row in rows]


async def test_lists_of_orders_have_their_cursors(opened: Rig) -> None:
    orders = []
    for price in ("2000000", "2000001", "2000002", "2000003"):
        orders.append(await opened.place(price=price))
        await opened.turn(1)
    first, second, third, fourth = ids(orders)
    await opened.rest.do("DELETE", "/order", id=second)
    await opened.turn()
    get, path = opened.rest.do, "/wallet/spot/orders"
    assert ids(await get("GET", f"{path}/open", market="btctwd")) == [fourth, third, first]
    assert ids(await get("GET", f"{path}/open", order_by="asc", limit=2)) == [first, third]
    at = orders[2]["created_at"]
    assert ids(await get("GET", f"{path}/open", timestamp=at)) == [third, first]
    assert ids(await get("GET", f"{path}/open", timestamp=at, order_by="asc")) == [third, fourth]
    assert ids(await get("GET", f"{path}/closed", market="btctwd")) == [second]
    assert ids(await get("GET", f"{path}/open", market="btcusdt")) == []
    assert ids(await get("GET", f"{path}/history", market="btctwd")) == [first, second, third, fourth]
    assert ids(await get("GET", f"{path}/history", market="btctwd", from_id=second, limit=2)) == [second, third]
    assert ids(await get("GET", "/wallet/m/orders/history", market="btctwd")) == []
    for words in ({"limit": 0}, {"limit": 1001}, {"order_by": "up"}, {"timestamp": 1}):
        assert await opened.rest.refusal("GET", f"{path}/open", **words) == (400, 1001)
    assert await opened.rest.refusal("GET", f"{path}/closed", timestamp=1_520_000_000_000) == (400, 1001)
    assert await opened.rest.refusal("GET", f"{path}/history") == (400, 1001)


async def test_trades_have_their_cursors_and_the_time_wins(opened: Rig) -> None:
    for _ in range(3):
        await opened.place(ord_type="market", price=None)
        await opened.turn(1)
    get = opened.rest.do
    newest = await get("GET", "/wallet/spot/trades")
    first, second, third = reversed(ids(newest))
    assert ids(await get("GET", "/wallet/spot/trades", order="asc", limit=2)) == [first, second]
    assert ids(await get("GET", "/wallet/spot/trades", order="asc", from_id=second)) == [second, third]
    assert ids(await get("GET", "/wallet/spot/trades", from_id=second)) == [second, first]
    at = newest[0]["created_at"]
    both = await get("GET", "/wallet/spot/trades", order="asc", timestamp=at, from_id=first)
    assert ids(both) == [third]
    assert ids(await get("GET", "/wallet/spot/trades", market="btcusdt")) == []
    assert ids(await get("GET", "/wallet/m/trades")) == []
    assert newest[0]["market_name"] == "BTC/TWD"


async def test_the_fee_comes_a_little_later(opened: Rig) -> None:
    order = await opened.place(ord_type="market", price=None)
    (young,) = await opened.rest.do("GET", "/order/trades", order_id=order["id"])
    assert (young["fee"], young["fee_currency"], young["fee_discounted"]) == (None, None, None)
    await opened.turn(0.2)
    (known,) = await opened.rest.do("GET", "/order/trades", order_id=order["id"])
    assert (known["fee"], known["fee_currency"], known["fee_discounted"]) == ("0.000015", "btc", False)


async def test_a_trade_with_oneself_is_one_row_of_two_orders(opened: Rig) -> None:
    before = {row["currency"]: row["balance"] for row in await opened.rest.do("GET", "/wallet/spot/accounts")}
    sell = await opened.place(side="sell", price="2800000", client_oid="ask")
    buy = await opened.place(side="buy", price="2800000", client_oid="bid")
    await opened.turn(0.2)
    assert [(await opened.order(one["id"]))["state"] for one in (sell, buy)] == ["done", "done"]
    for name in ("ask", "bid"):
        (row,) = await opened.rest.do("GET", "/order/trades", client_oid=name)
        assert (row["side"], row["order_id"], row["self_trade_bid_order_id"]) == (
            "self-trade", sell["id"], buy["id"],
        )  # fmt: skip
        assert (row["liquidity"], row["fee"], row["self_trade_bid_fee"]) == ("maker", "12.6", "0.000015")
        assert (row["fee_currency"], row["self_trade_bid_fee_currency"]) == ("twd", "btc")
        assert row["self_trade_bid_fee_discounted"] is False
    assert len(await opened.rest.do("GET", "/wallet/spot/trades")) == 1
    assert [fill["side"] for fill in opened.simulator.state()["fills"]] == ["sell", "buy"]
    after = {row["currency"]: row["balance"] for row in await opened.rest.do("GET", "/wallet/spot/accounts")}
    assert D(before["btc"]) - D(after["btc"]) == D("0.000015")
    assert D(before["twd"]) - D(after["twd"]) == D("12.6")


async def test_depth_has_the_worst_ask_first(opened: Rig) -> None:
    opened.act("quote", symbol="BTCTWD", side="sell", price="2805000", quantity="2")
    opened.act("quote", symbol="BTCTWD", side="buy", price="2790000", quantity="3")
    depth = await opened.rest.read("/depth", market="btctwd")
    assert depth["asks"] == [["2805000.0", "2.0"], ["2801000.0", "1.0"]]
    assert depth["bids"] == [["2799000.0", "1.0"], ["2790000.0", "3.0"]]
    assert depth["timestamp"] == NOW // 1000
    best = await opened.rest.read("/depth", market="btctwd", limit=1, sort_by_price="true")
    assert (best["asks"], best["bids"]) == ([["2801000.0", "1.0"]], [["2799000.0", "1.0"]])
    opened.act("quote", symbol="BTCTWD", side="buy", price="2790000", quantity="1")
    later = await opened.rest.read("/depth", market="btctwd")
    assert later["last_update_version"] == depth["last_update_version"]
    assert later["last_update_id"] == depth["last_update_id"] + 1


async def test_public_trades_tell_the_makers_side(opened: Rig) -> None:
    opened.act("trade", symbol="BTCTWD", side="buy", quantity="0.1")
    opened.clock.turn(2)
    opened.act("trade", symbol="BTCTWD", side="sell", quantity="0.2")
    rows = await opened.rest.read("/trades", market="btctwd")
    assert [(row["side"], row["price"], row["volume"]) for row in rows] == [
        ("buy", "2799000.0", "0.2"),
        ("sell", "2801000.0", "0.1"),
    ]
    assert rows[1]["created_at"] == NOW
    assert ids(await opened.rest.read("/trades", market="btctwd", timestamp=NOW)) == [rows[1]["id"]]
    assert ids(await opened.rest.read("/trades", market="btctwd", limit=1)) == [rows[0]["id"]]


async def test_candles_are_numbers_in_ascending_order(opened: Rig) -> None:
    for period in (1, 5, 15, 30, 60, 120, 240, 360, 720, 1440, 4320, 10080):
        rows = await opened.rest.read("/k", market="btctwd", period=period, limit=3)
        assert all(row[0] % (period * 60) == 0 for row in rows) or period > 1440
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)
        assert all(isinstance(number, D) for row in rows for number in row[1:])
        assert all(row[3] <= min(row[1], row[4]) <= max(row[1], row[4]) <= row[2] for row in rows)
    rows = await opened.rest.read("/k", market="btctwd")
    assert len(rows) == 30
    since = await opened.rest.read("/k", market="btctwd", timestamp=rows[10][0], limit=5)
    assert [row[0] for row in since] == [row[0] for row in rows[10:15]]
    assert (await opened.rest.http.get("/api/v3/k", params={"market": "btctwd", "period": 2})).status_code == 400


async def test_tickers_are_of_all_markets_or_of_those_named(opened: Rig) -> None:
    every = await opened.rest.read("/tickers")
    assert [row["market"] for row in every] == ["btctwd", "btcusdt", "usdttwd"]
    named = await opened.rest.read("/tickers", **{"markets[]": ["usdttwd", "btctwd"]})
    assert [row["market"] for row in named] == ["usdttwd", "btctwd"]
    one = await opened.rest.read("/ticker", market="btctwd")
    assert one == every[0]
    assert (one["buy"], one["sell"], one["buy_vol"], one["at"]) == ("2799000.0", "2801000.0", "1.0", NOW // 1000)
    answer = await opened.rest.http.get("/api/v3/tickers", params={"markets[]": ["btctwd", "nothing"]})
    assert answer.json()["error"]["code"] == 1001


async def test_minimums_may_have_an_exponent(opened: Rig) -> None:
    text = (await opened.rest.http.get("/api/v3/markets")).text
    assert '"min_base_amount":8.0e-05' in text and '"min_quote_amount":250' in text


async def test_times_are_in_seconds_here_and_in_milliseconds_there(opened: Rig) -> None:
    assert (await opened.rest.read("/timestamp"))["timestamp"] == NOW // 1000
    assert (await opened.place())["created_at"] == NOW
    old = await opened.rest.read(
        "/wallet/m/historical_index_prices", market="btcusdt", start_time=NOW - 7_200_000, end_time=NOW
    )
    assert [row["timestamp"] for row in old] == sorted(row["timestamp"] for row in old)
    assert NOW - 7_200_000 <= int(old[0]["timestamp"]) <= NOW
    words: dict[str, Any] = {"market": "btcusdt", "start_time": NOW - 31 * 86_400_000, "end_time": NOW}
    answer = await opened.rest.http.get("/api/v3/wallet/m/historical_index_prices", params=words)
    assert answer.json()["error"]["code"] == 1001


async def test_a_recording_is_shown_with_its_own_steps(tmp_path: Path) -> None:
    path = recorded(
        tmp_path / "a.jsonl", snapshot(1000, [("100.5", "1")], [("101", "3")]), trade(1001, "buy", "101", "0.25")
    )
    async with (
        serving("max", replay=path) as practice,
        httpx.AsyncClient(base_url=practice.rest_url, trust_env=False) as http,
    ):
        (market,) = (await http.get("/api/v3/markets")).json()
        ticker = (await http.get("/api/v3/ticker", params={"market": "btcusdt"})).json()
        prices = (await http.get("/api/v3/wallet/m/index_prices")).json()
    assert (market["id"], market["base_unit_precision"], market["quote_unit_precision"]) == ("btcusdt", 3, 1)
    assert (market["min_base_amount"], market["m_wallet_supported"]) == (0.001, True)
    assert ticker["market"] == "btcusdt"
    assert prices["usdttwd"] == "31.5", "not recorded: as it opens"
