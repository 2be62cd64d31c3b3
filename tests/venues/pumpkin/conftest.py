"""The account at an exchange of its own: told by polls alone, or by the private topics as well."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.venues.pumpkin.account_rig import AccountRig, connected, served
from tests.venues.pumpkin.walking import Exchange


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with served() as opened:
        yield opened


@pytest.fixture
async def polled(exchange: Exchange) -> AsyncIterator[AccountRig]:
    async with connected(exchange) as opened:
        yield opened


@pytest.fixture(params=["polled", "told"])
async def both_ways(exchange: Exchange, request: pytest.FixtureRequest) -> AsyncIterator[AccountRig]:
    async with connected(exchange, has_topics=request.param == "told") as opened:
        yield opened
