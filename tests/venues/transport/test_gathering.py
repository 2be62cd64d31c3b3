"""What is asked for at about the same moment is done together, and answered to each."""

from __future__ import annotations

import asyncio

import pytest

from tests.venues.transport.stream_rig import passes
from tests.venues.transport.virtual import in_virtual_time
from venues.errors import BadRequest, ConnectionLost
from venues.transport.gathering import Gathering, Waiters


class Work:
    """Acts for whom it is told to; `refuses` says no to some, `lasts` is in seconds."""

    def __init__(self, *, lasts: float = 0.0) -> None:
        self.gathering: Gathering[str] = Gathering("here", "work", self.act)
        self.lasts = lasts
        self.refuses: set[str] = set()
        self.is_answering = True
        self.acts: list[float] = []

    async def act(self, waiting: Waiters[str]) -> None:
        self.acts.append(round(asyncio.get_running_loop().time(), 3))
        await passes(self.lasts)
        waiting.answer(self.refuses, BadRequest("here", "no such thing"))
        if self.is_answering:
            waiting.answer_all(None)


async def outcomes(*waits: asyncio.Future[None]) -> list[str]:
    found = await asyncio.gather(*waits, return_exceptions=True)
    return ["" if each is None else str(each) for each in found]


def asked(work: Work, *keys: str) -> list[asyncio.Future[None]]:
    return [asyncio.ensure_future(work.gathering.wait_for(key)) for key in keys]


@in_virtual_time
async def test_all_of_one_moment_are_one_act_with_an_answer_each() -> None:
    work = Work()
    work.refuses = {"b"}
    assert await outcomes(*asked(work, "a", "b", "a")) == ["", "here: no such thing", ""]
    assert work.acts == [0.005]
    assert await outcomes(*asked(work, "a")) == [""]
    assert len(work.acts) == 2


@in_virtual_time
async def test_who_comes_while_it_acts_gets_the_next_act() -> None:
    work = Work(lasts=1.0)
    first = asked(work, "a")
    await passes(0.5)
    assert work.gathering.is_working
    second = asked(work, "b")
    assert await outcomes(*first, *second) == ["", ""]
    assert work.acts == [0.005, 1.01]
    await passes(0.1)
    assert not work.gathering.is_working


@in_virtual_time
async def test_who_is_not_answered_has_failed() -> None:
    work = Work()
    work.is_answering = False
    assert await outcomes(*asked(work, "a")) == ["here: work: it was given up"]


@in_virtual_time
async def test_an_act_that_fails_is_an_answer_and_leaves_nobody_waiting_for_the_next() -> None:
    failures = [BadRequest("here", "not now")]

    class Failing(Work):
        async def act(self, waiting: Waiters[str]) -> None:
            await super().act(Waiters())
            if failures:
                raise failures.pop()
            waiting.answer_all(None)

    work = Failing(lasts=1.0)
    first = asked(work, "a")
    await passes(0.5)
    second = asked(work, "b")
    async with asyncio.timeout(10):
        assert await outcomes(*first, *second) == ["here: not now", ""]


@in_virtual_time
async def test_something_else_that_fails_leaves_nobody_waiting() -> None:
    work = Work()

    async def other() -> None:
        await passes(1.0)
        raise BadRequest("here", "not now")

    assert work.gathering.begin_with(other)
    async with asyncio.timeout(10):
        assert await outcomes(*asked(work, "a")) == [""]


@in_virtual_time
async def test_who_gave_up_waiting_is_no_matter() -> None:
    work = Work(lasts=1.0)
    leaves, stays = asked(work, "a", "a")
    await passes(0.5)
    leaves.cancel()
    assert await outcomes(stays) == [""]


@in_virtual_time
async def test_something_else_may_come_first_where_it_is_idle() -> None:
    work = Work()
    done: list[float] = []

    async def other() -> None:
        await passes(1.0)
        done.append(round(asyncio.get_running_loop().time(), 3))

    assert work.gathering.begin_with(other)
    assert not work.gathering.begin_with(other)
    assert await outcomes(*asked(work, "a")) == [""]
    assert (done, work.acts) == ([1.0], [1.005])


@in_virtual_time
async def test_what_is_closed_answers_everybody() -> None:
    work = Work(lasts=5.0)
    waits = asked(work, "a")
    await passes(1.0)
    waits += asked(work, "b")
    await passes(0.1)
    await work.gathering.aclose()
    assert await outcomes(*waits) == ["here: work: it was given up", "here: this venue is closed"]
    await work.gathering.aclose()
    with pytest.raises(ConnectionLost):
        await work.gathering.wait_for("a")
    assert not work.gathering.begin_with(lambda: passes(1.0))
    work.gathering.begin()
    assert len(asyncio.all_tasks()) == 1
