"""What is ours at CoinEx: orders, executions, balances and margin accounts, read, commanded, told by the stream.

The methods of `venues.port.Trading`, and `take` for the pushes of the private stream. What a push tells is
returned at once; what has to be looked up first (the fee of an execution, what became of a stop) comes later
through `emit`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from venues.coinex import VENUE
from venues.coinex.audit import Audit
from venues.coinex.auth import ORDER_LIFE
from venues.coinex.cancels import Cancels
from venues.coinex.doubts import Doubts
from venues.coinex.endpoints import BAR_TYPES
from venues.coinex.executions import Executions
from venues.coinex.finder import Finder
from venues.coinex.lookups import Lookups
from venues.coinex.margin import Ask, Margin
from venues.coinex.memory import OrderMemory
from venues.coinex.messages import (
    AccountPush,
    AssetUpdate,
    NoticeUpdate,
    OrderPush,
    OwnDealsUpdate,
    StopPush,
    StreamOrder,
    StreamStop,
)
from venues.coinex.parse import parse_notice
from venues.coinex.parse_account import parse_asset_push
from venues.coinex.parse_orders import FINISH, parse_stream_order
from venues.coinex.parse_stops import parse_stream_stop
from venues.coinex.remedies import REMEDIES
from venues.coinex.sweep import Sweep
from venues.coinex.trading import Commands, Instruments
from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.errors import NotSupported
from venues.events import Event, FillUpdate, OrderUpdate
from venues.model import (
    Balance,
    Fill,
    InstrumentId,
    MarginMode,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Side,
    TimeInForce,
)
from venues.port import Capabilities, Depart, Mode
from venues.transport.asides import Asides
from venues.transport.clock import ServerClock
from venues.transport.http import HttpClient
from venues.transport.sending import HttpSender, Sender

_SETTLE = 2.0  # seconds


def capabilities(mode: Mode, time_scale: float = 1.0, *, reads_account: bool = True) -> Capabilities:
    """Returns what this venue can do; `time_scale` multiplies the time it is given to show what it took."""
    return Capabilities(
        mode=mode,
        order_types=frozenset(OrderType),
        times_in_force=frozenset(TimeInForce),
        post_only=True,
        amend=True,
        positions=reads_account,
        lookup_by_client_id=True,
        lookup_covers_closed=True,
        order_life=ORDER_LIFE,
        settle=_SETTLE * time_scale,
        forgets_unfilled=True,
        client_id_length=32,
        bar_intervals=tuple(BAR_TYPES),
        reads_account=reads_account,
    )


class Account:
    """The private half of the venue, for one event loop and one API key; without one, every call says so."""

    def __init__(
        self,
        *,
        http: HttpClient,
        instruments: Instruments,
        clock: ServerClock,
        emit: Callable[[Sequence[Event]], None],
        has_credentials: bool = True,
        time_scale: float = 1.0,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        last_price: Callable[[InstrumentId], Decimal | None] = lambda _: None,
        ask: Ask | None = None,
    ) -> None:
        """`http` signs, with the tonce in milliseconds as its nonce; `emit` never waits and never drops.

        `last_price` is the newest price known, None where it is not fresh: then the venue is asked. `ask` asks
        over the account's stream, by which the margin accounts in use are found at once.
        """
        self._memory = memory = OrderMemory()
        self._lookups = lookups = Lookups(
            http,
            memory,
            clock,
            instruments.known,
            has_credentials=has_credentials,
            on_short=lambda known: self._executions.want(known),
        )
        self._executions = Executions(
            memory,
            lookups,
            instruments.known,
            emit,
            now=clock.now,
            wall=wall,
            sleep=sleep,
            time_scale=time_scale,
        )
        self._finder = finder = Finder(lookups, memory, clock.now)
        self._doubts = Doubts(lookups, finder, emit, sleep=sleep, time_scale=time_scale)
        self._audit = Audit(
            memory,
            lookups,
            self._executions,
            self._doubts,
            emit,
            wall=wall,
            sleep=sleep,
            time_scale=time_scale,
        )
        sender = HttpSender(http, Sender(VENUE, REMEDIES, life=ORDER_LIFE, has_credentials=has_credentials))
        self._asides = asides = Asides(time_scale)
        self._commands = Commands(
            sender,
            asides,
            memory,
            lookups,
            finder,
            instruments,
            emit=emit,
            on_short=self._executions.want,
            on_doubt=self._doubts.about,
            last_price=last_price,
            sleep=sleep,
            time_scale=time_scale,
        )
        self._cancels = Cancels(
            sender, asides, memory, lookups, finder, instruments, emit=emit, on_short=self._executions.want
        )
        self._sweep = Sweep(sender, asides, lookups, memory)
        self._margin = Margin(lookups, ask=ask, monotonic=monotonic, time_scale=time_scale)

    def take(self, push: AccountPush, ts_recv: int) -> Sequence[Event]:
        """Returns what a push of the private stream tells. Raises DecodeError."""
        match push:
            case OrderPush():
                event = push.params[0]
                parsed = [(each, self._parse_order(each, event)) for each in push.orders]  # all, or none is taken
                return [news for each, order in parsed for news in self._take_order(each, order)]
            case StopPush():
                event = push.params[0]
                waiting = [(each, self._parse_stop(each, event)) for each in push.stops]
                return [news for each, order in waiting for news in self._take_stop(each, order, event)]
            case AssetUpdate():
                told = parse_asset_push(push, ts_recv)
                is_dated = any(asset.timestamp is not None for asset in push.params[0].values())
                self._audit.note_balances(told, is_dated=is_dated)
                return [told]
            case OwnDealsUpdate():
                self._executions.take_deals(push)
                return []
            case NoticeUpdate():
                return [parse_notice(push, ts_recv)]

    def resynced(self) -> None:
        """Is told each time the private stream has been opened, signed in and subscribed."""
        self._executions.resynced()
        self._audit.start()

    def unsubscribed(self) -> None:
        """Is told when the private stream is closed, and nobody wants to hear of the account any more."""
        self._audit.stop()

    async def aclose(self) -> None:
        """Ends the look-ups under way. May be called twice."""
        await self._audit.aclose()
        await self._doubts.aclose()
        await self._executions.aclose()
        await self._asides.aclose()

    async def fetch_balances(self) -> Sequence[Balance]:
        """Returns what the spot account holds; a currency of which there is nothing is left out."""
        return await self._lookups.balances()

    async def fetch_positions(self) -> Sequence[Position]:
        """Returns the margin accounts that owe something. Their entry price is the last price."""
        return await self._margin.positions()

    async def fetch_open_orders(self) -> Sequence[Order]:
        """Returns every order that rests and every stop that waits, in the spot and the margin accounts met."""
        return await self._lookups.open_orders()

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        """Raises OrderNotFound, also for an order that ended without a fill: the venue keeps none of them."""
        return await self._finder.find(instrument, client_order_id, venue_order_id)

    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        """Returns our fills from `since` on, oldest first; one whose moment is not known counts by its second."""
        rows = []
        for account_id in tuple(self._lookups.accounts):
            rows += await self._lookups.deals(since, account_id)
        await self._lookups.name_orders(rows)
        return self._executions.parse(rows, since)

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        return await self._commands.submit(request, depart)

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order:
        return await self._commands.amend(request, depart)

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        return await self._cancels.cancel(request, depart)

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        return await self._sweep.run(instrument, side, depart)

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        """Raises NotSupported."""
        words = (
            f"{instrument.symbol}: {leverage}x {margin_mode} can not be set, the venue only limits what is lent"
        )
        raise NotSupported(VENUE, words)

    def _parse_order(self, told: StreamOrder, event: int) -> Order:
        known = self._memory.find(told.client_id or "", str(told.id))
        return parse_stream_order(told, event, counts_base=known is not None and known.counts_base)

    def _take_order(self, told: StreamOrder, order: Order) -> list[Event]:
        known, _ = self._memory.learn(
            order.instrument,
            order.venue_order_id,
            order.client_order_id,
            account_id=told.account,
            stop_id=str(told.stop_id or ""),
        )
        if told.account:
            self._lookups.accounts[told.account] = None
        fills: list[Event] = [FillUpdate(fill) for fill in self._executions.take_order(told, known)]
        if order.venue_order_id in known.former:  # what it was before an amendment is over, and it is not
            return fills
        if order.status is OrderStatus.CANCELED and (known.is_amending or known.may_be_reissued):
            known.held = order
            if not known.is_amending:
                self._doubts.about(known)
            return fills
        return [OrderUpdate(known.complete(order)), *fills]

    def _parse_stop(self, told: StreamStop, event: int) -> Order:
        known = self._memory.find(told.client_id or "", str(told.id))
        return parse_stream_stop(told, event, counts_base=known is not None and known.counts_base)

    def _take_stop(self, told: StreamStop, order: Order, event: int) -> list[Event]:
        known, _ = self._memory.learn(
            order.instrument,
            order.venue_order_id,
            order.client_order_id,
            is_stop=True,
            account_id=told.account,
        )
        if known.order_id:  # it has become an order, of which more is known
            return []
        if order.status is OrderStatus.UNKNOWN or (event == FINISH and order.is_triggered):
            self._doubts.about(known)
        if order.status is OrderStatus.UNKNOWN:
            return []
        return [OrderUpdate(known.complete(order))]
