"""What is remembered of orders, since what venues tell of them leaves out what a desk needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

import msgspec

from venues.commands import OrderRequest
from venues.model import ZERO, InstrumentId, Order, OrderStatus

_MOST = 5_000
_OVER = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED})


class Remembered(Protocol):
    """What an adapter knows of an order. `last` is the order as it was told last, None before that."""

    last: Order | None


class KnownOrder:
    """What adapters whose venues do not number what they tell know of one order."""

    __slots__ = ("asked", "baseline", "claimed", "client_id", "instrument", "is_cancelling", "last", "told")

    def __init__(self, instrument: InstrumentId, client_id: str) -> None:
        self.instrument = instrument
        self.client_id = client_id
        self.asked: OrderRequest | None = None  # how it was placed here
        self.last: Order | None = None  # as it was last told
        self.is_cancelling = False  # the venue has accepted its cancel
        self.claimed = ZERO  # the most that the venue said has traded
        self.told = ZERO  # what went out as executions
        self.baseline = ZERO  # what had traded before we first saw it: nobody here waits for it

    @property
    def is_short(self) -> bool:
        """Whether the venue says that more has traded than the executions add up to."""
        return self.claimed > self.told + self.baseline

    def forgive(self) -> None:
        """Waits no longer for executions that the venue does not list.

        What has traded is known from the order itself: price and fee are not.
        """
        self.baseline = self.claimed - self.told


class ToldOrder(KnownOrder):
    """One order of a venue whose answers do not tell all that was asked for, and whose reads may be late.

    `number` is the venue's, empty while it has not told it.
    """

    __slots__ = ("is_on_its_way", "number", "sent_after", "shown")

    def __init__(self, instrument: InstrumentId, client_id: str) -> None:
        super().__init__(instrument, client_id)
        self.number = ""
        self.sent_after = 0  # the venue's clock just before it left, nanoseconds UTC; 0 where nobody knows
        self.is_on_its_way = False  # it may have left, and its answer is waited for
        self.shown: Order | None = None  # as it last went out as an event

    @property
    def order_id(self) -> str:
        """The port's id of it; empty while the venue has not told its number."""
        return self.number

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


K = TypeVar("K", bound=Remembered)


class NewestOrders(Generic[K]):
    """The newest orders, `most` of them; of those that may be forgotten, the ones that are over go first.

    `forgotten` hears of each that is remembered no longer, for the indexes that lead to it.
    """

    def __init__(self, forgotten: Callable[[K], None], most: int = _MOST) -> None:
        self._forgotten = forgotten
        self._most = most
        self._orders: dict[int, K] = {}  # by identity, the oldest first

    def __len__(self) -> int:
        return len(self._orders)

    def add(self, known: K) -> K:
        """Remembers an order, and returns it."""
        self._orders[id(known)] = known
        if len(self._orders) > self._most:
            oldest = self._oldest()
            del self._orders[id(oldest)]
            self._forgotten(oldest)
        return known

    def open(self) -> Iterator[K]:
        """Yields the orders that are not known to be over."""
        for known in list(self._orders.values()):
            if known.last is None or known.last.is_open:
                yield known

    def _oldest(self) -> K:
        over = (known for known in self._orders.values() if known.last is not None and not known.last.is_open)
        return next(over, None) or next(iter(self._orders.values()))


T = TypeVar("T", bound=ToldOrder)


class ToldOrders(Generic[T]):
    """The orders that are remembered, by each name that they have; to inherit.

    `make` makes one of a client id, `also_named` returns the names that lead to it besides its port's id.
    """

    def __init__(
        self,
        make: Callable[[InstrumentId, str], T],
        also_named: Callable[[T], Iterable[str]] = lambda _: (),
    ) -> None:
        self._make = make
        self._also_named = also_named
        self._orders: NewestOrders[T] = NewestOrders(self._forget)
        self._by_id: dict[str, T] = {}
        self._by_client_id: dict[str, T] = {}
        self.forgotten = 0  # how many are remembered no longer

    def find(self, client_id: str, order_id: str) -> T | None:
        """Returns an order by the port's id, by another name of it, or by our own id."""
        found = self._by_id.get(order_id) if order_id else None
        return found or (self._by_client_id.get(client_id) if client_id else None)

    def numbered(self, known: T, number: str) -> None:
        """Notes the number that an order has at the venue."""
        known.number = number
        self._by_id[known.order_id] = known

    def name(self, known: T, client_id: str) -> None:
        """Notes our own id of an order that was met without one: the desk has kept it."""
        if client_id and not known.client_id:
            known.client_id = client_id
            self._by_client_id[client_id] = known
            if known.last is not None:
                known.last = msgspec.structs.replace(known.last, client_order_id=client_id)

    def news(self) -> list[Order]:
        """Returns the orders that are not as they last went out, each once.

        Whoever learns of an order, by a command, a read or a push, may leave it to others to tell of it.
        """
        return self._news(lambda _: True)

    def open_orders(self) -> Iterator[T]:
        """Yields the orders that are not known to be over, each once."""
        for known in self._orders.open():
            if not known.number or self._by_id.get(known.order_id) is known:
                yield known

    async def compare(self, listing: Awaitable[Iterable[Order]]) -> tuple[list[T], list[T]]:
        """Waits for a list of all that rests; returns the orders that it has, and those that rest no more.

        One that was told of meanwhile may be older than that: it is none of these. Raises what `listing` raises.
        """
        before = [(known, known.last) for known in self.open_orders()]
        found = [self.find(order.client_order_id, order.venue_order_id) for order in await listing]
        there = {id(known): known for known in found if known is not None}
        gone = [
            known
            for known, last in before
            if last is not None and known.last is last and known.order_id and id(known) not in there
        ]
        return list(there.values()), gone

    def _news(self, is_ready: Callable[[T], bool]) -> list[Order]:
        """Returns what is new of those orders that can be told of."""
        found: list[Order] = []
        for known in list(self._by_id.values()):
            if known.last is not None and known.last is not known.shown and is_ready(known):
                known.shown = known.last
                found.append(known.last)
        return found

    def _begun(self, request: OrderRequest) -> T:
        """Returns the order that is about to be placed here."""
        known = self._by_client_id.get(request.client_order_id)
        if known is None:
            known = self._add(self._make(request.instrument, request.client_order_id))
        known.asked = request
        known.is_on_its_way = True
        return known

    def _add(self, known: T) -> T:
        if known.client_id:
            self._by_client_id[known.client_id] = known
        return self._orders.add(known)

    def _forget(self, known: T) -> None:
        self.forgotten += 1
        for name in (known.order_id, *self._also_named(known)):
            if self._by_id.get(name) is known:
                del self._by_id[name]
        if self._by_client_id.get(known.client_id) is known:
            del self._by_client_id[known.client_id]


def order_as_asked(
    asked: OrderRequest, status: OrderStatus, ts: int, *, venue_order_id: str = "", reason: str = ""
) -> Order:
    """Returns the order that a request is where the venue shows none; `ts` is in nanoseconds UTC."""
    return Order(
        instrument=asked.instrument,
        client_order_id=asked.client_order_id,
        venue_order_id=venue_order_id,
        side=asked.side,
        type=asked.type,
        quantity=asked.quantity,
        status=status,
        price=asked.price,
        trigger_price=asked.trigger_price,
        time_in_force=asked.time_in_force,
        post_only=asked.post_only,
        in_margin_wallet=asked.in_margin_wallet,
        ts_created=ts,
        ts_event=ts,
        reason=reason,
    )
