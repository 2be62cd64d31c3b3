"""A venue that is opened with another key while the desk runs, and what a key's rights do to a desk."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from tests.tui.desk.rig import Rig, ScriptedVenue, capabilities, intent, order, position, until, update
from tui.desk.control import Verdict
from tui.desk.frame import FactKind, Severity
from tui.desk.inheritance import Inherited
from tui.desk.instance import InstanceError
from tui.desk.journal_store import SqliteJournal
from tui.desk.takeover import inherit
from venues.errors import ConnectionLost, VenueError
from venues.events import LinkState, PositionUpdate
from venues.model import OrderStatus
from venues.port import Mode, Permissions

LIVE = capabilities(mode=Mode.LIVE)
WATCHED = capabilities(mode=Mode.READ_ONLY, reads_account=False)
READS = capabilities(mode=Mode.READ_ONLY)


class ToldVenue(ScriptedVenue):
    """A venue that tells what its key may do."""

    def __init__(self, *answers: Permissions | VenueError, name: str = "test") -> None:
        super().__init__(name, LIVE)
        self.answers = list(answers)

    async def fetch_permissions(self) -> Permissions:
        self._enter("fetch_permissions")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, VenueError):
            raise answer
        return answer


def reconciled(rig: Rig, name: str = "test") -> bool:
    view = rig.store.venues[name]
    return view.state is LinkState.LIVE and not view.is_reconciling


async def test_an_order_of_the_old_key_is_known_to_the_new_one() -> None:
    async with Rig(ScriptedVenue(caps=LIVE)) as rig:
        await rig.session.arm()
        key = await rig.place()
        new = ScriptedVenue(caps=LIVE)
        new.orders = dict(rig.venue.orders)
        outcome = await rig.session.rekey(new)
        assert outcome.verdict is Verdict.SENT
        await until(lambda: reconciled(rig))
        assert rig.session.links["test"].venue is new
        assert rig.status(key) is OrderStatus.NEW
        assert (rig.store.desk.mode, rig.store.desk.is_armed) == (Mode.LIVE, True)
        await rig.session.cancel(key)
        await rig.session.settled()
        assert (rig.venue.called("cancel_order"), new.called("cancel_order")) == (0, 1)
        assert rig.status(key) is OrderStatus.CANCELED
        # The old one's stream has ended, and nobody waits for it any more.
        assert rig.venue.called("connect") == new.called("connect") == 1


async def test_nothing_is_sent_before_the_account_has_been_read_back() -> None:
    async with Rig(ScriptedVenue(caps=LIVE)) as rig:
        await rig.session.arm()
        new = ScriptedVenue(caps=LIVE)
        new.faults["fetch_balances"] = [ConnectionLost("test", "down")] * 3
        await rig.session.rekey(new)
        refused = await rig.session.submit(intent())
        assert refused.verdict is Verdict.DENIED
        await until(lambda: reconciled(rig))
        assert new.called("fetch_balances") == 4
        await rig.place()
        assert new.called("submit_order") == 1


async def test_what_is_on_its_way_gets_its_answer_by_the_key_that_signed_it() -> None:
    async with Rig(ScriptedVenue(caps=LIVE)) as rig:
        await rig.session.arm()
        rig.venue.hold = asyncio.Event()
        outcome = await rig.session.submit(intent())
        await until(lambda: rig.venue.called("submit_order") == 1)
        new = ScriptedVenue(caps=LIVE)
        swap = asyncio.ensure_future(rig.session.rekey(new))
        await until(lambda: rig.store.venues["test"].is_reconciling)
        assert (await rig.session.submit(intent(price=Decimal(90)))).verdict is Verdict.DENIED
        new.orders[outcome.order_key] = order(outcome.order_key)
        rig.venue.hold.set()
        await swap
        await until(lambda: reconciled(rig))
        assert rig.status(outcome.order_key) is OrderStatus.NEW
        assert new.called("submit_order") == 0


async def test_what_was_never_answered_is_unknown_and_looked_up_by_the_new_key() -> None:
    async with Rig(ScriptedVenue(caps=LIVE)) as rig:
        await rig.session.arm()
        rig.session._rekeying._patience = 0.0  # the constant of time that a test shortens
        rig.venue.hold = asyncio.Event()
        outcome = await rig.session.submit(intent())
        await until(lambda: rig.venue.called("submit_order") == 1)
        new = ScriptedVenue(caps=LIVE)
        new.orders[outcome.order_key] = order(outcome.order_key)
        await rig.session.rekey(new)
        await until(lambda: reconciled(rig))
        assert rig.status(outcome.order_key) is OrderStatus.NEW


async def test_a_watched_venue_becomes_tradable_and_the_desk_locked(tmp_path: Path) -> None:
    taken: list[Mapping[str, Mode]] = []
    journal = SqliteJournal(tmp_path / "journal.sqlite3", desk="LIVE/main")

    def take(modes: Mapping[str, Mode]) -> Inherited:
        taken.append(modes)
        return inherit(journal, "LIVE/main", rig.clock)

    watched = ScriptedVenue(caps=WATCHED)
    rig = Rig(watched, take_profile=lambda modes: lambda: take(modes))
    opened: list[bool] = []

    async def let_in() -> None:
        opened.append(True)

    rig.session.note_profile_taken = let_in
    await rig.session.open()
    await until(lambda: rig.store.shown is not None)
    assert rig.store.desk.mode is Mode.READ_ONLY
    new = ScriptedVenue(caps=LIVE)
    assert (await rig.session.rekey(new)).verdict is Verdict.SENT
    desk = rig.store.desk
    assert (desk.mode, desk.is_armed, desk.lock_reason) == (Mode.LIVE, False, "a LIVE desk starts locked")
    assert (taken, opened) == ([{"test": Mode.LIVE}], [True])
    await until(lambda: reconciled(rig))
    assert (await rig.session.submit(intent())).reasons[0].guard == "lock"
    await rig.session.arm()
    key = await rig.place()
    assert key.startswith("l")
    assert new.called("submit_order") == 1
    # A second rotation takes nothing again.
    again = ScriptedVenue(caps=LIVE)
    again.orders = dict(new.orders)
    assert (await rig.session.rekey(again)).verdict is Verdict.SENT
    assert len(taken) == 1
    assert rig.store.desk.is_armed
    await rig.session.aclose()
    assert b"submit" in (tmp_path / "journal.sqlite3").read_bytes()


async def test_a_profile_that_another_desk_has_keeps_the_venue_watched() -> None:
    def take(_: Mapping[str, Mode]) -> Inherited:
        raise InstanceError("another desk holds this profile")

    rig = Rig(ScriptedVenue(caps=WATCHED), take_profile=take)
    await rig.session.open()
    await until(lambda: rig.store.shown is not None)
    outcome = await rig.session.rekey(ScriptedVenue(caps=LIVE))
    assert outcome.verdict is Verdict.DENIED
    assert "another desk holds this profile" in outcome.reasons[0].text
    assert rig.store.desk.mode is Mode.READ_ONLY
    assert rig.session.links["test"].venue is rig.venue
    await rig.session.aclose()


async def test_paper_and_live_are_not_mixed_by_a_key() -> None:
    paper, watched = ScriptedVenue("paper"), ScriptedVenue("test", WATCHED)
    rig = Rig(paper, watched)
    await rig.session.open()
    await until(lambda: rig.store.shown is not None)
    outcome = await rig.session.rekey(ScriptedVenue("test", LIVE))
    assert "can not be on one desk" in outcome.reasons[0].text
    assert (await rig.session.rekey(ScriptedVenue("max", LIVE))).verdict is Verdict.DENIED
    assert rig.session.links["test"].venue is watched
    await rig.session.aclose()


@pytest.mark.parametrize("what", ["an order", "a position"])
async def test_a_key_is_not_taken_from_a_venue_with_something_open(what: str) -> None:
    async with Rig(ScriptedVenue(caps=LIVE)) as rig:
        await rig.session.arm()
        if what == "an order":
            key = await rig.place()
        else:
            await rig.tell(PositionUpdate(position()))
        outcome = await rig.session.rekey(ScriptedVenue(caps=WATCHED))
        assert outcome.verdict is Verdict.DENIED
        assert "it goes on with the key that it has until nothing is left" in outcome.reasons[0].text
        if what == "an order":
            await rig.tell(update(key, OrderStatus.CANCELED))
        else:
            await rig.tell(PositionUpdate(position(Decimal(0), ts_event=position().ts_event + 1)))
        bare = ScriptedVenue(caps=WATCHED)
        assert (await rig.session.rekey(bare)).verdict is Verdict.SENT
        await until(lambda: reconciled(rig))
        assert rig.store.desk.mode is Mode.READ_ONLY
        assert rig.store.ledger.balances["test"] == {}
        assert bare.called("fetch_balances") == 0


async def test_a_key_that_may_only_read_shows_the_account_and_sends_nothing() -> None:
    venue = ScriptedVenue(caps=READS)
    venue.orders["elsewhere"] = order("elsewhere")
    async with Rig(venue) as rig:
        assert rig.store.ledger.balances["test"]["USDT"].total == 1000
        (tracked,) = rig.store.orders.open_orders("test")
        assert (await rig.session.cancel(tracked.key)).reasons[0].guard == "read-only"
        assert (await rig.session.submit(intent())).reasons[0].guard == "read-only"
        assert (await rig.session.panic()).lines == ()
        assert not {"submit_order", "cancel_order", "cancel_all_orders"} & set(venue.calls)
        assert "may only read" in rig.store.venues["test"].fault


async def test_a_key_that_may_withdraw_is_not_armed() -> None:
    async with Rig(ToldVenue(Permissions(trade=True, withdraw=True, told_by="the venue"))) as rig:
        refused = await rig.session.arm()
        assert refused.verdict is Verdict.DENIED
        assert "may WITHDRAW" in refused.reasons[0].text
        assert "allow_withdrawal = true" in refused.reasons[0].text
        assert any(f.severity is Severity.ALARM and "may WITHDRAW" in f.text for f in rig.facts)
        assert not rig.store.desk.is_armed
        # One without that right lifts it.
        assert (
            await rig.session.rekey(ToldVenue(Permissions(trade=True, withdraw=False)))
        ).verdict is Verdict.SENT
        await until(lambda: reconciled(rig))
        assert (await rig.session.arm()).verdict is Verdict.SENT


async def test_a_setting_allows_a_key_that_may_withdraw_with_the_warning_kept() -> None:
    venue = ToldVenue(Permissions(trade=True, withdraw=True))
    async with Rig(venue, allows_withdrawal=True) as rig:
        assert (await rig.session.arm()).verdict is Verdict.SENT
        assert "may WITHDRAW" in rig.texts()


async def test_a_right_to_withdraw_that_is_told_later_locks_an_armed_desk() -> None:
    venue = ToldVenue(ConnectionLost("test", "down"), Permissions(withdraw=True))
    async with Rig(venue) as rig:
        frame = rig.store.frame(rig.clock())
        assert frame is not None
        assert any("what the key may do is not known" in line.text for line in frame.log or ())
        await rig.session.arm()
        rig.session.supervisor.distrust(rig.session.links["test"])
        await until(lambda: not rig.store.desk.is_armed)
        assert (await rig.session.arm()).verdict is Verdict.DENIED


async def test_a_key_that_turns_out_to_only_read_takes_no_orders() -> None:
    async with Rig(ToldVenue(Permissions(trade=False))) as rig:
        await rig.session.arm()
        assert "may only read" in (await rig.session.submit(intent())).reasons[0].text
        assert rig.venue.called("submit_order") == 0
        assert FactKind.CONFIGURATION not in {fact.kind for fact in rig.facts}
