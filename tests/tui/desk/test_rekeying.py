"""A venue that is opened with another key while the desk runs, and what a key's rights do to a desk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from tests.tui.desk.rig import (
    SPOT,
    START,
    Rig,
    ScriptedVenue,
    capabilities,
    intent,
    order,
    position,
    until,
    update,
)
from tui.desk.control import CancelScope, Verdict
from tui.desk.frame import FactKind, Severity
from tui.desk.guards import Limits
from tui.desk.inheritance import Inherited
from tui.desk.instance import InstanceError
from tui.desk.journal_store import SqliteJournal
from tui.desk.takeover import inherit
from venues.commands import CancelRequest, Channel
from venues.errors import AuthenticationError, ConnectionLost, NotSent, OutcomeUnknown
from venues.events import BalanceUpdate, LinkState, PositionUpdate
from venues.model import Balance, Order, OrderStatus
from venues.port import Depart, Mode

LIVE = capabilities(mode=Mode.LIVE)
WATCHED = capabilities(mode=Mode.READ_ONLY, reads_account=False)
READS = capabilities(mode=Mode.READ_ONLY)


def usdt(amount: int) -> Balance:
    return Balance(currency="USDT", total=Decimal(amount), available=Decimal(amount), locked=Decimal(0))


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


async def test_while_a_command_is_not_answered_the_key_stays() -> None:
    async with Rig(ScriptedVenue(caps=LIVE)) as rig:
        await rig.session.arm()
        rig.session.rekeying._patience = 0.0  # the constant of time that a test shortens
        rig.venue.hold = asyncio.Event()
        outcome = await rig.session.submit(intent())
        await until(lambda: rig.venue.called("submit_order") == 1)
        refused = await rig.session.rekey(ScriptedVenue(caps=LIVE))
        assert "not answered yet" in refused.reasons[0].text
        assert rig.session.links["test"].venue is rig.venue
        rig.venue.hold.set()
        await rig.session.settled()
        await until(lambda: reconciled(rig))
        assert rig.status(outcome.order_key) is OrderStatus.NEW


@pytest.mark.parametrize("what", ["an order", "an unknown order"])
async def test_a_key_of_another_account_is_not_taken_over_what_this_one_has(what: str) -> None:
    async with Rig(ScriptedVenue(caps=LIVE)) as rig:
        await rig.session.arm()
        if what == "an order":
            await rig.place()
        else:
            rig.venue.faults["answer"] = [OutcomeUnknown("test", "no answer")]
            rig.venue.faults["fetch_order"] = [ConnectionLost("test", "down")] * 10_000
            await rig.place()
        elsewhere = ScriptedVenue(caps=LIVE)
        refused = await rig.session.rekey(elsewhere)
        assert refused.verdict is Verdict.DENIED
        words = "only the key that sent it" if what == "an unknown order" else "seems to be of another account"
        assert words in refused.reasons[0].text
        assert rig.session.links["test"].venue is rig.venue
        assert elsewhere.called("connect") == 0
        assert elsewhere.queue.get_nowait() is None, "it is closed"
        await until(lambda: reconciled(rig))  # and goes on as before
        if what == "an order":
            assert all(one.status is OrderStatus.NEW for one in rig.store.orders.open_orders())


async def test_a_position_that_the_new_key_does_not_find_locks_the_desk() -> None:
    async with Rig(ScriptedVenue(caps=LIVE)) as rig:
        await rig.session.arm()
        rig.venue.held.append(position())
        await rig.tell(PositionUpdate(position()))
        same = ScriptedVenue(caps=LIVE)
        same.held.append(position())
        assert (await rig.session.rekey(same)).verdict is Verdict.SENT
        assert rig.store.desk.is_armed
        await until(lambda: reconciled(rig))
        # It may have been closed elsewhere, or this is another account: that is for the trader to look at.
        assert (await rig.session.rekey(ScriptedVenue(caps=LIVE))).verdict is Verdict.SENT
        assert (rig.store.desk.is_armed, rig.store.desk.lock_reason) == (
            False,
            "test: none of the positions is there with the new key",
        )


async def test_panic_and_cancel_all_reach_a_venue_that_refused_a_read() -> None:
    venue = ScriptedVenue(caps=LIVE)
    async with Rig(venue) as rig:
        await rig.session.arm()
        key = await rig.place()
        venue.faults["fetch_open_orders"] = [AuthenticationError("test", "revoked")]
        rig.session.supervisor.distrust(rig.session.links["test"])
        await until(lambda: not rig.session.links["test"].has_account)
        await rig.session.cancel_all(CancelScope())
        await rig.session.settled()
        assert rig.status(key) is OrderStatus.CANCELED
        (line,) = (await rig.session.panic()).lines
        assert line.is_proven
        venue.faults = {
            name: [AuthenticationError("test", "revoked")] * 10_000
            for name in ("cancel_all_orders", "fetch_open_orders", "fetch_positions")
        }
        rig.session._panic._patience = 0.1
        (line,) = (await rig.session.panic()).lines
        assert not line.is_proven
        assert rig.facts[-1].severity is Severity.ALARM


async def test_a_panic_that_could_do_nothing_does_not_say_that_nothing_is_left() -> None:
    rig = Rig(ScriptedVenue(caps=WATCHED))
    await rig.session.open()
    await until(lambda: rig.store.shown is not None)
    assert (await rig.session.panic()).lines == ()
    (fact,) = [fact for fact in rig.facts if fact.kind is FactKind.PANIC]
    assert (fact.severity, "nothing was done" in fact.text) == (Severity.WARNING, True)
    await rig.session.aclose()


async def test_one_that_can_not_read_what_is_open_changes_nothing() -> None:
    async with Rig(ScriptedVenue(caps=LIVE)) as rig:
        await rig.session.arm()
        await rig.place()
        deaf = ScriptedVenue(caps=LIVE)
        deaf.faults["fetch_open_orders"] = [ConnectionLost("test", "down")]
        assert "could not be read with the new key" in (await rig.session.rekey(deaf)).reasons[0].text
        assert rig.session.links["test"].venue is rig.venue


class SlowToClose(ScriptedVenue):
    """A venue whose line hangs when it is closed, and that takes nothing afterwards."""

    def __init__(self) -> None:
        super().__init__(caps=LIVE)
        self.is_closing = False
        self.may_close = asyncio.Event()

    async def aclose(self) -> None:
        self.is_closing = True
        await self.may_close.wait()
        await super().aclose()

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        if self.is_closing:
            raise NotSent(self.name, "this venue is closed")
        return await super().cancel_order(request, depart=depart)


async def test_the_detach_policy_reaches_the_venue_while_the_older_one_closes() -> None:
    old = SlowToClose()
    async with Rig(old) as rig:
        await rig.session.arm()
        key = await rig.place()
        new = ScriptedVenue(caps=LIVE)
        new.orders = dict(old.orders)
        swap = asyncio.ensure_future(rig.session.rekey(new))
        await until(lambda: old.is_closing)
        report = await rig.session.detach("cancel_session", "the line dropped")
        assert (report.cancelled, report.left) == (1, 0)
        assert rig.status(key) is OrderStatus.CANCELED
        assert new.called("cancel_order") == 1
        assert (await swap).verdict is Verdict.SENT
        old.may_close.set()


async def test_whoever_stops_waiting_for_a_rotation_does_not_stop_it() -> None:
    async with Rig(ScriptedVenue(caps=LIVE)) as rig:
        new = ScriptedVenue(caps=LIVE)
        wish = asyncio.ensure_future(rig.session.rekey(new))
        await until(lambda: rig.store.venues["test"].is_reconciling)
        wish.cancel()
        await until(lambda: rig.session.links["test"].venue is new and reconciled(rig))
        await rig.session.arm()
        await rig.place()
        assert new.called("submit_order") == 1


async def test_what_the_trader_has_shown_meanwhile_stays_shown() -> None:
    async with Rig(ScriptedVenue(caps=LIVE)) as rig:
        new = ScriptedVenue(caps=LIVE)
        assert (await rig.session.rekey(new)).verdict is Verdict.SENT
        await rig.session.show(SPOT)
        await until(lambda: reconciled(rig))
        assert rig.store.shown is not None and rig.store.shown.instrument.id == SPOT
        assert f"subscribe {Channel.BOOK}" in new.calls


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
    assert (desk.mode, desk.is_armed, desk.lock_reason) == (Mode.LIVE, False, "test has become LIVE")
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


async def test_a_venue_that_becomes_live_locks_an_armed_desk_and_is_told_to_whoever_panics() -> None:
    taken: list[Mapping[str, Mode]] = []

    def take(modes: Mapping[str, Mode]) -> Callable[[], Inherited]:
        taken.append(modes)
        return Inherited

    rig = Rig(ScriptedVenue("test", LIVE), ScriptedVenue("second", WATCHED), take_profile=take)
    await rig.session.open()
    await until(lambda: reconciled(rig))
    await rig.session.arm()
    assert (await rig.session.rekey(ScriptedVenue("second", LIVE))).verdict is Verdict.SENT
    assert taken == [{"test": Mode.LIVE, "second": Mode.LIVE}]
    assert (rig.store.desk.is_armed, rig.store.desk.lock_reason) == (False, "second has become LIVE")
    await rig.session.aclose()


async def test_a_key_is_not_taken_away_before_it_is_known_what_is_open() -> None:
    venue = ScriptedVenue(caps=LIVE)
    venue.orders["resting"] = order("resting")
    venue.faults["fetch_open_orders"] = [ConnectionLost("test", "down")] * 1_000_000
    rig = Rig(venue)
    await rig.session.open()
    await until(lambda: venue.called("fetch_open_orders") > 2)
    outcome = await rig.session.rekey(ScriptedVenue(caps=WATCHED))
    assert "has not been read back yet" in outcome.reasons[0].text
    assert rig.session.links["test"].venue is venue
    await rig.session.aclose()


async def test_a_key_that_the_venue_no_longer_takes_is_replaced_and_not_forgotten() -> None:
    venue = ScriptedVenue(caps=LIVE)
    async with Rig(venue) as rig:
        await rig.session.arm()
        key = await rig.place()
        venue.faults["fetch_open_orders"] = [AuthenticationError("test", "revoked")]
        rig.session.supervisor.distrust(rig.session.links["test"])
        await until(lambda: not rig.session.links["test"].has_account)
        refused = await rig.session.rekey(ScriptedVenue(caps=WATCHED))
        assert "1 open order at test" in refused.reasons[0].text
        new = ScriptedVenue(caps=LIVE)
        new.orders = dict(venue.orders)
        assert (await rig.session.rekey(new)).verdict is Verdict.SENT
        await until(lambda: reconciled(rig))
        await rig.session.cancel(key)
        await rig.session.settled()
        assert rig.status(key) is OrderStatus.CANCELED


async def test_what_an_account_brings_or_takes_is_no_profit_or_loss() -> None:
    rich, poor = ScriptedVenue("test", LIVE), ScriptedVenue("second", WATCHED)
    rig = Rig(rich, poor, limits=Limits(day_loss=Decimal(100)))
    await rig.session.open()
    await until(lambda: reconciled(rig) and rig.store.frame(rig.clock()) is not None)
    await until(lambda: rig.store.ledger.day_open == 1000)

    def pnl() -> Decimal | None:
        rig.store.frame(rig.clock())
        return rig.store.day_pnl()

    joined = ScriptedVenue("second", LIVE)
    joined.balances = [usdt(5000)]
    await rig.session.rekey(joined)
    await until(lambda: reconciled(rig, "second"))
    assert (rig.store.worth(), pnl()) == (Decimal(6000), Decimal(0))
    await rig.tell(BalanceUpdate("test", (usdt(950),), START))
    assert pnl() == -50  # what is lost is
    await rig.session.rekey(ScriptedVenue("second", WATCHED))
    await until(lambda: reconciled(rig, "second"))
    assert (rig.store.worth(), pnl()) == (Decimal(950), Decimal(-50))
    assert rig.session.guards.locked_until == 0
    await rig.session.aclose()
