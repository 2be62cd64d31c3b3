"""The journal's file: opened privately, and brought to this version's schema.

Nothing here deletes or overwrites what a file holds: what is broken goes through `journal_salvage`.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

from tui.desk import journal_salvage as salvage
from tui.desk.journal import JournalError
from tui.desk.journal_events import GENESIS
from tui.desk.journal_salvage import SELECT, SIDECARS, Broken, connect
from tui.paths import UnsafePath, make_private_dir

APPLICATION_ID = 0x70697473  # "pits", so that a database of something else is never taken for a journal
Migrations: TypeAlias = Sequence[Sequence[str]]

_EVENT = """event (
            number INTEGER PRIMARY KEY, ts INTEGER NOT NULL, kind TEXT NOT NULL, venue TEXT NOT NULL,
            symbol TEXT NOT NULL, client_order_id TEXT NOT NULL, venue_order_id TEXT NOT NULL,
            body_hash TEXT NOT NULL, body TEXT NOT NULL, digest TEXT NOT NULL)"""

MIGRATIONS: Migrations = (
    (
        f"PRAGMA application_id = {APPLICATION_ID}",
        f"CREATE TABLE {_EVENT}",
        """CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
            BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
        """CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
            BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
    ),
)
"""What brings a file from version n to n + 1, n from 0."""


class Opened(NamedTuple):
    """An open journal: where it stands, and what the trader has to be told about how it was opened."""

    connection: sqlite3.Connection
    number: int  # of its last row
    digest: str
    notices: tuple[str, ...]


class NewerJournal(JournalError):
    """Written by a version that this one does not know."""


def open_for_writing(
    path: Path, clock: Callable[[], int], busy_seconds: float, migrations: Migrations = MIGRATIONS
) -> Opened:
    """Opens or makes the journal at `path`, its folder 0700 and its files 0600.

    Raises:
        JournalError: it can not be written, or belongs to a newer version; the message says why and the remedy.
    """
    notices: list[str] = []
    try:
        make_private_dir(path.parent)
        _refuse_links(path)
        if salvage.is_orphaned_wal(path):
            aside = salvage.set_aside(path, clock)
            notices.append(f"the journal was empty beside a -wal with rows: both were set aside as {aside.name}")
        wal = salvage.copy_wal(path, clock)
        _create_private(path)
        try:
            connection = _open_checked(path, busy_seconds, clock, migrations)
        except Broken as broken:
            if wal is not None:
                wal.copy.unlink()  # it goes aside with the rest
                wal = None
            notices.append(_replace(path, str(broken), busy_seconds, clock, migrations))
            connection = _open_checked(path, busy_seconds, clock, migrations)
        if wal is not None and (torn := salvage.judge_wal(connection, wal)):
            notices.append(torn)
        number, digest = last_row(connection)
    except UnsafePath as error:
        raise JournalError(str(error)) from error
    except Broken as error:
        raise JournalError(f"the journal can not be used: {error}") from error
    except OSError as error:
        raise JournalError(words_of_os(error, path)) from error
    except sqlite3.Error as error:
        raise JournalError(words_of_sqlite(error, path)) from error
    return Opened(connection, number, digest, tuple(notices))


def last_row(connection: sqlite3.Connection) -> tuple[int, str]:
    """Returns the number and digest of the last row; zero and nothing where there is none."""
    found = connection.execute("SELECT number, digest FROM event ORDER BY number DESC LIMIT 1").fetchone()
    return (found[0], found[1]) if found is not None else (0, GENESIS)


@contextmanager
def open_for_reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens a journal without changing anything, of a newer version too.

    Where the folder can not be written SQLite can not read a journal either: then a copy is read. A journal that a
    desk has made and not yet begun, or was killed before it had, is one without rows.

    Raises:
        JournalError: there is none, or it can not be read.
    """
    if not path.is_file():
        raise JournalError(f"there is no journal at {path}")
    if salvage.is_orphaned_wal(path):  # which SQLite deletes, even where it is told to read only
        raise JournalError(
            f"{path} is empty beside a -wal with rows: "
            "a desk that starts sets both aside, or put the file back that the -wal belongs to"
        )
    try:
        with ExitStack() as stack:
            connection = stack.enter_context(closing(connect(path, "ro", 5.0)))
            try:
                _expect_events(connection, path)
            except sqlite3.OperationalError:
                connection.close()
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pitside-journal-"))
                copy = _copy_to_read(path, Path(folder))
                connection = stack.enter_context(closing(connect(copy, "rw", 5.0)))
                _expect_events(connection, path)
            yield connection
    except sqlite3.Error as error:
        raise JournalError(words_of_sqlite(error, path)) from error


def version_of(connection: sqlite3.Connection) -> int:
    """Returns the schema's version; 0 for an empty file. Raises sqlite3.Error."""
    known = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'migration'").fetchone()[0]
    if not known:
        return 0
    version = connection.execute("SELECT max(version) FROM migration").fetchone()[0]
    return int(version) if version is not None else 0


