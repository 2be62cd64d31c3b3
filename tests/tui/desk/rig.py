"""What the desk's tests stand on: instruments, a venue that does as it is told, a journal that remembers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from typing import Any, Self

import msgspec

from tui.desk.control import OrderIntent
from tui.desk.frame import Fact
from tui.desk.guards import Limits
from tui.desk.journal import Command, JournalError, Resolution, Word
from tui.desk.session import Session
from venues.commands import AmendRequest, CancelRequest, Channel, OrderRequest, Subscription
from venues.errors import OrderNotFound
from venues.events import BookSnapshot, Event, LinkState, OrderUpdate, StreamStatus, Ticker, Trade
from venues.model import (
    Balance,
    Bar,
    Fill,
    Instrument,
    InstrumentId,
    InstrumentKind,
    Liquidity,
    MarginMode,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Side,
    TimeInForce,
)
from venues.port import Capabilities, Depart, Departure, Mode, VenueTime

D = Decimal
ONE, TWO, FIVE, HUNDRED = D(1), D(2), D(5), D(100)
PERP = InstrumentId("test", "BTC-PERP")
SPOT = InstrumentId("test", "BTC-USDT")
START = 1_800_000_000_000_000_000


def instrument(name: InstrumentId = PERP, **changes: Any) -> Instrument:
    kind = InstrumentKind.LINEAR_PERPETUAL if name.symbol.endswith("PERP") else InstrumentKind.SPOT
    made = Instrument(
        id=name, name=name.symbol, kind=kind, base="BTC", quote="USDT", settle="USDT",
        tick_size=D("0.5"), lot_size=D("0.001"), min_quantity=D("0.001"), min_notional=D(5),
        taker_fee=D("0.0005"), max_leverage=D(10),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def capabilities(**changes: Any) -> Capabilities:
    made = Capabilities(
        mode=Mode.PAPER, order_types=frozenset(OrderType), times_in_force=frozenset(TimeInForce),
        post_only=True, reduce_only=True, amend=True, leverage=True, positions=True,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def order(key: str, status: OrderStatus = OrderStatus.NEW, **changes: Any) -> Order:
    made = Order(
        instrument=PERP, client_order_id=key, venue_order_id=f"v{key}", side=Side.BUY, type=OrderType.LIMIT,
        quantity=D(5), price=D(100), status=status, ts_event=START,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def fill(key: str, trade_id: str, quantity: Decimal = ONE, **changes: Any) -> Fill:
    made = Fill(
        instrument=PERP, trade_id=trade_id, client_order_id=key, venue_order_id=f"v{key}", side=Side.BUY,
        price=D(100), quantity=quantity, fee=D("0.1"), fee_currency="USDT", liquidity=Liquidity.TAKER,
        ts_event=START,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def request(key: str, quantity: Decimal = FIVE) -> OrderRequest:
    return OrderRequest(
        instrument=PERP, client_order_id=key, side=Side.BUY, type=OrderType.LIMIT, quantity=quantity, price=D(100)
    )


def intent(**changes: Any) -> OrderIntent:
    made = OrderIntent(instrument=PERP, side=Side.BUY, type=OrderType.LIMIT, quantity=D(1), price=D(100))
    return msgspec.structs.replace(made, **changes)


def position(quantity: Decimal = TWO, **changes: Any) -> Position:
    made = Position(instrument=PERP, quantity=quantity, entry_price=D(90), ts_opened=START, ts_event=START)
    return msgspec.structs.replace(made, **changes)


def snapshot(bid: str = "99.5", ask: str = "100.5", name: InstrumentId = PERP, sequence: int = 1) -> BookSnapshot:
    return BookSnapshot(name, ((bid, "10"),), ((ask, "10"),), sequence, START, START)


def ticker(last: Decimal = HUNDRED, name: InstrumentId = PERP) -> Ticker:
    return Ticker(name, last, last - 1, last + 1, D(80), None, None, None, START)


class Clock:
    """Nanoseconds that only move when told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000_000)


