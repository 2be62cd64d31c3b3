"""The orders of one account at the local exchange, and everything that they told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from typing import Any

import httpx

from tests.venues.noted import Noted
from tests.venues.perpetual_rig import OrdersRig, ServedExchange, resting
from venues.commands import OrderRequest
from venues.mayex import VENUE, Client
from venues.mayex.client import make_session
from venues.mayex.expiry import ExpiryProof
from venues.mayex.orders import Orders
from venues.mayex.profile import Profile
from venues.mayex.settings import Settings
from venues.mayex.timekeeping import DateClock
from venues.mayex.trading import FindPrice
from venues.model import Instrument, InstrumentId, InstrumentKind, MarginMode, OrderType, Side
from venues.port import Credentials
from venues.simulators.mayex.exchange import MayexSimulator
from venues.simulators.serving import served_in_thread
from venues.transport.listing import InstrumentList
from venues.transport.timing import Timing

D = Decimal
BTC, ETH = "btcusdt", "ethusdt"
BTC_ID, ETH_ID = InstrumentId(VENUE, BTC), InstrumentId(VENUE, ETH)
SPOT_ID = InstrumentId(VENUE, "btcusdt.spot")
PRICES = {BTC: D(60_000), ETH: D(2_400)}
SCALE = 0.05


def contract(symbol: str, **changes: Any) -> Instrument:
    base = symbol.removesuffix("usdt").upper()
    fields: dict[str, Any] = {
        "id": InstrumentId(VENUE, symbol), "name": f"{base}/USDT perp", "kind": InstrumentKind.LINEAR_PERPETUAL,
        "base": base, "quote": "USDT", "settle": "USDT", "tick_size": D("0.5"), "lot_size": D("0.001"),
        "max_quantity": D(100),
    }  # fmt: skip
    return Instrument(**(fields | changes))


LISTED = {
    BTC_ID: contract(BTC),
    ETH_ID: contract(ETH, tick_size=D("0.05"), lot_size=D("0.01"), max_quantity=D(2_000)),
    SPOT_ID: contract(BTC, id=SPOT_ID, kind=InstrumentKind.SPOT, is_tradable=False, note="market data only"),
}


async def listed() -> dict[InstrumentId, Instrument]:
    return LISTED


class Terms:
    """What the account would know of positions: as a test says."""

    def __init__(self) -> None:
        self.modes: dict[tuple[str, Side], MarginMode] = {}
        self.leverages: dict[tuple[str, MarginMode], Decimal] = {}
        self.held: dict[tuple[str, str], Decimal] = {}

    def margin_mode_of(self, instrument: InstrumentId, side: Side) -> MarginMode | None:
        return self.modes.get((instrument.symbol, side))

    def leverage_of(self, instrument: InstrumentId, margin_mode: MarginMode) -> Decimal | None:
        return self.leverages.get((instrument.symbol, margin_mode))

    def quantity_of(self, instrument: InstrumentId, position_id: str) -> Decimal | None:
        return self.held.get((instrument.symbol, position_id))


class Exchange(ServedExchange[MayexSimulator]):
    """A served exchange where nobody but us acts, and its control API."""

    def mark(self, price: Decimal | int, symbol: str = BTC) -> None:
        """Moves a market to a price."""
        super().mark(price, symbol)

    def fault(self, spec: str) -> None:
        """Has calls go wrong as `spec` says, each once where it ends in "*1"."""
        self.simulator.faults.switch(spec)

    def orders(self) -> list[dict[str, Any]]:
        """Returns the orders by the exchange's own account."""
        found: list[dict[str, Any]] = list(self.simulator.state()["orders"])
        return found

    def open_ids(self) -> set[str]:
        return {str(each["id"]) for each in self.orders() if each["status"] in ("new", "partially_filled")}


@contextmanager
def served() -> Iterator[Exchange]:
    """Serves an exchange in a thread of its own."""
    with (
        served_in_thread("mayex", seed=5, rate=0, time_scale=SCALE, symbols=(BTC, ETH)) as practice,
        httpx.Client(base_url=practice.rest_url, trust_env=False) as control,
    ):
        yield Exchange(MayexSimulator, practice, control)


