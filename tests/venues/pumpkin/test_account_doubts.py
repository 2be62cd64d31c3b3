"""What a venue tells late, in part or not at all: nothing of the account is lost by it, or counted twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from decimal import Decimal
from typing import Any, TypeVar, cast

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
from tests.venues.pumpkin.client_rig import shared_tls
from tests.venues.pumpkin.test_account import INSTRUMENT
from tests.venues.pumpkin.test_account_feed import Clock
from tests.venues.pumpkin.walking import BTC, ETH, Exchange
from venues.bills import BillKind
from venues.errors import VenueError
from venues.events import Event, FillUpdate
from venues.model import NANOSECONDS, ZERO, Order, OrderStatus, OrderType, Side
from venues.pumpkin.client import Client
from venues.pumpkin.fills import Fills
from venues.pumpkin.lookups import Lookups
from venues.pumpkin.memory import Kind, OrderMemory
from venues.pumpkin.models import Fill as Row
from venues.pumpkin.positions import Positions
from venues.pumpkin.pushes import PushedTrade
from venues.pumpkin.venue import PumpkinVenue
from venues.transport.freshness import Newest

D = Decimal
T = TypeVar("T")
NOW = 1_800_000_000 * NANOSECONDS


async def test_a_change_is_told_although_the_marks_can_not_be_read(exchange: Exchange) -> None:
    async with connected(exchange, subscribes=False) as rig:
        for instrument in (BTC_ID, ETH_ID):
            exchange.act("place", symbol=instrument.symbol, side="buy", type="market", quantity="0.02")
        (position,) = [one for one in await rig.venue.fetch_positions() if one.instrument == BTC_ID]
        exchange.act(
            "place", symbol=BTC, side="sell", type="market", quantity="0.01", position_id=int(position.position_id)
        )
        exchange.simulator.faults.switch("maintenance@read")
        with pytest.raises(VenueError):
            await rig.venue.fetch_positions()
        await until(lambda: rig.held[position.position_id].quantity == D("0.01"))
        exchange.simulator.faults.heal()
        held = {one.position_id: one for one in await rig.venue.fetch_positions()}
        await until(lambda: rig.held == held)


async def test_a_mark_that_was_read_long_ago_is_none(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(exchange, subscribes=False) as rig:
        for symbol, quantity in ((BTC, "1"), (ETH, "20")):
            exchange.act("place", symbol=symbol, side="buy", type="market", quantity=quantity)
        exchange.act("fund", currency="usdt", amount="-90000")
        priced = await rig.venue.fetch_positions()
        assert all(one.liquidation_price is not None for one in priced)
        account = rig.venue._account
        clock = account._asked_marks._monotonic
        monkeypatch.setattr(account._asked_marks, "_monotonic", lambda: clock() + 16)
        account._positions.reprice()
        assert {one.liquidation_price for one in account._positions.open()} == {None}


async def test_funding_is_counted_once_however_often_the_account_is_followed(exchange: Exchange) -> None:
    async with connected(exchange) as rig:
        position = await rig.opened()
        exchange.act("funding", symbol=BTC, rate="0.001")
        await until(lambda: rig.held[position.position_id].funding)
        paid = rig.held[position.position_id].funding
        for _ in range(2):
            await rig.venue.unsubscribe(ACCOUNT)
            await rig.venue.subscribe(ACCOUNT)
            (again,) = await rig.venue.fetch_positions()
            assert (again.funding, again.realized_pnl) == (paid, ZERO)
        await rig.venue.submit_order(closing(position))
        await until(lambda: not rig.held)


def test_a_push_that_is_held_is_let_go_when_its_thing_is_gone() -> None:
    clock = Clock()
    newest: Newest[str, int] = Newest(clock)
    newest.push("a", 1)
    clock.at = 1.0
    assert newest.read({}, 0.5) == ([], ["a"])
    clock.at = 1.2
    waits = [newest.push("a", 1)]
    for began in (1.1, 1.3):  # the first of the two began before that push
        assert newest.read({}, began) == ([], [])
        waits.append(newest.wants_read)
    assert waits == [False, True, False]
    assert newest.values == {}


class Trades:
    """A list of executions that lags, in the place of the client and of the look-ups."""

    def __init__(self) -> None:
        self.at = NOW
        self.rows: dict[str, tuple[Row, int]] = {}  # and from when on they are listed
        self.memory = OrderMemory()
        self.told: list[Event] = []
        self.wide = 0  # reads of all orders
        self.fills = Fills(
            cast(Client, self), self.memory, cast(Lookups, self),
            Positions(
                instrument=lambda _: INSTRUMENT, wallets=dict, mark=lambda _: None, now=lambda: self.at,
                monotonic=lambda: 0.0,
            ),
            lambda _: INSTRUMENT, self.told.extend, on_fill=lambda *_: None, on_order=lambda _: None,
            sleep=self.never,
        )  # fmt: skip

    async def never(self, _: float) -> None:
        """What is pursued is pursued by the test."""

    def as_of(self) -> int:
        return self.at

    async def read(self, answer: Awaitable[T]) -> T:
        return await answer

    async def by_numbers(self, numbers: Sequence[str], *, is_urgent: bool = False) -> list[Order]:
        return []

    async def orders_by_ids(self, numbers: Sequence[str]) -> list[Any]:
        return []

    async def iter_fills(
        self, *, order_id: str | None = None, start_time: int | None = None
    ) -> AsyncIterator[Row]:
        self.wide += order_id is None
        for row, listed_at in self.rows.values():
            is_asked = order_id in (None, row.order_id) and row.timestamp >= (start_time or 0)
            if is_asked and listed_at <= self.at:
                yield row

    def execute(self, number: str = "1", *, late: float = 0.0, quantity: int = 100, at: int | None = None) -> None:
        moment = (self.at if at is None else at) // 1_000_000
        row = Row(
            order_id=number, exec_id=f"e{len(self.rows)}", symbol=BTC, quantity=D(quantity), price=D(60_000),
            fee=D("0.1"), fee_coin="usdt", timestamp=moment,
        )  # fmt: skip
        self.rows[row.exec_id] = (row, self.at + round(late * NANOSECONDS))

    def order(self, number: str = "1") -> Order:
        return Order(
            instrument=BTC_ID, client_order_id=f"c{number}", side=Side.BUY, type=OrderType.LIMIT,
            quantity=D("0.01"), status=OrderStatus.NEW, venue_order_id=number, price=D(60_000), ts_created=self.at,
        )  # fmt: skip

    def fill_order(self, number: str = "1") -> None:
        """Tells that an order has traded, which its executions do not say yet."""
        known = self.memory.learn(Kind.ORDER, self.order(number))
        known.take(self.order(number), self.at)
        known.claimed = D("0.01")
        self.fills.want(known)

    async def reads(self, number: int, pause: float) -> None:
        for _ in range(number):
            await self.fills._pursue()
            self.at += round(pause * NANOSECONDS)

    @property
    def numbers(self) -> list[str]:
        return [one.fill.trade_id for one in self.told if isinstance(one, FillUpdate)]


async def test_an_execution_that_is_listed_a_minute_late_is_told() -> None:
    trades = Trades()
    trades.fills.begin(trades.at)
    trades.fill_order()
    trades.execute(late=42)
    await trades.reads(11, 4.0)
    assert trades.numbers == []
    await trades.reads(1, 4.0)
    assert trades.numbers == ["e0"]
    await trades.reads(3, 4.0)
    assert trades.numbers == ["e0"]
    await trades.fills.aclose()


async def test_an_execution_waits_for_its_order_as_long_as_that_takes() -> None:
    trades = Trades()
    trades.fills.begin(trades.at)
    trades.execute()
    trades.execute("7")
    await trades.reads(10, 4.5)  # nothing shows the orders: sides are not known
    assert trades.numbers == []
    known = trades.memory.learn(Kind.ORDER, trades.order())
    known.take(trades.order(), trades.at)
    await trades.reads(4, 4.5)
    assert trades.numbers == ["e0"]
    before = trades.wide
    assert not trades.fills._is_wanting()  # what nothing shows is given up
    await trades.reads(10, 4.5)
    assert trades.wide == before + 10 and not trades.fills._strangers
    await trades.fills.aclose()


@pytest.mark.parametrize(("number", "is_proven"), [("e0", True), ("another", False)])
async def test_pushes_are_believed_once_a_list_has_had_their_numbers(number: str, is_proven: bool) -> None:
    """Else one execution could be told twice, under the number of the push and under that of the list."""
    trades = Trades()
    trades.fills.begin(trades.at)
    trades.memory.learn(Kind.ORDER, trades.order()).take(trades.order(), trades.at)
    for told in (number, "e1"):
        push = PushedTrade(
            order_id="1", symbol=BTC, price=D(60_000), quantity=D(50), timestamp=trades.at // 1_000_000,
            exec_id=told, fee=D("0.1"), fee_coin="usdt",
        )  # fmt: skip
        trades.execute(quantity=50)
        trades.told += trades.fills.take_trade(push)
        assert len(trades.numbers) == (2 if told == "e1" and is_proven else int(told == "e1"))
        await trades.reads(1, 1.0)
    assert trades.numbers == ["e0", "e1"]
    await trades.fills.aclose()


async def test_one_execution_of_the_first_millisecond_is_told() -> None:
    trades = Trades()
    trades.at += 700_000
    trades.fills.begin(trades.at)
    trades.memory.learn(Kind.ORDER, trades.order()).take(trades.order(), trades.at)
    trades.execute(at=trades.at + 200_000)
    await trades.reads(1, 1.0)
    assert trades.numbers == ["e0"]
    await trades.fills.aclose()


async def test_one_execution_that_is_none_hides_no_other() -> None:
    trades = Trades()
    trades.memory.learn(Kind.ORDER, trades.order()).take(trades.order(), trades.at)
    trades.execute(quantity=0)
    trades.execute()
    assert [one.trade_id for one in await trades.fills.fetch(0)] == ["e1"]
    await trades.fills.aclose()


async def test_topics_that_stand_and_are_silent_leave_the_polls_as_they_are(exchange: Exchange) -> None:
    """Nobody documents the private topics: that they were accepted does not say that they tell anything."""
    exchange.simulator.faults.switch("drop@account:1")
    async with connected(exchange, has_topics=True) as rig:
        rounds = rig.venue._account._rounds
        before = rounds._rounds
        await until(lambda: rounds._rounds > before + 3)
        assert rounds.is_due and not rounds._wanted  # and not every ten seconds only
        position = await rig.opened()
        await until(lambda: rig.held[position.position_id].fees == D("60000.1") * D("0.01") * D("0.0005"))
        exchange.simulator.faults.heal()
        assert not rig.venue._account._is_told()
        await rig.venue.submit_order(closing(position))
        await until(lambda: not rig.held and rig.venue._account._is_told())


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_is_an_hour_wrong_loses_nothing(exchange: Exchange, hours: int) -> None:
    def wall() -> int:
        return time.time_ns() + hours * 3_600 * NANOSECONDS

    async with connected(exchange, subscribes=False) as rig:
        venue = PumpkinVenue(rig.venue._pumpkin, tls=shared_tls(), wall=wall)
        told: list[Event] = []
        following = asyncio.create_task(_follow(venue, told))
        try:
            await venue.connect()
            await venue.subscribe(ACCOUNT)
            order = await venue.submit_order(request())
            exchange.act("place", symbol=ETH, side="sell", type="market", quantity="0.3")
            await until(lambda: len([one for one in told if isinstance(one, FillUpdate)]) == 2)
            moments = [one.fill.ts_event for one in told if isinstance(one, FillUpdate)]
            assert all(abs(at - time.time_ns()) < 60 * NANOSECONDS for at in moments)
            assert abs(order.ts_event - time.time_ns()) < 60 * NANOSECONDS
        finally:
            following.cancel()
            await venue.aclose()


async def _follow(venue: PumpkinVenue, told: list[Event]) -> None:
    async for batch in venue.events():
        told += batch


async def test_funding_that_is_booked_between_two_reads_is_counted_once(exchange: Exchange) -> None:
    """The bill is there before the position shows it, while a bill is looked for that a close may have hidden."""
    async with connected(exchange, subscribes=False) as rig:
        exchange.act("place", symbol=BTC, side="buy", type="market", quantity="0.02")
        (position,) = await rig.venue.fetch_positions()
        exchange.mark(61_000)
        exchange.act(
            "place", symbol=BTC, side="sell", type="market", quantity="0.01", position_id=int(position.position_id)
        )
        await rig.venue.fetch_positions()
        exchange.act("funding", symbol=BTC, rate="0.001")
        rounds = rig.venue._account._rounds
        await rounds._read_bills()
        (paid,) = await rig.venue.fetch_positions()
        await rounds._read_bills()
        (billed,) = [one.amount for one in await rig.venue.fetch_bills(20) if one.kind is BillKind.FUNDING]
        assert (paid.funding, rig.venue._account._positions.open()[0].funding) == (billed, billed)


async def test_fees_of_a_position_are_its_own_however_many_came_before_it(both_ways: AccountRig) -> None:
    """Several were opened and closed between two reads."""
    exchange = both_ways.exchange
    for size in ("0.01", "0.03"):
        for _ in range(2):
            exchange.act("place", symbol=BTC, side="buy", type="market", quantity=size)
        (number,) = [row["id"] for row in both_ways.shown()["positions"]]
        exchange.act(
            "place", symbol=BTC, side="sell", type="market", quantity=f"{2 * D(size):f}", position_id=int(number)
        )
        exchange.act("place", symbol=BTC, side="buy", type="market", quantity="0.02")
        await until(lambda: _has_its_fees(both_ways))
        (position,) = both_ways.held.values()
        await both_ways.venue.submit_order(closing(position))
        await until(lambda: not both_ways.held)


def _has_its_fees(rig: AccountRig) -> bool:
    """Says whether the only position has been told with the fees that the exchange has counted for it."""
    (row,) = rig.shown()["positions"]
    return row["id"] in rig.held and rig.held[row["id"]].fees == D(row["fees"])
