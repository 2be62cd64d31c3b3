"""Disks that are full, read-only, held or gone: the write is refused in clear words, and later ones are kept."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.tui.desk.journal_rig import beside, kinds, open_journal, place
from tests.tui.desk.rig import START, Rig, fill, intent, request, until
from tui.desk.control import Verdict
from tui.desk.journal import JournalError
from tui.desk.journal_export import verify
from tui.desk.journal_store import SqliteJournal, journal_path
from venues.port import Departure

# Mounts in a namespace of its own, where that is allowed: as root, or where user namespaces are.
UNSHARE = ["unshare", "--mount", "--propagation", "private"]
if os.getuid():
    UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]

FULL = """
import asyncio, os, sys
from pathlib import Path
from tests.tui.desk.journal_rig import place
from tests.tui.desk.rig import START, fill, request
from tui.desk.journal import JournalError
from tui.desk.journal_store import SqliteJournal
from tui.desk.journal_export import verify

async def main(folder):
    journal = SqliteJournal(folder / "state" / "journal.sqlite3")
    await place(journal, "a")
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    kept, words = 3, ""
    for number in range(2000):
        try:
            await journal.fact(fill("a", f"t{number}"), START)
        except JournalError as error:
            words = str(error)
            break
        kept += 1
    print(words)
    for key in ("x", "y"):
        try:
            await journal.intent(request(key), START)
        except JournalError as error:
            print(error)
    ballast.unlink()
    await place(journal, "b")
    await journal.aclose()
    found = verify(journal.path)
    print(found.rows == kept + 3, found.problems)

asyncio.run(main(Path(sys.argv[1])))
"""


def run_in_namespace(script: str, folder: Path, root: Path) -> list[str]:
    """Runs a shell script among mounts of its own, with `$1` the folder; skips where mounts are forbidden."""
    probe = [*UNSHARE, "sh", "-c", 'mount -t tmpfs -o size=64k tmpfs "$1"', "-", str(folder)]
    try:
        allowed = subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("mounts are not allowed here")
    argv = [*UNSHARE, "sh", "-e", "-c", script, "-", str(folder), sys.executable]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_full_disk(tmp_path: Path, project_root: Path) -> None:
    script = tmp_path / "full.py"
    script.write_text(FULL)
    disk = tmp_path / "disk"
    disk.mkdir()
    shell = f'mount -t tmpfs -o size=400k,mode=700 tmpfs "$1"; PYTHONPATH=. "$2" {script} "$1"'
    lines = run_in_namespace(shell, disk, project_root)
    for refused in lines[:3]:
        assert refused == f"the disk is full ({disk}/state): free some space"
    assert lines[3:] == ["True ()"]  # every row that was said to be kept, and those after there was room again


READ_ONLY = """
import asyncio, os, subprocess, sys
from pathlib import Path
from tests.tui.desk.journal_rig import place
from tests.tui.desk.rig import START, request
from tui.desk.journal import JournalError
from tui.desk.journal_store import SqliteJournal
from tui.desk.journal_export import read_rows, verify

async def main(folder):
    path = folder / "journal.sqlite3"
    first = SqliteJournal(path)
    await place(first, "a")
    await first.aclose()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    journal = SqliteJournal(path)
    for _ in range(2):
        try:
            await journal.intent(request("b"), START)
        except JournalError as error:
            print(error)
    print(len(list(read_rows(path))))
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
    await place(journal, "b")
    await journal.aclose()
    print(*verify(path))

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_read_only_disk(tmp_path: Path, project_root: Path) -> None:
    script = tmp_path / "read_only.py"
    script.write_text(READ_ONLY)
    disk = tmp_path / "disk"
    disk.mkdir()
    shell = f'mount -t tmpfs -o size=2m,mode=700 tmpfs "$1"; PYTHONPATH=. "$2" {script} "$1"'
    lines = run_in_namespace(shell, disk, project_root)
    assert len(lines) == 4
    assert "Read-only file system" in lines[0]
    assert "Read-only file system" in lines[1]
    assert lines[2:] == ["3", "6 1 ()"]


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from tests.tui.desk.rig import START, fill
from tui.desk.journal import JournalError
from tui.desk.journal_store import SqliteJournal
from tui.desk.journal_export import verify

