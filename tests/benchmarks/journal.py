"""What the journal costs before an order may leave: one commit, alone and in company; then its reading."""

from __future__ import annotations

import asyncio
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from tests.benchmarks.terminal import quantile
from tui.desk.journal_export import read_state, verify
from tui.desk.journal_store import SqliteJournal, journal_path
from venues.commands import OrderRequest
from venues.model import Fill, InstrumentId, Liquidity, OrderType, Side
from venues.port import Departure

INSTRUMENT = InstrumentId("test", "BTC-PERP")
FILLS = 10_000
TOGETHER = 50


def run(seconds: float) -> None:
    """Prints milliseconds a commit, and the seconds that 10,000 executions take to read."""
    # Beside the sources: a temporary folder may be memory, where a commit costs nothing.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".journal-benchmark-") as folder:
        asyncio.run(_measure(Path(folder), seconds))


async def _measure(folder: Path, seconds: float) -> None:
    print(f"\n{'journal, ms':<44}{'p50':>10}{'p99':>10}{'worst':>10}")
    journal = SqliteJournal(journal_path(folder / "single"))
    journal.open()
    row(f"commit one row ({seconds:.0f} s)", await _single(journal, seconds))
    row(f"commit one of {TOGETHER} that wait together", await _together(journal, seconds / 3))
    await journal.aclose()
    journal = SqliteJournal(journal_path(folder / "fills"))
    for start in range(0, FILLS, 250):
        await asyncio.gather(*(journal.fact(_fill(number), number) for number in range(start, start + 250)))
    await journal.aclose()
    for label, work in (("open for writing", _open), ("fold", read_state), ("verify", verify)):
        began = time.perf_counter()
        work(journal.path)
        row(f"{label}, {FILLS:,} executions", [(time.perf_counter() - began) * 1000])


async def _single(journal: SqliteJournal, seconds: float) -> list[float]:
    samples: list[float] = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        await journal.sending(_request(len(samples)), Departure(), len(samples))
        samples.append((time.perf_counter() - began) * 1000)
    return samples


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


def row(label: str, samples: list[float]) -> None:
    print(
        f"  {label:<42}{quantile(samples, 0.5):>10.2f}{quantile(samples, 0.99):>10.2f}{max(samples):>10.2f}",
        flush=True,
    )
