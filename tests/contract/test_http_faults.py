"""What is said of a command is held against what the exchange did with it, in each way a request goes wrong."""

from __future__ import annotations

import pytest

from tests.contract.http_faults import CALLS, FAULTS, OTHERS, try_fault
from tests.contract.rig import SERVED, Exchanges


def test_all_twenty_kinds_are_tried() -> None:
    assert len(FAULTS) == 20


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("name", SERVED)
async def test_no_outcome_is_called_what_it_is_not(exchanges: Exchanges, name: str, kind: str, call: str) -> None:
    await try_fault(exchanges[name], FAULTS[kind], call)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("name", SERVED)
async def test_nor_when_the_venue_itself_refuses(exchanges: Exchanges, name: str, kind: str, call: str) -> None:
    await try_fault(exchanges[name], OTHERS[kind], call)
