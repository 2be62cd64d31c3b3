"""Long and short side by side on one instrument, each closed by its name, backed and ended as at the exchange."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import pytest

from tests.contract.orders import check_order, check_refused
from tests.contract.rig import Desk, Exchanges, Rig, desk_of, rig_of
from tests.contract.scene import Scene, scene_of
from tests.contract.test_position_commands import OF_POSITIONS
from tests.contract.truth import State
from tests.contract.waiting import until_found
from venues.bills import BillKind
from venues.commands import FundsKind, FundsRequest
from venues.errors import NotSent, OrderError, RequestError
from venues.events import Notice, OrderUpdate
from venues.margin import FundsState
from venues.model import ZERO, MarginMode, OrderType, Position, Side
from venues.port import HasBills, MovesFunds

REFUSED = (OrderError, NotSent, RequestError)


async def open_both(desk: Desk) -> Scene:
    """Opens a long of four units and a short of two, isolated, with a leverage of ten."""
    rig = desk.rig
    scene = await scene_of(rig, desk.instrument)
    await rig.venue.set_leverage(scene.instrument.id, Decimal(10), MarginMode.ISOLATED)
    for side, units in ((Side.BUY, 4), (Side.SELL, 2)):
        opening = scene.order(side, OrderType.MARKET, units=units)
        await check_order(desk, opening, await rig.venue.submit_order(opening), opening.quantity, is_open=False)
    return scene


def told(desk: Desk) -> dict[str, Position]:
    """Returns the positions that the desk has, by their ids."""
    held = desk.store.ledger.positions.items()
    return {number: one for (instrument, number), one in held if instrument == desk.instrument.id and one.quantity}


async def check_positions(desk: Desk) -> None:
    """Those that were told and those that are read are the exchange's, and where they end is so to one tick."""
    read: list[Position] = []
    words = ""

    async def is_same() -> bool:
        nonlocal words
        truth = await desk.rig.state()
        read[:] = await desk.rig.venue.fetch_positions()
        words = differences(desk, read, truth)
        return not words

    try:
        await until_found(is_same, desk.rig.patience)
    except AssertionError:
        raise AssertionError(words) from None


def differences(desk: Desk, read: list[Position], truth: State) -> str:
    tick = desk.instrument.tick_size
    for found in (told(desk), {one.position_id: one for one in read if one.quantity}):
        if found.keys() != {one.id for one in truth.positions}:
            return f"positions {sorted(found)}; the exchange: {truth.positions}"
        for true in truth.positions:
            mine = found[true.id]
            figures = (mine.quantity, mine.leverage, round(mine.entry_price, 8))
            if figures != (true.quantity, true.leverage, round(true.entry_price, 8)):
                return f"{mine}; the exchange: {true}"
            if mine.margin_mode is MarginMode.ISOLATED and mine.margin != true.margin:
                return f"it is backed with {mine.margin}; the exchange: {true.margin}"
            ends = mine.liquidation_price, true.liquidation_price
            if (ends[0] is None) is not (ends[1] is None):
                return f"it ends at {ends[0]}; the exchange: {ends[1]}"
            if ends[0] is not None and ends[1] is not None and abs(ends[0] - ends[1]) > tick:
                return f"it ends at {ends[0]}; the exchange: {ends[1]}"
    return ""


@pytest.fixture(params=OF_POSITIONS)
def venue_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_both_sides_stand_beside_each_other_and_each_is_closed_by_its_name(desk: Desk) -> None:
    rig = desk.rig
    scene = await open_both(desk)
    await desk.until(lambda: len(told(desk)) == 2, "two positions are not told")
    assert sorted(one.quantity for one in told(desk).values()) == [-2 * scene.unit, 4 * scene.unit]
    await check_positions(desk)
    await scene.lay()
    half = await scene.closing(Side.SELL)
    await check_order(desk, half, await rig.venue.submit_order(half), half.quantity, is_open=False)
    await check_positions(desk)
    assert sorted(one.quantity for one in told(desk).values()) == [-2 * scene.unit, 2 * scene.unit]
    nameless = scene.order(Side.SELL, OrderType.MARKET, reduce_only=True, position_id="1")
    await check_refused(rig, nameless)
    back = await scene.closing(Side.BUY)
    await check_order(desk, back, await rig.venue.submit_order(back), back.quantity, is_open=False)
    await desk.until(lambda: [one.quantity for one in told(desk).values()] == [2 * scene.unit], "it is not closed")
    await check_positions(desk)


async def test_leverage_and_mode_are_refused_in_words_over_a_position(desk: Desk) -> None:
    rig = desk.rig
    scene = await open_both(desk)
    before = (await rig.state()).leverage
    refused_ones = [(Decimal(5), MarginMode.ISOLATED)]
    if rig.can.leverage_needs_flat:
        refused_ones.append((Decimal(10), MarginMode.CROSS))
    for leverage, mode in refused_ones:
        with pytest.raises(REFUSED) as refused:
            await rig.venue.set_leverage(scene.instrument.id, leverage, mode)
        assert refused.value.message
    assert (await rig.state()).leverage == before


