"""An edit by cancel and new in the journal: a row for each command, and a desk that ended between the two."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from tests.tui.desk.edit_rig import NoAmendVenue, Step, edit, edit_rig, last, rest
from tests.tui.desk.journal_rig import kept
from tests.tui.desk.rig import FIVE, D, RecordingJournal, Rig, capabilities, until
from tui.desk.control import AmendIntent, Verdict
from tui.desk.inheritance import Inherited
from tui.desk.journal import Command
from tui.desk.journal_fold import fold
from tui.desk.journal_store import SqliteJournal, journal_path
from tui.desk.takeover import inherit
from venues.commands import OrderRequest
from venues.model import MarginMode, OrderStatus, Side

S = OrderStatus


async def test_it_is_cancelled_and_then_placed_anew_with_a_row_of_the_journal_for_each() -> None:
    venue = NoAmendVenue()
    journal = RecordingJournal(venue)
    async with edit_rig(venue, journal=journal) as rig:
        key = await rest(rig, venue)
        journal.entries.clear()
        await edit(rig, key, price=D(99))
        assert rig.status(key) is S.CANCELED
        (new,) = venue.sent
        assert (new.price, new.quantity, new.side) == (D(99), FIVE, Side.BUY)
        assert rig.status(new.client_order_id) is S.NEW
        assert venue.most == FIVE
        assert [fact.text for fact in rig.facts if fact.text.startswith("edit")] == [
            "edit: BUY 5 BTC-PERP at 100 is being cancelled, BUY 5 BTC-PERP at 99 follows once that is proven",
            "edit: BUY 5 BTC-PERP at 99 goes out in the place of BUY 5 BTC-PERP at 100",
        ]
    wrote = [entry for entry in journal.entries if "fact" not in entry]
    assert wrote == [
        "note after 1 sent",
        "intent after 1 sent",  # of the cancel
        "sending after 1 sent",
        "answered Order after 1 sent",
        "intent after 1 sent",  # of the new one
        "sending after 1 sent",
        "answered Order after 2 sent",
        "note after 2 sent",
    ]


@pytest.mark.parametrize("broken", ["intent", "sending"])
async def test_without_a_journal_it_is_not_even_cancelled(broken: str) -> None:
    venue = NoAmendVenue()
    journal = RecordingJournal()
    async with edit_rig(venue, journal=journal) as rig:
        key = await rest(rig, venue)
        journal.broken = broken
        outcome = await rig.session.amend(AmendIntent(key=key, price=D(99)))
        await rig.session.settled()
        assert (outcome.verdict is Verdict.DENIED) is (broken == "intent")
        assert (rig.status(key), venue.called("cancel_order"), venue.sent) == (S.NEW, 0, [])
        journal.broken = ""
        await edit(rig, key, price=D(99))
        assert len(venue.sent) == 1


async def test_a_journal_that_breaks_between_the_two_keeps_the_new_one_back() -> None:
    venue = NoAmendVenue()
    journal = RecordingJournal()
    async with edit_rig(venue, journal=journal) as rig:
        key = await rest(rig, venue)

        async def fill_the_disk() -> None:
            journal.broken = "intent"

        venue.between = fill_the_disk
        await edit(rig, key, price=D(99))
        assert (venue.sent, rig.status(key)) == ([], S.CANCELED)
        assert "was not placed anew: the journal can not be written: disk full" in last(rig)


class SlowJournal(RecordingJournal):
    """Lets something happen while the new order's intent is written."""

    step: Step | None = None

    async def intent(self, command: Command, ts: int, *, notional: Decimal | None = None) -> None:
        await super().intent(command, ts, notional=notional)
        if isinstance(command, OrderRequest) and self.step is not None:
            await self.step()


async def test_a_lock_while_the_journal_writes_keeps_the_new_one_back() -> None:
    venue = NoAmendVenue()
    journal = SlowJournal()
    async with edit_rig(venue, journal=journal) as rig:
        key = await rest(rig, venue)
        used = rig.session.guards.budget_used

        async def lock() -> None:
            await rig.session.lock("by hand")

        journal.step = lock
        await edit(rig, key, quantity=D(6))
        assert (venue.sent, rig.status(key)) == ([], S.CANCELED)
        assert "6 was not placed anew: the desk was locked meanwhile" in last(rig)
        assert rig.session.guards.budget_used == used