class ScriptedVenue:
    """A venue that rests every order, and fails where `faults` (method name -> exceptions, in turn) says so."""

    def __init__(self, name: str = "test", caps: Capabilities | None = None) -> None:
        self.name = name
        self.capabilities = caps if caps is not None else capabilities()
        self.instruments = [instrument(InstrumentId(name, "BTC-PERP")), instrument(InstrumentId(name, "BTC-USDT"))]
        self.faults: dict[str, list[BaseException]] = {}
        self.calls: list[str] = []
        self.orders: dict[str, Order] = {}
        self.fills: list[Fill] = []
        self.held: list[Position] = []
        self.balances = [Balance(currency="USDT", total=D(1000), available=D(1000), locked=D(0))]
        self.queue: asyncio.Queue[Sequence[Event] | None] = asyncio.Queue()
        self.hold: asyncio.Event | None = None  # while it is set and unset, submits do not answer
        self.fills_at_once = False
        self.time: VenueTime | None = None
        self.deadline: int | None = None  # of every command

    def tell(self, *events: Event) -> None:
        self.queue.put_nowait(events)

    def called(self, name: str) -> int:
        return self.calls.count(name)

    def _enter(self, name: str) -> None:
        self.calls.append(name)
        if self.faults.get(name):
            raise self.faults[name].pop(0)

    def venue_time(self) -> VenueTime | None:
        return self.time

    async def _leave(self, depart: Depart | None) -> None:
        if depart is not None:
            await depart(Departure(deadline=self.deadline))

    async def connect(self) -> None:
        self._enter("connect")
        self.tell(StreamStatus(self.name, LinkState.LIVE))

    async def aclose(self) -> None:
        self.queue.put_nowait(None)

    async def subscribe(self, subscription: Subscription) -> None:
        self._enter(f"subscribe {subscription.channel}")
        if subscription.channel is Channel.BOOK and subscription.instrument is not None:
            self.tell(snapshot(name=subscription.instrument))
        if subscription.channel is Channel.TICKER and subscription.instrument is not None:
            self.tell(ticker(name=subscription.instrument))

    async def unsubscribe(self, subscription: Subscription) -> None:
        self._enter(f"unsubscribe {subscription.channel}")

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        while (batch := await self.queue.get()) is not None:
            yield batch

    async def fetch_instruments(self) -> Sequence[Instrument]:
        self._enter("fetch_instruments")
        return self.instruments

    async def fetch_order_book(self, instrument: InstrumentId, depth: int) -> BookSnapshot:
        return snapshot(name=instrument)

    async def fetch_trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]:
        return ()

    async def fetch_bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        return ()

    async def fetch_tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]:
        return ()

    async def fetch_balances(self) -> Sequence[Balance]:
        self._enter("fetch_balances")
        return self.balances

    async def fetch_positions(self) -> Sequence[Position]:
        self._enter("fetch_positions")
        return list(self.held)

    async def fetch_open_orders(self) -> Sequence[Order]:
        self._enter("fetch_open_orders")
        return [one for one in self.orders.values() if one.is_open]

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        self._enter("fetch_order")
        if client_order_id not in self.orders:
            raise OrderNotFound(self.name, "no such order")
        return self.orders[client_order_id]

    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        self._enter("fetch_fills")
        return [one for one in self.fills if one.ts_event >= since]

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        await self._leave(depart)
        self._enter("submit_order")
        if self.hold is not None:
            await self.hold.wait()
        self.book_order(request)
        if self.faults.get("answer"):
            raise self.faults["answer"].pop(0)
        return self.orders[request.client_order_id]

    def book_order(self, request: OrderRequest) -> None:
        """Takes an order in; a market order, or any while `fills_at_once`, trades whole."""
        done = self.fills_at_once or request.type is OrderType.MARKET
        self.orders[request.client_order_id] = order(
            request.client_order_id, OrderStatus.FILLED if done else OrderStatus.NEW,
            instrument=request.instrument, side=request.side, type=request.type, quantity=request.quantity,
            price=request.price, reduce_only=request.reduce_only,
            filled_quantity=request.quantity if done else D(0), ts_event=START + len(self.calls),
        )  # fmt: skip
        if done:
            self._move_position(request)

    def _move_position(self, request: OrderRequest) -> None:
        for index, one in enumerate(self.held):
            if one.instrument == request.instrument:
                left = one.quantity + request.side.sign * request.quantity
                self.held[index] = msgspec.structs.replace(one, quantity=left, ts_event=one.ts_event + 1)
        self.held = [one for one in self.held if one.quantity]

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order:
        await self._leave(depart)
        self._enter("amend_order")
        before = self.orders[request.client_order_id]
        after = msgspec.structs.replace(
            before, price=request.price or before.price, quantity=request.quantity or before.quantity,
            ts_event=before.ts_event + 1,
        )  # fmt: skip
        self.orders[request.client_order_id] = after
        return after

    def end(self, key: str, status: OrderStatus = OrderStatus.CANCELED) -> Order:
        before = self.orders[key]
        self.orders[key] = msgspec.structs.replace(before, status=status, ts_event=before.ts_event + 1)
        return self.orders[key]

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        await self._leave(depart)
        self._enter("cancel_order")
        return self.end(request.client_order_id)

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        await self._leave(depart)
        self._enter("cancel_all_orders")
        return [
            self.end(key)
            for key, one in list(self.orders.items())
            if one.is_open and instrument in (None, one.instrument) and side in (None, one.side)
        ]

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        self._enter("set_leverage")


