"""Orders of which the stream does not tell what became: looked up until found, or missed three times."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from venues.coinex.finder import Finder
from venues.coinex.lookups import Lookups
from venues.coinex.memory import Known
from venues.errors import OrderNotFound, VenueError
from venues.events import Event, OrderUpdate
from venues.model import OrderStatus
from venues.transport.single_flight import SingleFlight

logger = logging.getLogger(__name__)

_PAUSES = (0.3, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds before each look
_MISSES = 3


class Doubts:
    """Looks up orders in tasks of its own; `emit` gets what it finds."""

    def __init__(
        self,
        lookups: Lookups,
        finder: Finder,
        emit: Callable[[Sequence[Event]], None],
        *,
        sleep: Callable[[float], Awaitable[None]],
        time_scale: float,
    ) -> None:
        self._lookups = lookups
        self._finder = finder
        self._emit = emit
        self._sleep = sleep
        self._scale = time_scale
        self._looks = SingleFlight("coinex order")

    def about(self, known: Known) -> None:
        """Has the order looked up; asking twice is asking once."""
        self._looks.begin(known, lambda: self._resolve(known))

    async def aclose(self) -> None:
        """Ends the looks under way."""
        await self._looks.aclose()

    async def _resolve(self, known: Known) -> None:
        misses = 0
        was_stop = known.is_stop
        for pause in _PAUSES:
            await self._sleep(pause * self._scale)
            if was_stop and known.order_id:  # the stream has told of the order that it became
                return
            if known.held is None and known.last is not None and known.last.status.is_terminal:
                return
            try:
                found = await self._finder.find(known.instrument, known.client_id, known.order_id or known.stop_id)
            except OrderNotFound:
                misses += 1
                if misses == _MISSES:
                    break
            except VenueError as error:
                logger.warning("an order could not be looked up: %s", error)
            else:
                known.held = None
                if found.status is not OrderStatus.UNKNOWN:
                    self._emit([OrderUpdate(found)])
                    return
        self._conclude(known, misses)

    def _conclude(self, known: Known, misses: int) -> None:
        """What became nothing that the venue keeps has ended without a fill."""
        held, known.held = known.held, None
        known.may_be_reissued = False
        if held is not None:
            self._emit([OrderUpdate(known.complete(held))])
        elif misses == _MISSES:
            end = known.as_asked(OrderStatus.CANCELED, self._lookups.now())
            if end is not None:
                known.last = end
                self._emit([OrderUpdate(end)])
