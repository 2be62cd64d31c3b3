"""The CoinEx simulator: the local exchange with CoinEx's markets, its REST and its WebSocket in front."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.errors import OrderError
from venues.model import NANOSECONDS
from venues.simulators.coinex.markets import DEPOSITS, MARGIN_MARKETS, VENUE, listings
from venues.simulators.coinex.rest import Rest
from venues.simulators.coinex.signing import is_signature
from venues.simulators.coinex.socket import socket_routes
from venues.simulators.core import LocalExchange
from venues.simulators.local_venue import LocalVenue, making
from venues.simulators.orders import OrderWish
from venues.simulators.port import Clock, SimulatorSettings, WallClock

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from venues.simulators.faults import Faults

DEMO = ("PRACTICE0COINEX0KEY", "PRACTICE0COINEX0PHRASE")  # a key and its secret: they open nothing but this
_BOOLEANS = {"True": "true", "False": "false"}


class CoinexSimulator(LocalVenue):
    """A local CoinEx. `market` is the exchange behind it, `margin_accounts` the number of each margin market."""

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
            keeps_unfilled=False,
        )
        self.margin_accounts = {
            symbol: number for symbol, number in MARGIN_MARKETS.items() if symbol in self.market.instruments
        }
        self._rest = Rest(self)
        self._late: set[asyncio.Task[None]] = set()

    def is_signed(self, params: Mapping[str, Any], signature: str) -> bool:
        """Says whether `signature` is that of these parameters; booleans may be written True or true in it."""
        texts = {name: str(value) for name, value in params.items()}
        if is_signature(texts, self.api_secret, signature):
            return True
        lower = {name: _BOOLEANS.get(text, text) for name, text in texts.items()}
        return lower != texts and is_signature(lower, self.api_secret, signature)

    def currencies(self) -> list[str]:
        """Returns everything that is traded here."""
        found: dict[str, None] = {}
        for instrument in self.market.instruments.values():
            found[instrument.base] = found[instrument.quote] = None
        return list(found)

    def book_later(self, wish: OrderWish, trigger: Decimal | None = None) -> None:
        """Enters an order some seconds from now (the fault late-booking), whatever its sender was told."""
        seconds = self.faults.number("late-booking", "submit")
        due = self.clock.time_ns() + round(seconds * NANOSECONDS)
        task = asyncio.get_running_loop().create_task(self._book_late(wish, trigger, due))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _book_late(self, wish: OrderWish, trigger: Decimal | None, due: int) -> None:
        await self.clock.sleep(max(0.0, (due - self.clock.time_ns()) / NANOSECONDS))
        try:
            if trigger is None:
                self.market.place(wish)
            else:
                self.market.place_stop(wish, trigger)
        except OrderError:
            return  # by now it is refused: then nothing was ever booked

    def routes(self) -> list[BaseRoute]:
        """Returns the routes of REST and stream; the last one answers every unknown path."""
        return [*socket_routes(self), *self._rest.routes()]

    def call_of(self, method: str, path: str) -> str:
        """Returns what a request is: submit, cancel, query or read."""
        return self._rest.call_of(method, path)

    async def run(self) -> None:
        """Lets the market live until cancelled."""
        try:
            await self.market.run()
        finally:
            for task in list(self._late):
                task.cancel()

    def state(self) -> dict[str, Any]:
        """Returns books, orders, fills and balances as plain values, numbers as text."""
        return self.market.state()

    def act(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Does what the control API asks for. Raises ValueError: it makes no sense."""
        return self.market.act(wish)


def create(
    settings: SimulatorSettings,
    faults: Faults,
    *,
    clock: Clock | None = None,
    credentials: tuple[str, str] = DEMO,
) -> CoinexSimulator:
    """Makes a simulator that is not served yet.

    Raises:
        ConfigurationError: a symbol is not a market, or the recording can not be played; says why.
    """
    with making(VENUE):
        return CoinexSimulator(settings, faults, clock or WallClock(), *credentials)
