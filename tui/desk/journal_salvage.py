"""Broken journals: set aside whole, never changed, and what can be read of a copy of them is read."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from tui.desk.journal import JournalError
from tui.desk.journal_events import GENESIS, Row, draft_note, draft_of

SIDECARS = ("", "-wal", "-shm")
SELECT = (
    "SELECT number, ts, kind, venue, symbol, client_order_id, venue_order_id, body_hash, body, digest"
    " FROM event ORDER BY number"
)
SELECT_SINCE = SELECT.replace("ORDER", "WHERE number >= ? ORDER")
INSERT = (
    "INSERT INTO event (number, ts, kind, venue, symbol, client_order_id, venue_order_id, body_hash, body, digest)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

_LONGEST = 16 << 30  # bytes; a longer one is no length but garbage


class Broken(Exception):
    """The file at the journal's path is no whole journal."""


class CopiedWal(NamedTuple):
    """A -wal as it was before it was opened, and its frames up to the last one that ended a commit."""

    copy: Path
    frames: int


def connect(path: Path, mode: str, busy_seconds: float) -> sqlite3.Connection:
    """Opens a file that exists, and makes none."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True, isolation_level=None, check_same_thread=False, timeout=busy_seconds,
    )  # fmt: skip


def is_orphaned_wal(path: Path) -> bool:
    """Says whether SQLite would delete a -wal with rows in it, since the file that it belongs to is empty."""
    wal = Path(f"{path}-wal")
    return wal.is_file() and wal.stat().st_size > 0 and not (path.exists() and path.stat().st_size)


def free_name(path: Path, clock: Callable[[], int]) -> Path:
    """Returns a name beside `path` that nothing has yet, for what is set aside."""
    stamp = clock()
    while any(os.path.lexists(f"{path}.broken-{stamp}{suffix}") for suffix in SIDECARS):
        stamp += 1
    return path.with_name(f"{path.name}.broken-{stamp}")


def set_aside(path: Path, clock: Callable[[], int]) -> Path:
    """Renames a journal's files, and returns the new name."""
    aside = free_name(path, clock)
    rename_all(path, aside)
    return aside


def rename_all(path: Path, name: Path) -> None:
    for suffix in SIDECARS:
        if os.path.lexists(f"{path}{suffix}"):
            Path(f"{path}{suffix}").rename(f"{name}{suffix}")


def read_broken(path: Path) -> list[Row]:
    """Returns the rows of a broken journal that can be read, in their order; the file is left as it is."""
    rows: dict[int, Row] = {}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".salvage-") as folder:
        copy = copy_files(path, Path(folder))
        _fill_up(copy)
        for order in ("", " DESC"):  # what lies behind a damaged page is reached from the other end
            for row in _readable(copy, order):
                if row.number in rows:
                    break
                rows[row.number] = row
    return [rows[number] for number in sorted(rows)]


def write_rows(connection: sqlite3.Connection, rows: list[Row], aside: Path, clock: Callable[[], int]) -> str:
    """Writes rows that were read of `aside`, under their old numbers, and a note of it; returns what it says."""
    digest = GENESIS
    for old in rows:
        row = draft_of(old).row(old.number, digest)
        connection.execute(INSERT, row)
        digest = row.digest
    what = f"{len(rows):,} rows were read from it" if rows else "nothing could be read from it"
    note = draft_note(f"a broken journal was set aside as {aside.name}, {what}", clock())
    connection.execute(INSERT, note.row(rows[-1].number + 1 if rows else 1, digest))
    return what


def copy_files(path: Path, folder: Path) -> Path:
    """Copies a journal with its -wal, and returns the copy."""
    copy = folder / "journal"
    for suffix in SIDECARS[:2]:  # SQLite makes the -shm anew from the -wal
        if Path(f"{path}{suffix}").exists():
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    return copy


def copy_wal(path: Path, clock: Callable[[], int]) -> CopiedWal | None:
    """Copies a -wal that was not closed well, before SQLite writes over what is torn in it."""
    wal = Path(f"{path}-wal")
    if wal.is_symlink() or not wal.is_file() or not (frames := _committed_frames(wal)):
        return None
    copy = Path(f"{free_name(path, clock)}-wal")
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        target.write(wal.read_bytes())
    return CopiedWal(copy, frames)


def judge_wal(connection: sqlite3.Connection, wal: CopiedWal) -> str:
    """Keeps the copy only where SQLite did not take all of its commits, and says so; else returns nothing."""
    taken = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
    if taken >= wal.frames:
        wal.copy.unlink()
        return ""
    return (
        f"the end of the journal was torn: {wal.frames - taken} pages of it are lost, the rows before them are "
        f"kept, and the torn file was set aside as {wal.copy.name}. Compare with what the venues show"
    )


def _committed_frames(wal: Path) -> int:
    """Counts the frames of this generation (same salt) up to the last that ends a commit, sums unchecked."""
    with wal.open("rb") as file:
        header = file.read(32)
        if len(header) < 32:
            return 0
        page_size, salt = struct.unpack(">I", header[8:12])[0], header[16:24]
        last = number = 0
        while len(frame := file.read(24)) == 24 and frame[8:16] == salt:
            number += 1
            if frame[4:8] != bytes(4):
                last = number
            file.seek(page_size, os.SEEK_CUR)
    return last


def _fill_up(copy: Path) -> None:
    """Gives a file that was cut short its length again, without which SQLite reads nothing of it."""
    with copy.open("r+b") as file:
        header = file.read(32)
        if len(header) == 32:
            page_size, pages = struct.unpack(">H10xI", header[16:32])
            length = (65_536 if page_size == 1 else page_size) * pages
            if file.seek(0, os.SEEK_END) < length <= _LONGEST:
                file.truncate(length)


def _readable(path: Path, order: str) -> Iterator[Row]:
    try:
        with closing(connect(path, "rw", 1.0)) as connection:
            for found in connection.execute(SELECT + order):
                row = Row(*found)
                if isinstance(row.number, int) and isinstance(row.ts, int):
                    row.event()
                    yield row
    except (sqlite3.Error, JournalError, TypeError):
        return
