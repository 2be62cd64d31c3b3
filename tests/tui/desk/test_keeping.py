"""What the journal is told in the background: in order, once, and again when the disk is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.desk.journal_rig import kept, open_journal
from tests.tui.desk.rig import START, RecordingJournal, fill, order, request, until
from tui.desk.journal import ClosedJournal, Journal, JournalError, Resolution
from tui.desk.keeping import Keeper
from tui.desk.seen import SeenTrades
from venues.model import Fill, Order


class FlakyJournal(RecordingJournal):
    """A journal whose disk is full while `is_full`; what it kept is in `kept`."""

    def __init__(self) -> None:
        super().__init__()
        self.is_full = False
        self.kept: list[str] = []
        self.gate: asyncio.Event | None = None

    async def fact(self, fact: Order | Fill, ts: int, *, is_answer: bool = False) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.is_full:
            raise JournalError("the disk is full")
        assert isinstance(fact, Fill)
        self.kept.append(fact.trade_id)


@asynccontextmanager
async def running(journal: Journal) -> AsyncIterator[tuple[Keeper, list[str]]]:
    told: list[str] = []

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    keeper = Keeper(journal, lambda: START, told.append, at_once)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper, told
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_facts_that_a_full_disk_refused_are_written_later_in_order_and_once() -> None:
    journal = FlakyJournal()
    journal.is_full = True
    async with running(journal) as (keeper, told):
        for number in range(300):
            keeper.fact(fill("a", f"t{number}"))
        await until(lambda: bool(told))
        keeper.fact(fill("a", "t300"))
        journal.is_full = False
        await until(lambda: len(journal.kept) >= 301)
        assert await keeper.flush()
        assert journal.kept == [f"t{number}" for number in range(301)]
        assert told == ["the journal can not be written: the disk is full", "the journal is written again"]


async def test_whoever_stops_waiting_has_nothing_written_twice() -> None:
    journal = FlakyJournal()
    journal.gate = asyncio.Event()
    async with running(journal) as (keeper, _):
        keeper.fact(fill("a", "t1"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    last = asyncio.create_task(keeper.flush())
    await asyncio.sleep(0)
    journal.gate.set()
    assert await last
    assert journal.kept == ["t1"]


async def test_what_came_before_the_journal_was_open_is_kept_too(tmp_path: Path) -> None:
    async with running(ClosedJournal("not open yet")) as (keeper, told):
        keeper.fact(fill("a", "t1"))
        await until(lambda: bool(told))
        async with open_journal(tmp_path) as journal:
            keeper.use(journal)
            keeper.note("opened", "start")
            keeper.resolved(request("a"), Resolution("lookup", "found", order("a")))
            await until(lambda: len(kept(tmp_path)) == 3)
    assert sorted(row.kind for row in kept(tmp_path)) == ["fact", "note", "resolved"]


async def test_text_that_no_journal_can_keep_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal, running(journal) as (keeper, told):
        keeper.fact(fill("a", "t\ud800"))
        keeper.fact(fill("a", "t2"))
        await until(lambda: len(kept(tmp_path)) == 1 and bool(told))
        assert "can not keep text" in told[0]
        assert await keeper.flush()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["x", "y"]), st.integers(1, 40)), max_size=200), st.integers(1, 12))
def test_no_execution_counts_twice_however_far_back_it_is_read(told: list[tuple[str, int]], most: int) -> None:
    seen = SeenTrades(most)
    counted: list[tuple[str, int]] = []
    for venue, number in told:  # the time is the number: an execution has one id and one time
        if seen.add(venue, f"t{number}", number):
            counted.append((venue, number))
        assert len(seen) <= most
    assert len(counted) == len(set(counted))


def test_late_executions_count_as_long_as_they_are_remembered() -> None:
    seen = SeenTrades(100)
    assert [seen.add("x", f"t{number}", number) for number in (5, 3, 9, 3, 1)] == [True, True, True, False, True]
