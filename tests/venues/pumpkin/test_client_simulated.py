"""Every call of the client at the local exchange, which is written from the same document by other hands."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
import websockets

from tests.venues.pumpkin.documented import methods
from tests.venues.pumpkin.walking import BTC, ETH, PRICE, SIZE, TAKER, D, Exchange, Walk, exchange, order, resting
from venues.errors import AuthenticationError, OrderNotFound
from venues.pumpkin import PREFIX, Client
from venues.pumpkin.requests import NewPlan, NewProfitStop, ProfitStopChange

DAY = 86_400_000  # milliseconds
MARKET = {
    "time", "symbols", "symbol", "symbol_names", "ticker", "tickers", "agg_ticker", "agg_tickers", "depth",
    "deals", "klines",
}  # fmt: skip
RATES = {
    "mark_prices", "mark_price", "index_prices", "index_price", "funding_rate", "funding_history",
    "leverage_brackets", "leverage_bracket", "risk_balances", "open_interest",
}  # fmt: skip
THIRD_PARTIES = {
    "defi_contracts", "defi_fee", "cmc_contracts", "cmc_contract_specs", "cmc_depth", "cg_contracts",
    "cg_contract_specs", "cg_depth",
}  # fmt: skip
ORDERS = {
    "create_order", "create_orders", "cancel_order", "cancel_orders", "cancel_all_orders", "orders",
    "order_history", "order", "fills", "open_orders", "open_orders_of", "orders_by_ids",
}  # fmt: skip
POSITIONS = {
    "positions", "set_leverage", "change_margin", "close_all_positions", "change_position_type",
    "create_profit_stop", "update_profit_stop", "cancel_profit_stop", "cancel_all_profit_stops", "profit_stops",
    "profit_stop",
}  # fmt: skip
PLANS = {
    "create_plan", "cancel_plan", "cancel_all_plans", "plans", "plan_history", "plan", "order_entrusts",
    "cancel_order_entrust", "cancel_all_order_entrusts",
}  # fmt: skip
WALLET = {"balances", "balance", "bills", "listen_key", "rebates"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Exchange]:
    """For what changes nothing."""
    with exchange() as opened:
        yield opened


@pytest.fixture
def venue() -> Iterator[Exchange]:
    with exchange() as opened:
        yield opened


def test_every_call_is_made() -> None:
    groups = (MARKET, RATES, THIRD_PARTIES, ORDERS, POSITIONS, PLANS, WALLET)
    assert set(methods()) == set().union(*groups)
    assert len(methods()) == sum(map(len, groups)) == 66


async def test_the_market(shared: Exchange) -> None:
    async with shared.walking() as walk:
        now = await walk.call("time")
        contracts = await walk.call("symbols", status="TRADING")
        assert [each.symbol for each in contracts] == [BTC, ETH] == await walk.call("symbol_names")
        btc = await walk.call("symbol", BTC)
        assert btc == contracts[0]
        assert (btc.contract_size, btc.min_step_price, btc.min_qty) == (SIZE, D("0.1"), 1)
        assert btc.times_in_force == ("GTC", "FOK", "IOC", "GTX")
        ticker = await walk.call("ticker", BTC, time_range="UTC_P_8")
        assert ticker.low <= ticker.last == PRICE <= ticker.high
        ticker = await walk.call("ticker", BTC)
        assert ticker.low <= ticker.turnover / (ticker.volume * SIZE) <= ticker.high
        assert [each.symbol for each in await walk.call("tickers")] == [BTC, ETH]
        whole = await walk.call("agg_ticker", BTC)
        assert (whole.bid, whole.ask, whole.mark) == (PRICE - D("0.1"), PRICE + D("0.1"), PRICE)
        assert [each.symbol for each in await walk.call("agg_tickers")] == [BTC, ETH]
        book = await walk.call("depth", BTC, level=1)
        assert (book.bids, book.asks) == ([(whole.bid, 100_000)], [(whole.ask, 100_000)])
        assert book.update_id > 2**53
        (deal,) = await walk.call("deals", BTC, num=1)
        assert (deal.price, deal.quantity, deal.side) == (PRICE, 1, "BID")
        bars = await walk.call("klines", BTC, "1m", limit=3)
        assert [bar.time - older.time for bar, older in pairwise(bars)] == [60_000] * 2
        assert all(bar.low <= bar.open <= bar.high for bar in bars)
        # Of each candle the turnover is about its volume times its price, whichever of the two is which.
        assert all(bar.low <= bar.turnover / (bar.volume * SIZE) <= bar.high for bar in bars if bar.volume)
        span = {"start_time": now - 600_000, "end_time": now}
        found = await walk.call("klines", BTC, "1m", **span)
        assert 9 <= len(found) <= 11
        assert walk.made == MARKET


async def test_rates_and_tiers(shared: Exchange) -> None:
    async with shared.walking() as walk:
        mark = await walk.call("mark_price", BTC)
        assert (mark.symbol, mark.price) == (BTC, PRICE)
        assert next(each.price for each in await walk.call("mark_prices")) == PRICE
        assert (await walk.call("index_price", BTC)).price == PRICE
        assert [each.symbol for each in await walk.call("index_prices")] == [BTC, ETH]
        rate = await walk.call("funding_rate", BTC)
        assert abs(rate.funding_rate) < D("0.01")
        assert mark.time < rate.next_collection_time <= mark.time + DAY
        newest = await walk.call("funding_history", BTC, limit=2)
        older = await walk.call("funding_history", BTC, from_id=newest.items[-1].id, direction="NEXT", limit=2)
        assert (newest.has_prev, newest.has_next, older.has_prev) == (False, True, True)
        times = [each.created_time for each in (*newest.items, *older.items)]
        assert [late - early for late, early in pairwise(times)] == [newest.items[0].interval * 1000] * 3
        back = await walk.call("funding_history", BTC, from_id=older.items[0].id, direction="PREV", limit=2)
        assert back.items == newest.items
        assert len([row async for row in walk.client.iter_funding_history(BTC)]) == 40
        (tiers, _) = await walk.call("leverage_brackets")
        same = await walk.call("leverage_bracket", BTC)
        assert [each.max_leverage for each in same.leverage_brackets] == [125, 100, 50, 20]
        assert [each.max_position for each in tiers.leverage_brackets] == [
            each.max_position for each in same.leverage_brackets
        ]
        fund = await walk.call("risk_balances", BTC, limit=3)
        assert len(fund.items) == 3
        assert fund.has_next
        interest = await walk.call("open_interest", BTC)
        assert interest.open_interest_usd == pytest.approx(interest.open_interest * PRICE, rel=D("1e-6"))
        assert walk.made == RATES


async def test_the_formats_of_third_parties(shared: Exchange) -> None:
    async with shared.walking() as walk:
        now = await walk.client.time()
        (day, _) = await walk.call("defi_contracts", now)
        assert (day.symbol, day.base_asset, day.close) == ("BTC_USDT", "BTC", PRICE)
        assert day.low <= day.volume / day.amount <= day.high
        assert (await walk.call("defi_fee", now)).total_fee > 0
        for who in ("cmc", "cg"):
            (row, _) = await walk.call(f"{who}_contracts")
            assert (row.ticker_id, row.last_price, row.taker_fee) == ("BTC_USDT", PRICE, TAKER)
            assert row.bid < row.ask
            spec = await walk.call(f"{who}_contract_specs", "BTC_USDT")
            assert (spec.contract_price, spec.contract_price_currency) == (PRICE, "USDT")
            book = await walk.call(f"{who}_depth", "BTC_USDT")
            assert (book.bids, book.asks) == ([(row.bid, D(10))], [(row.ask, D(10))])
        assert walk.made == THIRD_PARTIES


async def test_orders_are_found_and_their_fills_add_up(venue: Exchange) -> None:
    async with venue.walking() as walk:
        before = (await walk.client.balance("usdt")).wallet_balance
        first = await walk.call("create_order", resting(client_order_id="ours_1"))
        row = await walk.call("order", first)
        assert (row.order_id, row.client_order_id, row.state) == (first, "ours_1", "NEW")
        assert (row.price, row.orig_qty, row.executed_qty, row.position_side) == (59_000, 100, 0, "LONG")
        assert await walk.call("open_orders", BTC, "BUY") == [row]
        assert await walk.call("open_orders", BTC, "SELL") == []
        assert await walk.call("open_orders_of", [ETH, BTC]) == [row]
        assert await walk.call("orders_by_ids", [first, "1"]) == [row]
        assert (await walk.call("orders", symbol=BTC, state="UNFINISHED", page=1, size=5)).items == [row]
        assert (await walk.call("order_history", symbol=BTC)).items == []
        await walk.call("cancel_order", first, symbol=BTC)
        assert (await walk.call("order", first)).state == "CANCELED"
        with pytest.raises(OrderNotFound):
            await walk.client.cancel_order(first)
        with pytest.raises(OrderNotFound):
            await walk.client.order(7)

        done = await walk.order(client_order_id="ours_2")
        row = await walk.call("order", done)
        assert (row.state, row.executed_qty, row.price) == ("FILLED", 100, 0)
        (fill,) = (await walk.call("fills", order_id=done)).items
        assert (fill.order_id, fill.quantity, fill.price) == (done, 100, row.avg_price)
        assert fill.fee_paid == TAKER * fill.price * fill.quantity * SIZE
        assert (await walk.client.balance("usdt")).wallet_balance == before - fill.fee_paid
        # A part of it is executed, and the rest of it ends.
        big = await walk.order(orig_qty=100_100, order_type="LIMIT", price="60000.1", leverage=25)
        row = await walk.call("order", big)
        assert (row.state, row.executed_qty) == ("PARTIALLY_CANCELED", 99_900)
        assert sum(each.quantity for each in (await walk.call("fills", order_id=big)).items) == 99_900

        history = await walk.call("order_history", symbol=BTC, limit=2)
        assert [each.order_id for each in history.items] == [big, done]
        last = await walk.call("order_history", symbol=BTC, from_id=done, direction="NEXT", limit=2)
        assert [each.order_id for each in last.items] == [first]
        assert [each.order_id async for each in walk.client.iter_order_history()] == [big, done, first]
        pages = [await walk.call("orders", page=page, size=2) for page in (1, 2)]
        assert [each.order_id for page in pages for each in page.items] == [big, done, first]
        assert (pages[1].total, pages[1].page_size) == (3, 2)
        assert [each.quantity async for each in walk.client.iter_fills(symbol=BTC)] == [99_900, 100]
        await _batches(walk)
        assert walk.made == ORDERS


async def _batches(walk: Walk) -> None:
    walk.venue.mark(PRICE)  # the whole side of sellers is gone
    ids = [f"item{number}" for number in range(4)]
    await walk.call("create_orders", [resting(client_order_id=each) for each in ids])
    rows = {each.client_order_id: each for each in await walk.client.open_orders_of([BTC])}
    assert set(rows) == set(ids)
    assert {(each.price, each.orig_qty) for each in rows.values()} == {(D(59_000), D(100))}
    more = [resting(client_order_id="item4", price="58000"), order(client_order_id="item5", orig_qty=3)]
    await walk.call("create_orders", more, cancels=[(BTC, rows["item0"].order_id)])
    assert await _open_ids(walk) == {"item1", "item2", "item3", "item4"}
    ended = (await walk.client.order_history(limit=2)).items
    assert {(each.client_order_id, each.state) for each in ended} == {("item0", "CANCELED"), ("item5", "FILLED")}
    await walk.call("cancel_orders", [rows["item1"].order_id, rows["item2"].order_id])
    assert await _open_ids(walk) == {"item3", "item4"}
    await walk.call("cancel_all_orders", symbol=ETH)
    assert await _open_ids(walk) == {"item3", "item4"}
    await walk.call("cancel_all_orders")
    assert await _open_ids(walk) == set()


async def _open_ids(walk: Walk) -> set[str | None]:
    return {each.client_order_id for each in await walk.client.open_orders_of([BTC])}


async def test_positions_with_their_exits(venue: Exchange) -> None:
    async with venue.walking() as walk:
        await walk.call("change_position_type", BTC, "ISOLATED", "AGGREGATION")
        await walk.call("set_leverage", BTC, 10)
        exits = {"trigger_profit_price": 63_000, "trigger_stop_price": "58000"}
        attached = await walk.client.create_order(order(leverage=10, **exits))
        row = await walk.client.order(attached)
        assert (row.trigger_profit_price, row.trigger_stop_price) == (D(63_000), D(58_000))
        (long,) = await walk.call("positions", symbol=BTC)
        assert (long.position_side, long.position_size, long.leverage) == ("LONG", 100, 10)
        assert (long.position_type, long.contract_size) == ("ISOLATED", SIZE)
        cost = long.entry_price * 100 * SIZE
        assert long.isolated_margin == cost / 10
        assert long.unrealized_profit(PRICE + 100) == (PRICE + 100 - long.entry_price) * 100 * SIZE

        (exit_row,) = (await walk.call("profit_stops", symbol=BTC)).items
        assert (exit_row.trigger_profit_price, exit_row.trigger_stop_price) == (63_000, 58_000)
        assert await walk.call("profit_stop", exit_row.profit_id) == exit_row
        change = ProfitStopChange(
            profit_id=exit_row.profit_id, trigger_profit_price=64_000, trigger_stop_price=57_000
        )
        assert (await walk.call("update_profit_stop", change)).status == "PROCESSING"
        changed = await walk.call("profit_stop", exit_row.profit_id)
        assert (changed.trigger_profit_price, changed.trigger_stop_price) == (64_000, 57_000)
        await walk.call("cancel_profit_stop", exit_row.profit_id)
        assert (await walk.call("profit_stop", exit_row.profit_id)).state == "USER_REVOCATION"
        with pytest.raises(OrderNotFound):
            await walk.client.cancel_profit_stop(exit_row.profit_id)

        of_it = {"symbol": BTC, "position_id": long.position_id}
        partly = NewProfitStop(**of_it, orig_qty=40, trigger_profit_price=61_000, profit_flag=2)
        await walk.call("create_profit_stop", NewProfitStop(**of_it, orig_qty=0, trigger_stop_price=57_000))
        made = await walk.call("create_profit_stop", partly)
        assert next(each.profit_id for each in (await walk.call("profit_stops")).items) == made.profit_id
        await _margin(walk, long.position_id, long.isolated_margin)
        venue.mark(61_000)
        (less,) = await walk.call("positions", symbol=BTC)
        assert (less.position_size, less.position_id) == (60, long.position_id)
        assert (await walk.call("profit_stop", made.profit_id)).state == "TRIGGERED"
        assert [each.profit_id async for each in walk.client.iter_profit_stops(symbol=BTC)] != [made.profit_id]
        await walk.call("cancel_all_profit_stops", symbol=BTC)
        assert (await walk.call("profit_stops")).items == []
        await _both_sides(walk)
        assert walk.made == POSITIONS


async def _margin(walk: Walk, position_id: str, before: Decimal) -> None:
    wallet = await walk.client.balance("usdt")
    await walk.call("change_margin", BTC, "LONG", position_id, "12.5", "ADD")
    (row,) = await walk.call("positions")
    assert row.isolated_margin == before + D("12.5")
    assert (await walk.client.balance("usdt")).available_balance == wallet.available_balance - D("12.5")
    await walk.call("change_margin", BTC, "LONG", position_id, 10, "SUB")
    (row,) = await walk.call("positions")
    assert row.isolated_margin == before + D("2.5")


async def _both_sides(walk: Walk) -> None:
    await walk.client.create_order(order(order_side="SELL", position_side="SHORT", leverage=10))
    long, short = await walk.call("positions")
    assert (long.position_side, short.position_side, short.position_size) == ("LONG", "SHORT", 100)
    half = {"order_side": "BUY", "position_side": "SHORT", "leverage": 10, "position_id": short.position_id}
    closing = await walk.client.create_order(order(**half, orig_qty=50, reduce_only=True), is_urgent=True)
    lost = (await walk.client.order(closing)).close_profit
    assert lost is not None
    assert lost < 0
    (_, short) = await walk.call("positions")
    assert (short.position_size, short.available_close_size) == (50, 50)
    waiting = order(**half, orig_qty=20, reduce_only=True, order_type="LIMIT", price=60_000, time_in_force="GTC")
    await walk.client.create_order(waiting)
    (_, short) = await walk.call("positions")
    assert (short.close_order_size, short.available_close_size) == (20, 30)
    walk.venue.act("funding", symbol=BTC, rate="0.001")
    (_, paid) = await walk.call("positions")
    assert paid.realized_profit > short.realized_profit
    await walk.call("close_all_positions", symbol=ETH)
    assert len(await walk.call("positions")) == 2
    await walk.call("close_all_positions")
    assert await walk.call("positions") == []


async def test_plan_orders(venue: Exchange) -> None:
    async with venue.walking() as walk:
        plan: dict[str, Any] = {
            "symbol": BTC, "order_side": "BUY", "position_side": "LONG", "orig_qty": 7,
            "trigger_price_type": "LATEST_PRICE",
        }  # fmt: skip
        stop = NewPlan(**plan, entrust_type="STOP", stop_price=61_000, price=61_100)
        first = (await walk.call("create_plan", stop)).entrust_id
        row = await walk.call("plan", first)
        assert (row.entrust_type, row.stop_price, row.price, row.orig_qty) == ("STOP", 61_000, 61_100, 7)
        assert (row.state, row.trigger_price_type) == ("NOT_TRIGGERED", "LATEST_PRICE")
        assert (await walk.call("plans", symbol=BTC, state="NOT_TRIGGERED", limit=5)).items == [row]
        (mixed,) = (await walk.call("order_entrusts", kind="ENTRUST", force_close=False)).items
        assert (mixed.id, mixed.stop_price, mixed.state) == (first, 61_000, "NOT_TRIGGERED")
        assert (await walk.call("order_entrusts", state="NOT_TRIGGERED")).items == [mixed]
        assert (await walk.call("order_entrusts", state="UNFINISHED")).items == []
        await walk.call("cancel_plan", first)
        assert (await walk.call("plan", first)).state == "USER_REVOCATION"
        with pytest.raises(OrderNotFound):
            await walk.client.cancel_plan(first)
        with pytest.raises(OrderNotFound):
            await walk.client.plan(7)

        market = NewPlan(**plan, entrust_type="STOP_MARKET", stop_price=61_000)
        second = (await walk.call("create_plan", market)).entrust_id
        venue.mark(61_000)
        assert (await walk.call("plan", second)).state == "TRIGGERED"
        history = (await walk.call("plan_history", symbol=BTC)).items
        assert [each.entrust_id for each in history] == [second, first]
        page = await walk.call("plan_history", from_id=second, direction="NEXT", limit=1)
        assert [each.entrust_id for each in page.items] == [first]
        assert [each.entrust_id async for each in walk.client.iter_plan_history()] == [second, first]
        (child,) = (await walk.call("order_entrusts", kind="ORDER")).items
        assert (child.state, child.executed_qty, str(child.entrust_order_id)) == ("FILLED", 7, second)
        assert str((await walk.client.order(child.id)).source_id) == second

        falling = NewPlan(**plan, entrust_type="TAKE_PROFIT_MARKET", stop_price=50_000)
        ids = [(await walk.call("create_plan", falling)).entrust_id for _ in range(4)]
        await walk.call("cancel_order_entrust", "ENTRUST", ids[0])
        assert {each.entrust_id async for each in walk.client.iter_plans()} == set(ids[1:])
        await walk.call("cancel_all_plans", symbol=ETH)
        assert len((await walk.call("plans")).items) == 3
        await walk.call("cancel_all_plans")
        assert (await walk.call("plans")).items == []
        one = await walk.client.create_order(resting())
        await walk.call("cancel_order_entrust", "ORDER", one)
        assert (await walk.client.order(one)).state == "CANCELED"
        await walk.client.create_order(resting())
        await walk.call("create_plan", falling)
        await walk.call("cancel_all_order_entrusts")
        assert (await walk.call("plans")).items == await walk.client.open_orders_of([BTC]) == []
        both = [each.type async for each in walk.client.iter_order_entrusts(symbol=BTC)]
        assert sorted(both) == ["ENTRUST"] * 7 + ["ORDER"] * 3
        assert walk.made == PLANS


async def test_what_else_an_order_a_plan_and_exits_take(venue: Exchange) -> None:
    async with venue.walking() as walk:
        later = await walk.call("time") + DAY
        limits: dict[str, Any] = {
            "trigger_profit_price": 63_000, "profit_order_type": "LIMIT", "profit_order_price": 63_500,
            "trigger_stop_price": 58_000, "stop_order_type": "LIMIT", "stop_order_price": 58_100,
        }  # fmt: skip
        await walk.order(market_order_level=5, **limits)
        (attached,) = (await walk.client.profit_stops()).items
        change = ProfitStopChange(
            profit_id=attached.profit_id, orig_qty=50, profit_flag=2, trigger_price_type="MARK_PRICE", **limits
        )
        await walk.call("update_profit_stop", change)
        changed = await walk.client.profit_stop(attached.profit_id)
        assert (changed.orig_qty, changed.trigger_price_type) == (D(50), "MARK_PRICE")
        # Without a position it is for that of its side.
        exits = NewProfitStop(
            symbol=BTC, orig_qty=50, order_side="SELL", position_side="LONG", trigger_price_type="LATEST_PRICE",
            reduce_only=True, profit_flag=1, expire_time=later, **limits,
        )  # fmt: skip
        made = await walk.call("create_profit_stop", exits)
        assert (made.symbol, made.position_side, made.state) == (BTC, "LONG", "NOT_TRIGGERED")
        (position,) = await walk.client.positions()
        closes = NewPlan(
            symbol=BTC, entrust_type="STOP_MARKET", order_side="SELL", position_side="LONG", orig_qty=100,
            stop_price=59_000, trigger_price_type="MARK_PRICE", time_in_force="IOC", market_order_level=2,
            position_id=position.position_id, expire_time=later,
        )  # fmt: skip
        receipt = await walk.call("create_plan", closes)
        assert (receipt.entrust_type, receipt.state) == ("STOP_MARKET", "NOT_TRIGGERED")
        assert (await walk.client.plan(receipt.entrust_id)).market_order_level == 2
        venue.mark(62_950)
        assert (await walk.client.positions())[0].position_size == 100
        venue.mark(63_000)
        child = (await walk.client.orders(state="UNFINISHED")).items
        assert sorted((each.price, each.orig_qty) for each in child) == [(D(63_500), D(50))] * 2


async def test_lists_take_a_span(venue: Exchange) -> None:
    async with venue.walking() as walk:
        now = await walk.call("time")
        await walk.order()
        sides: dict[str, Any] = {
            "order_side": "BUY",
            "position_side": "LONG",
            "trigger_price_type": "LATEST_PRICE",
        }
        plan = NewPlan(symbol=BTC, entrust_type="STOP_MARKET", orig_qty=1, stop_price=61_000, **sides)
        await walk.client.create_plan(plan)
        await walk.client.cancel_all_plans()
        for name in ("orders", "order_history", "fills", "plan_history", "bills", "order_entrusts"):
            found = await walk.call(name, symbol=BTC, start_time=now - 1, end_time=now + DAY)
            assert len(found.items) == (2 if name == "order_entrusts" else 1), name
            assert (await walk.call(name, end_time=now - DAY)).items == []
            assert (await walk.call(name, start_time=now + DAY)).items == []


async def test_the_wallet(venue: Exchange) -> None:
    async with venue.walking() as walk:
        opened = await walk.client.create_order(order(leverage=20))
        await walk.client.create_order(resting(leverage=20))
        (usdt,) = await walk.call("balances")
        assert await walk.call("balance", "usdt") == usdt
        held = usdt.isolated_margin + usdt.crossed_margin + usdt.open_order_margin_frozen
        assert usdt.available_balance == usdt.wallet_balance - held
        assert usdt.crossed_margin > 0 < usdt.open_order_margin_frozen
        (fill,) = (await walk.client.fills(order_id=opened)).items
        venue.act("fund", currency="usdt", amount="5")
        bills = (await walk.call("bills", coin="usdt", limit=5)).items
        assert [(each.type, each.amount, each.side) for each in bills] == [
            ("EXCHANGE", 5, "ADD"), ("FEE", -fill.fee_paid, "SUB"),
        ]  # fmt: skip
        page = await walk.call("bills", from_id=bills[0].id, direction="NEXT", limit=1)
        assert (page.items, page.has_prev, page.has_next) == (bills[1:], True, False)
        assert (await walk.call("bills", bill_type="FEE", symbol=BTC)).items == bills[1:]
        assert [each async for each in walk.client.iter_bills()] == bills
        rebates = await walk.call("rebates", start=1_700_000_000_000, symbol_id=1)
        assert [(each.symbol, each.venue_uid is not None) for each in rebates] == [(BTC, True)]
        assert await walk.call("rebates", end=1_700_000_000_000) == []
        key = await walk.call("listen_key")
        assert len(key) == 32
        url = f"{venue.practice.ws_url}futures/ws/user"
        async with websockets.connect(url, compression=None, proxy=None) as link:
            await link.send(f'{{"events":["balance@{key}"],"method":"sub"}}')
            assert '"code":0' in str(await link.recv())
        assert walk.made == WALLET


async def test_either_reading_of_the_signature(venue: Exchange) -> None:
    for is_raw in (True, False):
        async with (
            venue.walking(signs_encoded=not is_raw) as right,
            venue.walking(signs_encoded=is_raw) as wrong,
        ):
            venue.act("signing", raw=is_raw)
            await right.call("create_orders", [resting(client_order_id="batch_1"), resting()])
            rows = await right.call("open_orders_of", [BTC, ETH])
            assert len(rows) == 2
            with pytest.raises(AuthenticationError):
                await wrong.client.open_orders_of([BTC, ETH])
            assert len(await wrong.client.open_orders_of([BTC])) == 2
            await right.call("cancel_orders", [each.order_id for each in rows])
            assert await right.call("open_orders_of", [BTC]) == []


async def test_public_calls_with_a_key_and_without_one(venue: Exchange) -> None:
    where = venue.practice.rest_url + PREFIX
    async with Client(base_url=where, attempts=1) as nobody, venue.walking() as walk:
        before = venue.spent
        assert (await nobody.symbol(BTC)).symbol == BTC
        assert (await nobody.cmc_contracts())[0].ticker_id == "BTC_USDT"
        assert venue.spent == before
        venue.act("public_key", required=True)
        with pytest.raises(AuthenticationError):
            await nobody.symbol(BTC)
        assert (await walk.call("symbol", BTC)).symbol == BTC
        assert (await walk.call("cg_depth", "BTC_USDT", depth=1)).ticker_id == BTC
