"""The desk on a practice exchange that the test serves itself, so that its faults can be switched while it runs.

    with served_in_thread("coinex", seed=1) as practice, ServedTrader(tmp_path, SIZES[1], practice) as trader:
        practice.faults.switch("black-hole@stream")

The desk is the real one, in a process of its own: only its practice exchange is not its child. `time_scale` is
the adapter's, as its `Settings` have it, and so are `settings`.
"""

from __future__ import annotations

import http.client
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec

import tui.gone
import tui.practice
from tests.e2e.pty_session import PtySession
from tests.e2e.trader import Size, Trader, money
from tui.cli import run
from tui.practice import PracticeSite
from venues.model import ZERO
from venues.simulators.serving import Practice

SITE = "PITSIDE_TEST_SITE"

_PUSHED = 50  # levels a side
# A bid's size stands before the price, an ask's behind it.
_ROW = re.compile(r"(?:(\d[\d,]*\.\d{8}) +)?(\d[\d,]*\.\d\d?)(?!\d)(?: +(\d[\d,]*\.\d{8}))?")


class ScaledSite(PracticeSite, frozen=True, kw_only=True):
    """Where the test's exchange listens, and by how much the adapter's times are shortened."""

    time_scale: float = 1.0
    more: dict[str, Any] = msgspec.field(default_factory=dict)

    def settings(self, account: str) -> dict[str, Any]:
        return super().settings(account) | {"time_scale": self.time_scale} | self.more


class ServedElsewhere:
    """In the place of a `PracticeChild`: the exchange is there already, and outlives the desk."""

    def __init__(self, venue: str, *, arguments: Sequence[str] = ()) -> None:
        self.venue = venue
        sites = msgspec.json.decode(Path(os.environ[SITE]).read_bytes(), type=dict[str, ScaledSite])
        self._site = sites[venue]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def site(self) -> ScaledSite:
        return self._site

    def words(self) -> str:
        return f"practice exchange of {self.venue}: {self._site.rest_url}"

    def watch(self, told: Callable[[str], object]) -> None:
        """It never ends before the desk."""


class Beside(NamedTuple):
    """One more exchange that a desk is on, and what its adapter is made with."""

    practice: Practice
    settings: Mapping[str, Any]


class Served:
    """Where a desk on all of these exchanges finds them: in a file at `path`."""

    def __init__(self, exchanges: Sequence[Beside], path: Path, time_scale: float = 1.0) -> None:
        sites = {
            one.practice.venue: msgspec.json.decode(one.practice.line())
            | {"time_scale": time_scale, "more": one.settings}
            for one in exchanges
        }
        path.write_bytes(msgspec.json.encode(sites))
        self.environment = {SITE: str(path)}
        self._venues = [word for name in sites for word in ("--venue", name)]

    def program(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tests.e2e.served_desk", *self._venues, "--practice", *arguments]


class ServedTrader(Trader):
    """A trader at a desk on `practice`, who can also look at that exchange from outside and act there."""

    def __init__(
        self,
        home: Path,
        size: Size,
        practice: Practice,
        *arguments: str,
        time_scale: float = 1.0,
        settings: Mapping[str, Any] | None = None,
        beside: Sequence[Beside] = (),
    ) -> None:
        self.columns, self.rows = size
        self.venue = practice.venue
        self.practice = practice
        self.time_scale = time_scale
        served = Served([Beside(practice, settings or {}), *beside], home / "site.json", time_scale)
        self.desk = PtySession(
            served.program(*arguments),
            home=home, rows=self.rows, columns=self.columns, environment=served.environment, has_network=True,
        )  # fmt: skip
        self._next_key = 0.0

    def __enter__(self) -> Self:
        super().__enter__()
        self.wait_for(self.is_live)
        return self

    # What the desk says.

    @property
    def chip(self) -> str:
        """The line with the venue's state."""
        return self.desk.line(self.rows - 1)

    def is_live(self) -> bool:
        return f" {self.venue} ●" in self.chip

    def states(self) -> list[str]:
        """Returns what the open orders' rows say of their state, when that tab is up."""
        return [row.get("state", "") for row in self.table()]

    def levels(self) -> dict[Decimal, tuple[str, Decimal]]:
        """Returns side and size of each row of the ladder that has one, by price."""
        found = {}
        for row in self.ladder():
            if match := _ROW.search(row):
                bid, price, ask = match.groups()
                if bid or ask:
                    found[money(price)] = ("bids", money(bid)) if bid else ("asks", money(ask))
        return found

    def step(self) -> Decimal:
        """Returns how far apart the ladder's rows are; its title says so where that is not one tick."""
        match = re.search(r" step ([\d,.]+)", self.desk.line(1))
        return money(match[1]) if match else Decimal("0.01")

    # What the exchange says.

    def truth(self) -> dict[str, Any]:
        """Returns the exchange's state."""
        return truth_of(self.practice)

    def act(self, **wish: object) -> dict[str, Any]:
        """Has something happen at the exchange."""
        return act_at(self.practice, **wish)

    def true_levels(self, symbol: str) -> dict[Decimal, tuple[str, Decimal]]:
        """Returns the exchange's book as `levels` has it: the 50 best a side, which are pushed, on the rows."""
        book, step = self.truth()["books"][symbol], self.step()
        rows: dict[Decimal, tuple[str, Decimal]] = {}
        for side, rounding in (("bids", ROUND_FLOOR), ("asks", ROUND_CEILING)):
            for price, size in book[side][:_PUSHED]:
                row = (Decimal(price) / step).to_integral_value(rounding) * step
                _, before = rows.get(row, (side, ZERO))
                rows[row] = (side, before + Decimal(size))
        return rows


def truth_of(practice: Practice) -> dict[str, Any]:
    """Returns an exchange's state."""
    return _asked(practice, "GET", "/practice/state", b"")


def act_at(practice: Practice, **wish: object) -> dict[str, Any]:
    """Has something happen at an exchange."""
    return _asked(practice, "POST", "/practice/act", msgspec.json.encode(wish))


def _asked(practice: Practice, method: str, path: str, body: bytes) -> dict[str, Any]:
    link = http.client.HTTPConnection("127.0.0.1", practice.port, timeout=10)
    try:
        link.request(method, path, body)
        answer = link.getresponse()
        said = answer.read()
    finally:
        link.close()
    assert answer.status == 200, said
    return msgspec.json.decode(said, type=dict[str, Any])


def keep(*_: object) -> None:
    """In the place of `let_go`."""


def main() -> int:
    # As an attribute by name: the launch takes it from there.
    vars(tui.practice)["PracticeChild"] = ServedElsewhere
    # What the run before left is still there, with the exchange.
    vars(tui.gone)["let_go"] = keep
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
