"""The adapter of the bad venues: the whole port over the real transport, signed, with nonces kept in a file."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import msgspec

from tests.support.bad_venues import reading
from tests.support.bad_venues.reading import refusal_in_answer, refusal_in_command
from tests.support.bad_venues.rules import (
    SYMBOL,
    VENUE,
    Create,
    Execution,
    Kind,
    Lane,
    OrderState,
    Page,
    Rules,
    signature,
)
from venues.commands import AmendRequest, CancelRequest, Channel, OrderRequest, Subscription
from venues.errors import (
    ConnectionLost,
    DecodeError,
    NotSent,
    NotSupported,
    OrderNotFound,
    VenueError,
    VenueUnavailable,
)
from venues.events import BookSnapshot, Event, LinkState, StreamStatus, Ticker, Trade
from venues.model import Balance, Bar, Fill, Instrument, InstrumentId, MarginMode, Order, Position, Side
from venues.port import Capabilities, Depart, Departure, Mode, VenueTime
from venues.transport.clock import ServerClock
from venues.transport.exchange import Dispatch, Request, Signed
from venues.transport.http import HttpClient
from venues.transport.nonces import Nonces
from venues.transport.timing import Timing

T = TypeVar("T")

BTC = InstrumentId(VENUE, SYMBOL)
_PAGE = 200  # orders in a page of the history
_REPLAYED = 50  # events of before the start that are read again: the reads lag behind them
_CLOCK_EVERY = 1.0  # seconds
_GOOD_ENOUGH = 20_000_000  # nanoseconds of doubt about the venue's clock
_MOST_UNREADABLE = 3  # answers to one question
_MOST_FAILED = 4  # pages of events in succession, each tried several times


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the venue is and what its documents say; of `rules` only that is read. Times in seconds."""

    origin: str
    state_dir: str
    rules: Rules
    command: float = 0.8
    attempt: float = 0.3
    read: float = 2.0


