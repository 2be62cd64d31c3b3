"""What the rounds of reads cost, by a clock that the test turns: little, and less the less there is left."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.venues.mayex.documented import example
from tests.venues.mayex.orders_rig import BTC_ID, LISTED
from tests.venues.mayex.scripted_orders import past, row, scripted
from tests.venues.mayex.test_fills import ScriptedTrades, trade
from tests.venues.scripted_rest import JSON, Answer
from tests.venues.transport.scripted import Received
from venues.events import Event, FillUpdate, OrderUpdate
from venues.mayex.account_polling import AccountRounds, pause_for
from venues.mayex.balances import Balances
from venues.mayex.fills import Fills
from venues.mayex.liquidations import Liquidations
from venues.mayex.positions import Positions
from venues.model import OrderStatus

D = Decimal
MINUTE = 200
USABLE = 160  # a fifth is kept for cancels
WEIGHTS = {"open-orders": 1, "asset": 1, "current-positions": 5, "trade-histories": 5, "order-histories": 5}


class ScriptedAccount(ScriptedTrades):
    """Tells balances and positions besides: what the account holds, and what of it is available."""

    def __init__(self) -> None:
        super().__init__()
        self.wallet = self.available = 1_000
        self.positions: list[dict[str, Any]] = []

    def _answer(self, request: Received) -> Answer:
        path = urlsplit(request.target).path
        if not path.endswith(("asset", "current-positions")):
            return super()._answer(request)
        if (refusal := self.judge(request)) is not None:
            return refusal
        data: Any = self.positions
        if path.endswith("asset"):
            account = {"currency": "USDT", "accountBalance": str(self.wallet), "availBalance": str(self.available)}
            data = {"accounts": [account]}
        return 200, JSON, json.dumps({"status": 0, "error": None, "data": data}).encode()


class Minute:
    """The rounds, their clock, and what they have cost."""

    def __init__(self, venue: ScriptedAccount) -> None:
        self.venue = venue
        self.at = 0.0
        self.hears = False
        self.events: list[Event] = []
        self.paid: list[tuple[float, int]] = []
        self.rounds: AccountRounds

    @property
    def free(self) -> float:
        """The share of the quota that is left of the last minute."""
        return 1 - sum(units for at, units in self.paid if at > self.at - 60) / USABLE

    async def go(self, seconds: float, *, every: float = 0.0) -> dict[str, int]:
        """Lets the rounds come by; something trades every so many seconds. Returns how often what was asked."""
        before, step, next_trade = len(self.venue.paths), pause_for(MINUTE), self.at + every
        until = self.at + seconds
        while self.at < until:
            if every and self.at >= next_trade:
                next_trade += every
                self.venue.trades.append(trade(len(self.venue.trades) + 1))
                self.venue.wallet -= 1
            if self.rounds.is_due:
                count = len(self.venue.paths)
                await self.rounds.round()
                self.paid += [(self.at, WEIGHTS[path]) for path in self.venue.paths[count:]]
            self.at += step
        asked = self.venue.paths[before:]
        return {name: asked.count(name) for name in WEIGHTS}


@asynccontextmanager
async def minute() -> AsyncIterator[Minute]:
    venue = ScriptedAccount()
    venue.past = [past(7)]
    async with scripted(venue=venue) as rig:
        made = Minute(venue)
        orders = rig.orders

        def clock() -> float:
            return made.at

        def now() -> int:
            return round(made.at * 1e9) + 1

        positions = Positions(instrument=LISTED.get, wallets=dict, mark=lambda _: None, now=now, monotonic=clock)
        fills = Fills(
            rig.client, orders.memory, orders.lookups, LISTED.get, active=tuple, on_fill=lambda _: None, now=now
        )
        made.rounds = AccountRounds(
            rig.client, orders, positions, Balances(now, clock), fills,
            Liquidations(positions, LISTED.get, now), made.events.extend, hears=lambda: made.hears,
            free=lambda: made.free, monotonic=clock,
        )  # fmt: skip
        await made.rounds.begin()
        await fills.begin(1)
        await made.go(60)  # what there was at first
        yield made


async def test_a_minute_in_which_nothing_happens_costs_a_third() -> None:
    async with minute() as account:
        asked = await account.go(60)
        assert asked["open-orders"] == asked["asset"] == pytest.approx(19, abs=1)
        assert (asked["current-positions"], asked["order-histories"]) == (4, 0)
        assert asked["trade-histories"] == 1
        assert account.free > 0.55
        account.hears = True
        asked = await account.go(120)
        assert asked["open-orders"] <= 12 and asked["current-positions"] <= 5 and asked["trade-histories"] <= 2
        assert account.free > 0.8


async def test_trades_every_few_seconds_leave_room_for_commands() -> None:
    async with minute() as account:
        for _ in range(4):
            asked = await account.go(60, every=4)
            assert account.free > 0.1
            assert asked["current-positions"] >= 4 and asked["trade-histories"] >= 4
        await account.go(60)
        assert sum(isinstance(event, FillUpdate) for event in account.events) == len(account.venue.trades)


async def test_what_moves_with_the_marks_alone_is_no_reason_to_read() -> None:
    async with minute() as account:
        await account.go(15)
        account.venue.available -= 1
        asked = await account.go(10)
        assert asked["current-positions"] + asked["trade-histories"] <= 1  # whose turn it was anyhow
        account.venue.wallet -= 1
        asked = await account.go(4)
        assert asked["current-positions"] == asked["trade-histories"] == 1


async def test_an_order_that_has_traded_whole_needs_no_look_at_the_history() -> None:
    async with minute() as account:
        account.venue.resting = [row(9, "s9", origQty="0.030")]
        await account.go(4)
        account.venue.resting = []
        account.venue.trades.append(trade(100, 9, lastQty="0.030", lastPrice="59000.0"))
        asked = await account.go(4)
        assert asked["order-histories"] == 0
        last = [event.order for event in account.events if isinstance(event, OrderUpdate)][-1]
        assert (last.venue_order_id, last.status) == ("9", OrderStatus.FILLED)
        assert (last.filled_quantity, last.average_price) == (last.quantity, D(59_000))


async def test_one_that_rests_no_more_and_has_not_traded_is_looked_up_once() -> None:
    async with minute() as account:
        account.venue.resting = [row(9, "s9")]
        await account.go(4)
        account.venue.resting = []
        account.venue.past = [past(9, "s9")]
        asked = await account.go(30)
        assert asked["order-histories"] == 1
        last = [event.order for event in account.events if isinstance(event, OrderUpdate)][-1]
        assert (last.instrument, last.status) == (BTC_ID, OrderStatus.CANCELED)


async def test_what_could_not_be_read_is_read_by_the_next_round() -> None:
    async with minute() as account:
        account.venue.positions = msgspec.json.decode(example("positions").raw)["data"]
        account.rounds.want()
        asked = await account.go(2)
        assert asked["current-positions"] == asked["trade-histories"] == 1
        assert any(getattr(event, "position", None) for event in account.events)


async def test_what_had_traded_before_it_was_met_does_not_count_twice() -> None:
    """Half of it traded, and the rest was cancelled: it did not trade whole."""
    async with minute() as account:
        account.venue.resting = [row(9, "x9", origQty="0.060", executedQty="0.030", status="PARTIALLY_FILLED")]
        account.venue.trades.append(trade(100, 9, lastQty="0.030", lastPrice="59000.0"))
        await account.go(8)
        account.venue.resting = []
        over = {"origQty": "0.060", "executedQty": "0.030", "avlPrice": "59000.0"}
        account.venue.past = [past(9, "x9", **over)]
        await account.go(70)
        last = [event.order for event in account.events if isinstance(event, OrderUpdate)][-1]
        assert (last.venue_order_id, last.status) == ("9", OrderStatus.CANCELED)
        assert last.filled_quantity == D("0.030")
