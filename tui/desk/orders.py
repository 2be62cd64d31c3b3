"""The order tracker: what is known of each order, from facts that may come late, twice or out of order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeAlias

import msgspec

from tui.desk.inert import sanitise
from tui.desk.journal import Command
from tui.desk.order_states import TRANSITIONS, OrderNews
from tui.desk.seen import SeenTrades
from venues.commands import AmendRequest, OrderRequest
from venues.model import ZERO, Fill, MarginMode, Order, OrderStatus

_KEPT_OVER = 2_000  # orders that are over, kept for late fills
_KEPT_ORPHANS = 500  # fills whose order nobody has told us about yet


class Tracked:
    """One order. `order` is replaced, never changed; the rest is the tracker's own."""

    __slots__ = (
        "claimed", "commands", "deadline", "fills", "in_flight", "is_changing", "is_concluded", "is_confirmed",
        "is_late_fill", "is_overfilled", "is_told_over", "key", "order", "request", "state", "ts_told", "ts_venue",
        "unknown_since", "venue_ids", "was_not_sent",
    )  # fmt: skip

    def __init__(self, key: str, order: Order) -> None:
        self.key = key
        self.order = order
        self.request: OrderRequest | None = None  # what it was placed with, where it was from this desk
        self.state = order.status  # where it stands, but for what its executions add up to
        self.venue_ids: tuple[str, ...] = ()  # all it ever had: an amendment, or its trigger, may give it another
        self.was_not_sent = False  # it never left: whoever held it back has said so
        self.claimed = ZERO  # the most that the venue said is filled
        self.fills: dict[str, Fill] = {}
        self.ts_venue = 0  # of the newest update of the venue
        self.ts_told = 0  # our clock, when the venue last told of it
        self.commands: list[Command] = []  # sent, and ended without the venue's answer
        # The venue's clock, after which nothing that we sent about it can arrive any more; None: nobody knows.
        self.deadline: int | None = 0
        self.is_confirmed = False  # the venue has told of it at least once
        # Its end is our conclusion, from a refusal, a proof or a person's word: the venue's word undoes it.
        self.is_concluded = False
        self.is_told_over = False  # its end is the venue's own word, so that no change can reach it any more
        self.in_flight = 0  # commands that were sent and not answered
        self.is_changing = False  # a change was among them since one of them is on its way
        self.unknown_since: int | None = None
        self.is_late_fill = False
        self.is_overfilled = False  # more executions than the order had quantity: the venue or we are wrong

    @property
    def status(self) -> OrderStatus:
        return self.order.status

    @property
    def margin_mode(self) -> MarginMode | None:
        """The margin mode that it was sent with; None where it named none, or was placed elsewhere."""
        return self.request.margin_mode if self.request is not None else None

    def keep_unanswered(self, command: Command) -> None:
        """Remembers a command that ended without the venue's answer; the same again is one."""
        if command not in self.commands:
            self.commands.append(command)

    @property
    def is_size_in_doubt(self) -> bool:
        """Whether a change may have raised the quantity, so that being full by the old one is no end."""
        return not self.is_told_over and (
            self.is_changing
            or any(isinstance(one, AmendRequest) and one.quantity is not None for one in self.commands)
        )

    @property
    def facts(self) -> tuple[object, ...]:
        """What an update can change without the order showing it."""
        return self.state, self.claimed, self.is_confirmed, self.is_concluded, self.is_told_over


class FillNews(NamedTuple):
    """What a fill meant: whether it was new, whose it is, and whether its order had been reported as over."""

    is_new: bool
    tracked: Tracked | None
    is_late: bool


OnChange: TypeAlias = Callable[[Tracked, OrderStatus | None], None]
"""Called after each change with the order and its status before; None for an order that is new to us."""


