"""What is remembered of each order. One id names it for ever; a client id is unique for a day, and ours always.

Nothing that the venue tells of an order is numbered, and reads can be late: what is newer is told by the moment of
its last change and by how much it has traded, which only grows. What is over stays over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec

from venues.commands import OrderRequest
from venues.max.profile import MARGIN, SPOT
from venues.model import InstrumentId, Order, OrderStatus
from venues.transport.order_memory import KnownOrder, NewestOrders, order_as_asked

_OVER = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED})


class Known(KnownOrder):
    """One order. `order_id` is empty while the venue has not told it."""

    __slots__ = ("heard", "order_id", "wallet")

    def __init__(self, instrument: InstrumentId, client_id: str, wallet: str = SPOT) -> None:
        super().__init__(instrument, client_id)
        self.wallet = wallet
        self.order_id = ""
        self.heard = asyncio.Event()  # the stream has told of it: it is in the market, or was

    @property
    def is_over(self) -> bool:
        return self.last is not None and self.last.status in _OVER

    def take(self, order: Order) -> Order | None:
        """Takes what the venue tells; returns the order as it now is, None where nothing of it is new."""
        whole = msgspec.structs.replace(
            order,
            client_order_id=self.client_id or order.client_order_id,
            in_margin_wallet=self.wallet == MARGIN,
        )
        self.claimed = max(self.claimed, whole.filled_quantity)
        last = self.last
        if last is not None and last.status is not OrderStatus.REJECTED:
            is_end = whole.status in _OVER
            if self.is_over and not is_end:
                return None
            if whole.filled_quantity < last.filled_quantity:
                return None
            if whole.ts_event < last.ts_event and not is_end and whole.filled_quantity == last.filled_quantity:
                return None
            if last.is_triggered and not whole.is_triggered and whole.type.has_trigger:
                whole = msgspec.structs.replace(whole, is_triggered=True)
            if whole == last:
                return None
        self.last = whole
        return whole

    def as_asked(self, status: OrderStatus, ts: int, reason: str = "") -> Order | None:
        """Returns the order from what is known of it; None where that is nothing."""
        if self.last is not None:
            ts_event = max(ts, self.last.ts_event)
            return msgspec.structs.replace(self.last, status=status, ts_event=ts_event, reason=reason)
        if self.asked is None:
            return None
        order = order_as_asked(self.asked, status, ts, venue_order_id=self.order_id, reason=reason)
        return msgspec.structs.replace(order, in_margin_wallet=self.wallet == MARGIN)


class OrderMemory:
    """The orders that are remembered, by each name that they have."""

    def __init__(self) -> None:
        self._orders: NewestOrders[Known] = NewestOrders(self._forget)
        self._by_id: dict[str, Known] = {}
        self._by_client_id: dict[str, Known] = {}

    def submitted(self, request: OrderRequest, wallet: str) -> Known:
        """Begins with an order that is about to be placed here."""
        known = self._by_client_id.get(request.client_order_id)
        if known is None:
            known = self._add(Known(request.instrument, request.client_order_id, wallet))
        known.asked = request
        known.wallet = wallet
        return known

    def find(self, client_id: str, order_id: str) -> Known | None:
        found = self._by_id.get(order_id) if order_id else None
        return found or (self._by_client_id.get(client_id) if client_id else None)

    def learn(self, order: Order, wallet: str | None = None) -> Known:
        """Returns the order of which the venue tells. One met for the first time has traded what it has."""
        known = self._by_id.get(order.venue_order_id)
        if known is None:
            named = self._by_client_id.get(order.client_order_id) if order.client_order_id else None
            if named is not None and not named.order_id:
                known = named
            else:
                # A client id may come again after a day: the newer order bears it.
                known = self._add(Known(order.instrument, order.client_order_id))
                known.baseline = order.filled_quantity
            known.order_id = order.venue_order_id
            self._by_id[order.venue_order_id] = known
        if wallet in (SPOT, MARGIN):
            known.wallet = wallet or SPOT
        return known

    def open_orders(self) -> Iterator[Known]:
        """Yields the orders that are not known to be over."""
        return self._orders.open()

    def _add(self, known: Known) -> Known:
        if known.client_id:
            self._by_client_id[known.client_id] = known
        return self._orders.add(known)

    def _forget(self, known: Known) -> None:
        if self._by_id.get(known.order_id) is known:
            del self._by_id[known.order_id]
        if self._by_client_id.get(known.client_id) is known:
            del self._by_client_id[known.client_id]
