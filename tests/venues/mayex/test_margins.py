"""Margin of isolated positions and leverage: sent once, refused in plain words, found again by what is held."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.venues.mayex.account_rig import (
    BTC_ID,
    ETH_ID,
    AccountRig,
    Exchange,
    closing,
    connected,
    margin_request,
    request,
    until,
)
from venues.commands import FundsKind
from venues.errors import BadRequest, NotSent, OrderRejected, OutcomeUnknown
from venues.margin import FundsState
from venues.mayex.models import LeverageChange
from venues.model import MarginMode, Side
from venues.port import MovesFunds

D = Decimal
ADD, REMOVE = FundsKind.ADD_MARGIN, FundsKind.REMOVE_MARGIN
ISOLATED, CROSS = MarginMode.ISOLATED, MarginMode.CROSS


@pytest.fixture
async def rig(exchange: Exchange) -> AsyncIterator[AccountRig]:
    async with connected(exchange) as opened:
        yield opened


def margin(rig: AccountRig) -> Decimal:
    """Returns what the exchange holds for the only isolated position."""
    (row,) = (one for one in rig.shown()["positions"] if one["type"] == "ISOLATED")
    return D(row["margin"])


async def test_margin_is_added_and_taken_and_the_position_follows(rig: AccountRig) -> None:
    assert isinstance(rig.venue, MovesFunds)
    position = await rig.opened()
    asked = margin_request(position, ADD, "25")
    receipt = await rig.venue.move_funds(asked, depart=rig.depart)
    assert (receipt.request, receipt.state, receipt.venue_id) == (asked, FundsState.DONE, "")
    assert len(rig.departures) == 1
    await until(lambda: rig.held["long:isolated"].margin == position.margin + 25)
    safer = rig.held["long:isolated"]
    assert safer.liquidation_price is not None and position.liquidation_price is not None
    assert safer.liquidation_price < position.liquidation_price - 2_000
    assert safer.leverage == position.leverage == 10  # margin beside it is no other leverage
    await rig.venue.move_funds(margin_request(safer, REMOVE, "20"))
    await until(lambda: rig.held["long:isolated"].margin == position.margin + 5 == margin(rig))


async def test_a_change_whose_answer_is_lost_is_found_by_comparison(rig: AccountRig) -> None:
    position = await rig.opened()
    rig.exchange.fault("lost-reply@margin*1")
    asked = margin_request(position, ADD, "25")
    with pytest.raises(OutcomeUnknown):
        await rig.venue.move_funds(asked)
    (receipt,) = await rig.venue.find_funds(asked, 0)
    assert (receipt.request, receipt.state, receipt.venue_id) == (asked, FundsState.DONE, "")
    assert margin(rig) == position.margin + 25


async def test_what_is_not_exactly_so_is_no_evidence(rig: AccountRig) -> None:
    position = await rig.opened()
    rig.exchange.fault("never-executed@margin*1")
    asked = margin_request(position, ADD, "25")
    with pytest.raises(OutcomeUnknown):
        await rig.venue.move_funds(asked)
    assert list(await rig.venue.find_funds(asked, 0)) == []
    assert margin(rig) == position.margin


async def test_what_has_traded_meanwhile_spoils_the_evidence(rig: AccountRig) -> None:
    position = await rig.opened()
    rig.exchange.fault("lost-reply@margin*1")
    asked = margin_request(position, ADD, "25")
    with pytest.raises(OutcomeUnknown):
        await rig.venue.move_funds(asked)
    rig.exchange.act("place", symbol="btcusdt", side="buy", type="market", quantity="0.001", isolated=True)
    exact = margin_request(position, ADD, str(margin(rig) - position.margin))
    assert list(await rig.venue.find_funds(exact, 1)) == []
    assert list(await rig.venue.find_funds(asked, 0)) == []
    async with connected(rig.exchange) as later:  # one that has not sent it asks what has traded since
        assert list(await later.venue.find_funds(exact, 1)) == []


async def test_what_would_be_refused_does_not_leave(rig: AccountRig) -> None:
    position = await rig.opened()
    await rig.opened(margin_mode=CROSS)
    wishes = [
        (margin_request(position, ADD, "200000"), "USDT are available"),
        (margin_request(position, ADD, "0.000000001"), "up to 8 decimals"),
        (margin_request(position, ADD, "1", currency="BTC"), "is in USDT"),
        (margin_request(position, ADD, "1", position_id="short:isolated"), "no such position"),
        (margin_request(position, ADD, "1", position_id="long:cross"), "no margin of its own"),
        (margin_request(position, REMOVE, "60.0005"), "the position holds 60.0005 USDT"),
    ]
    for wish, words in wishes:
        with pytest.raises(NotSent, match=words):
            await rig.venue.move_funds(wish, depart=rig.depart)
    assert rig.departures == []


async def test_a_refusal_of_the_venue_is_said_in_words(rig: AccountRig) -> None:
    position = await rig.opened()
    with pytest.raises(OrderRejected, match="only an isolated position's can") as told:
        await rig.venue.move_funds(margin_request(position, REMOVE, "59.9"))
    assert told.value.code in ("5002", "5003", "5004")
    assert margin(rig) == position.margin


async def test_leverage_is_set_by_contract_and_mode(rig: AccountRig) -> None:
    await rig.venue.set_leverage(BTC_ID, D(20), ISOLATED)
    await rig.venue.set_leverage(ETH_ID, D(5), CROSS)
    assert rig.shown()["settings"]["btcusdt"]["isolated"] == 20
    assert rig.shown()["settings"]["ethusdt"]["cross"] == 5
    position = await rig.opened()
    assert (position.leverage, position.margin) == (D(20), D("30.00025"))
    await rig.venue.set_leverage(BTC_ID, D(20), ISOLATED)  # "unchanged" is no failure
    await rig.venue.set_leverage(BTC_ID, D(25), ISOLATED)  # higher is taken over a position too
    await until(lambda: rig.held["long:isolated"].leverage == 25)
    cross = await rig.opened(Side.SELL, margin_mode=CROSS)
    assert cross.leverage == 0  # nobody tells it


async def test_lowering_the_leverage_over_an_isolated_position_is_refused_in_words(rig: AccountRig) -> None:
    position = await rig.opened()
    with pytest.raises(OrderRejected, match="close it first, or add margin") as told:
        await rig.venue.set_leverage(BTC_ID, D(5), ISOLATED)
    assert told.value.code == "1012"
    assert rig.shown()["settings"]["btcusdt"]["isolated"] == 10
    assert rig.held["long:isolated"].leverage == 10
    await rig.fill(await rig.venue.submit_order(closing(position)))
    await rig.venue.set_leverage(BTC_ID, D(5), ISOLATED)


async def test_a_leverage_whose_answer_is_lost_is_unknown_and_never_called_failed(rig: AccountRig) -> None:
    await rig.venue.set_leverage(BTC_ID, D(20), ISOLATED)
    await rig.opened()
    rig.exchange.fault("lost-reply@leverage*1")
    with pytest.raises(OutcomeUnknown):
        await rig.venue.set_leverage(BTC_ID, D(50), ISOLATED)
    await until(lambda: rig.held["long:isolated"].leverage == 0)
    assert rig.shown()["settings"]["btcusdt"]["isolated"] == 50
    await rig.venue.set_leverage(BTC_ID, D(50), ISOLATED)
    await until(lambda: rig.held["long:isolated"].leverage == 50)


async def test_a_leverage_that_the_answer_names_otherwise_is_not_counted_on(
    rig: AccountRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.venue.set_leverage(BTC_ID, D(20), ISOLATED)

    async def another(*_: object, **__: object) -> LeverageChange:
        return LeverageChange(leverage=10)

    monkeypatch.setattr(rig.venue.client, "adjust_leverage", another)
    with pytest.raises(OutcomeUnknown, match="asked for 25x, the answer says 10x"):
        await rig.venue.set_leverage(BTC_ID, D(25), ISOLATED)
    assert rig.venue._account.leverage_of(BTC_ID, ISOLATED) is None


async def test_a_leverage_that_is_none_does_not_leave(rig: AccountRig) -> None:
    for leverage in ("0", "0.5", "10.5", "101", "-3"):
        with pytest.raises(BadRequest, match="a whole number between 1 and 100"):
            await rig.venue.set_leverage(BTC_ID, D(leverage), ISOLATED)


async def test_orders_bear_no_leverage(rig: AccountRig) -> None:
    assert not rig.venue.capabilities.leverage_of_order
    await rig.venue.set_leverage(BTC_ID, D(20), CROSS)
    position = await rig.opened(margin_mode=CROSS)
    assert position.leverage == 20
    with pytest.raises(NotSent):
        await rig.venue.submit_order(request(margin_mode=CROSS, leverage=D(5)))
