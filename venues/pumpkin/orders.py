"""Everything that commands and finds the orders of one account of Pumpkin."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from venues.commands import CancelRequest, OrderRequest
from venues.events import Event
from venues.model import InstrumentId, Order
from venues.port import Depart
from venues.pumpkin import VENUE
from venues.pumpkin.cancels import Cancels
from venues.pumpkin.client import Client
from venues.pumpkin.intake import Instruments, Terms
from venues.pumpkin.lookups import Lookups
from venues.pumpkin.means import Means
from venues.pumpkin.memory import Known, OrderMemory
from venues.pumpkin.models import TriggerPriceType
from venues.pumpkin.sweep import Sweep
from venues.pumpkin.trading import Commands
from venues.transport.clock import ServerClock
from venues.transport.perpetual_orders import PerpetualOrders
from venues.transport.sending import Sender


class Orders(PerpetualOrders[Known]):
    """The port's calls about orders. `emit` gets what is found out later, `mark` returns a fresh mark price."""

    memory: OrderMemory
    lookups: Lookups

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
        super().__init__(VENUE, emit, time_scale=time_scale, sleep=sleep)
        self.memory = memory = OrderMemory()
        self.lookups = lookups = Lookups(client, memory, listing, clock, terms, has_credentials=has_credentials)
        means = Means(client, sender, self._asides, memory, lookups, self.doubts, sleep, time_scale)
        self._commands = Commands(means, listing, terms, mark=mark, trigger=trigger)
        self._cancels = Cancels(means)
        self._sweep = Sweep(means, self._cancels)

    async def submit(self, request: OrderRequest, depart: Depart | None = None) -> Order:
        """Raises OrderError, NotSent or OutcomeUnknown."""
        order = await self._commands.submit(request, depart)
        self._tell()
        return order

    async def cancel(self, request: CancelRequest, depart: Depart | None = None) -> Order:
        """Raises OrderError, NotSent or OutcomeUnknown."""
        order = await self._cancels.cancel(request, depart)
        self._tell()
        return order
