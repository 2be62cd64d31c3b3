"""One read for all who ask at about the same time, and never one that began before they asked."""

from __future__ import annotations

import asyncio

import pytest

from tests.venues.transport.stream_rig import until
from venues.errors import ConnectionLost
from venues.transport.joined_reads import JoinedRead


class Slow:
    """A read that ends when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.failure: ConnectionLost | None = None
        self.gates: list[asyncio.Event] = []

    async def read(self) -> int:
        self.begun += 1
        number, gate = self.begun, asyncio.Event()
        self.gates.append(gate)
        await gate.wait()
        if self.failure is not None:
            raise self.failure
        return number


async def test_who_asks_while_one_is_under_way_waits_for_the_next() -> None:
    slow = Slow()
    joined = JoinedRead(slow.read)
    together = [asyncio.ensure_future(joined.fresh()) for _ in range(3)]
    await until(lambda: slow.gates)
    late = [asyncio.ensure_future(joined.fresh()) for _ in range(3)]
    slow.gates[0].set()
    assert await asyncio.gather(*together) == [1, 1, 1]
    await until(lambda: len(slow.gates) == 2)
    slow.gates[1].set()
    assert await asyncio.gather(*late) == [2, 2, 2]
    assert slow.begun == 2


async def test_a_failure_is_of_all_who_asked_and_of_nobody_after() -> None:
    slow = Slow()
    joined, slow.failure = JoinedRead(slow.read), ConnectionLost("here", "gone")
    first = [asyncio.ensure_future(joined.fresh()) for _ in range(2)]
    await until(lambda: slow.gates)
    slow.gates[0].set()
    for each in first:
        with pytest.raises(ConnectionLost):
            await each
    slow.failure = None
    again = asyncio.ensure_future(joined.fresh())
    await until(lambda: len(slow.gates) == 2)
    slow.gates[1].set()
    assert await again == 2


async def test_who_waits_no_longer_leaves_it_to_the_others() -> None:
    slow = Slow()
    joined = JoinedRead(slow.read)
    gone, there = (asyncio.ensure_future(joined.fresh()) for _ in range(2))
    await until(lambda: slow.gates)
    gone.cancel()
    await asyncio.wait([gone])
    slow.gates[0].set()
    assert await there == 1


async def test_closing_ends_what_is_under_way_and_what_is_to_come() -> None:
    slow = Slow()
    joined = JoinedRead(slow.read)
    waiting = [asyncio.ensure_future(joined.fresh())]
    await until(lambda: slow.gates)
    waiting.append(asyncio.ensure_future(joined.fresh()))
    for _ in range(2):
        await joined.aclose()
    done, _ = await asyncio.wait(waiting)
    assert all(each.cancelled() for each in done) and slow.begun == 1
