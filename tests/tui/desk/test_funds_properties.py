"""Whatever becomes of the answers: what the desk says was carried out is what the venue did, each once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.desk.funds_rig import FATES, LIFE, SETTLE, D, FundsRig, MarginVenue
from tests.tui.desk.rig import until
from tui.desk.control import Verdict
from venues.commands import FundsKind
from venues.errors import RateLimited, VenueUnavailable
from venues.model import NANOSECONDS

YES = frozenset({"duplicate"})


class Wish(NamedTuple):
    fate: str
    kind: FundsKind
    amount: str
    pause: float  # seconds after it
    is_together: bool  # with the next: it is not waited for


wishes = st.lists(
    st.builds(
        Wish,
        st.sampled_from(FATES),
        st.sampled_from((FundsKind.BORROW, FundsKind.TRANSFER_IN)),
        st.sampled_from(("0.1", "0.2")),
        st.sampled_from((0.0, 0.3, 3.0, 29.0, 40.0)),
        st.booleans(),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=60, deadline=None)
@given(wishes, st.integers(0, LIFE), st.integers(0, SETTLE), st.integers(0, 6))
def test_each_ends_as_what_the_venue_did_and_is_sent_once(
    asked: list[Wish], lateness: int, lag: int, bad_reads: int
) -> None:
    asyncio.run(_carry_out(asked, lateness, lag, bad_reads))


async def _carry_out(asked: list[Wish], lateness: int, lag: int, bad_reads: int) -> None:
    venue = MarginVenue()
    venue.lateness, venue.lag = lateness, lag
    venue.fates = [wish.fate for wish in asked]
    async with FundsRig(venue) as rig:
        faults = [VenueUnavailable("test", "502"), RateLimited("test", "slow", retry_after=2.0)]
        venue.faults["find_funds"] = random.Random(lag).choices(faults, k=bad_reads)
        keys = []
        for wish in asked:
            outcome = await rig.ask(wish.kind, wish.amount, overrides=YES)
            assert outcome.verdict is Verdict.SENT, outcome
            keys.append(outcome.order_key)
            if not wish.is_together:
                await rig.session.settled()
            rig.clock.pass_seconds(wish.pause)
            venue.pass_time(rig.clock.now)
        await rig.session.settled()
        await rig.all_over()
        await until(lambda: not venue.waiting and not venue.working)
        moves = [rig.store.funds.get(key) for key in keys]
        done = [move for move in moves if move is not None and move.state == "done"]
        told = Counter((move.request.kind, move.request.amount) for move in done)
        held = Counter((one.request.kind, one.request.amount) for one in venue.carried_out())
        assert told == held
        ids = [move.receipt.venue_id for move in done if move.receipt is not None]
        assert len(ids) == len(set(ids)) == len(done)
        assert len({one.request_id for one in venue.sent}) == len(venue.sent) <= len(asked)
        texts = rig.texts()
        assert "failed" not in texts
        for key, move in zip(keys, moves, strict=True):
            assert move is not None
            assert move.is_over, key


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(FATES), st.sampled_from((0.0, 1.0, 20.0))), min_size=1, max_size=6))
def test_who_never_says_yes_never_has_two_loans_of_one_doubt(course: list[tuple[str, float]]) -> None:
    """A trader who presses the key again whenever he likes, and never answers a question with yes."""

    async def run() -> None:
        venue = MarginVenue()
        venue.fates = [fate for fate, _ in course]
        async with FundsRig(venue) as rig:
            for _, pause in course:
                before = [move.state for move in rig.store.funds.open("test")]
                outcome = await rig.move()
                if "UNKNOWN" in before:
                    assert outcome.verdict is not Verdict.SENT
                rig.clock.pass_seconds(pause)
                venue.pass_time(rig.clock.now)
            await rig.all_over()
            done = sum(row[1] == "done" for row in rig.rows())
            owed = rig.view().wallet.asset("BTC")
            assert owed is not None
            assert owed.principal == done * D("0.1") == len(venue.carried_out()) * D("0.1")

    asyncio.run(run())


def test_the_later_of_two_receipts_goes_to_the_one_that_lives_longer() -> None:
    """The first receipt would fit both: were it given to the second request, the first could have none."""

    async def run() -> None:
        venue = MarginVenue()
        venue.fates = ["late", "late"]
        venue.lateness = 25 * NANOSECONDS
        async with FundsRig(venue) as rig:
            await rig.move()
            rig.clock.pass_seconds(20)
            venue.pass_time(rig.clock.now)
            await rig.move(overrides=YES)
            await rig.all_over()
            assert [row[1] for row in rig.rows()] == ["done", "done"]

    asyncio.run(run())
