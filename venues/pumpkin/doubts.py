"""Orders of which nobody may tell what became: looked up until they are over, for a while."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from venues.errors import VenueError
from venues.pumpkin.lookups import Lookups
from venues.pumpkin.memory import Known
from venues.transport.single_flight import SingleFlight

logger = logging.getLogger(__name__)

_PAUSES = (0.3, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds before each look


class Doubts:
    """Looks up orders in tasks of its own; `tell` is called after each look.

    It draws no conclusion from a miss: nothing bounds how late the venue may book what it took.
    """

    def __init__(
        self,
        lookups: Lookups,
        tell: Callable[[], None],
        *,
        sleep: Callable[[float], Awaitable[None]],
        time_scale: float,
    ) -> None:
        self._lookups = lookups
        self._tell = tell
        self._sleep = sleep
        self._scale = time_scale
        self._looks = SingleFlight("pumpkin order")

    def about(self, known: Known) -> None:
        """Looks after an order that should be over soon."""
        self._looks.begin(known, lambda: self._resolve(known))

    async def aclose(self) -> None:
        """Ends the looks under way. May be called twice."""
        await self._looks.aclose()

    async def _resolve(self, known: Known) -> None:
        for pause in _PAUSES:
            await self._sleep(pause * self._scale)
            if known.last is not None and known.last.status.is_terminal:
                return
            try:
                await self._lookups.order(known.instrument, known.client_id, known.order_id)
            except VenueError as error:
                logger.debug("an order could not be looked up: %s", error)
            self._tell()
