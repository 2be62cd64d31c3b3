"""Kills a trading desk at random moments, over bad venues, and compares its journal with what really happened.

    python -m tests.durability.kills --kills 500

The long form: full delays, the kills shared out over the four venues, two of which run at a time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import TracebackType

import msgspec

from tests.durability import desk_program
from tests.durability.comparing import GRACE, Findings, Life, Reading, compare
from tests.durability.desk_program import Job
from tests.support.bad_venues.process import RunningVenue
from tests.support.bad_venues.rules import Kind, Rules, Truth
from tests.support.bad_venues.venue import Settings
from tui.desk.journal_export import read_rows, verify
from tui.desk.journal_store import journal_path

_STILLBORN = 0.1  # of the desks are killed while they start
_EARLY = 0.25  # of the others may be killed before they have traded
_TRADE_PATIENCE = 6.0  # seconds
_LOOK_EVERY = 0.5  # seconds between two comparisons at the end


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One trial: one venue, its faults, and so many kills. `scale` is of all delays, 1 being the full ones."""

    kind: Kind
    kills: int
    seed: int = 1
    scale: float = 1.0
    fault_rate: float = 0.25
    mutant: str = ""
    stop_when_caught: bool = False
    grace: float = GRACE  # seconds in which an order must be settled once that can be proven
    patience: float = 15.0  # seconds beyond all delays, at the end

    @property
    def rules(self) -> Rules:
        return Rules(
            kind=self.kind,
            seed=self.seed,
            fault_rate=self.fault_rate,
            most_delay=2.0 * self.scale,
            order_life=1.5 * self.scale,
            settle=0.5 * self.scale,
            clock_offset=random.Random(self.seed).uniform(-3, 3),
        )


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial came to. `kills` are those that were made."""

    plan: Plan
    kills: int
    findings: Findings
    truth: Truth
    rows: int
    problems: tuple[str, ...]
    seconds: float

    @property
    def is_bad(self) -> bool:
        return self.findings.is_bad or bool(self.problems)


class Desk:
    """One life of the desk program, in a process of its own that ends with SIGKILL.

    It is forked from a process that has imported all it needs, which takes half a second each time else.
    """

    def __init__(self, job: Job) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([desk_program.__name__])
        self._log = Path(job.log)
        self._told, telling = context.Pipe(duplex=False)
        self._process = context.Process(target=desk_program.live, args=(msgspec.json.encode(job), telling))
        self._process.start()
        telling.close()

    def __enter__(self) -> Desk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()
        exitcode = self._process.exitcode
        self._process.close()
        self._told.close()
        if error is None and exitcode != -signal.SIGKILL:
            raise AssertionError(f"the desk ended by itself ({exitcode}): {self._log.read_text()}")

    def opened(self) -> int:
        """Waits until the desk is open; returns when that was, in nanoseconds UTC. Raises EOFError."""
        return int(self._told.recv())

    def wait_for_trade(self) -> None:
        """Waits until the first order leaves, or not much longer."""
        self._told.poll(_TRADE_PATIENCE)

    def live(self, seconds: float) -> None:
        """Lets it live for so long."""
        self._process.join(seconds)


class Trial:
    """Runs one plan against a venue that is up, with the journal in `state_dir`."""

    def __init__(self, plan: Plan, venue: RunningVenue, state_dir: Path) -> None:
        self._plan = plan
        self._venue = venue
        self._dir = state_dir
        self._chance = random.Random(plan.seed)
        self._log = state_dir / "desk.log"
        self._lives: list[Life] = []

    def run(self) -> Result:
        """Kills as often as planned, then leaves one desk alone until it knows all that can be known."""
        began = time.monotonic()
        kills = 0
        while kills < self._plan.kills:
            self._live(self._chance.randrange(2**31), self._until_killed)
            kills += 1
            if self._plan.stop_when_caught and journal_path(self._dir).exists():
                found = self._compare()[0]
                if found.lost or found.duplicated or found.wrong:
                    break
        else:
            self._live(0, self._until_settled, is_idle=True)
        findings, truth = self._compare()
        path = journal_path(self._dir)
        log = self._log.read_text().strip() if self._log.exists() else ""
        return Result(
            plan=self._plan,
            kills=kills,
            findings=findings,
            truth=truth,
            rows=sum(1 for _ in read_rows(path)),
            problems=verify(path).problems + ((f"the desk logged: {log[:4_000]}",) if log else ()),
            seconds=time.monotonic() - began,
        )

    def _live(self, seed: int, until: Callable[[Desk], None], *, is_idle: bool = False) -> None:
        settings = Settings(
            origin=self._venue.origin,
            state_dir=str(self._dir),
            rules=self._plan.rules,
            command=0.4 + 0.6 * self._plan.scale,
        )
        job = Job(
            settings=settings,
            seed=seed,
            log=str(self._log),
            is_idle=is_idle,
            mutant=self._plan.mutant,
            wish_every=0.03,
        )
        with Desk(job) as desk:
            until(desk)

    def _until_killed(self, desk: Desk) -> None:
        if self._chance.random() < _STILLBORN:
            desk.live(self._chance.uniform(0, 0.3))
            return
        opened = desk.opened()
        if self._chance.random() > _EARLY:
            desk.wait_for_trade()
        desk.live(self._chance.uniform(0.01, 0.5 + 1.5 * self._plan.scale))
        self._lives.append(Life(opened, time.time_ns()))

    def _until_settled(self, desk: Desk) -> None:
        rules = self._plan.rules
        opened = desk.opened()
        patience = rules.most_delay * 1.5 + rules.order_life + rules.settle + self._plan.patience
        until = time.monotonic() + patience
        while time.monotonic() < until:
            desk.live(_LOOK_EVERY)
            findings, truth = self._compare()
            if not truth.pending and not (findings.late or findings.stale):
                break
        self._lives.append(Life(opened, time.time_ns()))

    def _compare(self) -> tuple[Findings, Truth]:
        truth = self._venue.truth()
        rules = self._plan.rules
        reading = Reading(read_rows(journal_path(self._dir)), rules)
        return compare(reading, truth, rules, self._lives, self._plan.grace), truth


def run(plan: Plan) -> Result:
    """Runs one plan in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, RunningVenue(plan.rules) as venue:
        state_dir = Path(folder) / "state"
        state_dir.mkdir(mode=0o700)
        return Trial(plan, venue, state_dir).run()


