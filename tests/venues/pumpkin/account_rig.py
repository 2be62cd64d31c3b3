"""The venue with a key at the local exchange, by polls alone or with the private topics, and all that it told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from decimal import Decimal
from typing import Any

import httpx

from tests.venues.perpetual_rig import PerpetualRig, closing, margin_request, order_request, until
from tests.venues.pumpkin.client_rig import shared_tls
from tests.venues.pumpkin.walking import BTC, ETH, PRICE, Exchange
from venues.commands import Channel, OrderRequest, Subscription
from venues.model import InstrumentId, MarginMode, Position, Side
from venues.port import Credentials
from venues.pumpkin.settings import Settings
from venues.pumpkin.venue import PumpkinVenue
from venues.simulators.serving import served_in_thread

__all__ = [
    "ACCOUNT",
    "BTC_ID",
    "ETH_ID",
    "SCALE",
    "AccountRig",
    "closing",
    "connected",
    "margin_request",
    "request",
    "served",
    "until",
]

D = Decimal
SCALE = 0.05
BTC_ID, ETH_ID = (InstrumentId("pumpkin", symbol) for symbol in (BTC, ETH))
ETH_PRICE = 2_400
ACCOUNT = Subscription(Channel.ACCOUNT)


@contextmanager
def served(**settings: Any) -> Iterator[Exchange]:
    """Serves an exchange where nobody but us acts, with quotas that no test uses up."""
    given: dict[str, Any] = {"seed": 5, "rate": 0, "time_scale": SCALE, "symbols": (BTC, ETH)} | settings
    with (
        served_in_thread("pumpkin", **given) as practice,
        httpx.Client(base_url=practice.rest_url, trust_env=False) as control,
    ):
        opened = Exchange(practice, control)
        opened.act("quota", minute=600_000, day=90_000_000)
        opened.mark(PRICE)
        opened.mark(ETH_PRICE, ETH)
        yield opened


class AccountRig(PerpetualRig[PumpkinVenue]):
    """The venue at an exchange."""

    def __init__(self, exchange: Exchange, **settings: Any) -> None:
        super().__init__(time.time_ns())
        self.exchange = exchange
        practice = exchange.practice
        given: dict[str, Any] = {
            "rest_url": practice.rest_url, "ws_url": "", "is_practice": True, "seed": 4, "time_scale": SCALE,
            "minute_quota": 60_000, "credentials": Credentials(practice.api_key, practice.api_secret),
        }  # fmt: skip
        self.venue = PumpkinVenue(Settings(**(given | settings)), tls=shared_tls())
        self.follow()

    def shown(self) -> dict[str, Any]:
        """Returns what the exchange shows to tests alone."""
        return self.exchange.simulator.state()

    async def opened(self, side: Side = Side.BUY, quantity: str = "0.01", **changes: Any) -> Position:
        """Opens a position at the market, and returns it once it is told."""
        before = set(self.held)
        await self.venue.submit_order(request(side, quantity, **changes))
        await until(lambda: set(self.held) - before)
        (number,) = set(self.held) - before
        return self.held[number]

    async def isolated(self, instrument: InstrumentId = BTC_ID, leverage: int = 10) -> None:
        await self.venue.set_leverage(instrument, D(leverage), MarginMode.ISOLATED)


def request(side: Side = Side.BUY, quantity: str = "0.01", **changes: Any) -> OrderRequest:
    """Returns an order of BTC at the market."""
    return order_request(BTC_ID, side, quantity, changes)


@asynccontextmanager
async def connected(
    exchange: Exchange, *, has_topics: bool = False, subscribes: bool = True, **settings: Any
) -> AsyncIterator[AccountRig]:
    """Gives the venue at an exchange; with `has_topics` it is told by the private topics as well."""
    async with AsyncExitStack() as stack:
        if has_topics:
            settings["user_ws_url"] = exchange.practice.ws_url
        rig = AccountRig(exchange, **settings)
        stack.push_async_callback(rig.aclose)
        await rig.venue.connect()
        if subscribes:
            await rig.venue.subscribe(ACCOUNT)
        if has_topics:
            await until(lambda: rig.venue._account._following.hears)
        yield rig
