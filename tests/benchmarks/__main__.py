"""Prints the table of figures: `uv run python -m tests.benchmarks [--seconds N] [--only PART]`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence

from tests.benchmarks import coinex, core, endurance, four, journal, max_books, order_path, pumpkin, screen
from tests.benchmarks.table import Table

Part = Callable[[Table, float], None]
# Each with the seconds that one of its measurements takes unless told.
PARTS: dict[str, tuple[Part, float]] = {
    "core": (core.run, 0),
    "coinex": (coinex.run, 15),
    "max": (max_books.run, 15),
    "pumpkin": (pumpkin.run, 15),
    "four": (four.run, 20),
    "screen": (screen.load, 15),
    "keys": (screen.keys, 25),
    "start": (screen.start, 0),
    "journal": (journal.run, 10),
    "order": (order_path.run, 150),
    "leave": (endurance.leave, 0),
    "stall": (endurance.stall, 60),
    "memory": (endurance.memory, 60),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures; returns 0 when every gate was held."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, help="length of each measurement, where it has one")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure only this part; may be repeated")
    options = parser.parse_args(arguments)
    table = Table()
    table.title(f"pitside, measured · {machine()}")
    for name, (measure, seconds) in PARTS.items():
        if options.only is None or name in options.only:
            measure(table, options.seconds or seconds)
    return 0 if table.sum_up() else 1


def machine() -> str:
    """Returns what the absolute figures depend on."""
    load = os.getloadavg()[0]
    return (
        f"{platform.node()}, {os.cpu_count()} cores {platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}, load {load:.1f} at the start"
    )


if __name__ == "__main__":
    sys.exit(main())
