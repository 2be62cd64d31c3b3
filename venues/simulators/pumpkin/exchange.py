"""The Pumpkin simulator: the paper perpetuals with Pumpkin's positions, REST and WebSockets in front."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from venues.events import MarkPrice, Trade
from venues.simulators.local_venue import making
from venues.simulators.perpetuals.venue import PerpetualVenue
from venues.simulators.perpetuals.wallet import Wallet
from venues.simulators.port import Clock, SimulatorSettings, WallClock
from venues.simulators.pumpkin.acts import perform
from venues.simulators.pumpkin.entrusts import Entrusts
from venues.simulators.pumpkin.keys import LIFE, ListenKeys
from venues.simulators.pumpkin.markets import BILL_WORDS, COIN, DEPOSITS, VENUE, listings
from venues.simulators.pumpkin.orders import Orders
from venues.simulators.pumpkin.past import Past
from venues.simulators.pumpkin.position_desk import PositionDesk
from venues.simulators.pumpkin.positions import PositionBook
from venues.simulators.pumpkin.pushes import Publisher
from venues.simulators.pumpkin.refusals import Refusal, not_whitelisted
from venues.simulators.pumpkin.rest import Rest
from venues.simulators.pumpkin.socket import socket_routes
from venues.simulators.pumpkin.state import state_of
from venues.simulators.pumpkin.weights import Weights

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from venues.simulators.faults import Faults

DEMO = ("PRACTICE0PUMPKIN0KEY", "PRACTICE0PUMPKIN0PHRASE")  # a key and its secret: they open nothing but this


class PumpkinSimulator(PerpetualVenue):
    """A local Pumpkin. `market` is the exchange behind it, where symbols are named as in `btc_usdt`."""

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
            venue=VENUE, listings=listings(settings.symbols), rate=settings.rate,
        )  # fmt: skip
        self.book = PositionBook()
        self.orders = Orders(self)
        self.wallet = Wallet(
            self.book, dict(DEPOSITS), coin=COIN, words=BILL_WORDS,
            mark=self.mark, frozen=self.orders.frozen, number=self.market.take_number,
        )  # fmt: skip
        self.entrusts = Entrusts(self)
        self.positions = PositionDesk(self)
        self.past = Past(self.market.instruments, clock.time_ns())
        self.weights = Weights(settings.time_scale)
        self.keys = ListenKeys(settings.seed, round(LIFE * settings.time_scale))
        self.signs_raw = False  # values are signed as they are, and not as they are sent
        self.requires_key = False  # of who asks for market data
        self.is_ip_allowed = True
        self.publisher = Publisher(self)
        self._rest = Rest(self)

    def check_whitelist(self, symbol: str) -> None:
        """Raises Refusal where the key has a whitelist and the symbol is not on it."""
        if self.weights.symbols and symbol not in self.weights.symbols:
            raise not_whitelisted()

    def note_price(self, event: Trade | MarkPrice) -> None:
        """Takes a price that may trigger something; `review` does it."""
        self.entrusts.note(event)

    def review(self) -> None:
        """Has done what follows from what has happened, once an action is over."""
        self.entrusts.review()
        self.positions.review()
        self.publisher.flush()

    def routes(self) -> list[BaseRoute]:
        """Returns the routes of REST and streams; the last one answers every unknown path."""
        return [*socket_routes(self), *self._rest.routes()]

    def call_of(self, method: str, path: str) -> str:
        """Returns what a request is: submit, cancel, query or read."""
        return self._rest.call_of(method, path)

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
