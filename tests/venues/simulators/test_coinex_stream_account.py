"""The CoinEx simulator's private pushes and queries."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.simulators.coinex_streams import Rig, StreamClient, rig
from venues.model import OrderType, Side, TimeInForce
from venues.simulators.orders import OrderWish

# The document's example of order.update, and what live captures carry beside it.
ORDER_FIELDS = {
    "asset_fee", "account", "money_fee", "stock_fee", "ctime", "maker_fee", "price", "deal_stock",
    "fee_discount", "side", "source", "amount", "user", "mtime", "fee_asset", "deal_money", "left", "type", "id",
    "market", "taker_fee", "client_id", "stop_id",
}  # fmt: skip
CAPTURED_FIELDS = {
    "option", "last_deal_amount", "last_deal_price", "last_deal_time", "last_deal_id", "last_role",
}  # fmt: skip
STOP_FIELDS = {
    "id", "type", "side", "user", "account", "option", "state", "ctime", "mtime", "market", "source",
    "client_id", "stop_price", "price", "amount", "taker_fee", "maker_fee", "fee_discount", "fee_asset",
}  # fmt: skip


def wish(side: Side, quantity: str, price: str | None = None, **more: Any) -> OrderWish:
    return OrderWish(
        symbol="BTCUSDT",
        side=side,
        type=OrderType.LIMIT if price else OrderType.MARKET,
        quantity=Decimal(quantity),
        price=Decimal(price) if price else None,
        **more,
    )


async def subscribed(opened: Rig) -> StreamClient:
    client = await opened.client(is_signed=True)
    for channel in ("order", "deals_own", "asset"):
        assert await client.result(f"{channel}.subscribe") == "success"
    return client


async def test_an_order_is_told_from_its_placing_over_its_fills_to_its_end() -> None:
    async with rig() as opened:
        client = await subscribed(opened)
        opened.simulator.act({"do": "clear", "symbol": "BTCUSDT"})

        order = opened.market.place(wish(Side.BUY, "0.5", "60000.00", client_id="mine_1", source="api"))
        opened.trade("BTCUSDT", "sell", "0.2")
        opened.market.cancel(order.id)
        await client.result("server.ping")
        pushes = list(client.pushes)

        events = [push["params"] for push in pushes if push["method"] == "order.update"]
        assert [event for event, _ in events] == [1, 2, 3]
        put, update, finish = (row for _, row in events)
        assert set(put) == set(update) == set(finish) == ORDER_FIELDS | CAPTURED_FIELDS
        assert (put["id"], put["client_id"], put["side"], put["type"]) == (order.id, "mine_1", 2, 1)
        assert (put["market"], put["account"], put["source"]) == ("BTCUSDT", 0, "api")
        assert (put["price"], put["amount"], put["left"]) == ("60000.00000000", "0.50000000", "0.50000000")
        assert (put["deal_stock"], put["deal_money"], put["money_fee"]) == ("0", "0", "0")
        assert (update["left"], update["deal_stock"], update["deal_money"]) == ("0.30000000", "0.2", "12000")
        assert (update["last_deal_amount"], update["last_deal_price"], update["last_role"]) == ("0.2", "60000", 1)
        assert Decimal(update["money_fee"]) == Decimal(12000) * Decimal(update["maker_fee"])
        assert (finish["left"], finish["deal_stock"]) == ("0.30000000", "0.2")
        assert put["ctime"] == finish["ctime"] == opened.clock.now / 1e9
        (deal,) = [push["params"] for push in pushes if push["method"] == "deals_own.update"]
        assert deal == [
            "BTCUSDT",
            [
                {
                    "type": "buy", "time": opened.clock.now / 1e9, "price": "60000.00", "amount": "0.20000000",
                    "id": update["last_deal_id"], "order_id": order.id, "client_id": "mine_1",
                }
            ],
        ]  # fmt: skip
        assets = [push["params"][0] for push in pushes if push["method"] == "asset.update"]
        frozen = [Decimal(asset["USDT"]["frozen"]) for asset in assets if "USDT" in asset]
        assert frozen[0] > frozen[1] > frozen[-1] == 0
        assert set(assets[0]["USDT"]) == {"available", "frozen"}
        balances = {one.currency: one for one in opened.market.accounts.balances(0)}
        assert Decimal(assets[-1]["USDT"]["available"]) == balances["USDT"].available
        names = [push["method"] for push in pushes]
        assert names.index("order.update") == 0
        assert names.index("deals_own.update") < len(names) - 1 - names[::-1].index("order.update")


async def test_every_fill_of_a_sweep_is_told_and_then_the_end() -> None:
    async with rig() as opened:
        client = await subscribed(opened)
        opened.simulator.act({"do": "clear", "symbol": "BTCUSDT"})
        for price in ("60001.00", "60002.00", "60003.00"):
            opened.quote("BTCUSDT", "sell", price, "0.1")

        order = opened.market.place(wish(Side.BUY, "0.3"))
        await client.result("server.ping")

        events = [push["params"] for push in client.pushes if push["method"] == "order.update"]
        assert (events[0][0], events[-1][0]) == (1, 3)
        assert [row["deal_stock"] for _, row in events] == sorted(row["deal_stock"] for _, row in events)
        assert {row["deal_stock"] for _, row in events} == {"0", "0.1", "0.2", "0.3"}
        assert {row["id"] for _, row in events} == {order.id}
        last = events[-1][1]
        assert (last["left"], last["price"], last["type"], last["last_role"]) == ("0.00000000", "0", 2, 2)
        deals = [push["params"][1][0] for push in client.pushes if push["method"] == "deals_own.update"]
        assert [deal["price"] for deal in deals] == ["60001.00", "60002.00", "60003.00"]
        assert len({deal["id"] for deal in deals}) == 3


async def test_a_market_buy_is_told_in_quote_units() -> None:
    async with rig() as opened:
        client = await subscribed(opened)

        opened.market.place(wish(Side.BUY, "1000", is_quote=True))
        await client.result("server.ping")

        rows = [push["params"][1] for push in client.pushes if push["method"] == "order.update"]
        assert {row["amount"] for row in rows} == {"1000.00000000"}
        assert Decimal(rows[-1]["left"]) == Decimal(1000) - Decimal(rows[-1]["deal_money"])
        assert Decimal(rows[-1]["left"]) < Decimal("0.01")


async def test_an_immediate_order_without_a_counterpart_ends_without_a_fill() -> None:
    async with rig() as opened:
        client = await subscribed(opened)

        order = opened.market.place(wish(Side.BUY, "0.1", "1000.00", time_in_force=TimeInForce.IOC))
        await client.result("server.ping")

        rows = [push["params"] for push in client.pushes if push["method"] == "order.update"]
        assert rows[-1][1]["id"] == order.id
        assert rows[-1][1]["left"] == "0.10000000"


async def test_an_amended_order_is_told_as_an_update() -> None:
    async with rig() as opened:
        client = await subscribed(opened)

        order = opened.market.place(wish(Side.BUY, "0.1", "50000.00"))
        opened.market.amend(order.id, price=Decimal("50001.00"))
        await client.result("server.ping")

        update = next(push["params"][1] for push in client.pushes if push["params"][0] == 2)
        assert (update["id"], update["price"], update["deal_stock"]) == (order.id, "50001.00000000", "0")


async def test_a_stop_order_is_told_listed_and_triggered() -> None:
    async with rig() as opened:
        client = await subscribed(opened)
        last = opened.market.last("BTCUSDT")
        stop = opened.market.place_stop(wish(Side.SELL, "0.1", "50000.00", client_id="s"), last - 20)
        above = opened.market.place_stop(wish(Side.BUY, "0.1", "70000.00"), last + 5000)

        listed = await client.result("order.query_stop", "BTCUSDT", 1, 0, 10)
        both = await client.result("order.account_query_stop", -1, "BTCUSDT", 0, 0, 10)
        opened.trade("BTCUSDT", "sell", "100")
        opened.market.cancel_stop(above.id)
        await client.result("server.ping")

        assert (listed["total"], listed["limit"], listed["offset"]) == (1, 10, 0)
        assert set(listed["records"][0]) == STOP_FIELDS
        assert listed["records"][0]["stop_price"] == f"{last - 20:.8f}"
        assert {row["id"]: row["state"] for row in both["records"]} == {stop.id: 1, above.id: 2}
        told = [push["params"] for push in client.pushes if push["method"] == "order.update_stop"]
        assert [(event, row["id"], row["status"]) for event, row in told] == [
            (1, stop.id, 0),
            (1, above.id, 0),
            (3, stop.id, 1),
            (3, above.id, 0),
        ]
        assert told[0][1]["direction"] == 1
        orders = [push["params"] for push in client.pushes if push["method"] == "order.update"]
        assert (orders[0][0], orders[0][1]["stop_id"], orders[0][1]["client_id"]) == (1, stop.id, "s")


async def test_only_what_was_subscribed_is_told_and_a_repeated_subscription_replaces_it() -> None:
    async with rig() as opened:
        client = await opened.client(is_signed=True)
        stranger = await opened.client()
        await client.result("order.subscribe", "ETHUSDT")
        await client.result("asset.subscribe", "ETH", "LTC")

        opened.market.place(wish(Side.BUY, "0.01", "50000.00"))
        await client.result("server.ping")
        first = list(client.pushes)
        await client.result("order.subscribe", "BTCUSDT")
        await client.result("asset.subscribe", "USDT")
        opened.market.place(wish(Side.BUY, "0.01", "50000.00"))
        await client.result("order.unsubscribe")
        await client.result("asset.unsubscribe")
        opened.market.place(wish(Side.BUY, "0.01", "50000.00"))
        await client.result("server.ping")

        assert first == []
        assert {push["method"] for push in client.pushes} == {"order.update", "asset.update"}
        assert list(client.pushes[-1]["params"][0]) == ["USDT"]
        assert len(client.pushes) == 2
        assert not stranger.pushes


async def test_order_queries_page_and_filter() -> None:
    async with rig() as opened:
        client = await opened.client(is_signed=True)
        buys = [opened.market.place(wish(Side.BUY, "0.01", f"5000{n}.00")) for n in range(5)]
        sell = opened.market.place(wish(Side.SELL, "0.01", "90000.00"))

        everything = await client.result("order.query", "BTCUSDT", 0, 0, 100)
        page = await client.result("order.query", "BTCUSDT", 2, 1, 2)
        account = await client.result("order.account_query", 0, "BTCUSDT", 1, 0, 10)
        margin = await client.result("order.account_query", -2, "BTCUSDT", 0, 0, 10)

        assert everything["total"] == len(everything["records"]) == 6
        assert set(everything["records"][0]) == ORDER_FIELDS | CAPTURED_FIELDS
        assert (page["total"], page["offset"], page["limit"]) == (5, 1, 2)
        assert [row["id"] for row in page["records"]] == [buys[3].id, buys[2].id]
        assert [row["id"] for row in account["records"]] == [sell.id]
        assert (margin["total"], margin["records"]) == (0, [])
        for params in (["BTCUSDT", 3, 0, 10], ["BTCUSDT", 0, -1, 10], ["BTCUSDT", 0, 0, 0], ["NOSUCH", 0, 0, 10]):
            assert await client.refusal("order.query", *params) == 1
        assert await client.refusal("order.account_query", 9999, "BTCUSDT", 0, 0, 10) == 1


async def test_asset_queries_show_each_account() -> None:
    async with rig() as opened:
        client = await opened.client(is_signed=True)
        opened.market.place(wish(Side.BUY, "0.1", "50000.00"))
        balances = {one.currency: one for one in opened.market.accounts.balances(0)}

        some = await client.result("asset.query", "BTC", "USDT")
        everything = await client.result("asset.query")
        account = await client.result("asset.account_query", 0, ["BTC"])
        margin = await client.result("asset.account_query", opened.simulator.margin_accounts["BTCUSDT"], ["BTC"])
        accounts = await client.result("asset.account_query_all")

        assert set(some) == {"BTC", "USDT"}
        assert Decimal(some["USDT"]["frozen"]) == balances["USDT"].locked > 0
        assert Decimal(some["USDT"]["available"]) == balances["USDT"].available
        assert set(everything) == {"BTC", "ETH", "LTC", "USDT"}
        assert everything["LTC"] == {"available": "0", "frozen": "0"}
        assert account == {"BTC": some["BTC"]}
        assert margin == {"BTC": {"available": "0", "frozen": "0"}}
        assert accounts["0"]["USDT"] == some["USDT"]
        assert set(accounts) == {"0", *map(str, opened.simulator.margin_accounts.values())}
        assert await client.refusal("asset.query", "NOSUCH") == 1
        assert await client.refusal("asset.account_query", -1, []) == 1


async def test_own_deals_are_queried_by_side_and_time() -> None:
    async with rig() as opened:
        client = await opened.client(is_signed=True)
        opened.market.place(wish(Side.BUY, "0.02"))
        await opened.clock.advance(100)
        opened.market.place(wish(Side.SELL, "0.01"))
        now = opened.clock.now // 10**9

        everything = await client.result("deals.query_user", 0, "BTCUSDT", 0, 0, 0, 0, 10)
        sells = await client.result("deals.query_user", -1, "BTCUSDT", 1, 0, 0, 0, 10)
        early = await client.result("deals.query_user", 0, "BTCUSDT", 0, 0, now - 50, 0, 10)
        late = await client.result("deals.query_user", 0, "BTCUSDT", 0, now - 50, 0, 0, 10)
        second = await client.result("deals.query_user", 0, "BTCUSDT", 0, 0, 0, 1, 1)

        assert {deal["type"] for deal in everything} == {"buy", "sell"}
        assert set(everything[0]) == {"type", "time", "price", "id", "amount"}
        assert {deal["type"] for deal in sells} == {"sell"}
        assert sells == late
        assert early == everything[len(late) :]
        assert second == everything[1:2]
        assert sum(Decimal(deal["amount"]) for deal in early) == Decimal("0.02")


async def test_a_maintenance_notice_reaches_those_who_subscribed() -> None:
    async with rig() as opened:
        client = await opened.client(is_signed=True)
        other = await opened.client(is_signed=True)
        assert await client.refusal("notice.subscribe", 102) == 1
        assert await client.result("notice.subscribe", 101) == "success"

        opened.simulator.act({"do": "notice", "starts_in": 60, "lasts": 120})
        number, notice = await client.push("notice.update")
        await client.result("notice.unsubscribe")
        opened.simulator.act({"do": "notice"})
        await client.result("server.ping")

        start = opened.clock.now // 10**9 + 60
        assert (number, notice) == (101, {"started_at": start, "ended_at": start + 120, "scope": ["SPOT"]})
        assert not client.pushes
        assert not other.pushes
