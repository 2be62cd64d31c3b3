"""What is said of a command is held against what the exchange did with it, in each way a request goes wrong."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.contract.http_faults import CALLS, FAULTS, OTHERS, HttpFault, try_fault
from tests.contract.rig import SERVED, STREAMED, Exchanges


def tried(kinds: Mapping[str, HttpFault]) -> list[tuple[str, str, str]]:
    """Returns venue, call and kind. `python -m tests.contract` tries all with all.

    A request is the same with streams and without; what it may have placed is heard of in another way.
    """
    return [
        (name, call, kind)
        for name in SERVED
        for call in CALLS
        for kind, fault in kinds.items()
        if name in STREAMED or (call == "submit" and fault.is_executed is not False)
    ]


def test_all_twenty_kinds_are_tried() -> None:
    assert len(FAULTS) == 20


@pytest.mark.parametrize(("name", "call", "kind"), tried(FAULTS))
async def test_no_outcome_is_called_what_it_is_not(exchanges: Exchanges, name: str, call: str, kind: str) -> None:
    await try_fault(exchanges[name], FAULTS[kind], call)


@pytest.mark.parametrize(("name", "call", "kind"), tried(OTHERS))
async def test_nor_when_the_venue_itself_refuses(exchanges: Exchanges, name: str, call: str, kind: str) -> None:
    await try_fault(exchanges[name], OTHERS[kind], call)
