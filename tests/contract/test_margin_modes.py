"""Isolated and cross side by side on one instrument, where each order says which of them it means."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.contract.orders import check_order
from tests.contract.rig import POLLED, SERVED, Desk
from tests.contract.scene import scene_of
from tests.contract.test_sides import check_positions, told
from venues.model import MarginMode, OrderType, Side

OF_ORDERS = tuple(name for name in SERVED if name.removesuffix(POLLED) == "mayex")


@pytest.fixture(params=OF_ORDERS)
def venue_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_both_modes_stand_and_each_is_closed_by_its_name(desk: Desk) -> None:
    rig = desk.rig
    assert rig.can.margin_mode_of_order and rig.can.margin_modes == frozenset(MarginMode)
    scene = await scene_of(rig, desk.instrument)
    for mode, units in ((MarginMode.ISOLATED, 3), (MarginMode.CROSS, 2)):
        await rig.venue.set_leverage(scene.instrument.id, Decimal(10), mode)
        opening = scene.order(Side.BUY, OrderType.MARKET, units=units, margin_mode=mode)
        await check_order(desk, opening, await rig.venue.submit_order(opening), opening.quantity, is_open=False)

    def sizes() -> dict[MarginMode | None, Decimal]:
        return {one.margin_mode: one.quantity for one in told(desk).values()}

    await desk.until(lambda: len(told(desk)) == 2, "two positions are not told")
    assert sizes() == {MarginMode.ISOLATED: 3 * scene.unit, MarginMode.CROSS: 2 * scene.unit}
    await check_positions(desk)
    await scene.lay()
    cross = next(one for one in told(desk).values() if one.margin_mode is MarginMode.CROSS)
    back = scene.order(Side.SELL, OrderType.MARKET, reduce_only=True, position_id=cross.position_id)
    await check_order(desk, back, await rig.venue.submit_order(back), back.quantity, is_open=False)
    await desk.until(lambda: sizes() == {MarginMode.ISOLATED: 3 * scene.unit}, "it is not closed, or another is")
    await check_positions(desk)
