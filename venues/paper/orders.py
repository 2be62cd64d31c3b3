"""A trader's orders on the paper exchange, open and closed."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from venues.model import Fill, Order, OrderStatus, OrderType, Side, TimeInForce
from venues.paper.account import Account
from venues.paper.margin import Hold
from venues.paper.market import Market
from venues.paper.matching import RestingOrder

_CLOSED_KEPT = 5_000  # closed orders and fills of one owner that can still be looked up: about 5 MB
_RISING = frozenset(
    {
        (OrderType.STOP, 1),
        (OrderType.STOP_LIMIT, 1),
        (OrderType.TAKE_PROFIT, -1),
        (OrderType.TAKE_PROFIT_LIMIT, -1),
    }
)


class PaperOrder:
    """An order of a trader, in ticks and lots. `resting` is its place in the book while it has one."""

    __slots__ = (
        "client_order_id",
        "exits",
        "filled",
        "is_external",
        "is_triggered",
        "lots",
        "market",
        "number",
        "owner",
        "post_only",
        "reason",
        "reduce_only",
        "resting",
        "sibling",
        "side",
        "sign",
        "status",
        "stop_loss",
        "take_profit",
        "ticks",
        "time_in_force",
        "trigger",
        "ts_created",
        "ts_event",
        "type",
        "value",
    )

    def __init__(
        self,
        number: int,
        owner: str,
        market: Market,
        client_order_id: str,
        side: Side,
        kind: OrderType,
        lots: int,
        now: int,
        *,
        ticks: int | None = None,
        trigger: Decimal | None = None,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        is_external: bool = False,
    ) -> None:
        self.number = number
        self.owner = owner
        self.market = market
        self.client_order_id = client_order_id
        self.side = side
        self.sign = side.sign
        self.type = kind
        self.lots = lots
        self.ticks = ticks
        self.trigger = trigger
        self.time_in_force = time_in_force
        self.post_only = post_only
        self.reduce_only = reduce_only
        self.is_external = is_external
        self.is_triggered = False
        self.status = OrderStatus.NEW
        self.filled = 0
        self.value = 0  # the sum of ticks times lots filled
        self.reason = ""
        self.ts_created = self.ts_event = now
        self.resting: RestingOrder | None = None
        self.take_profit: Decimal | None = None
        self.stop_loss: Decimal | None = None
        self.exits: list[PaperOrder] = []  # made for this order's fills
        self.sibling: PaperOrder | None = None  # the other exit of the same entry

    @property
    def remaining(self) -> int:
        return self.lots - self.filled

    @property
    def is_open(self) -> bool:
        return not self.status.is_terminal

    @property
    def is_waiting(self) -> bool:
        """Says whether its trigger has not been reached yet."""
        return self.trigger is not None and not self.is_triggered

    @property
    def hold(self) -> Hold | None:
        if self.resting is None or self.ticks is None:
            return None
        return self.hold_at(self.ticks, self.remaining)

    def hold_at(self, ticks: int, lots: int) -> Hold:
        engine = self.market.engine
        return Hold(self.side, engine.price(ticks), engine.quantity(lots), self.reduce_only)

    def is_reached(self, low: Decimal, high: Decimal) -> bool:
        """Says whether prices from `low` to `high` reach the trigger."""
        return self.would_trigger(self.trigger, low, high)

    def would_trigger(self, trigger: Decimal | None, low: Decimal, high: Decimal) -> bool:
        if trigger is None:
            return False
        return high >= trigger if (self.type, self.sign) in _RISING else low <= trigger

    def to_order(self) -> Order:
        engine = self.market.engine
        average = None
        if self.filled:
            digits = engine.instrument.price_decimals + 4
            average = round(self.value * engine.tick_size / self.filled, digits)
        return Order(
            instrument=engine.instrument.id,
            client_order_id=self.client_order_id,
            venue_order_id=str(self.number),
            side=self.side,
            type=self.type,
            quantity=engine.quantity(self.lots),
            price=None if self.ticks is None else engine.price(self.ticks),
            trigger_price=self.trigger,
            time_in_force=self.time_in_force,
            post_only=self.post_only,
            reduce_only=self.reduce_only,
            is_triggered=self.is_triggered,
            status=self.status,
            filled_quantity=engine.quantity(self.filled),
            average_price=average,
            ts_created=self.ts_created,
            ts_event=self.ts_event,
            reason=self.reason,
            is_external=self.is_external,
        )


class Trader:
    """One owner: the account, the open orders in the order they came, closed ones and fills."""

    __slots__ = ("account", "by_client", "closed", "closed_numbers", "fills", "open", "owner")

    def __init__(self, account: Account) -> None:
        self.owner = account.owner
        self.account = account
        self.open: dict[int, PaperOrder] = {}
        self.by_client: dict[str, PaperOrder] = {}
        self.closed: dict[str, Order] = {}
        self.closed_numbers: dict[str, str] = {}
        self.fills: deque[Fill] = deque(maxlen=_CLOSED_KEPT)

    def add(self, order: PaperOrder) -> None:
        self.open[order.number] = order
        self.by_client[order.client_order_id] = order

    def close(self, order: PaperOrder) -> None:
        """Moves an order that has ended to the closed ones; the oldest of those is forgotten at last."""
        self.open.pop(order.number, None)
        self.by_client.pop(order.client_order_id, None)
        self.keep(order.to_order())

    def keep(self, order: Order) -> None:
        if len(self.closed) >= _CLOSED_KEPT and order.client_order_id not in self.closed:
            oldest = self.closed.pop(next(iter(self.closed)))
            self.closed_numbers.pop(oldest.venue_order_id, None)
        self.closed[order.client_order_id] = order
        self.closed_numbers[order.venue_order_id] = order.client_order_id

    def knows(self, client_order_id: str) -> bool:
        return client_order_id in self.by_client or client_order_id in self.closed

    def open_order(self, client_order_id: str, venue_order_id: str) -> PaperOrder | None:
        if client_order_id:
            return self.by_client.get(client_order_id)
        return self.open.get(int(venue_order_id)) if venue_order_id.isdecimal() else None

    def find(self, client_order_id: str, venue_order_id: str) -> Order | None:
        """Returns an order, open or closed."""
        found = self.open_order(client_order_id, venue_order_id)
        if found is not None:
            return found.to_order()
        return self.closed.get(client_order_id or self.closed_numbers.get(venue_order_id, ""))

    def of(self, market: Market) -> list[PaperOrder]:
        return [order for order in self.open.values() if order.market is market]

    def holds(self, market: Market, without: frozenset[int] = frozenset()) -> list[Hold]:
        """Returns what rests in one market, for the account; the orders numbered in `without` are left out."""
        found = (order.hold for order in self.of(market) if order.number not in without)
        return [hold for hold in found if hold is not None]