class Rig(OrdersRig):
    """One account at an exchange."""

    orders: Orders

    def __init__(self, venue: Exchange, **settings: Any) -> None:
        super().__init__()
        practice = venue.practice
        credentials = Credentials(practice.api_key, practice.api_secret)
        profile = Profile(minute_quota=100_000)
        base_url = practice.rest_url.rstrip("/") + "/api"
        session = make_session(
            credentials,
            base_url=base_url,
            profile=profile,
            timing=Timing(attempts=1, command=0.4, patience=0.2, cancel_patience=0.4),
        )
        self.venue = venue
        self.noted = Noted(session, prefix="/api")
        self.client = Client(session=self.noted, has_key=True, base_url=base_url, profile=profile)
        self.clock = DateClock(VENUE)
        self.dated = Client(session=session, base_url=base_url)
        self.terms = Terms()
        self.lasts: dict[str, Decimal] = {}
        self.listing = InstrumentList(VENUE, listed)
        self.settings = Settings(credentials=credentials, time_scale=SCALE, **settings)
        self.is_heard = False
        self.expiry = ExpiryProof(self.client, is_wanted=True)
        self.orders = self.another()

    def another(self, *, expiry: ExpiryProof | None = None, find_mark: FindPrice | None = None) -> Orders:
        """Returns the orders of a program that was started anew: it remembers nothing."""
        expiry = expiry or self.expiry
        return Orders(
            self.client,
            expiry.make_sender(has_credentials=True),
            self.listing,
            self.clock,
            emit=self._emit,
            terms=self.terms,
            mark=lambda instrument: self.marks.get(instrument.symbol),
            last=lambda instrument: self.lasts.get(instrument.symbol),
            expiry=expiry,
            settings=self.settings,
            has_credentials=True,
            hears=lambda: self.is_heard,
            find_mark=find_mark or self.asked,
            time_scale=SCALE,
        )

    async def asked(self, instrument: InstrumentId) -> Decimal | None:
        """Returns what the market's stream would tell."""
        return PRICES.get(instrument.symbol)

    async def clear(self) -> None:
        """Leaves nothing of the test before."""
        venue = self.venue
        venue.simulator.faults.heal()
        venue.act("quota", minute=10**9)
        venue.act("expiry", enforced=True)
        venue.act("fund", currency="USDT", amount="100000")
        for symbol, price in PRICES.items():
            venue.mark(price, symbol)
        for each in venue.orders():
            if each["status"] in ("new", "partially_filled"):
                venue.act("cancel", id=int(each["id"]))
        for row in await self.client.positions():
            is_long = row.position_side == "LONG"
            venue.act(
                "place", symbol=row.symbol, side="sell" if is_long else "buy", type="market",
                position_side=row.position_side.lower(), isolated=row.isolated, quantity=str(row.quantity),
            )  # fmt: skip

    async def opened(self, request: OrderRequest) -> str:
        """Opens a position, and returns its id."""
        await self.submit(request)
        side = "long" if request.side is Side.BUY else "short"
        mode = request.margin_mode or self.settings.usual_margin_mode
        self.terms.modes[request.instrument.symbol, request.side] = mode
        self.terms.held[request.instrument.symbol, f"{side}:{mode}"] = request.quantity
        return f"{side}:{mode}"


@asynccontextmanager
async def rig(venue: Exchange, *, proves: bool = False, **settings: Any) -> AsyncIterator[Rig]:
    """Gives one account, flat, at an exchange of two quiet markets; `proves` has expiries tried."""
    made = Rig(venue, **settings)
    try:
        await made.clear()
        await made.clock.measure(made.dated.time)
        if proves:
            await made.expiry.verify()
        made.noted.made.clear()
        yield made
    finally:
        await made.orders.aclose()
        await made.noted.aclose()


def wish(kind: OrderType = OrderType.LIMIT, **changes: Any) -> OrderRequest:
    """Returns an order of 0.01 BTC that rests, or waits, away from 60,000."""
    return resting(BTC_ID, kind, changes)
