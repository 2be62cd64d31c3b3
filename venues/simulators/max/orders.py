"""The demo user's orders as MAX has them: one id from acceptance to the end, stop orders among them.

An order is accepted first and entered into the book a little later. Until then no read knows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec

from venues.errors import OrderError
from venues.model import NANOSECONDS, OrderStatus, OrderType, Side, TimeInForce
from venues.simulators.core import LocalExchange
from venues.simulators.orders import LocalOrder, LocalStop, OrderWish, StopStatus

WAIT, DONE, CANCEL, CONVERT = "wait", "done", "cancel", "convert"
FAILED, FINALIZING = "failed", "finalizing"  # by WebSocket only
KINDS = ("limit", "market", "stop_limit", "stop_market", "post_only", "ioc_limit")
_UNIQUE_FOR = 24 * 3600 * NANOSECONDS  # a client_oid
_KEPT = 1_000  # orders that never came into the book


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands, in the venue's terms. `count` is the number of its trades."""

    id: int
    account: int
    symbol: str
    client_id: str
    group_id: int | None
    side: Side
    state: str
    kind: str
    price: Decimal | None
    stop_price: Decimal | None
    quantity: Decimal
    filled: Decimal = Decimal(0)
    average: Decimal = Decimal(0)
    count: int = 0
    ts_created: int
    ts_event: int

    @property
    def left(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        return self.state in (WAIT, CONVERT)


class Orders:
    """All orders by their id. `told` is called with each one that ends without ever being in the book."""

    def __init__(self, market: LocalExchange, is_unseen: Callable[[int], bool]) -> None:
        self._market = market
        self._is_unseen = is_unseen
        self._accepted: dict[int, Shown] = {}
        self._hidden: dict[int, Shown] = {}  # on their way too, and nobody was told
        self._failed: dict[int, Shown] = {}
        self._names: dict[str, tuple[int, int]] = {}  # client_oid -> (when, order)
        self._counts: Counter[int] = Counter()
        self._created: dict[int, int] = {}  # when those were accepted that came into the book later
        self.told: Callable[[Shown], None] = lambda _: None

    # What happens to orders.

    def is_taken(self, client_oid: str) -> bool:
        """Says whether a client_oid was used within the last 24 h."""
        used = self._names.get(client_oid)
        return used is not None and self._market.now - used[0] < _UNIQUE_FOR

    def accept(self, wish: OrderWish, trigger: Decimal | None, *, is_hidden: bool = False) -> Shown:
        """Gives an order its id; it is not in the book yet. A hidden one can not be cancelled until it is."""
        number, now = self._market.take_number(), self._market.now
        shown = Shown(
            id=number, account=wish.account, symbol=wish.symbol, client_id=wish.client_id,
            group_id=_group_of(wish.source), side=wish.side, state=WAIT, kind=_kind_of(wish, trigger),
            price=wish.price, stop_price=trigger, quantity=wish.quantity, ts_created=now, ts_event=now,
        )  # fmt: skip
        (self._hidden if is_hidden else self._accepted)[number] = shown
        self._note_name(wish.client_id, number, now)
        return shown

    def book(self, number: int, wish: OrderWish, trigger: Decimal | None) -> None:
        """Enters an order that was accepted; one that is refused now ends."""
        shown = (self._accepted if number in self._accepted else self._hidden).pop(number)
        self._created[number] = shown.ts_created
        try:
            if trigger is None:
                self._market.place(wish, number=number)
            else:
                self._market.place_stop(wish, trigger, number=number)
        except OrderError as error:
            state = {"POST_ONLY": CANCEL, "NO_LIQUIDITY": DONE}.get(error.code or "", FAILED)
            ended = msgspec.structs.replace(shown, state=state, ts_event=self._market.now)
            if len(self._failed) >= _KEPT:
                del self._failed[next(iter(self._failed))]
            self._failed[number] = ended
            self.told(ended)

    def cancel(self, number: int) -> None:
        """Cancels what is still open then; what is not any more stays as it is."""
        if number in self._market.stops.waiting:
            self._market.cancel_stop(number)
        elif number in self._market.records.open:
            self._market.cancel(number)

    def note_put(self, order: LocalOrder | LocalStop) -> None:
        """Notes an order that is new in the book: those from elsewhere have client ids too."""
        if order.client_id not in self._names:
            self._note_name(order.client_id, order.id, order.ts_created)

    def note_fill(self, number: int) -> None:
        self._counts[number] += 1

    def _note_name(self, client_id: str, number: int, now: int) -> None:
        if client_id:
            self._names[client_id] = now, number

    # What is known of them.

    def find(self, number: int) -> Shown | None:
        """Returns an order, open or ended, or None where there is none (yet)."""
        order = self._market.records.find(number)
        if order is not None:
            return self._seen(self.show(order))
        stop = self._market.stops.waiting.get(number) or self._market.stops.ended.get(number)
        if stop is not None:
            return self._seen(self.show_stop(stop))
        return self._failed.get(number)

    def named(self, client_oid: str) -> Shown | None:
        """Returns the newest order with this client_oid."""
        used = self._names.get(client_oid)
        return None if used is None else self.find(used[1])

    def number_of(self, client_oid: str) -> int:
        """Returns the id of the newest order with this client_oid, accepted or in the book, or 0."""
        return self._names.get(client_oid, (0, 0))[1]

    def cancellable(self, number: int) -> Shown | None:
        """Returns an order that a cancel may be accepted for: an open one, or one on its way into the book."""
        found = self._accepted.get(number) or self.find(number)
        return found if found is not None and found.is_open else None

    def open(self, account: int, symbol: str = "") -> list[Shown]:
        """Returns open orders and waiting stops, the oldest first."""
        market = self._market
        found = [self.show(one) for one in market.open_orders(accounts=(account,), symbol=symbol)]
        found += [self.show_stop(one) for one in market.waiting_stops(accounts=(account,), symbol=symbol)]
        return sorted((one for one in found if self._seen(one)), key=lambda one: one.id)

    def ended(self, account: int, symbol: str = "") -> list[Shown]:
        """Returns orders that are done or cancelled, the oldest first."""
        market = self._market
        found = [self.show(one) for one in market.finished_orders(accounts=(account,), symbol=symbol)]
        found += [
            self.show_stop(one)
            for one in market.finished_stops(accounts=(account,), symbol=symbol)
            if one.status is not StopStatus.TRIGGERED
        ]
        found += [one for one in self._failed.values() if one.account == account and symbol in ("", one.symbol)]
        return sorted((one for one in found if self._seen(one)), key=lambda one: one.id)

    def accepted(self, account: int) -> Iterator[Shown]:
        """Yields those on their way into the book."""
        return (one for one in self._accepted.values() if one.account == account)

    def show(self, order: LocalOrder) -> Shown:
        """Returns an order that is or was in the book."""
        stop = self._market.stops.ended.get(order.id) if order.stop_id else None
        trigger = stop.trigger_price if stop is not None else None
        return Shown(
            id=order.id, account=order.account, symbol=order.instrument.symbol, client_id=order.client_id,
            group_id=_group_of(order.source), side=order.side, state=_state_of(order),
            kind=_kind_of(order, trigger), price=order.price, stop_price=trigger, quantity=order.quantity,
            filled=order.filled, average=order.average_price, count=self._counts[order.id],
            ts_created=self._created.get(order.id, order.ts_created), ts_event=order.ts_event,
        )  # fmt: skip

    def show_stop(self, stop: LocalStop) -> Shown:
        """Returns a stop order that has not become an order of the book."""
        wish = stop.wish
        state = {StopStatus.WAITING: WAIT, StopStatus.FAILED: FAILED}.get(stop.status, CANCEL)
        return Shown(
            id=stop.id, account=stop.account, symbol=wish.symbol, client_id=stop.client_id,
            group_id=_group_of(wish.source), side=stop.side, state=state,
            kind=_kind_of(wish, stop.trigger_price), price=wish.price, stop_price=stop.trigger_price,
            quantity=wish.quantity, ts_created=self._created.get(stop.id, stop.ts_created),
            ts_event=stop.ts_event,
        )  # fmt: skip

    def _seen(self, shown: Shown) -> Shown | None:
        return None if self._is_unseen(shown.ts_created) else shown


def _state_of(order: LocalOrder) -> str:
    """Returns done for what was filled, and for a market order that found nothing at all."""
    if order.is_open:
        return CONVERT if order.stop_id else WAIT
    if order.status is OrderStatus.FILLED or (order.type is OrderType.MARKET and not order.filled):
        return DONE
    return CANCEL


def _kind_of(order: OrderWish | LocalOrder, trigger: Decimal | None) -> str:
    if order.type is OrderType.MARKET:
        return "market" if trigger is None else "stop_market"
    if trigger is not None:
        return "stop_limit"
    if order.post_only:
        return "post_only"
    return "ioc_limit" if order.time_in_force is TimeInForce.IOC else "limit"


def _group_of(source: str) -> int | None:
    """The group stands in the order's source; orders from elsewhere have a word there."""
    return int(source) if source.isdecimal() else None
