"""What is there for positions finds what it is there to find."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest

from tests.contract import position_mutants as of
from tests.contract import test_margin_modes, test_position_commands, test_sides
from tests.contract.mutants import Mutant
from tests.contract.position_commands import STRIKING, AddingMargin, Placing, SettingLeverage, try_change
from tests.contract.rig import Desk, Exchanges, Rig, desk_of, rig_of
from tests.contract.scene import Scene, scene_of
from tests.contract.test_mutants import made_with
from tests.contract.test_orders import test_stops_wait_for_their_trigger_and_then_act as stop_acts
from tests.contract.truth import TruePosition
from venues.model import OrderType, Side

LOST = "executed, never answered"
SWALLOWED = "not executed, never answered"

CAUGHT: dict[type[Mutant], Callable[[Desk], Awaitable[None]]] = {
    of.CallsShortsLong: test_sides.test_both_sides_stand_beside_each_other_and_each_is_closed_by_its_name,
    of.LosesTheOtherSide: test_sides.test_both_sides_stand_beside_each_other_and_each_is_closed_by_its_name,
    of.CountsContracts: test_sides.test_both_sides_stand_beside_each_other_and_each_is_closed_by_its_name,
    of.MovesLiquidations: test_sides.test_margin_is_added_and_taken_and_the_end_moves_as_at_the_exchange,
    of.HidesLiquidations: test_sides.test_a_liquidation_is_told_as_one_with_its_fill_and_its_alarm,
    of.IgnoresTheMarginMode: test_margin_modes.test_both_modes_stand_and_each_is_closed_by_its_name,
    of.ForgetsWhoseFillsTheyAre: lambda desk: stop_acts(desk, OrderType.STOP, Side.BUY),
}
CAUGHT_UNDER_FAULTS: dict[type[Mutant], str] = {
    of.CallsAPlanRefused: LOST,
    of.PlacesExitsTwice: LOST,
    of.MovesMarginTwice: LOST,
    of.CallsAMarginMoveNotSent: LOST,
    of.FindsMarginThatWasNotMoved: SWALLOWED,
    of.CallsLeverageSet: SWALLOWED,
}
# What of it could go wrong in another adapter: there, plans and exits are orders like all others.
_OF_MAYEX = frozenset(
    {
        of.CallsShortsLong, of.LosesTheOtherSide, of.HidesLiquidations, of.IgnoresTheMarginMode,
        of.CallsAPlanRefused, of.MovesMarginTwice, of.FindsMarginThatWasNotMoved, of.CallsLeverageSet,
    }
)  # fmt: skip


def planted(kinds: Iterable[type[Mutant]]) -> list[Any]:
    return [
        pytest.param(name, kind, id=f"{name}-{kind.__name__}")
        for name in test_position_commands.ASKED
        for kind in kinds
        if (kind in _OF_MAYEX if name == "mayex" else kind is not of.IgnoresTheMarginMode)
    ]


@pytest.mark.parametrize(("name", "kind"), planted(CAUGHT))
async def test_a_defect_is_found(exchanges: Exchanges, name: str, kind: type[Mutant]) -> None:
    async with rig_of(made_with(kind, exchanges[name])) as rig, desk_of(rig) as desk:
        rig.patience = 1.5  # many times what a good adapter needs
        with pytest.raises((AssertionError, ValueError)):
            await CAUGHT[kind](desk)


@pytest.mark.parametrize(("name", "kind"), planted(CAUGHT_UNDER_FAULTS))
async def test_a_wrong_verdict_is_found(exchanges: Exchanges, name: str, kind: type[Mutant]) -> None:
    async with rig_of(made_with(kind, exchanges[name])) as rig:
        rig.patience = 1.5
        scene = await scene_of(rig)
        held = await test_position_commands.isolated_long(rig, scene)
        await scene.trade(Side.SELL, 1)
        with pytest.raises(AssertionError):
            await every_command(rig, scene, held, CAUGHT_UNDER_FAULTS[kind])


async def every_command(rig: Rig, scene: Scene, held: TruePosition, fault: str) -> None:
    await try_change(rig, STRIKING[fault], Placing(scene))
    await try_change(rig, STRIKING[fault], Placing(scene, held))
    await try_change(rig, STRIKING[fault], AddingMargin(scene, held))
    await try_change(rig, STRIKING[fault], SettingLeverage(await scene_of(rig, rig.tradable()[1])))
