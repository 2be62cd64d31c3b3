"""The write-ahead journal in SQLite: one writer thread, and a write returns when the disk has it.

Writes that wait together are committed together. Whatever fails is a JournalError with its reason, the next write
tries again, and the file is opened anew where that may help.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from tui.desk.journal import Command, JournalError, Resolution, Word
from tui.desk.journal_events import (
    Draft,
    EventKind,
    Row,
    draft_answer,
    draft_command,
    draft_fact,
    draft_note,
    draft_of,
)
from tui.desk.journal_file import (
    MIGRATIONS,
    Migrations,
    open_for_writing,
    words_of_os,
    words_of_sqlite,
)
from tui.desk.journal_salvage import INSERT, SELECT
from venues.model import Fill, Order
from venues.port import Departure

logger = logging.getLogger(__name__)
T = TypeVar("T")

BUSY_SECONDS = 2.0
PATIENCE = 5.0  # seconds: a disk that hangs must not hold up a panic, which goes on without a journal
_MOST_TOGETHER = 256  # writes in one commit
_CHECKPOINT_ROWS = 400  # about 1,000 pages, SQLite's own measure
# After these the connection is as good as before; after anything else the file is opened anew.
_PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_LOCKED})


def journal_path(state_dir: Path) -> Path:
    """Returns where the profile that keeps its state in `state_dir` has its journal."""
    return state_dir / "journal.sqlite3"


class _Write:
    """One row on its way: the writer thread answers through `done`."""

    __slots__ = ("done", "draft")

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.done: Future[int] = Future()


class SqliteJournal:
    """A `Journal` in the file at `path`. It is opened by `open`, or by the first write.

    `desk` is mode and account, "PAPER/main". `clock` returns nanoseconds UTC. `busy_seconds` is how long a write
    waits for another program that holds the file, `patience` for a disk that does not answer, both in seconds.
    `notices` is what the trader has to be told about how the file was found. All methods are safe from any thread
    and any loop.
    """

    def __init__(
        self,
        path: Path,
        *,
        desk: str = "",
        clock: Callable[[], int] = time.time_ns,
        busy_seconds: float = BUSY_SECONDS,
        patience: float = PATIENCE,
        migrations: Migrations = MIGRATIONS,
    ) -> None:
        self.path = path
        self.notices: tuple[str, ...] = ()
        self._desk = desk
        self._clock = clock
        self._busy_seconds = busy_seconds
        self._patience = patience
        self._migrations = migrations
        self._queue: queue.SimpleQueue[_Write | Future[None] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()  # between a write that is queued and the end
        self._is_closed = False
        self._thread: threading.Thread | None = None
        # The rest belongs to the writer thread.
        self._connection: sqlite3.Connection | None = None
        self._files: tuple[tuple[int, int], ...] = ()
        self._stranded: list[Row] = []
        self._number = 0
        self._digest = ""
        self._since_checkpoint = 0

    def open(self) -> tuple[str, ...]:
        """Opens or makes the file now, and returns `notices`; blocks.

        Raises:
            JournalError: it can not be written; every write tries again.
        """
        opening: Future[None] = Future()
        self._put(opening)
        opening.result()
        return self.notices

    def close(self) -> None:
        """Commits what waits, brings the file to rest and ends the thread. Again is no error.

        It blocks, for a disk that hangs no longer than twice the patience; the file is whole then too.
        """
        with self._gate:
            self._is_closed = True
            thread, self._thread = self._thread, None
            if thread is not None:
                self._queue.put(None)
        if thread is not None:
            thread.join(2 * self._patience)

    async def aclose(self) -> None:
        """The same as `close`, for a loop that must go on meanwhile."""
        await asyncio.to_thread(self.close)

    async def intent(self, command: Command, ts: int, *, notional: Decimal | None = None) -> None:
        await self._keep(draft_command(EventKind.INTENT, command, ts, notional=notional, desk=self._desk))

    async def sending(self, command: Command, departure: Departure, ts: int) -> None:
        """Keeps that the first byte is about to leave, with the nonce and the deadline where there are any."""
        await self._keep(draft_command(EventKind.SENDING, command, ts, departure=departure, desk=self._desk))

    async def answered(self, command: Command, answer: Word, ts: int) -> None:
        await self._keep(draft_answer(command, answer, ts, self._desk))

    async def ambiguous(self, command: Command, why: str, ts: int) -> None:
        await self._keep(draft_command(EventKind.AMBIGUOUS, command, ts, text=why, desk=self._desk))

    async def fact(self, fact: Order | Fill, ts: int, *, is_answer: bool = False) -> None:
        await self._keep(draft_fact(fact, ts, self._desk, is_answer=is_answer))

    async def resolved(self, command: Command, resolution: Resolution, ts: int) -> None:
        """Keeps what settled a command that nobody had answered: by whom, and why. Raises JournalError."""
        await self._keep(draft_command(EventKind.RESOLVED, command, ts, resolution=resolution, desk=self._desk))

    async def note(
        self,
        text: str,
        ts: int,
        *,
        topic: str = "",
        locked_until: int | None = None,
        amount: Decimal | None = None,
    ) -> None:
        """Keeps what the desk did by itself, such as a detach policy it carried out. Raises JournalError."""
        await self._keep(draft_note(text, ts, topic, locked_until, amount, self._desk))

    def note_now(self, text: str, ts: int, *, topic: str = "", since: tuple[int, str] = (0, "")) -> None:
        """The same from a thread without a loop; blocks. `since` is the oldest row that matters and its digest."""
        write = _Write(draft_note(text, ts, topic, desk=self._desk, since=since))
        self._put(write)
        write.done.result()

    def adopt(self, drafts: Sequence[Draft]) -> None:
        """Takes in rows of another journal, in one commit; blocks. Raises JournalError: none was taken."""
        writes = [_Write(draft) for draft in drafts]
        for write in writes:
            self._put(write)
        for write in writes:
            write.done.result()

    async def _keep(self, draft: Draft) -> None:
        write = _Write(draft)
        self._put(write)
        waiting = asyncio.wrap_future(write.done)
        waiting.add_done_callback(lambda late: late.cancelled() or late.exception())  # nobody may be left to ask
        # Whoever stops waiting leaves the row to be written all the same, which errs on the safe side.
        done, _ = await asyncio.wait({waiting}, timeout=self._patience)
        if not done:
            raise JournalError(f"the disk has not answered for {self._patience:g} s ({self.path.parent})")
        waiting.result()

    def _put(self, item: _Write | Future[None]) -> None:
        with self._gate:
            if self._is_closed:
                raise JournalError("the journal is closed")
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
                self._thread.start()
            self._queue.put(item)

    def _work(self) -> None:
        is_ended = False
        while not is_ended:
            items = [self._queue.get()]
            while len(items) < _MOST_TOGETHER and not self._queue.empty():
                items.append(self._queue.get())
            is_ended = None in items
            openings = [item for item in items if isinstance(item, Future)]
            writes = [item for item in items if isinstance(item, _Write)]
            fault: BaseException | None = JournalError("the journal's thread broke, see pitside.log")
            try:
                fault = self._attempt([write.draft for write in writes])
            finally:
                for opening in openings:
                    _answer(opening, None, fault)
                for number, write in enumerate(writes, self._number - len(writes) + 1):
                    _answer(write.done, number, fault)
            self._checkpoint()
        self._disconnect()

    def _attempt(self, drafts: Sequence[Draft]) -> JournalError | None:
        try:
            connection = self._connect()
            if drafts:
                self._commit(connection, drafts)
        except JournalError as error:
            return error
        except sqlite3.Error as error:
            self._abandon(error)
            return JournalError(words_of_sqlite(error, self.path))
        except OSError as error:
            return JournalError(words_of_os(error, self.path))
        return None

    def _connect(self) -> sqlite3.Connection:
        """Opens the file where it is not open, with the rows of one that was taken away while it was."""
        if self._connection is None:
            opened = open_for_writing(self.path, self._clock, self._busy_seconds, self._migrations)
            self._connection, self._number, self._digest = opened.connection, opened.number, opened.digest
            self.notices += opened.notices
            self._files = self._identity()
            if self._stranded:
                self._bring_back(self._connection)
        elif self._identity() != self._files:
            self._strand(self._connection)
        return self._connection

    def _commit(self, connection: sqlite3.Connection, drafts: Sequence[Draft]) -> None:
        number, digest = self._number, self._digest
        rows = []
        for draft in drafts:
            number += 1
            rows.append(row := draft.row(number, digest))
            digest = row.digest
        if len(rows) == 1:
            # A transaction of its own: every statement waits for the interpreter, 1 ms on a busy desk.
            connection.execute(INSERT, rows[0])
        else:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(INSERT, rows)
            connection.execute("COMMIT")
        self._number, self._digest = number, digest
        self._since_checkpoint += len(rows)
        if self._identity() != self._files:
            self._strand(connection)

    def _abandon(self, error: sqlite3.Error) -> None:
        connection = self._connection
        if connection is None:
            return
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _PASSING:
            self._disconnect()
            return
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._disconnect()

    def _identity(self) -> tuple[tuple[int, int], ...]:
        """Says which files lie at the journal's path: SQLite writes on into ones that have been removed."""
        found = []
        for suffix in ("", "-wal"):
            try:
                status = Path(f"{self.path}{suffix}").lstat()
            except OSError:
                found.append((0, 0))
            else:
                found.append((status.st_dev, status.st_ino))
        return tuple(found)

    def _strand(self, connection: sqlite3.Connection) -> None:
        """Keeps the rows of a file that was taken away. Raises JournalError; the next write brings them back."""
        self._stranded = [Row(*found) for found in connection.execute(SELECT)]
        self._disconnect()
        raise JournalError(
            f"{self.path} was removed or replaced while it was in use: put it back, or try again to have it "
            f"written anew with its {len(self._stranded):,} rows"
        )

    def _bring_back(self, connection: sqlite3.Connection) -> None:
        present = {digest for (digest,) in connection.execute("SELECT digest FROM event")}
        missing = [draft_of(row) for row in self._stranded if row.digest not in present]
        if missing:
            self._commit(connection, missing)
        self._stranded = []

    def _checkpoint(self) -> None:
        """Moves rows from the -wal into the file, between writes: within a commit it would hold up an order."""
        if self._connection is None or self._since_checkpoint < _CHECKPOINT_ROWS:
            return
        self._since_checkpoint = 0
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:  # the rows are safe in the -wal, and the next time may do
            logger.warning("the journal's -wal was not moved into it: %s", error)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error as error:
                logger.warning("the journal was not closed well: %s", error)


def _answer(done: Future[T], result: T, fault: BaseException | None) -> None:
    if fault is not None:
        done.set_exception(fault)
    else:
        done.set_result(result)
