"""What is true at an exchange, told by the exchange itself and never by the adapter under test."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol, TypeVar

import msgspec

from venues.commands import CancelRequest, OrderRequest
from venues.events import Level
from venues.model import ZERO, InstrumentId, Order, OrderStatus, OrderType, Side
from venues.paper.exchange import TRADER, PaperExchange
from venues.paper.session import Session
from venues.simulators.serving import Practice

_WHOLE_BOOK = 10_000
_FOR_EVER = 10**18  # nanoseconds: thirty years


class TrueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as its exchange has it. `status` is of the words of `OrderStatus` wherever there is one."""

    id: str
    client_id: str = ""
    symbol: str
    side: Side
    type: str
    quantity: Decimal
    filled: Decimal = ZERO
    price: Decimal | None = None
    trigger: Decimal | None = None
    status: str = ""

    @property
    def is_open(self) -> bool:
        return self.status in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, "waiting")


class TrueFill(msgspec.Struct, frozen=True, kw_only=True):
    trade_id: str
    order_id: str
    client_id: str = ""
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_currency: str
    ts_ns: int = 0


class TrueBalance(msgspec.Struct, frozen=True, kw_only=True):
    available: Decimal
    frozen: Decimal

    @property
    def total(self) -> Decimal:
        return self.available + self.frozen


class TruePosition(msgspec.Struct, frozen=True, kw_only=True):
    """A perpetual position; `quantity` is signed, and `type` the margin mode in the venue's words."""

    id: str
    symbol: str
    quantity: Decimal
    entry_price: Decimal
    margin: Decimal
    leverage: Decimal
    type: str
    mark: Decimal
    pnl: Decimal
    liquidation_price: Decimal | None = None


class TrueBook(msgspec.Struct, frozen=True, kw_only=True):
    """Best first."""

    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()


Row = TypeVar("Row", TrueOrder, TrueFill)


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment."""

    now_ns: int
    books: dict[str, TrueBook]
    orders: tuple[TrueOrder, ...]
    fills: tuple[TrueFill, ...]
    balances: dict[str, TrueBalance]
    positions: tuple[TruePosition, ...] = ()
    leverage: dict[str, Decimal] = {}  # by symbol, where it belongs to the symbol
    connections: int = 0
    requests: int = 0

    def of_client(self, client_id: str) -> tuple[TrueOrder, ...]:
        return tuple(order for order in self.orders if order.client_id == client_id)

    def order(self, name: str) -> TrueOrder:
        """Returns the order of this id or client id. Raises KeyError where there is none, or more than one."""
        found = [order for order in self.orders if name and name in (order.id, order.client_id)]
        if len(found) != 1:
            raise KeyError(f"{len(found)} orders are called {name}")
        return found[0]

    @property
    def open_orders(self) -> tuple[TrueOrder, ...]:
        return tuple(order for order in self.orders if order.is_open)

    def total(self, currency: str) -> Decimal:
        balance = self.balances.get(currency)
        return balance.total if balance is not None else ZERO


class Control(Protocol):
    """The exchange's own side: what is true, what others do there, and what goes wrong."""

    async def state(self) -> State: ...

    async def act(self, **wish: Any) -> dict[str, Any]:
        """Does something that our adapter did not do."""
        ...

    async def switch(self, faults: str) -> None:
        """Switches on these faults in place of those that were; empty heals."""
        ...

    async def done(self, kind: str) -> int:
        """Returns how often a fault was done so far."""
        ...

    def note(self, order: Order) -> None:
        """Keeps our name of an order: an exchange may know no name of ours for some kinds."""
        ...


class ServedControl:
    """What the control API of a served simulator does, called in its loop and not over HTTP."""

    def __init__(self, practice: Practice) -> None:
        self._practice = practice
        self._names: dict[str, str] = {}

    async def state(self) -> State:
        state = self.read(await self._practice.call(lambda: msgspec.json.encode(self._practice.state())))
        if not self._names:
            return state
        orders = tuple(self._named(order, order.id) for order in state.orders)
        fills = tuple(self._named(fill, fill.order_id) for fill in state.fills)
        return msgspec.structs.replace(state, orders=orders, fills=fills)

    def read(self, answer: bytes) -> State:
        """Returns what the control API's answer says."""
        return msgspec.json.decode(answer, type=State, strict=False)

    def note(self, order: Order) -> None:
        if order.client_order_id:
            self._names[order.venue_order_id] = order.client_order_id

    def _named(self, row: Row, order_id: str) -> Row:
        if row.client_id or order_id not in self._names:
            return row
        return msgspec.structs.replace(row, client_id=self._names[order_id])

    async def act(self, **wish: Any) -> dict[str, Any]:
        plain = msgspec.json.decode(msgspec.json.encode(wish))
        done = await self._practice.call(lambda: msgspec.json.encode(self._practice.simulator.act(plain)))
        return dict(msgspec.json.decode(done))

    async def switch(self, faults: str) -> None:
        own = self._practice.faults
        await self._practice.call(lambda: own.switch(faults) if faults else own.heal())

    async def done(self, kind: str) -> int:
        report: Any = await self._practice.call(self._practice.faults.report)
        return int(report["done"].get(kind, 0))


