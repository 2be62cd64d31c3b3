"""Every kind of order that a venue says it takes comes to what it must; every other is refused in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.contract.orders import check_order, check_refused, filled_at_once, rests
from tests.contract.rig import Desk, Rig, changed, outcome_of
from tests.contract.scene import Scene, scene_of
from venues.errors import DuplicateClientOrderId, InsufficientFunds, NotSent, OrderRejected
from venues.model import ZERO, Instrument, InstrumentId, MarginMode, Order, OrderType, Side, TimeInForce

ENTRIES = ("away", "part", "whole")
"""It rests behind the crowd; it meets less than it wants; it meets all that it wants."""


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("tif", list(TimeInForce))
async def test_limit_orders(desk: Desk, tif: TimeInForce, entry: str, side: Side) -> None:
    rig = desk.rig
    scene = await scene_of(rig, desk.instrument)
    price = scene.away(side) if entry == "away" else scene.against(side)
    request = scene.order(side, units=6 if entry == "part" else 2, price=price, time_in_force=tif)
    if tif not in rig.can.times_in_force:
        await check_refused(rig, request)
        return
    there = ZERO if entry == "away" else 4 * scene.unit
    filled = filled_at_once(request, there)
    outcome = await outcome_of(rig.venue.submit_order(request))
    if isinstance(outcome, OrderRejected) and tif is TimeInForce.FOK and not filled:
        await check_refused(rig, changed(request, client_order_id=rig.next_id()))  # killed is not placed, to some
        return
    assert isinstance(outcome, Order), repr(outcome)
    await check_order(desk, request, outcome, filled, rests(request) and filled < request.quantity)


@pytest.mark.parametrize("side", list(Side))
async def test_market_orders(desk: Desk, side: Side) -> None:
    scene = await scene_of(desk.rig, desk.instrument)
    # Through the first level into the second, so that there are two executions at two prices.
    request = scene.order(side, OrderType.MARKET, units=6)
    outcome = await desk.rig.venue.submit_order(request)
    await check_order(desk, request, outcome, request.quantity, is_open=False)
    prices = {
        update.price for update in (await desk.rig.state()).fills if update.client_id == request.client_order_id
    }
    assert prices == {scene.against(side, 1), scene.against(side, 2)}


@pytest.mark.parametrize("side", list(Side))
async def test_a_market_order_takes_what_there_is(desk: Desk, side: Side) -> None:
    scene = await scene_of(desk.rig, desk.instrument)
    request = scene.order(side, OrderType.MARKET, units=14)
    outcome = await desk.rig.venue.submit_order(request)
    await check_order(desk, request, outcome, 12 * scene.unit, is_open=False)


@pytest.mark.parametrize("tif", [TimeInForce.IOC, TimeInForce.FOK])
async def test_market_orders_that_say_how_long_they_live(desk: Desk, tif: TimeInForce) -> None:
    scene = await scene_of(desk.rig, desk.instrument)
    request = scene.order(Side.SELL, OrderType.MARKET, time_in_force=tif)
    outcome = await outcome_of(desk.rig.venue.submit_order(request))
    if isinstance(outcome, Order):  # some venues call each market order one of these
        assert tif in desk.rig.can.times_in_force
        lasting = changed(request, time_in_force=TimeInForce.GTC)
        await check_order(desk, lasting, outcome, request.quantity, is_open=False)
    else:
        await check_refused(desk.rig, changed(request, client_order_id=desk.rig.next_id()))


@pytest.mark.parametrize("entry", ["away", "whole"])
async def test_post_only_orders(desk: Desk, entry: str) -> None:
    rig = desk.rig
    scene = await scene_of(rig, desk.instrument)
    price = scene.away(Side.BUY) if entry == "away" else scene.against(Side.BUY)
    request = scene.order(Side.BUY, price=price, post_only=True)
    if entry == "whole" or not rig.can.post_only:
        await check_refused(rig, request)
    else:
        outcome = await rig.venue.submit_order(request)
        await check_order(desk, request, outcome, ZERO, is_open=True)


async def test_a_resting_order_is_filled_by_what_others_do(desk: Desk) -> None:
    scene = await scene_of(desk.rig, desk.instrument)
    request = scene.order(Side.BUY, units=3, price=scene.at(0))
    outcome = await desk.rig.venue.submit_order(request)
    await check_order(desk, request, outcome, ZERO, is_open=True)
    await scene.trade(Side.SELL, 1)
    await check_order(desk, request, outcome, scene.unit, is_open=True)
    await scene.trade(Side.SELL, 2)
    await check_order(desk, request, outcome, request.quantity, is_open=False)


STOPS: dict[OrderType, int] = {
    OrderType.STOP: 1,
    OrderType.STOP_LIMIT: 1,
    OrderType.TAKE_PROFIT: -1,
    OrderType.TAKE_PROFIT_LIMIT: -1,
}
"""Whether the market has to rise (+1) or to fall for a buy of this kind to be triggered."""


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kind", list(STOPS))
async def test_stops_wait_for_their_trigger_and_then_act(desk: Desk, kind: OrderType, side: Side) -> None:
    rig = desk.rig
    scene = await scene_of(rig, desk.instrument)
    await scene.trade(Side.BUY, 1)
    await scene.trade(Side.SELL, 1)  # the last price is one below the middle, whatever it was before
    rising = STOPS[kind] * side.sign > 0
    trigger = scene.at(2 if rising else -3)
    more: dict[str, Any] = {"price": scene.against(side, 3)} if kind.has_price else {}
    request = scene.order(side, kind, trigger_price=trigger, **more)
    if kind not in rig.can.order_types:
        await check_refused(rig, request)
        return
    outcome = await rig.venue.submit_order(request)
    await check_order(desk, request, outcome, ZERO, is_open=True)
    assert not desk.order(request.client_order_id).is_triggered
    (resting,) = [
        one for one in await rig.venue.fetch_open_orders() if one.client_order_id == request.client_order_id
    ]
    assert (resting.type, resting.trigger_price, resting.is_triggered) == (kind, trigger, False)
    # Others trade up to the trigger and leave enough for it to fill against.
    await scene.trade(Side.BUY if rising else Side.SELL, 5 if rising else 8)
    await check_order(desk, request, outcome, request.quantity, is_open=False)


async def test_a_triggered_stop_limit_rests_where_it_can_not_trade(desk: Desk) -> None:
    rig = desk.rig
    scene = await scene_of(rig, desk.instrument)
    await scene.trade(Side.SELL, 1)
    request = scene.order(Side.BUY, OrderType.STOP_LIMIT, price=scene.at(0), trigger_price=scene.at(1))
    if OrderType.STOP_LIMIT not in rig.can.order_types:
        await check_refused(rig, request)
        return
    outcome = await rig.venue.submit_order(request)
    await check_order(desk, request, outcome, ZERO, is_open=True)
    await scene.trade(Side.BUY, 1)
    await desk.until(lambda: desk.order(request.client_order_id).is_triggered, "nobody says that it is triggered")
    await check_order(desk, request, outcome, ZERO, is_open=True)
    await scene.trade(Side.SELL, 2)
    await check_order(desk, request, outcome, request.quantity, is_open=False)


UNCLAIMED: dict[str, dict[str, Any]] = {
    "reduce_only": {"reduce_only": True},
    "leverage": {"leverage": Decimal(3)},
    "attached_exits": {"take_profit": Decimal(3), "stop_loss": Decimal(2)},
    "positions": {"position_id": "long"},
    "margin_modes": {"margin_mode": MarginMode.ISOLATED},
}


@pytest.mark.parametrize("what", UNCLAIMED)
async def test_what_is_not_claimed_is_refused_in_words(rig: Rig, scene: Scene, what: str) -> None:
    more = dict(UNCLAIMED[what])
    if what == "attached_exits":
        more = {"take_profit": scene.at(9), "stop_loss": scene.at(-9)}
    if scene.instrument.is_perpetual and (what in ("positions", "margin_modes") or getattr(rig.can, what)):
        return  # on spot none of these means anything, whatever the venue can do elsewhere
    await check_refused(rig, scene.order(**more))


async def test_an_order_on_an_instrument_that_there_is_not(rig: Rig, scene: Scene) -> None:
    request = changed(scene.order(), instrument=InstrumentId(rig.name, "NOWHERE-USDT"))
    await check_refused(rig, request)


async def test_an_order_below_the_minimum(rig: Rig) -> None:
    tickers = await rig.venue.fetch_tickers([one.id for one in rig.tradable()])
    prices = {ticker.instrument: ticker.last for ticker in tickers}
    # Where a step is worth more than the minimum there is nothing to be below of.
    instrument, quantity = next(
        ((one, one.lot_size) for one in rig.tradable() if _is_below(one, 2 * one.lot_size, prices[one.id])),
        (rig.main(), ZERO),
    )
    scene = await scene_of(rig, instrument)
    await check_refused(rig, changed(scene.order(), quantity=quantity))


def _is_below(instrument: Instrument, quantity: Decimal, price: Decimal) -> bool:
    return quantity < max(instrument.min_quantity, instrument.min_notional / price)


@pytest.mark.parametrize("what", ["price", "quantity"])
async def test_an_order_between_two_steps(rig: Rig, scene: Scene, what: str) -> None:
    request = scene.order()
    step = scene.instrument.tick_size if what == "price" else scene.instrument.lot_size
    off = changed(request, **{what: getattr(request, what) + step / 10})
    await check_refused(rig, off)


async def test_an_order_that_the_money_is_not_there_for(rig: Rig, scene: Scene) -> None:
    held = (await rig.state()).balances[scene.instrument.quote].available
    units = int(held / (scene.away(Side.BUY) * scene.unit)) + 2
    more: dict[str, Any] = {"leverage": Decimal(1)} if scene.instrument.is_perpetual else {}
    request = scene.order(Side.BUY, units=units, **more)
    outcome = await outcome_of(rig.venue.submit_order(request))
    assert isinstance(outcome, (InsufficientFunds, NotSent)), repr(outcome)
    assert outcome.message
    await check_refused(rig, changed(request, client_order_id=rig.next_id()))


async def test_a_client_order_id_that_was_used_before(rig: Rig, scene: Scene) -> None:
    request = scene.order()
    await rig.venue.submit_order(request)
    again = await outcome_of(rig.venue.submit_order(request))
    placed = 2 if isinstance(again, Order) else 1
    state = await rig.until_true(lambda state: len(state.of_client(request.client_order_id)) >= placed)
    truth = state.of_client(request.client_order_id)
    if isinstance(again, Order):  # a venue that does not look at it: then both are there, and the desk shows both
        assert len(truth) == 2
        assert len({order.id for order in truth}) == 2
        resting = [o.venue_order_id for o in await rig.venue.fetch_open_orders()]
        assert {order.id for order in truth} <= set(resting)
    else:
        assert isinstance(again, (DuplicateClientOrderId, NotSent)), repr(again)
        assert len(truth) == 1
    await rig.venue.cancel_all_orders(scene.instrument.id)
    await rig.until_true(lambda state: not state.open_orders, "what was cancelled rests")
