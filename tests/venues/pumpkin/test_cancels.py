"""Cancels at the local exchange: of one, of many, under a quota that is used up, and with answers lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.perpetual_rig import cancel_of
from tests.venues.pumpkin.orders_rig import BTC_ID, ETH_ID, Rig, rig, served, wish
from tests.venues.pumpkin.walking import BTC, Exchange
from tests.venues.transport.stream_rig import until
from venues.commands import CancelRequest
from venues.errors import NotSent, OrderNotFound, OrderRejected, OutcomeUnknown
from venues.model import InstrumentId, Order, OrderStatus, OrderType, Side
from venues.pumpkin import VENUE
from venues.transport.exchange import Request

D = Decimal


@pytest.fixture(scope="module")
def venue() -> Iterator[Exchange]:
    with served() as opened:
        yield opened


async def furnished(r: Rig) -> dict[str, Order]:
    """Fills two contracts' books: buys and sells, orders, plan orders and exits."""
    position = await r.opened(wish(OrderType.MARKET))
    exits: dict[str, Any] = {
        "reduce_only": True,
        "position_id": position,
        "side": Side.SELL,
        "quantity": D("0.001"),
    }
    made = {
        "buy": wish(),
        "sell": wish(side=Side.SELL, price=D(61_000)),
        "close": wish(**exits, price=D(61_500)),
        "plan": wish(OrderType.STOP),
        "exit": wish(OrderType.STOP, **exits),
        "eth": wish(instrument=ETH_ID, quantity=D("0.1"), price=D(2_300)),
        "eth plan": wish(
            OrderType.STOP, instrument=ETH_ID, side=Side.SELL, quantity=D("0.1"), trigger_price=D(2_300)
        ),
    }
    return {name: await r.submit(request) for name, request in made.items()}


async def test_one_of_each_kind_by_either_name(venue: Exchange) -> None:
    async with rig(venue) as r:
        made = await furnished(r)
        for name in ("buy", "plan", "exit"):
            order = made[name]
            ended = await r.cancel(order)
            assert (ended.status, ended.venue_order_id) == (OrderStatus.CANCELED, order.venue_order_id)
            assert (ended.client_order_id, ended.ts_event >= order.ts_event) == (order.client_order_id, True)
            del made[name]
        # One of which only our own id is known is looked for first; one from elsewhere has no other.
        ours = made.pop("sell")
        request = CancelRequest(instrument=BTC_ID, client_order_id=ours.client_order_id, venue_order_id="")
        assert (await r.another().cancel(request)).status is OrderStatus.CANCELED
        theirs = made.pop("eth plan")
        anew = CancelRequest(instrument=ETH_ID, client_order_id="", venue_order_id=theirs.venue_order_id)
        assert (await r.another().cancel(anew)).status is OrderStatus.CANCELED
        assert r.open_ids() == {each.venue_order_id for each in made.values()}


async def test_what_is_not_there_is_said(venue: Exchange) -> None:
    async with rig(venue) as r:
        filled = await r.submit(wish(OrderType.MARKET))
        with pytest.raises(OrderNotFound, match="invalid_state"):
            await r.cancel(filled)
        for number, error in (("17", OrderNotFound), ("plan:17", OrderNotFound), ("elsewhere", NotSent)):
            with pytest.raises(error):
                await r.orders.cancel(CancelRequest(instrument=BTC_ID, client_order_id="", venue_order_id=number))
        with pytest.raises(NotSent, match="its own number, which is not known yet"):
            await r.orders.cancel(CancelRequest(instrument=BTC_ID, client_order_id="none", venue_order_id=""))
        order = await r.submit(wish())
        with pytest.raises(NotSent):
            await r.orders.cancel(
                CancelRequest(instrument=ETH_ID, client_order_id="", venue_order_id=order.venue_order_id)
            )
        assert r.open_ids() == {order.venue_order_id}


async def test_a_part_that_traded_before_stays(venue: Exchange) -> None:
    async with rig(venue) as r:
        order = await r.submit(wish(price=D(60_000), quantity=D("0.01")))
        venue.act("trade", symbol=BTC, side="sell", quantity="0.004")
        ended = await r.cancel(order)
        assert (ended.status, ended.filled_quantity) == (OrderStatus.CANCELED, D("0.004"))
        assert ended.average_price == 60_000


