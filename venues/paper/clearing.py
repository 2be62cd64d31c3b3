"""The life of orders on the paper exchange: from the plan to the money, and all that follows from a fill.

Every action ends in `finish`: exits are attached, reduce-only orders trimmed, debts covered, triggers fired and
positions liquidated until nothing more follows; only then are the coalesced events written.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from venues.errors import OrderRejected
from venues.events import Trade
from venues.model import ZERO, Fill, InstrumentId, Liquidity, OrderStatus, OrderType, Side, TimeInForce
from venues.paper.account import Settlement
from venues.paper.ledger import HOUSE
from venues.paper.market import Market
from venues.paper.matching import Plan, RestingOrder
from venues.paper.orders import PaperOrder, Trader
from venues.paper.outbox import Outbox

_NO_PLAN = Plan()


class Clearing:
    """Matches, settles and enforces; shared state of the exchange."""

    def __init__(
        self, venue: str, markets: Mapping[InstrumentId, Market], outbox: Outbox, protection: Decimal, fee: Decimal
    ) -> None:
        self.venue = venue
        self.now = 0
        self.number = 0  # the last order number given
        self.trade_number = 0
        self.markets = markets
        self.traders: dict[str, Trader] = {}
        self.outbox = outbox
        self.flow: dict[int, Market] = {}  # where each resting order of the house is
        self.protection = protection
        self._liquidation_fee = fee
        self._touched: dict[tuple[str, InstrumentId], None] = {}  # whose fills in which market need a second look
        self._entries: dict[int, tuple[PaperOrder, int]] = {}  # entries with exits, and what was newly filled
        self._ranges: dict[InstrumentId, tuple[int, int]] = {}  # lowest and highest trade of the action, in ticks

    def closable(self, owner: str, sign: int, market: Market) -> int:
        """Returns how many lots an order of `sign` can reduce the owner's position by."""
        quantity = self.traders[owner].account.position_quantity(market.id)
        return max(0, int(-quantity * sign / market.instrument.lot_size))

    def place(self, order: PaperOrder, *, is_new: bool) -> None:
        """Sends an order into the book. Until it raises OrderRejected nothing has changed.

        `is_new`: the order is not registered yet. Otherwise it may still rest (an amendment), and is replaced.
        """
        market, engine = order.market, order.market.engine
        trader = self.traders[order.owner]
        lots, sign = order.remaining, order.sign
        limit = engine.protected(sign, self.protection) if order.ticks is None else order.ticks
        if limit is None:
            raise OrderRejected(self.venue, "there is nothing in the book to trade with", "NO_LIQUIDITY")
        if order.post_only and engine.crosses(sign, limit):
            raise OrderRejected(self.venue, "post-only: the order would take", "POST_ONLY")
        plan = engine.plan(order.owner, sign, limit, lots)
        is_killed = order.time_in_force is TimeInForce.FOK and plan.lots < lots
        if is_killed:
            plan = _NO_PLAN
        may_rest = order.ticks is not None and order.time_in_force is TimeInForce.GTC
        rest = lots - plan.lots if may_rest else 0
        if not order.reduce_only:
            self._require(trader, order, plan, rest, limit)
        if order.resting is not None:
            engine.remove(order.resting)
            order.resting = None
        if is_new:
            trader.add(order)
            self.outbox.accepted(order)
        self.execute(market, plan, sign, order)
        if rest:
            order.resting = RestingOrder(order.number, order.owner, sign, limit, rest, order.reduce_only)
            engine.rest(order.resting)
        elif order.remaining:
            self.end(order, OrderStatus.CANCELED, _why_not_resting(order, is_killed=is_killed))
        self.changed(order)

    def _require(self, trader: Trader, order: PaperOrder, plan: Plan, rest: int, limit: int) -> None:
        engine = order.market.engine
        gone = frozenset([order.number, *(own.number for own in plan.cancels)])
        holds = trader.holds(order.market, gone)
        if rest:
            holds.append(order.hold_at(limit, rest))
        peak = 0
        if plan.fills:
            peak = max(plan.fills[0][0].ticks, plan.fills[-1][0].ticks)
        trader.account.require(
            order.market.id,
            order.side,
            holds,
            taken=engine.quantity(plan.lots),
            value=engine.value(plan.value),
            peak=engine.price(peak),
        )

    def execute(self, market: Market, plan: Plan, sign: int, taker: PaperOrder | None) -> None:
        """Carries a plan out: the public trades, and for the traders in it the money. No taker: the house."""
        engine = market.engine
        engine.execute(plan)
        for own in plan.cancels:
            canceled = self.traders[own.owner].open[own.number]
            canceled.resting = None
            self.end(canceled, OrderStatus.CANCELED, "self-trade prevention")
        if not plan.fills:
            return
        market.is_mark_stale = True
        side = Side.BUY if sign > 0 else Side.SELL
        first, last = plan.fills[0][0].ticks, plan.fills[-1][0].ticks
        low, high = self._ranges.get(market.id, (first, first))
        self._ranges[market.id] = (min(low, first, last), max(high, first, last))
        for maker, lots in plan.fills:
            self.trade_number += 1
            trade_id, price = str(self.trade_number), engine.price(maker.ticks)
            quantity = engine.quantity(lots)
            self.outbox.events.append(Trade(market.id, trade_id, side, price, quantity, self.now, self.now))
            if maker.owner != HOUSE:
                resting = self.traders[maker.owner].open[maker.number]
                self._book(resting, maker.ticks, lots, trade_id, Liquidity.MAKER)
            elif not maker.lots:
                del self.flow[maker.number]
            if taker is not None:
                self._book(taker, maker.ticks, lots, trade_id, Liquidity.TAKER)

    def _book(self, order: PaperOrder, ticks: int, lots: int, trade_id: str, liquidity: Liquidity) -> None:
        engine, account = order.market.engine, self.traders[order.owner].account
        price, quantity = engine.price(ticks), engine.quantity(lots)
        settled = account.apply_fill(order.market.id, order.side, price, quantity, liquidity, self.now)
        self._filled(order, ticks, lots, trade_id, liquidity, settled)
        if order.take_profit is not None or order.stop_loss is not None:
            _, before = self._entries.get(order.number, (order, 0))
            self._entries[order.number] = (order, before + lots)
        if order.sibling is not None and order.sibling.is_open:
            self._shrink(order.sibling, order.sibling.remaining - lots, "the other exit was filled")

    def _filled(
        self,
        order: PaperOrder,
        ticks: int,
        lots: int,
        trade_id: str,
        liquidity: Liquidity,
        settled: Settlement,
    ) -> None:
        engine, trader = order.market.engine, self.traders[order.owner]
        order.filled += lots
        order.value += ticks * lots
        fill = Fill(
            instrument=order.market.id,
            trade_id=trade_id,
            client_order_id=order.client_order_id,
            venue_order_id=str(order.number),
            side=order.side,
            price=engine.price(ticks),
            quantity=engine.quantity(lots),
            fee=settled.fee,
            fee_currency=settled.fee_currency,
            liquidity=liquidity,
            ts_event=self.now,
            realized_pnl=settled.realized_pnl,
        )
        trader.fills.append(fill)
        self.outbox.fill(order.owner, fill)
        self._touched[order.owner, order.market.id] = None
        if order.remaining:
            order.status = OrderStatus.PARTIALLY_FILLED
        else:
            order.resting = None
            self.end(order, OrderStatus.FILLED, order.reason)
        self.changed(order)

    def changed(self, order: PaperOrder) -> None:
        """Notes a change of an order: what it holds, and that it must be told."""
        order.ts_event = self.now
        trader = self.traders[order.owner]
        trader.account.hold(order.market.id, trader.holds(order.market))
        if not order.is_open:
            trader.keep(order.to_order())
        self.outbox.order(order)
        self.outbox.money(order.owner, order.market)

    def end(self, order: PaperOrder, status: OrderStatus, reason: str = "") -> None:
        """Ends an order, takes it out of the book and frees what it held."""
        if order.resting is not None:
            order.market.engine.remove(order.resting)
            order.resting = None
        order.market.triggers.pop(order.number, None)
        order.status = status
        order.reason = reason
        order.ts_event = self.now
        self.traders[order.owner].close(order)
        self.changed(order)

    def _shrink(self, order: PaperOrder, remaining: int, reason: str) -> None:
        """Makes an open order smaller; at nothing left it is cancelled."""
        if remaining <= 0:
            self.end(order, OrderStatus.CANCELED, reason)
        elif remaining < order.remaining:
            order.lots = order.filled + remaining
            if order.resting is not None:
                order.market.engine.shrink(order.resting, remaining)
            self.changed(order)

    def resize(self, order: PaperOrder, lots: int) -> None:
        """Sets the total size of an order that keeps its place in the queue."""
        self._shrink(order, lots - order.filled, "")

    def finish(self) -> None:
        """Ends an action: all consequences, then the events."""
        while self._ranges or self._touched or self._entries:
            entries, self._entries = self._entries, {}
            for entry, lots in entries.values():
                self._attach_exits(entry, lots)
            touched, self._touched = self._touched, {}
            for owner, name in touched:
                self._after_fill(self.traders[owner], self.markets[name])
            ranges, self._ranges = self._ranges, {}
            for name, (low, high) in ranges.items():
                market = self.markets[name]
                if market.triggers and not market.instrument.is_perpetual:
                    self._fire(market, market.engine.price(low), market.engine.price(high))
        self.outbox.flush(self.markets.values(), self._watched, self.now)

    def _watched(self) -> Trader:
        return self.traders[self.outbox.trader]

    def finish_flow(self, market: Market) -> None:
        """The same for an action of the house that has usually touched no trader."""
        if self._touched or self.outbox.has_private or market.triggers:
            self.finish()
            return
        self._ranges.clear()
        if market.engine.is_touched:
            self.outbox.events.append(market.take_delta(self.now))

    def _after_fill(self, trader: Trader, market: Market) -> None:
        self._trim(trader, market)
        self._restore_funds(trader, market.instrument.settle)
        self._liquidate_due(trader, market)

    def _trim(self, trader: Trader, market: Market) -> None:
        """Keeps every reduce-only order within the position."""
        for order in [order for order in trader.of(market) if order.reduce_only]:
            room = self.closable(trader.owner, order.sign, market)
            self._shrink(order, min(order.remaining, room), "reduce-only: the position is closed")

    def _restore_funds(self, trader: Trader, currency: str) -> None:
        """After losses: insurance pays debts, and orders go that the account can no longer back."""
        account = trader.account
        account.cover(currency)
        if account.available(currency) < 0:
            self._cancel_holding(trader, currency, "the account can no longer back this order")

    def _cancel_holding(self, trader: Trader, currency: str, reason: str) -> None:
        for order in list(trader.open.values()):
            listed = order.market.instrument
            takes_funds = listed.is_perpetual or order.side is Side.BUY
            if order.resting is not None and takes_funds and listed.settle == currency and not order.reduce_only:
                self.end(order, OrderStatus.CANCELED, reason)

    def _attach_exits(self, entry: PaperOrder, lots: int) -> None:
        """Makes or enlarges the take-profit and stop-loss for newly filled lots of their entry."""
        lots = min(lots, self.closable(entry.owner, -entry.sign, entry.market))
        if lots <= 0:
            return
        alive = [order for order in entry.exits if order.is_open]
        if alive and all(order.is_waiting for order in alive):
            for order in alive:
                order.lots += lots
                self.changed(order)
            return
        made: list[PaperOrder] = []
        for prefix, kind, trigger in (
            ("tp", OrderType.TAKE_PROFIT, entry.take_profit),
            ("sl", OrderType.STOP, entry.stop_loss),
        ):
            if trigger is None:
                continue
            self.number += 1
            order = PaperOrder(
                self.number,
                entry.owner,
                entry.market,
                f"{prefix}{self.number}",
                entry.side.opposite,
                kind,
                lots,
                self.now,
                trigger=trigger,
                reduce_only=True,
                is_external=True,
            )
            self.traders[entry.owner].add(order)
            self.outbox.accepted(order)
            entry.market.triggers[order.number] = order
            made.append(order)
        if len(made) == 2:
            made[0].sibling, made[1].sibling = made[1], made[0]
        entry.exits = made

    def _fire(self, market: Market, low: Decimal, high: Decimal) -> None:
        """Sends the orders whose trigger lies within the prices reached, in the order they came."""
        reached = [order for order in market.triggers.values() if order.is_reached(low, high)]
        for order in reached:
            if not order.is_waiting or not order.is_open:
                continue
            del market.triggers[order.number]
            order.is_triggered = True
            try:
                if order.reduce_only:
                    room = self.closable(order.owner, order.sign, market)
                    self._shrink(order, min(order.remaining, room), "reduce-only: the position is closed")
                if order.is_open:
                    self.place(order, is_new=False)
            except OrderRejected as error:
                self.end(order, OrderStatus.REJECTED, error.message)
                text = f"triggered order on {market.instrument.name} was refused: {error.message}"
                self.outbox.notice(order.owner, text, self.now, is_alarm=True)
            self._settle_exit_trims(order)

    def _settle_exit_trims(self, order: PaperOrder) -> None:
        """Before the next trigger fires, the position that this one changed must be known to its siblings."""
        if order.filled and order.market.instrument.is_perpetual:
            self._trim(self.traders[order.owner], order.market)

    def refresh_mark(self, market: Market) -> None:
        """Works out the mark of a perpetual, tells it, and does what it entails: triggers, then liquidations."""
        market.refresh_mark()
        news = market.news(self.now)
        if news is None:
            return
        self.outbox.events.append(news)
        for trader in self.traders.values():
            trader.account.set_mark(market.id, news.mark)
        self._fire(market, news.mark, news.mark)
        for trader in self.traders.values():
            self._liquidate_due(trader, market)

    def _liquidate_due(self, trader: Trader, market: Market) -> None:
        account, currency = trader.account, market.instrument.settle
        if account.is_isolated_due(market.id):
            self._liquidate(trader, market)
        if not account.is_cross_due(currency):
            return
        self._cancel_holding(trader, currency, "liquidation")
        for name in account.cross_positions(currency):
            if not account.is_cross_due(currency):
                break
            self._liquidate(trader, self.markets[name])
        account.cover(currency)

    def _liquidate(self, trader: Trader, market: Market) -> None:
        """Closes a whole position at the mark, against the house and outside the book: no public trade."""
        account, engine = trader.account, market.engine
        if market.mark is None:
            return
        quantity = account.position_quantity(market.id)
        side = Side.SELL if quantity > ZERO else Side.BUY
        lots, ticks = engine.lots(abs(quantity)), engine.ticks(market.mark)
        self.number += 1
        self.trade_number += 1
        order = PaperOrder(
            self.number,
            trader.owner,
            market,
            f"liq{self.number}",
            side,
            OrderType.MARKET,
            lots,
            self.now,
            reduce_only=True,
            is_external=True,
        )
        order.reason = "liquidation"
        trader.add(order)
        self.outbox.accepted(order)
        settled = account.liquidate(market.id, market.mark, self._liquidation_fee, self.now)
        self._filled(order, ticks, lots, str(self.trade_number), Liquidity.TAKER, settled)
        text = (
            f"LIQUIDATED: {market.instrument.name} {quantity:+f} {market.instrument.base} closed at the mark "
            f"{market.mark:f}, fee {settled.fee:f} {settled.fee_currency}"
        )
        self.outbox.notice(trader.owner, text, self.now, is_alarm=True)

    def pay_funding(self, market: Market) -> None:
        """Settles one funding time of a perpetual for every position."""
        if market.mark is None:
            return
        for trader in self.traders.values():
            amount = trader.account.apply_funding(market.id, market.funding_rate, market.mark, self.now)
            if amount:
                verb = "received" if amount > 0 else "paid"
                settle = market.instrument.settle
                text = f"funding on {market.instrument.name}: {verb} {abs(amount).normalize():f} {settle}"
                self.outbox.notice(trader.owner, text, self.now)
                self.outbox.money(trader.owner, market)
                self._after_fill(trader, market)


def _why_not_resting(order: PaperOrder, *, is_killed: bool) -> str:
    if is_killed:
        return "fill-or-kill: not enough to fill all of it"
    if order.ticks is None:
        return "the rest was cancelled: no more within the protection of the market order"
    return "immediate-or-cancel: the rest was cancelled"
