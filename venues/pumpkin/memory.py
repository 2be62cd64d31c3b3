"""What is remembered of each order: Pumpkin's answers have neither leverage, position nor a moment of change.

A plan order and the order that it places are one order here, and so are an exit and its order: they keep the name
that they had while they waited. Ids are of the venue's one sequence, so that a child's number is no other's.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from venues.commands import OrderRequest
from venues.model import InstrumentId, Order, OrderStatus
from venues.transport.order_memory import KnownOrder, NewestOrders, order_as_asked

_OVER = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED})


class Kind(StrEnum):
    """What begins the port's id of an order, so that no two kinds share one."""

    ORDER = ""
    PLAN = "plan:"
    EXIT = "exit:"


def split_id(order_id: str) -> tuple[Kind, str]:
    """Returns the kind of an order and its number at the venue."""
    for kind in (Kind.PLAN, Kind.EXIT):
        if order_id.startswith(kind):
            return kind, order_id[len(kind) :]
    return Kind.ORDER, order_id


class Known(KnownOrder):
    """One order. `number` is empty while the venue has not told it; `child` is what a triggered one has placed."""

    __slots__ = ("child", "is_on_its_way", "kind", "leverage", "looks", "number", "sent_after", "shown")

    def __init__(self, instrument: InstrumentId, client_id: str, kind: Kind = Kind.ORDER) -> None:
        super().__init__(instrument, client_id)
        self.kind = kind
        self.number = ""
        self.child = ""
        self.leverage: int | None = None  # with which it was placed here
        self.sent_after = 0  # the venue's clock just before it left, nanoseconds UTC; 0 where nobody knows
        self.is_on_its_way = False  # it may have left, and its answer is waited for
        self.looks = 0  # how often a lost one was looked for because something that waits looks like it
        self.shown: Order | None = None  # as it last went out as an event

    @property
    def order_id(self) -> str:
        """The port's id of it; empty while the venue has not told its number."""
        return f"{self.kind}{self.number}" if self.number else ""

    @property
    def is_over(self) -> bool:
        return self.last is not None and self.last.status in _OVER

    def take(self, order: Order, at: int) -> Order | None:
        """Takes what the venue tells, which was true at `at` of its clock or later.

        Returns the order as it now is, None where nothing of it is new. What has traded only grows, what was
        triggered stays so, and what is over stays over: reads may be late.
        """
        whole = self._completed(order)
        self.claimed = max(self.claimed, whole.filled_quantity)
        last = self.last
        if last is not None and last.status is not OrderStatus.REJECTED:
            is_end = whole.status.is_terminal
            if (self.is_over and not is_end) or whole.filled_quantity < last.filled_quantity:
                return None
            is_triggered = whole.is_triggered or last.is_triggered
            ts_created = whole.ts_created or last.ts_created
            whole = msgspec.structs.replace(
                whole, is_triggered=is_triggered, ts_created=ts_created, ts_event=last.ts_event
            )
            if whole == last:
                return None
            at = max(at, last.ts_event + 1)  # it is news, whatever the clocks say
        ts_event = max(at, whole.ts_event, whole.ts_created)
        self.last = msgspec.structs.replace(whole, ts_event=ts_event)
        return self.last

    def as_asked(self, status: OrderStatus, ts: int, reason: str = "") -> Order | None:
        """Returns the order from what is known of it; None where that is nothing."""
        if self.last is not None:
            ts_event = max(ts, self.last.ts_event)
            return msgspec.structs.replace(self.last, status=status, ts_event=ts_event, reason=reason)
        if self.asked is None:
            return None
        order = order_as_asked(self.asked, status, ts, venue_order_id=self.order_id, reason=reason)
        return self._completed(order)

    def _completed(self, order: Order) -> Order:
        """Returns an order with what the venue does not echo."""
        order = msgspec.structs.replace(
            order, client_order_id=self.client_id or order.client_order_id, venue_order_id=self.order_id
        )
        asked = self.asked
        if asked is None:
            return order
        return msgspec.structs.replace(
            order,
            type=asked.type,
            price=order.price if order.price is not None and asked.type.has_price else asked.price,
            trigger_price=asked.trigger_price or order.trigger_price,
            time_in_force=asked.time_in_force,
            reduce_only=asked.reduce_only or order.reduce_only,
            position_id=asked.position_id or order.position_id,
            take_profit=order.take_profit or asked.take_profit,
            stop_loss=order.stop_loss or asked.stop_loss,
            is_liquidation=False,
        )


