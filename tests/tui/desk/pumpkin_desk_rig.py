"""The desk over Pumpkin's adapter and the exchange at hand, both in the loop's virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, TypeVar

from tests.venues.max.client_rig import shared_tls
from tests.venues.max.wallet_rig import LoopClock
from tests.venues.transport.stream_rig import until
from tui.desk.control import FundsIntent, OrderIntent, Outcome, Verdict
from tui.desk.frame import Fact, OrderView, PositionView
from tui.desk.guards import Limits
from tui.desk.orders import Tracked
from tui.desk.session import Session
from venues.commands import FundsKind
from venues.model import InstrumentId, MarginMode, OrderType, Side
from venues.port import Credentials, Venue
from venues.pumpkin.settings import Settings
from venues.pumpkin.venue import PumpkinVenue
from venues.simulators.faults import Faults
from venues.simulators.port import SimulatorSettings
from venues.simulators.pumpkin.exchange import PumpkinSimulator, create
from venues.simulators.serving import Practice, serving_simulator

D = Decimal
SYMBOL = "btc_usdt"


class PumpkinDesk:
    """A session over the adapter, which polls; `simulator` is the exchange that it talks to."""

    name = "pumpkin"
    symbol = SYMBOL

    def __init__(self, simulator: Any, practice: Practice, clock: LoopClock, **settings: Any) -> None:
        self.simulator = simulator
        self.facts: list[Fact] = []
        limits = Limits(max_notional=D(10**9), session_budget=D(10**9))
        self.session = Session(
            [self.make_venue(practice, clock)],
            tell=self.facts.append,
            limits=limits,
            clock=clock.time_ns,
            random=random.Random(3),
            **settings,
        )
        self.store = self.session.store
        self._clock = clock
        self._orders: tuple[OrderView, ...] = ()
        self._positions: tuple[PositionView, ...] = ()

    def make_venue(self, practice: Practice, clock: LoopClock) -> Venue:
        return PumpkinVenue(
            Settings(
                rest_url=practice.rest_url,
                ws_url="",
                credentials=Credentials(practice.api_key, practice.api_secret),
                is_practice=True,
                minute_quota=60_000,
                seed=4,
            ),
            tls=shared_tls(),
            wall=clock.time_ns,
            monotonic=asyncio.get_running_loop().time,
        )

    @property
    def texts(self) -> str:
        return "\n".join(fact.text for fact in self.facts)

    @property
    def btc(self) -> InstrumentId:
        return InstrumentId(self.name, self.symbol)

    def look(self) -> None:
        frame = self.store.frame(self._clock.time_ns())
        if frame is not None:
            self._orders = frame.orders if frame.orders is not None else self._orders
            self._positions = frame.positions if frame.positions is not None else self._positions

    def positions(self, side: int = 0) -> list[PositionView]:
        """The positions as the screens see them; of one side only where that is 1 or -1."""
        self.look()
        return [one for one in self._positions if not side or one.position.quantity * side > 0]

    def orders(self) -> list[OrderView]:
        self.look()
        return list(self._orders)

    def mark(self, price: str) -> None:
        self.simulator.act({"do": "mark", "symbol": self.symbol, "price": price})

    def held(self) -> list[tuple[str, Decimal]]:
        """What the exchange itself holds: side and contracts."""
        return sorted((one.side.value, D(one.size)) for one in self.simulator.book.open.values())

    async def trade(self, side: Side, quantity: str, **changes: Any) -> Tracked:
        wish = OrderIntent(
            instrument=self.btc, side=side, type=changes.pop("type", OrderType.MARKET), quantity=D(quantity),
            overrides=frozenset({"fresh", "band", "duplicate"}), **changes,
        )  # fmt: skip
        outcome = await self.session.submit(wish)
        assert outcome.verdict is Verdict.SENT, outcome
        await self.session.settled()
        tracked = self.store.orders.get(outcome.order_key)
        assert tracked is not None
        return tracked

    async def leverage(self, value: int, mode: MarginMode = MarginMode.ISOLATED) -> Outcome:
        return await self.session.set_leverage(self.btc, D(value), mode)

    async def margin(self, amount: str, view: PositionView, kind: FundsKind = FundsKind.ADD_MARGIN) -> Outcome:
        outcome = await self.session.move_funds(
            FundsIntent(
                venue=self.name, kind=kind, currency="USDT", amount=D(amount), instrument=view.position.instrument,
                position_id=view.position.position_id,
            )
        )  # fmt: skip
        await self.session.settled()
        return outcome


Desk = TypeVar("Desk", bound=PumpkinDesk)


@asynccontextmanager
async def exchange(clock: LoopClock) -> AsyncIterator[tuple[PumpkinSimulator, Practice]]:
    simulator = create(SimulatorSettings(seed=7, rate=0, symbols=(SYMBOL,)), Faults(""), clock=clock)
    simulator.act({"do": "quota", "minute": 60_000})
    async with serving_simulator(simulator) as practice:
        yield simulator, practice


@asynccontextmanager
async def desk(
    simulator: PumpkinSimulator, practice: Practice, clock: LoopClock, price: str = "60000", **more: Any
) -> AsyncIterator[PumpkinDesk]:
    async with opened(PumpkinDesk(simulator, practice, clock, **more), price) as rig:
        yield rig


@asynccontextmanager
async def opened(rig: Desk, price: str = "60000") -> AsyncIterator[Desk]:
    """Opens a desk on an exchange whose BTC is marked at `price`, and closes it."""
    rig.mark(price)
    try:
        await rig.session.open()
        await until(lambda: rig.session.links[rig.name].is_reconciled)
        await until(lambda: rig.btc in rig.store.markets)
        await until(lambda: rig.store.markets[rig.btc].mark is not None)
        yield rig
    finally:
        await rig.session.aclose()