async def test_a_lost_answer_of_a_cancel_is_told_by_the_order_itself(venue: Exchange) -> None:
    async with rig(venue) as r:
        made = await furnished(r)
        for name in ("buy", "plan", "exit"):
            order = made[name]
            for fault, status in (("closed-after", OrderStatus.NEW), ("lost-reply", OrderStatus.CANCELED)):
                venue.simulator.faults.switch(f"{fault}@cancel{'=reset' if fault == 'lost-reply' else ''}*1")
                with pytest.raises(OutcomeUnknown):
                    await r.cancel(order)
                found = await r.orders.fetch_order(BTC_ID, order.client_order_id, order.venue_order_id)
                assert found.status is status


async def test_a_cancel_that_is_not_shown_at_once_is_pending_and_told_later(venue: Exchange) -> None:
    async with rig(venue) as r:
        order = await r.submit(wish())
        venue.simulator.faults.switch("503@query")
        ended = await r.cancel(order)
        assert ended.status is OrderStatus.PENDING_CANCEL
        venue.simulator.faults.heal()
        await until(lambda: r.told[-1].status is OrderStatus.CANCELED)


@pytest.mark.parametrize(
    ("instrument", "side", "names"),
    [
        (None, None, {"buy", "sell", "close", "plan", "exit", "eth", "eth plan"}),
        (BTC_ID, None, {"buy", "sell", "close", "plan", "exit"}),
        (None, Side.SELL, {"sell", "close", "exit", "eth plan"}),
        (BTC_ID, Side.SELL, {"sell", "close", "exit"}),
        (ETH_ID, Side.BUY, {"eth"}),
    ],
)
async def test_many_touch_nothing_else(
    venue: Exchange, instrument: InstrumentId | None, side: Side | None, names: set[str]
) -> None:
    async with rig(venue) as r:
        made = await furnished(r)
        theirs = {"BTC": str(venue.act("place", symbol=BTC, side="buy", quantity="0.01", price="58000")["id"])}
        meant = {made[name].venue_order_id for name in names}
        if side is not Side.SELL and instrument in (None, BTC_ID):
            meant |= set(theirs.values())
        before = r.open_ids()
        orders = r.orders if side is None else r.another()
        found = await orders.cancel_all(instrument, side)
        assert {each.venue_order_id for each in found} == meant
        assert all(each.status is OrderStatus.CANCELED for each in found)
        assert r.open_ids() == before - meant


async def test_more_than_one_command_has_room_for_are_cancelled_in_parts(venue: Exchange) -> None:
    async with rig(venue) as r:
        for number in range(23):
            venue.act("place", symbol=BTC, side="buy", quantity="0.001", price=str(58_000 + number))
        rests = await r.submit(wish(side=Side.SELL, price=D(61_000)))
        r.noted.made.clear()
        found = await r.orders.cancel_all(None, Side.BUY, r._depart)
        assert len(found) == 23
        assert [path for path in r.noted.commands if "cancel" in path] == ["/order/cancel-batch"] * 2
        assert len(r.departures) == 3  # the journal hears of each command
        assert r.open_ids() == {rests.venue_order_id}


async def test_one_that_is_over_does_not_keep_the_others_of_its_command(venue: Exchange) -> None:
    """No document says what becomes of the others of a batch: none of them is taken for cancelled."""
    async with rig(venue) as r:
        rests = [await r.submit(wish(price=D(58_000 + number))) for number in range(3)]
        sent: list[str] = []

        def refused(request: Request) -> None:
            sent.append(request.path)
            if request.path.endswith("cancel-batch"):
                venue.act("cancel", id=int(rests[0].venue_order_id))
                raise OrderNotFound(VENUE, "invalid_state", "-1")

        r.noted.before = refused
        found = await r.orders.cancel_all(None, Side.BUY, r._depart)
        assert {each.status for each in found} == {OrderStatus.CANCELED}
        assert r.open_ids() == set()
        assert [path.rpartition("/")[2] for path in sent if "cancel" in path] == [
            "cancel-batch", "cancel", "cancel",
        ]  # fmt: skip


async def test_a_plan_that_is_triggered_under_a_sweep_of_one_side_is_cancelled_all_the_same(
    venue: Exchange,
) -> None:
    async with rig(venue) as r:
        order = await r.submit(wish(OrderType.STOP_LIMIT, price=D(60_900)))
        r.noted.before = lambda each: venue.mark(61_000) if each.path.endswith("cancel-plan") else None
        (found,) = await r.orders.cancel_all(None, Side.BUY)
        assert (found.venue_order_id, found.status, found.is_triggered) == (
            order.venue_order_id,
            OrderStatus.CANCELED,
            True,
        )
        assert r.open_ids() == set()


