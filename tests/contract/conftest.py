"""The one parameter of this suite: the name of a venue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from tests.contract.rig import VENUES, Desk, Exchanges, Rig, desk_of, rig_of
from tests.contract.scene import Scene, scene_of


@pytest.fixture(scope="module")
def exchanges() -> Iterator[Exchanges]:
    """The exchanges of a module: its tests share them, each with an adapter of its own."""
    with ExitStack() as stack:
        yield Exchanges(stack)


@pytest.fixture(params=VENUES)
def venue_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def rig(exchanges: Exchanges, venue_name: str) -> AsyncIterator[Rig]:
    async with rig_of(exchanges[venue_name]) as rig:
        yield rig


@pytest.fixture
async def desk(rig: Rig) -> AsyncIterator[Desk]:
    async with desk_of(rig) as desk:
        yield desk


@pytest.fixture
async def scene(rig: Rig) -> Scene:
    return await scene_of(rig)
