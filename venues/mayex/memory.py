"""What is remembered of each order: Mayex's pushes are not numbered, its reads may be late, and its rows tell when
an order changed last, not when it was made.
"""

from __future__ import annotations

import asyncio

import msgspec

from venues.commands import OrderRequest
from venues.model import NANOSECONDS, ZERO, Fill, InstrumentId, Order
from venues.transport.order_checks import EXACT
from venues.transport.order_memory import ToldOrder, ToldOrders

BEFORE = 60 * NANOSECONDS
"""How long before its command left an order may seem to be made: the clocks of the venue's parts may differ."""


class Known(ToldOrder):
    """One order. `heard` is set each time that the venue tells of it, `worth` is what its executions come to."""

    __slots__ = ("heard", "worth")

    def __init__(self, instrument: InstrumentId, client_id: str) -> None:
        super().__init__(instrument, client_id)
        self.heard = asyncio.Event()
        self.worth = ZERO

    @property
    def is_unpriced(self) -> bool:
        """Whether it has traded at an average that nobody has told: rows of open orders have none."""
        return self.last is not None and bool(self.last.filled_quantity) and self.last.average_price is None

    def note(self, fill: Fill) -> None:
        """Notes an execution that goes out as one; all of them together are the average."""
        self.told += fill.quantity
        self.worth = EXACT.add(self.worth, EXACT.multiply(fill.quantity, fill.price))
        if self.last is not None and self.is_unpriced:
            self.last = self._priced(self.last)

    def take(self, order: Order, at: int) -> Order | None:
        """Takes what the venue tells, as `ToldOrder` does; what waited for a trigger stays known as that."""
        last, made = self.last, [order.ts_created]
        if last is not None:
            made.append(last.ts_created)
            if last.type.has_trigger and self.asked is None and not order.type.has_trigger:
                order = msgspec.structs.replace(order, type=last.type, trigger_price=last.trigger_price)
        ts_created = min((ts for ts in made if ts), default=0)
        found = super().take(self._priced(msgspec.structs.replace(order, ts_created=ts_created)), at)
        self.heard.set()
        return found

    def _priced(self, order: Order) -> Order:
        """Returns an order with its average, where its row has none and what is known comes to one."""
        last, average = self.last, None
        if not order.filled_quantity or order.average_price is not None:
            return order
        if self.told == order.filled_quantity:
            average = self.worth / self.told
        elif last is not None and last.filled_quantity == order.filled_quantity:
            average = last.average_price
        return msgspec.structs.replace(order, average_price=average)


class OrderMemory(ToldOrders[Known]):
    """The orders that are remembered, by the venue's number and by our own id."""

    def __init__(self) -> None:
        super().__init__(Known)
        self._namesakes: set[str] = set()

    def submitted(self, request: OrderRequest) -> Known:
        """Begins with an order that is about to be placed here."""
        return self._begun(request)

    def learn(self, order: Order) -> Known:
        """Returns the order of which the venue tells. One met for the first time has traded what it has.

        One that has our id, and is not what was asked for under it, is another's.
        """
        number = order.venue_order_id
        if (known := self._by_id.get(number)) is not None:
            return known
        named = self._by_client_id.get(order.client_order_id) if order.client_order_id else None
        if named is not None and not named.number and is_like(named, order):
            known = named
        elif named is not None:
            self._namesakes.add(order.client_order_id)
            known = self._orders.add(Known(order.instrument, order.client_order_id))
            known.baseline = order.filled_quantity
        else:
            known = self._add(Known(order.instrument, order.client_order_id))
            known.baseline = order.filled_quantity
        self.numbered(known, number)
        return known

    def adopt(self, instrument: InstrumentId, client_id: str, number: str) -> Known:
        """Begins with an order of which nothing is known but its names."""
        known = self._add(Known(instrument, client_id))
        self.numbered(known, number)
        return known

    def claim(self, wish: Known, number: str) -> Known:
        """Notes that the venue has numbered what was placed here; returns what is known of it."""
        other = self._by_id.get(number)
        if other is None or other is wish:
            self.numbered(wish, number)
            return wish
        other.asked, other.sent_after, other.client_id = wish.asked, wish.sent_after, wish.client_id
        self._by_client_id[wish.client_id] = other  # told of before: it goes on under both names
        return other

    def news(self, *, holds_unpriced: bool = False) -> list[Order]:
        """Returns the orders that are not as they last went out, each once.

        Those whose average is about to be known from their executions may be held back.
        """
        return self._news(lambda known: not (holds_unpriced and known.is_unpriced))

    @property
    def has_unpriced(self) -> bool:
        """Whether an order waits for its executions to tell its average."""
        return any(known.is_unpriced and known.last is not known.shown for known in self._by_id.values())

    def has_namesake(self, client_id: str) -> bool:
        """Says whether another order of the venue has this id of ours."""
        return client_id in self._namesakes


def is_like(known: Known, order: Order) -> bool:
    """Says whether an order of the venue can be what was asked for here, under the same id."""
    asked = known.asked
    if asked is None or order.instrument != known.instrument:
        return asked is None and order.instrument == known.instrument
    if order.ts_event and order.ts_event < known.sent_after - BEFORE:
        return False
    return (asked.side, asked.quantity, asked.reduce_only) == (order.side, order.quantity, order.reduce_only)