class OrderTracker:
    """All orders of all venues. `on_change` hears of every change; `clock` returns nanoseconds UTC.

    An order is named by its key: the client order id, or for one placed elsewhere without one the venue's id.
    """

    def __init__(self, clock: Callable[[], int], on_change: OnChange, seen: SeenTrades | None = None) -> None:
        self._clock = clock
        self._on_change = on_change
        self._orders: dict[str, Tracked] = {}
        self._open: dict[str, Tracked] = {}
        self._keys: dict[tuple[str, str], str] = {}  # (venue, venue order id) -> key
        self._seen = seen or SeenTrades()
        self._orphans: dict[tuple[str, str], list[Fill]] = {}

    def get(self, key: str) -> Tracked | None:
        return self._orders.get(key)

    def find(self, order: Order) -> Tracked | None:
        """Returns what is tracked of `order`, by either of its ids."""
        return self._find(order.instrument.venue, order.client_order_id, order.venue_order_id)

    def by_venue_id(self, venue: str, venue_order_id: str) -> Tracked | None:
        return self._orders.get(self._keys.get((venue, venue_order_id), ""))

    def open_orders(self, venue: str | None = None) -> Iterator[Tracked]:
        """Yields the orders that are not over, oldest first."""
        for tracked in list(self._open.values()):
            if venue is None or tracked.order.instrument.venue == venue:
                yield tracked

    def submitted(self, request: OrderRequest, ts: int) -> Tracked:
        """Begins to track an order of ours, before its first byte leaves."""
        order = Order(
            instrument=request.instrument,
            client_order_id=request.client_order_id,
            side=request.side,
            type=request.type,
            quantity=request.quantity,
            status=OrderStatus.PENDING_NEW,
            price=request.price,
            trigger_price=request.trigger_price,
            time_in_force=request.time_in_force,
            post_only=request.post_only,
            reduce_only=request.reduce_only,
            in_margin_wallet=request.in_margin_wallet,
            position_id=request.position_id or "",
            take_profit=request.take_profit,
            stop_loss=request.stop_loss,
            ts_created=ts,
            ts_event=ts,
        )
        tracked = Tracked(request.client_order_id, order)
        tracked.request = request
        tracked.in_flight = 1
        tracked.deadline = None
        self._keep(tracked)
        self._on_change(tracked, None)
        return tracked

    def departed(self, tracked: Tracked, deadline: int | None, *, is_new: bool = False) -> None:
        """Notes until when a command about the order can still arrive; `is_new` for the order itself."""
        if is_new:
            tracked.deadline = deadline
        elif deadline is None or tracked.deadline is None:
            tracked.deadline = None
        else:
            tracked.deadline = max(tracked.deadline, deadline)

    def restore(self, old: Tracked) -> None:
        """Goes on tracking an order that an earlier run of the desk left."""
        if self._find(old.order.instrument.venue, old.order.client_order_id, old.order.venue_order_id) is None:
            self._keep(old)
            if old.status.is_terminal:  # kept for fills that come late
                del self._open[old.key]
            self._on_change(old, old.status)

    def conclude(self, tracked: Tracked, status: OrderStatus, reason: str, *, is_proven: bool) -> None:
        """Ends an order by proof, or by a person's word, which does not stop what was sent from arriving."""
        news = OrderNews.REJECTED if status is OrderStatus.REJECTED else OrderNews.CANCELED
        if is_proven:
            tracked.commands.clear()
        tracked.is_concluded = True
        self._step(tracked, news, reason)

    def command_sent(self, tracked: Tracked, news: OrderNews) -> None:
        """Notes that a cancel or an amendment leaves."""
        tracked.in_flight += 1
        if news is OrderNews.REPLACE_SENT:
            tracked.is_changing = True
        self._step(tracked, news)

    def command_ended(self, tracked: Tracked, news: OrderNews | None, reason: str = "") -> None:
        """Notes how a command ended; None where the order that the venue answered with says it all.

        A command without an answer is among `tracked.commands` by then.
        """
        tracked.in_flight = max(0, tracked.in_flight - 1)
        if not tracked.in_flight:
            tracked.is_changing = False
        if news is OrderNews.COMMAND_REFUSED and tracked.in_flight and tracked.is_confirmed:
            return  # another change of it is still on its way
        if news is OrderNews.REJECTED and not tracked.state.is_terminal:
            if tracked.is_confirmed and tracked.state is not OrderStatus.PENDING_NEW:
                news = OrderNews.MISSING  # refused, and told of: whichever came first, the venue has to be asked
            else:
                tracked.is_concluded = True
        self._step(tracked, news, reason)

    def settled(self, tracked: Tracked, commands: Sequence[Command]) -> None:
        """Forgets commands whose fate is known, so that what is known of the order is no longer in doubt."""
        tracked.commands = [one for one in tracked.commands if one not in commands]
        self._step(tracked, None)

    def missing(self, tracked: Tracked) -> None:
        """Notes that the venue does not find the order, which proves nothing."""
        self._step(tracked, OrderNews.MISSING, "the venue does not find it")

    def apply(self, order: Order) -> Tracked | None:
        """Takes an update of the venue's stream. Returns the order where that told something new."""
        return self._take(order, is_truth=False)

    def confirm(self, order: Order) -> Tracked | None:
        """Takes an order as the venue described it when asked, which settles what was unknown."""
        return self._take(order, is_truth=True)

    def add_fill(self, fill: Fill) -> FillNews:
        """Takes an execution; the same (venue, trade id) again is no news."""
        venue = fill.instrument.venue
        tracked = self._find(venue, fill.client_order_id, fill.venue_order_id)
        if not self._seen.add(venue, fill.trade_id, fill.ts_event):
            return FillNews(False, tracked, False)
        if tracked is None:
            if len(self._orphans) >= _KEPT_ORPHANS:
                del self._orphans[next(iter(self._orphans))]
            name = fill.venue_order_id or fill.client_order_id
            waiting = self._orphans.setdefault((venue, name), [])
            if len(waiting) < _KEPT_ORPHANS:
                waiting.append(fill)
            return FillNews(True, None, False)
        return FillNews(True, tracked, self._add_fill(tracked, fill))

    def _take(self, order: Order, is_truth: bool) -> Tracked | None:
        venue = order.instrument.venue
        tracked = self._find(venue, order.client_order_id, order.venue_order_id)
        if tracked is None:
            return self._adopt(order)
        before, facts = tracked.order, tracked.facts
        is_news = order.ts_event > tracked.ts_venue or not tracked.is_confirmed
        self._learn_venue_id(tracked, order.venue_order_id)
        tracked.is_confirmed = True
        tracked.ts_told = self._clock()
        tracked.claimed = max(tracked.claimed, order.filled_quantity)
        if order.ts_event >= tracked.ts_venue:
            tracked.ts_venue = order.ts_event
            tracked.order = msgspec.structs.replace(
                order,
                client_order_id=order.client_order_id or before.client_order_id,
                venue_order_id=order.venue_order_id or before.venue_order_id,
                status=before.status,
                filled_quantity=before.filled_quantity,
                average_price=order.average_price or before.average_price,
                ts_created=before.ts_created or order.ts_created,
                reason=order.reason or before.reason,
                is_external=before.is_external,
                # None of these ever changes, and not every venue tells them.
                reduce_only=order.reduce_only or before.reduce_only,
                in_margin_wallet=order.in_margin_wallet or before.in_margin_wallet,
                position_id=order.position_id or before.position_id,
                take_profit=order.take_profit if order.take_profit is not None else before.take_profit,
                stop_loss=order.stop_loss if order.stop_loss is not None else before.stop_loss,
                is_liquidation=order.is_liquidation or before.is_liquidation,
            )
        elif order.status.is_terminal and order.reason:
            tracked.order = msgspec.structs.replace(before, reason=order.reason)
        self._take_orphans(tracked)
        self._after_news(tracked, order, is_truth, is_news)
        is_changed = self._compose(tracked, before)
        return tracked if is_changed or tracked.facts != facts else None

    def _after_news(self, tracked: Tracked, order: Order, is_truth: bool, is_news: bool) -> None:
        if order.status.is_terminal:
            tracked.is_told_over = True
        elif is_news:
            tracked.is_told_over = False
        if order.status is OrderStatus.FILLED:
            tracked.claimed = max(tracked.claimed, order.quantity)
        news = _NEWS_OF_STATUS.get(order.status)
        if news is OrderNews.ACKNOWLEDGED:
            if is_truth and tracked.in_flight == 0:
                news = OrderNews.RESTS
            elif not is_news and not is_truth:
                news = None  # what is old can not undo what is newer
        if news is None:
            return
        if tracked.is_concluded:
            # What a stream says of an order that was refused may be older than the refusal: the venue is asked.
            tracked.is_concluded = False
            tracked.state = OrderStatus.UNKNOWN
            if news is OrderNews.ACKNOWLEDGED:
                return
        tracked.state = TRANSITIONS[tracked.state, news]

    def _adopt(self, order: Order) -> Tracked | None:
        """Begins to track an order that was placed elsewhere, or by this desk before it was started."""
        key = sanitise(order.client_order_id or order.venue_order_id, 64)
        if not key:
            return None
        if key in self._orders:  # the same client order id on two venues, or two that only look the same
            key = f"{key}@{order.instrument.venue}"
        blank = msgspec.structs.replace(
            order, is_external=True, filled_quantity=ZERO, status=OrderStatus.PENDING_NEW
        )
        tracked = Tracked(key, blank)
        tracked.is_confirmed = True
        tracked.ts_told = self._clock()
        tracked.ts_venue = order.ts_event
        tracked.claimed = order.filled_quantity
        self._keep(tracked)
        self._take_orphans(tracked)
        self._after_news(tracked, order, is_truth=True, is_news=True)
        self._compose(tracked, None)
        return tracked

    def _add_fill(self, tracked: Tracked, fill: Fill) -> bool:
        before = tracked.order
        was_over = before.status.is_terminal and before.status is not OrderStatus.FILLED
        is_known = fill.trade_id in tracked.fills  # from the run before, and read again
        tracked.fills[fill.trade_id] = fill
        # A fill that the venue had already counted when it said that the order is over is not late.
        is_late = was_over and not is_known and _sum_of(tracked.fills) > tracked.claimed
        tracked.is_late_fill = tracked.is_late_fill or is_late
        if is_late and tracked.is_concluded:
            # We called it over, and it trades: the venue has to be asked what is left of it.
            tracked.is_concluded = False
            tracked.is_confirmed = True
            tracked.state = OrderStatus.UNKNOWN
        self._compose(tracked, before)
        tracked.is_confirmed = True
        return is_late

    def _step(self, tracked: Tracked, news: OrderNews | None, reason: str = "") -> None:
        before = tracked.order
        if reason:
            tracked.order = msgspec.structs.replace(before, reason=reason)
        if news is not None:
            tracked.state = TRANSITIONS[tracked.state, news]
        self._compose(tracked, before)

    def _compose(self, tracked: Tracked, before: Order | None) -> bool:
        """Derives cumulative quantity and status from all facts; says whether anything changed.

        Being FILLED is derived each time, and never part of the state: it holds for the quantity that is known,
        which a change may turn out to have raised.
        """
        order = tracked.order
        filled = _sum_of(tracked.fills)
        total = max(tracked.claimed, filled)
        is_full, is_in_doubt = total >= order.quantity, tracked.is_size_in_doubt
        # What trades beyond the quantity of before a change proves that it grew, and by how much at least.
        quantity = max(order.quantity, total) if is_in_doubt else order.quantity
        tracked.is_overfilled = total > quantity
        total = min(total, quantity)
        # A part fill proves that an order exists; it does not say whether our cancel reached it.
        if total > 0 and not (tracked.state is OrderStatus.UNKNOWN and tracked.is_confirmed):
            tracked.state = TRANSITIONS[tracked.state, OrderNews.PART_FILLED]
        elif tracked.state is OrderStatus.NEW and not tracked.is_confirmed:
            tracked.state = OrderStatus.PENDING_NEW
        status = tracked.state
        if is_full and not is_in_doubt:
            status = TRANSITIONS[status, OrderNews.ALL_FILLED]
        elif is_full and not tracked.in_flight and status in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED):
            status = OrderStatus.UNKNOWN  # it rests, or it is filled
        average = order.average_price
        if filled > 0 and filled >= total:
            average = sum((f.price * f.quantity for f in tracked.fills.values()), ZERO) / filled
        tracked.order = msgspec.structs.replace(
            order, status=status, quantity=quantity, filled_quantity=total, average_price=average
        )
        if status is not OrderStatus.UNKNOWN:
            tracked.unknown_since = None
        elif tracked.unknown_since is None:
            tracked.unknown_since = self._clock()
        if status.is_terminal:
            self._open.pop(tracked.key, None)
        else:
            self._open[tracked.key] = tracked
        if tracked.order == before:
            return False
        self._on_change(tracked, before.status if before is not None else None)
        return True

    def _keep(self, tracked: Tracked) -> None:
        self._orders[tracked.key] = tracked
        self._open[tracked.key] = tracked
        self._learn_venue_id(tracked, tracked.order.venue_order_id)
        for venue_order_id in tracked.venue_ids:  # of the run before: some venues tell of it by no other name
            self._keys[tracked.order.instrument.venue, venue_order_id] = tracked.key
        if len(self._orders) - len(self._open) > _KEPT_OVER:
            oldest = next(key for key in self._orders if key not in self._open)
            gone = self._orders.pop(oldest)
            for venue_order_id in gone.venue_ids:
                self._keys.pop((gone.order.instrument.venue, venue_order_id), None)

    def _learn_venue_id(self, tracked: Tracked, venue_order_id: str) -> None:
        if venue_order_id and venue_order_id not in tracked.venue_ids:
            tracked.venue_ids += (venue_order_id,)
            self._keys[tracked.order.instrument.venue, venue_order_id] = tracked.key

    def _find(self, venue: str, client_order_id: str, venue_order_id: str) -> Tracked | None:
        for key in (client_order_id, f"{client_order_id}@{venue}", self._keys.get((venue, venue_order_id), "")):
            tracked = self._orders.get(key)
            if tracked is not None and tracked.order.instrument.venue == venue:
                return tracked
        return None

    def _take_orphans(self, tracked: Tracked) -> None:
        venue = tracked.order.instrument.venue
        for name in (tracked.order.venue_order_id, tracked.order.client_order_id):
            for fill in self._orphans.pop((venue, name), ()):
                tracked.fills[fill.trade_id] = fill


def _sum_of(fills: dict[str, Fill]) -> Decimal:
    return sum((fill.quantity for fill in fills.values()), ZERO)


_NEWS_OF_STATUS = {
    OrderStatus.PENDING_NEW: None,
    OrderStatus.NEW: OrderNews.ACKNOWLEDGED,
    OrderStatus.PARTIALLY_FILLED: OrderNews.ACKNOWLEDGED,
    OrderStatus.PENDING_CANCEL: OrderNews.ACKNOWLEDGED,
    OrderStatus.PENDING_REPLACE: OrderNews.ACKNOWLEDGED,
    OrderStatus.CANCELED: OrderNews.CANCELED,
    OrderStatus.REJECTED: OrderNews.REJECTED,
    OrderStatus.EXPIRED: OrderNews.EXPIRED,
}
