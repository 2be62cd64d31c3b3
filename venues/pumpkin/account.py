"""What is ours at Pumpkin, behind the port: orders, executions, positions, balances, margin, leverage, bills.

It is polled from `open` to `close`, and told by the private topics besides where those are configured: `take` gets
what they push. What is found out later comes through `emit`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeVar

from venues.bills import Bill
from venues.commands import AmendRequest, CancelRequest, FundsRequest, OrderRequest
from venues.errors import NotSent, OutcomeUnknown, VenueError
from venues.events import Event, LinkState, MarkPrice, Notice, StreamStatus
from venues.margin import FundsReceipt
from venues.model import (
    NANOSECONDS,
    Balance,
    Fill,
    InstrumentId,
    MarginMode,
    Order,
    Position,
    Side,
)
from venues.port import Depart
from venues.pumpkin import VENUE, pushes
from venues.pumpkin.abilities import capabilities
from venues.pumpkin.account_polling import AccountRounds, pause_for
from venues.pumpkin.balances import Balances
from venues.pumpkin.bills import parse_bill
from venues.pumpkin.client import Client
from venues.pumpkin.fills import Fills
from venues.pumpkin.limits import MINUTE, pools
from venues.pumpkin.liquidations import Liquidations
from venues.pumpkin.listing import Listing
from venues.pumpkin.margins import MarginCommands
from venues.pumpkin.models import PositionModel
from venues.pumpkin.orders import Orders
from venues.pumpkin.parameters import MOST_A_PAGE
from venues.pumpkin.positions import Positions
from venues.pumpkin.remedies import REMEDIES
from venues.pumpkin.settings import Settings
from venues.pumpkin.wire import Push
from venues.transport.clock import ServerClock
from venues.transport.crew import Crew
from venues.transport.polling import Polls, Standby, stretch_of
from venues.transport.ratelimit import RateLimiter
from venues.transport.sending import Sender

__all__ = ["Account", "capabilities"]

T = TypeVar("T")

_FRESH_MARK = 15 * NANOSECONDS
_REPRICE_EVERY = 1.0  # seconds, while liquidation prices move with the marks of others
_KEY = "account"
_LOST = frozenset({LinkState.RECONNECTING, LinkState.DOWN})


class Account:
    """The private half of the venue, for one event loop and one API key; without one, every call says so."""

    def __init__(
        self,
        client: Client,
        listing: Listing,
        clock: ServerClock,
        settings: Settings,
        *,
        emit: Callable[[Sequence[Event]], None],
        mark: Callable[[InstrumentId], MarkPrice | None],
        show: Callable[[StreamStatus | None], None],
        limiter: RateLimiter,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        watched: Callable[[], Iterable[InstrumentId]] = tuple,
        on_fault: Callable[[BaseException], None] | None = None,
    ) -> None:
        """`emit` never waits and never drops; `mark` is the newest that was told; `show` is the chip's line.

        `on_fault` gets what breaks the polls, which is a fault of ours; without it a notice says so.
        """
        del watched  # nothing here depends on what is shown
        self._client = client
        self._listing = listing
        self._clock = clock
        self._settings = settings
        self._emit = emit
        self._newest_mark = mark
        self._show = show
        self._limiter = limiter
        self._wall = wall
        self._monotonic = monotonic
        self._sleep = sleep
        self._on_fault = on_fault or self._tell_fault
        self._scale = scale = settings.time_scale
        self._has_credentials = has_key = settings.credentials is not None
        self._stream_state = LinkState.CONNECTING
        self._has_spoken = False  # the private topics, since they were subscribed
        self._standby: Standby | None = None
        self._polls: Polls | None = None
        self._crew: Crew | None = None
        self._opening = asyncio.Lock()
        self._balances = Balances(self._now, monotonic, time_scale=scale)
        self._positions = positions = Positions(
            instrument=listing.known,
            wallets=lambda: {key: one.total for key, one in self._balances.newest.values.items()},
            mark=self._mark,
            now=self._now,
            monotonic=monotonic,
            time_scale=scale,
            joins=settings.position_model is PositionModel.AGGREGATION,
            on_loss=lambda facts, quantity: self._liquidations.take_change(facts, quantity),
        )
        self._liquidations = liquidations = Liquidations(positions, listing.known, self._now)
        sender = Sender(VENUE, REMEDIES, life=None, has_credentials=has_key)
        self._orders = orders = Orders(
            client,
            sender,
            listing,
            clock,
            emit=emit,
            terms=self,
            mark=self._fresh_mark,
            has_credentials=has_key,
            trigger=settings.trigger_price_type,
            time_scale=scale,
            sleep=sleep,
        )
        self._fills = Fills(
            client,
            orders.memory,
            orders.lookups,
            positions,
            listing.known,
            emit,
            on_fill=self._filled,
            on_order=liquidations.take_order,
            sleep=sleep,
            time_scale=scale,
        )
        self._margins = MarginCommands(
            client,
            sender,
            listing,
            positions,
            model=settings.position_model,
            open_orders=lambda: (known.last for known in orders.memory.open_orders() if known.last is not None),
            available=lambda currency: _available(self._balances.newest.values.get(currency)),
            lookups=orders.lookups,
            changed=self._changed,
        )
        self._rounds = AccountRounds(
            client,
            orders,
            positions,
            self._balances,
            self._fills,
            liquidations,
            emit,
            hears=self._is_told,
            fresh_mark=self._fresh_mark,
            monotonic=monotonic,
            time_scale=scale,
        )

    # Its life.

    async def open(self) -> None:
        """Reads what there is, and goes on by itself until `close`. Twice is once.

        Raises:
            AuthenticationError: the venue does not take the key.
            VenueError: it could not be read; nothing goes on.
        """
        async with self._opening:
            if self._polls is not None:
                return
            self._orders.lookups.require_key()
            await self._prepare()
            at = self._orders.lookups.as_of() or self._wall()
            self._fills.begin(at)
            self._liquidations.begin(at)
            await self._orders.lookups.read(self._rounds.begin())
            self._begin_polls()

    def _begin_polls(self) -> None:
        has_stream = bool(self._settings.user_address)
        self._standby = standby = Standby(
            VENUE, self._show, has_stream=has_stream, time_scale=self._scale, wall=self._wall,
            monotonic=self._monotonic,
        )  # fmt: skip
        self._polls = polls = Polls(
            standby, on_fault=self._on_fault, free=self._free, time_scale=self._scale, sleep=self._sleep
        )
        self._crew = Crew(self._on_fault)
        standby.answered()
        polls.start()
        every = pause_for(self._settings.readings)
        polls.begin(_KEY, self._rounds.round, every=every, is_due=lambda: self._rounds.is_due)
        self._crew.keep("liquidation prices", self._follow_marks)

    async def close(self) -> None:
        """Ends the polls: nobody wants to hear of the account any more. May be called twice."""
        polls, crew = self._polls, self._crew
        self._polls = self._standby = self._crew = None
        if polls is not None:
            await polls.aclose()
            self._show(None)
        if crew is not None:
            await crew.aclose()

    async def aclose(self) -> None:
        """Ends everything under way. May be called twice."""
        await self.close()
        await self._fills.aclose()
        await self._orders.aclose()

    def resynced(self) -> None:
        """Is told each time the private topics have been subscribed: what was told meanwhile is read."""
        self._has_spoken = False
        self._read_all()
        self._fills.resynced()

    def unsubscribed(self) -> None:
        """Is told when the private stream is closed."""
        self._lose_stream()

    def missed(self) -> None:
        """Is told that a push could not be read: what it told is read."""
        self._read_all()

    def hears(self, status: StreamStatus) -> None:
        """Takes the state of the private stream."""
        was, self._stream_state = self._stream_state, status.state
        if self._standby is not None:
            self._standby.heard(status)
        if status.state in _LOST and was not in _LOST:
            self._lose_stream()
            self._read_all()

    def take(self, push: Push) -> Sequence[Event]:
        """Returns what a push tells; of a topic that nobody knows, nothing. Raises DecodeError."""
        self._has_spoken |= push.topic in pushes.TOPICS
        match push.topic:
            case pushes.ORDER:
                return self._fills.take_order(pushes.decode(push.data, pushes.PushedOrder))
            case pushes.TRADE:
                return self._fills.take_trade(pushes.decode(push.data, pushes.PushedTrade))
            case pushes.POSITION:
                told = pushes.decode(push.data, pushes.PushedPosition)
                return self._positions.take_push(told, told.total_fee)
            case pushes.BALANCE:
                return self._balances.take_push(pushes.decode(push.data, pushes.PushedBalance))
        return []

    def settled(self) -> Sequence[Event]:
        """Returns what all pushes that came together have made of liquidation prices."""
        if self._rounds.is_due:
            self._hurry()
        return self._positions.reprice()

    # The reads of the port.

    async def fetch_balances(self) -> Sequence[Balance]:
        """Returns what there is of each currency; positions and open orders lock a part of it."""
        self._orders.lookups.require_key()
        await self._rounds.money()
        return self._balances.held()

    async def fetch_positions(self) -> Sequence[Position]:
        """Returns the open positions, with an estimate of where each is liquidated."""
        self._orders.lookups.require_key()
        await self._orders.lookups.read(self._listing.all())
        await self._rounds.money()
        return self._positions.open()

    async def fetch_open_orders(self) -> Sequence[Order]:
        """Returns every order that rests, and every plan order and exit that waits."""
        return await self._orders.fetch_open_orders()

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        """Raises OrderNotFound, which proves nothing here, ever."""
        return await self._orders.fetch_order(instrument, client_order_id, venue_order_id)

    async def fetch_fills(self, since: int) -> Sequence[Fill]:
        """Returns our fills from `since` on, oldest first."""
        self._orders.lookups.require_key()
        await self._orders.lookups.read(self._listing.all())
        return await self._fills.fetch(since)

    async def fetch_bills(self, limit: int) -> Sequence[Bill]:
        """Returns the newest changes of balances, newest first. Raises VenueError."""
        lookups = self._orders.lookups
        lookups.require_key()
        if limit <= MOST_A_PAGE:
            rows = (await lookups.read(self._client.bills(limit=max(1, limit)))).items
        else:
            rows = await lookups.read(_gathered(self._client.iter_bills(max_items=limit)))
        return [parse_bill(row) for row in rows[:limit]]

    # The commands of the port.

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        await self._prepare_command()
        try:
            order = await self._orders.submit(request, depart)
        except (OutcomeUnknown, asyncio.CancelledError):
            if request.leverage is not None and not request.reduce_only:
                self._margins.doubt_leverage(request.instrument)  # an order may have changed it
            raise
        finally:
            self._changed()
        known = self._orders.memory.find(order.client_order_id, order.venue_order_id)
        if known is not None and known.leverage is not None and not request.reduce_only:
            self._margins.note_leverage(request.instrument, known.leverage)
        return order

    async def amend_order(self, request: AmendRequest, *, depart: Depart | None = None) -> Order:
        """Raises NotSent: the venue amends nothing, and two commands in its place are the desk's to make."""
        return await self._orders.amend(request, depart)

    async def cancel_order(self, request: CancelRequest, *, depart: Depart | None = None) -> Order:
        try:
            return await self._orders.cancel(request, depart)
        finally:
            self._changed()

    async def cancel_all_orders(
        self, instrument: InstrumentId | None = None, side: Side | None = None, *, depart: Depart | None = None
    ) -> Sequence[Order]:
        try:
            return await self._orders.cancel_all(instrument, side, depart)
        finally:
            self._changed()

    async def set_leverage(self, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode) -> None:
        """Sets margin mode and leverage of a contract that has neither positions nor open orders.

        Raises:
            BadRequest: it has, or the leverage is none; nothing was sent.
            OrderError, NotSent, OutcomeUnknown: as commands for orders do.
        """
        await self._prepare_command()
        await self._margins.set_leverage(instrument, leverage, margin_mode)

    async def move_funds(self, request: FundsRequest, *, depart: Depart | None = None) -> FundsReceipt:
        """Adds margin to an isolated position, or takes some out. Raises as commands for orders do."""
        await self._prepare_command()
        return await self._margins.move(request, depart)

    async def find_funds(self, request: FundsRequest, since: int) -> Sequence[FundsReceipt]:
        """Returns the receipt of a change that the position's margin proves; a miss never proves anything."""
        return await self._margins.find(request, since)

    # What the orders' half asks of the positions'.

    def leverage_of(self, instrument: InstrumentId, position_id: str = "") -> int | None:
        """Returns the leverage of a position, or of a contract as it was set here last.

        No read tells that of a contract without a position. To send what contracts begin with, or what a position
        of before had, could change what the trader has set elsewhere: so None, and the venue's own counts.
        """
        return self._margins.leverage_of(instrument, position_id)

    def margin_mode_of(self, instrument: InstrumentId) -> MarginMode | None:
        return self._margins.margin_mode_of(instrument)

    def position_id_of(self, instrument: InstrumentId, closing_side: Side) -> str:
        return self._margins.position_id_of(instrument, closing_side)

    # What only concerns this.

    async def _prepare(self) -> None:
        """Reads once what commands stand on. Raises VenueError."""
        await self._orders.lookups.read(self._listing.all())

    async def _prepare_command(self) -> None:
        """Raises NotSent where what a command stands on can not be read."""
        if not self._has_credentials:
            raise REMEDIES.not_sent_without_key()
        try:
            await self._prepare()
            if not self._positions.is_read:
                await self._rounds.money()
        except VenueError as error:
            raise NotSent(VENUE, error.message, error.code) from None

    def _changed(self) -> None:
        """A command of ours has changed something: the private topics tell it, or it is read."""
        if not self._is_told():
            self._read_all()

    def _read_all(self) -> None:
        self._rounds.want()
        self._hurry()

    def _hurry(self) -> None:
        """Has a round begin now; where the one before is younger than the quota allows, it comes by itself."""
        pause = pause_for(self._settings.readings) * self._scale * stretch_of(self._free())
        if self._polls is not None and self._rounds.age >= pause:
            self._polls.hurry(_KEY)

    def _hears(self) -> bool:
        return self._stream_state is LinkState.LIVE

    def _is_told(self) -> bool:
        """Whether the private topics tell what happens: nobody documents them, and they may stay silent."""
        return self._hears() and self._has_spoken

    def _lose_stream(self) -> None:
        self._stream_state = LinkState.DOWN
        self._positions.newest.forget_stream()
        self._balances.newest.forget_stream()

    def _filled(self, fill: Fill, order: Order) -> None:
        self._liquidations.take_fill(fill, order)
        if not self._is_told():  # the stream tells the fees of positions by itself
            self._positions.take_fee(fill, order)

    def _now(self) -> int:
        return self._clock.now_if_known() or self._wall()

    def _fresh_mark(self, instrument: InstrumentId) -> Decimal | None:
        found = self._newest_mark(instrument)
        if found is None or self._now() - found.ts_event > _FRESH_MARK:
            return None
        return found.mark

    def _mark(self, instrument: InstrumentId) -> Decimal | None:
        fresh = self._fresh_mark(instrument)
        return self._rounds.mark(instrument, _FRESH_MARK / NANOSECONDS) if fresh is None else fresh

    def _free(self) -> float:
        return self._limiter.free(MINUTE) / pools(self._settings.readings)[0].unreserved

    async def _follow_marks(self) -> None:
        while True:
            await self._sleep(_REPRICE_EVERY * self._scale)
            if self._positions.moves_with_marks:
                self._emit(self._positions.reprice())

    def _tell_fault(self, fault: BaseException) -> None:
        words = f"the account is not read any more: a fault of this program ({type(fault).__name__})"
        self._emit([Notice(VENUE, words, True, self._wall())])


def _available(balance: Balance | None) -> Decimal | None:
    return None if balance is None else balance.available


async def _gathered(rows: AsyncIterator[T]) -> list[T]:
    return [row async for row in rows]
