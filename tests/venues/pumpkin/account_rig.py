"""The venue with a key at the local exchange, by polls alone or with the private topics, and all that it told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from decimal import Decimal
from itertools import count
from typing import Any

import httpx

from tests.venues.pumpkin.client_rig import shared_tls
from tests.venues.pumpkin.walking import BTC, ETH, PRICE, Exchange
from tests.venues.transport.stream_rig import until as waits_until
from tests.venues.transport.venue_rig import Consumer
from venues.commands import Channel, FundsKind, FundsRequest, OrderRequest, Subscription
from venues.events import BalanceUpdate, PositionUpdate
from venues.model import Balance, InstrumentId, MarginMode, Order, OrderType, Position, Side
from venues.port import Credentials, Departure
from venues.pumpkin.settings import Settings
from venues.pumpkin.venue import PumpkinVenue
from venues.simulators.serving import served_in_thread

D = Decimal
SCALE = 0.05
BTC_ID, ETH_ID = (InstrumentId("pumpkin", symbol) for symbol in (BTC, ETH))
ETH_PRICE = 2_400
ACCOUNT = Subscription(Channel.ACCOUNT)
_numbers = count(1)
_PATIENCE = 8.0  # seconds


async def until(condition: Callable[[], object]) -> None:
    """Waits until it holds."""
    await waits_until(condition, _PATIENCE)


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


class AccountRig(Consumer[PumpkinVenue]):
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
        self.departures: list[Departure] = []
        self.follow()

    async def depart(self, departure: Departure) -> None:
        self.departures.append(departure)

    @property
    def told(self) -> list[Position]:
        """Every state of every position, as it was told."""
        return [event.position for event in self.of(PositionUpdate)]

    @property
    def held(self) -> dict[str, Position]:
        """The open positions by their ids, by what was told alone."""
        newest = {one.position_id: one for one in self.told}
        return {number: one for number, one in newest.items() if one.quantity}

    @property
    def wallet(self) -> Balance:
        """The settle currency, as it was told last."""
        told = [one for event in self.of(BalanceUpdate) for one in event.balances if one.currency == "USDT"]
        return told[-1]

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

    async def fill(self, order: Order) -> None:
        """Waits until all executions of an order are told."""
        await until(lambda: sum(one.quantity for one in self.fills_of(order)) == order.quantity)

    def fills_of(self, order: Order) -> list[Any]:
        return [one for one in self.fills if one.venue_order_id == order.venue_order_id]


def request(side: Side = Side.BUY, quantity: str = "0.01", **changes: Any) -> OrderRequest:
    """Returns an order of BTC at the market."""
    given: dict[str, Any] = {
        "instrument": BTC_ID, "client_order_id": f"s{next(_numbers):08d}", "side": side, "type": OrderType.MARKET,
        "quantity": D(quantity),
    }  # fmt: skip
    return OrderRequest(**(given | changes))


def closing(position: Position, quantity: str = "", **changes: Any) -> OrderRequest:
    """Returns the order that closes a position, or a part of it."""
    side = Side.SELL if position.quantity > 0 else Side.BUY
    size = quantity or f"{abs(position.quantity):f}"
    given: dict[str, Any] = {
        "instrument": position.instrument,
        "reduce_only": True,
        "position_id": position.position_id,
    }
    return request(side, size, **(given | changes))


def margin_request(position: Position, kind: FundsKind, amount: str, **changes: Any) -> FundsRequest:
    given: dict[str, Any] = {
        "venue": "pumpkin", "request_id": f"m{next(_numbers)}", "kind": kind, "currency": "USDT",
        "amount": D(amount), "instrument": position.instrument, "position_id": position.position_id,
        "held_before": position.margin,
    }  # fmt: skip
    return FundsRequest(**(given | changes))


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
            await until(lambda: rig.venue._account._hears())
        yield rig
