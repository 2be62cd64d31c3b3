"""What comes between the cancel and the new order of an edit: nothing new is sent, and it is said why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.tui.desk.edit_rig import NOTHING, NoAmendVenue, Step, edit, edit_rig, last, rest
from tests.tui.desk.rig import START, D, Rig, capabilities, position, until
from tui.desk.control import AmendIntent, CancelScope, Verdict
from venues.errors import ConnectionLost
from venues.events import LinkState, PositionUpdate, StreamStatus
from venues.model import OrderStatus
from venues.port import Mode

S = OrderStatus


async def test_a_second_edit_while_one_is_under_way_is_refused() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        first, second = await asyncio.gather(
            rig.session.amend(AmendIntent(key=key, price=D(99))),
            rig.session.amend(AmendIntent(key=key, price=D(98))),
        )
        assert first.verdict is Verdict.SENT
        assert (second.verdict, second.reasons[0].guard) == (Verdict.DENIED, "order")
        await rig.session.settled()
        assert [one.price for one in venue.sent] == [D(99)]


def _panic(rig: Rig, _key: str) -> Coroutine[Any, Any, Any]:
    return rig.session.panic()


DISTURBANCES: dict[str, Callable[[Rig, str], Coroutine[Any, Any, Any]]] = {
    "lock": lambda rig, _key: rig.session.lock("by hand"),
    "panic": _panic,
    "flatten": lambda rig, _key: rig.session.flatten(),
    "cancel all": lambda rig, _key: rig.session.cancel_all(CancelScope()),
    "cancel": lambda rig, key: rig.session.cancel(key),
    "detach": lambda rig, _key: rig.session.detach("leave"),
    "lost": lambda rig, _key: rig.tell(StreamStatus("test", LinkState.RECONNECTING)),
    "lost and back": lambda rig, _key: lose_and_find(rig),
}


async def lose_and_find(rig: Rig) -> None:
    await rig.tell(StreamStatus("test", LinkState.RECONNECTING))
    await rig.tell(StreamStatus("test", LinkState.LIVE))
    await until(lambda: rig.session.links["test"].is_reconciled)


@pytest.mark.parametrize("moment", ["between", "reading"])
@pytest.mark.parametrize("what", DISTURBANCES)
async def test_nothing_new_is_sent_after_what_came_between(what: str, moment: str) -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        running: list[asyncio.Future[Any]] = []

        async def disturb() -> None:
            venue.between = None
            sequel = rig.session.trader.sequels.after(key)
            assert sequel is not None
            running.append(asyncio.ensure_future(DISTURBANCES[what](rig, key)))
            await until(lambda: bool(sequel.hindrance(START)))
            if what == "lost and back":
                await until(running[0].done)

        step: Step = disturb
        setattr(venue, moment, step)
        await edit(rig, key, price=D(99))
        await asyncio.gather(*running)
        await rig.session.settled()
        assert venue.sent == []
        assert last(rig).startswith("edit stopped, ")
        assert last(rig).endswith(NOTHING)
        await until(lambda: rig.status(key) is S.CANCELED)


async def test_a_venue_that_is_opened_anew_gets_no_order_of_an_edit_of_before() -> None:
    venue, again = NoAmendVenue(), NoAmendVenue()
    again.orders = venue.orders  # the same account
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        swapping: list[asyncio.Future[Any]] = []

        async def rekey() -> None:
            swapping.append(asyncio.ensure_future(rig.session.rekey(again)))
            await until(lambda: rig.session.links["test"].venue is again)

        venue.reading = rekey
        await edit(rig, key, price=D(99))
        outcome = (await asyncio.gather(*swapping))[0]
        assert outcome.verdict is Verdict.SENT, outcome
        assert (venue.sent, again.sent) == ([], [])
        assert last(rig).startswith("edit stopped, test was opened anew meanwhile: ")


async def test_the_word_that_an_order_is_gone_is_no_proof() -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        key = await rest(rig, venue)
        venue.answer = "lost before"
        venue.faults = {"fetch_order": [ConnectionLost("test", "gone")] * 5_000}
        await rig.session.amend(AmendIntent(key=key, price=D(99)))
        await until(lambda: rig.status(key) is S.UNKNOWN)
        assert (await rig.session.decide_gone(key)).verdict is Verdict.SENT
        await rig.session.settled()
        assert (venue.sent, rig.status(key)) == ([], S.CANCELED)
        assert "you decided that it is gone" in last(rig)


async def test_a_panic_of_a_live_desk_ends_an_edit_that_the_lock_would_let_pass() -> None:
    venue = NoAmendVenue(capabilities(amend=False, mode=Mode.LIVE))
    async with edit_rig(venue) as rig:
        await rig.session.arm()
        key = await rest(rig, venue)
        await rig.session.lock("test")
        rig.session.guards.is_busy = True
        outcome = await rig.session.amend(AmendIntent(key=key, quantity=D(3)))
        assert outcome.reasons[0].guard == "panic"
        rig.session.guards.is_busy = False

        async def lock_again() -> None:
            await rig.session.lock("hang-up")

        venue.between = lock_again
        await edit(rig, key, quantity=D(3))
        assert venue.sent == []
        assert "the desk was locked meanwhile" in last(rig)


@pytest.mark.parametrize("what", ["lock", "flatten", "cancel all", "cancel", "detach"])
async def test_a_reverse_that_waits_is_stopped_too(what: str) -> None:
    venue = NoAmendVenue()
    async with edit_rig(venue) as rig:
        venue.held = [position(D(2))]
        await rig.tell(PositionUpdate(position(D(2))))
        venue.hold = asyncio.Event()
        outcome = await rig.session.reverse_position(position().instrument, "net")
        key = outcome.order_key
        sequel = rig.session.trader.sequels.after(key)
        assert sequel is not None
        await until(lambda: venue.called("submit_order") == 1)
        running = asyncio.ensure_future(DISTURBANCES[what](rig, key))
        await until(lambda: bool(sequel.hindrance(START)))
        venue.hold.set()
        await rig.session.settled()
        await running
        await rig.session.settled()
        assert [one.reduce_only for one in venue.sent] == [True] * len(venue.sent)
        assert last(rig).startswith("reverse stopped, ")
