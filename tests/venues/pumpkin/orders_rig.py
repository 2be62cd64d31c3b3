"""The orders of one account at the local exchange, and everything that they told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from typing import Any

import httpx

from tests.venues.noted import Noted
from tests.venues.perpetual_rig import OrdersRig, resting
from tests.venues.pumpkin.client_rig import shared_tls
from tests.venues.pumpkin.walking import BTC, ETH, PRICE, Exchange
from venues.commands import OrderRequest
from venues.model import InstrumentId, MarginMode, OrderType, Side
from venues.port import Credentials
from venues.pumpkin import VENUE, Client
from venues.pumpkin.client import make_session
from venues.pumpkin.listing import Listing
from venues.pumpkin.models import TriggerPriceType
from venues.pumpkin.orders import Orders
from venues.pumpkin.readings import Readings
from venues.pumpkin.remedies import REMEDIES
from venues.pumpkin.settings import Settings
from venues.simulators.serving import served_in_thread
from venues.transport.clock import ServerClock
from venues.transport.sending import Sender
from venues.transport.timing import Timing

XRP = "xrp_usdt"  # one contract is 1 XRP
LEVERAGE = {BTC: 25, ETH: 10, XRP: 20}
PRICES = {BTC: PRICE, ETH: Decimal(2_400), XRP: Decimal("0.5")}
BTC_ID, ETH_ID, XRP_ID = (InstrumentId(VENUE, symbol) for symbol in (BTC, ETH, XRP))
_SCALE = 0.05


class Terms:
    """What the account would know of positions: as a test says."""

    def __init__(self) -> None:
        self.leverage: dict[str, int] = dict(LEVERAGE)
        self.modes: dict[str, MarginMode] = {}
        self.positions: dict[tuple[str, Side], str] = {}

    def leverage_of(self, instrument: InstrumentId, position_id: str = "") -> int | None:
        del position_id
        return self.leverage.get(instrument.symbol)

    def margin_mode_of(self, instrument: InstrumentId) -> MarginMode | None:
        return self.modes.get(instrument.symbol)

    def position_id_of(self, instrument: InstrumentId, closing_side: Side) -> str:
        return self.positions.get((instrument.symbol, closing_side), "")


@contextmanager
def served() -> Iterator[Exchange]:
    """Serves an exchange in a thread of its own."""
    with (
        served_in_thread("pumpkin", seed=5, rate=0, time_scale=_SCALE, symbols=(BTC, ETH, XRP)) as practice,
        httpx.Client(base_url=practice.rest_url, trust_env=False) as control,
    ):
        yield Exchange(practice, control)


class Rig(OrdersRig):
    """One account at an exchange."""

    orders: Orders

    def __init__(self, venue: Exchange, **readings: Any) -> None:
        super().__init__()
        practice = venue.practice
        read = Readings(**({"minute_quota": 100_000} | readings))
        session = make_session(
            Credentials(practice.api_key, practice.api_secret),
            base_url=practice.rest_url,
            readings=read,
            timing=Timing(attempts=1, command=0.4, patience=0.2, cancel_patience=0.4),
            tls=shared_tls(),
        )
        self.venue = venue
        self.noted = Noted(session, prefix="/futures/v2", held="/order/list")
        self.client = Client(session=self.noted, readings=read)
        self.clock = ServerClock(VENUE)
        self.terms = Terms()
        self.listing = Listing(self.client, Settings(time_scale=_SCALE))
        self.orders = self.another()

    def another(self, trigger: TriggerPriceType = TriggerPriceType.MARK_PRICE) -> Orders:
        """Returns the orders of a program that was started anew: it remembers nothing."""
        return Orders(
            self.client,
            Sender(VENUE, REMEDIES, life=None, has_credentials=True),
            self.listing,
            self.clock,
            emit=self._emit,
            terms=self.terms,
            mark=lambda instrument: self.marks.get(instrument.symbol),
            has_credentials=True,
            trigger=trigger,
            time_scale=_SCALE,
        )

    async def clear(self) -> None:
        """Leaves nothing of the test before."""
        venue = self.venue
        venue.simulator.faults.heal()
        venue.act("ip", allowed=True)
        venue.act("whitelist", symbols=[])
        venue.act("quota", minute=10**9)
        venue.act("fund", currency="usdt", amount="100000")
        for symbol, price in PRICES.items():
            venue.mark(price, symbol)
        await self.client.cancel_all_orders()
        await self.client.cancel_all_plans()
        await self.client.close_all_positions()
        await self.client.cancel_all_profit_stops()

    async def opened(self, request: OrderRequest) -> str:
        """Opens a position, and returns its id."""
        await self.submit(request)
        (position,) = [
            each
            for each in await self.client.positions(symbol=request.instrument.symbol)
            if each.position_side == ("LONG" if request.side is Side.BUY else "SHORT")
        ]
        self.terms.positions[request.instrument.symbol, request.side.opposite] = position.position_id
        return position.position_id

    def open_ids(self) -> set[str]:
        """Returns what is open by the exchange's own account, as the port names it."""
        state = self.venue.simulator.state()
        plans = {str(number) for number in self.venue.simulator.entrusts.plans}
        return {
            f"plan:{each['id']}" if each["id"] in plans else each["id"]
            for each in state["orders"]
            if each["status"] in ("new", "partially_filled")
        } | {f"exit:{each['id']}" for each in state["protections"] if each["status"] == "NOT_TRIGGERED"}


@asynccontextmanager
async def rig(venue: Exchange, **readings: Any) -> AsyncIterator[Rig]:
    """Gives one account, flat, at an exchange of three quiet markets."""
    made = Rig(venue, **readings)
    try:
        await made.clear()
        await made.clock.measure(lambda: _now(made))
        made.noted.made.clear()
        yield made
    finally:
        await made.orders.aclose()
        await made.noted.aclose()


async def _now(made: Rig) -> int:
    return await made.client.time() * 1_000_000


async def drained(r: Rig) -> None:
    """Leaves 1,000 USDT of what can be spent."""
    left = (await r.client.balance("usdt")).available_balance
    r.venue.act("fund", currency="usdt", amount=str(1_000 - left))


def wish(kind: OrderType = OrderType.LIMIT, **changes: Any) -> OrderRequest:
    """Returns an order of 100 contracts of BTC that rests, or waits, away from 60,000."""
    return resting(BTC_ID, kind, changes)
