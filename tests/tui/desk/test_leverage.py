"""Leverage and margin mode: what stands against a change is said before, and a lost answer is no failure."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.tui.desk.hedge_rig import D, HedgeRig, HedgeVenue, hedged, held
from tests.tui.desk.rig import PERP, SPOT, RecordingJournal, intent, order, until
from tui.desk.control import Outcome, Verdict
from tui.desk.frame import FactKind, Severity
from venues.errors import (
    ConnectionLost,
    DecodeError,
    NotSent,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    RequestTimeout,
    VenueError,
)
from venues.model import InstrumentId, MarginMode

ISOLATED, CROSS = MarginMode.ISOLATED, MarginMode.CROSS


class Notes(RecordingJournal):
    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    async def note(
        self,
        text: str,
        ts: int,
        *,
        topic: str = "",
        locked_until: int | None = None,
        amount: Decimal | None = None,
    ) -> None:
        self.notes.append(f"{topic}: {text}")


async def wish(
    rig: HedgeRig, leverage: str = "10", mode: MarginMode = ISOLATED, name: InstrumentId = PERP
) -> Outcome:
    return await rig.session.set_leverage(name, D(leverage), mode)


async def test_it_is_set_and_written_down() -> None:
    journal = Notes()
    async with HedgeRig(journal=journal) as rig:
        assert (await wish(rig)).verdict is Verdict.SENT
        assert rig.hedge.called("set_leverage") == 1
        assert [one for one in journal.notes if one.startswith("leverage")] == [
            "leverage: leverage 10x isolated of BTC-PERP at test is asked for",
            "leverage: leverage 10x isolated of BTC-PERP at test: done",
        ]


async def test_what_stands_against_it_is_named_before_anything_is_sent() -> None:
    venue = HedgeVenue(held("11", "2"), held("12", "-0.5"))
    venue.orders["x"] = order("x", quantity=D(3))
    async with HedgeRig(venue=venue) as rig:
        outcome = await wish(rig)
        over = "test changes neither leverage nor margin mode over"
        assert [one.text for one in outcome.reasons] == [
            f"{over} a position: close LONG 2 BTC-PERP #11, SHORT 0.5 BTC-PERP #12 first",
            f"{over} an open order: cancel BUY 3 BTC-PERP at 100 first",
        ]
        assert not venue.called("set_leverage")


@pytest.mark.parametrize(
    ("leverage", "mode", "name", "words"),
    [
        ("51", ISOLATED, PERP, "from 1 to 50"),
        ("0.5", ISOLATED, PERP, "from 1 to 50"),
        ("NaN", ISOLATED, PERP, "from 1 to 50"),
        ("25", CROSS, PERP, "has no cross margin"),
        ("21", ISOLATED, PERP, "11 BTC long takes 20x at most"),
        ("2", ISOLATED, SPOT, "has no leverage"),
    ],
)
async def test_what_can_not_be_is_denied(leverage: str, mode: MarginMode, name: InstrumentId, words: str) -> None:
    caps = hedged(leverage_needs_flat=False, margin_modes=frozenset({ISOLATED}))
    venue = HedgeVenue(held("11", "8"), held("12", "-9"), caps=caps)
    venue.orders["x"] = order("x", quantity=D(3))  # with the 8 of the long it is of the second bracket
    async with HedgeRig(venue=venue) as rig:
        outcome = await wish(rig, leverage, mode, name)
        assert outcome.verdict is Verdict.DENIED
        assert words in outcome.reasons[0].text
        assert not venue.called("set_leverage")
        assert (await wish(rig, "20")).verdict is Verdict.SENT


@pytest.mark.parametrize(
    "error",
    [OutcomeUnknown("test", "lost"), RequestTimeout("test", "lost"), ConnectionLost("test", "lost"),
     DecodeError("test", "lost"), RuntimeError("lost")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
async def test_a_lost_answer_is_unknown_and_never_failed(error: Exception) -> None:
    journal = Notes()
    async with HedgeRig(journal=journal) as rig:
        rig.hedge.faults = {"set_leverage": [error]}
        outcome = await wish(rig)
        assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.SENT, "unknown")
        (fact,) = [one for one in rig.facts if one.kind is FactKind.UNKNOWN]
        assert (fact.severity, "ask for it again, which does no harm" in fact.text) == (Severity.ALARM, True)
        assert "UNKNOWN whether it is now leverage 10x isolated" in journal.notes[-1]
        assert "failed" not in rig.texts()
        assert (await wish(rig)).reasons == (), "it may be asked for again at once"


@pytest.mark.parametrize(
    ("error", "guard"),
    [
        (NotSent("test", "no route"), "not sent"),
        (OrderRejected("test", "exist_position"), "venue"),
        (RateLimited("test", "slow down"), "venue"),
    ],
)
async def test_a_refusal_is_a_refusal(error: VenueError, guard: str) -> None:
    async with HedgeRig() as rig:
        rig.hedge.faults = {"set_leverage": [error]}
        outcome = await wish(rig)
        assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.DENIED, guard)
        assert error.message in outcome.reasons[0].text


async def test_nothing_is_sent_under_the_lock() -> None:
    async with HedgeRig() as rig:
        await rig.session.lock("lunch")
        assert (await wish(rig)).reasons[0].guard == "lock"
        await rig.session.arm()
        rig.session.links["test"].is_reconciled = False
        assert (await wish(rig)).reasons[0].guard == "reconciling"
        assert not rig.hedge.called("set_leverage")


class Slow(HedgeVenue):
    """Answers a change of leverage once it may."""

    def __init__(self) -> None:
        super().__init__(held("12", "-1"), caps=hedged(leverage_needs_flat=False))
        self.may = asyncio.Event()

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        await super().set_leverage(instrument, leverage, margin_mode)
        await self.may.wait()


async def test_no_order_leaves_with_the_leverage_of_before_while_it_changes() -> None:
    venue = Slow()
    async with HedgeRig(venue=venue) as rig:
        change = asyncio.create_task(wish(rig))
        await until(lambda: venue.called("set_leverage") == 1)
        outcome = await rig.session.submit(intent())
        assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.DENIED, "leverage")
        closing = await rig.session.close_position(PERP, "12", 100)
        assert closing.verdict is Verdict.SENT, "what closes has its position's"
        venue.may.set()
        await change
        assert (await rig.session.submit(intent())).verdict is Verdict.SENT


async def test_an_order_of_which_nobody_knows_the_leverage_needs_a_yes() -> None:
    async with HedgeRig() as rig:
        rig.hedge.faults = {"set_leverage": [OutcomeUnknown("test", "lost")]}
        await wish(rig)
        outcome = await rig.session.submit(intent())
        assert (outcome.verdict, outcome.reasons[0].guard) == (Verdict.NEEDS_YES, "leverage")
        words = "nobody knows whether it has leverage 10x isolated of BTC-PERP at test: ask for that again first"
        assert outcome.reasons[0].text == words
        assert (await rig.session.submit(intent(overrides=frozenset({"leverage"})))).verdict is Verdict.SENT
        await rig.session.settled()
        await rig.session.cancel(rig.hedge.requests[-1].client_order_id)
        await rig.session.settled()
        assert (await wish(rig)).reasons == ()
        assert (await rig.session.submit(intent(price=D(99)))).verdict is Verdict.SENT
