"""The Mayex simulator: the paper perpetuals with Mayex's positions, spot market data, REST and WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.events import MarkPrice, Trade
from venues.model import NANOSECONDS
from venues.simulators.core import LocalExchange
from venues.simulators.local_venue import making
from venues.simulators.mayex.acts import perform
from venues.simulators.mayex.markets import BILL_WORDS, COIN, DEPOSITS, VENUE, contracts, pairs
from venues.simulators.mayex.orders import Orders
from venues.simulators.mayex.positions import PositionBook, PositionDesk
from venues.simulators.mayex.pushes import Publisher
from venues.simulators.mayex.refusals import Refusal
from venues.simulators.mayex.rest import Rest
from venues.simulators.mayex.signing import SigningRule
from venues.simulators.mayex.socket import socket_routes
from venues.simulators.mayex.state import state_of
from venues.simulators.mayex.tokens import LIFE, Tokens
from venues.simulators.orders import LocalEvent
from venues.simulators.perpetuals.account import ShownFeeAccount
from venues.simulators.perpetuals.venue import PerpetualVenue
from venues.simulators.perpetuals.wallet import Wallet
from venues.simulators.port import Clock, SimulatorSettings, WallClock
from venues.simulators.quota import Quota

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from venues.simulators.faults import Faults

DEMO = ("PRACTICE0MAYEX0KEY", "PRACTICE0MAYEX0PHRASE")  # a key and its secret: they open nothing but this
PER_MINUTE = 200  # units of private calls
_MINUTE = 60.0
_SPOT_SHARE = 0.2  # of the crowd's messages
_STALE_FOR = 30 * NANOSECONDS  # how long an unrealised profit is shown


class MayexSimulator(PerpetualVenue):
    """A local Mayex. `market` is the contracts', `spot` the pairs' exchange; both name symbols as in `btcusdt`."""

    venue = VENUE
    book: PositionBook
    orders: Orders
    positions: PositionDesk
    refusal = Refusal

    def __init__(
        self, settings: SimulatorSettings, faults: Faults, clock: Clock, api_key: str, api_secret: str
    ) -> None:
        super().__init__(
            settings, faults, clock, api_key, api_secret,
            venue=VENUE, listings=contracts(settings.symbols), rate=settings.rate * (1 - _SPOT_SHARE),
            account_type=ShownFeeAccount,
        )  # fmt: skip
        self.spot = LocalExchange(
            pairs(settings.symbols),
            venue=VENUE,
            clock=clock,
            deposits={},
            seed=settings.seed,
            rate=settings.rate * _SPOT_SHARE,
        )
        self.book = PositionBook()
        self.orders = Orders(self)
        self.wallet = Wallet(
            self.book, dict(DEPOSITS), coin=COIN, words=BILL_WORDS,
            mark=self.mark, frozen=self.orders.frozen, number=self.market.take_number,
        )  # fmt: skip
        self.positions = PositionDesk(self)
        self.quota = Quota(PER_MINUTE, _MINUTE * settings.time_scale)
        self.tokens = Tokens(settings.seed, round(LIFE * settings.time_scale))
        self.signing = SigningRule()
        self.enforces_expiry = True
        self.missing: tuple[str, ...] = ()  # beginnings of paths that are not there
        self._stale_pnl = Decimal(0), 0
        self.publisher = Publisher(self)
        self._rest = Rest(self)

    def stale_pnl(self) -> Decimal:
        """Returns the unrealised profit as it was some time ago: the venue shows no newer one."""
        pnl, at = self._stale_pnl
        now = self.clock.time_ns()
        if now - at > _STALE_FOR:
            pnl = sum((one.pnl(self.mark(one.symbol)) for one in self.book.of()), Decimal(0))
            self._stale_pnl = pnl, now
        return pnl

    def _heard(self, events: Sequence[LocalEvent]) -> None:
        super()._heard(events)
        self.orders.tell(events)

    def note_price(self, event: Trade | MarkPrice) -> None:
        """Takes a price that may trigger something; `review` does it."""
        self.orders.note(event)

    def review(self) -> None:
        """Has done what follows from what has happened, once an action is over."""
        self.orders.review()
        self.positions.review()
        self.publisher.flush()

    def routes(self) -> list[BaseRoute]:
        """Returns the routes of REST and streams; the last one answers every unknown path."""
        return [*socket_routes(self), *self._rest.routes()]

    def call_of(self, method: str, path: str) -> str:
        """Returns what a request is: submit, cancel, query, read, margin or leverage."""
        return self._rest.call_of(method, path)

    async def run(self) -> None:
        """Lets the markets live until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run())
            tasks.create_task(self.spot.run())

    def look(self) -> None:
        """Has done what is due now."""
        super().look()
        if self.spot.now:
            self.spot.settle()

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
) -> MayexSimulator:
    """Makes a simulator that is not served yet.

    Raises:
        ConfigurationError: a symbol is not listed, or a recording is to be played.
    """
    with making(VENUE):
        return MayexSimulator(settings, faults, clock or WallClock(), *credentials)
