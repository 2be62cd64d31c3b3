"""Cancels of one order at MAX. A cancel is queued as well: that it was accepted ends nothing, and fills may win.

An accepted one is looked after for a moment, since it mostly ends the order within milliseconds. What has not
ended by then is returned as PENDING_CANCEL, and looked up until it has.
"""

from __future__ import annotations

from venues.commands import CancelRequest
from venues.errors import DecodeError, NotSent, OrderNotFound, OutcomeUnknown
from venues.max import VENUE
from venues.max.means import Means
from venues.max.memory import Known
from venues.max.models import Order as RestOrder
from venues.model import InstrumentId, Order
from venues.port import Depart
from venues.transport.exchange import Dispatch
from venues.transport.means import as_it_is

_PAUSES = (0.02, 0.08, 0.2, 0.4)  # seconds before each look at an order whose cancel was accepted
_LOOK = 1.0
_FAILED = "2003"  # the reason is in the words


class Cancels:
    """Cancels orders of one account, each by exactly one id."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def cancel(self, request: CancelRequest, depart: Depart | None) -> Order:
        """Returns the order as it then is. Raises OrderError, NotSent or OutcomeUnknown."""
        self._means.sender.require_key()
        known = self._means.memory.find(request.client_order_id, request.venue_order_id)
        order_id = known.order_id if known is not None and known.order_id else request.venue_order_id
        number = int(order_id) if order_id.isdecimal() and order_id.isascii() else None
        name = request.client_order_id or None
        if number is None and name is None:
            raise NotSent(VENUE, "no order of the venue has such an id")

        async def send(dispatch: Dispatch) -> RestOrder | None:
            if number is not None:
                return await self._means.client.cancel_order(order_id=number, dispatch=dispatch)
            return await self._means.client.cancel_order(client_oid=name, dispatch=dispatch)

        try:
            row = await self._means.sender.send(send, depart)
        except OutcomeUnknown as error:
            if error.code == _FAILED:
                await self._raise_if_over(request, order_id, error)
            raise
        if row is not None:
            try:
                self._means.lookups.take(row)
            except DecodeError as error:
                raise OutcomeUnknown(VENUE, f"accepted, and {error.message}") from None
        known = self._means.memory.find(request.client_order_id, request.venue_order_id)
        return await self._ended(request.instrument, known, request.client_order_id, order_id)

    async def _raise_if_over(self, request: CancelRequest, order_id: str, error: OutcomeUnknown) -> None:
        """Raises OrderNotFound where the cancel failed because there was nothing left to cancel."""
        look = self._look(request.instrument, request.client_order_id, order_id)
        found = await self._means.asides.find(look, _LOOK)
        if found is not None and found.status.is_terminal:
            raise OrderNotFound(
                VENUE, f"the order is {found.status} already ({error.message})", error.code
            ) from None

    async def _ended(self, instrument: InstrumentId, known: Known | None, client_id: str, order_id: str) -> Order:
        """Returns an order whose cancel was accepted. Raises OutcomeUnknown where it can not be read."""
        if known is not None:
            known.is_cancelling = True
        for pause in _PAUSES:
            if known is not None and known.is_over and known.last is not None:
                return known.last
            await self._means.pause(pause)
            if known is None or not known.is_over:
                await self._means.asides.find(self._look(instrument, client_id, order_id), _LOOK)
                known = known or self._means.memory.find(client_id, order_id)
        if known is None or known.last is None:
            raise OutcomeUnknown(VENUE, "the cancel was accepted, and the order can not be read")
        if known.last.status.is_terminal:
            return known.last
        known.is_cancelling = True
        self._means.doubts.about(known)
        return as_it_is(VENUE, known)

    async def _look(self, instrument: InstrumentId, client_id: str, order_id: str) -> Order | None:
        try:
            return await self._means.lookups.order(instrument, client_id, order_id, is_urgent=True)
        except OrderNotFound:
            return None
