"""The journal and the desk that writes it, read without touching either."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.tui.desk.journal_rig import open_journal, place, run_sql
from tests.tui.desk.rig import START, fill, order, request
from tests.tui.doctor.trees import tree_of
from tui.desk.instance import LOCK_FILE, InstanceLock
from tui.desk.journal_store import journal_path
from tui.doctor.findings import Finding
from tui.doctor.records import check_records
from venues.port import Departure


async def write(state_dir: Path, *, is_answered: bool) -> None:
    async with open_journal(state_dir) as journal:
        await place(journal, "a")
        await journal.fact(order("a"), START + 3)
        await journal.fact(fill("a", "t1"), START + 4)
        if not is_answered:
            await journal.intent(request("b"), START + 5)
            await journal.sending(request("b"), Departure(), START + 6)


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


def severities(found: list[Finding]) -> list[str]:
    return [each.severity.value for each in found]


def test_without_a_profile_there_is_nothing_and_nothing_is_made(state_dir: Path) -> None:
    found = check_records(state_dir)
    assert severities(found) == ["ok", "ok"]
    assert not state_dir.exists()


def test_a_whole_journal_is_ok_and_not_a_byte_of_it_changes(state_dir: Path) -> None:
    asyncio.run(write(state_dir, is_answered=True))
    before = tree_of(state_dir)
    found = check_records(state_dir)
    assert severities(found) == ["ok", "ok"]
    assert f"{journal_path(state_dir)} is whole: 5 rows" in found[1].words
    assert tree_of(state_dir) == before


def test_what_nobody_has_answered_is_a_warning(state_dir: Path) -> None:
    asyncio.run(write(state_dir, is_answered=False))
    found = check_records(state_dir)
    assert severities(found) == ["ok", "ok", "warning"]
    assert found[2].words.startswith("1 command was sent and never answered")
    assert "recovery" in found[2].remedy


def test_a_changed_row_is_a_fault(state_dir: Path) -> None:
    asyncio.run(write(state_dir, is_answered=True))
    run_sql(
        journal_path(state_dir),
        "DROP TRIGGER event_is_never_changed",
        "UPDATE event SET body = replace(body, '100', '900') WHERE number = 4",
    )
    found = check_records(state_dir)
    assert severities(found)[1] == "fault"
    assert any("row 4 is not what was written" in each.words for each in found)


def test_a_file_that_is_no_journal_is_a_fault_and_is_left(state_dir: Path) -> None:
    state_dir.mkdir(mode=0o700)
    journal_path(state_dir).write_bytes(b"no database" * 100)
    before = tree_of(state_dir)
    found = check_records(state_dir)
    assert severities(found) == ["ok", "fault"]
    assert "pitside-doctor" not in found[1].words, "the copy's name tells nobody anything"
    assert tree_of(state_dir) == before


def test_a_desk_that_runs_is_named_and_its_journal_read_beside_it(state_dir: Path) -> None:
    async def beside() -> list[Finding]:
        async with open_journal(state_dir) as journal:
            await journal.intent(request("b"), START + 5)
            await journal.sending(request("b"), Departure(), START + 6)
            before = tree_of(state_dir)
            found = await asyncio.to_thread(check_records, state_dir)
            assert tree_of(state_dir).keys() == before.keys()
            return found

    lock = InstanceLock(state_dir)
    lock.acquire("PAPER", ("paper",), "main")
    try:
        found = asyncio.run(beside())
    finally:
        lock.release()
    assert severities(found) == ["note", "ok", "note"]
    assert f"PAPER/main, process {os.getpid()}" in found[0].words
    assert "1 command has no answer yet" in found[2].words


def test_a_loose_lock_is_not_mended_by_looking(state_dir: Path) -> None:
    lock = InstanceLock(state_dir)
    lock.acquire("PAPER")
    lock.release()
    (state_dir / LOCK_FILE).chmod(0o644)
    before = tree_of(state_dir)
    assert severities(check_records(state_dir)) == ["note", "ok"]
    assert tree_of(state_dir) == before
