"""What is remembered of each order, since what the venue tells of it leaves out what a desk needs.

A client id is no name here, for orders may share one, and a stop order has an id of its own beside that of the
order which it becomes. An order that takes another id, by a trigger or by an amendment, stays the same one.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from venues.coinex.parse_fills import Fees
from venues.commands import AmendRequest, OrderRequest
from venues.model import ZERO, InstrumentId, Order, OrderStatus, OrderType
from venues.transport.order_memory import NewestOrders, order_as_asked

_OVER = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED})


class Known:
    """One order. `order_id` and `stop_id` are empty while the venue has not told them."""

    __slots__ = (
        "account_id", "asked", "baseline", "claimed", "client_id", "fees", "former", "held", "instrument",
        "is_amending", "last", "may_be_reissued", "order_id", "stock", "stop_id", "told",
    )  # fmt: skip

    def __init__(self, instrument: InstrumentId, client_id: str, account_id: int = 0) -> None:
        self.instrument = instrument
        self.client_id = client_id
        self.account_id = account_id
        self.order_id = ""
        self.stop_id = ""
        self.former: set[str] = set()  # ids that it had before it was amended
        self.asked: OrderRequest | None = None  # how it was placed here, amendments included
        self.last: Order | None = None  # as it was last told, but for its execution
        self.is_amending = False
        self.may_be_reissued = False  # an amendment of it was sent, and nobody has said what became of it
        self.held: Order | None = None  # its end, told while it was being amended
        self.claimed = ZERO  # the most that the venue said has traded
        # How much has traded and what was paid for it, as the stream told it last: each update adds to that.
        self.stock = ZERO
        self.fees = Fees()
        self.told = ZERO  # what went out as executions
        self.baseline = ZERO  # what had traded before we first saw it: nobody here waits for it

    @property
    def is_stop(self) -> bool:
        """Whether it waits for its trigger, as far as is known."""
        if self.order_id:
            return False
        return bool(self.stop_id) or (self.asked is not None and self.asked.type.has_trigger)

    @property
    def is_short(self) -> bool:
        """Whether the venue says that more has traded than the executions add up to."""
        return self.claimed > self.told + self.baseline

    @property
    def counts_base(self) -> bool:
        """Whether a market buy counts in base units: ours do."""
        return self.asked is not None

    def begin_at(self, stock: Decimal, fees: Fees) -> None:
        """Notes what an order that was never heard of had traded before."""
        self.baseline = self.stock = self.claimed = stock
        self.fees = fees

    def amended(self, change: AmendRequest) -> None:
        """Notes what the venue has agreed to change."""
        changes = {
            name: value
            for name in ("price", "quantity", "trigger_price")
            if (value := getattr(change, name)) is not None
        }
        if self.asked is not None:
            allowed = {
                "price": self.asked.type.has_price,
                "quantity": True,
                "trigger_price": self.asked.type.has_trigger,
            }
            self.asked = msgspec.structs.replace(
                self.asked, **{name: value for name, value in changes.items() if allowed[name]}
            )
        if self.last is not None:
            self.last = msgspec.structs.replace(self.last, **changes)

    def complete(self, order: Order, ts: int = 0) -> Order:
        """Returns `order` with all that the venue left out; `ts` is when it was true at the earliest."""
        asked, before = self.asked, self.last
        changes: dict[str, object] = {
            "client_order_id": self.client_id,
            "ts_event": max(order.ts_event, ts),
        }
        kind: OrderType | None = asked.type if asked is not None else None
        if kind is None and before is not None and before.type.has_trigger:
            kind = before.type  # a stop that was placed elsewhere
        if kind is not None:
            changes["type"] = kind
            if kind.has_trigger:
                told = before.trigger_price if before is not None else None
                told = told or (asked.trigger_price if asked is not None else None)
                changes["trigger_price"] = order.trigger_price or told
                changes["is_triggered"] = order.is_triggered or bool(self.order_id)
        if asked is not None:
            changes["time_in_force"] = asked.time_in_force
            changes["post_only"] = asked.post_only
            if not asked.type.has_price:  # what it was to be counts in base units, whatever the venue counts in
                changes["quantity"] = max(asked.quantity, order.filled_quantity)
                if order.status is OrderStatus.FILLED and order.filled_quantity < asked.quantity:
                    changes["status"] = OrderStatus.CANCELED  # the book was empty before it was filled
        whole = msgspec.structs.replace(order, **changes)
        # What is late does not bring back what is over; that a venue has refused an order, it can.
        if self.last is None or self.last.status not in _OVER or whole.status in _OVER:
            self.last = whole
        return whole

    def as_asked(self, status: OrderStatus, ts: int) -> Order | None:
        """Returns the order where the venue shows none, from what is known of it; None where that is nothing."""
        if self.last is not None:
            return msgspec.structs.replace(
                self.last,
                status=status,
                venue_order_id=self.order_id or self.stop_id,
                ts_event=max(ts, self.last.ts_event),
            )
        if self.asked is None:
            return None
        venue_order_id = self.order_id or self.stop_id
        return order_as_asked(self.asked, status, ts, venue_order_id=venue_order_id)


class OrderMemory:
    """The orders that are remembered, by each name that they have or had."""

    def __init__(self) -> None:
        self._orders: NewestOrders[Known] = NewestOrders(self._forget)
        self._by_order_id: dict[str, Known] = {}
        self._by_stop_id: dict[str, Known] = {}
        self._by_client_id: dict[str, Known] = {}

    def submitted(self, request: OrderRequest) -> Known:
        """Begins with an order that is about to be placed here."""
        known = self._by_client_id.get(request.client_order_id)
        if known is None:
            known = self._add(Known(request.instrument, request.client_order_id))
        known.asked = request
        return known

    def by_client_id(self, client_id: str) -> Known | None:
        return self._by_client_id.get(client_id) if client_id else None

    def by_id(self, venue_id: str) -> Known | None:
        """Returns the order that has or had this id, as an order or as a stop."""
        if not venue_id:
            return None
        return self._by_order_id.get(venue_id) or self._by_stop_id.get(venue_id)

    def find(self, client_id: str, venue_id: str) -> Known | None:
        return self.by_id(venue_id) or self.by_client_id(client_id)

    def learn(
        self,
        instrument: InstrumentId,
        venue_id: str,
        client_id: str,
        *,
        is_stop: bool = False,
        account_id: int = 0,
        stop_id: str = "",
    ) -> tuple[Known, bool]:
        """Returns the order of which the venue tells, and whether nobody has told of it before.

        An order whose client id belongs to another one is known by its own id alone.
        """
        ids = self._by_stop_id if is_stop else self._by_order_id
        known = ids.get(venue_id)
        if known is not None:
            self.name(known, client_id)
            return known, False
        known = (self._by_stop_id.get(stop_id) if stop_id else None) or self.by_client_id(client_id)
        is_new = known is None or not self._takes(known, is_stop=is_stop)
        if known is None:
            known = self._add(Known(instrument, client_id, account_id))
        elif is_new:
            known = self._add(Known(instrument, "", account_id))
        ids[venue_id] = known
        self.name(known, client_id)
        if is_stop:
            known.stop_id = venue_id
        else:
            self._take_id(known, venue_id)
        return known, is_new

    def name(self, known: Known, client_id: str) -> None:
        """Gives an order the client id that the venue left out so far, unless another one bears it."""
        if client_id and not known.client_id and client_id not in self._by_client_id:
            known.client_id = client_id
            self._by_client_id[client_id] = known

    def reissued(self, known: Known, order_id: str) -> None:
        """Notes that an amendment has given the order another id."""
        self._by_order_id[order_id] = known
        self._take_id(known, order_id)

    def open_orders(self) -> Iterator[Known]:
        """Yields the orders that are not known to be over."""
        return self._orders.open()

    def _takes(self, known: Known, *, is_stop: bool) -> bool:
        """Whether an id that was never heard of can be the order's."""
        if is_stop:
            return not known.stop_id and not known.order_id
        return not known.order_id or known.is_amending or known.may_be_reissued

    def _take_id(self, known: Known, order_id: str) -> None:
        if known.order_id and known.order_id != order_id:
            known.former.add(known.order_id)
            known.held = None
            known.may_be_reissued = False
        known.order_id = order_id
        known.former.discard(order_id)

    def _add(self, known: Known) -> Known:
        if known.client_id:
            self._by_client_id[known.client_id] = known
        return self._orders.add(known)

    def _forget(self, known: Known) -> None:
        for ids, names in (
            (self._by_order_id, {known.order_id, *known.former}),
            (self._by_stop_id, {known.stop_id}),
            (self._by_client_id, {known.client_id}),
        ):
            for name in names:
                if ids.get(name) is known:
                    del ids[name]