async def main(path):
    journal = SqliteJournal(path)
    journal.open()
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    kept = 0
    try:
        while kept < 1000:
            await journal.fact(fill("a", f"t{kept}"), START)
            kept += 1
    except JournalError:
        print("refused")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await journal.fact(fill("a", "last"), START)
    await journal.aclose()
    found = verify(path)
    print(found.rows - kept, found.problems)

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_file_that_may_not_grow(tmp_path: Path, project_root: Path) -> None:
    argv = [sys.executable, "-c", LIMITED, str(journal_path(tmp_path))]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=project_root, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["refused", "1 ()"]


async def test_a_file_that_another_program_holds(tmp_path: Path) -> None:
    async with open_journal(tmp_path, busy_seconds=0.05) as journal:
        with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError, match=r"another program holds .*journal.sqlite3: end it"):
                await journal.intent(request("a"), START)
            other.execute("ROLLBACK")
        await place(journal, "b")
    assert kinds(tmp_path) == ["intent", "sending", "answered"]
    assert verify(journal.path).problems == ()


async def test_a_disk_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    async with open_journal(tmp_path, busy_seconds=60, patience=0.05) as journal:
        with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError, match=r"the disk has not answered for 0\.05 s"):
                await journal.sending(request("a"), Departure(), START)
            other.execute("ROLLBACK")
        await until(lambda: kinds(tmp_path) == ["sending"], 10)  # late, and on the safe side


async def test_another_writer_is_noticed(tmp_path: Path) -> None:
    async with open_journal(tmp_path) as journal, open_journal(tmp_path) as other:
        await place(journal, "a")
        with pytest.raises(JournalError, match="another program has written to"):
            await other.intent(request("b"), START)
        await place(other, "b")
    assert kinds(tmp_path) == ["intent", "sending", "answered"] * 2
    assert verify(journal.path).problems == ()


async def test_a_restored_file_that_has_the_rows_gets_none_twice(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    async with open_journal(folder) as journal:
        await place(journal, "a")
        shutil.copytree(folder, elsewhere)
        shutil.rmtree(folder)
        async with open_journal(elsewhere) as other:
            await place(other, "b")
        shutil.copytree(elsewhere, folder)
        with pytest.raises(JournalError, match="removed or replaced"):
            await journal.intent(request("c"), START)
        await place(journal, "d")
    assert kinds(folder) == ["intent", "sending", "answered"] * 3
    assert verify(journal.path).problems == ()


@pytest.mark.parametrize("what", ["folder", "file", "wal"])
async def test_a_file_that_is_deleted_while_in_use(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "state"
    async with open_journal(folder) as journal:
        await place(journal, "a")
        if what == "folder":
            shutil.rmtree(folder)
        else:
            beside(journal.path, "-wal" if what == "wal" else "").unlink()
        with pytest.raises(JournalError, match=r"removed or replaced while it was in use.* its 3 rows"):
            await journal.intent(request("b"), START)
        await place(journal, "c")
        await journal.fact(fill("c", "t1"), START)
    assert kinds(folder) == ["intent", "sending", "answered"] * 2 + ["fact"]
    assert verify(journal.path).problems == ()


async def test_an_older_copy_put_back_gets_the_rows_that_it_lacks(tmp_path: Path) -> None:
    folder, backup = tmp_path / "state", tmp_path / "backup"
    async with open_journal(folder) as journal:
        await place(journal, "a")
    shutil.copytree(folder, backup)
    async with open_journal(folder) as journal:
        await place(journal, "b")
        shutil.rmtree(folder)
        shutil.copytree(backup, folder)
        with pytest.raises(JournalError, match="removed or replaced"):
            await journal.intent(request("c"), START)
        await place(journal, "d")
    assert kinds(folder) == ["intent", "sending", "answered"] * 3
    assert verify(journal.path).problems == ()


async def test_the_folder_must_be_ones_own(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o777)
    journal = SqliteJournal(journal_path(folder))
    with pytest.raises(JournalError, match="may be written by others: run  chmod"):
        await journal.intent(request("a"), START)
    folder.chmod(0o700)
    await place(journal, "a")
    await journal.aclose()
    assert kinds(folder) == ["intent", "sending", "answered"]


async def test_the_desk_denies_orders_while_it_can_not_be_written(tmp_path: Path) -> None:
    async with open_journal(tmp_path, busy_seconds=0.05) as journal, Rig(journal=journal) as rig:
        await rig.session.arm()
        with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            outcome = await rig.session.submit(intent())
            assert outcome.verdict is Verdict.DENIED
            assert "another program holds" in outcome.reasons[0].text
            other.execute("ROLLBACK")
        assert rig.venue.called("submit_order") == 0
        await rig.place(price=Decimal(99))
        assert rig.venue.called("submit_order") == 1
