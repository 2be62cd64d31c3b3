"""Tracker, journal and bad venue: 3,000 sequences of up to 60 steps, a quarter for each kind of venue.

They are the same ones each time; within a third of them each of the planted bugs of `test_mutants` was found.
Others, as many as one likes: python -m tests.tui.desk.order_machine
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.tui.desk.order_machine.exchange import Kind
from tests.tui.desk.order_machine.machine import BadVenueMachine, settings_of

_SEQUENCES = 750


class _ById(BadVenueMachine):
    kind = Kind.BY_ID


class _OpenOnly(BadVenueMachine):
    kind = Kind.OPEN_ONLY


class _Unbounded(BadVenueMachine):
    kind = Kind.UNBOUNDED


class _Vanishing(BadVenueMachine):
    kind = Kind.VANISHING


for _machine in (_ById, _OpenOnly, _Unbounded, _Vanishing):
    _machine.TestCase.settings = settings_of(_SEQUENCES)
TestLookupByClientId = _ById.TestCase
TestScanOfWhatRests = _OpenOnly.TestCase
TestUnboundedLife = _Unbounded.TestCase
TestVanishing = _Vanishing.TestCase


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that can not be read are logged with their traceback, thousands of times."""
    monkeypatch.setattr("tui.desk.dispatch.logger.disabled", True)


@pytest.fixture(autouse=True)
def few_collections() -> Iterator[None]:
    """Looking for garbage among thousands of small desks takes a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 50)
    yield
    gc.set_threshold(*before)
