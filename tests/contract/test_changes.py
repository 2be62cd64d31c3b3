"""Amendments and cancels: exactly what was named, and everything where everything was meant."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from tests.contract.orders import check_order
from tests.contract.rig import Desk, Rig, changed, outcome_of
from tests.contract.scene import Scene, scene_of
from tests.contract.waiting import until_found
from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.errors import NotSent, OrderError, OrderNotFound
from venues.model import ZERO, InstrumentId, Order, OrderStatus, OrderType, Side


async def placed(rig: Rig, *requests: OrderRequest) -> list[Order]:
    """Places orders that rest, and returns them with their ids at the venue.

    Some venues queue what they accept: an order is listed a moment after it was acknowledged.
    """
    for request in requests:
        await rig.venue.submit_order(request)
    names = [request.client_order_id for request in requests]
    resting: dict[str, Order] = {}

    async def all_rest() -> bool:
        resting.update({order.client_order_id: order for order in await rig.venue.fetch_open_orders()})
        return resting.keys() >= set(names)

    await until_found(all_rest, rig.patience, "what was placed is not listed")
    for name in names:
        rig.control.note(resting[name])
    return [resting[name] for name in names]


def cancel_of(order: Order, by: str = "both") -> CancelRequest:
    return CancelRequest(
        instrument=order.instrument,
        client_order_id="" if by == "venue id" else order.client_order_id,
        venue_order_id="" if by == "client id" else order.venue_order_id,
    )


@pytest.mark.parametrize("by", ["client id", "venue id", "both"])
async def test_one_order_is_cancelled_and_no_other(desk: Desk, by: str) -> None:
    rig = desk.rig
    scene = await scene_of(rig, desk.instrument)
    first, second = requests = scene.order(), scene.order(Side.SELL)
    orders = await placed(rig, *requests)
    outcome = await rig.venue.cancel_order(cancel_of(orders[0], by))
    assert outcome.venue_order_id == orders[0].venue_order_id
    await check_order(desk, first, orders[0], ZERO, is_open=False)
    await check_order(desk, second, orders[1], ZERO, is_open=True)
    assert [order.id for order in (await rig.state()).open_orders] == [orders[1].venue_order_id]


async def test_an_order_that_is_filled_in_part_is_cancelled(desk: Desk) -> None:
    scene = await scene_of(desk.rig, desk.instrument)
    request = scene.order(Side.BUY, units=6, price=scene.against(Side.BUY))
    outcome = await desk.rig.venue.submit_order(request)
    await check_order(desk, request, outcome, 4 * scene.unit, is_open=True)
    cancelled = await desk.rig.venue.cancel_order(cancel_of(desk.order(request.client_order_id)))
    assert cancelled.filled_quantity <= 4 * scene.unit
    await check_order(desk, request, outcome, 4 * scene.unit, is_open=False)
    assert desk.order(request.client_order_id).status is OrderStatus.CANCELED


async def test_an_order_that_is_over_can_not_be_cancelled(desk: Desk) -> None:
    rig = desk.rig
    scene = await scene_of(rig, desk.instrument)
    request = scene.order(Side.BUY, price=scene.against(Side.BUY))
    outcome = await rig.venue.submit_order(request)
    await check_order(desk, request, outcome, request.quantity, is_open=False)
    (other,) = await placed(rig, scene.order())
    refusal = await outcome_of(rig.venue.cancel_order(cancel_of(desk.order(request.client_order_id))))
    assert isinstance(refusal, OrderNotFound) and refusal.message, repr(refusal)
    assert [order.id for order in (await rig.state()).open_orders] == [other.venue_order_id]


async def test_an_order_that_never_was_can_not_be_cancelled(rig: Rig, scene: Scene) -> None:
    (other,) = await placed(rig, scene.order())
    missing = CancelRequest(instrument=scene.instrument.id, client_order_id=rig.next_id(), venue_order_id="")
    refusal = await outcome_of(rig.venue.cancel_order(missing))
    # Where nothing bounds a request's life it may be on its way still, and nobody may say that it is not there.
    expected = (OrderNotFound,) if rig.can.order_life is not None else (OrderNotFound, NotSent)
    assert isinstance(refusal, expected) and refusal.message, repr(refusal)
    assert [order.id for order in (await rig.state()).open_orders] == [other.venue_order_id]


async def test_a_stop_is_cancelled(desk: Desk) -> None:
    rig = desk.rig
    scene = await scene_of(rig, desk.instrument)
    await scene.trade(Side.SELL, 1)
    kinds = rig.can.order_types & {OrderType.STOP, OrderType.STOP_LIMIT}
    stops = [scene.order(Side.BUY, kind, trigger_price=scene.at(2)) for kind in sorted(kinds)]
    for request, order in zip(stops, await placed(rig, *stops), strict=True):
        await rig.venue.cancel_order(cancel_of(order))
        await check_order(desk, request, order, ZERO, is_open=False)
    await scene.trade(Side.BUY, 8)  # what was cancelled is not triggered
    assert not (await rig.state()).fills or all(
        fill.client_id not in {stop.client_order_id for stop in stops} for fill in (await rig.state()).fills
    )


SCOPES = ("instrument", "buys", "sells", "sells of an instrument", "everything")


@pytest.mark.parametrize("scope", SCOPES)
async def test_all_of_a_kind_are_cancelled_and_no_other(desk: Desk, scope: str) -> None:
    rig = desk.rig
    scene = await scene_of(rig, desk.instrument)
    elsewhere = await scene_of(rig, rig.tradable()[1])
    await scene.trade(Side.SELL, 1)
    requests = [scene.order(Side.BUY), scene.order(Side.SELL), elsewhere.order(Side.BUY)]
    if OrderType.STOP_LIMIT in rig.can.order_types:
        requests.append(scene.order(Side.BUY, OrderType.STOP_LIMIT, trigger_price=scene.at(2)))
    foreign = await scene.place_elsewhere(Side.SELL, scene.away(Side.SELL))
    orders = await placed(rig, *requests)
    instrument = scene.instrument.id if "instrument" in scope else None
    side = Side.BUY if scope == "buys" else Side.SELL if "sells" in scope else None
    done = await rig.venue.cancel_all_orders(instrument, side)
    gone = {order.venue_order_id for order in orders if matches(order, instrument, side)} | (
        {foreign} if side is not Side.BUY else set()
    )
    left = {order.venue_order_id for order in orders} - gone
    state = await rig.until_true(
        lambda state: len(state.open_orders) == len(left | ({foreign} - gone)), "the wrong ones are cancelled"
    )
    assert {order.id for order in state.open_orders} == left | ({foreign} - gone)
    assert {order.venue_order_id for order in done} == gone
    # A cancel that is queued may still be on its way; what it comes to is asked below.
    assert all(order.status in (OrderStatus.CANCELED, OrderStatus.PENDING_CANCEL) for order in done), done
    for request, order in zip(requests, orders, strict=True):
        await check_order(desk, request, order, ZERO, is_open=order.venue_order_id in left)


def matches(order: Order, instrument: InstrumentId | None, side: Side | None) -> bool:
    return instrument in (None, order.instrument) and side in (None, order.side)


async def test_nothing_rests_and_all_is_cancelled(rig: Rig) -> None:
    assert list(await rig.venue.cancel_all_orders()) == []


async def amended(
    desk: Desk, request: OrderRequest, order: Order, **changes: Decimal
) -> tuple[OrderRequest, Order]:
    """Amends, and returns the request as it should now read."""
    wish = AmendRequest(
        instrument=order.instrument,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        **changes,
    )
    return changed(request, **changes), await desk.rig.venue.amend_order(wish)


CHANGES: dict[str, Sequence[str]] = {"price": ("price",), "size": ("quantity",), "both": ("price", "quantity")}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_resting_order_is_amended(desk: Desk, what: str) -> None:
    rig = desk.rig
    scene = await scene_of(rig, desk.instrument)
    request = scene.order(Side.BUY, units=3)
    (order,) = await placed(rig, request)
    new = {"price": scene.at(-5), "quantity": 5 * scene.unit}
    wish = {name: new[name] for name in CHANGES[what]}
    if not rig.can.amend:
        outcome = await outcome_of(amended(desk, request, order, **wish))
        assert isinstance(outcome, (NotSent, OrderError)) and outcome.message
        return
    request, outcome = await amended(desk, request, order, **wish)
    await check_order(desk, request, outcome, ZERO, is_open=True)
    assert len((await rig.state()).open_orders) == 1


async def test_an_amendment_that_crosses_trades(desk: Desk) -> None:
    if not desk.rig.can.amend:
        return
    scene = await scene_of(desk.rig, desk.instrument)
    request = scene.order(Side.BUY, units=6)
    (order,) = await placed(desk.rig, request)
    request, outcome = await amended(desk, request, order, price=scene.against(Side.BUY))
    await check_order(desk, request, outcome, 4 * scene.unit, is_open=True)


async def test_an_amendment_below_what_is_filled_is_refused(desk: Desk) -> None:
    rig = desk.rig
    if not rig.can.amend:
        return
    scene = await scene_of(rig, desk.instrument)
    request = scene.order(Side.BUY, units=6, price=scene.against(Side.BUY))
    outcome = await rig.venue.submit_order(request)
    await check_order(desk, request, outcome, 4 * scene.unit, is_open=True)
    order = desk.order(request.client_order_id)
    wish = AmendRequest(
        instrument=order.instrument,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        quantity=2 * scene.unit,
    )
    refusal = await outcome_of(rig.venue.amend_order(wish))
    assert isinstance(refusal, (NotSent, OrderError)) and refusal.message, repr(refusal)
    await check_order(desk, request, outcome, 4 * scene.unit, is_open=True)


@pytest.mark.parametrize("what", ["trigger_price", "price", "quantity"])
async def test_a_stop_is_amended(desk: Desk, what: str) -> None:
    rig = desk.rig
    if not rig.can.amend or OrderType.STOP_LIMIT not in rig.can.order_types:
        return
    scene = await scene_of(rig, desk.instrument)
    await scene.trade(Side.SELL, 1)
    request = scene.order(Side.BUY, OrderType.STOP_LIMIT, price=scene.at(3), trigger_price=scene.at(2))
    (order,) = await placed(rig, request)
    new = {"trigger_price": scene.at(3), "price": scene.at(4), "quantity": 3 * scene.unit}
    request, outcome = await amended(desk, request, order, **{what: new[what]})
    await check_order(desk, request, outcome, ZERO, is_open=True)
    assert len((await rig.state()).open_orders) == 1
    await scene.trade(Side.BUY, 9)  # through two levels into the third, whichever of them triggers it
    await check_order(desk, request, outcome, request.quantity, is_open=False)


async def test_an_order_that_never_was_can_not_be_amended(rig: Rig, scene: Scene) -> None:
    missing = AmendRequest(
        instrument=scene.instrument.id, client_order_id=rig.next_id(), venue_order_id="", price=scene.at(-5)
    )
    refusal = await outcome_of(rig.venue.amend_order(missing))
    assert isinstance(refusal, (NotSent, OrderError)) and refusal.message, repr(refusal)
    assert not (await rig.state()).open_orders
