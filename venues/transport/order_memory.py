"""What is remembered of orders, since what venues tell of them leaves out what a desk needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from venues.commands import OrderRequest
from venues.model import ZERO, InstrumentId, Order, OrderStatus

_MOST = 5_000


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
