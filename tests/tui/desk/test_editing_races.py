"""Every way in which a cancel, its answer, what trades meanwhile and what the stream tells can meet in an edit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from functools import partial
from itertools import product
from typing import Any, TypeAlias

import pytest

from tests.tui.desk.edit_rig import ANSWERS, NoAmendVenue, edit_rig, rest
from tests.tui.desk.rig import FIVE, START, D, Rig, until
from tui.desk.control import AmendIntent, CancelScope, Verdict
from venues.model import ZERO, OrderStatus

S = OrderStatus
ORDERED = FIVE
Scene: TypeAlias = tuple[Decimal, tuple[str, ...], tuple[str, ...], Decimal]
TOLD: tuple[tuple[str, ...], ...] = ((), ("fill",), ("order",), ("fill", "order"))


def scenes() -> list[Scene]:
    """What trades before the cancel gets there, what is told before and after its answer, and the new total."""
    found = []
    for traded, first, later, wanted in product((ZERO, D(2), ORDERED), TOLD, TOLD, (D(3), D(7))):
        is_doubled = later in (("fill",), ("order",)) and first
        if (traded or not {"fill"} & {*first, *later}) and not is_doubled:
            found.append((traded, first, later, wanted))
    return found


@pytest.mark.parametrize("answer", ANSWERS)
async def test_never_more_than_was_wanted_and_only_the_truth(answer: str) -> None:
    for scene in scenes():
        traded, first, later, wanted = scene
        venue = NoAmendVenue()
        venue.answer, venue.traded, venue.first, venue.later = answer, traded, first, later
        is_over = ANSWERS[answer] or traded == ORDERED
        # A cancel that never got there is not proven by anything: that is what the patience is for.
        patience = 5.0 if is_over or answer != "lost before" else 0.03
        async with edit_rig(venue, edit_patience=patience) as rig:
            key = await rest(rig, venue)
            outcome = await rig.session.amend(AmendIntent(key=key, price=D(99), quantity=wanted))
            assert outcome.verdict is Verdict.SENT, scene
            await rig.session.settled()
            if is_over:
                end = S.FILLED if traded == ORDERED else S.CANCELED
                await until(partial(is_at, rig, key, end))
            judge(rig, venue, key, scene)


@pytest.mark.parametrize("answer", ANSWERS)
async def test_nothing_new_follows_what_came_between_whatever_the_cancel_does(answer: str) -> None:
    for traded, what in product((ZERO, D(2)), ("lock", "cancel", "cancel all", "flatten", "panic")):
        scene = f"{answer}, {traded} traded, {what}"
        venue = NoAmendVenue()
        venue.answer, venue.traded = answer, traded
        patience = 0.05 if answer == "lost before" else 5.0
        async with edit_rig(venue, edit_patience=patience) as rig:
            key = await rest(rig, venue)
            disturbing = Disturbing(rig, venue, key, what)
            venue.between = disturbing
            outcome = await rig.session.amend(AmendIntent(key=key, price=D(99)))
            assert outcome.verdict is Verdict.SENT, scene
            await rig.session.settled()
            await disturbing.ended()
            assert venue.sent == [], scene
            assert "othing new was sent" in rig.texts(), scene
            assert venue.most <= ORDERED, scene


class Disturbing:
    """Does something while a cancel is on its way."""

    def __init__(self, rig: Rig, venue: NoAmendVenue, key: str, what: str) -> None:
        self._rig, self._venue, self._key, self._what = rig, venue, key, what
        self._running: asyncio.Future[Any] | None = None

    async def __call__(self) -> None:
        venue, session = self._venue, self._rig.session
        venue.between, venue.traded = None, ZERO
        sequel = session.trader.sequels.after(self._key)
        assert sequel is not None
        work: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            "lock": lambda: session.lock("by hand"),
            "cancel": lambda: session.cancel(self._key),
            "cancel all": lambda: session.cancel_all(CancelScope()),
            "flatten": session.flatten,
            "panic": session.panic,
        }
        self._running = asyncio.ensure_future(work[self._what]())
        await until(lambda: bool(sequel.hindrance(START)))

    async def ended(self) -> None:
        assert self._running is not None
        await self._running
        await self._rig.session.settled()


def is_at(rig: Rig, key: str, status: OrderStatus) -> bool:
    return rig.status(key) is status


def judge(rig: Rig, venue: NoAmendVenue, key: str, scene: Scene) -> None:
    """Holds what was sent, and what was said, against what is so at the venue."""
    truth, wanted, told = venue.orders[key], scene[3], rig.texts()
    assert len(venue.sent) <= 1, scene
    assert venue.most <= max(ORDERED, wanted), scene
    if venue.sent:
        (new,) = venue.sent
        assert truth.status is S.CANCELED, scene
        assert new.quantity == wanted - truth.filled_quantity, scene
        assert "goes out in the place of BUY 5 BTC-PERP at 100" in told, scene
        assert ("of which 2 had traded" in told) is (truth.filled_quantity == 2), scene
    else:
        assert truth.status is not S.CANCELED, scene  # else it was proven, and is to be placed anew
        assert "othing new was sent" in told, scene
    assert ("goes out" in told) is (len(venue.sent) == 1), scene
    assert ("othing new was sent" in told) is (not venue.sent), scene
    if "was filled before" in told:
        assert truth.status is S.FILLED, scene
    last = [fact.text for fact in rig.facts if fact.text.startswith("edit")][-1]
    assert ("rests" in last) <= truth.is_open, scene
