"""Leverage and margin mode of a contract: set while it is flat, and refused in plain words else."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.venues.pumpkin.account_rig import BTC_ID, ETH_ID, AccountRig, closing, connected, request, until
from tests.venues.pumpkin.walking import BTC, ETH, Exchange
from venues.commands import CancelRequest
from venues.errors import BadRequest, OrderRejected, OutcomeUnknown
from venues.model import MarginMode, OrderType
from venues.pumpkin.account import capabilities
from venues.pumpkin.models import PositionModel
from venues.pumpkin.settings import Settings

D = Decimal
CROSS, ISOLATED = MarginMode.CROSS, MarginMode.ISOLATED


@pytest.fixture
def rig(polled: AccountRig) -> AccountRig:
    return polled


def kept(exchange: Exchange, symbol: str = BTC) -> tuple[int, str, str]:
    """Returns how the exchange has a contract set."""
    settings = exchange.simulator.book.settings(symbol)
    return settings.leverage, settings.margin_type.value, settings.model.value


async def test_both_are_set_and_positions_have_them(rig: AccountRig) -> None:
    await rig.venue.set_leverage(BTC_ID, D(7), ISOLATED)
    assert kept(rig.exchange) == (7, "ISOLATED", "AGGREGATION")
    position = await rig.opened()
    assert (position.leverage, position.margin_mode) == (D(7), ISOLATED)
    assert position.margin == D("85.71442857")


async def test_the_model_is_a_setting(exchange: Exchange) -> None:
    async with connected(exchange, position_model=PositionModel.DISAGGREGATION) as rig:
        await rig.venue.set_leverage(ETH_ID, D(3), CROSS)
    assert kept(exchange, ETH) == (3, "CROSSED", "DISAGGREGATION")


async def test_what_the_venue_refuses_is_said_before(rig: AccountRig) -> None:
    position = await rig.opened()
    spent = rig.exchange.spent
    with pytest.raises(BadRequest, match="close it first"):
        await rig.venue.set_leverage(BTC_ID, D(5), ISOLATED)
    for wrong in ("0", "2.5", "126"):
        with pytest.raises(BadRequest, match="a whole number between 1 and 125"):
            await rig.venue.set_leverage(BTC_ID, D(wrong), ISOLATED)
    await rig.venue.submit_order(closing(position))
    await until(lambda: not rig.held)
    resting = await rig.venue.submit_order(request(type=OrderType.LIMIT, price=D(59_000)))
    with pytest.raises(BadRequest, match="cancel them first"):
        await rig.venue.set_leverage(BTC_ID, D(5), ISOLATED)
    await rig.venue.cancel_order(
        CancelRequest(
            instrument=BTC_ID, client_order_id=resting.client_order_id, venue_order_id=resting.venue_order_id
        )
    )
    await rig.venue.set_leverage(BTC_ID, D(5), ISOLATED)
    assert kept(rig.exchange)[:2] == (5, "ISOLATED")
    assert rig.exchange.spent > spent


async def test_what_only_the_venue_knows_is_said_in_plain_words(rig: AccountRig) -> None:
    await rig.venue.set_leverage(BTC_ID, D(5), ISOLATED)
    rig.exchange.simulator.faults.switch("stale-orders")
    rig.exchange.act("place", symbol=BTC, side="buy", type="limit", quantity="0.01", price="59000")
    with pytest.raises(OrderRejected, match=r"stays over a position or open orders .*can_not_change_type"):
        await rig.venue.set_leverage(BTC_ID, D(5), CROSS)
    with pytest.raises(OrderRejected, match=r"the margin mode is isolated now; the leverage: .*cancel them first"):
        await rig.venue.set_leverage(BTC_ID, D(6), ISOLATED)
    assert kept(rig.exchange)[:2] == (5, "ISOLATED")


async def test_a_lost_answer_stays_unknown(rig: AccountRig) -> None:
    await rig.venue.set_leverage(BTC_ID, D(5), ISOLATED)
    rig.exchange.simulator.faults.switch("lost-reply@leverage*1")
    with pytest.raises(OutcomeUnknown):
        await rig.venue.set_leverage(BTC_ID, D(6), CROSS)
    assert kept(rig.exchange)[1] == "CROSSED"
    # What is not known is not counted on: the next order says so, or the venue does.
    await rig.venue.set_leverage(BTC_ID, D(6), CROSS)
    assert kept(rig.exchange)[:2] == (6, "CROSSED")


def test_what_the_desk_is_told_of_it() -> None:
    can = capabilities(Settings())
    assert can.position_sides and can.leverage and can.leverage_needs_flat and can.position_margin
    assert can.margin_modes == {CROSS, ISOLATED}
    assert can.attached_exits and can.reduce_only and not can.amend
    assert can.order_types == frozenset(OrderType)
    assert can.order_life is None
    assert len(can.unverified) == 6
    assert not can.reads_account


async def test_an_order_never_changes_a_leverage_that_it_does_not_name(rig: AccountRig) -> None:
    """It was set elsewhere: what contracts begin with, or what we have last seen, is no trader's wish."""
    rig.exchange.simulator.book.settings(BTC).leverage = 3
    position = await rig.opened()
    assert (position.leverage, kept(rig.exchange)[0]) == (D(3), 3)
    await rig.venue.submit_order(closing(position))
    await until(lambda: not rig.held)
    rig.exchange.simulator.book.settings(BTC).leverage = 4
    resting = await rig.venue.submit_order(request(type=OrderType.LIMIT, price=D(59_000)))
    assert kept(rig.exchange)[0] == 4
    await rig.venue.cancel_order(
        CancelRequest(
            instrument=BTC_ID, client_order_id=resting.client_order_id, venue_order_id=resting.venue_order_id
        )
    )
    named = await rig.opened(leverage=D(6))
    assert (named.leverage, kept(rig.exchange)[0]) == (D(6), 6)


async def test_a_leverage_in_doubt_is_sent_by_no_order(rig: AccountRig) -> None:
    account = rig.venue._account
    await rig.venue.set_leverage(BTC_ID, D(5), ISOLATED)
    assert (account.leverage_of(BTC_ID), account.margin_mode_of(BTC_ID)) == (5, ISOLATED)
    rig.exchange.simulator.faults.switch("never-executed@submit*1")
    with pytest.raises(OutcomeUnknown):
        await rig.venue.submit_order(request(leverage=D(7)))
    assert account.leverage_of(BTC_ID) is None
    await rig.venue.set_leverage(BTC_ID, D(5), ISOLATED)
    changing = asyncio.create_task(rig.venue.set_leverage(BTC_ID, D(8), CROSS))
    await until(lambda: kept(rig.exchange)[1] == "CROSSED" or changing.done())
    changing.cancel()
    await asyncio.wait([changing])
    assert changing.cancelled() is (account.leverage_of(BTC_ID) is None)
    rig.exchange.simulator.faults.switch("lost-reply@leverage*1")
    with pytest.raises(OutcomeUnknown):
        await rig.venue.set_leverage(BTC_ID, D(9), CROSS)
    assert account.leverage_of(BTC_ID) is None
