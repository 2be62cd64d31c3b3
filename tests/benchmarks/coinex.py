"""CoinEx: frame to event, an order's round trip over TLS, twenty live instruments, and the local exchange."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path

import trustme

from tests.benchmarks.journal import row
from tests.benchmarks.table import Table
from tests.venues.coinex.depth_frames import MARKET, TOP, depth_frames, follow, follow_plainly, rate
from venues.coinex.parse import instrument_id
from venues.coinex.venue import CoinexVenue, Settings
from venues.commands import CancelRequest, Channel, OrderRequest, Subscription
from venues.events import BookDelta, BookSnapshot, Event
from venues.model import OrderType, Side
from venues.port import Credentials
from venues.transport.frames import Frame

FRAMES = 6_000
READ_TOGETHER = 8  # frames that a busy connection hands over at once
INSTRUMENTS = 20
RATE = 2_000
CLIENTS = 4


def run(table: Table, seconds: float) -> None:
    decoding(table)
    asyncio.run(round_trip(table, seconds))
    asyncio.run(twenty_instruments(table, seconds))
    four_clients(table, seconds)


def decoding(table: Table) -> None:
    """Messages a second of processor time, beside what anybody would write first."""
    table.part("CoinEx, processor time", "us each", "per s")
    frames = depth_frames(FRAMES)
    whole = asyncio.run(_through_the_adapter(frames))
    for label, ours, plain in (
        ("decode, apply, top 20", partial(follow, frames, is_checked=False), False),
        ("the same with CRC-32", partial(follow, frames, is_checked=True), True),
        ("adapter: frame to event, CRC-32, top 20", None, True),
    ):
        speed = rate(ours, FRAMES) if ours is not None else whole
        reference = rate(partial(follow_plainly, frames, is_checked=plain), FRAMES, rounds=3)
        table.row(label, (1e6 / speed, speed))
        table.at_least(f"{label} / json + Decimal", speed / reference, 3.5)


async def _through_the_adapter(frames: Sequence[bytes]) -> float:
    """Returns frames a second: as the stream hands them over, through the adapter, to events and a book read."""
    best = 0.0
    for _ in range(5):
        venue = CoinexVenue(Settings(rest_url="http://127.0.0.1:9", ws_url="ws://127.0.0.1:9/"))
        feed = venue._market
        feed.books.open(MARKET)
        book = venue.book(instrument_id(MARKET))
        assert book is not None
        given = [Frame(data=raw, is_text=True, ts_recv=1, connection=1) for raw in frames]
        told = 0
        start = time.process_time()
        for first in range(0, len(given), READ_TOGETHER):
            events: list[Event] = []
            feed._intake.take(given[first : first + READ_TOGETHER], events)
            told += len(events)
            book.top(TOP)
        took = time.process_time() - start
        assert told == len(frames), f"{told} events of {len(frames)} frames"
        assert book.is_valid
        best = max(best, len(frames) / took)
        await venue.aclose()
    return best


async def round_trip(table: Table, seconds: float) -> None:
    """Milliseconds of an order and of its cancel, by the adapter, to the local exchange behind TLS."""
    with tempfile.TemporaryDirectory() as name, exchange(Path(name), rate=0, tls=True) as served:
        context = ssl.create_default_context(cafile=str(Path(name) / "authority.pem"))
        venue = _venue(served, tls=context)
        async with opened(venue):
            (instrument,) = [one for one in await venue.fetch_instruments() if one.id.symbol == MARKET]
            book = await venue.fetch_order_book(instrument.id, 5)
            price = Decimal(book.bids[0][0]) - 50 * instrument.tick_size
            submits: list[float] = []
            cancels: list[float] = []
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                began = time.perf_counter()
                order = await venue.submit_order(
                    OrderRequest(
                        instrument=instrument.id, client_order_id=f"s{len(submits)}", side=Side.BUY,
                        type=OrderType.LIMIT, quantity=instrument.min_quantity * 10, price=price,
                    )
                )  # fmt: skip
                between = time.perf_counter()
                await venue.cancel_order(
                    CancelRequest(
                        instrument=instrument.id,
                        client_order_id=order.client_order_id,
                        venue_order_id=order.venue_order_id,
                    )
                )
                submits.append((between - began) * 1000)
                cancels.append((time.perf_counter() - between) * 1000)
                await asyncio.sleep(0.12)  # both together stay within the units that the venue gives in a second
    table.part(f"CoinEx over TLS on the loopback, ms ({len(submits):,})", "p50", "p99", "worst")
    row(table, "order to its acknowledgement", submits)
    row(table, "cancel to its acknowledgement", cancels)


async def twenty_instruments(table: Table, seconds: float) -> None:
    """Share of a core that the adapter takes for twenty books at five updates a second each, and their tapes."""
    with tempfile.TemporaryDirectory() as name, exchange(Path(name), rate=RATE) as served:
        venue = _venue(served)
        async with opened(venue):
            instruments = (await venue.fetch_instruments())[:INSTRUMENTS]
            wanted = [
                Subscription(channel, one.id)
                for one in instruments
                for channel in (Channel.BOOK, Channel.TRADES, Channel.TICKER)
            ]
            await asyncio.gather(*map(venue.subscribe, wanted))
            counts = {"books": 0, "all": 0}

            async def consume() -> None:
                async for batch in venue.events():
                    counts["all"] += len(batch)
                    counts["books"] += sum(isinstance(one, BookSnapshot | BookDelta) for one in batch)

            consumer = asyncio.create_task(consume())
            await asyncio.sleep(2)
            counts.update(books=0, all=0)
            began, cpu = time.perf_counter(), time.process_time()
            await asyncio.sleep(seconds)
            took, used = time.perf_counter() - began, time.process_time() - cpu
            books = [venue.book(one.id) for one in instruments]
            assert all(book is not None and book.is_valid for book in books)
            consumer.cancel()
    table.part(f"CoinEx, {len(instruments)} instruments live", "value")
    table.row("book updates a second", (counts["books"] / took,))
    table.row("events a second", (counts["all"] / took,))
    table.row("% of a core, the adapter alone", (100 * used / took,))


def four_clients(table: Table, seconds: float) -> None:
    """What the local exchange brings to four clients that take everything, at 2,000 acts of its crowd a second.

    Its pushes come ten times as often as the venue's, so that there is enough to bring.
    """
    with tempfile.TemporaryDirectory() as name, exchange(Path(name), rate=RATE, time_scale=0.1) as served:
        argv = [sys.executable, "-m", "tests.benchmarks.coinex_client", served["rest_url"], served["ws_url"]]
        used, began = _processor_of(served["pid"]), time.perf_counter()
        clients = [
            subprocess.Popen([*argv, str(seconds)], stdout=subprocess.PIPE, text=True) for _ in range(CLIENTS)
        ]
        told = [json.loads(client.communicate()[0]) for client in clients]
        share = (_processor_of(served["pid"]) - used) / (time.perf_counter() - began)
    table.part(f"the local exchange, {CLIENTS} clients, {RATE:,} acts/s", "value")
    table.row("deals a second, one client", (min(one["deals"] for one in told) / seconds,))
    table.row("% of a core, the exchange", (100 * share,))
    messages = [one["messages"] / seconds for one in told]
    table.row("messages a second, one client", (min(messages),))
    table.at_least("messages a second, all clients", sum(messages), RATE)
    table.at_most("books that a checksum did not prove", sum(one["wrong"] for one in told), 0)


def _processor_of(pid: str) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _venue(served: dict[str, str], tls: ssl.SSLContext | None = None) -> CoinexVenue:
    settings = Settings(
        rest_url=served["rest_url"],
        ws_url=served["ws_url"],
        credentials=Credentials(served["api_key"], served["api_secret"]),
        is_practice=True,
    )
    return CoinexVenue(settings, tls=tls)


@asynccontextmanager
async def opened(venue: CoinexVenue) -> AsyncIterator[None]:
    await venue.connect()
    try:
        yield
    finally:
        await venue.aclose()


@contextmanager
def exchange(folder: Path, *, rate: float, time_scale: float = 1.0, tls: bool = False) -> Iterator[dict[str, str]]:
    """Runs the local exchange as a process; with `tls` it has a certificate, whose authority is in `folder`."""
    argv = [sys.executable, "-m", "tests.benchmarks.coinex_server", str(rate), str(time_scale)]
    if tls:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "authority.pem")
        certificate = folder / "certificate.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
        argv.append(str(certificate))
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        found: dict[str, str] = json.loads(server.stdout.readline())
        yield found | {"pid": str(server.pid)}
        server.communicate()
