"""What keeps a local market moving: the seeded crowd, in time with a clock, in short steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from venues.events import Event
from venues.model import NANOSECONDS
from venues.paper.flow import HIGHEST_RATE, LOWEST_RATE, OrderFlow
from venues.paper.instruments import Listing
from venues.simulators.paper import LocalPaper
from venues.simulators.port import Clock

_STEP = 10  # actions between two looks at how long the loop was held
_LONGEST_STEP = 4_000_000  # nanoseconds
_SHORTEST_WAIT, _LONGEST_WAIT = 0.005, 0.1  # seconds
_MOST_BEHIND = 2 * NANOSECONDS  # after a stall the market goes on from now, and does not catch up


class CrowdDoor:
    """How the crowd acts on the exchange: every action is settled at once, and the clock never goes back."""

    def __init__(self, paper: LocalPaper, settle: Callable[[], None]) -> None:
        self._paper = paper
        self._settle = settle
        self.flow_limit_ticks = paper.flow_limit_ticks
        self.flow_market = paper.flow_market
        self.flow_cancel = paper.flow_cancel
        self.best_bid = paper.best_bid
        self.best_ask = paper.best_ask
        self.set_index = paper.set_index
        self.set_funding_rate = paper.set_funding_rate

    @property
    def now(self) -> int:
        return self._paper.now

    def advance(self, to: int) -> None:
        if to > self._paper.now:
            self._paper.advance(to)

    def drain(self) -> list[Event]:
        self._settle()
        return []


class Pulse:
    """Runs the crowd. `rate` 0 opens the books, and then nobody acts until `resume` with a rate."""

    def __init__(
        self,
        listings: Sequence[Listing],
        paper: LocalPaper,
        settle: Callable[[], None],
        clock: Clock,
        *,
        seed: int,
        rate: float,
    ) -> None:
        self._clock = clock
        self._paper = paper
        self._listings = tuple(listings)
        self._door = CrowdDoor(paper, settle)
        self._seed = seed
        self._flow = self._opened(rate)
        self.is_quiet = rate <= 0

    def _opened(self, rate: float) -> OrderFlow:
        kept = min(max(rate, LOWEST_RATE), HIGHEST_RATE)
        flow = OrderFlow(self._door, self._listings, self._seed, kept, self._paper.now)
        flow.open_market()
        return flow

    def quiet(self) -> None:
        """Lets nobody act any more."""
        self.is_quiet = True

    def resume(self, rate: float | None = None) -> None:
        """Lets the crowd act from now on; books that were cleared are opened anew.

        A `rate` changes the pace, by another crowd: the old one leaves all books, and the new one opens them at
        the last prices.
        """
        if rate is not None:
            self._listings = tuple(self._at_last_price(listing) for listing in self._listings)
            for listing in self._listings:
                for number in self._paper.quotes(listing.id):
                    self._paper.flow_cancel(number)
            self._flow = self._opened(rate)
            self.is_quiet = rate <= 0
            return
        if self.is_quiet:
            self.is_quiet = False
            self._skip_to(self._clock.time_ns())
        for crowd in self._flow.crowds:
            name = crowd.listing.id
            if self._paper.best_bid(name) is None and self._paper.best_ask(name) is None:
                crowd.open_book()

    async def run(self) -> None:
        """Lets the crowd act when it is time, until cancelled; holds the loop for some 5 ms at most."""
        while True:
            await self._clock.sleep(self.step())

    def step(self) -> float:
        """Lets what is due happen for a few milliseconds; returns how many seconds to wait then."""
        if self.is_quiet:
            return _LONGEST_WAIT
        now = self._clock.time_ns()
        if now - self._flow.next_at > _MOST_BEHIND:
            self._skip_to(now)
        started = time.perf_counter_ns()
        while self._flow.next_at <= now:
            self._flow.run(now, _STEP)
            if time.perf_counter_ns() - started > _LONGEST_STEP:
                return 0.0
        return min(max((self._flow.next_at - now) / NANOSECONDS, _SHORTEST_WAIT), _LONGEST_WAIT)

    def _at_last_price(self, listing: Listing) -> Listing:
        last = self._paper.last(listing.id)
        return listing if last is None else msgspec.structs.replace(listing, opening_price=last)

    def _skip_to(self, now: int) -> None:
        self._flow.pause(max(0, now - self._flow.next_at))
