"""Orders of which nobody knows what became: settled by proof, by a person, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.desk.rig import START, D, Rig, ScriptedVenue, capabilities, intent, order, request, until
from tui.desk.control import Verdict
from tui.desk.frame import FactKind
from tui.desk.journal_export import read_rows
from tui.desk.journal_fold import fold
from tui.desk.journal_store import SqliteJournal
from tui.desk.orders import OrderTracker, Tracked
from tui.desk.proof import Proof, is_answer_final, proof_of_miss
from venues.errors import OrderNotFound, OutcomeUnknown, VenueUnavailable
from venues.model import NANOSECONDS, OrderStatus
from venues.port import Capabilities, VenueTime

S = OrderStatus
LIFE = 30 * NANOSECONDS
SETTLE = 2 * NANOSECONDS
LOST = OutcomeUnknown("test", "timeout")


def unknown(deadline: int | None = START + LIFE) -> Tracked:
    tracker = OrderTracker(lambda: START, lambda *_: None)
    tracked = tracker.submitted(request("a"), START)
    tracker.departed(tracked, deadline, is_new=True)
    tracked.in_flight = 0
    return tracked


def at(after_deadline: int, uncertainty: int = 0) -> VenueTime:
    return VenueTime(START + LIFE + after_deadline, uncertainty)


@pytest.mark.parametrize(
    ("asked", "changes", "proof"),
    [
        (at(SETTLE), {}, Proof.NEVER_PLACED),
        (at(SETTLE - 1), {}, None),
        (at(SETTLE, uncertainty=1), {}, None),
        (at(SETTLE + 5, uncertainty=5), {}, Proof.NEVER_PLACED),
        (None, {}, None),
        (at(SETTLE), {"lookup_covers_closed": False}, None),
        (at(SETTLE), {"settle": 2.5}, None),
        (at(SETTLE), {"forgets_unfilled": True}, Proof.NOT_RESTING),
    ],
)
def test_a_miss_is_a_proof_only_after_everything_that_was_sent_has_died(
    asked: VenueTime | None, changes: dict[str, object], proof: Proof | None
) -> None:
    assert proof_of_miss(unknown(), capabilities(**changes), asked, START + 2 * LIFE) is proof


def test_without_a_bound_or_with_a_command_on_its_way_nothing_is_proven() -> None:
    late = at(1_000 * LIFE)
    assert proof_of_miss(unknown(None), capabilities(), late, START) is None
    busy = unknown()
    busy.in_flight = 1
    assert proof_of_miss(busy, capabilities(), late, START) is None
    assert not is_answer_final(busy, capabilities(), late)


@pytest.mark.parametrize(
    ("forgets", "seconds_since_told", "filled", "proof"),
    [
        (True, 2.0, "0", Proof.NOT_RESTING),
        (True, 1.9, "0", None),
        (True, 60.0, "1", None),
        (False, 60.0, "0", None),
    ],
)
def test_an_order_that_was_seen_and_is_not_found_is_over_only_where_venues_forget(
    forgets: bool, seconds_since_told: float, filled: str, proof: Proof | None
) -> None:
    tracker = OrderTracker(lambda: START, lambda *_: None)
    tracked = tracker.submitted(request("a"), START)
    tracker.departed(tracked, START + LIFE, is_new=True)
    tracker.command_ended(tracked, None)
    tracker.apply(order("a", filled_quantity=D(filled)))
    now = START + int(seconds_since_told * NANOSECONDS)
    can: Capabilities = capabilities(forgets_unfilled=forgets)
    assert proof_of_miss(tracked, can, at(SETTLE), now) is proof


def venue_with_deadline(**changes: object) -> ScriptedVenue:
    venue = ScriptedVenue(caps=capabilities(**changes))
    venue.deadline = START + LIFE
    venue.time = VenueTime(START, 0)
    return venue


async def test_an_order_that_never_arrived_is_settled_when_it_can_not_arrive_any_more(tmp_path: Path) -> None:
    venue = venue_with_deadline()
    journal = SqliteJournal(tmp_path / "state" / "journal.sqlite3")
    async with Rig(venue, journal=journal) as rig:
        venue.faults = {"submit_order": [LOST]}
        key = await rig.place()
        await until(lambda: venue.called("fetch_order") >= 5)
        assert rig.status(key) is S.UNKNOWN
        again = await rig.session.submit(intent())
        assert (again.verdict, again.reasons[0].guard) == (Verdict.NEEDS_YES, "duplicate")
        venue.time = VenueTime(START + LIFE + SETTLE, 0)
        await until(lambda: rig.status(key) is S.REJECTED)
        assert "never placed" in rig.texts()
        assert venue.called("submit_order") == 1
    state = fold(read_rows(journal.path))
    assert state.unresolved() == []
    assert state.orders[key].status is S.REJECTED


async def test_the_last_question_is_put_as_soon_as_its_answer_is_a_proof() -> None:
    venue = venue_with_deadline()
    async with Rig(venue) as rig:
        venue.faults = {"submit_order": [LOST]}
        # The tenth pause would be 30 s; what is left of the deadline is less.
        key = await rig.place()
        await until(lambda: venue.called("fetch_order") >= 10)
        venue.time = VenueTime(START + LIFE + SETTLE - NANOSECONDS, 0)
        rig.waits.clear()
        await until(lambda: len(rig.waits) > 2)
        assert all(wait <= 1.01 for wait in rig.waits[1:]), rig.waits
        venue.time = VenueTime(START + LIFE + SETTLE, 0)
        venue.faults = {"fetch_order": [VenueUnavailable("test", "502")] * 3}
        rig.waits.clear()
        await until(lambda: rig.status(key) is S.REJECTED)
        assert all(wait <= 1.01 for wait in rig.waits), rig.waits


async def test_a_venue_that_bounds_nothing_leaves_it_to_a_person(tmp_path: Path) -> None:
    venue = venue_with_deadline()
    venue.deadline = None
    journal = SqliteJournal(tmp_path / "state" / "journal.sqlite3")
    async with Rig(venue, journal=journal) as rig:
        venue.faults = {"submit_order": [LOST]}
        key = await rig.place()
        venue.time = VenueTime(START + 1_000 * LIFE, 0)
        await until(lambda: venue.called("fetch_order") >= 20)
        assert rig.status(key) is S.UNKNOWN
        assert (await rig.session.decide_gone("nobody")).verdict is Verdict.DENIED
        assert (await rig.session.decide_gone(key)).verdict is Verdict.SENT
        assert rig.status(key) is S.REJECTED
        assert (await rig.session.decide_gone(key)).verdict is Verdict.DENIED
    state = fold(read_rows(journal.path))
    assert state.unresolved() == []


async def test_what_a_person_decided_is_corrected_by_what_the_venue_tells() -> None:
    venue = venue_with_deadline()
    venue.deadline = None
    async with Rig(venue) as rig:
        venue.faults = {"submit_order": [LOST]}
        key = await rig.place()
        await rig.session.decide_gone(key)
        venue.book_order(request(key, D(1)))
        rig.session.links["test"].reconcile_wanted.set()
        await until(lambda: rig.status(key) is S.NEW)
        assert "the venue has an order that it had refused" in rig.texts()


async def test_a_lost_cancel_is_asked_about_until_it_can_not_arrive_any_more(tmp_path: Path) -> None:
    venue = venue_with_deadline()
    journal = SqliteJournal(tmp_path / "state" / "journal.sqlite3")
    async with Rig(venue, journal=journal) as rig:
        key = await rig.place()
        venue.faults = {"cancel_order": [LOST]}
        await rig.session.cancel(key)
        await rig.session.settled()
        await until(lambda: rig.status(key) is S.NEW)  # it still rests, as far as the venue says now
        asked = venue.called("fetch_order")
        venue.end(key)  # and the cancel arrives, without a word
        await until(lambda: rig.status(key) is S.CANCELED)
        assert venue.called("fetch_order") > asked
    assert fold(read_rows(journal.path)).unresolved() == []


async def test_a_lost_cancel_that_died_leaves_the_order_resting_and_nothing_open(tmp_path: Path) -> None:
    venue = venue_with_deadline()
    journal = SqliteJournal(tmp_path / "state" / "journal.sqlite3")
    async with Rig(venue, journal=journal) as rig:
        key = await rig.place()
        venue.faults = {"cancel_order": [LOST]}
        await rig.session.cancel(key)
        await rig.session.settled()
        tracked = rig.store.orders.get(key)
        assert tracked is not None
        await until(lambda: rig.status(key) is S.NEW)
        assert tracked.commands
        venue.time = VenueTime(START + LIFE + SETTLE, 0)
        await until(lambda: not tracked.commands)
        asked = venue.called("fetch_order")
        await until(lambda: not rig.session.settler.is_open(tracked))
        assert rig.status(key) is S.NEW
        assert venue.called("fetch_order") == asked
    assert fold(read_rows(journal.path)).unresolved() == []


async def test_the_fills_of_an_order_found_by_asking_are_read_too() -> None:
    venue = venue_with_deadline()
    async with Rig(venue) as rig:
        venue.fills_at_once = True
        venue.faults = {"answer": [LOST]}
        key = await rig.place()
        await until(lambda: rig.status(key) is S.FILLED)
        await until(lambda: venue.called("fetch_fills") == 2)
        assert FactKind.UNKNOWN in {fact.kind for fact in rig.facts}


async def test_a_miss_of_an_order_that_rested_is_no_proof_without_forgetting() -> None:
    venue = venue_with_deadline()
    venue.time = VenueTime(START + 100 * LIFE, 0)
    async with Rig(venue) as rig:
        key = await rig.place()
        del venue.orders[key]
        rig.session.links["test"].reconcile_wanted.set()
        await until(lambda: rig.status(key) is S.UNKNOWN)
        await until(lambda: venue.called("fetch_order") > 5)
        assert rig.status(key) is S.UNKNOWN
        with pytest.raises(OrderNotFound):
            await venue.fetch_order(venue.instruments[0].id, key)
