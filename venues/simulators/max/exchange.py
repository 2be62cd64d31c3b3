"""The MAX simulator: the local exchange with MAX's markets, its REST and its WebSocket in front."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from venues.model import NANOSECONDS
from venues.simulators.core import LocalExchange
from venues.simulators.local_venue import LocalVenue, making
from venues.simulators.max.acts import perform
from venues.simulators.max.demo import Past
from venues.simulators.max.liquidation import Liquidator
from venues.simulators.max.markets import DEPOSITS, VENUE, listings
from venues.simulators.max.orders import Orders
from venues.simulators.max.pushes import Publisher
from venues.simulators.max.queue import CommandQueue
from venues.simulators.max.rest import Rest
from venues.simulators.max.signing import Nonces
from venues.simulators.max.socket import Door, socket_routes
from venues.simulators.max.wallet import HOURLY_RATES, Wallet
from venues.simulators.port import Clock, SimulatorSettings, WallClock

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from venues.simulators.faults import Faults

DEMO = ("PRACTICE0MAX0KEY", "PRACTICE0MAX0PHRASE")  # a key and its secret: they open nothing but this
_BOOKED_AFTER = 0.02  # seconds between an answer to a command and its being done
_FEE_AFTER = 0.2  # seconds between a trade and its fee


class MaxSimulator(LocalVenue):
    """A local MAX. `market` is the exchange behind it, where markets and currencies are named in capitals."""

    venue = VENUE

    def __init__(
        self, settings: SimulatorSettings, faults: Faults, clock: Clock, api_key: str, api_secret: str
    ) -> None:
        super().__init__(settings, faults, clock, api_key, api_secret)
        self.market = LocalExchange(
            listings(settings.symbols),
            venue=VENUE,
            clock=clock,
            deposits=DEPOSITS,
            seed=settings.seed,
            rate=settings.rate,
            replay=settings.replay,
            speed=settings.speed,
            allows_self_trade=True,
            stops_keep_number=True,
            takes_fee_of_received=True,
        )
        self.nonces = Nonces()
        self.orders = Orders(self.market, self.is_unseen)
        self.queue = CommandQueue(clock, _BOOKED_AFTER * settings.time_scale)
        self.wallet = Wallet(self.market)
        self.past = Past(clock.time_ns())
        self.liquidator = Liquidator(self)
        self.requires_market = False  # of who lists open orders
        self.publisher = Publisher(self)
        self.door = Door(self)
        self._rest = Rest(self)

    def has_fee(self, ts_event: int) -> bool:
        """Says whether the fee of a trade at `ts_event` is known already: it is computed a little later."""
        return self.clock.time_ns() - ts_event >= _FEE_AFTER * self.settings.time_scale * NANOSECONDS

    def currencies(self) -> list[str]:
        """Returns everything that is traded or borrowed here, in capitals."""
        found: dict[str, None] = dict.fromkeys(("TWD", "USDT"))
        for instrument in self.market.instruments.values():
            found[instrument.base] = found[instrument.quote] = None
        return list(found | dict.fromkeys(HOURLY_RATES))

    def tag(self, text: str) -> str:
        """Returns 32 hexadecimal digits that are this run's own for a text: request ids, transaction ids."""
        return hashlib.sha256(f"{self.settings.seed}:{text}".encode()).hexdigest()[:32]

    def routes(self) -> list[BaseRoute]:
        """Returns the routes of REST and stream; the last one answers every unknown path."""
        return [*socket_routes(self), *self._rest.routes()]

    def call_of(self, method: str, path: str) -> str:
        """Returns what a request is: submit, cancel, query or read."""
        return self._rest.call_of(method, path)

    async def run(self) -> None:
        """Lets the market live until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.market.run())
                tasks.create_task(self.liquidator.run())
        finally:
            self.queue.aclose()

    def state(self) -> dict[str, Any]:
        """Returns books, orders, fills and balances as plain values, numbers as text.

        And what streams have sent, and what was done with the M-wallet's funds. A stop order that has become an
        order is one order, not two.
        """
        state = self.market.state() | {"streams": self.publisher.rows(), "m_wallet": self.wallet.state()}
        state["orders"] = [row for row in state["orders"] if row.get("became") != row["id"]]
        return state

    def act(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Does what the control API asks for. Raises ValueError: it makes no sense."""
        if perform(self, wish):
            return {}
        symbol = wish.get("symbol")
        return self.market.act({**wish, "symbol": symbol.upper()} if isinstance(symbol, str) else wish)


def create(
    settings: SimulatorSettings,
    faults: Faults,
    *,
    clock: Clock | None = None,
    credentials: tuple[str, str] = DEMO,
) -> MaxSimulator:
    """Makes a simulator that is not served yet.

    Raises:
        ConfigurationError: a symbol is not a market, or the recording can not be played; says why.
    """
    with making(VENUE):
        return MaxSimulator(settings, faults, clock or WallClock(), *credentials)
