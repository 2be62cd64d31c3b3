"""The venue with a key at the local exchange, by polls alone or with the private stream, and all that it told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from decimal import Decimal
from typing import Any

from tests.venues.mayex.orders_rig import BTC, BTC_ID, ETH, ETH_ID, SCALE, Exchange
from tests.venues.mayex.orders_rig import served as exchange_served
from tests.venues.perpetual_rig import PerpetualRig, closing, margin_request, order_request, until
from venues.commands import Channel, OrderRequest, Subscription
from venues.mayex.settings import Settings
from venues.mayex.venue import MayexVenue
from venues.model import InstrumentId, MarginMode, Position, Side
from venues.port import Credentials

__all__ = [
    "ACCOUNT",
    "BTC",
    "BTC_ID",
    "ETH",
    "ETH_ID",
    "SCALE",
    "AccountRig",
    "Exchange",
    "closing",
    "connected",
    "margin_request",
    "request",
    "served",
    "until",
]

D = Decimal
PRICE, ETH_PRICE = 60_000, 2_400
ACCOUNT = Subscription(Channel.ACCOUNT)


@contextmanager
def served() -> Iterator[Exchange]:
    """Serves an exchange where nobody but us acts, with a quota that no test uses up."""
    with exchange_served() as opened:
        opened.act("quota", minute=600_000)
        opened.mark(PRICE, BTC)
        opened.mark(ETH_PRICE, ETH)
        yield opened


class AccountRig(PerpetualRig[MayexVenue]):
    """The venue at an exchange."""

    def __init__(self, exchange: Exchange, **settings: Any) -> None:
        super().__init__(time.time_ns())
        self.exchange = exchange
        practice = exchange.practice
        given: dict[str, Any] = {
            "rest_url": practice.rest_url, "ws_url": practice.ws_url, "is_practice": True, "seed": 4,
            "time_scale": SCALE, "minute_quota": 60_000, "expiry_proof": "none",
            "credentials": Credentials(practice.api_key, practice.api_secret),
        }  # fmt: skip
        self.venue = MayexVenue(Settings(**(given | settings)))
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


def request(
    side: Side = Side.BUY, quantity: str = "0.01", instrument: InstrumentId = BTC_ID, **changes: Any
) -> OrderRequest:
    """Returns an order of BTC at the market, of an isolated position but for what is changed."""
    return order_request(instrument, side, quantity, {"margin_mode": MarginMode.ISOLATED} | changes)


@asynccontextmanager
async def connected(
    exchange: Exchange, *, has_stream: bool = False, subscribes: bool = True, **settings: Any
) -> AsyncIterator[AccountRig]:
    """Gives the venue at an exchange; with `has_stream` it is told by the private stream as well."""
    async with AsyncExitStack() as stack:
        if not has_stream:
            settings.setdefault("private_stream", "none")
        rig = AccountRig(exchange, **settings)
        stack.push_async_callback(rig.aclose)
        await rig.venue.connect()
        if subscribes:
            await rig.venue.subscribe(ACCOUNT)
        if has_stream and subscribes:
            await until(lambda: rig.venue._account._following.hears)
        yield rig
