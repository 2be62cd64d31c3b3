"""What is remembered of each order: Pumpkin's answers have neither leverage, position nor a moment of change.

A plan order and the order that it places are one order here, and so are an exit and its order: they keep the name
that they had while they waited. Ids are of the venue's one sequence, so that a child's number is no other's.
"""

from __future__ import annotations

from enum import StrEnum

from venues.commands import OrderRequest
from venues.model import InstrumentId, Order
from venues.transport.order_memory import ToldOrder, ToldOrders


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


class Known(ToldOrder):
    """One order; `child` is what a triggered one has placed."""

    __slots__ = ("child", "kind", "leverage", "looks")

    def __init__(self, instrument: InstrumentId, client_id: str, kind: Kind = Kind.ORDER) -> None:
        super().__init__(instrument, client_id)
        self.kind = kind
        self.child = ""
        self.leverage: int | None = None  # with which it was placed here
        self.looks = 0  # how often a lost one was looked for because something that waits looks like it

    @property
    def order_id(self) -> str:
        """The port's id of it; empty while the venue has not told its number."""
        return f"{self.kind}{self.number}" if self.number else ""


class OrderMemory(ToldOrders[Known]):
    """The orders that are remembered, by each name that they have: the number of a child, too."""

    def __init__(self) -> None:
        super().__init__(Known, lambda known: (known.child,))

    def submitted(self, request: OrderRequest, kind: Kind, leverage: int | None) -> Known:
        """Begins with an order that is about to be placed here."""
        known = self._begun(request)
        known.kind = kind
        known.leverage = leverage
        return known

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

    def link(self, known: Known, child: str) -> bool:
        """Notes the order that a plan order or an exit has placed; False where that stands for itself here."""
        other = self._by_id.setdefault(child, known)
        if other is known:
            known.child = child
        return other is known

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
