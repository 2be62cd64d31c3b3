"""Paper orders on a recording: what they take, where they queue, and what becomes of them.

The recorded market does not react: what an order took is displayed again with the next row. A marketable order
takes the displayed book level by level; a market order no further than 5 % from the best price. What rests is
filled by the rule of `venues.recording.queue`, one's own earlier orders at a price first. Triggers are reached by
recorded trades. A reduce-only order is trimmed to the position that it reduces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal

from msgspec.structs import replace

from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.errors import DuplicateClientOrderId, OrderNotFound, OrderRejected
from venues.events import BalanceUpdate, Event, FillUpdate, Notice, OrderUpdate, PositionUpdate, Trade
from venues.model import (
    ZERO,
    Fill,
    InstrumentId,
    Liquidity,
    Order,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from venues.paper.account import Account, Settlement
from venues.paper.checks import check_price_steps, check_request, check_steps
from venues.paper.margin import Hold
from venues.recording.format import VENUE
from venues.recording.market import Market
from venues.recording.queue import QueuePosition
from venues.recording.taking import Plan, is_reached, plan_taking, why_not_resting

LIQUIDATION_FEE = Decimal("0.005")


class ReplayOrders:
    """All orders of the account of one replay. Synchronous: every call tells `emit` what followed from it.

    `run` is in the ids that are made here, and differs from replay to replay.
    """

    def __init__(
        self,
        markets: Mapping[InstrumentId, Market],
        account: Account,
        now: Callable[[], int],
        emit: Callable[[Event], None],
        run: str,
    ) -> None:
        self.account = account
        self._markets = markets
        self._now = now
        self._emit = emit
        self._orders: dict[str, Order] = {}  # by client order id, closed ones too
        self._open: dict[InstrumentId, dict[str, QueuePosition | None]] = {}  # None: the trigger is not reached
        self._fills: list[Fill] = []
        self._counts: Counter[str] = Counter()  # fills by client order id
        self._run = run
        self._liquidations = 0

    def open_orders(self, instrument: InstrumentId | None = None) -> tuple[Order, ...]:
        return tuple(
            self._orders[name]
            for place, names in self._open.items()
            for name in names
            if instrument in (None, place)
        )

    def fills(self, since: int) -> tuple[Fill, ...]:
        return tuple(fill for fill in self._fills if fill.ts_event >= since)

    def find(self, instrument: InstrumentId, client_order_id: str, venue_order_id: str) -> Order:
        """Raises OrderNotFound. Finds closed orders too."""
        order = self._orders.get(client_order_id or venue_order_id.removeprefix("r-"))
        if order is None or order.instrument != instrument:
            raise OrderNotFound(VENUE, "there is no such order", "NOT_FOUND")
        return order

    def queue_position(self, client_order_id: str) -> QueuePosition | None:
        """Returns where a resting order stands; None where it does not rest."""
        order = self._orders.get(client_order_id)
        return self._open.get(order.instrument, {}).get(client_order_id) if order else None

    def submit(self, request: OrderRequest) -> Order:
        """Raises OrderRejected; then nothing has changed."""
        market = self._market(request.instrument)
        if request.client_order_id in self._orders:
            raise DuplicateClientOrderId(VENUE, "this client order id was used before", "DUPLICATE")
        if request.take_profit is not None or request.stop_loss is not None:
            raise OrderRejected(VENUE, "a replay takes no attached exits: place them as orders", "EXITS")
        check_request(VENUE, market.instrument, request, market.mark())
        self._require_book(market)
        if request.leverage is not None or request.margin_mode is not None:
            leverage, mode = self.account.leverage(request.instrument)
            self.account.set_leverage(
                request.instrument, request.leverage or leverage, request.margin_mode or mode
            )
        now = self._now()
        order = Order(
            instrument=request.instrument,
            client_order_id=request.client_order_id,
            venue_order_id=f"r-{request.client_order_id}",
            side=request.side,
            type=request.type,
            quantity=request.quantity,
            price=request.price,
            trigger_price=request.trigger_price,
            time_in_force=request.time_in_force,
            post_only=request.post_only,
            reduce_only=request.reduce_only,
            status=OrderStatus.NEW,
            ts_created=now,
            ts_event=now,
        )
        if order.trigger_price is None:
            self._enter(market, order)
        else:
            if market.last is not None and is_reached(order, market.last):
                raise OrderRejected(VENUE, f"the trigger is reached already: last is {market.last:f}", "TRIGGER")
            self._open.setdefault(order.instrument, {})[order.client_order_id] = None
            self._tell(order)
        return self._orders[order.client_order_id]

    def amend(self, request: AmendRequest) -> Order:
        """Raises OrderError; then nothing has changed. Less at the same price keeps its place in the queue."""
        order = self._find_open(request.instrument, request.client_order_id, request.venue_order_id)
        market, queue = self._market(order.instrument), self._open[order.instrument][order.client_order_id]
        if request.price is not None and not order.type.has_price:
            raise OrderRejected(VENUE, "a market order has no price to change", "AMEND")
        if request.trigger_price is not None and (queue is not None or not order.type.has_trigger):
            raise OrderRejected(VENUE, "there is no trigger that could be changed", "AMEND")
        changed = replace(
            order,
            price=order.price if request.price is None else request.price,
            quantity=order.quantity if request.quantity is None else request.quantity,
            trigger_price=order.trigger_price if request.trigger_price is None else request.trigger_price,
            ts_event=self._now(),
        )
        if changed.quantity <= order.filled_quantity:
            raise OrderRejected(VENUE, f"{order.filled_quantity:f} of it is filled already", "AMEND")
        expected = changed.price or changed.trigger_price
        check_steps(VENUE, market.instrument, changed.quantity, expected, is_closing=order.reduce_only)
        check_price_steps(VENUE, market.instrument, changed.trigger_price, "trigger price")
        if queue is None:
            if market.last is not None and is_reached(changed, market.last):
                raise OrderRejected(VENUE, f"the trigger is reached already: last is {market.last:f}", "TRIGGER")
            self._tell(changed)
        elif changed.price == order.price and changed.quantity <= order.quantity:
            queue.shrink(changed.remaining)
            self._tell(changed)
            self._settle(market)
        else:
            self._require_book(market)
            self._enter(market, changed)
        return self._orders[order.client_order_id]

    def cancel(self, request: CancelRequest) -> Order:
        """Raises OrderNotFound."""
        order = self._find_open(request.instrument, request.client_order_id, request.venue_order_id)
        self._end(order, OrderStatus.CANCELED, "")
        self._settle(self._market(order.instrument))
        return self._orders[order.client_order_id]

    def cancel_all(self, instrument: InstrumentId | None, side: Side | None) -> tuple[Order, ...]:
        found = [order for order in self.open_orders(instrument) if side in (None, order.side)]
        for order in found:
            self._end(order, OrderStatus.CANCELED, "")
        for place in {order.instrument for order in found}:
            self._settle(self._markets[place])
        return tuple(self._orders[order.client_order_id] for order in found)

    def on_levels(self, market: Market) -> None:
        """Lets the queues know what is now displayed."""
        for queue in self._open.get(market.instrument.id, {}).values():
            if queue is not None:
                displayed = market.displayed(queue.side, queue.price)
                if displayed is not None:
                    queue.on_displayed(displayed)

    def on_trade(self, market: Market, trade: Trade) -> None:
        """Fills what the trade fills, then fires the triggers that it reaches."""
        names = self._open.get(trade.instrument)
        if not names:
            return
        given: dict[Side, Decimal] = {}  # what earlier orders of ours took at the price of the trade
        for name, queue in list(names.items()):
            if queue is None or name not in names:
                continue
            order = self._orders[name]
            room = self._room(order)
            filled = queue.on_trade(trade.side, trade.price, trade.quantity, given.get(queue.side, ZERO))
            if filled:
                if queue.price == trade.price:
                    given[queue.side] = given.get(queue.side, ZERO) + filled
                self._fill(order, queue.price, min(filled, room), Liquidity.MAKER)
                self._settle(market)
        for name, queue in list(names.items()):
            order = self._orders[name]
            if queue is None and name in names and is_reached(order, trade.price):
                self._fire(market, replace(order, is_triggered=True, ts_event=self._now()))

    def on_mark(self, market: Market, mark: Decimal) -> None:
        """Takes in a new mark and liquidates what can no longer be held."""
        account, place = self.account, market.instrument.id
        account.set_mark(place, mark)
        if not account.position_quantity(place):
            return
        if account.is_isolated_due(place):
            self._liquidate(market, mark)
        currency = market.instrument.settle
        if account.is_cross_due(currency):
            for name in account.cross_positions(currency):
                worst = self._markets[name]
                if account.is_cross_due(currency):
                    self._liquidate(worst, worst.mark() or mark)
            account.cover(currency)
            self._tell_money(market)

    def _enter(self, market: Market, order: Order) -> None:
        """Takes what can be taken, rests the rest. Raises OrderRejected before anything has changed."""
        names = self._open.setdefault(order.instrument, {})
        room = self._room(order)
        if not room:
            raise OrderRejected(VENUE, "reduce-only: there is no position that it would reduce", "REDUCE_ONLY")
        wanted = min(order.remaining, room)
        plan = plan_taking(market, order, wanted)
        if order.type.has_price and order.post_only and plan.fills:
            raise OrderRejected(VENUE, "post-only: the order would take", "POST_ONLY")
        if not order.type.has_price and not plan.fills:
            raise OrderRejected(VENUE, "there is nothing in the book to trade with", "NO_LIQUIDITY")
        is_killed = order.time_in_force is TimeInForce.FOK and plan.quantity < order.remaining
        if is_killed:
            plan = Plan([], ZERO, ZERO)
        may_rest = order.type.has_price and order.time_in_force is TimeInForce.GTC
        rest = wanted - plan.quantity if may_rest else ZERO
        holds = self._holds(order.instrument, order.client_order_id)
        if rest and order.price is not None:
            holds.append(Hold(order.side, order.price, rest, order.reduce_only))
        peak = max((price for price, _ in plan.fills), default=ZERO)
        self.account.require(order.instrument, order.side, holds, taken=plan.quantity, value=plan.value, peak=peak)
        names.pop(order.client_order_id, None)  # an amended order goes to the end of our own queue too
        if rest:
            order = replace(order, quantity=order.filled_quantity + wanted)
        self._tell(order)
        for price, quantity in plan.fills:
            order = self._fill(order, price, quantity, Liquidity.TAKER)
        if rest and order.price is not None:
            names[order.client_order_id] = QueuePosition(
                order.side,
                order.price,
                rest,
                market.displayed(order.side, order.price),
                market.instrument.lot_size,
            )
        elif order.remaining:
            self._end(order, OrderStatus.CANCELED, why_not_resting(order, is_killed=is_killed))
        self._settle(market)

    def _fire(self, market: Market, order: Order) -> None:
        try:
            self._require_book(market)
            self._enter(market, order)
        except OrderRejected as error:
            self._end(order, OrderStatus.REJECTED, error.message)
            words = f"triggered order on {market.instrument.name} was refused: {error.message}"
            self._emit(Notice(VENUE, words, is_alarm=True, ts_event=self._now()))

    def _fill(self, order: Order, price: Decimal, quantity: Decimal, liquidity: Liquidity) -> Order:
        if not quantity:
            return order
        settled = self.account.apply_fill(order.instrument, order.side, price, quantity, liquidity, self._now())
        return self._book(order, price, quantity, liquidity, settled)

    def _book(
        self, order: Order, price: Decimal, quantity: Decimal, liquidity: Liquidity, settled: Settlement
    ) -> Order:
        filled = order.filled_quantity + quantity
        paid = (order.average_price or ZERO) * order.filled_quantity + price * quantity
        done = filled == order.quantity
        order = replace(
            order,
            filled_quantity=filled,
            average_price=paid / filled,
            status=OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED,
            ts_event=self._now(),
        )
        self._counts[order.client_order_id] += 1
        fill = Fill(
            instrument=order.instrument,
            # Unique over every replay, since a client order id is never used twice.
            trade_id=f"{order.client_order_id}-{self._counts[order.client_order_id]}",
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            side=order.side,
            price=price,
            quantity=quantity,
            fee=settled.fee,
            fee_currency=settled.fee_currency,
            liquidity=liquidity,
            ts_event=self._now(),
            realized_pnl=settled.realized_pnl,
        )
        self._fills.append(fill)
        self._emit(FillUpdate(fill))
        if done:
            self._open.get(order.instrument, {}).pop(order.client_order_id, None)
        self._tell(order)
        return order

    def _liquidate(self, market: Market, mark: Decimal) -> None:
        place = market.instrument.id
        quantity = self.account.position_quantity(place)
        for order in self.open_orders(place):
            self._end(order, OrderStatus.CANCELED, "liquidation")
        settled = self.account.liquidate(place, mark, LIQUIDATION_FEE, self._now())
        self._liquidations += 1
        name = f"liq{self._liquidations}-{self._run}"
        order = Order(
            instrument=place,
            client_order_id=name,
            venue_order_id=f"r-{name}",
            side=Side.SELL if quantity > 0 else Side.BUY,
            type=OrderType.MARKET,
            quantity=abs(quantity),
            status=OrderStatus.NEW,
            reduce_only=True,
            ts_created=self._now(),
            ts_event=self._now(),
            reason="liquidation",
            is_external=True,
        )
        self._book(order, mark, abs(quantity), Liquidity.TAKER, settled)
        words = f"LIQUIDATED: {market.instrument.name} {quantity:+f} {market.instrument.base} closed at {mark:f}"
        self._emit(Notice(VENUE, words, is_alarm=True, ts_event=self._now()))
        self._settle(market)

    def _settle(self, market: Market) -> None:
        """Trims what only reduces to what is left to reduce, holds the money anew and tells it."""
        place = market.instrument.id
        for name, queue in list(self._open.get(place, {}).items()):
            order = self._orders[name]
            if queue is None or not order.reduce_only:
                continue
            room = self._room(order)
            if not room:
                self._end(order, OrderStatus.CANCELED, "reduce-only: the position is closed")
            elif room < order.remaining:
                queue.shrink(room)
                self._tell(replace(order, quantity=order.filled_quantity + room, ts_event=self._now()))
        self.account.hold(place, self._holds(place))
        self._tell_money(market)

    def _tell_money(self, market: Market) -> None:
        listed = market.instrument
        currencies = {listed.settle} if listed.is_perpetual else {listed.base, listed.quote}
        balances = tuple(self.account.balance(currency) for currency in sorted(currencies))
        self._emit(BalanceUpdate(VENUE, balances, self._now()))
        position = self.account.position(listed.id)
        if listed.is_perpetual and position is not None:
            self._emit(PositionUpdate(position))

    def _holds(self, instrument: InstrumentId, without: str = "") -> list[Hold]:
        return [
            Hold(queue.side, queue.price, queue.quantity, self._orders[name].reduce_only)
            for name, queue in self._open.get(instrument, {}).items()
            if queue is not None and name != without
        ]

    def _room(self, order: Order) -> Decimal:
        """Returns how much of the order may be filled: all, or what there is to reduce."""
        if not order.reduce_only:
            return order.remaining
        held = self.account.position_quantity(order.instrument)
        return min(order.remaining, max(ZERO, -held * order.side.sign))

    def _end(self, order: Order, status: OrderStatus, reason: str) -> None:
        self._open[order.instrument].pop(order.client_order_id, None)
        self._tell(replace(order, status=status, reason=reason, ts_event=self._now()))

    def _tell(self, order: Order) -> None:
        self._orders[order.client_order_id] = order
        self._emit(OrderUpdate(order))

    def _market(self, instrument: InstrumentId) -> Market:
        market = self._markets.get(instrument)
        if market is None:
            raise OrderRejected(VENUE, f"{instrument.symbol} is not in this recording", "UNKNOWN_INSTRUMENT")
        return market

    def _require_book(self, market: Market) -> None:
        if not market.book.is_valid:
            words = f"there is no valid book of {market.instrument.name}: {market.book.detail}"
            raise OrderRejected(VENUE, words, "NO_BOOK")

    def _find_open(self, instrument: InstrumentId, client_order_id: str, venue_order_id: str) -> Order:
        order = self.find(instrument, client_order_id, venue_order_id)
        if not order.is_open:
            raise OrderNotFound(VENUE, f"the order is {order.status.value} already", "CLOSED")
        return order
