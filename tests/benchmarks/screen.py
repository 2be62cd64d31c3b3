"""The screen, seen from its terminal: processor time, bytes, the time from a key to its paint, the start."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.difference import difference_bytes
from tests.benchmarks.table import Table
from tests.benchmarks.terminal import Terminal, child_environment, quantile

ROWS, COLUMNS = 40, 120
READY = {"feed": b"ready", "table": b"cum", "curses": b"BTC", "pitside": b"PAPER"}
SETTLING = 4.0  # seconds: the first paints, and the caches that they fill
STARTS = 12


def program(name: str, rate: float) -> list[str]:
    if name == "pitside":
        return [sys.executable, "-m", "tui", "--seed", "1", "--rate", str(rate), "--fresh"]
    return [sys.executable, "-m", "tests.benchmarks.programs", name, str(rate)]


def open_terminal(name: str, rate: float, bytes_per_second: int | None = None) -> Terminal:
    """Starts a program of the comparison in a home of its own, and waits until it shows the market."""
    terminal = run_in_terminal(program(name, rate), bytes_per_second)
    terminal.wait_for(READY[name], 30)
    terminal.drain_for(SETTLING)
    return terminal


def run_in_terminal(argv: list[str], bytes_per_second: int | None = None) -> Terminal:
    home = Path(tempfile.mkdtemp(prefix="pitside-benchmark-"))
    environment = child_environment(home)
    return Terminal(argv, environment=environment, rows=ROWS, columns=COLUMNS, bytes_per_second=bytes_per_second)


def load(table: Table, seconds: float) -> None:
    """Processor, bytes and memory of each screen at 1,000 messages/s, and of pitside at 5,000."""
    table.part("screen at 10 Hz, 120x40", "CPU %", "KB/s", "RSS MB")
    cpu: dict[str, float] = {}
    kilobytes: dict[str, float] = {}
    least = 0.0
    rates = {"feed": 1000, "pitside": 1000, "table": 1000, "curses": 1000, "pitside at 5,000": 5000}
    for label, rate in rates.items():
        terminal = open_terminal(label.split()[0], rate)
        used, start, before = terminal.cpu_seconds(), time.perf_counter(), terminal.received
        chunks: list[tuple[float, bytes]] = []
        while (now := time.perf_counter()) < start + seconds:
            if data := terminal.read(0.05):
                chunks.append((now, data))
        took = time.perf_counter() - start
        cpu[label] = (terminal.cpu_seconds() - used) / took * 100
        kilobytes[label] = (terminal.received - before) / took / 1000
        table.row(label, (cpu[label], kilobytes[label], terminal.memory_mb()))
        if label == "pitside":
            least = difference_bytes(chunks, ROWS, COLUMNS) / took / 1000
        terminal.close()
    table.row("frame difference of pitside's screen", (None, least, None))
    table.at_most("CPU, pitside / DataTable", cpu["pitside"] / cpu["table"], 1 / 3)
    table.at_most("CPU points above the feed alone", cpu["pitside"] - cpu["feed"], 6)
    table.at_most("CPU % at 5,000 messages/s", cpu["pitside at 5,000"], 60)
    table.at_most("bytes, pitside / curses", kilobytes["pitside"] / kilobytes["curses"], 1)
    table.at_most("bytes, pitside / frame difference", kilobytes["pitside"] / least, 1.7)


def keys(table: Table, seconds: float) -> None:
    """Key to paint at 1,000 messages/s: a fast terminal, then slow links.

    Tab moves the focus. A corner becomes heavy only where the focus arrives, and since only changed characters
    are written, a heavy corner on the line is the answer to this Tab and to nothing else.
    """
    table.part("key to paint, ms", "p50", "p95", "p99", "worst")
    for name, link, gate in (
        ("pitside", None, 15),
        ("curses", None, None),
        ("pitside", 64_000, 100),
        ("pitside", 32_000, 500),
    ):
        terminal = open_terminal(name, 1000, link)
        key, answer = (b"j", "▶") if name == "curses" else (b"\t", "┏")
        samples = []
        for press in range(max(100, int(seconds * 12))):
            samples.append(terminal.key_to(key, answer.encode()) * 1000)
            # An uneven pause, so that presses do not fall into step with the frames.
            terminal.drain_for(0.031 + press % 7 * 0.009)
        terminal.close()
        label = name if link is None else f"{name} on {link // 1000} KB/s"
        table.row(label, (*(quantile(samples, share) for share in (0.5, 0.95, 0.99)), max(samples)))
        if gate is not None:
            table.at_most(f"key to paint p99, {label}", quantile(samples, 0.99), gate)


def start(table: Table, _seconds: float) -> None:
    """Exec to first paint: the installed script beside an empty Textual app, in turns."""
    table.part("exec to first paint, ms", "p50", "best")
    script = shutil.which("pitside", path=str(Path(sys.executable).parent)) or "pitside"
    programs = {
        "empty Textual app": ([sys.executable, "-m", "tests.benchmarks.minimal"], b"first paint"),
        # The header with the mode in it, on the laid out desk.
        "pitside": ([script, "--seed", "1"], b"PAPER"),
    }
    samples: dict[str, list[float]] = {name: [] for name in programs}
    for attempt in range(STARTS + 1):
        for name, (argv, ready) in programs.items():
            terminal = run_in_terminal(argv)
            took = terminal.wait_for(ready, 30) * 1000
            terminal.close()
            if attempt:  # the first one fills the caches of the disk
                samples[name].append(took)
    medians = {name: quantile(times, 0.5) for name, times in samples.items()}
    for name, times in samples.items():
        table.row(name, (medians[name], min(times)))
    table.at_most("first paint, pitside / empty app", medians["pitside"] / medians["empty Textual app"], 1.7)
