"""Closing and cancelling while a connection is being made: nothing leaves afterwards, and no socket stays open."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import msgspec
import pytest

from tests.contract.waiting import passes, until
from tests.venues.transport.desk import PATIENT, Ack, Call, client, outcome_of
from tests.venues.transport.loopback import LoopbackServer
from tests.venues.transport.scripted import Fault, ScriptedVenue
from venues.errors import NotSent, OutcomeUnknown, VenueError
from venues.transport.privacy import default_tls


class Mute(LoopbackServer):
    """Hears what a client begins with, never answers, and notes when the client is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = 0
        self.gone = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        self.heard += 1
        while await reader.read(10_000):
            pass
        self.gone += 1


@pytest.fixture(autouse=True)
def nothing_is_collected() -> Iterator[None]:
    """Leaves open what nobody closes."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("turns", range(20))
@pytest.mark.parametrize("call", [Call.CREATE, Call.QUERY])
async def test_what_has_not_left_when_it_is_closed_does_not_leave(call: Call, turns: int) -> None:
    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin) as http:
        asked = asyncio.create_task(outcome_of(http, call))
        for _ in range(turns):
            await asyncio.sleep(0)
        had_left = bool(venue.received)
        await http.aclose()
        outcome = await asked
        await until(lambda: not venue._tasks, what="a connection is left open")
        if isinstance(outcome, NotSent):
            assert not venue.received
        elif not had_left:  # it was on its way; of a command nobody knows more
            assert isinstance(outcome, (Ack, OutcomeUnknown if call is Call.CREATE else VenueError))
        if turns < 3:  # no connection was there yet
            assert not venue.received


@pytest.mark.parametrize("ending", ["cancelled", "closed"])
async def test_a_handshake_that_is_cancelled_leaves_no_socket_open(ending: str) -> None:
    async with Mute() as server, client(f"https://127.0.0.1:{server.port}", tls=default_tls()) as http:
        asked = asyncio.create_task(outcome_of(http, Call.CREATE))
        await until(lambda: server.heard)
        if ending == "closed":
            await http.aclose()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await until(lambda: server.gone == server.heard, what="the server's side is still open")


@pytest.mark.parametrize("turns", range(1, 9))
async def test_connections_that_were_about_to_be_closed_are_not_forgotten(turns: int) -> None:
    """Whoever asks next closes what has been idle for too long; it is cancelled in the middle of that."""
    kept = 0.05
    timing = msgspec.structs.replace(PATIENT, keep_alive=kept)
    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin, timing=timing) as http:
        await asyncio.gather(*(outcome_of(http, Call.QUERY) for _ in range(3)))
        assert len(venue._tasks) == 3
        await passes(2 * kept)
        asked = asyncio.create_task(outcome_of(http, Call.QUERY))
        for _ in range(turns):
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await http.aclose()
        await until(lambda: not venue._tasks, what="a connection is left open")
