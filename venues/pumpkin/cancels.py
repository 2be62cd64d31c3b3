"""Cancels of one order at Pumpkin, by its number: the venue cancels nothing by an id of ours. Fills may win.

An accepted cancel is looked after for a moment, since it mostly ends the order within milliseconds. What has not
ended by then is returned as PENDING_CANCEL, and looked up until it has.
"""

from __future__ import annotations

from functools import partial

from venues.commands import CancelRequest
from venues.errors import NotSent, OrderNotFound, OutcomeUnknown, VenueError
from venues.model import Order
from venues.port import Depart
from venues.pumpkin import VENUE
from venues.pumpkin.client import Client
from venues.pumpkin.means import Means
from venues.pumpkin.memory import Kind, Known, split_id
from venues.transport.exchange import Dispatch
from venues.transport.means import as_it_is

_PAUSES = (0.0, 0.08, 0.2, 0.4, 0.8)  # seconds before each look at an order whose cancel was accepted
_LOOK = 1.0


class Cancels:
    """Cancels orders of one account, each by exactly one number."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def cancel(self, request: CancelRequest, depart: Depart | None) -> Order:
        """Returns the order as it then is. Raises OrderError, NotSent or OutcomeUnknown."""
        self._means.sender.require_key()
        known = await self._found(request)
        await self.send(known, depart)
        return await self._ended(known)

    async def send(self, known: Known, depart: Depart | None) -> None:
        """Sends the cancel of one order; of one that was triggered meanwhile, of the order that it has placed.

        Raises:
            OrderError, NotSent, OutcomeUnknown: as `cancel` does.
        """
        send = partial(_send_cancel, self._means.client, known)
        try:
            await self._means.sender.send(send, depart)
        except OrderNotFound:
            if not await self._has_placed(known):
                raise
            await self._means.sender.send(send, depart)
        known.is_cancelling = True

    async def _has_placed(self, known: Known) -> bool:
        """Says whether a cancel came too late for what waited, and the order that it has placed rests now."""
        if known.kind is Kind.ORDER or known.child:
            return False
        look = self._means.lookups.order(known.instrument, known.client_id, known.order_id, is_urgent=True)
        found = await self._means.asides.find(look, _LOOK)
        return found is not None and found.is_open and bool(known.child)

    async def _found(self, request: CancelRequest) -> Known:
        """Returns the order; one whose number nobody has told is looked for. Raises NotSent.

        One that is not found, or can not be looked for, is cancelled all the same where its number is given.
        """
        memory = self._means.memory
        known = memory.find(request.client_order_id, request.venue_order_id)
        if known is None or not known.number or _is_between(known):
            try:
                await self._means.lookups.order(
                    request.instrument, request.client_order_id, request.venue_order_id, is_urgent=True
                )
            except VenueError as error:
                # Also what was found, and is of another contract, is known by now.
                known = memory.find(request.client_order_id, request.venue_order_id)
                number = split_id(request.venue_order_id)[1]
                if known is None and number.isdecimal() and number.isascii():
                    return memory.adopt(request.instrument, request.client_order_id, request.venue_order_id)
                if known is None or not known.number:
                    words = f"the venue cancels by its own number, which is not known yet: {error.message}"
                    raise NotSent(VENUE, words, error.code) from None
            known = memory.find(request.client_order_id, request.venue_order_id)
        if known is None or not known.number or known.instrument != request.instrument:
            raise NotSent(VENUE, "no order of the venue has such an id")
        return known

    async def _ended(self, known: Known) -> Order:
        """Returns an order whose cancel was accepted. Raises OutcomeUnknown where it can not be read.

        Only the first look uses what the quotas keep for cancels: others may need it more.
        """
        for looks, pause in enumerate(_PAUSES):
            await self._means.pause(pause)
            look = self._means.lookups.order(
                known.instrument, known.client_id, known.order_id, is_urgent=looks == 0
            )
            found = await self._means.asides.find(look, _LOOK)
            if known.is_over and known.last is not None:
                return known.last
            if looks and found is None:
                break  # the venue does not answer, or the quota is used up
        if known.last is None:
            raise OutcomeUnknown(VENUE, "the cancel was accepted, and the order can not be read")
        self._means.doubts.about(known)
        return as_it_is(VENUE, known)


async def _send_cancel(client: Client, known: Known, dispatch: Dispatch) -> None:
    """Sends the cancel of one order, of one that was triggered of the order that it has placed."""
    if known.kind is Kind.ORDER or known.child:
        await client.cancel_order(known.child or known.number, symbol=known.instrument.symbol, dispatch=dispatch)
    elif known.kind is Kind.PLAN:
        await client.cancel_plan(known.number, dispatch=dispatch)
    else:
        await client.cancel_profit_stop(known.number, dispatch=dispatch)


def _is_between(known: Known) -> bool:
    """Says whether an order was triggered, and nobody knows which one it has placed."""
    return known.last is not None and known.last.is_triggered and not known.child and known.kind is not Kind.ORDER
