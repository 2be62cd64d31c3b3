"""Orders of which the stream may not tell what became: looked up until that is known, or missed too often."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from venues.errors import OrderNotFound, VenueError
from venues.events import Event, OrderUpdate
from venues.max.auth import ORDER_LIFE
from venues.max.lookups import Lookups
from venues.max.memory import Known
from venues.model import NANOSECONDS, OrderStatus
from venues.transport.single_flight import SingleFlight

logger = logging.getLogger(__name__)

_PAUSES = (0.3, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds before each look
_MISSES = 6
_PROOF = round((ORDER_LIFE + 5.0) * NANOSECONDS)  # what was accepted is queued: before it a miss proves nothing


class Doubts:
    """Looks up orders in tasks of its own; `emit` gets what it finds."""

    def __init__(
        self,
        lookups: Lookups,
        emit: Callable[[Sequence[Event]], None],
        *,
        sleep: Callable[[float], Awaitable[None]],
        time_scale: float,
    ) -> None:
        self._lookups = lookups
        self._emit = emit
        self._sleep = sleep
        self._scale = time_scale
        self._looks = SingleFlight("max order")

    def about(self, known: Known) -> None:
        """Has the order looked up until it is over; asking twice is asking once."""
        if not known.is_over:
            self._looks.begin(known, lambda: self._resolve(known))

    async def aclose(self) -> None:
        """Ends the looks under way."""
        await self._looks.aclose()

    async def _resolve(self, known: Known) -> None:
        misses = 0
        for pause in _PAUSES:
            await self._sleep(pause * self._scale)
            if known.is_over:
                return
            before = known.last
            try:
                found = await self._lookups.order(known.instrument, known.client_id, known.order_id)
            except OrderNotFound:
                misses += 1
                if misses == _MISSES:
                    self._conclude(known)
                    return
            except VenueError as error:
                logger.warning("an order could not be looked up: %s", error)
            else:
                misses = 0
                if found is not before:
                    self._emit([OrderUpdate(found)])
                if found.status.is_terminal:
                    return

    def _conclude(self, known: Known) -> None:
        """The venue accepted it and has it no more: it was refused behind the queue."""
        if known.last is None or known.last.filled_quantity:
            return  # what has traded does not vanish
        if self._lookups.as_of() < known.last.ts_created + _PROOF:
            return  # it is looked up again by whoever compares what rests
        words = "the venue accepted the order, and does not have it"
        end = known.as_asked(OrderStatus.REJECTED, self._lookups.now(), words)
        if end is not None:
            known.last = end
            self._emit([OrderUpdate(end)])