def desk(folder: Path, venue: NoAmendVenue) -> Rig:
    def take_over() -> Inherited:
        return inherit(SqliteJournal(journal_path(folder), desk="PAPER/main"), "PAPER/main", rig.clock, "test")

    rig = edit_rig(venue, inherit=take_over)
    return rig


@pytest.mark.parametrize("answer", ["truth", "lost"])
async def test_a_crash_between_the_two_is_told_at_the_next_start_which_sends_nothing(
    tmp_path: Path, answer: str
) -> None:
    venue = NoAmendVenue()
    stands_still = asyncio.Event()
    async with desk(tmp_path, venue) as rig:
        key = await rest(rig, venue)
        venue.answer = answer

        async def wait() -> None:
            await stands_still.wait()

        venue.reading = wait
        await rig.session.amend(AmendIntent(key=key, price=D(99)))
        await until(lambda: venue.called("fetch_order") == 1)
    state = fold(kept(tmp_path))
    assert [(one.key, one.status) for one in state.orders.values()] == [
        (key, S.CANCELED if answer == "truth" else S.UNKNOWN)
    ]
    assert state.not_sent == {}
    again = NoAmendVenue()
    again.orders = venue.orders
    async with desk(tmp_path, again) as rig:
        await until(lambda: rig.status(key) is S.CANCELED)
        assert rig.session.recovery is not None
        (notice,) = rig.session.recovery.view().notices
        assert notice == (
            "an edit was not finished: BUY 5 BTC-PERP at 100 was to become BUY 5 BTC-PERP at 99, "
            "by cancel and new: look what rests of it"
        )
        assert again.sent == []
    async with desk(tmp_path, again) as rig:
        assert rig.session.recovery is not None
        assert rig.session.recovery.view().notices == ()


async def test_a_crash_after_the_new_order_left_is_told_of_that_order_only(tmp_path: Path) -> None:
    venue = NoAmendVenue()
    async with desk(tmp_path, venue) as rig:
        key = await rest(rig, venue)
        venue.hold = asyncio.Event()
        await rig.session.amend(AmendIntent(key=key, price=D(99)))
        await until(lambda: venue.called("submit_order") == 2)
    again = NoAmendVenue()
    again.orders = venue.orders
    async with desk(tmp_path, again) as rig:
        assert rig.session.recovery is not None
        view = rig.session.recovery.view()
        assert view.notices == ()
        assert [row.text for row in view.rows] == ["BUY 5 BTC-PERP at 99"]
        assert again.sent == []


async def test_a_finished_edit_is_no_news_at_the_next_start(tmp_path: Path) -> None:
    venue = NoAmendVenue()
    async with desk(tmp_path, venue) as rig:
        key = await rest(rig, venue)
        await edit(rig, key, price=D(99))
        venue.answer = "refused"
        await edit(rig, venue.sent[0].client_order_id, price=D(98))
    async with desk(tmp_path, venue) as rig:
        assert rig.session.recovery is not None
        assert rig.session.recovery.view().notices == ()


async def test_after_a_restart_it_is_still_known_what_an_order_was_placed_with(tmp_path: Path) -> None:
    can = capabilities(amend=False, attached_exits=True, margin_modes=frozenset(MarginMode))
    venue = NoAmendVenue(can)
    async with desk(tmp_path, venue) as rig:
        key = await rest(rig, venue, margin_mode=MarginMode.CROSS, stop_loss=D(90))
    again = NoAmendVenue(can)
    again.orders = venue.orders
    async with desk(tmp_path, again) as rig:
        await edit(rig, key, price=D(99))
        (new,) = again.sent
        assert (new.margin_mode, new.stop_loss, new.price) == (MarginMode.CROSS, D(90), D(99))
