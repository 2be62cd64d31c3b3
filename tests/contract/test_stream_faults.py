"""A desk on a stream that goes wrong says so in time, comes back in time, and has missed nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from decimal import Decimal

import pytest

from tests.contract.rig import (
    ACCOUNT_POLLED,
    POLLING,
    SERVED,
    STREAMED,
    Exchanges,
    Rig,
    desk_of,
    outcome_of,
    rig_of,
)
from tests.contract.scene import scene_of
from tests.contract.stream_faults import (
    AGED,
    FAULTS,
    OF_ACCOUNT_READS,
    OF_READS,
    OTHERS,
    change_the_market,
    is_aged,
    of_the_day,
    try_fault,
)
from tests.contract.truth import TrueFill
from tests.contract.waiting import passes, until
from venues.errors import VenueError
from venues.model import NANOSECONDS, Order, Side

_PUSHED = 1.0  # seconds in which each local exchange has told of a change


def test_all_twenty_four_kinds_are_tried() -> None:
    assert len(FAULTS) == 24


def test_fills_of_yesterday_are_asked_of_no_desk_that_was_opened_today() -> None:
    midnight = 1_795_305_600 * NANOSECONDS
    fills = {ts: _fill_at(ts) for ts in (0, midnight - 1, midnight, midnight + 1)}
    due = {fill.ts_ns for fill in of_the_day(fills.values(), midnight + 5)}
    assert due == {0, midnight, midnight + 1}  # one without a time is due as well
    assert of_the_day(fills.values(), midnight - 5) == list(fills.values())


def _fill_at(ts: int) -> TrueFill:
    one = Decimal(1)
    return TrueFill(
        trade_id=str(ts), order_id="1", symbol="BTCUSDT", side=Side.BUY, price=one, quantity=one, fee=one,
        fee_currency="USDT", ts_ns=ts,
    )  # fmt: skip


@pytest.mark.parametrize("kind", [*FAULTS, *OTHERS])
@pytest.mark.parametrize("name", STREAMED)
async def test_a_desk_comes_through(exchanges: Exchanges, name: str, kind: str) -> None:
    await try_fault(exchanges[name], (FAULTS | OTHERS)[kind])


@pytest.mark.parametrize("kind", OF_READS)
@pytest.mark.parametrize("name", POLLING)
async def test_a_desk_that_polls_comes_through(exchanges: Exchanges, name: str, kind: str) -> None:
    await try_fault(exchanges[name], OF_READS[kind])


@pytest.mark.parametrize("kind", OF_ACCOUNT_READS)
@pytest.mark.parametrize("name", ACCOUNT_POLLED)
async def test_a_desk_that_polls_its_account_comes_through(exchanges: Exchanges, name: str, kind: str) -> None:
    await try_fault(exchanges[name], OF_ACCOUNT_READS[kind])


@asynccontextmanager
async def books_by_changes(rig: Rig) -> AsyncIterator[None]:
    """Has Mayex's exchange tell its books by changes meanwhile."""
    await rig.control.act(do="depth", mode="diff")
    try:
        yield
    finally:
        await rig.control.act(do="depth", mode="replace")


@pytest.mark.parametrize("kind", ["duplicates", "gap", "empty snapshot", "reset"])
async def test_a_book_that_comes_by_changes_comes_through(exchanges: Exchanges, kind: str) -> None:
    """Mayex's comes whole each time by default: the document does not say which it is.

    That the first message of a subscription is lost, or comes late, is left out: it can not be told from a small
    market's whole book.
    """
    async with rig_of(exchanges["mayex"]) as rig, books_by_changes(rig):
        await try_fault(rig.exchange, FAULTS[kind])


@pytest.mark.parametrize("kind", ["binary", "bad-utf8", "deep-json"])
@pytest.mark.parametrize(("name", "is_by_changes"), [*((name, False) for name in STREAMED), ("mayex", True)])
async def test_a_change_that_can_not_be_read_is_made_up_for_though_nothing_follows(
    exchanges: Exchanges, name: str, is_by_changes: bool, kind: str
) -> None:
    """A book that stands still is right, or can not be read: no later message will ever give it away."""
    async with rig_of(exchanges[name]) as rig, books_by_changes(rig) if is_by_changes else nullcontext():
        await rig.control.act(do="quiet")
        scene = await scene_of(rig)  # before the desk is there, as its first book is a whole one
        async with desk_of(rig) as desk:
            await desk.in_step()
            await rig.control.switch(f"{kind}:1")
            await change_the_market(scene)
            await passes(_PUSHED)
            await rig.control.switch("")
            await desk.in_step()


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
