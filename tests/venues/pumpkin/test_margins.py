"""Margin of isolated positions: moved once, refused in plain words, and found again by what the position holds."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.pumpkin.account_rig import (
    ETH_ID,
    AccountRig,
    closing,
    connected,
    margin_request,
    request,
    until,
)
from tests.venues.pumpkin.walking import Exchange
from venues.commands import FundsKind
from venues.errors import NotSent, OrderRejected, OutcomeUnknown
from venues.margin import FundsState
from venues.model import MarginMode, Position
from venues.port import MovesFunds

D = Decimal
ADD, REMOVE = FundsKind.ADD_MARGIN, FundsKind.REMOVE_MARGIN


@pytest.fixture
def rig(polled: AccountRig) -> AccountRig:
    return polled


def moved(rig: AccountRig) -> list[Decimal]:
    """Returns what the exchange has moved."""
    return [D(row["amount"]) for row in rig.shown()["margin_moves"]]


async def isolated(rig: AccountRig) -> Position:
    await rig.isolated()
    return await rig.opened()


async def test_margin_is_added_and_taken_and_the_position_follows(rig: AccountRig) -> None:
    assert isinstance(rig.venue, MovesFunds)
    position = await isolated(rig)
    asked = margin_request(position, ADD, "25")
    receipt = await rig.venue.move_funds(asked, depart=rig.depart)
    assert (receipt.request, receipt.state, receipt.venue_id) == (asked, FundsState.DONE, "")
    assert [one.deadline for one in rig.departures] == [None]
    await until(lambda: rig.held[position.position_id].margin == position.margin + 25)
    safer = rig.held[position.position_id]
    assert safer.liquidation_price is not None and position.liquidation_price is not None
    assert safer.liquidation_price < position.liquidation_price - 2_000
    await rig.venue.move_funds(margin_request(safer, REMOVE, "20"))
    await until(lambda: rig.held[position.position_id].margin == position.margin + 5)
    assert moved(rig) == [25, -20]


async def test_a_change_whose_answer_is_lost_is_found_by_comparison(rig: AccountRig) -> None:
    position = await isolated(rig)
    rig.exchange.simulator.faults.switch("lost-reply@margin*1")
    asked = margin_request(position, ADD, "25")
    with pytest.raises(OutcomeUnknown):
        await rig.venue.move_funds(asked)
    (receipt,) = await rig.venue.find_funds(asked, 0)
    assert (receipt.request, receipt.state, receipt.venue_id) == (asked, FundsState.DONE, "")
    assert moved(rig) == [25]


async def test_only_what_has_traded_since_it_was_sent_is_held_against_the_evidence(rig: AccountRig) -> None:
    before = time.time_ns()
    position = await isolated(rig)
    rig.exchange.simulator.faults.switch("lost-reply@margin*1")
    asked = margin_request(position, ADD, "25")
    opened_at = max(row["ts_ns"] for row in rig.shown()["fills"])
    await until(lambda: sent_after(rig) // 10**6 > opened_at // 10**6)
    since = sent_after(rig)
    with pytest.raises(OutcomeUnknown):
        await rig.venue.move_funds(asked)
    assert len(await rig.venue.find_funds(asked, since)) == 1
    assert list(await rig.venue.find_funds(asked, before)) == []  # the opening is since then
    assert moved(rig) == [25]


def sent_after(rig: AccountRig) -> int:
    """Returns the moment that a desk notes when it sends, by the venue's clock; 0 while that is not known."""
    known = rig.venue.venue_time()
    return 0 if known is None else known.now - known.uncertainty


async def test_what_is_not_exactly_so_is_no_evidence(rig: AccountRig) -> None:
    position = await isolated(rig)
    rig.exchange.simulator.faults.switch("never-executed@margin*1")
    asked = margin_request(position, ADD, "25")
    with pytest.raises(OutcomeUnknown):
        await rig.venue.move_funds(asked)
    assert list(await rig.venue.find_funds(asked, 0)) == []
    await rig.venue.move_funds(margin_request(position, ADD, "25.00000001"))
    assert list(await rig.venue.find_funds(asked, 0)) == []
    assert list(await rig.venue.find_funds(margin_request(position, ADD, "25", held_before=None), 0)) == []
    await rig.venue.submit_order(closing(position))
    assert list(await rig.venue.find_funds(asked, 0)) == []
    assert moved(rig) == [D("25.00000001")]


async def test_refusals_are_in_plain_words_and_nothing_moves(rig: AccountRig) -> None:
    position = await isolated(rig)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"kind": ADD, "amount": "200000"}, "are available"),
        ({"kind": REMOVE, "amount": "60.0001"}, "the position holds 60.0001 USDT"),
        ({"kind": ADD, "amount": "1.123456789"}, "up to 8 decimals"),
        ({"kind": ADD, "amount": "1", "currency": "BTC"}, "margin of BTC/USDT perp is in USDT"),
        ({"kind": ADD, "amount": "1", "position_id": "77"}, "no such position any more"),
    ]
    for fields, words in refused:
        with pytest.raises(NotSent, match=words):
            await rig.venue.move_funds(margin_request(position, **fields), depart=rig.depart)
    assert rig.departures == []
    with pytest.raises(OrderRejected, match=r"what is left must be its initial margin.*\(invalid_margin\)"):
        await rig.venue.move_funds(margin_request(position, REMOVE, "5"))
    cross = await rig.opened(instrument=ETH_ID, quantity="1")
    assert cross.margin_mode is MarginMode.CROSS
    with pytest.raises(NotSent, match="a cross position has no margin of its own"):
        await rig.venue.move_funds(margin_request(cross, ADD, "5"))
    rig.exchange.act("whitelist", symbols=["eth_usdt"])
    with pytest.raises(OrderRejected, match="add it to the key's list"):
        await rig.venue.move_funds(margin_request(position, ADD, "5"))
    assert moved(rig) == []


async def test_a_loan_is_no_business_of_this_venue(rig: AccountRig) -> None:
    position = await isolated(rig)
    loan = margin_request(position, FundsKind.BORROW, "5", instrument=None, position_id="")
    with pytest.raises(NotSent, match="only the margin of an isolated position"):
        await rig.venue.move_funds(loan)
    assert list(await rig.venue.find_funds(loan, 0)) == []


async def test_without_a_key_nothing_is_asked(exchange: Exchange) -> None:
    async with connected(exchange, subscribes=False, credentials=None) as rig:
        with pytest.raises(NotSent, match="no API key"):
            await rig.venue.submit_order(request())
        assert exchange.spent == 0


async def test_what_a_trade_has_made_of_the_margin_is_no_evidence(rig: AccountRig) -> None:
    """As much as was asked for, lost on its way, and the same again by an order that doubles the position."""
    position = await isolated(rig)
    rig.exchange.simulator.faults.switch("never-executed@margin*1")
    asked = margin_request(position, ADD, f"{position.margin:f}")
    sent_at = time.time_ns()
    with pytest.raises(OutcomeUnknown):
        await rig.venue.move_funds(asked)
    await rig.venue.submit_order(request())
    await until(lambda: rig.held[position.position_id].margin == 2 * position.margin)
    assert list(await rig.venue.find_funds(asked, 0)) == []
    async with connected(rig.exchange, subscribes=False) as later:  # which has not sent it
        assert list(await later.venue.find_funds(asked, sent_at)) == []
        assert len(await later.venue.find_funds(asked, time.time_ns())) == 1
    assert moved(rig) == []