class BadVenue:
    """A `Venue`. `sleep` paces its own reading; times are the venue's clock, corrected by round trips."""

    name = VENUE

    def __init__(self, settings: Settings, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.settings = settings
        self._rules = settings.rules
        self._sleep = sleep
        self._clock = ServerClock(VENUE, is_corrected=True)
        self._nonces = Nonces(Path(settings.state_dir) / "nonces.sqlite3", now_ms=self._now_ms)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used: the venue is on the loopback
        self._clients = {lane: self._client(lane, tls) for lane in Lane}
        # Rising when drawn is not rising when it arrives: a key's next nonce waits for the answer to the last.
        self._turns = {lane: asyncio.Lock() for lane in Lane}
        self._batches: asyncio.Queue[Sequence[Event] | None] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._scanning = asyncio.Lock()
        self._scanned: list[OrderState] = []
        self._scanned_at = 0.0  # the loop's seconds, when the last look through all orders began
        self._after = 0
        self._is_closed = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            mode=Mode.PRACTICE,
            lookup_by_client_id=self._rules.kind is not Kind.BY_SCAN,
            order_life=self._rules.life,
            settle=self._rules.settle,
            forgets_unfilled=self._rules.kind is Kind.VANISHING,
        )

    def venue_time(self) -> VenueTime | None:
        uncertainty = self._clock.uncertainty
        return None if uncertainty is None else VenueTime(self._clock.now(), uncertainty)

    async def connect(self) -> None:
        if self._is_closed:
            raise ConnectionLost(VENUE, "this venue is closed")
        if self._tasks:
            return
        await self._measure()
        page = await self._fetch(Lane.STREAM, "begin events", "/events", "after=-1", Page)
        self._after = max(0, page.last - _REPLAYED)
        self._tasks = [asyncio.ensure_future(self._follow()), asyncio.ensure_future(self._keep_time())]
        self._tell_state(LinkState.LIVE)

    async def aclose(self) -> None:
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._batches.put_nowait(None)
        for client in self._clients.values():
            await client.aclose()
        self._nonces.close()

    async def subscribe(self, subscription: Subscription) -> None:
        """The account's events flow anyway; of a market there is one quote, which stands."""
        if subscription.channel is Channel.BOOK:
            self._batches.put_nowait([await self.fetch_order_book(BTC, 1)])
        elif subscription.channel is Channel.TICKER:
            self._batches.put_nowait(await self.fetch_tickers([BTC]))

    async def unsubscribe(self, subscription: Subscription) -> None:
        pass

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        while (batch := await self._batches.get()) is not None:
            yield batch

    async def fetch_instruments(self) -> Sequence[Instrument]:
        return (reading.instrument(BTC),)

    async def fetch_order_book(self, instrument: InstrumentId, depth: int) -> BookSnapshot:
        return reading.book(await self._market(), BTC)

    async def fetch_trades(self, instrument: InstrumentId, limit: int) -> Sequence[Trade]:
        return ()

    async def fetch_bars(self, instrument: InstrumentId, interval: int, limit: int) -> Sequence[Bar]:
        return ()

    async def fetch_tickers(self, instruments: Sequence[InstrumentId]) -> Sequence[Ticker]:
        return (reading.ticker(await self._market(), BTC),)

    async def fetch_balances(self) -> Sequence[Balance]:
        found = await self._fetch(Lane.READ, "balances", "/balances", "", list[reading.Held])
        return [reading.balance(held) for held in found]

    async def fetch_positions(self) -> Sequence[Position]:
        return ()

    async def fetch_open_orders(self) -> Sequence[Order]:
        found = await self._fetch(Lane.READ, "open orders", "/orders/open", "", list[OrderState])
        return [reading.order(state, BTC) for state in found]

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        if self._rules.kind is Kind.BY_SCAN:
            return await self._scan(client_order_id, venue_order_id)
        # Asked by both ids the venue would believe its own, which we may have learnt of another order.
        query = f"client_id={client_order_id}" if client_order_id else f"id={venue_order_id}"
        found = await self._fetch(Lane.READ, "look up order", "/order", query, OrderState)
        return reading.order(found, BTC)

    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        found = await self._fetch(Lane.READ, "fills", "/fills", f"since={since}", list[Execution])
        return [reading.fill(one, BTC) for one in found]

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        body = Create(request.client_order_id, request.side.value, str(request.price or 0), str(request.quantity))
        wanted = Request(
            what="place order", method="POST", path="/order", body=msgspec.json.encode(body), is_private=True
        )
        return reading.order(await self._command(wanted, OrderState, depart), BTC)

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order:
        raise NotSent(VENUE, "this venue can not change an order")

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        name = (
            f"client_id={request.client_order_id}" if request.client_order_id else f"id={request.venue_order_id}"
        )
        wanted = Request(what="cancel order", method="DELETE", path="/order", query=name, is_private=True)
        return reading.order(await self._command(wanted, OrderState, depart), BTC)

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        query = f"side={side.value}" if side is not None else ""
        wanted = Request(what="cancel orders", method="DELETE", path="/orders", query=query, is_private=True)
        found = await self._command(wanted, list[OrderState], depart)
        return [reading.order(state, BTC) for state in found]

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        raise NotSupported(VENUE, "spot has no leverage")

    def _client(self, lane: Lane, tls: ssl.SSLContext) -> HttpClient:
        settings = self.settings

        def sign(request: Request, nonce: int) -> Signed:
            target = f"{request.path}?{request.query}" if request.query else request.path
            proof = signature(lane, request.method, target, nonce, request.body)
            headers = (("X-Key", lane.value), ("X-Nonce", str(nonce)), ("X-Signature", proof))
            return Signed(query=request.query, body=request.body, headers=headers)

        return HttpClient(
            VENUE,
            settings.origin,
            sign=sign,
            nonce=lambda: self._nonces.next(lane.value, VENUE),
            timing=Timing(
                command=settings.command,
                read=settings.read,
                attempt=settings.attempt,
                attempts=4,
                pause=0.03,
                longest_pause=0.1,
                connect=settings.attempt,
                pool=settings.attempt,
            ),
            tls=tls,
        )

    def _now_ms(self) -> int:
        return self._clock.now() // 1_000_000

    async def _command(self, request: Request, into: type[T], depart: Depart | None) -> T:
        life = self._rules.life

        async def on_signed(signed: Signed) -> None:
            deadline = None if life is None else signed.nonce * 1_000_000 + round(life * 1e9)
            if depart is not None:
                await depart(Departure(nonce=signed.nonce, deadline=deadline, body_hash=signed.body_hash))

        async with self._turns[Lane.TRADE]:
            if self._is_closed:
                raise NotSent(VENUE, "this venue is closed")
            return await self._clients[Lane.TRADE].command(
                request, into, refusals=refusal_in_command, dispatch=Dispatch(on_signed)
            )

    async def _fetch(self, lane: Lane, what: str, path: str, query: str, into: type[T]) -> T:
        return await self._ask(
            lane, Request(what=what, method="GET", path=path, query=query, is_private=True), into
        )

    async def _ask(self, lane: Lane, request: Request, into: type[T]) -> T:
        for _ in range(_MOST_UNREADABLE):
            async with self._turns[lane]:
                # A page of a gateway's says nothing of the venue: the transport leaves it to us to ask once more.
                with contextlib.suppress(DecodeError):
                    return await self._clients[lane].fetch(request, into, judge=refusal_in_answer)
        raise VenueUnavailable(VENUE, f"{request.what}: no answer can be read")

    async def _market(self) -> reading.Quote:
        return await self._ask(Lane.READ, Request(what="market", method="GET", path="/market"), reading.Quote)

    async def _scan(self, client_order_id: str, venue_order_id: str) -> Order:
        asked = asyncio.get_running_loop().time()
        async with self._scanning:
            if asked > self._scanned_at:  # else somebody looked for another one since, and saw them all
                self._scanned_at, self._scanned = await self._look_through()
        for state in reversed(self._scanned):  # what has ended since comes last
            if client_order_id == state.client_id or (not client_order_id and venue_order_id == state.id):
                return reading.order(state, BTC)
        raise OrderNotFound(VENUE, "neither rests nor has ended")

    async def _look_through(self) -> tuple[float, list[OrderState]]:
        """Reads what rests, then what has ended: the other way round, one that ends is missed. Says since when."""
        began = asyncio.get_running_loop().time()
        found = await self._fetch(Lane.READ, "look up order", "/orders/open", "", list[OrderState])
        before, is_last = 2**53, False
        while not is_last:
            query = f"before={before}&limit={_PAGE}"
            page = await self._fetch(Lane.READ, "look up order", "/orders/history", query, list[OrderState])
            is_last = len(page) < _PAGE
            before = min((state.closed for state in page), default=0)
            found += page
        return began, found

    async def _measure(self) -> None:
        """Raises VenueError."""
        wanted = Request(what="server time", method="GET", path="/time")

        async def read() -> int:
            return (await self._ask(Lane.STREAM, wanted, reading.ServerTime)).time

        for _ in range(3):
            await self._clock.measure(read)
            # A round trip that was tried again says little.
            if (error := self._clock.uncertainty) is not None and error < _GOOD_ENOUGH:
                return

    async def _keep_time(self) -> None:
        while True:
            await self._sleep(_CLOCK_EVERY)
            with contextlib.suppress(VenueError):
                await self._measure()

    async def _follow(self) -> None:
        """Reads events for ever. One that is missing loses the stream: all is read back once the reads show it."""
        is_lost = False
        failed = 0
        while True:
            fault = ""
            try:
                page = await self._fetch(Lane.STREAM, "events", "/events", f"after={self._after}", Page)
            except VenueError as error:
                failed += 1  # nothing is lost by that: the same page is asked for again
                fault = error.message if failed == _MOST_FAILED else ""
                if not fault:
                    continue
            else:
                failed = 0
                numbers = {one.number for one in page.events}
                if not numbers.issuperset(range(self._after + 1, page.last + 1)):
                    fault = "events were lost"
                self._after = max(self._after, page.last)
                if events := reading.events(page.events, BTC):
                    self._batches.put_nowait(events)
            if fault and not is_lost:
                self._tell_state(LinkState.RECONNECTING, fault)
                is_lost = True
            elif is_lost and not fault:
                self._tell_state(LinkState.LIVE)
                is_lost = False
            if fault:
                await self._sleep(self._rules.settle)

    def _tell_state(self, state: LinkState, detail: str = "") -> None:
        self._batches.put_nowait([StreamStatus(VENUE, state, detail, ts_event=time.time_ns())])
