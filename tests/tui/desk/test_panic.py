"""Panic ends in a receipt that says what the venue said, twice, and nothing better."""

from __future__ import annotations

import asyncio

import pytest

from tests.tui.desk.rig import D, RecordingJournal, Rig, ScriptedVenue, instrument, intent, order, position, until
from tui.desk.frame import FactKind, PanicLine
from venues.errors import AuthenticationError, NotSent, OutcomeUnknown, RateLimited, VenueUnavailable
from venues.model import InstrumentId, OrderStatus, OrderType

OTHER = InstrumentId("test", "ETH-PERP")


def loaded() -> ScriptedVenue:
    """Returns a venue with three orders, one of them placed elsewhere and hidden from us, and two positions."""
    venue = ScriptedVenue()
    venue.instruments.append(instrument(OTHER))
    venue.held = [position(D(2)), position(D(-3), instrument=OTHER)]
    venue.orders["x"] = order("x")
    return venue


async def place_two(rig: Rig) -> None:
    await rig.place()
    await rig.place(price=D(99))


async def panic_line(rig: Rig) -> PanicLine:
    receipt = await rig.session.panic()
    assert rig.facts[-1].kind is FactKind.PANIC
    assert rig.facts[-1].receipt == receipt
    return receipt.lines[0]


async def test_three_orders_and_two_positions_end_in_zeros() -> None:
    async with Rig(loaded()) as rig:
        await place_two(rig)
        await rig.session.lock("panic works while locked")
        line = await panic_line(rig)
        assert (line.cancelled, line.closed, line.orders_left, line.positions_left) == (3, 2, 0, 0)
        assert line.is_proven
        assert not line.note
        closes = [one for one in rig.venue.orders.values() if one.type is OrderType.MARKET]
        assert [(one.quantity, one.reduce_only) for one in closes] == [(D(2), True), (D(3), True)]
        assert rig.venue.called("cancel_all_orders") >= 1


async def test_a_failed_read_is_not_an_empty_one() -> None:
    async with Rig(loaded()) as rig:
        await place_two(rig)
        rig.venue.faults = {"fetch_open_orders": [VenueUnavailable("test", "502")] * 3}
        line = await panic_line(rig)
        assert line.is_proven
        assert rig.venue.called("fetch_open_orders") >= 6


async def test_what_is_left_and_why_is_said() -> None:
    async with Rig(loaded(), panic_patience=0.05) as rig:
        await place_two(rig)
        rig.venue.faults = {"cancel_all_orders": [NotSent("test", "no route")] * 100_000}
        line = await panic_line(rig)
        assert (line.is_proven, line.cancelled, line.orders_left) == (False, 0, 3)
        # Patience may end between two attempts or within one; what the venue said is told in either case.
        assert "no route" in line.note


async def test_a_ban_longer_than_our_patience_ends_it_at_once() -> None:
    async with Rig(loaded()) as rig:
        rig.venue.faults = {"fetch_open_orders": [RateLimited("test", "slow down", retry_after=600.0)]}
        line = await panic_line(rig)
        assert not line.is_proven
        assert line.note.startswith("banned until ")
        assert line.positions_left == 2
        assert rig.venue.called("cancel_all_orders") == 1


async def test_a_venue_that_refuses_the_key_is_asked_ever_more_seldom_and_the_receipt_says_why() -> None:
    async with Rig(panic_patience=0.4) as rig:
        refused = AuthenticationError("test", "the key was not accepted")
        calls = ("fetch_open_orders", "fetch_positions", "cancel_all_orders")
        rig.venue.faults = {call: [refused] * 5_000 for call in calls}
        rig.waits.clear()
        line = await panic_line(rig)
        assert not line.is_proven and "the key was not accepted" in line.note
        assert [pause for pause in rig.waits if pause >= 0.25][:4] == [1.0, 2.0, 4.0, 4.0]


async def test_an_order_of_which_nobody_knows_is_cancelled_by_its_id_and_spoils_the_proof() -> None:
    async with Rig() as rig:
        rig.venue.faults = {"submit_order": [OutcomeUnknown("test", "timeout")]}
        key = await rig.place()
        rig.venue.faults = {"cancel_order": [OutcomeUnknown("test", "timeout")] * 1000}
        line = await panic_line(rig)
        assert rig.status(key) is OrderStatus.UNKNOWN
        assert rig.venue.called("cancel_order") >= 1
        assert not line.is_proven
        assert "nobody knows" in line.note


async def test_an_order_that_is_still_on_its_way_spoils_the_proof() -> None:
    async with Rig(panic_patience=0.05) as rig:
        rig.venue.hold = asyncio.Event()
        await rig.session.submit(intent())
        await until(lambda: rig.venue.called("submit_order") == 1)
        line = await panic_line(rig)
        assert not line.is_proven
        assert "nobody knows" in line.note
        rig.venue.hold.set()
        await rig.session.settled()


async def test_an_order_that_arrives_after_two_empty_reads_is_cancelled_too() -> None:
    async with Rig() as rig:
        rig.venue.hold = asyncio.Event()
        key = (await rig.session.submit(intent())).order_key
        await until(lambda: rig.venue.called("submit_order") == 1)
        panic = asyncio.create_task(panic_line(rig))
        await until(lambda: rig.venue.called("fetch_positions") > 4)
        assert not panic.done()
        rig.venue.hold.set()
        line = await panic
        assert line.is_proven
        assert (line.cancelled, line.orders_left) == (1, 0)
        assert rig.status(key) is OrderStatus.CANCELED


async def test_a_journal_that_fails_does_not_stop_panic() -> None:
    journal = RecordingJournal()
    async with Rig(loaded(), journal=journal) as rig:
        await place_two(rig)
        journal.broken = "sending"
        assert (await panic_line(rig)).is_proven


async def test_orders_are_denied_while_it_runs() -> None:
    async with Rig() as rig:
        rig.session.guards.is_busy = True
        assert (await rig.session.submit(intent())).reasons[0].guard == "panic"


@pytest.mark.parametrize("instrument_id", [None, OTHER])
async def test_flatten_keeps_to_its_instrument(instrument_id: InstrumentId | None) -> None:
    async with Rig(loaded()) as rig:
        await place_two(rig)
        await rig.session.flatten(instrument_id)
        await rig.session.settled()
        left = sum(one.is_open for one in rig.venue.orders.values())
        assert (left, len(rig.venue.held)) == ((0, 0) if instrument_id is None else (3, 1))
        assert "flatten test" in rig.texts()