class EmbeddedControl:
    """The same of an exchange that lives in this process."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._placed = 0

    @property
    def _exchange(self) -> PaperExchange:
        return self._session.exchange

    async def state(self) -> State:
        exchange = self._exchange
        trader = exchange._clearing.traders[TRADER]
        orders = (*trader.closed.values(), *exchange.open_orders(TRADER))
        return State(
            now_ns=exchange.now,
            books={
                name.symbol: TrueBook(bids=book.bids, asks=book.asks)
                for name in exchange._instruments
                for book in [exchange.snapshot(name, _WHOLE_BOOK)]
            },
            orders=tuple(_true_order(order) for order in orders),
            fills=tuple(
                TrueFill(
                    trade_id=fill.trade_id,
                    order_id=fill.venue_order_id,
                    client_id=fill.client_order_id,
                    symbol=fill.instrument.symbol,
                    side=fill.side,
                    price=fill.price,
                    quantity=fill.quantity,
                    fee=fill.fee,
                    fee_currency=fill.fee_currency,
                    ts_ns=fill.ts_event,
                )
                for fill in exchange.fills(TRADER)
            ),
            balances={
                balance.currency: TrueBalance(available=balance.available, frozen=balance.locked)
                for balance in exchange.balances(TRADER)
            },
        )

    async def act(self, **wish: Any) -> dict[str, Any]:
        done = self._act(wish)
        self._session.feed.publish(self._exchange.drain())
        return done

    def _act(self, wish: dict[str, Any]) -> dict[str, Any]:
        exchange, flow = self._exchange, self._session.flow
        match wish["do"]:
            case "quiet":
                flow.pause(_FOR_EVER)
            case "resume":
                flow.next_at = exchange.now + 1
            case "clear":
                name = InstrumentId(exchange.venue, wish["symbol"])
                for number, market in list(exchange._clearing.flow.items()):
                    if market.id == name:
                        exchange.flow_cancel(number)
            case "quote":
                return {"id": exchange.flow_limit(self._id(wish), Side(wish["side"]), *_numbers(wish))}
            case "trade":
                exchange.flow_market(self._id(wish), Side(wish["side"]), Decimal(wish["quantity"]))
            case "place":
                self._placed += 1
                placed = exchange.submit(TRADER, self._request(wish))
                return {"order": {"id": placed.venue_order_id}}
            case "cancel":
                named = next(order for order in exchange.open_orders(TRADER) if order.venue_order_id == wish["id"])
                request = CancelRequest(
                    instrument=named.instrument, client_order_id="", venue_order_id=named.venue_order_id
                )
                exchange.cancel(TRADER, request)
            case other:
                raise ValueError(f"an embedded exchange can not {other}")
        return {}

    def _id(self, wish: dict[str, Any]) -> InstrumentId:
        return InstrumentId(self._exchange.venue, wish["symbol"])

    def _request(self, wish: dict[str, Any]) -> OrderRequest:
        return OrderRequest(
            instrument=self._id(wish),
            client_order_id=f"elsewhere{self._placed}",
            side=Side(wish["side"]),
            type=OrderType(wish.get("type", "limit")),
            quantity=Decimal(wish["quantity"]),
            price=Decimal(wish["price"]) if "price" in wish else None,
        )

    async def switch(self, faults: str) -> None:
        assert not faults, "nothing goes wrong between a desk and an exchange in the same process"

    async def done(self, kind: str) -> int:
        return 0

    def note(self, order: Order) -> None:
        """It has every name."""


def _numbers(wish: dict[str, Any]) -> Sequence[Decimal]:
    return Decimal(wish["price"]), Decimal(wish["quantity"])


def _true_order(order: Order) -> TrueOrder:
    return TrueOrder(
        id=order.venue_order_id,
        client_id=order.client_order_id,
        symbol=order.instrument.symbol,
        side=order.side,
        type=order.type.value,
        quantity=order.quantity,
        filled=order.filled_quantity,
        price=order.price,
        trigger=order.trigger_price,
        status=order.status.value,
    )
