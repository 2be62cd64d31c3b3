"""Orders of which nobody may tell what became: looked up until they are over, for a while."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from venues.errors import VenueError
from venues.transport.order_memory import Remembered
from venues.transport.single_flight import SingleFlight

logger = logging.getLogger(__name__)

K = TypeVar("K", bound=Remembered)

_PAUSES = (0.3, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds before each look


class Doubts(Generic[K]):
    """Looks up orders in tasks of its own by `look`, which may raise VenueError; `tell` is called after each look.

    It draws no conclusion from a miss: for venues of which nothing bounds how late they may book what they took.
    """

    def __init__(
        self,
        venue: str,
        look: Callable[[K], Awaitable[object]],
        tell: Callable[[], None],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        time_scale: float = 1.0,
    ) -> None:
        self._look = look
        self._tell = tell
        self._sleep = sleep
        self._scale = time_scale
        self._looks = SingleFlight(f"{venue} order")

    def about(self, known: K) -> None:
        """Looks after an order that should be over soon."""
        self._looks.begin(known, lambda: self._resolve(known))

    async def aclose(self) -> None:
        """Ends the looks under way. May be called twice."""
        await self._looks.aclose()

    async def _resolve(self, known: K) -> None:
        for pause in _PAUSES:
            await self._sleep(pause * self._scale)
            if known.last is not None and known.last.status.is_terminal:
                return
            try:
                await self._look(known)
            except VenueError as error:
                logger.debug("an order could not be looked up: %s", error)
            self._tell()
