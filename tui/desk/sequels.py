"""Second orders that wait for the end of a first one, as of a reversal or an edit, and what keeps them back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tui.desk.guards import Guards
from tui.desk.link import Link
from tui.desk.orders import Tracked
from venues.model import InstrumentId, Side


class Sequel:
    """A second order that follows the end of `first`. What it was wished under has to hold until it leaves.

    `stood` are the guards against risk that did not stand against the wish.
    """

    def __init__(self, first: Tracked, link: Link, guards: Guards, stood: frozenset[str]) -> None:
        self.first = first
        self.why = ""  # it must not be sent any more
        self.news = asyncio.Event()  # something has changed about the first, or about this
        self._link = link
        self._guards = guards
        self._venue = link.venue
        self._losses = link.losses
        self._locks = guards.locks
        self._stood = stood

    def stop(self, why: str) -> None:
        """Keeps it from being sent; the first reason stays."""
        self.why = self.why or why
        self.news.set()

    def hindrance(self, now: int) -> str:
        """Returns why it must not be sent, empty where nothing has come between; `now` in nanoseconds UTC."""
        if self.why:
            return self.why
        if self._link.venue is not self._venue:
            return f"{self._link.name} was opened anew meanwhile"
        if self._link.losses != self._losses or not self._link.is_reconciled:
            return f"{self._link.name} was lost meanwhile"
        if self._guards.locks != self._locks:
            return "the desk was locked meanwhile"
        new = [one.text for one in self._guards.against_risk(now) if one.guard not in self._stood]
        return new[0] if new else ""

    async def until(self, is_enough: Callable[[], bool]) -> None:
        """Waits until `is_enough`, or this is stopped."""
        while not is_enough() and not self.why:
            self.news.clear()
            await self.news.wait()


class Sequels:
    """All that wait, at most one after each order. `clock` returns nanoseconds UTC."""

    def __init__(self, guards: Guards, clock: Callable[[], int]) -> None:
        self._guards = guards
        self._clock = clock
        self._live: dict[str, Sequel] = {}

    def begin(self, first: Tracked, link: Link, *, takes_risk_off: bool = False) -> Sequel:
        """Begins to wait. What `takes_risk_off` goes on under what stands against risk now, such as a lock."""
        now = self._guards.against_risk(self._clock()) if takes_risk_off else ()
        stood = frozenset(reason.guard for reason in now)
        sequel = self._live[first.key] = Sequel(first, link, self._guards, stood)
        return sequel

    def end(self, sequel: Sequel) -> None:
        """Forgets one that was sent, or never will be."""
        if self._live.get(sequel.first.key) is sequel:
            del self._live[sequel.first.key]

    def after(self, key: str) -> Sequel | None:
        """Returns what waits for the end of this order."""
        return self._live.get(key)

    def note_order(self, tracked: Tracked) -> None:
        """Hears of every change of an order."""
        if (sequel := self._live.get(tracked.key)) is not None:
            sequel.news.set()

    def stop(
        self,
        why: str,
        *,
        key: str | None = None,
        venue: str | None = None,
        instrument: InstrumentId | None = None,
        side: Side | None = None,
    ) -> bool:
        """Keeps back what follows these orders, and says whether there was any; None does not restrict."""
        found = [
            one
            for one in self._live.values()
            if key in (None, one.first.key)
            and venue in (None, one.first.order.instrument.venue)
            and instrument in (None, one.first.order.instrument)
            and side in (None, one.first.order.side)
        ]
        for one in found:
            one.stop(why)
        return bool(found)