def table(results: Sequence[Result]) -> str:
    """Returns a line for each trial and one for all of them, and below it what is wrong."""
    head = (
        "venue", "kills", "orders", "fills", "requests", "faults", "late books", "lost", "twice", "wrong", "late",
        "stale", "unknown", "slowest s", "seconds",
    )  # fmt: skip
    lines = [head, *(_cells(result) for result in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    for result in results:
        found = result.findings
        for name in ("lost", "duplicated", "wrong", "late", "stale", "violations"):
            text += [f"{result.plan.kind.value} {name}: {line}" for line in getattr(found, name)[:20]]
        text += [f"{result.plan.kind.value}: {problem}" for problem in result.problems]
    orders = sum(len(result.truth.arrivals) for result in results)
    unknown = sum(len(result.findings.unknown) for result in results)
    kills = sum(result.kills for result in results)
    share = unknown / orders if orders else 0.0
    text.append(f"{kills} kills, {orders} orders, left UNKNOWN: {unknown} ({share:.1%})")
    return "\n".join(text) + "\n"


def _cells(result: Result) -> tuple[str, ...]:
    found, truth = result.findings, result.truth
    late = truth.faults.get("booked late", 0)
    unknown = f"{len(found.unknown)} ({len(found.unknown) / max(1, len(truth.arrivals)):.1%})"
    counts = (
        result.kills, len(truth.arrivals), len(truth.fills), truth.requests,
        sum(truth.faults.values()) - late, late,
        len(found.lost), len(found.duplicated), len(found.wrong), len(found.late), len(found.stale),
    )  # fmt: skip
    return (
        result.plan.kind.value,
        *map(str, counts),
        unknown,
        f"{found.slowest:.2f}",
        f"{result.seconds:.0f}",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500, help="over all venues")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--scale", type=float, default=1.0, help="of all delays; 1: booked up to 2 s late")
    parser.add_argument("--faults", type=float, default=0.25, help="share of the requests that go wrong")
    parser.add_argument("--kind", choices=[kind.value for kind in Kind], action="append")
    parser.add_argument("--together", type=int, default=2, help="venues at a time")
    parser.add_argument("--mutant", default="")
    options = parser.parse_args()
    kinds = [Kind(kind) for kind in options.kind or Kind]
    plans = [
        Plan(
            kind=kind,
            kills=options.kills // len(kinds) + (number < options.kills % len(kinds)),
            seed=options.seed + number,
            scale=options.scale,
            fault_rate=options.faults,
            mutant=options.mutant,
            stop_when_caught=bool(options.mutant),
        )
        for number, kind in enumerate(kinds)
    ]
    sys.stdout.write(f"seed {options.seed}\n")
    # Not threads: one that starts a process polls the children of all, and takes their exit codes.
    with ProcessPoolExecutor(options.together, multiprocessing.get_context("spawn")) as pool:
        results = list(pool.map(run, plans))
    sys.stdout.write(table(results))
    return int(any(result.is_bad for result in results))


if __name__ == "__main__":
    sys.exit(main())
