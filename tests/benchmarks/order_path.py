"""The way of an order: from the key that sends it to its first byte in TLS, and to the exchange's answer.

The real desk on a real pty at 1,000 messages/s, over the project's own transport to a TLS server in another
process; and httpx alone against the same server, at the same market. What the disk takes for the journal's two
commits is listed apart, and not counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import trustme

from tests.benchmarks.journal import row
from tests.benchmarks.table import Table
from tests.benchmarks.terminal import quantile
from tests.e2e.pty_session import PtySession
from tests.e2e.trader import BTC_PERP, READ_SECONDS, Size, Trader

RATE = 1000
SIZE = Size(120, 40)
MOST_OF_THE_PROBE = 1.5
HOPS = (
    "key", "taken from the queue", "no burst", "at the ticket", "wished", "handed to the engine",
    "on the engine's loop", "guards passed",
    "intent at the disk", "intent on the disk", "intent kept", "at the venue", "signed", "sending at the disk",
    "sending on the disk", "sending kept", "first byte", "answer",
)  # fmt: skip
Hops = dict[str, int]


class Clerk(Trader):
    """A trader at the desk that writes down its hops."""

    def __init__(self, home: Path, origin: str, authority: Path, report: Path) -> None:
        argv = [sys.executable, "-m", "tests.benchmarks.order_desk", origin, str(authority), str(report)]
        argv += ["--seed", "1", "--rate", str(RATE), "--fresh"]
        self.columns, self.rows = SIZE
        self.desk = PtySession(argv, home=home, rows=self.rows, columns=self.columns, has_network=True)
        self._next_key = 0.0
        self._report = report

    def send_orders(self, seconds: float) -> list[Hops]:
        """Sends one order after another by its ticket; returns the hops of each."""
        self.show("btc perp", BTC_PERP)
        end = self.desk.clock() + seconds
        number = 0
        while self.desk.clock() < end:
            # Not twice the same, which would be asked about; far from the market, where nothing trades.
            self.place("b", f"0.00{number % 9 + 1}", f"bid-{100 + number % 7}t")
            number += 1
        return read_hops(self._report)

    def send_ticket(self) -> None:
        """Sends; until the answer is there nothing is read, since this side's emulator takes half a core."""
        before = self._report.stat().st_size
        self.press("enter")
        self.wait_for(" y  ")
        self.let_pass(READ_SECONDS)
        self.desk.stop_reading()
        self.press("y")
        self.wait_for(lambda: self._report.stat().st_size > before)
        self.desk.resume_reading()
        self.wait_for(lambda: not self.sees(r"Enter preview|Esc  back|on its way"))


def run(table: Table, seconds: float) -> None:
    """Key to first byte and to answer, beside httpx alone; then where the time goes."""
    # Beside the sources: a temporary folder may be memory, where a commit costs nothing.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".order-benchmark-") as name:
        folder = Path(name)
        with exchange(folder) as origin:
            authority, report = folder / "authority.pem", folder / "report"
            report.touch()
            with Clerk(folder, origin, authority, report) as clerk:
                sent = clerk.send_orders(seconds)
            count = max(30, round(seconds * 0.8))
            probe = run_probe(origin, authority, count)
    table.part(f"order at 1,000 messages/s, ms ({len(sent)} orders)", "p50", "p99", "worst")
    rows: dict[str, list[float]] = {}
    for what in ("first byte", "answer"):
        rows[what] = [(one[what] - one["key"]) / 1e6 - disk(one) for one in sent]
        row(table, f"pitside, key to {what}", rows[what])
    row(table, "the journal's two commits (apart)", [disk(one) for one in sent])
    waits = between(sent, "taken from the queue", "no burst")
    row(table, "the wait for a burst of keys (counted above)", waits)
    without = [time - wait for time, wait in zip(rows["first byte"], waits, strict=True)]
    row(table, "pitside, key to first byte, without that wait", without)
    for name, samples in probe.items():
        for what, times in samples.items():
            row(table, f"httpx {name}, to {what}", times)
    bare = probe["on the loop"]
    for share in (0.5, 0.99):
        ours, theirs = quantile(rows["first byte"], share), quantile(bare["answer"], share)
        label = f"key to first byte / httpx post, p{share * 100:.0f}"
        table.at_most(label, ours / theirs, MOST_OF_THE_PROBE)
    table.part("of that, between two hops, ms", "p50", "p99", "worst")
    for before, after in pairwise(HOPS):
        row(table, f"to: {after}", between(sent, before, after))


def disk(hops: Hops) -> float:
    """The milliseconds that the two commits took which the order waited for."""
    return sum(hops[f"{row} on the disk"] - hops[f"{row} at the disk"] for row in ("intent", "sending")) / 1e6


def between(sent: list[Hops], before: str, after: str) -> list[float]:
    return [(one[after] - one[before]) / 1e6 for one in sent]


def read_hops(report: Path) -> list[Hops]:
    return [json.loads(line) for line in report.read_text().splitlines()]


def run_probe(origin: str, authority: Path, count: int) -> dict[str, dict[str, list[float]]]:
    argv = [sys.executable, "-m", "tests.benchmarks.order_probe", origin, str(authority), str(RATE), str(count)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, dict[str, list[float]]] = json.loads(done.stdout)
    return found


@contextmanager
def exchange(folder: Path) -> Iterator[str]:
    """Runs the exchange with a certificate of its own; the authority is kept in `folder`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    certificate = folder / "certificate.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    argv = [sys.executable, "-m", "tests.benchmarks.order_server", str(certificate)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield f"https://127.0.0.1:{int(server.stdout.readline())}"
        server.communicate()