async def test_margin_is_added_and_taken_and_the_end_moves_as_at_the_exchange(desk: Desk) -> None:
    rig = desk.rig
    scene = await open_both(desk)
    await desk.until(lambda: len(told(desk)) == 2, "two positions are not told")
    long = next(one for one in told(desk).values() if one.quantity > 0)
    assert isinstance(rig.venue, MovesFunds)
    margin, end = long.margin, long.liquidation_price
    assert end is not None
    for kind, amount, sign in ((FundsKind.ADD_MARGIN, 8, -1), (FundsKind.REMOVE_MARGIN, 3, 1)):
        request = FundsRequest(
            venue=rig.name, request_id=f"{kind}1", kind=kind, currency=scene.instrument.settle,
            amount=Decimal(amount), instrument=scene.instrument.id, position_id=long.position_id,
            held_before=margin,
        )  # fmt: skip
        receipt = await rig.venue.move_funds(request)
        assert (receipt.state, receipt.request) == (FundsState.DONE, request)
        margin += -sign * amount
        await desk.until(partial(has_margin, desk, long.position_id, margin), f"{kind} is not told")
        await check_positions(desk)
        now = told(desk)[long.position_id].liquidation_price
        assert now is not None and (now - end) * sign > 0
        end = now
    too_much = FundsRequest(
        venue=rig.name, request_id="more", kind=FundsKind.REMOVE_MARGIN, currency=scene.instrument.settle,
        amount=margin, instrument=scene.instrument.id, position_id=long.position_id, held_before=margin,
    )  # fmt: skip
    with pytest.raises(REFUSED) as refused:
        await rig.venue.move_funds(too_much)
    assert refused.value.message


def has_margin(desk: Desk, number: str, margin: Decimal) -> bool:
    return told(desk)[number].margin == margin


async def test_a_liquidation_is_told_as_one_with_its_fill_and_its_alarm(desk: Desk) -> None:
    rig = desk.rig
    scene = await open_both(desk)
    await desk.until(lambda: len(told(desk)) == 2, "two positions are not told")
    long = next(one for one in told(desk).values() if one.quantity > 0)
    start = desk.mark
    assert long.liquidation_price is not None
    await rig.control.act(do="mark", symbol=scene.symbol, price=f"{long.liquidation_price - scene.step:f}")
    state = await rig.until_true(lambda state: len(state.positions) == 1, "the exchange does not liquidate it")
    await desk.until(lambda: list(told(desk)) == [state.positions[0].id], "the end of a position is not told")

    def forced() -> list[OrderUpdate]:
        return [update for update in desk.of(OrderUpdate, start) if update.order.is_liquidation]

    await desk.until(forced, "no order of a liquidation is told")
    (number,) = {update.order.venue_order_id for update in forced()}
    true = next(fill for fill in state.fills if fill.order_id == number)
    await desk.until(lambda: true.trade_id in {fill.trade_id for fill in desk.store.ledger.fills}, "nor its fill")
    order = forced()[-1].order
    assert (order.side, order.quantity, order.filled_quantity) == (Side.SELL, 4 * scene.unit, 4 * scene.unit)

    def alarms() -> list[Notice]:
        return [notice for notice in desk.of(Notice, start) if notice.is_alarm]

    await desk.until(alarms, "nobody is alarmed")  # once the bills have told what it cost
    if isinstance(rig.venue, HasBills):
        bills = await rig.venue.fetch_bills(50)
        assert sum((bill.amount for bill in bills if bill.kind is BillKind.LIQUIDATION), ZERO) < 0
    await check_positions(desk)
    assert len(alarms()) == 1, alarms()


async def test_a_position_that_is_not_there_has_no_margin_to_change(rig: Rig) -> None:
    assert isinstance(rig.venue, MovesFunds)
    before = await rig.state()
    request = FundsRequest(
        venue=rig.name, request_id="none", kind=FundsKind.ADD_MARGIN, currency=rig.main().settle,
        amount=Decimal(5), instrument=rig.main().id, position_id="1", held_before=Decimal(1),
    )  # fmt: skip
    with pytest.raises(REFUSED) as refused:
        await rig.venue.move_funds(request)
    assert refused.value.message
    assert (await rig.state()).balances == before.balances


async def test_what_another_desk_opened_is_there_from_the_start(exchanges: Exchanges, venue_name: str) -> None:
    async with rig_of(exchanges[venue_name]) as rig:
        scene = await scene_of(rig)
        await rig.venue.set_leverage(scene.instrument.id, Decimal(10), MarginMode.ISOLATED)
        for side in Side:
            await rig.venue.submit_order(scene.order(side, OrderType.MARKET))
        async with rig_of(rig.exchange, is_rested=False) as later, desk_of(later) as second:
            await second.until(lambda: len(told(second)) == 2, "the positions are not told")
            await check_positions(second)
