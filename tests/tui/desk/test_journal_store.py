"""The journal on a real disk: what is kept is durable, private and exact, and what can not be is refused."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.tui.desk.journal_rig import AMEND, CANCEL, beside, kept, kinds, names, open_journal, place, run_sql
from tests.tui.desk.rig import PERP, START, fill, order, request
from tui.desk.journal import CancelAllRequest, JournalError, Resolution
from tui.desk.journal_events import draft_of, hash_of
from tui.desk.journal_export import read_rows, verify
from tui.desk.journal_file import MIGRATIONS
from tui.desk.journal_store import SqliteJournal, journal_path
from venues.errors import InsufficientFunds, NotSent
from venues.model import OrderStatus, Side
from venues.port import Departure


async def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    everything = CancelAllRequest(venue="test", instrument=PERP, side=Side.SELL)
    exact = fill("a", "t1", Decimal("0.10"), fee=Decimal("-1E-18"), realized_pnl=Decimal("1E+2"))
    async with open_journal(tmp_path) as journal:
        await journal.intent(request("a"), START)
        await journal.sending(request("a"), Departure(nonce=7, deadline=START + 9), START + 1)
        await journal.answered(request("a"), order("a", reason="né \x1b[2J\x00 ☃"), START + 2)
        await journal.answered(AMEND, InsufficientFunds("test", "too little", "51"), START + 3)
        await journal.ambiguous(CANCEL, "ReadTimeout", START + 4)
        await journal.answered(everything, None, START + 5)
        await journal.fact(exact, START + 6)
        await journal.fact(order("a", OrderStatus.CANCELED), START + 7)
        await journal.resolved(CANCEL, Resolution("lookup", "it is cancelled", order("a")), START + 8)
        await journal.note("detached: leave", START + 9)
    rows = kept(tmp_path)
    events = [row.event() for row in rows]
    assert [row.number for row in rows] == list(range(1, 11))
    assert [row.ts - START for row in rows] == list(range(10))
    assert " ".join(kinds(tmp_path)) == (
        "intent sending answered answered ambiguous answered fact fact resolved note"
    )
    assert events[0].submit == request("a")
    assert rows[1].body_hash == hash_of(request("a")) == rows[0].body_hash
    assert (events[1].nonce, events[1].deadline) == (7, START + 9)
    assert events[2].order == order("a", reason="né \x1b[2J\x00 ☃")
    assert (events[3].amend, events[3].order) == (AMEND, None)
    refusal = events[3].refusal
    assert refusal is not None
    assert (refusal.error, refusal.message, refusal.code) == ("InsufficientFunds", "too little", "51")
    assert (events[4].cancel, events[4].text) == (CANCEL, "ReadTimeout")
    assert events[5].cancel_all == everything
    assert events[6].fill == exact
    assert str(events[6].fill and events[6].fill.quantity) == "0.10"
    assert events[8].resolution == Resolution("lookup", "it is cancelled", order("a"))
    assert events[9].text == "detached: leave"
    assert rows[4].client_order_id == "a"
    assert verify(journal_path(tmp_path)).problems == ()


def read_elsewhere(path: Path) -> list[str]:
    program = (
        "import sqlite3, sys; print(*dict(sqlite3.connect(sys.argv[1]).execute('select kind, 1 from event')))"
    )
    argv = [sys.executable, "-c", program, str(path)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()


async def test_a_write_that_returned_is_read_by_another_process(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        await place(journal, "a")
        assert read_elsewhere(journal.path) == ["intent", "sending", "answered"]


async def test_writes_that_wait_together_are_all_kept_in_their_order(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        await asyncio.gather(*(journal.intent(request(f"k{number}"), START + number) for number in range(500)))
    assert [row.client_order_id for row in kept(tmp_path)] == [f"k{number}" for number in range(500)]
    assert verify(journal_path(tmp_path)).problems == ()


async def test_it_is_safe_for_a_power_cut_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        await place(journal, "a")
        assert journal._connection is not None
        assert journal._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert journal._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert not beside(journal.path, "-wal").exists()  # closed cleanly: all of it is in the one file
    async with open_journal(tmp_path) as journal:
        assert journal.notices == ()
        await place(journal, "b")
    assert [row.number for row in kept(tmp_path)] == [1, 2, 3, 4, 5, 6]
    assert verify(journal.path).problems == ()
    await journal.aclose()
    with pytest.raises(JournalError, match="closed"):
        await journal.intent(request("c"), START)
    assert "journal" not in {thread.name for thread in threading.enumerate()}


async def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        async with open_journal(tmp_path / "state" / "main") as journal:
            await place(journal, "a")
            for suffix in ("", "-wal", "-shm"):
                status = beside(journal.path, suffix).lstat()
                assert stat.S_ISREG(status.st_mode)
                assert stat.S_IMODE(status.st_mode) == 0o600
            assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700
    finally:
        os.umask(mask)


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
async def test_a_link_is_not_followed(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    path = journal_path(tmp_path)
    beside(path, suffix).symlink_to(target)
    journal = SqliteJournal(path)
    with pytest.raises(JournalError, match="symbolic link"):
        await journal.intent(request("a"), START)
    beside(path, suffix).unlink()
    await journal.intent(request("a"), START)
    await journal.aclose()
    assert target.read_bytes() == b"precious"
    assert kinds(tmp_path) == ["intent"]


async def test_rows_are_never_changed_or_deleted(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        await place(journal, "a")
    for statement in ("UPDATE event SET ts = 0", "DELETE FROM event"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            run_sql(journal.path, statement)
    assert verify(journal.path).problems == ()
    # Whoever forces it is found out.
    run_sql(
        journal.path,
        "DROP TRIGGER event_is_never_changed",
        "UPDATE event SET client_order_id = 'b' WHERE number = 2",
    )
    assert verify(journal.path).problems == ("row 2 is not what was written, or follows another row",)
    run_sql(journal.path, "DROP TRIGGER event_is_never_deleted", "DELETE FROM event WHERE number = 2")
    assert "rows 2 to 2 are missing" in verify(journal.path).problems


async def test_a_row_that_was_written_anew_with_its_own_digest_breaks_the_chain(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        await place(journal, "a")
    first, second, _ = kept(tmp_path)
    forged = draft_of(second)._replace(ts=START + 99).row(2, first.digest)
    run_sql(journal.path, "DROP TRIGGER event_is_never_changed")
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as connection:
        connection.execute("UPDATE event SET ts = ?, digest = ? WHERE number = 2", (forged.ts, forged.digest))
    assert verify(journal.path).problems == ("row 3 is not what was written, or follows another row",)


async def test_a_cancelled_wait_loses_no_row(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        waiting = asyncio.ensure_future(journal.fact(fill("a", "t1"), START))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert kinds(tmp_path) == ["fact"]


async def test_a_newer_journal_is_left_as_it_is_and_can_be_read(tmp_path: Path) -> None:
    newer = (*MIGRATIONS, ("ALTER TABLE event ADD COLUMN desk TEXT NOT NULL DEFAULT ''",))
    async with open_journal(tmp_path, migrations=newer) as journal:
        await place(journal, "a")
    before = journal.path.read_bytes()
    old = SqliteJournal(journal.path)
    with pytest.raises(
        JournalError, match=r"newer pitside \(journal version 2, this one knows 1\): start that version"
    ):
        await old.intent(request("b"), START)
    await old.aclose()
    assert journal.path.read_bytes() == before
    assert names(tmp_path) == [journal.path.name]
    assert [row.kind for row in read_rows(journal.path)] == ["intent", "sending", "answered"]
    found = verify(journal.path)
    assert (found.version, found.problems) == (2, ("journal version 2 is newer than this pitside knows (1)",))


async def test_an_older_journal_is_brought_to_this_version_with_its_rows(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        await place(journal, "a")
    newer = (*MIGRATIONS, ("ALTER TABLE event ADD COLUMN desk TEXT NOT NULL DEFAULT ''",))
    async with open_journal(tmp_path, migrations=newer) as journal:
        await place(journal, "b")
    with closing(sqlite3.connect(journal.path)) as connection:
        assert connection.execute("SELECT version FROM migration").fetchall() == [(1,), (2,)]
    assert [row.client_order_id for row in kept(tmp_path)] == ["a"] * 3 + ["b"] * 3


async def test_a_migration_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        await place(journal, "a")
    failing = (*MIGRATIONS, ("ALTER TABLE event ADD COLUMN desk TEXT", "ALTER TABLE missing ADD COLUMN desk TEXT"))
    broken = SqliteJournal(journal.path, migrations=failing)
    with pytest.raises(JournalError, match="no such table: missing"):
        broken.open()
    broken.close()
    async with open_journal(tmp_path) as journal:
        await place(journal, "b")
    assert verify(journal.path) == (6, 1, ())


async def test_what_can_not_be_kept_is_refused_alone(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal:
        with pytest.raises(JournalError, match="time"):
            await journal.intent(request("a"), 2**63)
        with pytest.raises(JournalError, match="Unicode"):
            await journal.ambiguous(CANCEL, "\ud800", START)
        await journal.answered(request("b"), NotSent("test", "refused"), START)
    assert kinds(tmp_path) == ["answered"]
