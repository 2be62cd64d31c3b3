"""MAX: fifty books at ten updates a second each, and what the adapter sends when they break by the dozen."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import httpx

from tests.benchmarks.many_books import Meter, exchange, measured
from tests.benchmarks.max_client import FiftyBooks
from tests.benchmarks.table import Table
from tests.venues.max.fifty_books import BOOKS, PER_MINUTE, PER_SECOND
from venues.max.venue import Settings

_SERVER, _CLIENT = "tests.benchmarks.max_server", "tests.benchmarks.max_client"
UPDATES = 10  # of a book in a second
STORMS = 5  # times as long as the other measurements: a minute has to be in it
MENDING = 30.0  # seconds


def run(table: Table, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as home, exchange(_SERVER, Path(home)) as served:
        fifty_books(table, served, Path(home), seconds)
        asyncio.run(storm(table, served, seconds * STORMS))


def fifty_books(table: Table, served: dict[str, str], home: Path, seconds: float) -> None:
    """Processor time of the adapter and of the whole desk, beside a reader that keeps no book."""
    whole = BOOKS * UPDATES
    table.part(f"MAX, {BOOKS} books, {UPDATES} updates/s each", f"% at {whole}/s", "us each", "per s")
    cost: dict[str, float] = {}
    for label, kind in (
        ("websockets + json.loads, no book", "plain"),
        ("the adapter: every book proven, events taken", "adapter"),
        ("the whole desk without a screen", "desk"),
        ("websockets + json.loads, once more", "plain again"),
    ):
        found = measured(_CLIENT, kind.split()[0], served, home, seconds)
        cost[kind] = found["cpu"] / found["messages"] * 1e6
        # A machine with other work to do may push less: the share is of the full rate all the same.
        table.row(label, (cost[kind] * whole / 1e4, cost[kind], found["messages"] / found["seconds"]))
    plain = (cost["plain"] + cost["plain again"]) / 2
    table.at_most("a message: the adapter / that reader", cost["adapter"] / plain, 4)
    table.at_most("a message: the whole desk / that reader", cost["desk"] / plain, 9)


async def storm(table: Table, served: dict[str, str], seconds: float) -> None:
    """What one connection sends while its books break, as the exchange counts it, under the venue's own limits."""
    settings = Settings(rest_url=served["rest_url"], ws_url=served["ws_url"], is_practice=True)
    venue = FiftyBooks(settings)
    venue.meter = Meter()

    async def consume() -> None:
        async for _ in venue.events():
            pass

    consumer = asyncio.create_task(consume())
    async with httpx.AsyncClient(base_url=f"{served['rest_url']}/practice/", trust_env=False) as control:

        async def sent() -> dict[str, int]:
            (row,) = (await control.get("state", timeout=30)).json()["streams"]
            found: dict[str, int] = row
            return found

        async def lost(updates: int) -> None:
            """Waits until so many were left out: each book lacks some of them, and none is known to."""
            while True:
                report = (await control.get("faults")).json()
                if report["done"].get("gap", 0) >= updates:
                    return
                await asyncio.sleep(0.1)

        async def mended(gaps: int = 0) -> float:
            """Waits for the changes that show so many gaps, and until all books can be read."""
            began = time.perf_counter()
            while venue.valid < BOOKS or venue._market.books.faults < gaps:
                assert time.perf_counter() - began < MENDING, f"{venue.valid} books of {BOOKS} can be read"
                await asyncio.sleep(0.02)
            return time.perf_counter() - began

        try:
            await venue.connect()
            await venue.subscribe_all()
            await mended()
            before, known = await sent(), venue._market.books.faults
            await control.put("faults", json={"faults": "gap:1"})
            await lost(5 * BOOKS)
            await control.delete("faults")
            at_once = await mended(known + BOOKS)
            after = await sent()
            faults = venue._market.books.faults
            table.part(f"MAX, {BOOKS} gaps at once, again for {seconds:.0f} s", "gaps", "messages", "mended s")
            table.row("all at once", (faults - known, after["messages"] - before["messages"], at_once))
            await control.put("faults", json={"faults": "gap:0.1"})
            await asyncio.sleep(seconds)
            await control.delete("faults")
            await asyncio.sleep(1)
            again = 1 + await mended()
            last = await sent()
            gaps = venue._market.books.faults - faults
            table.row("again and again", (gaps, last["messages"] - after["messages"], again))
        finally:
            await venue.aclose()
            await consumer
    table.at_most("messages in the busiest second", last["most_a_second"], PER_SECOND)
    table.at_most("messages in the busiest minute", last["most_a_minute"], PER_MINUTE)
    table.at_most("the longest until all books are right, s", max(at_once, again), 15)
