"""A venue of perpetuals with a key at its local exchange, and what was told of the account there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count
from typing import Any, Generic, TypeVar

import httpx

from tests.venues.transport.stream_rig import until as waits_until
from tests.venues.transport.venue_rig import Consumer
from venues.commands import CancelRequest, FundsKind, FundsRequest, OrderRequest
from venues.events import BalanceUpdate, Event, OrderUpdate, PositionUpdate
from venues.model import Balance, Fill, InstrumentId, Order, OrderType, Position, Side
from venues.port import Departure, Venue
from venues.simulators.serving import Practice
from venues.transport.perpetual_orders import PerpetualOrders

D = Decimal
S = TypeVar("S")
V = TypeVar("V", bound=Venue)

_numbers = count(1)
_PATIENCE = 8.0  # seconds


async def until(condition: Callable[[], object]) -> None:
    """Waits until it holds."""
    await waits_until(condition, _PATIENCE)


class ServedExchange(Generic[S]):
    """A served exchange and its control API. `kind` is the simulator's own class."""

    def __init__(self, kind: type[S], practice: Practice, control: httpx.Client) -> None:
        assert isinstance(practice.simulator, kind)
        self.simulator = practice.simulator
        self.practice = practice
        self._control = control

    def act(self, do: str, **wish: object) -> dict[str, Any]:
        answer = self._control.post("/practice/act", json={"do": do, **wish})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def mark(self, price: Decimal | int, symbol: str) -> None:
        """Moves a market to a price."""
        self.act("mark", symbol=symbol, price=str(price))


class PerpetualRig(Consumer[V]):
    """Takes what the venue tells; positions are named by their ids."""

    def __init__(self, began: int) -> None:
        super().__init__(began)
        self.departures: list[Departure] = []

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

    async def fill(self, order: Order) -> None:
        """Waits until all executions of an order are told."""
        await until(lambda: sum(one.quantity for one in self.fills_of(order)) == order.quantity)

    def fills_of(self, order: Order) -> list[Fill]:
        return [one for one in self.fills if one.venue_order_id == order.venue_order_id]


class OrdersRig:
    """The orders of one account, as its port's calls, and what they told."""

    orders: PerpetualOrders[Any]

    def __init__(self) -> None:
        self.marks: dict[str, Decimal] = {}
        self.told: list[Order] = []
        self.departures: list[Departure] = []

    async def submit(self, request: OrderRequest) -> Order:
        return await self.orders.submit(request, self._depart)

    async def cancel(self, order: Order) -> Order:
        return await self.orders.cancel(cancel_of(order), self._depart)

    async def find(self, request: OrderRequest) -> Order:
        """Looks for an order by our own id alone, as a desk does whose answer was lost."""
        return await self.orders.fetch_order(request.instrument, request.client_order_id)

    async def _depart(self, departure: Departure) -> None:
        self.departures.append(departure)

    def _emit(self, events: Sequence[Event]) -> None:
        self.told += [each.order for each in events if isinstance(each, OrderUpdate)]


def resting(instrument: InstrumentId, kind: OrderType, changes: dict[str, Any]) -> OrderRequest:
    """Returns an order of 0.01 BTC that rests, or waits, away from 60,000."""
    fields: dict[str, Any] = {
        "instrument": instrument,
        "client_order_id": f"s{next(_numbers):05d}",
        "side": Side.BUY,
        "type": kind,
        "quantity": D("0.01"),
    }
    if kind.has_price:
        fields["price"] = D(59_000)
    if kind.has_trigger:
        rises = (kind in (OrderType.STOP, OrderType.STOP_LIMIT)) is (changes.get("side", Side.BUY) is Side.BUY)
        fields["trigger_price"] = D(61_000 if rises else 59_000)
    return OrderRequest(**(fields | changes))


def cancel_of(order: Order) -> CancelRequest:
    return CancelRequest(
        instrument=order.instrument, client_order_id=order.client_order_id, venue_order_id=order.venue_order_id
    )


def order_request(instrument: InstrumentId, side: Side, quantity: str, changes: dict[str, Any]) -> OrderRequest:
    """Returns an order at the market, but for what is changed."""
    given: dict[str, Any] = {
        "instrument": instrument, "client_order_id": f"s{next(_numbers):08d}", "side": side,
        "type": OrderType.MARKET, "quantity": D(quantity),
    }  # fmt: skip
    return OrderRequest(**(given | changes))


def closing(position: Position, quantity: str = "", **changes: Any) -> OrderRequest:
    """Returns the order that closes a position, or a part of it."""
    side = Side.SELL if position.quantity > 0 else Side.BUY
    size = quantity or f"{abs(position.quantity):f}"
    given = {"reduce_only": True, "position_id": position.position_id}
    return order_request(position.instrument, side, size, given | changes)


def margin_request(position: Position, kind: FundsKind, amount: str, **changes: Any) -> FundsRequest:
    given: dict[str, Any] = {
        "venue": position.instrument.venue, "request_id": f"m{next(_numbers)}", "kind": kind, "currency": "USDT",
        "amount": D(amount), "instrument": position.instrument, "position_id": position.position_id,
        "held_before": position.margin,
    }  # fmt: skip
    return FundsRequest(**(given | changes))
