"""The account at the local exchange: executions once each, whoever tells of them; keys, quotas, what is lost."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.venues.pumpkin.account_rig import (
    ACCOUNT,
    BTC_ID,
    ETH_ID,
    AccountRig,
    closing,
    connected,
    request,
    until,
)
from tests.venues.pumpkin.walking import BTC, ETH, Exchange
from venues.errors import AuthenticationError, MissingCredentials, NotSent, OrderNotFound
from venues.events import LinkState, StreamStatus
from venues.model import (
    Instrument,
    InstrumentKind,
    Liquidity,
    Order,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from venues.port import Credentials
from venues.pumpkin.account_polling import pause_for
from venues.pumpkin.fills import liquidity_of
from venues.pumpkin.readings import Readings

D = Decimal


@pytest.fixture
def rig(both_ways: AccountRig) -> AccountRig:
    return both_ways


def executed(rig: AccountRig) -> list[str]:
    """Returns the numbers of all executions that the exchange has of us."""
    return sorted(str(row["trade_id"]) for row in rig.shown()["fills"])


def each_once(rig: AccountRig) -> bool:
    return sorted(one.trade_id for one in rig.fills) == executed(rig)


async def test_each_execution_is_told_once_with_side_fee_and_profit(rig: AccountRig) -> None:
    position = await rig.opened()
    resting = await rig.venue.submit_order(request(type=OrderType.LIMIT, price=D(59_999), quantity="0.02"))
    rig.exchange.mark(59_990)
    await rig.fill(resting)
    close = await rig.venue.submit_order(closing(position, "0.03"))
    await rig.fill(close)
    await until(lambda: each_once(rig))
    made = rig.fills_of(resting)
    assert {one.liquidity for one in made} == {Liquidity.MAKER}
    assert sum(one.fee for one in made) == D("59999") * D("0.02") * D("0.0002")
    (last,) = rig.fills_of(close)
    assert (last.side, last.liquidity, last.client_order_id) == (Side.SELL, Liquidity.TAKER, close.client_order_id)
    bills = [D(one["amount"]) for one in rig.shown()["bills"]]
    # Fees and profits as they were told are all that moved the wallet.
    assert sum(one.realized_pnl - one.fee for one in rig.fills) == pytest.approx(sum(bills), abs=D("0.00000002"))
    ends = [one for one in rig.orders if one.venue_order_id == resting.venue_order_id]
    assert list(dict.fromkeys(one.status for one in ends)) == [OrderStatus.NEW, OrderStatus.FILLED]
    assert rig.wallet.total == 100_000 + sum(bills)


async def test_history_is_read_with_the_profits_that_the_venue_booked(rig: AccountRig) -> None:
    position = await rig.opened(quantity="0.02")
    rig.exchange.mark(61_000)
    await rig.fill(await rig.venue.submit_order(closing(position, "0.01")))
    rig.exchange.mark(62_000)
    await rig.fill(await rig.venue.submit_order(closing(position, "0.01")))
    await until(lambda: each_once(rig))
    told = {one.trade_id: one for one in sorted(rig.fills, key=lambda one: one.trade_id)}
    async with connected(rig.exchange, subscribes=False) as later:
        found = await later.venue.fetch_fills(0)
        assert [one.trade_id for one in found] == sorted(told)
        assert [one.realized_pnl for one in found] == [one.realized_pnl for one in told.values()]
        assert [(one.side, one.price, one.fee, one.quantity) for one in found] == [
            (one.side, one.price, one.fee, one.quantity) for one in told.values()
        ]
        middle = found[1].ts_event
        assert [one.trade_id for one in await later.venue.fetch_fills(middle)] == [
            one.trade_id for one in found[1:]
        ]


async def test_pushes_that_are_lost_are_made_good(exchange: Exchange) -> None:
    async with connected(exchange, has_topics=True) as rig:
        exchange.simulator.faults.switch("drop@account")
        for _ in range(3):
            await rig.venue.submit_order(request())
        exchange.act("place", symbol=ETH, side="buy", type="market", quantity="0.3")
        await until(lambda: each_once(rig) and len(rig.fills) >= 4 and len(rig.held) == 2)


async def test_executions_are_told_once_over_a_reconnect_and_a_long_silence(exchange: Exchange) -> None:
    async with connected(exchange, has_topics=True) as rig:
        await rig.opened()
        exchange.simulator.faults.switch("reset")
        exchange.act("place", symbol=ETH, side="sell", type="market", quantity="0.3")
        exchange.act("place", symbol=BTC, side="buy", type="market", quantity="0.01")
        exchange.simulator.faults.heal()
        await until(lambda: each_once(rig) and len(rig.fills) >= 3)
        await until(lambda: rig.venue._account._following.hears)
        exchange.act("place", symbol=BTC, side="buy", type="market", quantity="0.01")
        await until(lambda: each_once(rig) and len(rig.fills) >= 4)
        assert [one.state for one in rig.of(StreamStatus)].count(LinkState.RECONNECTING)


async def test_the_venues_slow_books_lose_nothing(exchange: Exchange) -> None:
    """Young orders are shown by no read for a while: their executions wait until it is known whose they are."""
    async with connected(exchange) as rig:
        exchange.simulator.faults.switch("stale-orders=0.6")
        order = await rig.venue.submit_order(request())
        exchange.act("place", symbol=ETH, side="buy", type="market", quantity="0.3")
        await until(lambda: each_once(rig) and len(rig.fills) >= 2)
        assert rig.fills_of(order)


async def test_orders_of_others_are_told_from_rest_to_end(rig: AccountRig) -> None:
    placed = rig.exchange.act("place", symbol=BTC, side="buy", type="limit", quantity="0.01", price="59000")
    await until(lambda: rig.orders)
    assert (rig.orders[-1].venue_order_id, rig.orders[-1].status) == (placed["id"], OrderStatus.NEW)
    rig.exchange.act("cancel", id=int(placed["id"]))
    await until(lambda: rig.orders[-1].status is OrderStatus.CANCELED)
    assert list(await rig.venue.fetch_open_orders()) == []
    found = await rig.venue.fetch_order(BTC_ID, venue_order_id=placed["id"])
    assert found.status is OrderStatus.CANCELED
    with pytest.raises(OrderNotFound):
        await rig.venue.fetch_order(BTC_ID, client_order_id="nobodysorder")


async def test_balances_are_whole_and_what_is_held_of_them(rig: AccountRig) -> None:
    await rig.isolated(ETH_ID)
    await rig.opened()
    await rig.opened(instrument=ETH_ID, quantity="1")
    await rig.venue.submit_order(request(type=OrderType.LIMIT, price=D(59_000)))
    await until(lambda: rig.wallet.available == D(rig.shown()["balances"]["usdt"]["available"]))
    (balance,) = await rig.venue.fetch_balances()
    assert balance == rig.wallet
    assert balance.total == balance.available + balance.locked
    assert balance.total == 100_000 + sum(D(one["amount"]) for one in rig.shown()["bills"])


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
        with pytest.raises(MissingCredentials):
            await rig.venue.fetch_bills(5)
        assert not rig.venue.capabilities.reads_account


async def test_polls_are_shown_with_their_age_and_end_with_the_subscription(exchange: Exchange) -> None:
    async with connected(exchange) as rig:
        await until(lambda: "polling" in rig.of(StreamStatus)[-1].detail)
        exchange.simulator.faults.switch("maintenance")
        await until(lambda: any("account" in one.detail for one in rig.of(StreamStatus)))
        worst = next(one for one in rig.of(StreamStatus) if "account" in one.detail)
        assert worst.state in (LinkState.STALE, LinkState.RECONNECTING)
        exchange.simulator.faults.heal()
        await rig.venue.unsubscribe(ACCOUNT)
        spent = exchange.spent
        await rig.venue.subscribe(ACCOUNT)
        await until(lambda: exchange.spent > spent + 20)


async def test_nothing_is_left_of_it(exchange: Exchange) -> None:
    before = asyncio.all_tasks()
    async with connected(exchange, has_topics=True) as rig:
        await rig.venue.submit_order(request())
    await until(lambda: asyncio.all_tasks() <= before)


async def test_a_small_quota_is_kept(exchange: Exchange) -> None:
    """In full time a minute of rounds takes no more than a third of a stated quota, whatever its size."""
    for minute in (300, 600, 1_200, 6_000):
        pause = pause_for(Readings(minute_quota=minute))
        assert pause >= 2
        assert 60 / pause * 20 / 3 <= minute / 3  # a third of the rounds weighs 12, the others 4
    assert pause_for(Readings(minute_quota=6_000, day_quota=144_000)) == pause_for(Readings(minute_quota=100))


INSTRUMENT = Instrument(
    id=BTC_ID, name="BTC/USDT perp", kind=InstrumentKind.LINEAR_PERPETUAL, base="BTC", quote="USDT", settle="USDT",
    tick_size=D("0.1"), lot_size=D("0.0001"), maker_fee=D("0.0002"), taker_fee=D("0.0005"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "time_in_force", "post_only", "fee", "liquidity"),
    [
        (OrderType.LIMIT, TimeInForce.GTC, False, "0.2", Liquidity.MAKER),
        (OrderType.LIMIT, TimeInForce.GTC, False, "0.5", Liquidity.TAKER),
        (OrderType.LIMIT, TimeInForce.GTC, False, "-0.1", Liquidity.MAKER),
        (OrderType.LIMIT, TimeInForce.GTC, True, "0.5", Liquidity.MAKER),
        (OrderType.LIMIT, TimeInForce.IOC, False, "0.2", Liquidity.TAKER),
        (OrderType.MARKET, TimeInForce.GTC, False, "0.2", Liquidity.TAKER),
        (OrderType.STOP, TimeInForce.GTC, False, "0.2", Liquidity.TAKER),
    ],
)
def test_who_made_and_who_took(
    kind: OrderType, time_in_force: TimeInForce, post_only: bool, fee: str, liquidity: Liquidity
) -> None:
    order = Order(
        instrument=BTC_ID, client_order_id="", side=Side.BUY, type=kind, quantity=D(1), status=OrderStatus.FILLED,
        time_in_force=time_in_force, post_only=post_only,
    )  # fmt: skip
    assert liquidity_of(order, INSTRUMENT, D(1_000), D(fee)) is liquidity
