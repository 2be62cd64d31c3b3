"""Fills, fees, balances and positions: they add up, and what is read back is what was pushed."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest

from tests.contract.orders import check_order, check_refused, fills_told
from tests.contract.rig import Desk, Rig
from tests.contract.scene import Scene, scene_of
from tests.contract.truth import State
from venues.errors import ConfigurationError, NotSent, OrderError, RequestError
from venues.events import FillUpdate
from venues.model import NANOSECONDS, ZERO, Fill, Liquidity, MarginMode, Order, OrderType, Position, Side

_SHOWN = Decimal("1e-8")

_WRITTEN = Decimal("0.00000002")  # twice the last of the eight decimals of a balance


async def traded(desk: Desk) -> Scene:
    """Trades as maker and as taker, on both sides, in several executions."""
    scene = await scene_of(desk.rig, desk.instrument)
    rig = desk.rig
    for side in Side:
        taken = scene.order(side, OrderType.MARKET, units=6)
        outcome = await rig.venue.submit_order(taken)
        await check_order(desk, taken, outcome, taken.quantity, is_open=False)
        rested = scene.order(side, units=3, price=scene.at(0))
        outcome = await rig.venue.submit_order(rested)
        await scene.trade(side.opposite, 2)
        await check_order(desk, rested, outcome, 2 * scene.unit, is_open=True)
        await scene.trade(side.opposite, 1)
        await check_order(desk, rested, outcome, rested.quantity, is_open=False)
    return scene


async def test_fills_and_fees_add_up_with_the_balances(desk: Desk) -> None:
    rig = desk.rig
    before = await rig.state()
    start = desk.mark
    scene = await traded(desk)
    after = await rig.until_true(lambda state: len(state.fills) >= len(before.fills) + 8, "the fills")
    moved = changes_of(desk, desk.of(FillUpdate, start))
    instrument = scene.instrument
    assert set(moved) >= ({instrument.settle} if instrument.is_perpetual else {instrument.base, instrument.quote})
    for currency in set(before.balances) | set(after.balances):
        # Fees may have more decimals than a venue shows of a balance.
        assert abs(after.total(currency) - before.total(currency) - moved[currency]) <= _SHOWN, currency
    await check_balances(desk, after)


def changes_of(desk: Desk, updates: list[FillUpdate]) -> dict[str, Decimal]:
    """Returns what the pushed fills say has become of each currency."""
    moved: dict[str, Decimal] = defaultdict(Decimal)
    for update in updates:
        fill = update.fill
        instrument = desk.rig.instruments[fill.instrument]
        moved[fill.fee_currency] -= fill.fee
        if instrument.is_perpetual:
            moved[instrument.settle] += fill.realized_pnl
            continue
        moved[instrument.base] += fill.side.sign * fill.quantity
        moved[instrument.quote] -= fill.side.sign * fill.quantity * fill.price
    return moved


async def check_balances(desk: Desk, truth: State) -> None:
    """What was pushed and what is read are what the exchange has."""
    true = {name: (one.available, one.frozen) for name, one in truth.balances.items() if one.total}

    def told() -> dict[str, tuple[Decimal, Decimal]]:
        held = desk.store.ledger.balances.get(desk.rig.name, {})
        return {name: (one.available, one.locked) for name, one in held.items() if one.total}

    await desk.until(lambda: told() == true, "the balances that are pushed are not the exchange's")
    read = {one.currency: one for one in await desk.rig.venue.fetch_balances()}
    assert {name: (one.available, one.locked) for name, one in read.items() if one.total} == true
    assert all(one.total == one.available + one.locked for one in read.values())


async def test_what_is_read_back_is_what_was_pushed(desk: Desk) -> None:
    before = {fill.trade_id for fill in (await desk.rig.state()).fills}
    began = (await desk.rig.state()).now_ns
    await traded(desk)
    pushed = {fill.trade_id: fill for fill in fills_told(desk)}
    read = [fill for fill in await desk.rig.venue.fetch_fills(began - 10**9) if fill.trade_id not in before]
    assert [fill.trade_id for fill in read] == list(dict.fromkeys(fill.trade_id for fill in read))
    assert [fill.ts_event for fill in read] == sorted(fill.ts_event for fill in read)
    assert {fill.trade_id for fill in read} == set(pushed) - before
    for fill in read:
        assert essence(fill) == essence(pushed[fill.trade_id])
    assert {fill.liquidity for fill in read} == {Liquidity.MAKER, Liquidity.TAKER}
    half = read[len(read) // 2].ts_event
    later = await desk.rig.venue.fetch_fills(half)
    assert {fill.trade_id for fill in later} >= {fill.trade_id for fill in read if fill.ts_event >= half}
    # Where a venue tells the second only, one that may have been later counts; never one of the second before.
    assert all(fill.ts_event > half - NANOSECONDS for fill in later)
    assert list(await desk.rig.venue.fetch_fills(read[-1].ts_event + 2 * NANOSECONDS)) == []


def essence(fill: Fill) -> tuple[object, ...]:
    return (
        fill.instrument, fill.client_order_id, fill.venue_order_id, fill.side, fill.price, fill.quantity,
        fill.fee, fill.fee_currency if fill.fee else "", fill.liquidity,
    )  # fmt: skip


@pytest.mark.parametrize("side", list(Side))
async def test_a_resting_order_holds_what_it_may_cost(desk: Desk, side: Side) -> None:
    rig = desk.rig
    scene = await scene_of(rig, desk.instrument)
    before = await rig.state()
    request = scene.order(side)
    outcome = await rig.venue.submit_order(request)
    await check_order(desk, request, outcome, ZERO, is_open=True)
    during = await rig.state()
    instrument = scene.instrument
    held, least = instrument.settle, instrument.tick_size  # of a perpetual: how much is the venue's own rule
    if not instrument.is_perpetual:
        held = instrument.quote if side is Side.BUY else instrument.base
        least = request.quantity * (request.price or ZERO) if side is Side.BUY else request.quantity
    assert during.balances[held].frozen - before.balances[held].frozen >= least - _WRITTEN
    assert abs(during.total(held) - before.total(held)) <= _WRITTEN  # of which each part is written, cut off
    await check_balances(desk, during)
    await rig.venue.cancel_all_orders()
    after = await rig.until_true(lambda state: not state.open_orders)
    assert after.balances == before.balances
    await check_balances(desk, after)


async def test_positions(desk: Desk) -> None:
    rig = desk.rig
    perpetual = rig.perpetual()
    if not rig.can.positions or perpetual is None:
        positions = await rig.venue.fetch_positions()
        assert all(position.instrument in rig.instruments for position in positions)
        return
    scene = await scene_of(rig, perpetual)

    def held() -> Decimal:
        return sum((one.quantity for one in mine()), ZERO)

    def mine() -> list[Position]:
        return [one for (name, _), one in desk.store.ledger.positions.items() if name == perpetual.id]

    opening = scene.order(Side.BUY, OrderType.MARKET, units=3)
    await check_order(desk, opening, await rig.venue.submit_order(opening), opening.quantity, is_open=False)
    await desk.until(lambda: held() == 3 * scene.unit, "the position is not told")
    (position,) = await rig.venue.fetch_positions()
    assert (position.quantity, position.entry_price) == (3 * scene.unit, scene.at(1))
    if rig.can.reduce_only:
        price = scene.against(Side.SELL)
        closing = await scene.closing(Side.SELL, OrderType.LIMIT, price=price, reduce_only=True)
        await check_order(desk, closing, await rig.venue.submit_order(closing), closing.quantity, is_open=False)
        await desk.until(lambda: held() == scene.unit, "the position does not shrink")
        await check_refused(rig, scene.order(Side.BUY, price=scene.against(Side.BUY), reduce_only=True))
    rest = await scene.closing(Side.SELL, units=int(held() / scene.unit))
    await check_order(desk, rest, await rig.venue.submit_order(rest), rest.quantity, is_open=False)
    await desk.until(lambda: not mine(), "the position is not closed")
    assert not [one for one in await rig.venue.fetch_positions() if one.quantity]


async def test_exits_are_attached_to_an_order(desk: Desk) -> None:
    rig = desk.rig
    perpetual = rig.perpetual()
    if not rig.can.attached_exits or perpetual is None:
        return  # that it refuses them is tried where what is not claimed is
    scene = await scene_of(rig, perpetual)
    entry = scene.order(Side.BUY, OrderType.MARKET, take_profit=scene.at(20), stop_loss=scene.at(-20))
    await check_order(desk, entry, await rig.venue.submit_order(entry), entry.quantity, is_open=False)
    # Two orders, or one with both triggers.
    await desk.until(lambda: triggers_of(exits(desk)) == [scene.at(-20), scene.at(20)], "the exits are not told")
    assert all(
        (one.side, one.quantity, one.reduce_only) == (Side.SELL, entry.quantity, True) for one in exits(desk)
    )
    closing = await scene.closing(Side.SELL)
    await check_order(desk, closing, await rig.venue.submit_order(closing), closing.quantity, is_open=False)
    await desk.until(lambda: not exits(desk), "exits of a position that is gone")


def exits(desk: Desk) -> list[Order]:
    return [tracked.order for tracked in desk.store.orders.open_orders(desk.rig.name)]


def triggers_of(orders: list[Order]) -> list[Decimal]:
    """Returns the triggers of all exits, a take-profit's stop included, lowest first."""
    found = [trigger for order in orders for trigger in (order.trigger_price, order.stop_loss)]
    return sorted(trigger for trigger in found if trigger is not None)


