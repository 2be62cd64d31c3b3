"""A desk on a stream that goes wrong says so in time, comes back in time, and has missed nothing."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract.rig import POLLING, SERVED, STREAMED, Exchanges, Rig, desk_of, outcome_of, rig_of
from tests.contract.scene import scene_of
from tests.contract.stream_faults import AGED, FAULTS, OF_READS, OTHERS, is_aged, try_fault
from tests.contract.waiting import until
from venues.errors import VenueError
from venues.model import Order


def test_all_twenty_four_kinds_are_tried() -> None:
    assert len(FAULTS) == 24


@pytest.mark.parametrize("kind", [*FAULTS, *OTHERS])
@pytest.mark.parametrize("name", STREAMED)
async def test_a_desk_comes_through(exchanges: Exchanges, name: str, kind: str) -> None:
    await try_fault(exchanges[name], (FAULTS | OTHERS)[kind])


@pytest.mark.parametrize("kind", OF_READS)
@pytest.mark.parametrize("name", POLLING)
async def test_a_desk_that_polls_comes_through(exchanges: Exchanges, name: str, kind: str) -> None:
    await try_fault(exchanges[name], OF_READS[kind])


CLOSED_WITHIN = 1.0  # seconds, at any scale
TROUBLES = (
    "black-hole", "black-hole@stream", "half-open", "drip=2", "refuse", "connect-timeout", "login-refused",
    "reconnect-loop", "ban=30", "never-executed", "heartbeats-only",
)  # fmt: skip
OF_REQUESTS = ("black-hole", "drip=2", "refuse", "connect-timeout", "ban=30", "never-executed")  # without a stream
IN_TROUBLE = [(name, spec) for name in SERVED for spec in (TROUBLES if name in STREAMED else OF_REQUESTS)]


@pytest.mark.parametrize(("name", "spec"), IN_TROUBLE)
async def test_a_venue_in_trouble_is_closed_at_once(exchanges: Exchanges, name: str, spec: str) -> None:
    before = asyncio.all_tasks()
    async with rig_of(exchanges[name]) as rig, desk_of(rig) as desk:
        scene = await scene_of(rig, desk.instrument)
        await rig.control.act(do="resume")
        await rig.control.switch(spec)
        commands = [asyncio.create_task(outcome_of(rig.venue.submit_order(scene.order()))) for _ in range(3)]
        reading = asyncio.create_task(read_balances(rig))
        struck = desk.now
        await until(lambda: is_aged(desk) or desk.now > struck + rig.scale * AGED)
        began = desk.now
        await rig.venue.aclose()
        await rig.venue.aclose()
        assert desk.now - began < CLOSED_WITHIN
        for outcome in [*await asyncio.gather(*commands), await reading]:
            assert outcome is None or isinstance(outcome, (Order, VenueError))
        assert desk.now - began < CLOSED_WITHIN
    await until(lambda: asyncio.all_tasks() <= before, what=f"tasks are left: {asyncio.all_tasks() - before}")


async def read_balances(rig: Rig) -> VenueError | None:
    try:
        await rig.venue.fetch_balances()
    except VenueError as error:
        return error
    return None
