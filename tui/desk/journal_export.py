"""A journal read out: every row, every execution, and whether the file is what was written. Nothing is cut."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from tui.desk.journal import JournalError
from tui.desk.journal_events import GENESIS, EventKind, Row, draft_of, event_of, hash_of
from tui.desk.journal_file import MIGRATIONS, open_for_reading, version_of, words_of_sqlite
from tui.desk.journal_fold import JournalState
from tui.desk.journal_salvage import SELECT, SELECT_SINCE
from venues.model import NANOSECONDS, ZERO, Fill

FILL_COLUMNS = (
    "ts_event", "time", "venue", "symbol", "side", "quantity", "price", "notional", "fee", "fee_currency",
    "realized_pnl", "liquidity", "trade_id", "client_order_id", "venue_order_id",
)  # fmt: skip
_NOTES = "SELECT number, body FROM event WHERE kind = 'note' ORDER BY number DESC"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would work out instead of showing


class Sink(Protocol):
    """Where an export goes: a text file, or something that passes text on."""

    def write(self, text: str, /) -> object: ...


class Verification(NamedTuple):
    """What a check of a journal found; no problems means that it is whole."""

    rows: int
    version: int
    problems: tuple[str, ...]


def read_rows(path: Path, since: int = 0) -> Iterator[Row]:
    """Yields all rows from the number `since` on, oldest first, while the desk may go on writing.

    Raises:
        JournalError: there is no journal, or it can not be read on; what was yielded before is good.
    """
    with open_for_reading(path) as connection:
        for found in connection.execute(SELECT_SINCE, (since,)):
            yield Row(*found)


def oldest_needed(path: Path) -> int:
    """Returns the row from which a desk has to read to know all that is open; 0 for all. Raises JournalError."""
    with open_for_reading(path) as connection:
        for number, body in connection.execute(_NOTES):
            event = event_of(body, number)
            if event.topic == "start" and event.since is not None:
                # Rows that were salvaged from a broken file have other numbers.
                return event.since if _digest(connection, event.since) == event.since_digest else 0
    return 0


def digest_of(path: Path, number: int) -> str:
    """Returns the digest of a row; empty where there is none. Raises JournalError."""
    with open_for_reading(path) as connection:
        return _digest(connection, number)


def _digest(connection: sqlite3.Connection, number: int) -> str:
    found = connection.execute("SELECT digest FROM event WHERE number = ?", (number,)).fetchone()
    return str(found[0]) if found is not None else ""


def export_jsonl(path: Path, target: Sink) -> int:
    """Writes each row as one JSON object, as it lies in the file; returns how many. Raises JournalError."""
    count = 0
    for row in read_rows(path):
        fields = row._asdict()
        fields["body"] = msgspec.Raw(row.body.encode())
        target.write(msgspec.json.encode(fields).decode() + "\n")
        count += 1
    return count


def export_fills_csv(path: Path, target: Sink, *, with_ids: bool = True) -> int:
    """Writes each execution once, under a head line; returns how many. Raises JournalError.

    Amounts are plain decimals, times nanoseconds UTC and ISO 8601. Without ids nothing leads back to the account.
    """
    columns = FILL_COLUMNS if with_ids else FILL_COLUMNS[:-3]
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for fill in read_state(path).fills:
        writer.writerow(_cells(fill)[: len(columns)])
        count += 1
    return count


def read_state(path: Path) -> JournalState:
    """Folds a whole journal. Raises JournalError."""
    state = JournalState()
    for row in read_rows(path):
        state.take(row)
    return state


def verify(path: Path) -> Verification:
    """Checks the file, the chain of its rows, and that what it tells fits together. Raises JournalError."""
    problems: list[str] = []
    state = JournalState()
    wanted: set[str] = set()
    count, number, digest = 0, 0, GENESIS
    with open_for_reading(path) as connection:
        version = version_of(connection)
        problems += _check_file(connection, path, version)
        try:
            for found in connection.execute(SELECT):
                row = Row(*found)
                count += 1
                if row.number != number + 1:
                    problems.append(f"rows {number + 1} to {row.number - 1} are missing")
                if draft_of(row).row(row.number, digest) != row:
                    problems.append(f"row {row.number} is not what was written, or follows another row")
                number, digest = row.number, row.digest
                try:
                    problems += _check_row(row, wanted)
                    state.take(row)
                except JournalError as error:
                    problems.append(str(error))
        except sqlite3.DatabaseError as error:
            problems.append(f"not readable after row {number}: {words_of_sqlite(error, path)}")
    problems += [
        f"order {key} has more executions than it had quantity"
        for key, tracked in state.orders.items()
        if tracked.is_overfilled
    ]
    return Verification(count, version, tuple(problems))


def time_of(ts: int) -> str:
    """Writes nanoseconds UTC as ISO 8601, whole."""
    seconds, rest = divmod(ts, NANOSECONDS)
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
    except (ValueError, OverflowError, OSError):
        return str(ts)


def _check_file(connection: sqlite3.Connection, path: Path, version: int) -> list[str]:
    problems = []
    if version > len(MIGRATIONS):
        problems.append(f"journal version {version} is newer than this pitside knows ({len(MIGRATIONS)})")
    try:
        found = [str(line) for (line,) in connection.execute("PRAGMA integrity_check")]
    except sqlite3.DatabaseError as error:
        found = [words_of_sqlite(error, path)]
    return problems + [f"the file is damaged: {line}" for line in found if line != "ok"]


def _check_row(row: Row, wanted: set[str]) -> list[str]:
    command = row.event().command
    if command is None:
        return []
    problems = []
    if hash_of(command) != row.body_hash:
        problems.append(f"row {row.number}: the body is not the one of its hash")
    if row.kind == EventKind.INTENT:
        wanted.add(row.body_hash)
    elif row.kind == EventKind.SENDING and row.body_hash not in wanted:
        problems.append(f"row {row.number}: sent without an intent")
    return problems


def _cells(fill: Fill) -> tuple[str, ...]:
    return (
        str(fill.ts_event),
        time_of(fill.ts_event),
        _plain(fill.instrument.venue),
        _plain(fill.instrument.symbol),
        fill.side.value,
        f"{fill.quantity:f}",
        f"{fill.price:f}",
        f"{fill.quantity * fill.price:f}",
        f"{fill.fee + ZERO:f}",
        _plain(fill.fee_currency),
        f"{fill.realized_pnl + ZERO:f}",
        fill.liquidity.value,
        _plain(fill.trade_id),
        _plain(fill.client_order_id),
        _plain(fill.venue_order_id),
    )


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
