"""What comes before a command leaves, and what is left when a venue is closed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.contract.rig import Exchanges, Rig, desk_of, outcome_of, rig_of
from tests.contract.scene import Scene, scene_of
from tests.contract.test_changes import cancel_of, placed
from tests.contract.waiting import PATIENCE, until
from venues.commands import AmendRequest, Channel, OrderRequest, Subscription
from venues.errors import NotSent, OrderError, VenueError
from venues.events import StreamStatus
from venues.model import Order, OrderType, Side
from venues.port import Departure, Venue
from venues.registry import create_venue

CLOSED_WITHIN = 1.0  # seconds, at any scale


class Gatekeeper:
    """A journal that looks at the exchange each time something is about to leave."""

    def __init__(self, rig: Rig, refuses: bool = False) -> None:
        self.rig = rig
        self.refuses = refuses
        self.departures: list[Departure] = []
        self.at_the_exchange: list[tuple[str, ...]] = []

    async def __call__(self, departure: Departure) -> None:
        self.departures.append(departure)
        self.at_the_exchange.append(tuple(order.id for order in (await self.rig.state()).open_orders))
        if self.refuses:
            raise NotSent(self.rig.name, "the journal is full")


async def test_nothing_leaves_before_the_journal_has_it(rig: Rig, scene: Scene) -> None:
    submitting = Gatekeeper(rig)
    order = await rig.venue.submit_order(scene.order(), depart=submitting)
    assert len(submitting.departures) >= 1
    assert submitting.at_the_exchange[0] == ()
    await rig.until_true(lambda state: state.open_orders, "what was placed does not rest")
    cancelling = Gatekeeper(rig)
    await rig.venue.cancel_order(cancel_of(order), depart=cancelling)
    assert cancelling.at_the_exchange[0] == (order.venue_order_id,)
    await rig.until_true(lambda state: not state.open_orders, "what was cancelled rests")
    await rig.venue.submit_order(scene.order(), depart=submitting)
    await rig.until_true(lambda state: state.open_orders, "what was placed does not rest")
    clearing = Gatekeeper(rig)
    await rig.venue.cancel_all_orders(depart=clearing)
    assert clearing.departures and clearing.at_the_exchange[0]
    await rig.until_true(lambda state: not state.open_orders, "what was cancelled rests")


async def test_a_departure_says_until_when_the_command_lives(rig: Rig, scene: Scene) -> None:
    await until(lambda: rig.venue.venue_time() is not None, rig.patience)
    gatekeeper = Gatekeeper(rig)
    await rig.venue.submit_order(scene.order(), depart=gatekeeper)
    deadlines = [departure.deadline for departure in gatekeeper.departures]
    if rig.can.order_life is None:
        assert deadlines == [None]
        return
    now = (await rig.state()).now_ns
    for deadline in deadlines:
        assert deadline is not None
        assert now - 10**9 < deadline < now + int((rig.can.order_life + 2) * 10**9)


@pytest.mark.parametrize("kind", [OrderType.LIMIT, OrderType.MARKET, OrderType.STOP_LIMIT])
async def test_what_the_journal_can_not_keep_is_not_sent(rig: Rig, scene: Scene, kind: OrderType) -> None:
    await scene.trade(Side.SELL, 1)
    more: dict[str, Any] = {"trigger_price": scene.at(2)} if kind.has_trigger else {}
    before = await rig.state()
    outcome = await outcome_of(
        rig.venue.submit_order(scene.order(Side.BUY, kind, **more), depart=Gatekeeper(rig, True))
    )
    assert isinstance(outcome, NotSent), repr(outcome)
    after = await rig.state()
    assert (after.orders, after.fills, after.balances) == (before.orders, before.fills, before.balances)


@pytest.mark.parametrize("what", ["cancel", "cancel all", "amend"])
async def test_a_change_that_the_journal_can_not_keep_is_not_sent(rig: Rig, scene: Scene, what: str) -> None:
    (order,) = await placed(rig, scene.order())
    before = (await rig.state()).orders
    gatekeeper = Gatekeeper(rig, refuses=True)
    with pytest.raises((NotSent, OrderError) if what == "amend" and not rig.can.amend else NotSent):
        match what:
            case "cancel":
                await rig.venue.cancel_order(cancel_of(order), depart=gatekeeper)
            case "cancel all":
                await rig.venue.cancel_all_orders(depart=gatekeeper)
            case _:
                wish = AmendRequest(
                    instrument=order.instrument,
                    client_order_id=order.client_order_id,
                    venue_order_id=order.venue_order_id,
                    price=scene.at(-5),
                )
                await rig.venue.amend_order(wish, depart=gatekeeper)
    assert (await rig.state()).orders == before


async def close_twice(venue: Venue) -> float:
    """Closes a venue twice and returns how long that took, in seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await venue.aclose()
    await venue.aclose()
    return loop.time() - began


async def test_a_venue_that_was_never_opened_is_closed(exchanges: Exchanges, venue_name: str) -> None:
    before = asyncio.all_tasks()
    exchange = exchanges[venue_name]
    venue = create_venue(exchange.name, exchange.settings())
    assert await close_twice(venue) < CLOSED_WITHIN
    async for batch in venue.events():
        assert all(isinstance(event, StreamStatus) for event in batch), batch
    await until(lambda: asyncio.all_tasks() <= before, PATIENCE, "tasks are left")
    with pytest.raises(VenueError):
        await venue.fetch_balances()


@pytest.mark.parametrize("moment", ["open", "subscribed", "with orders", "in the middle of a command", "unread"])
async def test_a_venue_is_closed_in_every_state(exchanges: Exchanges, venue_name: str, moment: str) -> None:
    before = asyncio.all_tasks()
    async with rig_of(exchanges[venue_name]) as rig:
        spot = rig.main()
        sending: asyncio.Task[Order | VenueError] | None = None
        if moment == "subscribed":
            async with desk_of(rig):
                pass
        elif moment == "unread":  # nobody takes what is told
            for channel in (Channel.BOOK, Channel.TRADES, Channel.TICKER):
                await rig.venue.subscribe(Subscription(channel, spot.id))
            await rig.venue.subscribe(Subscription(Channel.ACCOUNT))
            await rig.control.act(do="resume")
            await rig.until_true(lambda state: state.now_ns)
        elif moment != "open":
            scene = await scene_of(rig)
            await rig.venue.submit_order(scene.order())
            if moment != "with orders":
                sending = asyncio.create_task(outcome_of(rig.venue.submit_order(scene.order())))
                await asyncio.sleep(0)
        assert await close_twice(rig.venue) < CLOSED_WITHIN
        if sending is not None:
            outcome = await sending
            assert isinstance(outcome, (Order, VenueError))
        refused = await outcome_of(rig.venue.submit_order(sample(rig)))
        assert isinstance(refused, NotSent), repr(refused)
        last = [batch async for batch in rig.venue.events()] if moment != "subscribed" else []
        assert all(last)
    await until(lambda: asyncio.all_tasks() <= before, what=f"tasks are left: {asyncio.all_tasks() - before}")


def sample(rig: Rig) -> OrderRequest:
    spot = rig.main()
    return OrderRequest(
        instrument=spot.id, client_order_id=rig.next_id(), side=Side.BUY, type=OrderType.LIMIT,
        quantity=max(spot.min_quantity, spot.lot_size), price=spot.tick_size * 1000,
    )  # fmt: skip


async def test_events_end_when_the_venue_is_closed(rig: Rig) -> None:
    async with desk_of(rig) as desk:
        await rig.venue.aclose()
        await until(lambda: desk.recorded.is_over, what="the events go on after the end")
