"""Cancels of one order at Mayex, by its number: the venue cancels nothing by an id of ours. Fills may win.

Their answer shows the order as it still is, NEW. It is looked after for a moment; what has not ended by then is
returned as PENDING_CANCEL, and looked up until it has.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from venues.commands import CancelRequest
from venues.errors import DecodeError, NotSent, OrderNotFound, OutcomeUnknown, VenueError
from venues.mayex import VENUE
from venues.mayex.figures import is_spot, symbol_of
from venues.mayex.means import Means
from venues.mayex.memory import Known
from venues.mayex.models.trading import Order as Answer
from venues.model import Order
from venues.port import Depart
from venues.transport.exchange import Dispatch
from venues.transport.means import as_it_is

_PAUSES = (0.05, 0.2, 0.5, 0.8)  # seconds before each look at an order whose cancel was accepted
_LOOK = 1.0


class Cancels:
    """Cancels orders of one account, each by exactly one number.

    `proves_misses` says whether a request dies at the venue, so that what is not found any more is not there.
    """

    def __init__(self, means: Means, *, proves_misses: Callable[[], bool]) -> None:
        self._means = means
        self._proves_misses = proves_misses

    async def cancel(self, request: CancelRequest, depart: Depart | None) -> Order:
        """Returns the order as it then is. Raises OrderError, NotSent or OutcomeUnknown."""
        self._means.sender.require_key()
        if is_spot(request.instrument):
            raise NotSent(VENUE, "a spot pair is market data only: it has no orders")
        known = await self._found(request)
        try:
            await self.send(known, depart)
        except OrderNotFound as error:
            await self._means.asides.find(self._look(known, True), _LOOK)
            if known.is_over and known.last is not None:
                words = f"the order is {known.last.status} already ({error.message})"
                raise OrderNotFound(VENUE, words, error.code) from None
            raise
        await self._means.see_to_end([known], lambda is_urgent: self._look(known, is_urgent), _PAUSES, _LOOK)
        if known.last is None:
            raise OutcomeUnknown(VENUE, "the cancel was accepted, and the order can not be read")
        return as_it_is(VENUE, known)

    async def send(self, known: Known, depart: Depart | None) -> None:
        """Sends the cancel of one order. Raises OrderError, NotSent or OutcomeUnknown."""

        async def call(dispatch: Dispatch) -> Answer:
            symbol = symbol_of(known.instrument)
            return await self._means.client.cancel_order(symbol, int(known.number), dispatch=dispatch)

        answer = await self._means.sender.send(call, depart)
        known.is_cancelling = True
        if known.last is None and str(answer.order_id) == known.number:  # all that anybody has told of it
            with contextlib.suppress(DecodeError):
                self._means.lookups.take_answer(known, answer, self._means.lookups.as_of())

    async def _look(self, known: Known, is_urgent: bool) -> Order:
        return await self._means.lookups.order(
            known.instrument, known.client_id, known.order_id, is_urgent=is_urgent
        )

    async def _found(self, request: CancelRequest) -> Known:
        """Returns the order; one whose number nobody has told is looked for.

        One that can not be looked for is cancelled all the same where its number is given.

        Raises:
            OrderNotFound: it is not there, and can not come any more.
            NotSent: its number is not known, or is of another contract.
        """
        memory, client_id, number = self._means.memory, request.client_order_id, request.venue_order_id
        known = memory.find(client_id, number)
        if known is None or not known.number:
            try:
                await self._means.lookups.order(request.instrument, client_id, number, is_urgent=True)
            except VenueError as error:
                known = memory.find(client_id, number)
                if known is None and _is_number(number):
                    return memory.adopt(request.instrument, client_id, number)
                if known is None or not known.number:
                    raise self._not_there(known, error) from None
            known = memory.find(client_id, number)
        if known is None or not known.number or known.instrument != request.instrument:
            raise NotSent(VENUE, "no order of the venue has such an id")
        return known

    def _not_there(self, known: Known | None, error: VenueError) -> VenueError:
        if known is None and isinstance(error, OrderNotFound) and self._proves_misses():
            return error
        return NotSent(
            VENUE, f"the venue cancels by its own number, which is not known yet: {error.message}", error.code
        )


def _is_number(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < 20 and int(text) > 0
