"""A desk that ends while a loan is on its way: the next one finds it in the journal, and never sends it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.tui.desk.funds_rig import LIFE, SETTLE, D, FundsRig, MarginVenue, next_venue
from tests.tui.desk.journal_rig import kept, kinds
from tests.tui.desk.rig import until
from tui.cli import cli
from tui.desk.control import Verdict
from tui.desk.frame import RecoveryRow
from tui.desk.inheritance import Inherited
from tui.desk.journal_export import verify
from tui.desk.journal_store import SqliteJournal, journal_path
from tui.desk.takeover import inherit
from venues.commands import FundsKind
from venues.model import NANOSECONDS
from venues.port import VenueTime

DESK = "PAPER/main"
YES = frozenset({"duplicate"})


def desk(folder: Path, venue: MarginVenue) -> FundsRig:
    """A desk over the journal in `folder`."""

    def take_over() -> Inherited:
        return inherit(SqliteJournal(journal_path(folder), desk=DESK), DESK, lambda: rig.clock(), "test")

    rig = FundsRig(venue, inherit=take_over)
    return rig


async def cut_off(folder: Path, fate: str, amount: str = "0.1") -> MarginVenue:
    """Asks for a loan in a desk that ends before its answer, and returns the venue as the next one finds it."""
    venue = MarginVenue()
    venue.fates = [fate]
    async with desk(folder, venue) as rig:
        if fate.startswith("lost") or fate == "late":
            venue.faults = {}
            await rig.ask(amount=amount)
            await until(lambda: bool(rig.store.funds.open("test")) and "ambiguous" in kinds(folder))
        else:
            venue.moving = asyncio.Event()  # the request is with the venue, and nobody hears of it
            await rig.ask(amount=amount)
            await until(lambda: bool(venue.sent))
    if fate == "done":
        assert venue.time is not None
        venue.take(venue.sent[0], venue.time.now)
    return next_venue(venue)


def rows(rig: FundsRig) -> tuple[RecoveryRow, ...]:
    view = rig.store.recovery()
    assert view is not None
    return view.rows


@pytest.mark.parametrize("fate", ["done", "never"])
async def test_what_was_on_its_way_is_looked_up_and_never_sent_again(tmp_path: Path, fate: str) -> None:
    venue = await cut_off(tmp_path, fate)
    async with desk(tmp_path, venue) as rig:
        (row,) = rows(rig)
        assert (row.text, row.venue) == ("BORROW 0.1 BTC at test", "test")
        assert row.key == rig.view().funds[0].request.request_id
        assert row.ts_provable is not None or row.is_settled
        denied = await rig.ask(amount="5", overrides=YES)
        assert (denied.verdict, denied.reasons[0].guard) == (Verdict.DENIED, "recovery")
        await rig.all_over()
        (row,) = rows(rig)
        assert row.is_settled
        assert ("done" in row.state, "not carried out" in row.state) == (fate == "done", fate == "never")
        assert rig.rows() == [("borrow 0.1 BTC", "done" if fate == "done" else "refused", True)]
        assert not venue.sent
        await rig.session.end_recovery()
        assert (await rig.move(amount="0.2")).verdict is Verdict.SENT
    async with desk(tmp_path, next_venue(venue)) as rig:
        assert rows(rig) == ()
    assert not verify(journal_path(tmp_path)).problems


async def test_a_receipt_of_the_run_before_is_not_taken_for_another_request(tmp_path: Path) -> None:
    """Two alike, one answered and one lost on its way: the next run finds one receipt, not of the lost."""
    venue = MarginVenue()
    venue.fates = ["lost before", "done"]
    async with desk(tmp_path, venue) as rig:
        rig.is_still = True  # the lookups of this run come to nothing
        await rig.ask()
        await until(lambda: "ambiguous" in kinds(tmp_path))
        await rig.move(overrides=YES)
        assert sorted(row[1] for row in rig.rows()) == ["UNKNOWN", "done"]
    venue = next_venue(venue)
    async with desk(tmp_path, venue) as rig:
        await rig.all_over()
        assert [row[1] for row in rig.rows()] == ["refused"]
    assert len(venue.carried_out()) == 1


async def test_what_the_desk_knew_of_when_it_left_is_in_the_journal(tmp_path: Path) -> None:
    await cut_off(tmp_path, "done")
    sending = next(row for row in kept(tmp_path) if row.kind == "sending")
    event = sending.event()
    assert event.deadline is not None
    assert event.sent_after == event.deadline - LIFE
    assert (sending.venue, sending.symbol, sending.client_order_id) == (
        "test", "BTC", event.funds.request_id if event.funds is not None else "",
    )  # fmt: skip


async def test_the_trader_can_decide_where_nothing_bounds_it(tmp_path: Path) -> None:
    venue = MarginVenue()
    venue.bounds, venue.moving = False, asyncio.Event()
    async with desk(tmp_path, venue) as rig:
        await rig.ask()
        await until(lambda: bool(venue.sent))
    venue = next_venue(venue)
    async with desk(tmp_path, venue) as rig:
        await until(lambda: venue.called("find_funds") >= 10)
        (row,) = rows(rig)
        assert (row.is_settled, row.ts_provable) == (False, None)
        assert "look at the venue, and decide" in row.state
        assert (await rig.session.decide_gone(row.key)).verdict is Verdict.SENT
        assert rows(rig)[0].is_settled
    async with desk(tmp_path, next_venue(venue)) as rig:
        assert rows(rig) == ()


async def test_the_journal_reads_well(tmp_path: Path) -> None:
    await cut_off(tmp_path, "done", "0.25")
    shown = CliRunner().invoke(cli, ["journal", "show", "--file", str(journal_path(tmp_path))])
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert sum("  BTC@test  " in line for line in lines) == 2
    assert lines[-1].endswith("BORROW 0.25 BTC at test, the desk ended before an answer")
    assert lines[-1].startswith("UNANSWERED row ")
    out = CliRunner().invoke(cli, ["journal", "export", "--jsonl", "--file", str(journal_path(tmp_path))])
    assert '"kind":"borrow","currency":"BTC","amount":"0.25"' in out.output


async def test_one_that_arrives_after_the_start_is_found(tmp_path: Path) -> None:
    venue = await cut_off(tmp_path, "late")
    assert venue.waiting
    assert venue.time is not None
    venue.time = VenueTime(min(venue.time.now, venue.waiting[0][0] - NANOSECONDS), 0)
    async with desk(tmp_path, venue) as rig:
        await rig.all_over()
        assert rig.rows() == [("borrow 0.1 BTC", "done", True)]
        wallet = rig.view().wallet.asset("BTC")
        assert wallet is not None
        assert wallet.debt == D("0.1")
        kind = FundsKind.REPAY
        assert (await rig.move(kind)).verdict is Verdict.SENT  # the recovery holds back only what adds risk
        assert rig.clock.now < venue.history[0].ts_event + LIFE + SETTLE


async def test_a_receipt_that_was_found_is_not_found_again_for_another_request(tmp_path: Path) -> None:
    venue = MarginVenue()
    venue.fates, venue.bounds = ["lost before", "lost after"], False
    async with desk(tmp_path, venue) as rig:
        await rig.ask()
        await rig.move(overrides=YES)
        await until(lambda: "resolved" in kinds(tmp_path))
        assert sorted(row[1] for row in rig.rows()) == ["UNKNOWN", "done"]
    venue = next_venue(venue)
    async with desk(tmp_path, venue) as rig:
        await until(lambda: venue.called("find_funds") >= 10)
        assert [row[1] for row in rig.rows()] == ["UNKNOWN"]


async def test_how_what_the_venue_worked_on_ended_is_kept(tmp_path: Path) -> None:
    venue = MarginVenue()
    venue.fates = ["works"]
    async with desk(tmp_path, venue) as rig:
        await rig.move()
        await rig.all_over()
    notes = [row.event().text for row in kept(tmp_path) if row.kind == "note"]
    assert "BORROW 0.1 BTC at test: done" in notes
