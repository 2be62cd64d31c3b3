"""Margin added to a position or taken out: guarded, sent once, never called failed while nobody has said so."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.tui.desk.hedge_rig import D, HedgeRig, HedgeVenue, hedged, held, mark, next_venue
from tests.tui.desk.journal_rig import kinds
from tests.tui.desk.rig import PERP, START, RecordingJournal, ScriptedVenue, fill, until
from tui.desk.control import Outcome, Verdict
from tui.desk.frame import FactKind, Severity
from tui.desk.inheritance import Inherited
from tui.desk.journal_events import EventKind, draft_command, event_of, hash_of
from tui.desk.journal_export import verify
from tui.desk.journal_store import SqliteJournal, journal_path
from tui.desk.takeover import inherit
from venues.commands import FundsKind, FundsRequest
from venues.errors import VenueUnavailable
from venues.events import FillUpdate, PositionUpdate
from venues.model import NANOSECONDS, MarginMode
from venues.port import Mode, VenueTime

ADD, REMOVE = FundsKind.ADD_MARGIN, FundsKind.REMOVE_MARGIN
YES = frozenset({"duplicate"})
DESK = "PAPER/main"


def long_and_short() -> tuple[Any, ...]:
    """A long at 10x with 5 beyond its initial margin, and a short at 25x with 4 beyond."""
    return held("11", "2", margin="25"), held("12", "-2", leverage=25, margin="12")


def said(outcome: Outcome) -> tuple[Verdict, str]:
    return outcome.verdict, outcome.reasons[0].guard if outcome.reasons else ""


async def test_margin_is_added_once_and_shown_at_its_position() -> None:
    journal = RecordingJournal()
    async with HedgeRig(*long_and_short(), journal=journal) as rig:
        outcome = await rig.margin("5")
        (request,) = rig.hedge.moved
        assert (outcome.verdict, outcome.order_key) == (Verdict.SENT, request.request_id)
        assert (request.instrument, request.position_id, request.held_before) == (PERP, "11", D(25))
        assert [one for one in journal.entries if "FundsReceipt" in one] == ["answered FundsReceipt"]
        await until(lambda: rig.view().position.margin == 30)
        assert rig.states() == ["done"]
        assert rig.states("12") == []
        assert not rig.store.funds.views("test", lambda _: None), "the rows of a margin wallet"
        fact = next(one for one in rig.facts if "ADD MARGIN" in one.text)
        # (200 - 30) / (2 x 0.995) = 85.43, on the tick
        assert fact.text == (
            "ADD MARGIN 5 USDT to BTC-PERP #11 at test: done (liquidation would be at about 85.5, "
            "14.5% from the mark)"
        )
        assert fact.severity is Severity.GOOD


@pytest.mark.parametrize(
    ("kind", "amount", "changes", "guard", "words"),
    [
        (ADD, "1", {"position_id": "99"}, "position", "no such position"),
        (ADD, "1", {"position_id": "13"}, "position", "cross position"),
        (ADD, "1", {"position_id": "", "instrument": None}, "position", "names a position"),
        (FundsKind.BORROW, "1", {}, "position", "names a position"),
        (ADD, "1", {"currency": "BTC"}, "currency", "in USDT"),
        (ADD, "0", {}, "steps", "above zero"),
        (ADD, "NaN", {}, "steps", "above zero"),
        (ADD, "1000.01", {}, "size", "1000 USDT is free"),
        (REMOVE, "5.01", {}, "size", "5 USDT can be taken out"),
        (ADD, "1", {"venue": "mars"}, "venue", "no venue mars"),
    ],
)
async def test_what_can_not_be_is_denied_with_words(
    kind: FundsKind, amount: str, changes: dict[str, Any], guard: str, words: str
) -> None:
    cross = held("13", "1", margin_mode=MarginMode.CROSS)
    async with HedgeRig(*long_and_short(), cross) as rig:
        outcome = await rig.margin(amount, kind, **changes)
        assert outcome.verdict is Verdict.DENIED
        assert (outcome.reasons[0].guard, words in outcome.reasons[0].text) == (guard, True), outcome
        assert not rig.hedge.moved


async def test_a_venue_that_changes_no_margin_is_not_asked() -> None:
    async with HedgeRig(venue=HedgeVenue(held("11", "2"), caps=hedged(position_margin=False))) as rig:
        assert said(await rig.margin()) == (Verdict.DENIED, "supported")
    async with HedgeRig(venue=HedgeVenue(held("11", "2"), caps=hedged(mode=Mode.READ_ONLY))) as rig:
        assert said(await rig.margin()) == (Verdict.DENIED, "read-only")


async def test_a_loss_is_not_taken_out_and_no_mark_says_nothing() -> None:
    async with HedgeRig(*long_and_short()) as rig:
        await rig.tell(mark("99"))
        assert "3 USDT can be taken out" in (await rig.margin("3.5", REMOVE)).reasons[0].text
        assert (await rig.margin("3", REMOVE)).verdict is Verdict.SENT
        market = rig.store.markets[PERP]
        market.mark = market.last = None
        assert "no mark is known" in (await rig.margin("1", REMOVE, "12")).reasons[0].text


async def test_taking_out_asks_where_the_liquidation_comes_near() -> None:
    async with HedgeRig(*long_and_short()) as rig:
        asked = await rig.margin("3", REMOVE, "12")
        assert said(asked) == (Verdict.NEEDS_YES, "liquidation")
        # (200 + 9) / (2 x 1.005) = 103.98
        assert asked.reasons[0].text == "its liquidation would be at about 104, 4.0% from the mark"
        assert (await rig.margin("3", REMOVE, "12", overrides=frozenset({"liquidation"}))).verdict is Verdict.SENT
        assert (await rig.margin("4", REMOVE)).verdict is Verdict.SENT, "far away nothing is asked"


async def test_taking_out_meets_the_lock_and_adding_does_not() -> None:
    async with HedgeRig(*long_and_short()) as rig:
        await rig.session.lock("lunch")
        assert said(await rig.margin("1", REMOVE)) == (Verdict.DENIED, "lock")
        assert said(await rig.margin("1")) == (Verdict.SENT, "")
        await rig.session.arm()
        rig.session.guards.locked_until = rig.clock.now + NANOSECONDS * 1_000
        assert said(await rig.margin("1", REMOVE)) == (Verdict.DENIED, "loss")
        assert said(await rig.margin("2")) == (Verdict.SENT, "")
        rig.session.guards.locked_until = 0
        rig.session.links["test"].is_reconciled = False
        assert said(await rig.margin("1", REMOVE)) == (Verdict.DENIED, "reconciling")
        assert said(await rig.margin("3")) == (Verdict.SENT, "")
        rig.session.guards.read_only_reason = "another desk trades"
        assert said(await rig.margin("4")) == (Verdict.DENIED, "read-only")


async def test_a_lost_answer_is_found_in_the_margin() -> None:
    async with HedgeRig(*long_and_short()) as rig:
        rig.hedge.fates = ["lost after"]
        rig.hedge.faults = {"find_funds": [VenueUnavailable("test", "502")] * 3}
        await rig.margin("5")
        await until(lambda: rig.states() == ["done"])
        assert "ADD MARGIN 5 USDT to BTC-PERP #11 at test: UNKNOWN, nobody has said" in rig.texts()
        assert "found in the position's margin" in rig.texts()
        assert "failed" not in rig.texts()
        assert len(rig.hedge.moved) == 1


async def test_one_that_is_not_found_stays_unknown_until_the_trader_decides() -> None:
    async with HedgeRig(*long_and_short()) as rig:
        rig.hedge.fates = ["lost before"]
        outcome = await rig.margin("5")
        await until(lambda: rig.hedge.called("find_funds") >= 12)
        rig.clock.pass_seconds(86_400)
        await until(lambda: rig.hedge.called("find_funds") >= 24)
        (row,) = rig.view().funds
        assert (row.state, row.is_over, row.ts_provable) == ("UNKNOWN", False, None)
        fact = next(one for one in rig.facts if one.kind is FactKind.UNKNOWN)
        assert "a miss proves nothing: look at the venue, then decide" in fact.text
        assert "look at the venue, then decide" in row.words
        assert (await rig.session.decide_gone(outcome.order_key)).verdict is Verdict.SENT
        assert rig.states() == ["refused"]
        assert "not carried out, by your own word" in rig.texts()


async def test_a_second_change_of_the_same_margin_is_asked_about() -> None:
    async with HedgeRig(*long_and_short()) as rig:
        rig.hedge.fates = ["lost before"]
        await rig.margin("5")
        for kind in (ADD, REMOVE):
            asked = await rig.margin("1", kind)
            assert said(asked) == (Verdict.NEEDS_YES, "duplicate")
            assert "nobody knows yet" in asked.reasons[0].text
        assert (await rig.margin("1", position_id="12")).verdict is Verdict.SENT
        assert said(await rig.margin("1", position_id="12")) == (Verdict.NEEDS_YES, "duplicate"), "a moment ago"
        assert (await rig.margin("2", position_id="12")).verdict is Verdict.SENT


async def test_what_another_change_has_made_of_the_margin_is_no_evidence() -> None:
    async with HedgeRig(*long_and_short()) as rig:
        rig.hedge.fates = ["lost before", "done"]
        first = await rig.margin("5")
        await rig.margin("5", overrides=YES)
        assert rig.hedge.position("11").margin == 30
        asked = rig.hedge.called("find_funds")
        await until(lambda: len(rig.waits) > 40)
        assert rig.states() == ["done", "UNKNOWN"], "the margin is that of the second"
        assert rig.hedge.called("find_funds") <= asked + 1
        assert (await rig.session.decide_gone(first.order_key)).verdict is Verdict.SENT


@pytest.mark.parametrize("is_after", [True, False])
async def test_what_a_trade_since_has_made_of_the_margin_is_no_evidence(is_after: bool) -> None:
    async with HedgeRig(*long_and_short()) as rig:
        rig.hedge.fates = ["lost before"]
        rig.hedge.faults = {"find_funds": [VenueUnavailable("test", "502")] * 3}
        at = START + 1 if is_after else START - 1
        traded = fill("x", "t1", venue_order_id="elsewhere", ts_event=at, quantity=D(2))
        if not is_after:
            await rig.tell(FillUpdate(traded))
        outcome = await rig.margin("25")
        if is_after:
            await rig.tell(FillUpdate(traded))
        rig.hedge.change_margin("11", D(25))  # its size has doubled, and so has its margin
        move = rig.store.funds.get(outcome.order_key)
        assert move is not None
        await until(lambda: move.is_over or len(rig.waits) > 40)
        assert move.state == ("UNKNOWN" if is_after else "done")


async def test_by_an_old_mark_nothing_is_taken_out_without_a_yes() -> None:
    async with HedgeRig(*long_and_short()) as rig:
        rig.clock.pass_seconds(90)
        asked = await rig.margin("1", REMOVE)
        assert said(asked) == (Verdict.NEEDS_YES, "fresh")
        assert "its mark is 90 s old" in asked.reasons[0].text
        assert (await rig.margin("1")).verdict is Verdict.SENT, "what is added takes risk off"
        rig.clock.pass_seconds(3)
        assert (await rig.margin("1", REMOVE, overrides=frozenset({"fresh"}))).verdict is Verdict.SENT
        rig.store.markets[PERP].mark = None
        assert "it has no mark" in (await rig.margin("1", REMOVE)).reasons[0].text


async def test_a_margin_that_may_have_changed_since_it_was_read_is_compared_with_nothing() -> None:
    async with HedgeRig(*long_and_short()) as rig:
        rig.hedge.faults = {"fetch_positions": [VenueUnavailable("test", "502")]}
        await rig.margin("1")
        await until(lambda: rig.hedge.called("fetch_positions") >= 2)
        rig.hedge.faults = {"fetch_positions": [VenueUnavailable("test", "502")] * 1_000}
        await rig.margin("2")
        assert [one.held_before for one in rig.hedge.moved] == [D(25), None]


async def test_it_does_not_matter_any_more_once_the_position_is_closed() -> None:
    async with HedgeRig(*long_and_short()) as rig:
        rig.hedge.fates = ["lost before"]
        outcome = await rig.margin("5")
        gone = msgspec.structs.replace(rig.hedge.position("11"), quantity=D(0), ts_event=rig.clock.now + 1)
        rig.hedge.held.pop(0)
        await rig.tell(PositionUpdate(gone))
        move = rig.store.funds.get(outcome.order_key)
        assert move is not None
        await until(lambda: move.is_over)
        assert (move.state, "position is closed" in rig.texts()) == ("moot", True)


class Funded(HedgeVenue):
    """Takes funding out of a margin as soon as it was changed, which is no trade."""

    def change_margin(self, position_id: str, amount: Decimal) -> None:
        super().change_margin(position_id, amount - 1)


async def test_a_margin_that_is_not_the_sum_proves_nothing_however_old_the_request_is() -> None:
    async with HedgeRig(venue=Funded(*long_and_short())) as rig:
        rig.hedge.deadline = START + 60 * NANOSECONDS
        rig.hedge.time = VenueTime(START + 600 * NANOSECONDS, 0)
        rig.hedge.fates = ["lost after"]
        outcome = await rig.margin("5")
        asked = rig.hedge.called("find_funds")
        await until(lambda: rig.hedge.called("find_funds") >= asked + 3)
        move = rig.store.funds.get(outcome.order_key)
        assert move is not None and move.state == "UNKNOWN", "it was carried out"
        assert rig.session.funds.provable(move) is None


@pytest.mark.parametrize("fate", ["lost after", "lost before"])
async def test_the_next_desk_looks_it_up_and_never_sends_it(tmp_path: Path, fate: str) -> None:
    def desk(venue: HedgeVenue) -> HedgeRig:
        def take_over() -> Inherited:
            return inherit(SqliteJournal(journal_path(tmp_path), desk=DESK), DESK, lambda: rig.clock(), "test")

        rig = HedgeRig(venue=venue, inherit=take_over)
        return rig

    first = HedgeVenue(*long_and_short())
    first.fates = [fate]
    first.faults = {"find_funds": [VenueUnavailable("test", "502")] * 10_000}
    async with desk(first) as rig:
        await rig.margin("5")
        assert "ambiguous" in kinds(tmp_path)
    async with desk(next_venue(first)) as rig:
        view = rig.store.recovery()
        assert view is not None
        (row,) = view.rows
        assert (row.text, row.ts_provable) == ("ADD MARGIN 5 USDT to BTC-PERP #11 at test", None)
        assert rig.session.guards.is_recovering
        if fate == "lost after":
            await until(lambda: rig.states() == ["done"])
        else:
            await until(lambda: rig.hedge.called("find_funds") >= 5)
            assert rig.states() == ["UNKNOWN"]
            (row,) = (rig.store.recovery() or view).rows
            assert "look at the venue, and decide" in row.state
        assert not rig.hedge.moved
    assert not verify(journal_path(tmp_path)).problems


async def test_the_next_desk_takes_what_a_later_change_has_made_of_the_margin_for_no_evidence(
    tmp_path: Path,
) -> None:
    def desk(venue: HedgeVenue) -> HedgeRig:
        def take_over() -> Inherited:
            return inherit(SqliteJournal(journal_path(tmp_path), desk=DESK), DESK, lambda: rig.clock(), "test")

        rig = HedgeRig(venue=venue, inherit=take_over)
        return rig

    first = HedgeVenue(*long_and_short())
    first.fates = ["lost before", "done"]
    async with desk(first) as rig:
        await rig.margin("5")
        await rig.margin("5", overrides=YES)
    async with desk(next_venue(first)) as rig:
        await until(lambda: len(rig.waits) > 20)
        assert rig.states() == ["UNKNOWN"], "the margin is that of the second"
        assert not rig.hedge.called("find_funds")


def test_rows_of_an_older_journal_are_the_same_commands() -> None:
    plain = FundsRequest(venue="max", request_id="f1", kind=FundsKind.BORROW, currency="BTC", amount=D(1))
    old = b'{"venue":"max","request_id":"f1","kind":"borrow","currency":"BTC","amount":"1"}'
    assert msgspec.json.decode(old, type=FundsRequest) == plain
    assert hash_of(plain) == hashlib.sha256(b"FundsRequest" + old).hexdigest()
    moved = FundsRequest(
        venue="test", request_id="f1", kind=ADD, currency="USDT", amount=D(1), instrument=PERP, position_id="11",
        held_before=D("25.5"),
    )  # fmt: skip
    row = draft_command(EventKind.INTENT, moved, 1).row(1, "")
    assert row.event().funds == moved
    other = msgspec.structs.replace(moved, position_id="12")
    assert hash_of(moved) != hash_of(other)
    assert event_of('{"funds":' + old.decode() + "}", 1).funds == plain


async def test_a_plain_venue_has_no_such_thing() -> None:
    async with HedgeRig(*long_and_short()) as rig:
        link = rig.session.links["test"]
        link.venue = ScriptedVenue()
        assert said(await rig.margin()) == (Verdict.DENIED, "supported")
