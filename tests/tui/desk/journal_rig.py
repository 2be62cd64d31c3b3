"""What the journal's tests stand on: a journal in a folder of its own, and commands to keep in it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.tui.desk.rig import PERP, START, order, request
from tui.desk.journal_events import Row
from tui.desk.journal_export import read_rows
from tui.desk.journal_store import SqliteJournal, journal_path
from venues.commands import AmendRequest, CancelRequest
from venues.port import Departure

AMEND = AmendRequest(instrument=PERP, client_order_id="a", venue_order_id="va", price=Decimal("99.50"))
CANCEL = CancelRequest(instrument=PERP, client_order_id="a", venue_order_id="va")


@asynccontextmanager
async def open_journal(folder: Path, **settings: Any) -> AsyncIterator[SqliteJournal]:
    """A journal in `folder`, opened, and closed at the end."""
    journal = SqliteJournal(journal_path(folder), **settings)
    try:
        journal.open()
        yield journal
    finally:
        await journal.aclose()


async def place(journal: SqliteJournal, key: str, ts: int = START) -> None:
    """Keeps an order that was sent and that its venue confirmed: three rows."""
    await journal.intent(request(key), ts)
    await journal.sending(request(key), Departure(), ts + 1)
    await journal.answered(request(key), order(key), ts + 2)


def kept(folder: Path) -> list[Row]:
    return list(read_rows(journal_path(folder)))


def kinds(folder: Path) -> list[str]:
    return [row.kind for row in kept(folder)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def beside(path: Path, suffix: str) -> Path:
    return Path(f"{path}{suffix}")


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
