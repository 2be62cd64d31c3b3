"""What is said of a command is held against what the exchange did with it, in each way a request goes wrong."""

from __future__ import annotations

import pytest

from tests.contract.http_faults import CALLS, FAULTS, OTHERS, try_fault
from tests.contract.rig import SERVED, STREAMED, Exchanges

# A request is the same with streams and without; what was placed is heard of in another way.
ASKED = [(name, call) for name in SERVED for call in CALLS if name in STREAMED or call == "submit"]


def test_all_twenty_kinds_are_tried() -> None:
    assert len(FAULTS) == 20


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize(("name", "call"), ASKED)
async def test_no_outcome_is_called_what_it_is_not(exchanges: Exchanges, name: str, kind: str, call: str) -> None:
    await try_fault(exchanges[name], FAULTS[kind], call)


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize(("name", "call"), ASKED)
async def test_nor_when_the_venue_itself_refuses(exchanges: Exchanges, name: str, kind: str, call: str) -> None:
    await try_fault(exchanges[name], OTHERS[kind], call)
