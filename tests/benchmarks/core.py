"""What the desk costs without a screen: the market, the store, the guard of foreign text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from tests.benchmarks.table import Table
from tui.desk.inert import sanitise
from tui.desk.store import Store
from venues.commands import Channel, Subscription
from venues.events import Event
from venues.model import Instrument
from venues.registry import create_venue

EVENTS = 50_000


async def record_market(count: int) -> tuple[list[Instrument], list[Event], float]:
    """Returns the instruments, about `count` events of all of them, and the seconds that making these took."""
    venue = create_venue("paper", {"seed": 1, "rate": 1000, "speed": 0, "start": 1_700_000_000_000_000_000})
    await venue.connect()
    instruments = list(await venue.fetch_instruments())
    for instrument in instruments:
        for channel in (Channel.BOOK, Channel.TRADES, Channel.TICKER):
            await venue.subscribe(Subscription(channel, instrument.id))
    events: list[Event] = []
    start = time.process_time()
    async for batch in venue.events():
        events.extend(batch)
        if len(events) >= count:
            break
    took = time.process_time() - start
    await venue.aclose()
    return instruments, events, took


def run(table: Table, _seconds: float) -> None:
    """Prints microseconds an event, of processor time."""
    table.part("core, processor time", "us each", "per s")
    instruments, events, took = asyncio.run(record_market(EVENTS))
    report(table, "paper market: flow, matching, events", took, len(events))

    store = Store(time.time_ns, lambda fact: None)
    store.set_instruments(instruments)
    shown = next(i for i in instruments if i.is_perpetual)
    store.show(shown.id)
    start = time.process_time()
    for event in events:
        store.apply(event)
    report(table, "store: apply one event", time.process_time() - start, len(events))

    frames = 500
    per_frame = len(events) // frames
    start = time.process_time()
    for number in range(frames):
        for event in events[number * per_frame : (number + 1) * per_frame]:
            store.apply(event)
        store.frame(number)
    report(table, f"the same, and a frame every {per_frame} events", time.process_time() - start, len(events))

    report_call(
        table, "sanitise a plain line of 80", lambda: sanitise("Insufficient balance for this order. " * 2)
    )
    report_call(
        table,
        "sanitise a hostile line of 80",
        lambda: sanitise("\x1b]52;c;QUFB\x07\u202e[@click=app.quit]x[/] " * 3),
    )


def report_call(table: Table, label: str, call: Callable[[], object], count: int = 20_000) -> None:
    start = time.process_time()
    for _ in range(count):
        call()
    report(table, label, time.process_time() - start, count)


def report(table: Table, label: str, seconds: float, count: int) -> None:
    table.row(label, (seconds / count * 1e6, count / seconds))
