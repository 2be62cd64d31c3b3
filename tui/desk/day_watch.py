"""Follows the day: renews the budget, keeps what the P&L counts from, and locks the desk when too much is lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Protocol

from tui.desk.frame import FactKind, Severity
from tui.desk.guards import Guards
from tui.desk.inheritance import day_topic
from tui.desk.keeping import Keeper
from tui.desk.link import Link
from tui.desk.store import Store

_LOOKS = 3  # in a row at which a loss has to stand, since no limit unlocks the desk again


class Budget(Protocol):
    """Where the budget is shown."""

    def show_budget(self) -> None: ...


class Outlet(Protocol):
    """Where it is told that the desk is locked."""

    def say(self, kind: FactKind, severity: Severity, text: str) -> None: ...


class DayWatch:
    """One desk's day. `clock` returns nanoseconds UTC, `pulse` waits between two looks, in seconds.

    `noted` is the day whose beginning the journal holds.
    """

    def __init__(
        self,
        store: Store,
        guards: Guards,
        links: Mapping[str, Link],
        keeper: Keeper,
        budget: Budget,
        outlet: Outlet,
        clock: Callable[[], int],
        pulse: Callable[[float], Awaitable[None]],
    ) -> None:
        self._store = store
        self._guards = guards
        self._links = links
        self._keeper = keeper
        self._clock = clock
        self._pulse = pulse
        self._budget = budget
        self._outlet = outlet
        self.noted = 0
        self._looks: deque[Decimal | None] = deque(maxlen=_LOOKS)  # the P&L at the newest

    async def run(self) -> None:
        """Looks once a second, until it is cancelled. What the day counts from is kept over restarts."""
        while True:
            await self._pulse(1.0)
            now, ledger, currency = self._clock(), self._store.ledger, self._store.currency
            if self._guards.roll_day(now):
                self._budget.show_budget()
            if ledger.day_open is not None and self.noted != ledger.day:
                self.noted = ledger.day
                topic = day_topic(",".join(sorted(self._links)))
                words = f"the day's P&L counts from {ledger.day_open} {currency}"
                self._keeper.note(words, topic, None, ledger.day_open)
            self._looks.append(self._store.day_pnl())
            if words := self._guards.note_day(self._least_loss(), now, currency) or "":
                self._keeper.note(words, "loss", self._guards.locked_until)
                self._outlet.say(FactKind.NOTICE, Severity.ALARM, words)

    def _least_loss(self) -> Decimal | None:
        """Returns the best P&L of the newest looks: what leaves one wallet is told before it is in the other."""
        known = [pnl for pnl in self._looks if pnl is not None]
        return max(known) if len(known) == _LOOKS else None
