"""Plans, exits, margin and leverage of a venue of positions: no outcome is called what it is not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.contract.http_faults import BOOKED_LATER
from tests.contract.position_commands import STRIKING, AddingMargin, Placing, SettingLeverage, try_change
from tests.contract.rig import PERPETUALS, POLLED, SERVED, STREAMED, Exchanges, Rig, rig_of
from tests.contract.scene import Scene, scene_of
from tests.contract.truth import TruePosition
from venues.model import MarginMode, OrderType, Side

OF_POSITIONS = tuple(name for name in SERVED if name.removesuffix(POLLED) in PERPETUALS)
ASKED = tuple(name for name in OF_POSITIONS if name in STREAMED)  # the requests are the same without streams


async def isolated_long(rig: Rig, scene: Scene) -> TruePosition:
    """Opens one with a leverage of ten."""
    await rig.venue.set_leverage(scene.instrument.id, Decimal(10), MarginMode.ISOLATED)
    await rig.venue.submit_order(scene.order(Side.BUY, OrderType.MARKET, units=4))
    state = await rig.until_true(lambda state: state.positions, "nothing is held")
    (held,) = state.positions
    await rig.venue.fetch_positions()  # whose margin can be changed only once it has been seen
    return held


@pytest.mark.parametrize("kind", STRIKING)
@pytest.mark.parametrize("name", ASKED)
async def test_no_other_command_is_called_what_it_is_not(exchanges: Exchanges, name: str, kind: str) -> None:
    fault = STRIKING[kind]
    async with rig_of(exchanges[name]) as rig:
        assert rig.can.position_margin
        scene = await scene_of(rig)
        held = await isolated_long(rig, scene)
        await scene.trade(Side.SELL, 1)  # the last price is below what plans wait for
        await try_change(rig, fault, Placing(scene))
        await try_change(rig, fault, Placing(scene, held))
        if kind == BOOKED_LATER:
            return  # nothing else is
        await try_change(rig, fault, AddingMargin(scene, held))
        await try_change(rig, fault, SettingLeverage(await scene_of(rig, rig.tradable()[1])))
