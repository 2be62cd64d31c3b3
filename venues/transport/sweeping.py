"""Cancel many, as venues of perpetuals do it: what rests is read before, and looked after when all is sent."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from venues.errors import NotSent, VenueError
from venues.model import InstrumentId, Order, Side
from venues.port import Depart
from venues.transport.asides import Asides
from venues.transport.means import Ending, Tally, as_it_is
from venues.transport.order_memory import ToldOrder, ToldOrders
from venues.transport.sending import Sender

logger = logging.getLogger(__name__)

LOOK = 3.0
"""Seconds that a look at what is left may take."""
_LOOK_BEFORE = 1.0  # where the commands do not wait for it

K = TypeVar("K", bound=ToldOrder)


class Wish(NamedTuple):
    """What is to be cancelled: of one contract or of all (`symbol` is None then, too), of one side or of both."""

    instrument: InstrumentId | None
    symbol: str | None
    side: Side | None
    depart: Depart | None


class ListsOpenOrders(Protocol):
    """What reads the orders that rest."""

    async def open_orders(
        self, instrument: InstrumentId | None = None, *, is_urgent: bool = False
    ) -> list[Order]: ...


class SweepMeans(Protocol[K]):
    """What a sweep needs of an adapter's means."""

    @property
    def sender(self) -> Sender: ...

    @property
    def asides(self) -> Asides: ...

    @property
    def memory(self) -> ToldOrders[K]: ...

    @property
    def lookups(self) -> ListsOpenOrders: ...

    async def see_to_end(
        self,
        meant: Sequence[Ending],
        look: Callable[[bool], Coroutine[Any, Any, object]],
        pauses: Sequence[float],
        seconds: float,
    ) -> None: ...


class Sweeping(ABC, Generic[K]):
    """Cancels many orders of one account; to inherit: the venue sends its commands, and looks at orders.

    `pauses` are the seconds before each look at what still rests. `symbol_of` may raise BadRequest.
    """

    _means: SweepMeans[K]

    def __init__(
        self, venue: str, means: SweepMeans[K], symbol_of: Callable[[InstrumentId], str], pauses: Sequence[float]
    ) -> None:
        self._venue = venue
        self._means = means
        self._symbol_of = symbol_of
        self._pauses = pauses

    async def run(self, instrument: InstrumentId | None, side: Side | None, depart: Depart | None) -> list[Order]:
        """Cancels what rests now; returns the orders as they then are.

        Without a side everything is cancelled also where what rests can not be read. With one nothing is.

        Raises:
            OrderError, NotSent, OutcomeUnknown: as one cancel does; the last also where some were cancelled.
        """
        self._means.sender.require_key()
        try:
            symbol = self._symbol_of(instrument) if instrument is not None else None
        except VenueError as error:
            raise NotSent(self._venue, error.message, error.code) from None
        meant, tally = await self._meant(instrument, side), Tally(self._venue)
        await self._cancel(Wish(instrument, symbol, side, depart), meant, tally)
        tally.raise_worst()
        return [as_it_is(self._venue, known) for known in meant if known.last is not None]

    @abstractmethod
    async def _cancel(self, wish: Wish, meant: Sequence[K], tally: Tally) -> None:
        """Sends the commands, and waits for what they have touched; `tally` is told what became of each."""

    @abstractmethod
    async def _look(self, meant: Sequence[K], *, is_urgent: bool) -> None:
        """Looks at those that are not over. Raises VenueError."""

    async def _wait_for(self, meant: Sequence[K]) -> None:
        """Looks after the orders until none of them rests, for a moment."""
        await self._means.see_to_end(
            meant, lambda is_urgent: self._look(meant, is_urgent=is_urgent), self._pauses, LOOK
        )

    async def _meant(self, instrument: InstrumentId | None, side: Side | None) -> list[K]:
        """Returns what rests. Raises NotSent where that can not be read, and has to be known.

        Where all is cancelled the commands name no order, and wait for no read that is slow.
        """
        reading = self._means.lookups.open_orders(instrument, is_urgent=True)
        orders: list[Order] | None
        if side is None:
            orders = await self._means.asides.find(reading, _LOOK_BEFORE)
            if orders is None:
                logger.warning("all is cancelled without having been read")
        else:
            try:
                orders = await reading
            except VenueError as error:
                words = f"which orders are of one side can not be read: {error.message}"
                raise NotSent(self._venue, words, error.code) from None
        found = [known for known in self._means.memory.open_orders() if _is_meant(known, instrument, side)]
        if orders is not None:
            listed = {order.venue_order_id for order in orders}
            stale = [known for known in found if known.order_id not in listed]
            if stale:  # over by now, or too young to be listed: a command must not fail for what is over
                look = self._look(stale, is_urgent=True)
                await self._means.asides.find(look, _LOOK_BEFORE if side is None else LOOK)
        return [known for known in found if known.last is not None and known.last.is_open]


def _is_meant(known: ToldOrder, instrument: InstrumentId | None, side: Side | None) -> bool:
    if not known.number or known.last is None:
        return False
    return instrument in (None, known.instrument) and side in (None, known.last.side)
