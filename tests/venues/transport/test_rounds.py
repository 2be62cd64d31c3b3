"""What an adapter does again and again: pauses that can be cut short, audits, reads until all is known."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from functools import partial

import pytest

from tests.venues.transport.stream_rig import passes, until
from tests.venues.transport.virtual import in_virtual_time
from venues.errors import ConnectionLost
from venues.model import ZERO, Balance
from venues.transport.auditing import AuditRounds, by_currency
from venues.transport.interval import Interval
from venues.transport.pursuit import Pursuit
from venues.transport.single_flight import SingleFlight


def now() -> float:
    return asyncio.get_running_loop().time()


@in_virtual_time
async def test_a_pause_passes_or_is_cut_short_and_once() -> None:
    interval = Interval(5.0)
    assert not await interval.passed()
    assert now() == pytest.approx(5.0)
    asyncio.get_running_loop().call_later(1.0, interval.hurry)
    assert await interval.passed()
    assert now() == pytest.approx(6.0)
    interval.hurry()
    interval.hurry()
    assert await interval.passed()
    assert now() == pytest.approx(6.0)
    assert not await interval.passed()
    assert now() == pytest.approx(11.0)
    assert len(asyncio.all_tasks()) == 1


class Account:
    """What an audit compares, and when."""

    def __init__(self) -> None:
        self.orders: list[float] = []
        self.money: list[float] = []
        self.fails = ""
        self.rounds = AuditRounds("here", self.compare_orders, self.compare_money)

    async def compare_orders(self) -> None:
        self.orders.append(round(now(), 3))
        if self.fails == "orders":
            raise ConnectionLost("here", "away")

    async def compare_money(self) -> None:
        self.money.append(round(now(), 3))
        if self.fails == "money":
            raise ConnectionLost("here", "away")


@in_virtual_time
async def test_orders_are_compared_in_each_round_and_money_in_every_second() -> None:
    account = Account()
    assert account.rounds.start()
    assert not account.rounds.start()
    await passes(21)
    assert (account.orders, account.money) == ([5, 10, 15, 20], [10, 20])
    account.rounds.stop()
    await passes(20)
    assert len(account.orders) == 4
    assert account.rounds.start()
    await passes(6)
    assert account.orders[-1] == 46
    await account.rounds.aclose()
    assert len(asyncio.all_tasks()) == 1


@in_virtual_time
async def test_whoever_hurries_gets_all_of_it_and_a_failure_is_made_good() -> None:
    account = Account()
    account.rounds.start()
    await passes(1)
    account.rounds.hurry()
    await passes(0.1)
    assert (account.orders, account.money) == ([1], [1])
    account.fails = "orders"
    account.rounds.hurry()
    await passes(9)
    assert len(account.orders) == 3  # at the pace of the rounds, however it was hurried
    assert len(account.money) == 1
    account.fails = "money"
    await passes(5)
    account.fails = ""
    await passes(5)
    assert len(account.money) == 3  # the next round does what this one did not
    await account.rounds.aclose()


@in_virtual_time
async def test_the_same_failure_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    account = Account()
    account.fails = "orders"
    account.rounds.start()
    await passes(31)
    await account.rounds.aclose()
    assert len(account.orders) == 6
    assert [record.message for record in caplog.records] == ["the account can not be compared: here: away"]


def test_of_which_there_is_nothing_is_not_listed() -> None:
    held = Balance(currency="BTC", total=Decimal(2), available=Decimal(1), locked=Decimal(1))
    found = by_currency([held], ["USDT", "BTC"])
    assert found["BTC"] is held
    assert found["USDT"] == Balance(currency="USDT", total=ZERO, available=ZERO, locked=ZERO)


class Executions:
    """What is missing of them, and the reads that were made for it."""

    def __init__(self, missing: int) -> None:
        self.missing = missing
        self.reads: list[float] = []
        self.is_away = False
        self.pursuit = Pursuit("here", "our executions", lambda: self.missing > 0, self.read)

    async def read(self) -> None:
        self.reads.append(round(now(), 3))
        if self.is_away:
            raise ConnectionLost("here", "away")
        self.missing -= 1


@in_virtual_time
async def test_it_is_read_with_growing_pauses_until_nothing_is_missing() -> None:
    told = Executions(6)
    told.pursuit.wake()
    told.pursuit.wake()
    await passes(60)
    assert told.reads == [0.3, 0.8, 1.8, 3.8, 7.8, 11.8]
    told.missing = 1
    told.pursuit.wake()
    await passes(5)
    assert told.reads[-1] == 60.3
    assert len(asyncio.all_tasks()) == 1


@in_virtual_time
async def test_what_has_come_within_a_moment_is_not_read() -> None:
    told = Executions(1)
    told.pursuit.wake()
    await passes(0.1)
    told.missing = 0
    await passes(5)
    assert not told.reads


@in_virtual_time
async def test_a_venue_that_is_away_is_asked_again_and_said_so_once(caplog: pytest.LogCaptureFixture) -> None:
    told = Executions(1)
    told.is_away = True
    told.pursuit.wake()
    await passes(10)
    assert len(told.reads) > 3
    assert [record.message for record in caplog.records] == ["our executions can not be read: here: away"]
    told.is_away = False
    await until(lambda: not told.missing, 10)
    await told.pursuit.aclose()
    told.missing = 1
    told.pursuit.wake()  # nothing is read after it was closed
    await passes(5)
    assert len(asyncio.all_tasks()) == 1


@in_virtual_time
async def test_asking_twice_is_asking_once() -> None:
    looks = SingleFlight("look")
    order, other = object(), object()
    begun: list[object] = []

    async def look(thing: object) -> None:
        begun.append(thing)
        await passes(1)

    for thing in (order, other, order):
        looks.begin(thing, partial(look, thing))
    await passes(0.5)
    assert begun == [order, other]
    await passes(1)
    looks.begin(order, lambda: look(order))
    await passes(0.5)
    assert begun == [order, other, order]
    await looks.aclose()
    looks.begin(other, lambda: look(other))
    await passes(1)
    assert len(begun) == 3
    assert len(asyncio.all_tasks()) == 1
