"""Everything that commands and finds the orders of one account of Pumpkin."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.errors import NotSent
from venues.events import Event, OrderUpdate
from venues.model import InstrumentId, Order, Side
from venues.port import Depart
from venues.pumpkin import VENUE
from venues.pumpkin.cancels import Cancels
from venues.pumpkin.client import Client
from venues.pumpkin.doubts import Doubts
from venues.pumpkin.intake import Instruments, Terms
from venues.pumpkin.lookups import Lookups
from venues.pumpkin.means import Means
from venues.pumpkin.memory import OrderMemory
from venues.pumpkin.models import TriggerPriceType
from venues.pumpkin.sweep import Sweep
from venues.pumpkin.trading import Commands
from venues.transport.asides import Asides
from venues.transport.clock import ServerClock
from venues.transport.sending import Sender


class Orders:
    """The port's calls about orders. `emit` gets what is found out later, `mark` returns a fresh mark price."""

    def __init__(
        self,
        client: Client,
        sender: Sender,
        listing: Instruments,
        clock: ServerClock,
        *,
        emit: Callable[[Sequence[Event]], None],
        terms: Terms,
        mark: Callable[[InstrumentId], Decimal | None],
        has_credentials: bool,
        trigger: TriggerPriceType = TriggerPriceType.MARK_PRICE,
        time_scale: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._emit = emit
        self.memory = memory = OrderMemory()
        self.lookups = lookups = Lookups(client, memory, listing, clock, terms, has_credentials=has_credentials)
        self.doubts = doubts = Doubts(lookups, self._tell, sleep=sleep, time_scale=time_scale)
        self._asides = asides = Asides(time_scale)
        means = Means(client, sender, asides, memory, lookups, doubts, sleep, time_scale)
        self._commands = Commands(means, listing, terms, mark=mark, trigger=trigger)
        self._cancels = Cancels(means)
        self._sweep = Sweep(means, self._cancels)

    async def submit(self, request: OrderRequest, depart: Depart | None = None) -> Order:
        """Raises OrderError, NotSent or OutcomeUnknown."""
        order = await self._commands.submit(request, depart)
        self._tell()
        return order

    async def amend(self, request: AmendRequest, depart: Depart | None = None) -> Order:
        """Raises NotSent: the venue amends nothing, and two commands in its place are the desk's to make."""
        del depart  # nothing leaves
        symbol = request.instrument.symbol
        raise NotSent(VENUE, f"{symbol}: orders are not amended here: cancel it, then place it anew")

    async def cancel(self, request: CancelRequest, depart: Depart | None = None) -> Order:
        """Raises OrderError, NotSent or OutcomeUnknown."""
        order = await self._cancels.cancel(request, depart)
        self._tell()
        return order

    async def cancel_all(
        self, instrument: InstrumentId | None = None, side: Side | None = None, depart: Depart | None = None
    ) -> list[Order]:
        """Raises OrderError, NotSent or OutcomeUnknown."""
        try:
            return await self._sweep.run(instrument, side, depart)
        finally:
            self._tell()

    async def fetch_order(
        self, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        """Raises OrderNotFound, which proves nothing, and VenueError."""
        return await self.lookups.order(instrument, client_order_id, venue_order_id)

    async def fetch_open_orders(self) -> list[Order]:
        """Returns every order that rests, and every plan order and exit that waits. Raises VenueError."""
        return await self.lookups.open_orders()

    def _tell(self) -> None:
        """Tells of what commands have found out: of a push that came meanwhile, nobody says it again."""
        if news := self.memory.news():
            self._emit([OrderUpdate(order) for order in news])

    async def aclose(self) -> None:
        """Ends the looks under way. May be called twice."""
        await self.doubts.aclose()
        await self._asides.aclose()