class OrderMemory:
    """The orders that are remembered, by each name that they have."""

    def __init__(self) -> None:
        self._orders: NewestOrders[Known] = NewestOrders(self._forget)
        self._by_id: dict[str, Known] = {}  # the port's ids, and the numbers of children
        self._by_client_id: dict[str, Known] = {}

    def submitted(self, request: OrderRequest, kind: Kind, leverage: int | None) -> Known:
        """Begins with an order that is about to be placed here."""
        known = self._by_client_id.get(request.client_order_id)
        if known is None:
            known = self._add(Known(request.instrument, request.client_order_id, kind))
        known.kind = kind
        known.asked = request
        known.leverage = leverage
        known.is_on_its_way = True
        return known

    def find(self, client_id: str, order_id: str) -> Known | None:
        """Returns an order by its port's id, by the number of its child, or by our own id."""
        found = self._by_id.get(order_id) if order_id else None
        return found or (self._by_client_id.get(client_id) if client_id else None)

    def source(self, number: str) -> Known | None:
        """Returns the plan order or the exit of this number."""
        return self._by_id.get(f"{Kind.PLAN}{number}") or self._by_id.get(f"{Kind.EXIT}{number}")

    def learn(self, kind: Kind, order: Order) -> Known:
        """Returns the order of which the venue tells, `venue_order_id` being its number there.

        One met for the first time has traded what it has.
        """
        number = order.venue_order_id
        known = self._by_id.get(f"{kind}{number}")
        if known is None:
            named = self._by_client_id.get(order.client_order_id) if order.client_order_id else None
            if named is not None and not named.number and named.kind is kind:
                known = named
            else:
                known = self._add(Known(order.instrument, order.client_order_id, kind))
                known.baseline = order.filled_quantity
            self.numbered(known, number)
        return known

    def adopt(self, instrument: InstrumentId, client_id: str, order_id: str) -> Known:
        """Begins with an order of which nothing is known but its name, `order_id` being the port's."""
        kind, number = split_id(order_id)
        known = self._add(Known(instrument, client_id, kind))
        self.numbered(known, number)
        return known

    def numbered(self, known: Known, number: str) -> None:
        """Notes the number that an order has at the venue."""
        known.number = number
        self._by_id[known.order_id] = known

    def link(self, known: Known, child: str) -> bool:
        """Notes the order that a plan order or an exit has placed; False where that stands for itself here."""
        other = self._by_id.setdefault(child, known)
        if other is known:
            known.child = child
        return other is known

    def name(self, known: Known, client_id: str) -> None:
        """Notes our own id of an order that was met without one: the desk has kept it."""
        if client_id and not known.client_id:
            known.client_id = client_id
            self._by_client_id[client_id] = known
            if known.last is not None:
                known.last = msgspec.structs.replace(known.last, client_order_id=client_id)

    def claim(self, wish: Known, number: str) -> Known:
        """Notes that an entry of the venue is what became of a wish; returns what is known of it.

        One that was claimed by its look before its answer came was another's, where the numbers differ.
        """
        if wish.number and self._by_id.get(wish.order_id) is wish:
            del self._by_id[wish.order_id]
            wish.last, wish.child = None, ""
        other = self._by_id.get(f"{wish.kind}{number}")
        if other is not None and other is not wish:  # told of before: it goes on under both names
            other.asked, other.leverage, other.sent_after = wish.asked, wish.leverage, wish.sent_after
            wish.number = number
            self.name(other, wish.client_id)
            return other
        self.numbered(wish, number)
        return wish

    def unanswered(self, kind: Kind) -> list[Known]:
        """Returns what may have left from here, and of which nobody has told the number."""
        return [
            each
            for each in self._orders.open()
            if each.kind is kind and not each.number and each.asked is not None
        ]

    def lost(self, kind: Kind) -> list[Known]:
        """Returns those of them of which it is known when they left: what was made before is another's."""
        return [each for each in self.unanswered(kind) if each.sent_after]

    def news(self) -> list[Order]:
        """Returns the orders that are not as they last went out, each once.

        Whoever learns of an order, by a command, a read or a push, may leave it to others to tell of it.
        """
        found: list[Order] = []
        for known in list(self._by_id.values()):
            if known.last is not None and known.last is not known.shown:
                known.shown = known.last
                found.append(known.last)
        return found

    def open_orders(self) -> Iterator[Known]:
        """Yields the orders that are not known to be over, each once."""
        for known in self._orders.open():
            if not known.number or self._by_id.get(known.order_id) is known:
                yield known

    def _add(self, known: Known) -> Known:
        if known.client_id:
            self._by_client_id[known.client_id] = known
        return self._orders.add(known)

    def _forget(self, known: Known) -> None:
        for name in (known.order_id, known.child):
            if self._by_id.get(name) is known:
                del self._by_id[name]
        if self._by_client_id.get(known.client_id) is known:
            del self._by_client_id[known.client_id]
