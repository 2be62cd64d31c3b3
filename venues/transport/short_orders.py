"""Orders of which a venue has said that more has traded than the executions that it lists come to."""

from __future__ import annotations

import logging
from typing import Generic, TypeVar

from venues.transport.order_memory import ToldOrder, ToldOrders
from venues.transport.pursuit import MOST_MISSES

logger = logging.getLogger(__name__)

T = TypeVar("T", bound=ToldOrder)


class ShortOrders(Generic[T]):
    """Counts, for each, the reads in which executions of it were missing."""

    def __init__(self, memory: ToldOrders[T]) -> None:
        self._memory = memory
        self._misses: dict[str, int] = {}  # by the port's id

    def want(self, known: T) -> bool:
        """Notes an order, if it is short; returns whether it is."""
        is_wanted = known.is_short and bool(known.order_id)
        if is_wanted:
            self._misses.setdefault(known.order_id, 0)
        return is_wanted

    def is_any(self) -> bool:
        """Says whether executions of any are still missing."""
        for order_id in list(self._misses):
            known = self._memory.find("", order_id)
            if known is None or not known.is_short:
                del self._misses[order_id]
        return bool(self._misses)

    def late(self, least: int) -> list[T]:
        """Returns the orders that were still short after `least` reads."""
        found = (self._memory.find("", each) for each, misses in self._misses.items() if misses >= least)
        return [known for known in found if known is not None and known.is_short]

    def restart(self) -> None:
        """Begins to count anew: the stream was away."""
        self._misses = dict.fromkeys(self._misses, 0)

    def count(self) -> None:
        """Counts a read. What the venue does not list after all is waited for no longer."""
        if not self.is_any():
            return
        for order_id in self._misses:
            self._misses[order_id] += 1
        for known in self.late(MOST_MISSES):
            logger.warning("the venue does not list all executions of order %s", known.order_id)
            known.forgive()
