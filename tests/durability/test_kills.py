"""A desk that is killed at random moments over bad venues: nothing lost, nothing twice, no wrong verdict.

The long form, 500 kills with the full delays, is `python -m tests.durability.kills --kills 500`.
"""

from __future__ import annotations

import sys

import pytest

from tests.durability.kills import Plan, run, table
from tests.support.bad_venues.rules import Kind

KILLS = 15  # over each of the four venues
GRACE = 6.0  # seconds; the long form allows 2, but here other tests take the processors meanwhile
SCALE = 0.4  # of the full delays: orders are booked up to 0.8 s late


@pytest.mark.parametrize("kind", Kind)
def test_a_desk_that_is_killed_knows_all_that_its_venue_can_prove(kind: Kind) -> None:
    result = run(Plan(kind=kind, kills=KILLS, seed=2_000 + len(kind.value), scale=SCALE, grace=GRACE))
    report = table([result])
    sys.stdout.write(report)
    assert not result.is_bad, report
    assert kind is Kind.UNBOUNDED or not result.findings.unknown, report
    assert result.kills == KILLS
    assert len(result.truth.arrivals) >= KILLS  # else nobody traded
    assert result.truth.pending == 0


@pytest.mark.parametrize(
    ("mutant", "kind", "caught_as"),
    [
        ("resend", Kind.BY_ID, "duplicated"),
        ("believe-misses", Kind.BY_ID, "wrong"),
        ("write-after", Kind.BY_SCAN, "lost"),
    ],
)
def test_a_desk_that_breaks_the_promise_is_caught(mutant: str, kind: Kind, caught_as: str) -> None:
    # Full delays and many faults: where the machine is slow, half of them are over before a desk has begun to ask.
    plan = Plan(kind=kind, kills=60, seed=2, scale=1.0, fault_rate=0.5, mutant=mutant, stop_when_caught=True)
    result = run(plan)
    assert getattr(result.findings, caught_as), table([result])


def test_a_desk_that_never_settles_is_caught() -> None:
    tries = (
        Plan(
            kind=Kind.VANISHING, kills=8, seed=seed, scale=0.4, fault_rate=0.4, mutant="doubt-for-ever", patience=3
        )
        for seed in range(5)
    )
    assert any(run(plan).findings.late for plan in tries)
