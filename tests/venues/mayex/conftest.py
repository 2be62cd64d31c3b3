"""The account at an exchange of its own: told by polls alone, and by the private stream as well."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.venues.mayex.account_rig import AccountRig, Exchange, connected, served


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with served() as opened:
        yield opened


@pytest.fixture(params=["polls", "stream"])
async def rig(exchange: Exchange, request: pytest.FixtureRequest) -> AsyncIterator[AccountRig]:
    async with connected(exchange, has_stream=request.param == "stream") as opened:
        yield opened
