"""What the journal costs before an order may leave: one commit, alone and in company; then its reading.

Beside it the least that a commit on this disk can cost: one row, by the bare sqlite3 module, on one thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from tests.benchmarks.table import Table
from tests.benchmarks.terminal import quantile
from tui.desk.journal_export import read_state, verify
from tui.desk.journal_store import SqliteJournal, journal_path
from venues.commands import OrderRequest
from venues.model import Fill, InstrumentId, Liquidity, OrderType, Side
from venues.port import Departure

INSTRUMENT = InstrumentId("test", "BTC-PERP")
FILLS = 10_000
TOGETHER = 50


def run(table: Table, seconds: float) -> None:
    """Milliseconds a commit, and the time that 10,000 executions take to read."""
    # Beside the sources: a temporary folder may be memory, where a commit costs nothing.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".journal-benchmark-") as folder:
        asyncio.run(_measure(table, Path(folder), seconds))


async def _measure(table: Table, folder: Path, seconds: float) -> None:
    table.part("journal, ms", "p50", "p99", "worst")
    journal = SqliteJournal(journal_path(folder / "single"))
    journal.open()
    with closing(_open_bare(folder / "bare.sqlite3")) as bare:
        own, least = await _in_turns(journal, bare, seconds)
    row(table, f"commit one row ({len(own):,})", own)
    row(table, "BEGIN IMMEDIATE; INSERT; COMMIT", least)
    row(table, f"commit one of {TOGETHER} that wait together", await _together(journal, seconds / 3))
    await journal.aclose()
    journal = SqliteJournal(journal_path(folder / "fills"))
    for start in range(0, FILLS, 250):
        await asyncio.gather(*(journal.fact(_fill(number), number) for number in range(start, start + 250)))
    await journal.aclose()
    for label, work in (("open for writing", _open), ("fold", read_state), ("verify", verify)):
        began = time.perf_counter()
        work(journal.path)
        row(table, f"{label}, {FILLS:,} executions", [(time.perf_counter() - began) * 1000])


def _open_bare(path: Path) -> sqlite3.Connection:
    bare = sqlite3.connect(path, isolation_level=None)
    for statement in (
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "CREATE TABLE event (number INTEGER PRIMARY KEY, body TEXT)",
    ):
        bare.execute(statement)
    return bare


async def _in_turns(
    journal: SqliteJournal, bare: sqlite3.Connection, seconds: float
) -> tuple[list[float], list[float]]:
    """Commits a row there and one here, so that both meet the same disk; returns the times of each."""
    own: list[float] = []
    least: list[float] = []
    body = "x" * 400  # about what the journal's row of an order holds
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        await journal.sending(_request(len(own)), Departure(), len(own))
        between = time.perf_counter()
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO event (body) VALUES (?)", (body,))
        bare.execute("COMMIT")
        own.append((between - began) * 1000)
        least.append((time.perf_counter() - between) * 1000)
    return own, least


async def _together(journal: SqliteJournal, seconds: float) -> list[float]:
    samples: list[float] = []

    async def one(number: int) -> None:
        began = time.perf_counter()
        await journal.sending(_request(number), Departure(), number)
        samples.append((time.perf_counter() - began) * 1000)

    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        await asyncio.gather(*(one(number) for number in range(TOGETHER)))
    return samples


def _open(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.open()
    journal.close()


def _request(number: int) -> OrderRequest:
    return OrderRequest(
        instrument=INSTRUMENT, client_order_id=f"k{number}", side=Side.BUY, type=OrderType.LIMIT,
        quantity=Decimal("0.010"), price=Decimal("64000.50"),
    )  # fmt: skip


def _fill(number: int) -> Fill:
    return Fill(
        instrument=INSTRUMENT, trade_id=f"t{number}", client_order_id=f"k{number}", venue_order_id=f"v{number}",
        side=Side.BUY if number % 2 else Side.SELL, price=Decimal(64_000 + number % 100),
        quantity=Decimal("0.010"), fee=Decimal("0.32"), fee_currency="USDT", liquidity=Liquidity.TAKER,
        ts_event=number,
    )  # fmt: skip


def row(table: Table, label: str, samples: list[float]) -> None:
    table.row(label, (quantile(samples, 0.5), quantile(samples, 0.99), max(samples)), digits=2)
