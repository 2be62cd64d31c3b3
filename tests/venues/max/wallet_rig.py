"""The venue at the practice exchange, both in the loop's virtual time, with what it told of the M-wallet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, TypeVar

from tests.venues.max.client_rig import shared_tls
from tests.venues.transport.stream_rig import passes, until
from venues.commands import Channel, FundsKind, FundsRequest, Subscription
from venues.events import Event, MarginUpdate, Notice, OrderUpdate
from venues.margin import MarginAccount
from venues.max.venue import MaxVenue, Settings
from venues.model import InstrumentId, Order
from venues.port import Credentials, Departure
from venues.simulators.faults import Faults
from venues.simulators.max.exchange import MaxSimulator, create
from venues.simulators.port import SimulatorSettings
from venues.simulators.serving import Practice, serving_simulator

T = TypeVar("T")
D = Decimal

SYMBOLS = ("BTCTWD", "BTCUSDT", "USDTTWD")
BTC = InstrumentId("max", "BTCUSDT")
ACCOUNT = Subscription(Channel.ACCOUNT)
BOOK = Subscription(Channel.BOOK, BTC)
_BEGINNING = 1_700_000_000_000_000_000  # nanoseconds UTC


class LoopClock:
    """The loop's own time."""

    def time_ns(self) -> int:
        return _BEGINNING + round(asyncio.get_running_loop().time() * 1e9)

    async def sleep(self, seconds: float) -> None:
        await passes(seconds)


class WalletDesk:
    """The exchange, the adapter, and what it told."""

    def __init__(self, simulator: MaxSimulator, practice: Practice, clock: LoopClock) -> None:
        self.simulator = simulator
        self.wallet = simulator.wallet
        self.faults = simulator.faults
        self.clock = clock
        self.events: list[Event] = []
        self.departures: list[Departure] = []
        self._nonce = 0
        self.venue = MaxVenue(
            Settings(
                rest_url=practice.rest_url,
                ws_url=practice.ws_url,
                credentials=Credentials(practice.api_key, practice.api_secret),
                is_practice=True,
                seed=4,
            ),
            tls=shared_tls(),
            nonces=self._next_nonce,
            wall=clock.time_ns,
            monotonic=asyncio.get_running_loop().time,
        )
        self.consumer = asyncio.create_task(self._consume())

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def accounts(self) -> list[MarginAccount]:
        """The M-wallet as it was told so far."""
        return [event.account for event in self.of(MarginUpdate)]

    @property
    def newest(self) -> MarginAccount:
        return self.accounts[-1]

    @property
    def notices(self) -> list[str]:
        return [notice.text for notice in self.of(Notice)]

    @property
    def orders(self) -> list[Order]:
        return [event.order for event in self.of(OrderUpdate)]

    def debt(self, currency: str = "BTC") -> Decimal:
        """Returns what is owed, as it was told last."""
        asset = self.newest.asset(currency) if self.accounts else None
        return asset.debt if asset is not None else D(0)

    def act(self, do: str, **wish: object) -> None:
        self.simulator.act({"do": do, **wish})

    def book(self, symbol: str, bid: str, ask: str, quantity: str = "50") -> None:
        """Empties a book and leaves one quote of the crowd on each side."""
        self.act("clear", symbol=symbol)
        self.act("quote", symbol=symbol, side="buy", price=bid, quantity=quantity)
        self.act("quote", symbol=symbol, side="sell", price=ask, quantity=quantity)

    async def depart(self, departure: Departure) -> None:
        self.departures.append(departure)

    def _next_nonce(self) -> int:
        self._nonce = max(self._nonce + 1, self.clock.time_ns() // 1_000_000)
        return self._nonce

    async def _consume(self) -> None:
        async for batch in self.venue.events():
            self.events += batch


@asynccontextmanager
async def wallet_desk(
    *, account: bool = False, has_wallet: bool = True, symbols: tuple[str, ...] = SYMBOLS
) -> AsyncIterator[WalletDesk]:
    """Serves a quiet exchange, and connects to it; with `account` the M-wallet has been told once."""
    clock = LoopClock()
    settings = SimulatorSettings(seed=7, rate=0, symbols=symbols)
    simulator = create(settings, Faults(""), clock=clock)
    async with serving_simulator(simulator) as practice:
        desk = WalletDesk(simulator, practice, clock)
        desk.act("m_wallet", enabled=has_wallet)
        try:
            if "BTCUSDT" in symbols:
                desk.book("BTCUSDT", "88000", "88002")
            await desk.venue.connect()
            await until(desk.venue.venue_time)
            await desk.venue.fetch_instruments()
            if account:
                await desk.venue.subscribe(ACCOUNT)
                await until(lambda: desk.accounts)
            yield desk
        finally:
            await desk.venue.aclose()
            await desk.consumer


def wish(kind: FundsKind, amount: str, currency: str = "USDT") -> FundsRequest:
    return FundsRequest(
        venue="max", request_id=f"{kind}-{amount}", kind=kind, currency=currency, amount=Decimal(amount)
    )


def rows_of(desk: WalletDesk, kind: FundsKind) -> list[Any]:
    """Returns what the exchange has carried out of a kind."""
    match kind:
        case FundsKind.BORROW:
            return desk.wallet.loans
        case FundsKind.REPAY:
            return desk.wallet.repayments
        case _:
            side = kind.removeprefix("transfer_")
            return [row for row in desk.wallet.transfers if row.side == side]
