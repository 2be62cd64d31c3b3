"""Cancel many: everything that rests or waits, of a contract, of a side, or all of it.

Orders, plan orders and exits have a command each for all of a contract, or of all. None of them heeds a side: with
one, orders are cancelled by their numbers, twenty at a time, and what waits one by one. What rests is read before,
and read again afterwards, since the answers name nothing.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from venues.errors import NotSent, OrderNotFound, VenueError
from venues.model import InstrumentId, Order, Side
from venues.port import Depart
from venues.pumpkin import VENUE
from venues.pumpkin.cancels import Cancels
from venues.pumpkin.figures import symbol_of
from venues.pumpkin.means import Means
from venues.pumpkin.memory import Kind, Known
from venues.transport.exchange import Dispatch
from venues.transport.means import Tally, as_it_is

logger = logging.getLogger(__name__)

_PAUSES = (0.0, 0.15, 0.4, 0.8)  # seconds before each look at what still rests
_LOOK = 3.0
_LOOK_BEFORE = 1.0  # where the commands do not wait for it
_MOST_AT_ONCE = 20  # orders of one command; no document says how many it may be
_MOST_LOOKS = 20  # plan orders and exits that are looked up one by one


class _Part(NamedTuple):
    """One command, and what it cancels. One that names several may be refused for one that is over."""

    send: Callable[[Depart | None], Awaitable[None]]
    meant: Sequence[Known]
    names_several: bool = False


class Sweep:
    """Cancels many orders of one account."""

    def __init__(self, means: Means, cancels: Cancels) -> None:
        self._means = means
        self._cancels = cancels

    async def run(self, instrument: InstrumentId | None, side: Side | None, depart: Depart | None) -> list[Order]:
        """Cancels what rests now; returns the orders as they then are.

        Without a side everything is cancelled also where what rests can not be read. With one nothing is.

        Raises:
            OrderError, NotSent, OutcomeUnknown: as one cancel does; the last also where some were cancelled.
        """
        self._means.sender.require_key()
        try:
            symbol = symbol_of(instrument) if instrument is not None else None
        except VenueError as error:
            raise NotSent(VENUE, error.message, error.code) from None
        meant = await self._meant(instrument, side)
        tally, touched = Tally(VENUE), list[Known]()
        parts = deque(self._whole(symbol, meant) if side is None else self._named(meant))
        while parts:
            part = parts.popleft()
            try:
                await part.send(depart)
            except OrderNotFound:
                if part.names_several:
                    parts.extend(await self._left_of(part))
                    continue
            except VenueError as error:
                tally.note(error)
                continue
            else:
                for known in part.meant:
                    known.is_cancelling = True
            tally.done += 1  # also what was over before
            touched += part.meant
        await self._wait_for(touched)
        tally.raise_worst()
        return [as_it_is(VENUE, known) for known in meant if known.last is not None]

    async def _meant(self, instrument: InstrumentId | None, side: Side | None) -> list[Known]:
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
                raise NotSent(VENUE, words, error.code) from None
        found = [known for known in self._means.memory.open_orders() if _is_meant(known, instrument, side)]
        if orders is not None:
            listed = {order.venue_order_id for order in orders}
            stale = [known for known in found if known.order_id not in listed]
            if stale:  # over by now, or too young to be listed: a command must not fail for what is over
                look = self._look(stale, is_urgent=True)
                await self._means.asides.find(look, _LOOK_BEFORE if side is None else _LOOK)
        return [known for known in found if known.last is not None and known.last.is_open]

    def _whole(self, symbol: str | None, meant: Sequence[Known]) -> list[_Part]:
        """Returns the commands that cancel everything, of a contract if one is named."""
        client = self._means.client

        async def orders(dispatch: Dispatch) -> None:
            await client.cancel_all_orders(symbol=symbol, dispatch=dispatch)

        async def plans(dispatch: Dispatch) -> None:
            await client.cancel_all_plans(symbol=symbol, dispatch=dispatch)

        async def exits(dispatch: Dispatch) -> None:
            await client.cancel_all_profit_stops(symbol=symbol, dispatch=dispatch)

        # Plans first: one that is triggered between the two would place an order behind the sweep's back.
        calls = ((plans, Kind.PLAN), (exits, Kind.EXIT), (orders, Kind.ORDER))
        return [self._part(call, [each for each in meant if _waits_as(each) is kind]) for call, kind in calls]

    def _named(self, meant: Sequence[Known]) -> list[_Part]:
        """Returns the commands that cancel exactly these."""
        waiting = [known for known in meant if _waits_as(known) is not Kind.ORDER]
        resting = [known for known in meant if _waits_as(known) is Kind.ORDER]
        parts = range(0, len(resting), _MOST_AT_ONCE)
        several = [self._several(resting[first : first + _MOST_AT_ONCE]) for first in parts]
        return [*map(self._single, waiting), *several]

    def _part(
        self,
        call: Callable[[Dispatch], Awaitable[None]],
        meant: Sequence[Known],
        *,
        names_several: bool = False,
    ) -> _Part:
        async def send(depart: Depart | None) -> None:
            await self._means.sender.send(call, depart)

        return _Part(send, meant, names_several)

    def _single(self, known: Known) -> _Part:
        async def send(depart: Depart | None) -> None:
            await self._cancels.send(known, depart)

        return _Part(send, (known,))

    def _several(self, meant: Sequence[Known]) -> _Part:
        numbers = [known.child or known.number for known in meant]

        async def call(dispatch: Dispatch) -> None:
            await self._means.client.cancel_orders(numbers, dispatch=dispatch)

        return self._part(call, meant, names_several=True)

    async def _left_of(self, part: _Part) -> list[_Part]:
        """Returns a command each for what still rests, where one of several was over and nobody says which."""
        await self._means.asides.find(self._look(part.meant, is_urgent=True), _LOOK)
        return [self._single(known) for known in part.meant if not known.is_over]

    async def _wait_for(self, meant: Sequence[Known]) -> None:
        """Looks after the orders until none of them rests, for a moment."""
        for looks, pause in enumerate(_PAUSES):
            if all(known.is_over for known in meant):
                return
            await self._means.pause(pause)
            await self._means.asides.find(self._look(meant, is_urgent=looks == 0), _LOOK)
        for known in meant:
            if not known.is_over:
                self._means.doubts.about(known)

    async def _look(self, meant: Sequence[Known], *, is_urgent: bool) -> None:
        """Raises VenueError."""
        lookups = self._means.lookups
        left = [known for known in meant if not known.is_over and known.number]
        waiting = [known for known in left if _waits_as(known) is not Kind.ORDER]
        numbers = [known.child or known.number for known in left if _waits_as(known) is Kind.ORDER]
        if numbers:
            await lookups.by_numbers(numbers, is_urgent=is_urgent)
        for known in waiting[:_MOST_LOOKS]:
            await lookups.order(known.instrument, known.client_id, known.order_id, is_urgent=is_urgent)


def _waits_as(known: Known) -> Kind:
    """Returns what an order is now: one that was triggered rests in the book as any other."""
    return Kind.ORDER if known.child else known.kind


def _is_meant(known: Known, instrument: InstrumentId | None, side: Side | None) -> bool:
    if not known.number or known.last is None:
        return False
    return instrument in (None, known.instrument) and side in (None, known.last.side)