class RecordingJournal:
    """Remembers what it was given; `broken` names the write that fails."""

    def __init__(self, venue: ScriptedVenue | None = None) -> None:
        self.entries: list[str] = []
        self.broken = ""
        self._venue = venue

    async def _keep(self, what: str, detail: str = "") -> None:
        if what == self.broken:
            raise JournalError("disk full")
        await asyncio.sleep(0)
        seen = f" after {self._venue.called('submit_order')} sent" if self._venue is not None else ""
        self.entries.append(f"{what}{detail}{seen}")

    async def intent(self, command: Command, ts: int, *, notional: Decimal | None = None) -> None:
        await self._keep("intent")

    async def sending(self, command: Command, departure: Departure, ts: int) -> None:
        await self._keep("sending")

    async def answered(self, command: Command, answer: Word, ts: int) -> None:
        await self._keep("answered", f" {type(answer).__name__}")

    async def ambiguous(self, command: Command, why: str, ts: int) -> None:
        await self._keep("ambiguous")

    async def fact(self, fact: Order | Fill, ts: int, *, is_answer: bool = False) -> None:
        await self._keep("fact", f" {type(fact).__name__}")

    async def resolved(self, command: Command, resolution: Resolution, ts: int) -> None:
        await self._keep("resolved", f" by {resolution.by}")

    async def note(
        self,
        text: str,
        ts: int,
        *,
        topic: str = "",
        locked_until: int | None = None,
        amount: Decimal | None = None,
    ) -> None:
        await self._keep("note")

    async def aclose(self) -> None:
        pass


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Lets the loop run until `condition` holds."""
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0)


class Rig:
    """A session over scripted venues, with its facts, whose waits are over at once."""

    def __init__(self, *venues: ScriptedVenue, **settings: Any) -> None:
        self.venues = venues or (ScriptedVenue(),)
        self.venue = self.venues[0]
        self.facts: list[Fact] = []
        self.clock = Clock()
        self.waits: list[float] = []
        settings.setdefault("limits", Limits())
        self.session = Session(
            self.venues, tell=self.facts.append, clock=self.clock, random=random.Random(1), sleep=self._sleep,
            shown=self.venue.instruments[0].id, **settings,
        )  # fmt: skip
        self.store = self.session.store

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        await self.session.open()
        await until(lambda: all(link.is_reconciled for link in self.session.links.values()))
        shown = self.store.markets[self.venue.instruments[0].id]
        await until(lambda: shown.ticker is not None and shown.book is not None)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.aclose()

    async def place(self, **changes: Any) -> str:
        """Sends an order and waits for the venue's word; returns its key."""
        outcome = await self.session.submit(intent(**changes))
        await self.session.settled()
        assert outcome.order_key, outcome
        return outcome.order_key

    def status(self, key: str) -> OrderStatus:
        tracked = self.store.orders.get(key)
        assert tracked is not None
        return tracked.status

    def texts(self) -> str:
        return "\n".join(fact.text for fact in self.facts)

    async def tell(self, *events: Event) -> None:
        """Has the venue tell events, and waits until they are taken."""
        self.venue.tell(*events)
        await until(lambda: self.venue.queue.empty() and not self.session.links[self.venue.name].backlog)
        await asyncio.sleep(0)


def update(key: str, status: OrderStatus = OrderStatus.NEW, **changes: Any) -> OrderUpdate:
    return OrderUpdate(order(key, status, **changes))
