"""A local venue that keeps its user's positions itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.errors import VenueError
from venues.events import MarkPrice, Trade
from venues.model import NANOSECONDS, InstrumentId
from venues.paper.exchange import TRADER
from venues.paper.instruments import Listing
from venues.simulators.local_venue import LocalVenue
from venues.simulators.orders import Filled, LocalEvent
from venues.simulators.perpetuals.account import UnboundAccount
from venues.simulators.perpetuals.funding import FundingTimes
from venues.simulators.perpetuals.market import ReviewedMarket
from venues.simulators.perpetuals.orders import PositionOrders
from venues.simulators.perpetuals.position_desk import PositionCare
from venues.simulators.perpetuals.positions import OpenPositions
from venues.simulators.perpetuals.wallet import Wallet
from venues.simulators.port import Clock, SimulatorSettings

if TYPE_CHECKING:
    from venues.simulators.faults import Faults

_LOOK_EVERY = 0.1  # seconds between two looks at what falls due by time alone
DEFAULT_FUNDING_RATE = Decimal("0.0001")  # until the market has another


class PerpetualVenue(LocalVenue):
    """What a perpetual venue's simulator is around its positions, orders and wallet.

    Raises:
        ValueError: a recording is to be played.
    """

    book: OpenPositions
    orders: PositionOrders[Any]
    positions: PositionCare
    wallet: Wallet
    refusal: type[Exception] = VenueError  # how the venue refuses a request

    def __init__(
        self,
        settings: SimulatorSettings,
        faults: Faults,
        clock: Clock,
        api_key: str,
        api_secret: str,
        *,
        venue: str,
        listings: Sequence[Listing],
        rate: float,
        account_type: type[UnboundAccount] = UnboundAccount,
    ) -> None:
        super().__init__(settings, faults, clock, api_key, api_secret)
        if settings.replay is not None:
            raise ValueError("recordings of perpetuals can not be replayed")
        self.market = ReviewedMarket(
            listings,
            venue=venue,
            clock=clock,
            deposits={},
            seed=settings.seed,
            rate=rate,
            allows_self_trade=True,
            account_type=account_type,
        )
        self.funding = FundingTimes()
        self._later: list[tuple[int, Callable[[], object]]] = []
        account = self.market.paper.account(TRADER)
        if isinstance(account, UnboundAccount):
            account.funded = self._fund
        self.market.listen(self._heard)
        self.market.review = self.review

    def book_later(self, work: Callable[[], object], seconds: float) -> None:
        """Does something some seconds from now (the fault late-booking), whatever its sender was told."""
        self._later.append((self.clock.time_ns() + round(seconds * NANOSECONDS), work))

    def mark(self, symbol: str) -> Decimal:
        """Returns the mark price, or the last one where nothing has been marked yet."""
        found = self.market.paper.mark(self.market.instruments[symbol].id)
        return self.market.last(symbol) if found is None else found.mark

    def index_of(self, symbol: str) -> Decimal:
        """Returns the index price, or the mark where there is none."""
        found = self.market.paper.mark(self.market.instruments[symbol].id)
        return self.mark(symbol) if found is None or found.index is None else found.index

    def funding_of(self, symbol: str) -> tuple[Decimal, int]:
        """Returns the rate, and when it is paid next in milliseconds."""
        found = self.market.paper.mark(self.market.instruments[symbol].id)
        at = self.funding.next_at(self.market.now) // 1_000_000
        if found is None or found.funding_rate is None:
            return DEFAULT_FUNDING_RATE, at
        return round(found.funding_rate, 8), at

    def _fund(self, instrument: InstrumentId, rate: Decimal, mark: Decimal, now: int) -> None:
        """Settles a funding time of the market, unless there are others."""
        if not self.funding.is_own:
            self.positions.fund(instrument, rate, mark, now)

    def _heard(self, events: Sequence[LocalEvent]) -> None:
        """Takes what one action has caused, before anybody else does."""
        self.orders.book(events)
        for event in events:
            if isinstance(event, (Trade, MarkPrice)):
                self.note_price(event)
            if isinstance(event, (MarkPrice, Filled)):
                self.positions.wake()

    def note_price(self, event: Trade | MarkPrice) -> None:
        """Takes a price that may trigger something; `review` does it."""
        raise NotImplementedError

    def review(self) -> None:
        """Has done what follows from what has happened, once an action is over."""
        raise NotImplementedError

    async def run(self) -> None:
        """Lets the market live until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.market.run())
            tasks.create_task(self._look())

    async def _look(self) -> None:
        """Sees again and again to what only time brings: marks, funding, what expires."""
        while True:
            await self.clock.sleep(_LOOK_EVERY * self.settings.time_scale)
            self.look()

    def look(self) -> None:
        """Has done what is due now."""
        now = self.clock.time_ns()
        due = [work for at, work in self._later if at <= now]
        self._later = [(at, work) for at, work in self._later if at > now]
        for work in due:
            with contextlib.suppress(self.refusal):
                work()
        if self.funding.take_due(now):
            for symbol, instrument in self.market.instruments.items():
                self.positions.fund(instrument.id, self.funding_of(symbol)[0], self.mark(symbol), self.market.now)
        if self.market.now:
            self.market.settle()
