"""The machine finds every bug of the list, and none where there is none."""

from __future__ import annotations

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.tui.desk.order_machine.exchange import Kind
from tests.tui.desk.order_machine.machine import BadVenueMachine, settings_of
from tests.tui.desk.order_machine.mutants import MUTANTS, Mutant

_SEQUENCES = 3_000  # at most: the first failure ends it, mostly within a hundred


def run_machine(of: Kind) -> None:
    """Runs the same sequences each time. Raises AssertionError for the first that breaks a promise."""

    class Machine(BadVenueMachine):
        kind = of

    run_state_machine_as_test(Machine, settings=settings_of(_SEQUENCES, is_mutant=True))


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that can not be read are logged with their traceback, thousands of times."""
    monkeypatch.setattr("tui.desk.dispatch.logger.disabled", True)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.plant(monkeypatch)
    with pytest.raises(AssertionError):
        run_machine(mutant.kind)


def test_there_are_twenty_bugs_at_least_and_no_two_alike() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20
