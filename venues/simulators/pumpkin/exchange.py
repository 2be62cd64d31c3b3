"""The Pumpkin simulator: the paper perpetuals with Pumpkin's positions, REST and WebSockets in front."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.events import MarkPrice, Trade
from venues.model import NANOSECONDS, InstrumentId
from venues.paper.exchange import TRADER
from venues.simulators.core import LocalExchange
from venues.simulators.local_venue import LocalVenue, making
from venues.simulators.orders import Filled, LocalEvent
from venues.simulators.port import Clock, SimulatorSettings, WallClock
from venues.simulators.pumpkin.account import UnboundAccount
from venues.simulators.pumpkin.acts import perform
from venues.simulators.pumpkin.entrusts import Entrusts
from venues.simulators.pumpkin.funding import FundingTimes
from venues.simulators.pumpkin.keys import LIFE, ListenKeys
from venues.simulators.pumpkin.markets import DEPOSITS, VENUE, listings
from venues.simulators.pumpkin.orders import Orders
from venues.simulators.pumpkin.past import Past
from venues.simulators.pumpkin.position_desk import PositionDesk
from venues.simulators.pumpkin.positions import PositionBook
from venues.simulators.pumpkin.pushes import Publisher
from venues.simulators.pumpkin.refusals import Refusal, not_whitelisted
from venues.simulators.pumpkin.rest import Rest
from venues.simulators.pumpkin.rest_rates import funding_of
from venues.simulators.pumpkin.socket import socket_routes
from venues.simulators.pumpkin.state import state_of
from venues.simulators.pumpkin.wallet import Wallet
from venues.simulators.pumpkin.weights import Weights

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from venues.simulators.faults import Faults

DEMO = ("PRACTICE0PUMPKIN0KEY", "PRACTICE0PUMPKIN0PHRASE")  # a key and its secret: they open nothing but this
_LOOK_EVERY = 0.1  # seconds between two looks at what falls due by time alone


class PumpkinMarket(LocalExchange):
    """The local exchange, which has what follows from an action done before the next one."""

    review: Callable[[], None] | None = None
    _is_reviewing = False

    def settle(self) -> None:
        """Tells what has come of the newest action, and has done what follows from it."""
        super().settle()
        if self.review is None or self._is_reviewing:
            return
        self._is_reviewing = True
        try:
            self.review()
        finally:
            self._is_reviewing = False


class PumpkinSimulator(LocalVenue):
    """A local Pumpkin. `market` is the exchange behind it, where symbols are named as in `btc_usdt`."""

    venue = VENUE

    def __init__(
        self, settings: SimulatorSettings, faults: Faults, clock: Clock, api_key: str, api_secret: str
    ) -> None:
        super().__init__(settings, faults, clock, api_key, api_secret)
        if settings.replay is not None:
            raise ValueError("recordings of perpetuals can not be replayed")
        self.market = PumpkinMarket(
            listings(settings.symbols),
            venue=VENUE,
            clock=clock,
            deposits={},
            seed=settings.seed,
            rate=settings.rate,
            allows_self_trade=True,
            account_type=UnboundAccount,
        )
        self.book = PositionBook()
        self.orders = Orders(self)
        self.wallet = Wallet(
            self.book, dict(DEPOSITS), mark=self.mark, frozen=self.orders.frozen, number=self.market.take_number
        )
        self.entrusts = Entrusts(self)
        self.orders.filled = self.entrusts.attach
        self.positions = PositionDesk(self)
        self.funding = FundingTimes()
        self.past = Past(self.market.instruments, clock.time_ns())
        self.weights = Weights(settings.time_scale)
        self.keys = ListenKeys(settings.seed, round(LIFE * settings.time_scale))
        self.signs_raw = False  # values are signed as they are, and not as they are sent
        self.requires_key = False  # of who asks for market data
        self.is_ip_allowed = True
        self._later: list[tuple[int, Callable[[], object]]] = []
        account = self.market.paper.account(TRADER)
        if isinstance(account, UnboundAccount):
            account.funded = self._fund
        self.market.listen(self._heard)
        self.market.review = self._review
        self.publisher = Publisher(self)
        self._rest = Rest(self)

    def check_whitelist(self, symbol: str) -> None:
        """Raises Refusal where the key has a whitelist and the symbol is not on it."""
        if self.weights.symbols and symbol not in self.weights.symbols:
            raise not_whitelisted()

    def book_later(self, work: Callable[[], object], seconds: float) -> None:
        """Does something some seconds from now (the fault late-booking), whatever its sender was told."""
        self._later.append((self.clock.time_ns() + round(seconds * NANOSECONDS), work))

    def mark(self, symbol: str) -> Decimal:
        """Returns the mark price, or the last one where nothing has been marked yet."""
        found = self.market.paper.mark(self.market.instruments[symbol].id)
        return self.market.last(symbol) if found is None else found.mark

    def _fund(self, instrument: InstrumentId, rate: Decimal, mark: Decimal, now: int) -> None:
        """Settles a funding time of the market, unless there are others."""
        if not self.funding.is_own:
            self.positions.fund(instrument, rate, mark, now)

    def _heard(self, events: Sequence[LocalEvent]) -> None:
        """Takes what one action has caused, before anybody else does."""
        self.orders.book(events)
        for event in events:
            if isinstance(event, (Trade, MarkPrice)):
                self.entrusts.note(event)
            if isinstance(event, (MarkPrice, Filled)):
                self.positions.wake()

    def _review(self) -> None:
        self.entrusts.review()
        self.positions.review()
        self.publisher.flush()

    def routes(self) -> list[BaseRoute]:
        """Returns the routes of REST and streams; the last one answers every unknown path."""
        return [*socket_routes(self), *self._rest.routes()]

    def call_of(self, method: str, path: str) -> str:
        """Returns what a request is: submit, cancel, query or read."""
        return self._rest.call_of(method, path)

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
            with contextlib.suppress(Refusal):
                work()
        if self.funding.take_due(now):
            for symbol, instrument in self.market.instruments.items():
                self.positions.fund(instrument.id, funding_of(self, symbol)[0], self.mark(symbol), self.market.now)
        if self.market.now:
            self.market.settle()

    def state(self) -> dict[str, Any]:
        """Returns books, orders, fills, positions and balances as plain values, numbers as text."""
        return state_of(self)

    def act(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Does what the control API asks for. Raises ValueError: it makes no sense."""
        return perform(self, wish)


def create(
    settings: SimulatorSettings,
    faults: Faults,
    *,
    clock: Clock | None = None,
    credentials: tuple[str, str] = DEMO,
) -> PumpkinSimulator:
    """Makes a simulator that is not served yet.

    Raises:
        ConfigurationError: a symbol is not listed, or a recording is to be played; says why.
    """
    with making(VENUE):
        return PumpkinSimulator(settings, faults, clock or WallClock(), *credentials)