async def test_leverage_comes_with_an_order(desk: Desk) -> None:
    rig = desk.rig
    perpetual = rig.perpetual()
    if not rig.can.leverage or perpetual is None:
        return  # that it refuses it is tried where what is not claimed is
    scene = await scene_of(rig, perpetual)
    for mode in sorted(rig.can.margin_modes):
        if rig.can.leverage_needs_flat or not rig.can.leverage_of_order:
            # Then it belongs to the instrument, and an order agrees with it at most.
            await rig.venue.set_leverage(perpetual.id, Decimal(3), mode)
        leverage = Decimal(3) if rig.can.leverage_of_order else None
        opening = scene.order(Side.BUY, OrderType.MARKET, leverage=leverage, margin_mode=mode)
        await check_order(desk, opening, await rig.venue.submit_order(opening), opening.quantity, is_open=False)
        (position,) = [one for one in await rig.venue.fetch_positions() if one.quantity]
        assert (position.leverage, position.margin_mode) == (Decimal(3), mode)
        closing = await scene.closing(Side.SELL)
        await check_order(desk, closing, await rig.venue.submit_order(closing), closing.quantity, is_open=False)


async def test_leverage_is_set_where_it_can_be(rig: Rig) -> None:
    perpetual = rig.perpetual() or rig.main()
    mode = min(rig.can.margin_modes, default=MarginMode.CROSS)
    if rig.can.leverage:
        await rig.venue.set_leverage(perpetual.id, Decimal(2), mode)
        with pytest.raises((OrderError, NotSent, RequestError)) as caught:
            await rig.venue.set_leverage(perpetual.id, perpetual.max_leverage + 1, mode)
        assert caught.value.message
    else:
        with pytest.raises((ConfigurationError, NotSent, OrderError)) as refused:
            await rig.venue.set_leverage(perpetual.id, Decimal(2), mode)
        assert refused.value.message
