"""The account at the local exchange, told by polls alone and by the private stream: the same either way."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.mayex.account_rig import (
    ACCOUNT,
    BTC,
    BTC_ID,
    ETH,
    ETH_ID,
    AccountRig,
    Exchange,
    closing,
    connected,
    request,
    until,
)
from venues.errors import AuthenticationError, MissingCredentials, NotSent
from venues.events import LinkState, Notice, StreamStatus
from venues.mayex.account_polling import pause_for
from venues.model import Liquidity, MarginMode, OrderStatus, OrderType, Side
from venues.port import Credentials

D = Decimal


def executed(rig: AccountRig) -> list[str]:
    """Returns the numbers of all executions that the exchange has of us."""
    return sorted(str(row["trade_id"]) for row in rig.shown()["fills"])


def each_once(rig: AccountRig) -> bool:
    return sorted(one.trade_id for one in rig.fills) == executed(rig)


def alarms(rig: AccountRig) -> list[str]:
    return [notice.text for notice in rig.of(Notice) if notice.is_alarm]


async def test_each_execution_is_told_once_with_side_fee_and_profit(rig: AccountRig) -> None:
    """The fee's sign: what the venue charges is below zero there, and above zero here."""
    position = await rig.opened()
    resting = await rig.venue.submit_order(request(type=OrderType.LIMIT, price=D(59_999), quantity="0.02"))
    rig.exchange.mark(59_990, BTC)
    await rig.fill(resting)
    close = await rig.venue.submit_order(closing(position, "0.03"))
    await rig.fill(close)
    await until(lambda: each_once(rig))
    (last,) = rig.fills_of(close)
    assert (last.side, last.liquidity, last.client_order_id) == (Side.SELL, Liquidity.TAKER, close.client_order_id)
    assert {one.liquidity for one in rig.fills_of(resting)} == {Liquidity.MAKER}
    assert last.fee == pytest.approx(last.price * D("0.03") * D("0.00035"), abs=D("0.00000001"))
    assert all(one.fee > 0 and one.fee_currency == "USDT" for one in rig.fills)
    # Fees and profits as they were told are all that moved the wallet.
    moved = sum(one.realized_pnl - one.fee for one in rig.fills)
    await until(lambda: not rig.held and rig.wallet.total == 100_000 + moved)
    assert rig.wallet.available == rig.wallet.total
    assert list(await rig.venue.fetch_balances()) == [rig.wallet]
    ends = [one.status for one in rig.orders if one.venue_order_id == resting.venue_order_id]
    assert list(dict.fromkeys(ends)) == [OrderStatus.NEW, OrderStatus.FILLED]


async def test_positions_of_both_sides_and_modes_are_what_the_exchange_has(rig: AccountRig) -> None:
    await rig.opened()
    await rig.opened(Side.SELL, "0.02")
    await rig.opened(Side.SELL, "0.03", margin_mode=MarginMode.CROSS)
    await rig.opened(instrument=ETH_ID, quantity="0.5", margin_mode=MarginMode.CROSS)
    assert set(rig.held) == {"long:isolated", "short:isolated", "short:cross", "long:cross"}
    await until(lambda: all(one.fees for one in rig.held.values()))
    state = {row["id"]: row for row in rig.shown()["positions"]}
    for name, position in rig.held.items():
        assert abs(position.quantity) == D(state[name]["quantity"])
        assert position.entry_price == D(state[name]["entry_price"])
        assert position.liquidation_is_estimate is (position.liquidation_price is not None)
    assert rig.held["short:isolated"].leverage == 10
    assert rig.held["long:isolated"].liquidation_price == pytest.approx(D(54_272), abs=1)
    found = {one.position_id: one for one in await rig.venue.fetch_positions()}
    assert {name: one.quantity for name, one in found.items()} == {
        name: one.quantity for name, one in rig.held.items()
    }
    close = await rig.venue.submit_order(closing(rig.held["short:cross"]))
    await rig.fill(close)
    await until(lambda: "short:cross" not in rig.held)
    assert set(rig.held) == {"long:isolated", "short:isolated", "long:cross"}
    assert alarms(rig) == []


async def test_orders_and_executions_of_others_are_told(rig: AccountRig) -> None:
    placed = rig.exchange.act("place", symbol=BTC, side="buy", type="limit", quantity="0.01", price="59000")
    await until(lambda: rig.orders)
    assert (rig.orders[-1].venue_order_id, rig.orders[-1].status) == (str(placed["id"]), OrderStatus.NEW)
    rig.exchange.act("cancel", id=int(placed["id"]))
    await until(lambda: rig.orders[-1].status is OrderStatus.CANCELED)
    rig.exchange.act("place", symbol=ETH, side="sell", type="market", quantity="0.5")
    await until(lambda: each_once(rig) and rig.fills and rig.held)


