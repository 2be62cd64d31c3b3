"""The embedded exchange: markets, accounts and a paper clock; synchronous and deterministic.

The same calls give the same events, to the byte: numbers are counters, and every time is the paper clock's.

- Market, stop and take-profit orders are limits `protection` away from the best opposite price; the rest is
  cancelled. Self-trade prevention cancels the resting order.
- Triggers go by the mark price on perpetuals and by the trades on spot. Until it triggers an order holds no money.
- Reduce-only orders are cut to the position, when they arrive and whenever it shrinks.
- Attached exits are reduce-only orders that the exchange makes when the entry fills; what one of them fills, the
  other loses.
- Leverage given with an order is set for its instrument, unless the order is refused.
- A position at its maintenance margin is closed at the mark against the house. Insurance takes a fee and pays what
  is missing.

Refusals carry one of these codes: UNKNOWN_INSTRUMENT NOT_TRADABLE RESERVED_ID DUPLICATE_ID FILTER SPOT POSITION_ID
TIME_IN_FORCE POST_ONLY REDUCE_ONLY EXITS TRIGGER NO_LIQUIDITY TOO_MANY_ORDERS INSUFFICIENT_FUNDS NO_LEVERAGE
LEVERAGE_RANGE MARGIN_MODE ALREADY_FILLED AMEND ORDER_NOT_FOUND.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.errors import DuplicateClientOrderId, OrderNotFound, OrderRejected
from venues.events import BookSnapshot, Event, MarkPrice
from venues.model import (
    NANOSECONDS,
    Balance,
    Fill,
    Instrument,
    InstrumentId,
    MarginMode,
    Order,
    OrderStatus,
    Position,
    Side,
)
from venues.paper.account import Account
from venues.paper.checks import check_price_steps, check_request, check_steps
from venues.paper.clearing import Clearing
from venues.paper.ledger import HOUSE, SYSTEM_OWNERS, Ledger
from venues.paper.market import Market, next_funding
from venues.paper.matching import RestingOrder
from venues.paper.orders import PaperOrder, Trader
from venues.paper.outbox import Outbox

TRADER = "trader"
_MARK_INTERVAL = NANOSECONDS
_MAX_OPEN = 500  # open orders of one owner; each of their changes walks over all in its market


class PaperExchange:
    """Several markets, the accounts of their owners, and the clock that only `advance` moves.

    `deposits` is owner -> currency -> amount. `drain` hands out the private events of `trader` only.

    Raises:
        ValueError: an inverse perpetual is listed, or an owner has a name that the exchange uses itself.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        start: int,
        deposits: Mapping[str, Mapping[str, Decimal]],
        venue: str = "paper",
        trader: str = TRADER,
        protection: Decimal = Decimal("0.05"),
        liquidation_fee: Decimal = Decimal("0.005"),
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.venue = venue
        self._instruments = {one.id: one for one in instruments}
        self._markets: dict[InstrumentId, Market] = {}
        self._outbox = Outbox(venue, trader)
        self._clearing = Clearing(venue, self._markets, self._outbox, protection, liquidation_fee)
        self._clearing.now = start
        for one in instruments:
            self._markets[one.id] = self._new_market(one)
        self._perpetuals = [market for market in self._markets.values() if market.instrument.is_perpetual]
        self._ledger = Ledger.from_state(state["ledger"]) if state else Ledger()
        if state:
            self._restore(state)
        else:
            for owner, amounts in deposits.items():
                account = self._trader(owner).account
                for currency, amount in amounts.items():
                    account.deposit(currency, amount)
        self._trader(trader)

    def _new_market(self, instrument: Instrument) -> Market:
        def closable(owner: str, sign: int) -> int:
            return self._clearing.closable(owner, sign, market)

        market = Market(instrument, closable)
        return market

    # The clock.

    @property
    def now(self) -> int:
        """The paper time in nanoseconds UTC."""
        return self._clearing.now

    def advance(self, to: int) -> None:
        """Moves the clock: a new mark at each whole second after a change, funding when it is due, in time order.

        Raises:
            ValueError: `to` lies in the past.
        """
        clearing = self._clearing
        if to < clearing.now:
            raise ValueError("the paper clock can not go back")
        # Marks and funding fall on whole seconds: nothing is due within one, and the flow comes here per message.
        while to // _MARK_INTERVAL != clearing.now // _MARK_INTERVAL:
            step = next_funding(clearing.now)
            if any(market.is_mark_stale for market in self._perpetuals):
                step = min(step, (clearing.now // _MARK_INTERVAL + 1) * _MARK_INTERVAL)
            if step > to:
                break
            clearing.now = step
            self._tick(is_funding=step == next_funding(step - 1))
        clearing.now = to

    def _tick(self, *, is_funding: bool) -> None:
        clearing = self._clearing
        for market in self._perpetuals:
            if market.is_mark_stale or is_funding:
                clearing.refresh_mark(market)
            if is_funding:
                clearing.pay_funding(market)
        clearing.finish()

    # The background flow trades from the house: without limit, free of fees, and with itself.

    def flow_limit(self, instrument: InstrumentId, side: Side, price: Decimal, quantity: Decimal) -> int:
        """Adds a GTC order and returns its number, or 0 where it was filled at once.

        Raises:
            ValueError: the price or the quantity is not on its step.
        """
        engine = self._markets[instrument].engine
        return self.flow_limit_ticks(instrument, side.sign, engine.ticks(price), engine.lots(quantity))

    def flow_limit_ticks(self, instrument: InstrumentId, sign: int, ticks: int, lots: int) -> int:
        """The same in whole ticks and lots, `sign` +1 for a buy and -1 for a sell: about twice as fast.

        Raises:
            ValueError: the price or the quantity is not above zero.
        """
        if ticks <= 0 or lots <= 0:
            raise ValueError("price and quantity must be above zero")
        market, clearing = self._markets[instrument], self._clearing
        engine = market.engine
        clearing.number = number = clearing.number + 1
        if engine.crosses(sign, ticks):
            plan = engine.plan(HOUSE, sign, ticks, lots)
            clearing.execute(market, plan, sign, None)
            lots -= plan.lots
        if lots:
            engine.rest(RestingOrder(number, HOUSE, sign, ticks, lots))
            clearing.flow[number] = market
            market.is_mark_stale = True
        clearing.finish_flow(market)
        return number if number in clearing.flow else 0

    def flow_market(self, instrument: InstrumentId, side: Side, quantity: Decimal) -> Decimal:
        """Takes what is within the protection, drops the rest, and returns what was filled."""
        market, clearing = self._markets[instrument], self._clearing
        engine, sign = market.engine, side.sign
        limit = engine.protected(sign, clearing.protection)
        if limit is None:
            return engine.quantity(0)
        plan = engine.plan(HOUSE, sign, limit, engine.lots(quantity))
        clearing.execute(market, plan, sign, None)
        clearing.finish_flow(market)
        return engine.quantity(plan.lots)

    def flow_cancel(self, number: int) -> bool:
        """Cancels an order of the flow; returns False where it no longer rests."""
        market = self._clearing.flow.pop(number, None)
        if market is None:
            return False
        market.engine.remove(market.engine.orders[number])
        market.is_mark_stale = True
        self._clearing.finish_flow(market)
        return True

    def set_index(self, instrument: InstrumentId, price: Decimal) -> None:
        """Sets the index of a perpetual; the mark follows at once, with triggers and liquidations.

        Raises:
            ValueError: the instrument is spot.
        """
        market = self._markets[instrument]
        if not market.instrument.is_perpetual:
            raise ValueError(f"{market.instrument.name} is spot: it has no index")
        market.index = price
        self._clearing.refresh_mark(market)
        self._clearing.finish()

    def set_funding_rate(self, instrument: InstrumentId, rate: Decimal) -> None:
        """Sets the fraction that longs pay to shorts at the next funding time; told with the next mark."""
        market = self._markets[instrument]
        market.funding_rate = rate
        market.is_mark_stale = True

    # Market data.

    def drain(self) -> list[Event]:
        """Returns all events since the last call, in the order they happened."""
        events, self._outbox.events = self._outbox.events, []
        return events

    def snapshot(self, instrument: InstrumentId, depth: int) -> BookSnapshot:
        """Returns the book as it stands after every delta drained or waiting to be."""
        market = self._markets[instrument]
        bids, asks = market.engine.depth(1, depth), market.engine.depth(-1, depth)
        return BookSnapshot(instrument, bids, asks, market.sequence, self.now, self.now)

    def best_bid(self, instrument: InstrumentId) -> Decimal | None:
        return self._markets[instrument].best(1)

    def best_ask(self, instrument: InstrumentId) -> Decimal | None:
        return self._markets[instrument].best(-1)

    def last(self, instrument: InstrumentId) -> Decimal | None:
        """Returns the price of the last trade."""
        return self._markets[instrument].last

    def mark(self, instrument: InstrumentId) -> MarkPrice | None:
        return self._markets[instrument].mark_price(self.now)

    # Trading.

    def submit(self, owner: str, request: OrderRequest) -> Order:
        """Enters an order and returns it as it stands after all that it caused.

        Raises:
            OrderRejected, InsufficientFunds, DuplicateClientOrderId: nothing has changed.
        """
        trader, market = self._trader(owner), self._market(request.instrument)
        if trader.knows(request.client_order_id):
            words = f"the client order id {request.client_order_id} was used before"
            raise DuplicateClientOrderId(self.venue, words, "DUPLICATE_ID")
        reference = market.best(-request.side.sign)
        check_request(self.venue, market.instrument, request, reference)
        if len(trader.open) >= _MAX_OPEN:
            raise OrderRejected(self.venue, f"there are {_MAX_OPEN} open orders already", "TOO_MANY_ORDERS")
        account = trader.account
        terms = account.leverage(market.id)
        try:
            account.set_leverage(market.id, request.leverage or terms[0], request.margin_mode or terms[1])
            order = self._new_order(trader, market, request)
            if order.is_waiting:
                self._wait(trader, order)
            else:
                self._clearing.place(order, is_new=True)
        except OrderRejected:
            account.restore_leverage(market.id, *terms)
            raise
        self._clearing.number = order.number
        self._clearing.finish()
        return order.to_order()

    def _new_order(self, trader: Trader, market: Market, request: OrderRequest) -> PaperOrder:
        engine = market.engine
        lots = engine.lots(request.quantity)
        if request.reduce_only:
            room = self._clearing.closable(trader.owner, request.side.sign, market)
            if not room:
                raise OrderRejected(self.venue, "reduce-only: there is no position to reduce", "REDUCE_ONLY")
            lots = min(lots, room)
        order = PaperOrder(
            self._clearing.number + 1,
            trader.owner,
            market,
            request.client_order_id,
            request.side,
            request.type,
            lots,
            self.now,
            ticks=None if request.price is None else engine.ticks(request.price),
            trigger=request.trigger_price,
            time_in_force=request.time_in_force,
            post_only=request.post_only,
            reduce_only=request.reduce_only,
        )
        order.take_profit, order.stop_loss = request.take_profit, request.stop_loss
        return order

    def _wait(self, trader: Trader, order: PaperOrder) -> None:
        self._check_trigger(order, order.trigger)
        trader.add(order)
        order.market.triggers[order.number] = order
        self._outbox.accepted(order)
        # It holds nothing, but the leverage that came with it is the position's from now on.
        self._outbox.money(order.owner, order.market)

    def _check_trigger(self, order: PaperOrder, trigger: Decimal | None) -> None:
        market = order.market
        price = market.mark if market.instrument.is_perpetual else market.last
        if price is not None and order.would_trigger(trigger, price, price):
            what = "mark" if market.instrument.is_perpetual else "last price"
            words = f"the trigger would be reached at once: the {what} is {price:f}"
            raise OrderRejected(self.venue, words, "TRIGGER")

    def amend(self, owner: str, request: AmendRequest) -> Order:
        """Changes price, total size or trigger. A smaller size keeps the place in the queue, all else loses it.

        Raises:
            OrderRejected, InsufficientFunds, OrderNotFound: nothing has changed.
        """
        trader, market = self._trader(owner), self._market(request.instrument)
        order = self._find_open(trader, market, request.client_order_id, request.venue_order_id)
        engine, closing = market.engine, order.reduce_only
        price = request.price if request.price is not None else _price_of(order)
        check_steps(
            self.venue,
            market.instrument,
            engine.quantity(order.lots) if request.quantity is None else request.quantity,
            price or request.trigger_price or order.trigger,
            is_closing=closing,
        )
        if request.price is not None and order.ticks is None:
            raise OrderRejected(self.venue, f"a {order.type.replace('_', ' ')} order has no price", "AMEND")
        if request.trigger_price is not None and not order.is_waiting:
            raise OrderRejected(self.venue, "only an order that waits for its trigger can change it", "AMEND")
        check_price_steps(self.venue, market.instrument, request.trigger_price, "trigger price")
        if request.trigger_price is not None:
            self._check_trigger(order, request.trigger_price)
        lots = order.lots if request.quantity is None else engine.lots(request.quantity)
        if closing:
            lots = min(lots, order.filled + self._clearing.closable(owner, order.sign, market))
        if lots <= order.filled:
            filled = f"{engine.quantity(order.filled):f} {market.instrument.base}"
            raise OrderRejected(self.venue, f"{filled} is filled already", "ALREADY_FILLED")
        ticks = order.ticks if request.price is None else engine.ticks(request.price)
        self._change(order, ticks, lots, request.trigger_price)
        self._clearing.finish()
        return order.to_order()

    def _change(self, order: PaperOrder, ticks: int | None, lots: int, trigger: Decimal | None) -> None:
        before = order.ticks, order.lots
        if order.is_waiting:
            order.ticks, order.lots = ticks, lots
            order.trigger = trigger or order.trigger
            self._clearing.changed(order)
        elif ticks == order.ticks and lots <= order.lots:
            self._clearing.resize(order, lots)
        else:
            order.ticks, order.lots = ticks, lots
            try:
                self._clearing.place(order, is_new=False)
            except OrderRejected:
                order.ticks, order.lots = before
                raise

    def cancel(self, owner: str, request: CancelRequest) -> Order:
        """Raises OrderNotFound where the order is not open; the words say what has become of it."""
        trader, market = self._trader(owner), self._market(request.instrument)
        order = self._find_open(trader, market, request.client_order_id, request.venue_order_id)
        self._clearing.end(order, OrderStatus.CANCELED)
        self._clearing.finish()
        return order.to_order()

    def cancel_all(
        self, owner: str, instrument: InstrumentId | None = None, side: Side | None = None
    ) -> tuple[Order, ...]:
        """Cancels what is open now, untriggered orders too, and returns the orders as they then are."""
        found = [
            order
            for order in self._trader(owner).open.values()
            if instrument in (None, order.market.id) and side in (None, order.side)
        ]
        for order in found:
            self._clearing.end(order, OrderStatus.CANCELED)
        self._clearing.finish()
        return tuple(order.to_order() for order in found)

    def order(
        self, owner: str, instrument: InstrumentId, client_order_id: str = "", venue_order_id: str = ""
    ) -> Order:
        """Returns an order, open or closed. Raises OrderNotFound."""
        found = self._trader(owner).find(client_order_id, venue_order_id)
        if found is None or found.instrument != instrument:
            raise OrderNotFound(self.venue, "there is no such order", "ORDER_NOT_FOUND")
        return found

    def open_orders(self, owner: str) -> tuple[Order, ...]:
        return tuple(order.to_order() for order in self._trader(owner).open.values())

    def fills(self, owner: str, since: int = 0) -> tuple[Fill, ...]:
        """Returns the fills from `since` (nanoseconds UTC) on, oldest first; the last 5,000 are kept."""
        return tuple(fill for fill in self._trader(owner).fills if fill.ts_event >= since)

    def balances(self, owner: str) -> tuple[Balance, ...]:
        return self._trader(owner).account.balances()

    def positions(self, owner: str) -> tuple[Position, ...]:
        return self._trader(owner).account.positions()

    def account(self, owner: str) -> Account:
        return self._trader(owner).account

    def set_leverage(
        self, owner: str, instrument: InstrumentId, leverage: Decimal, margin_mode: MarginMode
    ) -> None:
        """Raises OrderRejected, InsufficientFunds: nothing has changed."""
        self._trader(owner).account.set_leverage(self._market(instrument).id, leverage, margin_mode)
        self._outbox.money(owner, self._market(instrument))
        self._clearing.finish()

    def sums(self) -> dict[str, Decimal]:
        """Returns the sum over all owners, house, fees and insurance included: only deposits change it."""
        return self._ledger.sums()

    # Keeping.

    def to_state(self) -> dict[str, Any]:
        """Returns accounts, ledger, counters, closed orders and fills as plain JSON-able values.

        The book and the resting orders are not part of it: call `cancel_all` first.
        """
        owners = {
            owner: {
                "account": trader.account.to_state(),
                "closed": [msgspec.to_builtins(order) for order in trader.closed.values()],
                "fills": [msgspec.to_builtins(fill) for fill in trader.fills],
            }
            for owner, trader in self._clearing.traders.items()
        }
        return {
            "now": self.now,
            "number": self._clearing.number,
            "trade_number": self._clearing.trade_number,
            "ledger": self._ledger.to_state(),
            "owners": owners,
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._clearing.number = state["number"]
        self._clearing.trade_number = state["trade_number"]
        for owner, kept in state["owners"].items():
            account = Account.from_state(kept["account"], owner, self._ledger, self._instruments, venue=self.venue)
            trader = self._clearing.traders[owner] = Trader(account)
            for order in kept["closed"]:
                trader.keep(msgspec.convert(order, Order))
            trader.fills.extend(msgspec.convert(fill, Fill) for fill in kept["fills"])

    def _trader(self, owner: str) -> Trader:
        trader = self._clearing.traders.get(owner)
        if trader is None:
            if owner in SYSTEM_OWNERS:
                raise ValueError(f"the owner {owner} belongs to the exchange")
            trader = Trader(Account(owner, self._ledger, self._instruments, venue=self.venue))
            for market in self._perpetuals:
                if market.mark is not None:
                    trader.account.set_mark(market.id, market.mark)
            self._clearing.traders[owner] = trader
        return trader

    def _market(self, instrument: InstrumentId) -> Market:
        market = self._markets.get(instrument)
        if market is None:
            raise OrderRejected(self.venue, f"{instrument.symbol} is not listed here", "UNKNOWN_INSTRUMENT")
        return market

    def _find_open(self, trader: Trader, market: Market, client_order_id: str, venue_order_id: str) -> PaperOrder:
        order = trader.open_order(client_order_id, venue_order_id)
        if order is not None and order.market is market:
            return order
        closed = trader.find(client_order_id, venue_order_id)
        words = f"the order is {closed.status.replace('_', ' ')}" if closed else "there is no such order"
        raise OrderNotFound(self.venue, words, "ORDER_NOT_FOUND")


def _price_of(order: PaperOrder) -> Decimal | None:
    return None if order.ticks is None else order.market.engine.price(order.ticks)
