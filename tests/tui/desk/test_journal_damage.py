"""Files that are broken: what can be read is kept, the rest is set aside unchanged, the trader is told."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.desk.journal_rig import beside, kept, kinds, names, open_journal, place, run_sql
from tests.tui.desk.rig import START, fill, request
from tui.desk.journal import JournalError
from tui.desk.journal_export import digest_of, oldest_needed, read_rows, read_state, verify
from tui.desk.journal_fold import fold
from tui.desk.journal_store import journal_path


def set_aside(folder: Path, suffix: str = "") -> Path:
    found = [path for path in folder.glob(f"*.broken-*{suffix}") if suffix or path.name[-1].isdigit()]
    assert len(found) == 1
    return found[0]


async def crash(folder: Path, orders: int = 40) -> Path:
    """Returns a copy of a journal with a -wal that nobody closed."""
    copy = folder / "crashed"
    async with open_journal(folder / "running") as journal:
        for number in range(orders):
            await place(journal, f"k{number}")
        shutil.copytree(journal.path.parent, copy)
    beside(journal_path(copy), "-shm").unlink()
    return copy


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 99, bytes(8192), b"SQLite format 3\0" + b"\xff" * 5000]
)
async def test_garbage_is_set_aside_and_a_new_journal_begun(tmp_path: Path, content: bytes) -> None:
    path = journal_path(tmp_path)
    path.write_bytes(content)
    async with open_journal(tmp_path) as journal:
        assert len(journal.notices) == 1
        aside = set_aside(tmp_path)
        assert f"it was set aside as {aside.name}, nothing could be read from it" in journal.notices[0]
        assert aside.read_bytes() == content
        await place(journal, "a")
    assert kinds(tmp_path) == ["note", "intent", "sending", "answered"]
    assert verify(path).problems == ()
    async with open_journal(tmp_path) as journal:
        assert journal.notices == ()


async def test_a_database_of_another_program_is_set_aside(tmp_path: Path) -> None:
    path = journal_path(tmp_path)
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE recipe (name TEXT)")
    other.close()
    before = path.read_bytes()
    async with open_journal(tmp_path) as journal:
        assert "is a database of another program" in journal.notices[0]
    assert set_aside(tmp_path).read_bytes() == before


async def test_what_can_be_read_of_a_truncated_file_is_kept(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        for number in range(200):
            await place(journal, f"k{number}")
    whole = {row.number: (row.kind, row.client_order_id, row.body) for row in kept(tmp_path)}
    size = journal.path.stat().st_size
    with journal.path.open("r+b") as file:
        file.truncate(size * 6 // 10 // 4096 * 4096)
    before = journal.path.read_bytes()
    async with open_journal(tmp_path) as journal:
        assert "rows were read from it" in journal.notices[0]
        await place(journal, "after")
    assert set_aside(tmp_path).read_bytes() == before
    rows = kept(tmp_path)
    saved = [row for row in rows if row.number in whole and row.kind != "note" and row.client_order_id != "after"]
    assert len(saved) > 200
    assert all(whole[row.number] == (row.kind, row.client_order_id, row.body) for row in saved)
    assert [row.kind for row in rows[-4:]] == ["note", "intent", "sending", "answered"]
    assert fold(rows).orders["after"].is_confirmed


async def test_rows_behind_a_damaged_page_are_kept_too(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        for number in range(200):
            await place(journal, f"k{number}")
    size = journal.path.stat().st_size
    with journal.path.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(b"\xa5" * 4096)
    async with open_journal(tmp_path) as journal:
        assert "is damaged" in journal.notices[0]
    rows = kept(tmp_path)
    assert rows[0].number == 1
    assert {row.client_order_id for row in rows} >= {"k0", "k199"}
    assert 580 < len(rows) < 600
    assert [problem for problem in verify(journal.path).problems if "missing" in problem]


async def test_a_wal_whose_end_is_torn_loses_only_that(tmp_path: Path) -> None:
    folder = await crash(tmp_path)
    wal = beside(journal_path(folder), "-wal")
    with wal.open("r+b") as file:
        file.seek(-2000, 2)
        file.write(b"\x5a" * 1000)
    before = wal.read_bytes()
    async with open_journal(folder) as journal:
        assert "the end of the journal was torn" in journal.notices[0]
        assert set_aside(folder, "-wal").read_bytes() == before
        await place(journal, "after")
    rows = kept(folder)
    assert [row.client_order_id for row in rows[:119]] == [f"k{n}" for n in range(40) for _ in range(3)][:119]
    assert rows[-1].client_order_id == "after"
    assert verify(journal.path).problems == ()


@pytest.mark.parametrize("cut", [1, 2000, 4096, 4120])
async def test_a_wal_that_was_cut_off_keeps_what_is_before_the_cut(tmp_path: Path, cut: int) -> None:
    folder = await crash(tmp_path)
    wal = beside(journal_path(folder), "-wal")
    with wal.open("r+b") as file:
        file.truncate(wal.stat().st_size - cut)
    async with open_journal(folder) as journal:
        await place(journal, "after")
    numbers = [row.number for row in kept(folder)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 121
    assert verify(journal.path).problems == ()


async def test_a_crash_loses_nothing_and_is_no_news(tmp_path: Path) -> None:
    folder = await crash(tmp_path)
    async with open_journal(folder) as journal:
        assert journal.notices == ()
        assert names(folder) == [f"journal.sqlite3{suffix}" for suffix in ("", "-shm", "-wal")]
    assert len(kept(folder)) == 120


async def test_pages_of_a_commit_that_never_ended_are_no_news(tmp_path: Path) -> None:
    folder = await crash(tmp_path)
    wal = beside(journal_path(folder), "-wal")
    content = wal.read_bytes()
    frame = bytearray(content[-4120:])
    frame[4:8] = bytes(4)
    wal.write_bytes(content + bytes(frame))
    async with open_journal(folder) as journal:
        assert journal.notices == ()
    assert len(kept(folder)) == 120


async def test_a_wal_whose_file_was_emptied_is_not_deleted(tmp_path: Path) -> None:
    folder = await crash(tmp_path)
    path = journal_path(folder)
    wal = beside(path, "-wal").read_bytes()
    path.write_bytes(b"")
    async with open_journal(folder) as journal:
        assert "was empty beside a -wal with rows" in journal.notices[0]
        await journal.intent(request("a"), START)
    assert set_aside(folder, "-wal").read_bytes() == wal
    assert kinds(folder) == ["intent"]


@pytest.mark.parametrize("read", [read_state, verify, oldest_needed])
async def test_a_wal_whose_file_was_emptied_is_not_deleted_by_reading(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    path = journal_path(await crash(tmp_path))
    path.write_bytes(b"")
    wal = beside(path, "-wal").read_bytes()
    with pytest.raises(JournalError, match="a desk that starts sets both aside, or put the file back"):
        read(path)
    assert beside(path, "-wal").read_bytes() == wal
    assert path.stat().st_size == 0


def is_empty_file(path: Path) -> None:
    """As a desk leaves it that was killed before it wrote the first page."""
    path.touch(mode=0o600)


def is_first_page(path: Path) -> None:
    """As a desk leaves it that was killed before its tables were there."""
    run_sql(path, "PRAGMA journal_mode = WAL")


@pytest.mark.parametrize("begin", [is_empty_file, is_first_page])
async def test_a_journal_that_was_never_begun_has_no_rows(tmp_path: Path, begin: Callable[[Path], None]) -> None:
    path = journal_path(tmp_path)
    begin(path)
    content = path.read_bytes()
    assert list(read_rows(path)) == []
    assert (oldest_needed(path), digest_of(path, 1)) == (0, "")
    assert verify(path) == (0, 0, ())
    assert path.read_bytes() == content
    async with open_journal(tmp_path) as journal:
        assert journal.notices == ()
        await place(journal, "a")
    assert verify(path) == (3, 1, ())


async def test_a_database_of_another_program_is_not_read(tmp_path: Path) -> None:
    path = journal_path(tmp_path)
    run_sql(path, "CREATE TABLE recipe (name TEXT)")
    with pytest.raises(JournalError, match="is a database of another program, not a journal"):
        list(read_rows(path))


async def test_a_file_that_breaks_while_it_is_in_use(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        for number in range(200):
            await place(journal, f"k{number}")
        await journal.aclose()
        broken = journal.path.read_bytes()
        journal.path.write_bytes(broken[:100] + b"\xff" * 4096 + broken[4196:])
    async with open_journal(tmp_path) as journal:
        await journal.fact(fill("a", "t1"), START)
    assert kinds(tmp_path)[-1] == "fact"
