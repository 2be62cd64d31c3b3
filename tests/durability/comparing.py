"""A journal against the venue's truth: what was lost, sent twice, judged wrongly, settled late or never."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from tests.support.bad_venues.rules import Kind, OrderState, Rules, Truth
from tui.desk.journal_events import Row
from tui.desk.journal_fold import JournalState
from tui.desk.orders import Tracked
from venues.commands import OrderRequest
from venues.model import NANOSECONDS, OrderStatus

UNCERTAINTY = 0.1  # seconds; the most that a round trip on the loopback leaves of doubt about the venue's clock
GRACE = 2.0  # seconds that a desk has to ask in, once an answer is proof

_ON_ITS_WAY = frozenset(
    {OrderStatus.UNKNOWN, OrderStatus.PENDING_NEW, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE}
)
_ENDED = {"filled": OrderStatus.FILLED, "canceled": OrderStatus.CANCELED}


class Life(NamedTuple):
    """One run of the desk, from its opening to its death, in nanoseconds UTC."""

    opened: int
    killed: int


class Open(NamedTuple):
    """A time in which nobody knew what became of an order; nanoseconds UTC. `due` is when an answer is proof."""

    key: str
    began: int
    ended: int
    due: int


class Findings(msgspec.Struct, kw_only=True):
    """Keys of orders, but for `violations`, with a word of what is wrong."""

    lost: list[str] = []
    duplicated: list[str] = []
    wrong: list[str] = []
    late: list[str] = []
    stale: list[str] = []  # known as it once was: open or filled in part, while it went on
    unknown: list[str] = []
    violations: list[str] = []
    slowest: float = 0.0  # seconds beyond the moment from which an answer is proof

    @property
    def is_bad(self) -> bool:
        return bool(
            self.lost or self.duplicated or self.wrong or self.late or self.stale or self.violations
        )  # fmt: skip


class Reading:
    """A journal folded row by row, so that a verdict that was taken back later is seen too."""

    def __init__(self, rows: Iterable[Row], rules: Rules) -> None:
        self.state = JournalState()
        self.verdicts: dict[str, set[OrderStatus]] = {}
        self.intervals: list[Open] = []
        self._rules = rules
        self._since: dict[str, int] = {}
        self._last = 0
        for row in rows:
            self.state.take(row)
            self._last = row.ts
            for key in [*self.state.orders]:
                self._look(key, row.ts)
        for key, since in self._since.items():
            self._close(key, since, None)

    def _look(self, key: str, ts: int) -> None:
        tracked = self.state.orders[key]
        if tracked.status.is_terminal:
            self.verdicts.setdefault(key, set()).add(tracked.status)
        if is_settled(tracked):
            if (since := self._since.pop(key, None)) is not None:
                self._close(key, since, ts)
        else:
            self._since.setdefault(key, ts)

    def _close(self, key: str, since: int, ts: int | None) -> None:
        deadline = self.state.orders[key].deadline
        if deadline is not None:
            offset = round(self._rules.clock_offset * NANOSECONDS)
            due = deadline - offset + round((UNCERTAINTY + self._rules.settle) * NANOSECONDS)
            self.intervals.append(Open(key, since, 2**63 if ts is None else ts, due))


def is_settled(tracked: Tracked) -> bool:
    if tracked.status.is_terminal:
        return True
    return tracked.status not in _ON_ITS_WAY and all(isinstance(one, OrderRequest) for one in tracked.commands)


def compare(reading: Reading, truth: Truth, rules: Rules, lives: Sequence[Life], grace: float = GRACE) -> Findings:
    """Compares what the journal says with what really happened."""
    found = Findings(violations=list(truth.violations))
    orders = {order.client_id: order for order in truth.orders}
    found.lost = sorted((truth.arrivals.keys() | orders.keys()) - reading.state.orders.keys())
    found.duplicated = [key for key, times in truth.arrivals.items() if times > 1]
    found.duplicated += _twice(order.client_id for order in truth.orders)
    for key, tracked in reading.state.orders.items():
        _judge(found, key, tracked, orders.get(key), reading.verdicts.get(key, set()), rules)
    if rules.life is not None:
        for left in reading.state.unresolved():
            found.late.append(f"the {type(left.command).__name__} of row {left.number}: unresolved to the end")
    real = {fill.id for fill in truth.fills}
    heard = [fill.trade_id for fill in reading.state.fills]
    found.wrong += [f"fill {trade} was counted twice" for trade in _twice(heard)]
    found.wrong += [f"fill {trade} never happened" for trade in set(heard) - real]
    found.stale += [f"fill {trade} was not heard of" for trade in sorted(real - set(heard))]
    _measure(found, reading.intervals, lives, grace)
    return found


def _judge(
    found: Findings,
    key: str,
    tracked: Tracked,
    real: OrderState | None,
    verdicts: set[OrderStatus],
    rules: Rules,
) -> None:
    said = f"{key}: {tracked.status.value}, {tracked.order.filled_quantity} filled"
    right = _right_verdicts(real, rules.kind)
    for verdict in sorted(verdicts - right):
        found.wrong.append(f"{key}: {verdict.value}, while {_truth_of(real)}")
    filled = Decimal(real.filled) if real is not None else Decimal(0)
    if tracked.order.filled_quantity > filled or tracked.is_overfilled:
        found.wrong.append(f"{said}, while {_truth_of(real)}")
    if tracked.status in _ON_ITS_WAY:
        found.unknown.append(f"{said}, while {_truth_of(real)}")
        if rules.kind is not Kind.UNBOUNDED or (real is not None and real.status != "new"):
            found.late.append(f"{said} to the end, while {_truth_of(real)}")
    elif real is None and not tracked.status.is_terminal:
        found.wrong.append(f"{said}, while {_truth_of(real)}")
    elif real is not None and (
        tracked.order.filled_quantity < filled or tracked.status.is_terminal is (real.status == "new")
    ):
        found.stale.append(f"{said}, while {_truth_of(real)}")


def _right_verdicts(real: OrderState | None, kind: Kind) -> frozenset[OrderStatus]:
    if real is None:
        never = {OrderStatus.REJECTED}
        # Never placed, or ended unfilled: this venue does not tell the two apart.
        return frozenset(never | {OrderStatus.CANCELED} if kind is Kind.VANISHING else never)
    ended = _ENDED.get(real.status)
    return frozenset() if ended is None else frozenset({ended})


def _truth_of(real: OrderState | None) -> str:
    return "it was never booked" if real is None else f"it is {real.status}, {real.filled} filled"


def _measure(found: Findings, intervals: Iterable[Open], lives: Sequence[Life], grace: float) -> None:
    """Says which orders were still open in a life of the desk that had had time enough to settle them."""
    for one in intervals:
        for life in lives:
            if one.began >= life.killed or one.ended <= life.opened:
                continue
            due = max(one.due, life.opened)
            over = (min(one.ended, life.killed) - due) / NANOSECONDS
            found.slowest = max(found.slowest, over)
            if over > grace:
                found.late.append(f"{one.key}: open {over:.1f} s after it could be proven")


def _twice(names: Iterable[str]) -> list[str]:
    counts: Mapping[str, int] = _count(names)
    return [name for name, times in counts.items() if times > 1]


def _count(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts
