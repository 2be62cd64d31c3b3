"""Panic beside adapters that break, answers that are lost and orders that hold a position."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from tests.tui.desk.hedge_rig import D, HedgeRig, HedgeVenue, held
from tests.tui.desk.pumpkin_desk_rig import desk, exchange
from tests.tui.desk.rig import PERP, Rig, ScriptedVenue, intent, position
from tests.venues.max.wallet_rig import LoopClock
from tests.venues.transport.stream_rig import until
from tests.venues.transport.virtual import in_virtual_time
from tui.desk.frame import PanicLine
from venues.commands import OrderRequest
from venues.errors import DecodeError, OrderRejected, RateLimited, VenueUnavailable
from venues.model import InstrumentId, Order, OrderStatus, OrderType, Position, Side
from venues.port import Depart

BOTH = (held("11", "2"), held("12", "-3"))


async def line_of(rig: Rig) -> PanicLine:
    (line,) = (await rig.session.panic()).lines
    return line


@pytest.mark.parametrize("call", ["fetch_open_orders", "fetch_positions", "cancel_all_orders", "submit_order"])
async def test_a_fault_of_the_adapter_is_got_over(call: str) -> None:
    async with HedgeRig(*BOTH) as rig:
        await rig.place()
        rig.hedge.faults = {call: [KeyError("a field of the answer"), ValueError("not a number")]}
        line = await line_of(rig)
        assert (line.closed, line.orders_left, line.positions_left, rig.hedge.held) == (2, 0, 0, [])


async def test_a_venue_that_breaks_for_good_does_not_keep_the_others_from_being_cleared() -> None:
    broken, sound = ScriptedVenue("broken"), ScriptedVenue("sound")
    for venue in (broken, sound):
        venue.held = [position(instrument=InstrumentId(venue.name, "BTC-PERP"))]
    async with Rig(broken, sound, panic_patience=0.05) as rig:
        broken.faults = {"fetch_positions": [KeyError("x")] * 100_000}
        first, second = (await rig.session.panic()).lines
        assert (second.is_proven, sound.held) == (True, [])
        assert (first.is_proven, first.positions_left, first.note) == (False, 1, "KeyError")
        assert not rig.session.guards.is_busy


@pytest.mark.parametrize("fault", [DecodeError("test", "a plan that can not be read"), KeyError("plan")])
async def test_positions_are_closed_although_the_orders_can_not_be_read(fault: Exception) -> None:
    async with HedgeRig(*BOTH, panic_patience=0.2) as rig:
        rig.hedge.faults = {"fetch_open_orders": [fault] * 100_000}
        line = await line_of(rig)
        assert rig.hedge.held == []
        assert (line.is_proven, line.closed, line.positions_left) == (False, 2, 0)


@pytest.mark.parametrize("instrument_id", [None, PERP])
async def test_what_was_last_heard_of_positions_is_closed_where_they_can_not_be_read(
    instrument_id: InstrumentId | None,
) -> None:
    async with HedgeRig(*BOTH, panic_patience=0.2) as rig:
        rig.hedge.faults = {"fetch_positions": [VenueUnavailable("test", "502")] * 100_000}
        await rig.session.flatten(instrument_id)
        await rig.session.settled()
        assert rig.hedge.held == []
        assert len(rig.hedge.requests) == 2, "once"
        assert "left: 0 orders, 2 positions" in rig.texts(), "nobody has said that they are closed"


async def test_what_was_read_last_is_told_when_time_is_up_during_the_next_read() -> None:
    async with HedgeRig(*BOTH, panic_patience=0.2) as rig:
        reads = 0
        fetch = rig.hedge.fetch_open_orders

        async def fetch_open_orders() -> Sequence[Order]:
            nonlocal reads
            reads += 1
            if reads > 2:
                await asyncio.Event().wait()
            return await fetch()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rig.hedge, "fetch_open_orders", fetch_open_orders)
            line = await line_of(rig)
        assert (line.is_proven, line.closed, line.positions_left, line.orders_left) == (False, 2, 0, 0)


async def test_a_ban_at_the_first_read_is_not_made_longer_by_a_second() -> None:
    async with HedgeRig(*BOTH) as rig:
        before = rig.hedge.called("fetch_positions")
        rig.hedge.faults = {"fetch_open_orders": [RateLimited("test", "slow down", retry_after=600.0)]}
        assert (await line_of(rig)).note.startswith("banned until ")
        assert rig.hedge.called("fetch_positions") == before


class Unequal(HedgeVenue):
    """Answers the close of position 11 only once that of 12 has come."""

    def __init__(self) -> None:
        super().__init__(*BOTH)
        self.has_come = asyncio.Event()

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        if request.position_id == "12":
            self.has_come.set()
        await self.has_come.wait()
        return await super().submit_order(request, depart=depart)


async def test_no_close_waits_for_the_answer_to_another() -> None:
    async with HedgeRig(venue=Unequal(), panic_patience=1.0) as rig:
        line = await line_of(rig)
        assert (line.is_proven, line.closed, rig.hedge.held) == (True, 2, [])


class Stubborn(HedgeVenue):
    """Takes no close of what rests in orders that close, and cancels nothing before the third time."""

    def __init__(self) -> None:
        super().__init__(held("11", "2"))
        self.refusals = 2

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        if self.refusals:
            self.refusals -= 1
            raise OrderRejected(self.name, "busy")
        return await super().cancel_all_orders(instrument, side, depart=depart)

    def book_order(self, request: OrderRequest) -> None:
        bound = sum((one.remaining for one in self.orders.values() if one.is_open and one.reduce_only), Decimal(0))
        if request.reduce_only and request.quantity > abs(self.position("11").quantity) - bound:
            raise OrderRejected(self.name, "quantity_more_than_available_close")
        super().book_order(request)


async def test_what_no_resting_order_holds_is_closed_before_those_are_cancelled() -> None:
    async with HedgeRig(venue=Stubborn()) as rig:
        await rig.place(side=Side.SELL, price=D(105), quantity=D("0.5"), reduce_only=True, position_id="11")
        line = await line_of(rig)
        assert (line.is_proven, line.closed, rig.hedge.held) == (True, 1, [])
        closes = [one.quantity for one in rig.hedge.requests if one.type is OrderType.MARKET]
        assert closes == [D("1.5"), D("0.5")]


class Late(ScriptedVenue):
    """Answers an order, which then rests, while the positions are read for the second time."""

    def __init__(self) -> None:
        super().__init__()
        self.hold = asyncio.Event()
        self.reads = 0

    async def fetch_positions(self) -> Sequence[Position]:
        self.reads += 1
        if self.hold is not None and self.called("submit_order") and self.reads > 3:
            self.hold.set()
            await until(lambda: bool(self.orders))
        return await super().fetch_positions()


async def test_a_read_during_which_an_order_arrives_is_not_empty() -> None:
    venue = Late()
    async with Rig(venue) as rig:
        outcome = await rig.session.submit(intent())
        tracked = rig.store.orders.get(outcome.order_key)
        assert tracked is not None
        line = await line_of(rig)
        assert (line.is_proven, line.orders_left, tracked.status) == (True, 0, OrderStatus.CANCELED)


@pytest.mark.parametrize("fault", ["lost-reply@cancel*9", "lost-reply@submit*9", "never-executed@cancel*2"])
@in_virtual_time
async def test_answers_that_are_lost_leave_no_position_at_pumpkin(fault: str) -> None:
    clock = LoopClock()
    async with exchange(clock) as (simulator, practice), desk(simulator, practice, clock) as rig:
        await rig.leverage(10)
        await rig.trade(Side.BUY, "0.1", take_profit=D(66000), stop_loss=D(57000))
        await rig.trade(Side.SELL, "0.05")
        await rig.trade(Side.BUY, "0.02", type=OrderType.STOP, trigger_price=D(61000))
        await rig.trade(Side.BUY, "0.02", type=OrderType.LIMIT, price=D(59000))
        await until(lambda: len(rig.positions()) == 2)
        simulator.faults.switch(fault)
        (line,) = (await rig.session.panic()).lines
        assert not rig.held()
        assert (line.closed, line.positions_left, line.orders_left) == (2, 0, 0)
