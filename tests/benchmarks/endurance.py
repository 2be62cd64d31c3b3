"""What only time shows: memory that grows, and an engine that a terminal nobody reads would hold up."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.screen import COLUMNS, ROWS, SETTLING, open_terminal
from tests.benchmarks.table import Table
from tests.benchmarks.terminal import Terminal, child_environment

WARM = 300.0  # seconds after which growth counts; a shorter run takes the first third of itself
LONG_ENOUGH = 900.0  # seconds of a run whose growth is held to its gate: pages come in lumps
SAMPLE = 1.0


def memory(table: Table, seconds: float) -> None:
    """The resident set of the paper desk at 1,000 messages/s, and what it grows by in an hour."""
    table.part(f"memory of the paper desk, {seconds:.0f} s", "MB", "peak MB", "MB/h")
    terminal = open_terminal("pitside", 1000)
    warm = min(WARM, seconds / 3)
    begin = time.perf_counter()
    points: list[tuple[float, float]] = []
    while (now := time.perf_counter() - begin) < seconds:
        terminal.drain_for(SAMPLE)
        points.append((now, terminal.memory_mb()))
    terminal.close()
    growth = slope([point for point in points if point[0] >= warm]) * 3600
    table.row("pitside", (points[-1][1], max(size for _, size in points), growth))
    table.at_most("resident set, MB", points[-1][1], 70)
    if seconds >= LONG_ENOUGH:
        table.at_most("growth, MB an hour", growth, 1)


def slope(points: list[tuple[float, float]]) -> float:
    """Returns how steep the least-squares line through the points is; 0 for fewer than two."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


def stall(table: Table, seconds: float) -> None:
    """The engine's longest gap while nobody reads the terminal, written down by the desk when it is ended."""
    table.part(f"engine with the terminal unread for {seconds:.0f} s", "gap ms", "end ms")
    home = Path(tempfile.mkdtemp(prefix="pitside-benchmark-"))
    report = home / "report.json"
    terminal = Terminal(
        [sys.executable, "-m", "tests.e2e.desk", "--seed", "1", "--rate", "1000"],
        environment=child_environment(home) | {"PITSIDE_TEST_REPORT": str(report)},
        rows=ROWS,
        columns=COLUMNS,
    )
    terminal.wait_for(b"PAPER", 30)
    terminal.drain_for(SETTLING)
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        time.sleep(left)
    ended = time.perf_counter()
    os.kill(terminal.pid, signal.SIGTERM)
    terminal.wait_end(10, reads=False)
    took = (time.perf_counter() - ended) * 1000
    gap = json.loads(report.read_text())["longest_gap"] * 1000
    table.row("pitside", (gap, took))
    table.at_most("longest gap of the engine's loop, ms", gap, 100)
    table.at_most("SIGTERM to the end, terminal unread, ms", took, 1500)


def leave(table: Table, _seconds: float) -> None:
    """How long a normal quit takes: `q`, and the answer where one is asked for."""
    table.part("leaving by key", "ms")
    terminal = open_terminal("pitside", 1000)
    begin = time.perf_counter()
    os.write(terminal.master, b"q")
    terminal.wait_end(10)
    took = (time.perf_counter() - begin) * 1000
    table.row("q, with no order working", (took,))
    table.at_most("q to the end of the process, ms", took, 500)