def check_version(connection: sqlite3.Connection, path: Path, known: int) -> int:
    """Returns the file's version. Raises NewerJournal where it is above `known`."""
    version = version_of(connection)
    if version > known:
        raise NewerJournal(
            f"{path} was written by a newer pitside (journal version {version}, this one knows {known}): "
            "start that version, or another --profile; `pitside journal show` and `export` can read it"
        )
    return version


def words_of_sqlite(error: sqlite3.Error, path: Path) -> str:
    """Says in a trader's words why SQLite could not do it."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    is_io = code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    if code == sqlite3.SQLITE_FULL or (is_io and _is_full(path.parent)):
        return f"the disk is full ({path.parent}): free some space"
    if code == sqlite3.SQLITE_READONLY:
        return f"{path} is read-only: make its folder and its disk writable"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"another program holds {path}: end it"
    if code == sqlite3.SQLITE_CONSTRAINT:
        return f"another program has written to {path}: end it, then try again"
    if code == sqlite3.SQLITE_CANTOPEN:
        return f"{path} can not be opened: make its folder writable"
    return f"{path}: {error}"


def words_of_os(error: OSError, path: Path) -> str:
    return f"{error.filename or path}: {error.strerror or error}"


def _open_checked(
    path: Path, busy_seconds: float, clock: Callable[[], int], migrations: Migrations
) -> sqlite3.Connection:
    connection = connect(path, "rw", busy_seconds)
    try:
        for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "fullfsync = ON", "wal_autocheckpoint = 0"):
            connection.execute(f"PRAGMA {pragma}")
        # Before anything is written: a file of another version, or of another program, is left as it is.
        version = check_version(connection, path, len(migrations))
        is_empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not is_empty and connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise Broken(f"{path} is a database of another program")
        if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise Broken(f"{path} is damaged: {found}")
        if (mode := connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]) != "wal":
            raise JournalError(f"{path} can not be kept safely: SQLite offers {mode}, not WAL, on this disk")
        connection.execute("PRAGMA synchronous = FULL")
        if version < len(migrations):
            _migrate(connection, version, migrations, clock())
        try:
            connection.execute(SELECT).fetchone()
        except sqlite3.OperationalError as error:
            raise Broken(f"{path} is no journal: {error}") from error
    except sqlite3.DatabaseError as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise Broken(f"{path} is damaged: {error}") from error
        raise
    except (Broken, JournalError):
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, version: int, migrations: Migrations, now: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, ts INTEGER NOT NULL)"
        )
        for number, statements in enumerate(migrations[version:], version + 1):
            for statement in statements:
                connection.execute(statement)
            connection.execute("INSERT INTO migration VALUES (?, ?)", (number, now))
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _refuse_links(path: Path) -> None:
    for suffix in SIDECARS:
        if Path(f"{path}{suffix}").is_symlink():
            raise JournalError(f"{path}{suffix} is a symbolic link: put the real file there")


def _create_private(path: Path) -> None:
    """Makes the files before SQLite does, which would let others read them; links are not followed."""
    for suffix in SIDECARS:
        name = f"{path}{suffix}"
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or status.st_nlink > 1:
                raise JournalError(f"{name} is not a file of yours alone: put it elsewhere")
            if status.st_mode & 0o077:
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)  # the names must outlive a power cut, not only what is in the files
    finally:
        os.close(folder)


def _replace(path: Path, why: str, busy_seconds: float, clock: Callable[[], int], migrations: Migrations) -> str:
    """Puts a new journal in the place of a broken one, with the rows that can be read of that.

    The new one is made whole beside it first: where that fails, everything is still where it was.
    """
    rows = salvage.read_broken(path)
    aside = salvage.free_name(path, clock)
    fresh = path.with_name(f"{path.name}.new")
    for suffix in SIDECARS:
        Path(f"{fresh}{suffix}").unlink(missing_ok=True)
    _create_private(fresh)
    with closing(_open_checked(fresh, busy_seconds, clock, migrations)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        what = salvage.write_rows(connection, rows, aside, clock)
        connection.execute("COMMIT")
    salvage.rename_all(path, aside)
    salvage.rename_all(fresh, path)
    return f"{why}: it was set aside as {aside.name}, {what}"


def _expect_events(connection: sqlite3.Connection, path: Path) -> None:
    """Lets a file that nothing was written to be read as one without rows; the file stays as it is."""
    held = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not held:
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"CREATE TEMP TABLE {_EVENT}")
    elif "event" not in held:
        raise JournalError(f"{path} is a database of another program, not a journal")


def _copy_to_read(path: Path, folder: Path) -> Path:
    try:
        return salvage.copy_files(path, folder)
    except OSError as error:
        raise JournalError(words_of_os(error, path)) from error


def _is_full(folder: Path) -> bool:
    try:
        room = os.statvfs(folder)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < 65_536