async def test_what_a_failed_command_meant_is_not_shown_as_pending(venue: Exchange) -> None:
    async with rig(venue) as r:
        made = await furnished(r)

        def refused(request: Request) -> None:
            if request.path.endswith("cancel-all-plan"):
                raise OrderRejected(VENUE, "not now", "-1")

        r.noted.before = refused
        with pytest.raises(OutcomeUnknown, match="some were cancelled, others not: not now"):
            await r.orders.cancel_all(BTC_ID)
        r.noted.before = lambda _: None
        venue.simulator.faults.switch("503@cancel")
        with pytest.raises(OutcomeUnknown):
            await r.orders.cancel_all(BTC_ID)
        known = {each: r.orders.memory.find("", made[each].venue_order_id) for each in ("plan", "buy")}
        assert {name: each and each.is_cancelling for name, each in known.items()} == {"plan": False, "buy": True}


async def test_what_is_over_is_looked_up_before_a_side_is_cancelled(venue: Exchange) -> None:
    """Also where nothing at all is listed any more."""
    async with rig(venue) as r:
        order = await r.submit(wish())
        venue.act("cancel", id=int(order.venue_order_id))
        r.noted.made.clear()
        assert await r.orders.cancel_all(None, Side.BUY) == []
        assert [path for path in r.noted.commands if "cancel" in path] == []


async def test_an_order_of_another_contract_keeps_its_own(venue: Exchange) -> None:
    """A desk that was started anew meets it by the look-up of its cancel."""
    async with rig(venue) as r:
        order, anew = await r.submit(wish()), r.another()
        wrong = CancelRequest(instrument=ETH_ID, client_order_id="", venue_order_id=order.venue_order_id)
        with pytest.raises(NotSent):
            await anew.cancel(wrong)
        assert r.open_ids() == {order.venue_order_id}
        assert (await anew.cancel(cancel_of(order))).status is OrderStatus.CANCELED


async def test_many_with_an_answer_lost_are_unknown(venue: Exchange) -> None:
    async with rig(venue) as r:
        made = await furnished(r)
        venue.simulator.faults.switch("closed-after@cancel*1")
        with pytest.raises(OutcomeUnknown):
            await r.orders.cancel_all()
        left = await r.orders.fetch_open_orders()
        assert {each.venue_order_id for each in left} == {
            made[name].venue_order_id for name in ("plan", "eth plan")
        }  # fmt: skip
        venue.act("ip", allowed=False)
        with pytest.raises(OrderRejected, match="add it at Pumpkin"):
            await r.orders.cancel_all()


async def test_all_are_cancelled_though_nothing_can_be_read(venue: Exchange) -> None:
    async with rig(venue) as r:
        made = await furnished(r)
        venue.simulator.faults.switch("503@query")
        with pytest.raises(NotSent, match="which orders are of one side can not be read"):
            await r.orders.cancel_all(None, Side.BUY)
        assert r.open_ids() == {each.venue_order_id for each in made.values()}
        found = await r.orders.cancel_all()
        assert {each.status for each in found} == {OrderStatus.PENDING_CANCEL}
        assert r.open_ids() == set()


async def test_all_are_cancelled_without_waiting_for_a_read_that_hangs(venue: Exchange) -> None:
    """A read may be tried again for 15 seconds, and what must be gone at once is not kept for it."""
    async with rig(venue) as r:
        made = await furnished(r)
        r.noted.released.clear()
        async with asyncio.timeout(5):
            found = await r.orders.cancel_all()
        r.noted.released.set()
        assert r.open_ids() == set()
        assert {each.venue_order_id for each in found} == {each.venue_order_id for each in made.values()}
        assert {each.status for each in found} == {OrderStatus.CANCELED}


async def test_a_fifth_of_the_quota_is_there_for_cancels(venue: Exchange) -> None:
    async with rig(venue, minute_quota=400) as r:
        rests = [await r.submit(wish()) for _ in range(4)]
        while True:
            try:
                await r.submit(wish())
            except NotSent as error:
                assert "used up" in error.message
                break
        commands = len(r.noted.commands)
        for order in rests:
            assert (await r.cancel(order)).status is OrderStatus.CANCELED
        assert r.noted.commands[commands:] == ["/order/cancel"] * 4


async def test_a_quota_that_the_venue_calls_used_up_holds_back_all_but_cancels(venue: Exchange) -> None:
    async with rig(venue) as r:
        order = await r.submit(wish())
        venue.act("quota", minute=venue.simulator.weights.state()["minute"] + 12)
        with pytest.raises(OrderRejected, match=r"quota of weight is used up, for \d+ s more \(weight_exceeded\)"):
            await r.submit(wish())
        with pytest.raises(NotSent, match="quota of weight is used up"):
            await r.submit(wish())
        assert (await r.orders.cancel(cancel_of(order))).status is OrderStatus.CANCELED
