"""Everything that commands and finds the orders of one account of perpetuals, for a venue's own to inherit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.errors import NotSent
from venues.events import Event, OrderUpdate
from venues.model import InstrumentId, Order, Side
from venues.port import Depart
from venues.transport.asides import Asides
from venues.transport.doubts import Doubts
from venues.transport.order_memory import ToldOrder, ToldOrders
from venues.transport.sweeping import ListsOpenOrders, Sweeping

K = TypeVar("K", bound=ToldOrder)


class OrderReads(ListsOpenOrders, Protocol):
    """What reads orders."""

    async def order(self, instrument: InstrumentId, client_order_id: str, venue_order_id: str) -> Order: ...


class Submits(Protocol):
    """What places orders."""

    async def submit(self, request: OrderRequest, depart: Depart | None) -> Order: ...


class CancelsOne(Protocol):
    """What cancels an order."""

    async def cancel(self, request: CancelRequest, depart: Depart | None) -> Order: ...


class PerpetualOrders(Generic[K]):
    """The port's calls about orders, at a venue that amends none. `emit` gets what is found out later."""

    # What the venue sets, of types of its own.
    memory: ToldOrders[K]
    lookups: OrderReads
    _commands: Submits
    _cancels: CancelsOne
    _sweep: Sweeping[K]

    def __init__(
        self,
        venue: str,
        emit: Callable[[Sequence[Event]], None],
        *,
        time_scale: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._venue = venue
        self._emit = emit
        self.doubts: Doubts[K] = Doubts(venue, self._look, self._tell, sleep=sleep, time_scale=time_scale)
        self._asides = Asides(time_scale)

    async def submit(self, request: OrderRequest, depart: Depart | None = None) -> Order:
        """Raises OrderError, NotSent or OutcomeUnknown."""
        try:
            return await self._commands.submit(request, depart)
        finally:
            self._tell()

    async def amend(self, request: AmendRequest, depart: Depart | None = None) -> Order:
        """Raises NotSent: the venue amends nothing, and two commands in its place are the desk's to make."""
        del depart  # nothing leaves
        symbol = request.instrument.symbol
        raise NotSent(self._venue, f"{symbol}: orders are not amended here: cancel it, then place it anew")

    async def cancel(self, request: CancelRequest, depart: Depart | None = None) -> Order:
        """Raises OrderError, NotSent or OutcomeUnknown."""
        try:
            return await self._cancels.cancel(request, depart)
        finally:
            self._tell()

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
        """Raises OrderNotFound, which alone proves nothing, and VenueError."""
        return await self.lookups.order(instrument, client_order_id, venue_order_id)

    async def fetch_open_orders(self) -> list[Order]:
        """Returns every order that rests, and all that waits for a trigger. Raises VenueError."""
        return await self.lookups.open_orders()

    async def aclose(self) -> None:
        """Ends the looks under way. May be called twice."""
        await self.doubts.aclose()
        await self._asides.aclose()

    def _news(self) -> list[Order]:
        """Returns the orders that can be told of, and are not as they last went out."""
        return self.memory.news()

    def _tell(self) -> None:
        """Tells of what commands have found out: of a push that came meanwhile, nobody says it again."""
        if news := self._news():
            self._emit([OrderUpdate(order) for order in news])

    async def _look(self, known: K) -> None:
        await self.lookups.order(known.instrument, known.client_id, known.order_id)
