"""Four venues at one desk on their local exchanges, beside one of them alone: processor, bytes, memory."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.benchmarks.screen import COLUMNS, ROWS
from tests.benchmarks.table import Table
from tests.benchmarks.terminal import Terminal, child_environment
from tests.e2e.served_desk import Beside, Served, truth_of
from venues.simulators.serving import served_in_thread

FOUR = ("coinex", "max", "pumpkin", "mayex")
PERPETUALS = ("pumpkin", "mayex")
RATE = 250.0  # acts of each crowd a second
SETTLING = 8.0  # seconds: the account of each is read, every watched market has been subscribed
PLENTY = 10**9  # of a quota that is not what is measured


def run(table: Table, seconds: float) -> None:
    """The desk at its markets with nobody at the keys."""
    table.part(f"a desk on practice, {RATE:g} acts/s each", "CPU %", "KB/s", "RSS MB")
    found = {names: _measured(names, seconds) for names in (FOUR[:1], FOUR[-1:], FOUR)}
    for names, figures in found.items():
        table.row(", ".join(names), figures)
    cpu, kilobytes, memory = found[FOUR]
    table.at_most("four venues, % of a core", cpu, 25)
    # Both show a market of Mayex: the watchlist is what there is more of.
    table.at_most("KB/s to the screen, four / Mayex alone", kilobytes / found[FOUR[-1:]][1], 1.7)
    table.at_most("four venues, resident set, MB", memory, 110)


def _measured(names: Sequence[str], seconds: float) -> tuple[float, float, float]:
    """Returns % of a core, kilobytes a second and megabytes."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        exchanges: list[Beside] = []
        for name in names:
            practice = stack.enter_context(served_in_thread(name, rate=RATE, seed=1))
            settings: dict[str, Any] = {}
            if name in PERPETUALS:
                practice.simulator.act({"do": "quota", "minute": PLENTY, "day": PLENTY})
                settings["minute_quota"] = PLENTY
            if name == "pumpkin":
                settings["user_ws_url"] = practice.ws_url
            exchanges.append(Beside(practice, settings))
        served = Served(exchanges, home / "site.json")
        terminal = Terminal(
            served.program(),
            environment=child_environment(home) | served.environment, rows=ROWS, columns=COLUMNS,
        )  # fmt: skip
        stack.callback(terminal.close)
        terminal.wait_for(b"PRACTICE", 30)
        terminal.drain_for(SETTLING)
        for one in exchanges:
            assert truth_of(one.practice)["connections"] > 1, f"nobody is on {one.practice.venue}"
        used, start, before = terminal.cpu_seconds(), time.perf_counter(), terminal.received
        terminal.drain_for(seconds)
        took = time.perf_counter() - start
        return (
            (terminal.cpu_seconds() - used) / took * 100,
            (terminal.received - before) / took / 1000,
            terminal.memory_mb(),
        )
