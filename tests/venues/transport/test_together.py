"""Reads that are begun together end together."""

from __future__ import annotations

import asyncio

import pytest

from venues.transport.together import together


class Read:
    """A read that waits until it is let go; it takes a turn of the loop to end when it is cancelled."""

    def __init__(self, outcome: int | Exception) -> None:
        self.is_let_go = asyncio.Event()
        self.has_begun = asyncio.Event()
        self.has_ended = False
        self._outcome = outcome

    async def __call__(self) -> int:
        self.has_begun.set()
        try:
            await self.is_let_go.wait()
            if isinstance(self._outcome, Exception):
                raise self._outcome
            return self._outcome
        finally:
            await asyncio.sleep(0)
            self.has_ended = True


async def test_what_each_gives_comes_in_their_order() -> None:
    first, second, third = Read(1), Read(2), Read(3)
    asked = asyncio.ensure_future(together(first(), second(), third()))
    for read in (third, first, second):
        await read.has_begun.wait()
        read.is_let_go.set()
    assert await asked == (1, 2, 3)


async def test_the_first_failure_ends_the_others_before_it_is_told() -> None:
    failing, slow, done = Read(KeyError("first")), Read(2), Read(3)
    asked = asyncio.ensure_future(together(slow(), failing(), done()))
    await failing.has_begun.wait()
    done.is_let_go.set()
    failing.is_let_go.set()
    with pytest.raises(KeyError, match="first"):
        await asked
    assert slow.has_ended
    assert done.has_ended


async def test_whoever_is_cancelled_ends_all_of_them() -> None:
    one, other = Read(1), Read(2)
    asked = asyncio.ensure_future(together(one(), other()))
    await one.has_begun.wait()
    await other.has_begun.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert one.has_ended
    assert other.has_ended
