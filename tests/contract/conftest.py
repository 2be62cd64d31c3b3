"""The one parameter of this suite: the name of a venue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeVar

import msgspec
import pytest

from tests.contract.rig import VENUES, Desk, Exchanges, Rig, desk_of, rig_of
from tests.contract.scene import Scene, scene_of
from tests.contract.waiting import until
from venues.transport.timing import StreamTiming, Timing

CLOSING = 1.0  # seconds, of what was cancelled while it connected
BAN = 1.5  # seconds; a tenth of the minute for which a ban is obeyed that names no time is long to do nothing in

Times = TypeVar("Times", Timing, StreamTiming)


@pytest.fixture(autouse=True)
async def nothing_is_left_open() -> AsyncIterator[None]:
    """Holds that what a test has closed has closed its connections. Those of the exchange are another loop's."""
    yield
    loop: Any = asyncio.get_running_loop()

    def left() -> list[Any]:
        return [transport for transport in loop._transports.values() if not transport.is_closing()]

    await until(lambda: not left(), CLOSING, "every connection is closed")


@pytest.fixture(scope="module")
def exchanges() -> Iterator[Exchanges]:
    """The exchanges of a module: its tests share them, each with an adapter of its own."""
    with ExitStack() as stack:
        yield Exchanges(stack)


@pytest.fixture(autouse=True)
def short_bans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Timing, "scaled", with_short_bans(Timing.scaled))
    monkeypatch.setattr(StreamTiming, "scaled", with_short_bans(StreamTiming.scaled))


def with_short_bans(scaled: Callable[[Times, float], Times]) -> Callable[[Times, float], Times]:
    def scaled_shorter(times: Times, factor: float) -> Times:
        found = scaled(times, factor)
        return msgspec.structs.replace(found, ban=min(found.ban, BAN))

    return scaled_shorter


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
