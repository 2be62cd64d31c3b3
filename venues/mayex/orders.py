"""Everything that commands and finds the orders of one account of Mayex."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from venues.events import Event, Notice
from venues.mayex import VENUE
from venues.mayex.cancels import Cancels
from venues.mayex.client import Client
from venues.mayex.expiry import ExpiryProof
from venues.mayex.lookups import Lookups, Terms
from venues.mayex.means import Means
from venues.mayex.memory import Known, OrderMemory
from venues.mayex.pushes import PushedOrder
from venues.mayex.settings import Settings
from venues.mayex.sweep import Sweep
from venues.mayex.trading import Commands, FindPrice, Prices
from venues.model import InstrumentId, Order
from venues.transport.clock import ServerClock
from venues.transport.listing import InstrumentList
from venues.transport.perpetual_orders import PerpetualOrders
from venues.transport.sending import Sender


class Orders(PerpetualOrders[Known]):
    """The port's calls about orders.

    `emit` gets what is found out later. `mark` and `last` return a fresh price or none; `find_mark` and
    `find_last` ask for one, and may take a moment. `hears` says whether the private stream tells what happens.
    `expiry` knows how long a command can be under way, `free` the share of the quota that is left.
    """

    memory: OrderMemory
    lookups: Lookups

    def __init__(
        self,
        client: Client,
        sender: Sender,
        listing: InstrumentList,
        clock: ServerClock,
        *,
        emit: Callable[[Sequence[Event]], None],
        terms: Terms,
        mark: Callable[[InstrumentId], Decimal | None],
        last: Callable[[InstrumentId], Decimal | None],
        expiry: ExpiryProof,
        settings: Settings,
        has_credentials: bool,
        hears: Callable[[], bool] = lambda: False,
        free: Callable[[], float] = lambda: 1.0,
        find_mark: FindPrice | None = None,
        find_last: FindPrice | None = None,
        time_scale: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(VENUE, emit, time_scale=time_scale, sleep=sleep)
        self.memory = memory = OrderMemory()

        def warn(words: str) -> None:
            emit([Notice(VENUE, words, True, clock.now_if_known())])

        self.lookups = lookups = Lookups(
            client, memory, listing, clock, terms, has_credentials=has_credentials, warn=warn, free=free
        )
        means = Means(client, sender, self._asides, memory, lookups, self.doubts, sleep, time_scale)
        self._commands = Commands(
            means,
            listing,
            terms,
            Prices(mark, last, find_mark, find_last),
            trigger=settings.trigger_type,
            usual=settings.usual_margin_mode,
            hears=hears,
        )
        self._cancels = Cancels(means, proves_misses=lambda: expiry.life is not None)
        self._sweep = Sweep(means, self._cancels, listing)

    def take_push(self, row: PushedOrder) -> Known | None:
        """Takes what the private stream tells of an order; None where that is too little, and it has to be read.

        Raises:
            DecodeError: it is not what the platform's document has.
        """
        return self.lookups.take_push(row)

    async def aclose(self) -> None:
        """Ends the looks under way. May be called twice."""
        await super().aclose()
        await self.lookups.aclose()

    def _news(self) -> list[Order]:
        """What has traded at an average that no row tells is told once its executions have been read."""
        return self.memory.news(holds_unpriced=True)
