"""Closing again what is left: the twin of a close is a new wish once that close is over, and only then."""

from __future__ import annotations

from tests.tui.desk.rig import PERP, D, Rig, position
from tui.desk.control import Verdict
from venues.errors import OutcomeUnknown
from venues.events import PositionUpdate
from venues.model import Side


async def test_half_and_then_all_of_the_rest_are_both_sent() -> None:
    async with Rig() as rig:
        await rig.tell(PositionUpdate(position(D("0.4"))))
        assert (await rig.session.close_position(PERP, "net", 50)).verdict is Verdict.SENT
        await rig.session.settled()
        await rig.tell(PositionUpdate(position(D("0.2"))))
        assert (await rig.session.close_position(PERP, "net", 100)).verdict is Verdict.SENT
        await rig.session.settled()
        assert [one.quantity for one in rig.venue.orders.values()] == [D("0.2"), D("0.2")]


async def test_half_and_then_reverse_turns_the_rest_round() -> None:
    async with Rig() as rig:
        await rig.tell(PositionUpdate(position(D("0.4"))))
        await rig.session.close_position(PERP, "net", 50)
        await rig.session.settled()
        await rig.tell(PositionUpdate(position(D("0.2"))))
        assert (await rig.session.reverse_position(PERP, "net")).verdict is Verdict.SENT
        await rig.session.settled()
        sent = [(one.side, one.quantity, one.reduce_only) for one in rig.venue.orders.values()]
        assert sent == [(Side.SELL, D("0.2"), True), (Side.SELL, D("0.2"), True), (Side.SELL, D("0.2"), False)]


async def test_while_nobody_knows_what_became_of_a_close_its_twin_is_asked_about() -> None:
    async with Rig() as rig:
        rig.venue.faults = {"submit_order": [OutcomeUnknown("test", "timeout")]}
        await rig.tell(PositionUpdate(position(D("0.4"))))
        await rig.session.close_position(PERP, "net", 50)
        await rig.session.settled()
        await rig.tell(PositionUpdate(position(D("0.2"))))
        outcome = await rig.session.close_position(PERP, "net", 100)
        assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.NEEDS_YES, "duplicate")
