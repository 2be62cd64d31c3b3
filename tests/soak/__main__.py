"""`python -m tests.soak --days 30`: the long form, with a table of what came of it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

from tests.soak.soak import HOUR, Plan, Point, Report, play

_LIMIT = 0.05
_MEGABYTE = 1 << 20


def main() -> int:
    """Returns 0 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quiet", type=float, default=6.0, help="hours between two quiet points")
    parser.add_argument("--pace", type=float, default=1.4, help="how much slower the exchanges are; 1 is fastest")
    parser.add_argument("--warm", type=float, default=8.0, help="days before the memory is measured")
    asked = parser.parse_args()
    began = time.monotonic()
    plan = Plan(
        seed=asked.seed, days=asked.days, quiet_every=asked.quiet * HOUR, pace=asked.pace, most_seen=None
    )  # fmt: skip
    report = play(plan)
    seconds = time.monotonic() - began
    skip = next((n for n, point in enumerate(report.points) if point.at >= asked.warm), 0)
    lines = list(table(report, seconds, skip))
    if (drift := report.drift(_resident, skip=skip)) >= _LIMIT:
        report.problems.append(f"memory: {drift:+.1%} since day {report.points[skip].at:.1f}")
    lines += report.problems or ["nothing was found"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if report.problems else 0


def table(report: Report, seconds: float, skip: int) -> Iterator[str]:
    """Yields the rows of the table."""
    first, warm, last = report.points[0], report.points[skip], report.points[-1]
    rows = {
        "virtual days": f"{report.days:.1f}",
        "real time": f"{seconds:.0f} s",
        "events": f"{report.events:,}",
        "drops of a connection": f"{report.drops:,} ({report.drops / report.days * 7:,.0f} a week)",
        "suspensions of 3 h": f"{report.suspensions:,}",
        "commands sent": f"{report.commands:,}",
        "orders": f"{report.orders:,}",
        "fills": f"{report.fills:,}",
        "quiet points": f"{len(report.points):,}",
        "divergences": f"{sum(len(point.divergences) for point in report.points):,}",
        "left UNKNOWN, decided by a person": f"{report.decided:,}",
        "tasks": f"{first.tasks} -> {last.tasks}",
        "descriptors": f"{first.descriptors} -> {last.descriptors}",
        f"resident, day {warm.at:.1f} -> end": (
            f"{warm.resident / _MEGABYTE:.1f} -> {last.resident / _MEGABYTE:.1f} MB"
            f" ({report.drift(_resident, skip=skip):+.1%})"
        ),
        f"allocator's blocks, day {warm.at:.1f} -> end": (
            f"{warm.blocks:,} -> {last.blocks:,} ({report.drift(_blocks, skip=skip):+.1%})"
        ),
        "digest": report.digest[:16],
    }
    for name, value in rows.items():
        yield f"{name:40} {value}"


def _resident(point: Point) -> int:
    return point.resident


def _blocks(point: Point) -> int:
    return point.blocks


if __name__ == "__main__":
    sys.exit(main())