async def test_funding_is_counted_and_said(rig: AccountRig) -> None:
    await rig.opened(quantity="1", margin_mode=MarginMode.CROSS)
    await until(lambda: rig.held["long:cross"].fees)
    rig.exchange.act("funding", symbol=BTC, rate="0.0001")
    await until(lambda: rig.held["long:cross"].funding)
    paid = rig.held["long:cross"].funding
    assert paid == pytest.approx(D(-6), abs=D("0.1"))
    assert rig.notices[-1] == f"funding: paid {abs(paid).normalize():f} USDT for long 1 BTC/USDT perp"
    assert rig.held["long:cross"].realized_pnl == 0
    async with connected(rig.exchange) as later:  # another desk knows it by the executions and the venue's profit
        (position,) = await later.venue.fetch_positions()
        assert (position.funding, position.fees) == (paid, rig.held["long:cross"].fees)


async def test_history_is_read_page_by_page_and_each_once(exchange: Exchange) -> None:
    for _ in range(60):
        exchange.act("place", symbol=BTC, side="buy", type="market", quantity="0.01")
        exchange.act("place", symbol=ETH, side="sell", type="market", quantity="0.1")
    async with connected(exchange, subscribes=False) as rig:
        found = await rig.venue.fetch_fills(0)
        assert sorted(one.trade_id for one in found) == executed(rig)
        assert [one.ts_event for one in found] == sorted(one.ts_event for one in found)
        middle = found[70].ts_event
        since = [one.trade_id for one in await rig.venue.fetch_fills(middle)]
        assert since == [one.trade_id for one in found if one.ts_event >= middle]


async def test_the_venues_slow_lists_lose_nothing(exchange: Exchange) -> None:
    async with connected(exchange) as rig:
        exchange.fault("stale-orders=0.6")
        order = await rig.venue.submit_order(request())
        exchange.act("place", symbol=ETH, side="buy", type="market", quantity="0.3")
        await until(lambda: each_once(rig) and len(rig.fills) >= 2)
        assert rig.fills_of(order)


async def test_a_key_that_is_not_taken_is_said_so(exchange: Exchange) -> None:
    wrong = Credentials(exchange.practice.api_key, "SOMETHING_ELSE")
    async with connected(exchange, subscribes=False, credentials=wrong) as rig:
        with pytest.raises(AuthenticationError):
            await rig.venue.subscribe(ACCOUNT)
        with pytest.raises(NotSent):
            await rig.venue.submit_order(request())


async def test_without_a_key_the_account_can_not_be_read(exchange: Exchange) -> None:
    async with connected(exchange, subscribes=False, credentials=None) as rig:
        for read in (rig.venue.fetch_balances, rig.venue.fetch_positions, rig.venue.fetch_open_orders):
            with pytest.raises(MissingCredentials):
                await read()
        with pytest.raises(NotSent):
            await rig.venue.set_leverage(BTC_ID, D(5), MarginMode.CROSS)


async def test_polls_that_fail_are_shown_and_end_with_the_subscription(exchange: Exchange) -> None:
    async with connected(exchange) as rig:
        await until(lambda: rig.state is LinkState.LIVE)
        exchange.fault("maintenance")
        await until(lambda: any("account" in one.detail for one in rig.of(StreamStatus)))
        worst = next(one for one in rig.of(StreamStatus) if "account" in one.detail)
        assert worst.state in (LinkState.STALE, LinkState.RECONNECTING)
        exchange.simulator.faults.heal()
        await rig.venue.unsubscribe(ACCOUNT)
        await rig.venue.subscribe(ACCOUNT)
        await rig.opened()


async def test_nothing_is_left_of_it(exchange: Exchange) -> None:
    before = asyncio.all_tasks()
    async with connected(exchange, has_stream=True) as rig:
        await rig.venue.submit_order(request())
    await until(lambda: asyncio.all_tasks() <= before)


@pytest.mark.parametrize("minute", [60, 200, 600, 6_000])
def test_rounds_leave_two_thirds_of_the_quota(minute: int) -> None:
    """Two units each, positions each fifth round or each 15 s, a history each minute."""
    pause = pause_for(minute)
    spent: Any = 60 / pause * 2 + min(4, 60 / pause) * 5 + 5
    assert pause >= 1.5
    assert spent <= minute / 3 + 25
    assert pause_for(200) == pytest.approx(3.15)
