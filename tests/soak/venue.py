"""The wire between a desk and an `Exchange`: the whole port of a venue, with everything that goes wrong on it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from random import Random
from typing import TypeVar

from tests.soak.exchange import Exchange, Kind
from venues.commands import AmendRequest, CancelRequest, Channel, OrderRequest, Subscription
from venues.errors import (
    ConnectionLost,
    NotSent,
    NotSupported,
    OrderError,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    RequestTimeout,
    VenueUnavailable,
)
from venues.events import (
    BookDelta,
    BookSnapshot,
    Event,
    LinkState,
    StreamStatus,
    Ticker,
    Trade,
)
from venues.model import (
    NANOSECONDS,
    Balance,
    Bar,
    Fill,
    Instrument,
    InstrumentId,
    MarginMode,
    Order,
    Position,
    Side,
    TimeInForce,
)
from venues.port import Capabilities, Depart, Departure, Mode, VenueTime

T = TypeVar("T")

_LIFE = {Kind.BY_ID: 30.0, Kind.SCANNING: 30.0, Kind.UNBOUNDED: None, Kind.VANISHING: 60.0}
_SETTLE = 2.0
_ERROR = NANOSECONDS // 20  # how wrong the adapter's idea of the venue's clock is
_TIMEOUT = 5.0

LATE_SHARE = 0.03  # of what is told about the account comes late or twice
GAP_SHARE = 0.001  # of the changes of a book is lost


class SoakVenue:
    """One venue of the soak. While `is_faulty` is unset nothing goes wrong but what was on its way already."""

    def __init__(self, name: str, kind: Kind, clock: Callable[[], int], random: Random) -> None:
        self.name = name
        self.exchange = Exchange(name, kind, clock, random, self._take)
        self.capabilities = Capabilities(
            mode=Mode.PAPER,
            times_in_force=frozenset(TimeInForce),
            post_only=True,
            reduce_only=True,
            amend=kind in (Kind.BY_ID, Kind.UNBOUNDED),
            positions=True,
            lookup_by_client_id=kind is not Kind.SCANNING,
            order_life=_LIFE[kind],
            settle=_SETTLE,
            forgets_unfilled=kind is Kind.VANISHING,
        )
        self.is_faulty = True
        self.late_share = LATE_SHARE
        self.gap_share = GAP_SHARE
        self.is_connected = False
        self.ts_lost = 0  # the desk's clock, when something of the account was last told into the void
        self.pending = 0  # requests that will arrive later
        self.drops = 0
        self.commands = 0  # that left the desk
        self.told = 0
        self.trace: Callable[[str], None] = lambda _line: None
        self._clock = clock
        self._random = random
        self._queue: asyncio.Queue[Sequence[Event] | ConnectionLost | None] = asyncio.Queue()
        self._subscribed: dict[Subscription, None] = {}
        self._epoch = 0
        self._nonce = 0
        self._banned_until = 0
        self._knows_time = True

    # The connection.

    async def connect(self) -> None:
        await self._pass(0.05)
        if self.is_connected:
            return
        if self._epoch % 2:  # an outage lasts
            raise VenueUnavailable(self.name, "no connection")
        self.is_connected = True
        self._queue = asyncio.Queue()
        self._put(StreamStatus(self.name, LinkState.LIVE, ts_event=self._clock()))
        self._put_snapshots()

    async def aclose(self) -> None:
        self.is_connected = False
        self._queue.put_nowait(None)

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        queue = self._queue
        while (batch := await queue.get()) is not None:
            if isinstance(batch, ConnectionLost):
                raise batch
            self.told += len(batch)
            yield batch

    async def drop(self, seconds: float) -> None:
        """Loses the connection for so long; whatever is told meanwhile is lost."""
        if self._epoch % 2 or not self.is_connected:
            return
        self.drops += 1
        self._epoch += 1
        self.is_connected = False
        self.ts_lost = self._clock()
        noticed = min(seconds, self._random.uniform(0, 5))
        await asyncio.sleep(noticed)
        is_crash = self._random.random() < 0.1
        if is_crash:  # the adapter gives up, and the session opens it anew
            self._queue.put_nowait(ConnectionLost(self.name, "the stream broke"))
        else:
            self._put(StreamStatus(self.name, LinkState.RECONNECTING, ts_event=self._clock()))
        await asyncio.sleep(seconds - noticed)
        self._epoch += 1
        self.ts_lost = self._clock()
        if not is_crash:
            self.is_connected = True
            self._put(StreamStatus(self.name, LinkState.LIVE, ts_event=self._clock()))
            self._put_snapshots()

    def sleep_through(self, steps: int) -> None:
        """Lets the exchange go on while the desk's machine is suspended: nothing of it is told."""
        was_connected, self.is_connected = self.is_connected, False
        self.step(steps)
        self.is_connected = was_connected
        self._knows_time = False

    def trade_unheard(self) -> None:
        """Has others trade the perpetual on our account once, of which nothing is told: only a read shows it."""
        was_connected, self.is_connected = self.is_connected, False
        perpetual = next(name for name, one in self.exchange.markets.items() if one.instrument.is_perpetual)
        self.exchange.place_and_end(perpetual)
        self.is_connected = was_connected

    async def subscribe(self, subscription: Subscription) -> None:
        await self._pass(0.02)
        if self.is_faulty and self._random.random() < 0.01:
            raise ConnectionLost(self.name, "not subscribed")
        self._subscribed[subscription] = None
        if self.is_connected:
            self._put_snapshot(subscription)

    async def unsubscribe(self, subscription: Subscription) -> None:
        await self._pass(0.02)
        self._subscribed.pop(subscription, None)

    def _put_snapshots(self) -> None:
        for subscription in self._subscribed:
            self._put_snapshot(subscription)

    def _put_snapshot(self, subscription: Subscription) -> None:
        name, now = subscription.instrument, self.exchange.now()
        if name is None:
            return
        market = self.exchange.markets[name]
        if subscription.channel is Channel.BOOK:
            self._put(market.snapshot(now))
        elif subscription.channel is Channel.TICKER:
            self._put(market.ticker(now))
        elif subscription.channel is Channel.MARK:
            self._put(market.mark(now))

    def _put(self, *events: Event) -> None:
        self._queue.put_nowait(events)

    # What the exchange tells.

    def step(self, steps: int) -> None:
        """Moves every market on, tells what is subscribed of it, and lets the exchange trade."""
        now, faulty = self.exchange.now(), self.is_faulty
        batch: list[Event] = []
        for name, market in self.exchange.markets.items():
            has_book = Subscription(Channel.BOOK, name) in self._subscribed
            for event in self.exchange.move(name, steps if has_book else 4):
                if isinstance(event, BookDelta):
                    # What is lost here is given away by the next change.
                    if has_book and not (faulty and self._random.random() < self.gap_share):
                        batch.append(event)
                elif has_book:
                    batch.append(event)
            batch += [market.ticker(now), market.mark(now)]
        if self.is_connected:
            self._queue.put_nowait(batch)
        self.exchange.trade()

    def beat(self) -> None:
        """Tells every ticker again, as a feed does on which nothing happens."""
        now = self.exchange.now()
        if self.is_connected:
            self._put(*(market.ticker(now) for market in self.exchange.markets.values()))

    def _take(self, event: Event) -> None:
        """Puts what was told about the account on the wire."""
        if not self.is_connected or Subscription(Channel.ACCOUNT) not in self._subscribed:
            self.ts_lost = self._clock()
            return
        dice = self._random.random() if self.is_faulty else 1.0
        if dice < 0.001:
            self.ts_lost = self._clock()
            return
        if dice < self.late_share:
            self._later(event)
            if dice < self.late_share * 0.6:
                return  # it only comes late, behind what follows; else it comes twice
        self._put(event)

    def _later(self, event: Event) -> None:
        epoch = self._epoch
        self.pending += 1

        def arrive() -> None:
            self.pending -= 1
            if epoch == self._epoch and self.is_connected:
                self._put(event)
            else:
                self.ts_lost = self._clock()

        asyncio.get_running_loop().call_later(self._random.uniform(0.01, 2.0), arrive)

    # Reads.

    async def _read(self, answer: Callable[[], T]) -> T:
        await self._pass(self._random.uniform(0.02, 0.3))
        self._fail_at_times(0.05)
        found = answer()
        await self._pass(self._random.uniform(0.02, 0.3))
        self._fail_at_times(0.02)
        self._knows_time = True
        return found

    def _fail_at_times(self, share: float) -> None:
        now = self._clock()
        if not self.is_faulty:
            return
        if now < self._banned_until:
            raise RateLimited(self.name, "too many", retry_after=(self._banned_until - now) / NANOSECONDS)
        if self._epoch % 2 and self._random.random() < 0.7:
            raise ConnectionLost(self.name, "no route")
        if self._random.random() < share:
            if self._random.random() < 0.2:
                self._banned_until = now + self._random.randint(2, 30) * NANOSECONDS
                raise RateLimited(self.name, "too many", retry_after=(self._banned_until - now) / NANOSECONDS)
            raise self._random.choice([RequestTimeout, VenueUnavailable, ConnectionLost])(self.name, "failed")

    async def _pass(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def venue_time(self) -> VenueTime | None:
        return VenueTime(self.exchange.now() + _ERROR, 2 * _ERROR) if self._knows_time else None

    async def fetch_instruments(self) -> Sequence[Instrument]:
        return await self._read(lambda: [market.instrument for market in self.exchange.markets.values()])

    async def fetch_order_book(self, instrument: InstrumentId, depth: int) -> BookSnapshot:
        return await self._read(lambda: self.exchange.markets[instrument].snapshot(self.exchange.now()))

    async def fetch_trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]:
        return await self._read(lambda: list(self.exchange.markets[instrument].trades)[-limit:])

    async def fetch_bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        return await self._read(lambda: [self.exchange.markets[instrument].bar(interval, self.exchange.now())])

    async def fetch_tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]:
        return await self._read(
            lambda: [self.exchange.markets[one].ticker(self.exchange.now()) for one in instruments]
        )

    async def fetch_balances(self) -> Sequence[Balance]:
        return await self._read(self.exchange.balances)

    async def fetch_positions(self) -> Sequence[Position]:
        return await self._read(lambda: list(self.exchange.positions.values()))

    async def fetch_open_orders(self) -> Sequence[Order]:
        return await self._read(self.exchange.rests)

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        if self.exchange.kind is Kind.SCANNING:  # a list first: what rests, and then what is over
            for order in await self._read(self.exchange.rests):
                is_it = order.venue_order_id == venue_order_id if venue_order_id else False
                if is_it or (client_order_id and order.client_order_id == client_order_id):
                    return order
        found = await self._read(lambda: self.exchange.find(client_order_id, venue_order_id))
        if found is None:
            raise OrderNotFound(self.name, "no such order")
        return found

    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        return await self._read(lambda: [fill for fill in self.exchange.fills if fill.ts_event >= since])

    # Commands.

    async def _command(self, depart: Depart | None, execute: Callable[[], T], words: str) -> T:
        life = self.capabilities.order_life
        deadline = None if life is None else self.exchange.now() + round(life * NANOSECONDS)
        self._nonce += 1
        if depart is not None:
            await depart(Departure(nonce=self._nonce, deadline=deadline))
        self.commands += 1
        self.trace(f"{self.name} {words}")
        dice = self._random.random() if self.is_faulty else 1.0
        if dice < 0.02 or (self.is_faulty and self._epoch % 2 and self._random.random() < 0.5):
            raise NotSent(self.name, "connection refused")
        await self._pass(self._random.uniform(0.02, 0.3))
        if dice < 0.04:  # it never arrives
            raise await self._silence()
        if dice < 0.08:  # it arrives, and when is not our affair
            self._arrive_later(execute, deadline)
            raise await self._silence()
        if dice < 0.10:
            raise OrderRejected(self.name, "refused", code="4290")
        result = execute()
        await self._pass(self._random.uniform(0.02, 0.3))
        if dice < 0.15:  # the answer is lost
            raise await self._silence()
        return result

    async def _silence(self) -> OutcomeUnknown:
        # A timeout, a reset, a page of HTML from the gateway.
        await self._pass(_TIMEOUT if self._random.random() < 0.5 else 0.05)
        return OutcomeUnknown(self.name, self._random.choice(["timed out", "reset", "502"]))

    def _arrive_later(self, execute: Callable[[], object], deadline: int | None) -> None:
        """Has the request arrive in up to 2 s; now and then long after, which only some venues refuse."""
        most = 2.0
        if self._random.random() < 0.15:
            most = 600.0 if self.capabilities.order_life is None else self.capabilities.order_life * 1.5
        self.pending += 1

        def arrive() -> None:
            self.pending -= 1
            if deadline is None or self.exchange.now() <= deadline:
                try:
                    execute()
                except OrderError:
                    return  # the exchange refuses it, and nobody hears of that

        asyncio.get_running_loop().call_later(self._random.uniform(0.0, most), arrive)

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        words = f"submit {request.client_order_id} {request.side} {request.quantity} {request.price}"
        return await self._command(depart, lambda: self.exchange.submit(request), words)

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order:
        words = f"amend {request.client_order_id} {request.quantity} {request.price}"
        return await self._command(depart, lambda: self.exchange.amend(request), words)

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        words = f"cancel {request.client_order_id} {request.venue_order_id}"
        return await self._command(depart, lambda: self.exchange.cancel(request), words)

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        return await self._command(depart, lambda: self.exchange.cancel_all(instrument, side), "cancel all")

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        raise NotSupported(self.name, "there is no leverage here")


def drop_length(random: Random) -> float:
    """Returns seconds from 0.1 to 600, short ones as often as long ones."""
    return math.exp(random.uniform(math.log(0.1), math.log(600)))
