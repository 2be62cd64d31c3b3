"""Loans, repayments and transfers: sent once, guarded, and never called failed while nobody has said so."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.tui.desk.funds_rig import LIFE, SETTLE, D, FundsRig, MarginVenue
from tests.tui.desk.rig import START, RecordingJournal, Rig, ScriptedVenue, capabilities, until
from tui.desk.control import FundsIntent, Outcome, Verdict
from tui.desk.frame import FactKind, Severity
from tui.desk.funds_book import Move
from venues.commands import FundsKind, FundsRequest
from venues.errors import VenueUnavailable
from venues.model import NANOSECONDS
from venues.port import Mode, VenueTime

BORROW, REPAY, IN, OUT = FundsKind.BORROW, FundsKind.REPAY, FundsKind.TRANSFER_IN, FundsKind.TRANSFER_OUT
YES = frozenset({"duplicate"})


def said(outcome: Outcome) -> tuple[Verdict, str]:
    return outcome.verdict, outcome.reasons[0].guard if outcome.reasons else ""


async def test_a_loan_is_done_and_the_money_read_again() -> None:
    async with FundsRig() as rig:
        outcome = await rig.move()
        assert outcome.verdict is Verdict.SENT
        await rig.all_over()
        assert [one.request_id for one in rig.margin.sent] == [outcome.order_key]
        assert rig.rows() == [("borrow 0.1 BTC", "done", True)]
        asset = rig.view().wallet.asset("BTC")
        assert asset is not None
        assert (asset.principal, asset.available) == (D("0.1"), D("0.1"))
        fact = next(fact for fact in rig.facts if "BORROW" in fact.text)
        assert (fact.kind, fact.severity, fact.text) == (
            FactKind.ORDER, Severity.GOOD, "BORROW 0.1 BTC at test: done",
        )  # fmt: skip
        balances = rig.margin.called("fetch_balances")
        await rig.move(IN, "2")
        await rig.all_over()
        assert rig.margin.called("fetch_balances") == balances + 1
        assert rig.store.ledger.balances["test"]["BTC"].available == D(998)


async def test_the_journal_has_it_before_it_leaves() -> None:
    venue = MarginVenue()
    journal = RecordingJournal()
    async with FundsRig(venue, journal=journal) as rig:
        await rig.move()
        assert journal.entries[:3] == ["intent", "sending", "answered FundsReceipt"]
        journal.broken = "intent"
        assert said(await rig.move(amount="0.2")) == (Verdict.DENIED, "journal")
        journal.broken = "sending"
        assert (await rig.move(amount="0.3")).verdict is Verdict.SENT
        assert [one.amount for one in venue.sent] == [D("0.1")]
        assert rig.rows()[0][1:] == ("refused", True)
        assert "not sent: BORROW 0.3 BTC at test" in rig.texts()


@pytest.mark.parametrize(
    ("kind", "changes", "guard", "words"),
    [
        (BORROW, {"amount": D(0)}, "steps", "above zero"),
        (BORROW, {"amount": D("NaN")}, "steps", "above zero"),
        (BORROW, {"amount": D("10.1")}, "size", "10 BTC can be borrowed"),
        (BORROW, {"currency": "DOGE"}, "currency", "DOGE is not known"),
        (BORROW, {"currency": "MAX"}, "currency", "does not lend MAX"),
        (BORROW, {"venue": "mars"}, "venue", "no venue mars"),
        (REPAY, {"amount": D("1.5")}, "size", "1 BTC is owed"),
        (REPAY, {"currency": "USDT"}, "size", "no USDT is owed"),
        (REPAY, {"amount": D(1)}, "size", "0.5 BTC is free in the M-wallet"),
        (IN, {"amount": D(1001)}, "size", "1000 BTC is free in the spot account"),
        (IN, {"currency": "MAX"}, "size", "no MAX is free in the spot account"),
        (OUT, {"amount": D("0.6")}, "size", "0.5 BTC is free in the M-wallet"),
    ],
)
async def test_what_can_not_be_is_denied_with_words(
    kind: FundsKind, changes: dict[str, Any], guard: str, words: str
) -> None:
    venue = MarginVenue()
    venue.owe("0.99", available=D("0.5"), interest=D("0.01"), borrow_limit=D(11))
    async with FundsRig(venue) as rig:
        outcome = await rig.move(kind, **changes)
        assert outcome.verdict is Verdict.DENIED
        assert (outcome.reasons[0].guard, words in outcome.reasons[0].text) == (guard, True), outcome
        assert not venue.sent


async def test_what_adds_risk_meets_the_lock_and_what_takes_it_off_does_not() -> None:
    venue = MarginVenue()
    venue.owe("1", available=D(2))
    async with FundsRig(venue) as rig:
        await rig.session.lock("lunch")
        assert said(await rig.move(BORROW)) == (Verdict.DENIED, "lock")
        assert said(await rig.move(OUT)) == (Verdict.DENIED, "lock")
        assert said(await rig.move(REPAY)) == (Verdict.SENT, "")
        assert said(await rig.move(IN)) == (Verdict.SENT, "")
        await rig.session.arm()
        rig.session.guards.locked_until = rig.clock.now + NANOSECONDS * 1_000
        assert said(await rig.move(BORROW)) == (Verdict.DENIED, "loss")
        assert said(await rig.move(REPAY, "0.2")) == (Verdict.SENT, "")
        rig.session.guards.locked_until = 0
        rig.session.links["test"].is_reconciled = False
        assert said(await rig.move(OUT)) == (Verdict.DENIED, "reconciling")
        assert said(await rig.move(REPAY, "0.3")) == (Verdict.SENT, "")
        rig.session.links["test"].fault = "the key was refused"
        assert said(await rig.move(REPAY, "0.4")) == (Verdict.DENIED, "venue")


async def test_a_desk_that_only_watches_moves_nothing() -> None:
    async with FundsRig() as rig:
        rig.session.guards.read_only_reason = "another desk trades"
        assert said(await rig.move(REPAY)) == (Verdict.DENIED, "read-only")
    caps = capabilities(mode=Mode.READ_ONLY, margin_wallet="M-wallet")
    async with FundsRig(MarginVenue(caps)) as rig:
        assert said(await rig.move(REPAY)) == (Verdict.DENIED, "read-only")
    async with Rig(ScriptedVenue()) as plain:
        wish = FundsIntent(venue="test", kind=BORROW, currency="BTC", amount=D(1))
        assert said(await plain.session.move_funds(wish)) == (Verdict.DENIED, "supported")
        assert plain.store.margins.get("test") is None


async def test_a_second_one_alike_is_asked_about() -> None:
    venue = MarginVenue()
    venue.moving = asyncio.Event()
    async with FundsRig(venue) as rig:
        first = await rig.ask()
        await until(lambda: bool(venue.sent))
        second = await rig.ask(amount="0.2")  # while the first is on its way, whatever the amount
        assert said(second) == (Verdict.NEEDS_YES, "duplicate")
        assert "on its way" in second.reasons[0].text
        assert (await rig.ask(amount="0.2", currency="USDT")).verdict is Verdict.SENT
        venue.moving.set()
        await rig.session.settled()
        assert said(await rig.ask()) == (Verdict.NEEDS_YES, "duplicate")  # the same, a moment ago
        assert (await rig.move(amount="0.3")).verdict is Verdict.SENT
        rig.clock.pass_seconds(2.5)
        assert (await rig.move()).verdict is Verdict.SENT
        assert first.order_key
        assert len(venue.carried_out()) == 4


async def test_two_presses_at_once_are_one_loan() -> None:
    async with FundsRig() as rig:
        outcomes = await asyncio.gather(rig.ask(), rig.ask())
        await rig.session.settled()
        assert sorted(one.verdict.value for one in outcomes) == sorted(
            [Verdict.SENT.value, Verdict.NEEDS_YES.value]
        )
        assert len(rig.margin.sent) == 1


async def test_a_lock_that_comes_while_the_journal_is_written_stops_it() -> None:
    venue = MarginVenue()

    class Locking(RecordingJournal):
        async def _keep(self, what: str, detail: str = "") -> None:
            await super()._keep(what, detail)
            if what == "intent":
                await rig.session.lock("now")

    async with FundsRig(venue, journal=Locking()) as rig:
        assert said(await rig.move()) == (Verdict.DENIED, "stopped")
        assert not venue.sent
        assert not rig.view().funds


async def test_a_lost_answer_is_unknown_and_found_once() -> None:
    venue = MarginVenue()
    venue.fates = ["lost after"]
    venue.lag = NANOSECONDS
    async with FundsRig(venue) as rig:
        await rig.move()
        assert rig.rows() == [("borrow 0.1 BTC", "UNKNOWN", False)]
        row = rig.view().funds[0]
        assert row.ts_provable is not None
        assert row.ts_provable == row.ts_sent + LIFE + SETTLE
        fact = rig.facts[-1]
        assert (fact.kind, fact.severity) == (FactKind.UNKNOWN, Severity.ALARM)
        assert fact.text == (
            "BORROW 0.1 BTC at test: UNKNOWN, nobody has said what became of it (timeout): "
            "looked up in the loan history"
        )
        again = await rig.ask(amount="0.7")
        assert said(again) == (Verdict.NEEDS_YES, "duplicate")
        assert "nobody knows yet" in again.reasons[0].text
        await rig.all_over()
        assert rig.rows() == [("borrow 0.1 BTC", "done", True)]
        assert "BORROW 0.1 BTC at test: done (found in the loan history)" in rig.texts()
        assert "failed" not in rig.texts()
        assert len(venue.sent) == 1
        assert rig.clock.now < row.ts_provable


async def test_one_that_never_arrived_is_proven_only_when_it_can_not_arrive_any_more() -> None:
    venue = MarginVenue()
    venue.fates = ["lost before"]
    async with FundsRig(venue) as rig:
        await rig.move()
        provable = rig.view().funds[0].ts_provable
        await rig.all_over()
        assert provable is not None
        assert provable <= rig.clock.now < provable + NANOSECONDS
        assert rig.rows() == [("borrow 0.1 BTC", "refused", True)]
        assert "BORROW 0.1 BTC at test: it was not carried out: the loan history did not have it" in rig.texts()
        assert not venue.history
        assert (await rig.move()).verdict is Verdict.SENT  # nothing stands against it now


async def test_reads_that_fail_prove_nothing() -> None:
    venue = MarginVenue()
    venue.fates = ["lost after"]
    venue.lag = LIFE
    async with FundsRig(venue) as rig:
        venue.faults = {"find_funds": [VenueUnavailable("test", "502")] * 9}
        await rig.move(amount="0.4")
        await rig.all_over()
        assert rig.rows() == [("borrow 0.4 BTC", "done", True)]


async def test_without_a_bound_it_stays_unknown_until_the_trader_decides() -> None:
    venue = MarginVenue()
    venue.bounds, venue.fates = False, ["lost before"]
    async with FundsRig(venue) as rig:
        outcome = await rig.move()
        await until(lambda: venue.called("find_funds") >= 12)
        assert rig.rows() == [("borrow 0.1 BTC", "UNKNOWN", False)]
        assert rig.view().funds[0].ts_provable is None
        assert (await rig.session.decide_gone(outcome.order_key)).verdict is Verdict.SENT
        assert "not carried out, by your own word" in rig.texts()
        assert said(await rig.session.decide_gone(outcome.order_key)) == (Verdict.DENIED, "funds")
        assert said(await rig.session.cancel(outcome.order_key)) == (Verdict.DENIED, "funds")


async def test_what_the_venue_works_on_is_followed_to_its_end() -> None:
    venue = MarginVenue()
    venue.fates = ["works"]
    async with FundsRig(venue) as rig:
        await rig.move(IN, "5")
        assert rig.rows() == [("transfer_in 5 BTC", "processing", False)]
        await rig.all_over()
        assert rig.rows() == [("transfer_in 5 BTC", "done", True)]
        assert rig.store.ledger.balances["test"]["BTC"].available == D(995)
        venue.fates = ["fails", "refused"]
        await rig.move(IN, "6")
        await rig.move(IN, "7")
        assert "TRANSFER IN 6 BTC at test: the venue says that it was not carried out" in rig.texts()
        assert "rejected: TRANSFER IN 7 BTC at test: beyond what the pool has" in rig.texts()


async def test_two_alike_never_share_a_receipt() -> None:
    venue = MarginVenue()
    venue.fates = ["lost after", "lost before"]
    async with FundsRig(venue) as rig:
        await rig.move()
        assert (await rig.move(overrides=YES)).verdict is Verdict.SENT
        await rig.all_over()
        assert sorted(row[1] for row in rig.rows()) == ["done", "refused"]
        assert len(venue.carried_out()) == 1


@pytest.mark.parametrize(
    ("asked", "is_proof"),
    [
        (VenueTime(START + LIFE + SETTLE, 0), True),
        (VenueTime(START + LIFE + SETTLE - 1, 0), False),
        (VenueTime(START + LIFE + SETTLE, 1), False),
        (VenueTime(START + LIFE + SETTLE + 9, 9), True),
        (None, False),
    ],
)
def test_a_miss_is_a_proof_only_when_all_that_was_taken_has_come_to_light(
    asked: VenueTime | None, is_proof: bool
) -> None:
    request = FundsRequest(venue="test", request_id="f1", kind=BORROW, currency="BTC", amount=D(1))
    move = Move(request, START)
    assert not move.is_provable(VenueTime(START + 1_000 * LIFE, 0), 2.0)  # nothing bounds it
    move.deadline = START + LIFE
    assert move.is_provable(asked, 2.0) is is_proof
