"""A desk that is started on what the run before left: nothing is lost, nothing is sent, and the trader is told."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.tui.desk.journal_rig import kinds, names, run_sql
from tests.tui.desk.rig import START, D, Rig, ScriptedVenue, fill, intent, order, request, until
from tui.desk.control import CancelScope, Verdict
from tui.desk.frame import FactKind
from tui.desk.guards import Limits
from tui.desk.inheritance import Inherited
from tui.desk.journal import CancelAllRequest
from tui.desk.journal_export import oldest_needed, read_rows
from tui.desk.journal_fold import fold
from tui.desk.journal_store import SqliteJournal, journal_path
from tui.desk.takeover import inherit
from venues.commands import CancelRequest
from venues.errors import OutcomeUnknown
from venues.model import NANOSECONDS, Order, OrderStatus
from venues.port import Depart, Departure, VenueTime

S = OrderStatus
LIFE = 30 * NANOSECONDS
LOST = OutcomeUnknown("test", "timeout")
DESK = "PAPER/main"


def desk(folder: Path, venue: ScriptedVenue | None = None, name: str = DESK, **settings: Any) -> Rig:
    """Makes a rig over the journal in `folder`, with `venue` or one whose requests live 30 s."""
    if venue is None:
        venue = ScriptedVenue()
        venue.deadline, venue.time = START + LIFE, VenueTime(START, 0)

    def take_over() -> Inherited:
        return inherit(SqliteJournal(journal_path(folder), desk=name), name, rig.clock, "test")

    rig = Rig(venue, inherit=take_over, **settings)
    return rig


def next_venue(before: ScriptedVenue) -> ScriptedVenue:
    """Returns the same exchange, as a new run of the desk finds it."""
    venue = ScriptedVenue()
    venue.orders, venue.fills, venue.deadline, venue.time = (
        before.orders,
        before.fills,
        before.deadline,
        before.time,
    )
    return venue


async def test_what_was_on_its_way_is_looked_up_while_new_orders_are_locked_out(tmp_path: Path) -> None:
    async with desk(tmp_path) as first:
        first.venue.faults = {"submit_order": [LOST]}
        key = await first.place()
        resting = await first.place(price=D(99))
    venue = next_venue(first.venue)
    async with desk(tmp_path, venue) as rig:
        assert rig.status(key) is S.UNKNOWN
        kept = rig.store.orders.get(resting)
        assert kept is not None
        assert (kept.status, kept.order.is_external) == (S.NEW, False)
        view = rig.store.recovery()
        assert view is not None
        assert [(row.key, row.is_settled) for row in view.rows] == [(key, False)]
        assert (view.rows[0].text, view.rows[0].ts_provable) == (
            "BUY 1 BTC-PERP at 100",
            START + LIFE + 2 * NANOSECONDS,
        )
        denied = await rig.session.submit(intent(price=D(98)))
        assert (denied.verdict, denied.reasons[0].guard) == (Verdict.DENIED, "recovery")
        assert (await rig.session.cancel(resting)).verdict is Verdict.SENT
        venue.time = VenueTime(START + LIFE + 2 * NANOSECONDS, 0)
        await until(lambda: rig.status(key) is S.REJECTED)
        view = rig.store.recovery()
        assert view is not None
        assert view.rows[0].is_settled
        assert "never placed" in view.rows[0].state
        # Settled, and still locked until the trader has read it.
        assert (await rig.session.submit(intent(price=D(98)))).verdict is Verdict.DENIED
        await rig.session.end_recovery()
        assert (await rig.session.submit(intent(price=D(98)))).verdict is Verdict.SENT
        await rig.session.settled()
        assert venue.called("submit_order") == 1  # the last one: what was lost is never sent again
    async with desk(tmp_path, next_venue(venue)) as rig:
        view = rig.store.recovery()
        assert view is not None
        assert not view.rows
        assert not rig.session.guards.is_recovering


async def test_an_order_that_was_lost_and_booked_is_found_and_ours(tmp_path: Path) -> None:
    async with desk(tmp_path) as first:
        first.venue.hold = None
        first.venue.faults = {"submit_order": [LOST]}
        key = await first.place()
    first.venue.book_order(request(key, D(1)))
    async with desk(tmp_path, next_venue(first.venue)) as rig:
        await until(lambda: rig.status(key) is S.NEW)
        found = rig.store.orders.get(key)
        assert found is not None
        assert not found.order.is_external
        view = rig.store.recovery()
        assert view is not None
        await until(lambda: bool((now := rig.store.recovery()) and now.rows[0].is_settled))


async def test_a_cancel_of_many_without_an_answer_is_settled_by_reading_the_orders(tmp_path: Path) -> None:
    async with desk(tmp_path) as first:
        key = await first.place()
        first.venue.faults = {"cancel_all_orders": [LOST]}
        await first.session.cancel_all(CancelScope())
        await first.session.settled()
    first.venue.end(key)
    async with desk(tmp_path, next_venue(first.venue)) as rig:
        view = rig.store.recovery()
        assert view is not None
        assert {row.text for row in view.rows} == {"cancel all"}
        assert rig.status(key) is S.CANCELED
        assert view.rows[0].is_settled
    assert fold(read_rows(journal_path(tmp_path))).unresolved() == []


class SilentVenue(ScriptedVenue):
    """A venue that takes cancels, and neither carries them out nor answers."""

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        await self._leave(depart)
        self._enter("cancel_order")
        await asyncio.Event().wait()
        raise AssertionError


async def test_an_order_whose_cancel_died_with_a_desk_just_rests_for_the_next_but_one(tmp_path: Path) -> None:
    silent = SilentVenue()
    silent.deadline, silent.time = START + LIFE, VenueTime(START, 0)
    async with desk(tmp_path, silent) as first:
        key = await first.place()
        await first.session.cancel(key)
        await until(lambda: silent.called("cancel_order") == 1)
    venue = next_venue(silent)
    venue.time = VenueTime(START + LIFE + 2 * NANOSECONDS, 0)
    async with desk(tmp_path, venue) as rig:
        await until(lambda: (view := rig.store.recovery()) is not None and view.rows[0].is_settled)
        assert rig.status(key) is S.NEW
    left = inherit(SqliteJournal(journal_path(tmp_path), desk=DESK), DESK, lambda: START, "test")
    assert left.journal is not None
    await left.journal.aclose()
    assert [(one.key, one.status, one.commands) for one in left.orders] == [(key, S.NEW, [])]
    assert left.unresolved == []


async def test_fills_of_the_time_between_are_kept_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as first:
        key = await first.place(quantity=D(5))
        first.venue.fills.append(fill(key, "t1"))
        first.session.links["test"].reconcile_wanted.set()
        await until(lambda: first.venue.called("fetch_fills") == 2)
    first.venue.fills.append(fill(key, "t2", ts_event=START + 10))
    async with desk(tmp_path, next_venue(first.venue)) as rig:
        tracked = rig.store.orders.get(key)
        assert tracked is not None
        assert tracked.order.filled_quantity == 2
    rows = [row.event() for row in read_rows(journal_path(tmp_path))]
    assert [event.fill.trade_id for event in rows if event.fill is not None] == ["t1", "t2"]


async def test_budget_and_day_are_not_renewed_by_a_restart(tmp_path: Path) -> None:
    limits = Limits(session_budget=D(250), day_loss=D(50))
    async with desk(tmp_path, limits=limits) as first:
        await first.place(quantity=D(2))
        assert first.store.budget_used == 200
        first.store.ledger.day_open = D(1_060)
        assert first.session.guards.note_day(first.store.day_pnl(), first.clock()) is not None
        first.session.keeper.note("lost too much", "loss", first.session.guards.locked_until)
    async with desk(tmp_path, next_venue(first.venue), limits=limits) as rig:
        assert rig.store.budget_used == 200
        denied = await rig.session.submit(intent(price=D(98)))
        assert [reason.guard for reason in denied.reasons] == ["loss", "budget"]
    # The next day both are over.
    rig = desk(tmp_path, next_venue(first.venue), limits=limits)
    rig.clock.pass_seconds(86_400)
    async with rig:
        assert rig.store.budget_used == 0
        outcome = await rig.session.submit(intent(price=D(98), overrides=frozenset({"fresh"})))
        assert outcome.verdict is Verdict.SENT, outcome


async def test_how_the_desk_was_left_is_told_at_the_next_start_and_once_only(tmp_path: Path) -> None:
    async with desk(tmp_path) as first:
        await first.place()
        report = await first.session.detach("cancel_session", "the terminal hung up")
        assert (report.cancelled, report.left) == (1, 0)
    words = (
        "when this desk was last left: the terminal hung up: detach policy cancel_session: "
        "1 orders cancelled, 0 not known to be over"
    )
    async with desk(tmp_path, next_venue(first.venue)) as rig:
        assert words in rig.texts()
        assert not rig.session.guards.is_recovering
        await rig.session.detach("leave")  # nothing was open, and nobody asks
    async with desk(tmp_path, next_venue(first.venue)) as rig:
        assert "last left" not in rig.texts()


async def test_other_desks_of_the_profile_are_left_alone_and_named(tmp_path: Path) -> None:
    async with desk(tmp_path, name="LIVE/second") as other:
        other.venue.faults = {"submit_order": [LOST]}
        await other.place()
    async with desk(tmp_path, next_venue(other.venue)) as rig:
        view = rig.store.recovery()
        assert view is not None
        assert view.rows == ()
        assert "1 unanswered of the desk LIVE/second" in view.notices[0]
        assert not list(rig.store.orders.open_orders())


async def test_what_is_unanswered_at_a_venue_that_is_not_open_is_named(tmp_path: Path) -> None:
    async with desk(tmp_path) as first:
        first.venue.faults = {"submit_order": [LOST]}
        await first.place()
    async with desk(tmp_path, ScriptedVenue("another")) as rig:
        view = rig.store.recovery()
        assert view is not None
        assert view.rows == ()
        assert "1 unanswered on test, which is not open" in view.notices[0]


async def test_what_a_panic_wrote_without_a_desk_is_taken_in(tmp_path: Path) -> None:
    async with desk(tmp_path) as first:
        key = await first.place()
    aside = tmp_path / "panic-20261121T100000.sqlite3"
    panic = SqliteJournal(aside, desk=DESK)
    sweep = CancelAllRequest(venue="test")
    await panic.intent(sweep, START)
    await panic.sending(sweep, Departure(), START)
    await panic.fact(order(key, S.CANCELED, ts_event=START + 5), START)
    await panic.answered(sweep, None, START)
    await panic.aclose()
    first.venue.end(key)
    async with desk(tmp_path, next_venue(first.venue)) as rig:
        assert rig.status(key) is S.CANCELED
        view = rig.store.recovery()
        assert view is not None
        assert "a panic acted without this desk: 4 rows" in view.notices[0]
    assert aside.with_name(f"{aside.name}.folded").exists()
    assert all(name.endswith(".folded") for name in names(tmp_path) if name.startswith("panic-"))
    assert fold(read_rows(journal_path(tmp_path))).unresolved() == []


@pytest.mark.parametrize("what", ["newer", "folder"])
async def test_a_journal_that_can_not_be_read_denies_orders_and_changes_nothing(what: str, tmp_path: Path) -> None:
    async with desk(tmp_path) as first:
        await first.place()
    path = journal_path(tmp_path)
    if what == "newer":
        with sqlite3.connect(path) as connection:
            connection.execute("INSERT INTO migration SELECT max(version) + 1, 'later' FROM migration")
        connection.close()
    else:
        _put_a_folder_at(path)
    async with desk(tmp_path, next_venue(first.venue)) as rig:
        assert "the journal can not be used" in rig.texts()
        assert FactKind.CONFIGURATION in {fact.kind for fact in rig.facts}
        denied = await rig.session.submit(intent(price=D(98)))
        assert (denied.verdict, denied.reasons[0].guard) == (Verdict.DENIED, "journal")
        assert rig.venue.called("submit_order") == 0
        receipt = await rig.session.panic()
        assert [line.orders_left for line in receipt.lines] == [0]
    if what == "newer":
        assert kinds(tmp_path).count("sending") == 1


async def test_a_start_reads_only_what_still_matters(tmp_path: Path) -> None:
    path = journal_path(tmp_path)
    async with desk(tmp_path) as first:
        for number in range(20):
            first.venue.end(await first.place(price=D(99), quantity=D(number + 1)))
        first.session.links["test"].reconcile_wanted.set()
        await until(lambda: not list(first.store.orders.open_orders()))
        old = await first.place(price=D(98))
    sent = next(row.number for row in read_rows(path) if row.client_order_id == old and row.kind == "sending")
    for days in (3, 6):
        again = desk(tmp_path, next_venue(first.venue))
        again.clock.pass_seconds(days * 86_400)
        async with again as rig:
            tracked = rig.store.orders.get(old)
            assert tracked is not None
            assert (tracked.status, tracked.order.is_external) == (S.NEW, False)
        assert oldest_needed(path) == sent
    first.venue.end(old)
    for days in (9, 12):
        again = desk(tmp_path, next_venue(first.venue))
        again.clock.pass_seconds(days * 86_400)
        async with again as rig:
            assert rig.store.orders.get(old) is None or rig.status(old) is S.CANCELED
    assert oldest_needed(path) > sent
    # A file whose rows were numbered anew is read whole.
    run_sql(path, "DROP TRIGGER event_is_never_changed", "UPDATE event SET digest = 'other'")
    assert oldest_needed(path) == 0


def _put_a_folder_at(path: Path) -> None:
    path.rename(path.with_name("kept"))
    path.mkdir()


async def test_a_jump_of_the_clock_has_every_venue_read_back() -> None:
    boottime = 0
    beats: asyncio.Queue[None] = asyncio.Queue()

    async def pulse(_seconds: float) -> None:
        await beats.get()

    async with Rig(pulse=pulse, boottime=lambda: boottime) as rig:
        key = await rig.place()
        rig.venue.end(key)  # while nobody looked
        boottime = 3_600 * NANOSECONDS
        rig.clock.pass_seconds(3_600)
        for _ in range(2):  # two of the session's works wait for it
            beats.put_nowait(None)
        await until(lambda: rig.status(key) is S.CANCELED)
        assert "the program stood still (+3599.0 s): every venue is read back" in rig.texts()
        await until(lambda: rig.session.links["test"].is_reconciled)
