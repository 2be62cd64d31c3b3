"""What is ours at Pumpkin, behind the port: orders, executions, positions, balances, margin, leverage, bills.

It is polled from `open` to `close`, and told by the private topics besides where those are configured: `take` gets
what they push. What is found out later comes through `emit`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from venues.bills import Bill
from venues.commands import OrderRequest
from venues.errors import OutcomeUnknown
from venues.events import Event, MarkPrice, StreamStatus
from venues.model import (
    NANOSECONDS,
    Fill,
    InstrumentId,
    MarginMode,
    Order,
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
from venues.pumpkin.limits import pools
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
from venues.transport.asked_marks import AskedMarks
from venues.transport.clock import ServerClock
from venues.transport.perpetual_account import PerpetualAccount, available_of
from venues.transport.ratelimit import RateLimiter
from venues.transport.sending import Sender
from venues.transport.signed_reads import gathered

__all__ = ["Account", "capabilities"]

_FRESH_MARK = 15 * NANOSECONDS


class Account(PerpetualAccount):
    """The private half of the venue, for one event loop and one API key; without one, every call says so."""

    _orders: Orders
    _positions: Positions
    _balances: Balances
    _fills: Fills
    _margins: MarginCommands
    _rounds: AccountRounds

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
        on_fault: Callable[[BaseException], None] | None = None,
    ) -> None:
        """`emit` never waits and never drops; `mark` is the newest that was told; `show` is the chip's line.

        `on_fault` gets what breaks the polls, which is a fault of ours; without it a notice says so.
        """
        scale, has_key = settings.time_scale, settings.credentials is not None
        super().__init__(
            VENUE,
            listing,
            clock,
            has_stream=bool(settings.user_address),
            emit=emit,
            limiter=limiter,
            pool=pools(settings.readings)[0],
            time_scale=scale,
            wall=wall,
            monotonic=monotonic,
            sleep=sleep,
        )
        self._client = client
        self._newest_mark = mark
        self._asked_marks = AskedMarks(monotonic, _FRESH_MARK / NANOSECONDS)
        self._balances = Balances(self.stamp, monotonic, time_scale=scale)
        self._positions = positions = Positions(
            instrument=listing.known,
            wallets=lambda: {key: one.total for key, one in self._balances.newest.values.items()},
            mark=self._mark,
            now=self.stamp,
            monotonic=monotonic,
            time_scale=scale,
            joins=settings.position_model is PositionModel.AGGREGATION,
            on_loss=lambda facts, quantity: self._liquidations.take_change(facts, quantity),
        )
        self._liquidations = liquidations = Liquidations(positions, listing.known, self.now)
        self._sender = sender = Sender(VENUE, REMEDIES, life=None, has_credentials=has_key)
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
            available=lambda currency: available_of(self._balances.newest.values, currency),
            lookups=orders.lookups,
            changed=lambda: self._following.changed(),
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
            asked_marks=self._asked_marks,
            monotonic=monotonic,
            time_scale=scale,
        )
        self._follow(pause=pause_for(settings.readings), show=show, on_fault=on_fault)

    # Its life.

    async def _begin(self, at: int) -> None:
        self._fills.begin(at)
        self._liquidations.begin(at)
        await self._orders.lookups.read(self._rounds.begin())

    async def _read_held(self) -> None:
        await self._rounds.money()

    async def aclose(self) -> None:
        """Ends everything under way. May be called twice."""
        await self.close()
        await self._fills.aclose()
        await super().aclose()

    def take(self, push: Push) -> Sequence[Event]:
        """Returns what a push tells; of a topic that nobody knows, nothing. Raises DecodeError."""
        if push.topic in pushes.TOPICS:
            self._following.spoke()
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

    async def fetch_bills(self, limit: int) -> Sequence[Bill]:
        """Returns the newest changes of balances, newest first. Raises VenueError."""
        lookups = self._orders.lookups
        lookups.require_key()
        if limit <= MOST_A_PAGE:
            rows = (await lookups.read(self._client.bills(limit=max(1, limit)))).items
        else:
            rows = await lookups.read(gathered(self._client.iter_bills(max_items=limit)))
        return [parse_bill(row) for row in rows[:limit]]

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

    async def _submit(self, request: OrderRequest, depart: Depart | None) -> Order:
        try:
            order = await self._orders.submit(request, depart)
        except (OutcomeUnknown, asyncio.CancelledError):
            if request.leverage is not None and not request.reduce_only:
                self._margins.doubt_leverage(request.instrument)  # an order may have changed it
            raise
        known = self._orders.memory.find(order.client_order_id, order.venue_order_id)
        if known is not None and known.leverage is not None and not request.reduce_only:
            self._margins.note_leverage(request.instrument, known.leverage)
        return order

    async def _find_marks(self) -> None:
        """A round asks for them."""

    def _filled(self, fill: Fill, order: Order) -> None:
        self._liquidations.take_fill(fill, order)
        if not self._is_told():  # the stream tells the fees of positions by itself
            self._positions.take_fee(fill, order)

    def _fresh_mark(self, instrument: InstrumentId) -> Decimal | None:
        found = self._newest_mark(instrument)
        if found is None or self.now() - found.ts_event > _FRESH_MARK:
            return None
        return found.mark

    def _mark(self, instrument: InstrumentId) -> Decimal | None:
        fresh = self._fresh_mark(instrument)
        return self._asked_marks.mark(instrument) if fresh is None else fresh
