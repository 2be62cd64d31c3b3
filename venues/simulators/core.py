"""The venue-neutral local exchange that every simulator stands on.

One demo user trades on markets that a seeded crowd, or a recording, keeps alive. The matching and the ledger are
the paper venue's; what venues add to it is here: whole-number order ids, client ids that may repeat or be missing,
market orders by quote value, stop orders that become orders, further accounts (margin), and listeners.

Everything but `run` is synchronous: what an action causes has happened, and has been told, when it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import msgspec

from venues.commands import AmendRequest, CancelRequest, OrderRequest
from venues.errors import OrderError, OrderRejected
from venues.events import BookDelta, FillUpdate, MarkPrice, OrderUpdate, PositionUpdate, Trade
from venues.model import Balance, Instrument, InstrumentId, Side
from venues.paper.account import Account
from venues.paper.instruments import Listing
from venues.simulators.accounts import Accounts
from venues.simulators.acts import perform, state_of
from venues.simulators.orders import (
    Change,
    Filled,
    LocalEvent,
    LocalOrder,
    LocalStop,
    OrderChanged,
    OrderWish,
    StopChanged,
    StopStatus,
)
from venues.simulators.paper import LocalPaper
from venues.simulators.playback import Playback, recorded_listings
from venues.simulators.port import Clock
from venues.simulators.pulse import Pulse
from venues.simulators.records import OrderRecords
from venues.simulators.stops import StopBook
from venues.simulators.tape import Tape
from venues.simulators.views import Views

Listener = Callable[[Sequence[LocalEvent]], None]


class Life(Protocol):
    """What moves the market: the crowd, or a recording."""

    is_quiet: bool

    def quiet(self) -> None: ...
    def resume(self, rate: float | None = None) -> None: ...
    async def run(self) -> None: ...


class LocalExchange(Views):
    """Markets, the demo user's accounts, and whatever moves the market.

    `rate` is the crowd's messages a second over all markets, 0 for none. With a `replay` the listings are the
    recording's. `keeps_unfilled` False: an order that ends without a fill can not be found any more.
    With `allows_self_trade` the user's orders trade with each other; otherwise the one that rests is cancelled.
    With `stops_keep_number` the order that a stop order becomes has the stop's number, and with
    `takes_fee_of_received` fees are paid in what a trade brings. An `account_type` is what accounts are, where a
    venue keeps its own books.
    Orders, stops and trades are numbered from the millisecond of the start on: whoever keeps the ids of a run does
    not meet them in the next.

    Raises:
        RecordingError: the recording can not be read.
        ValueError: it holds nothing to play.
    """

    def __init__(
        self,
        listings: Sequence[Listing],
        *,
        venue: str,
        clock: Clock,
        deposits: Mapping[str, Decimal],
        seed: int = 1,
        rate: float = 200.0,
        replay: Path | None = None,
        speed: float = 1.0,
        keeps_unfilled: bool = True,
        allows_self_trade: bool = False,
        stops_keep_number: bool = False,
        takes_fee_of_received: bool = False,
        account_type: type[Account] | None = None,
    ) -> None:
        self.venue = venue
        self.clock = clock
        start = clock.time_ns()
        recorded: dict[str, Listing] = {}
        if replay is not None:
            fees = listings[0].instrument
            recorded = recorded_listings(replay, venue, fees.maker_fee, fees.taker_fee)
            listings = list(recorded.values())
        self.instruments: Mapping[str, Instrument] = {one.id.symbol: one.instrument for one in listings}
        self.paper = LocalPaper(
            list(self.instruments.values()), start=start, venue=venue, deposits=deposits,
            allows_self_trade=allows_self_trade, takes_fee_of_received=takes_fee_of_received,
            account_type=account_type,
        )  # fmt: skip
        shares = sum(listing.share for listing in listings)
        self.tapes: Mapping[str, Tape] = {
            one.id.symbol: Tape(one, seed=seed, rate=max(rate, 1.0) * one.share / shares, start=start)
            for one in listings
        }
        self.records = OrderRecords(self.take_number, keeps_unfilled=keeps_unfilled)
        self.stops = StopBook()
        self.accounts = Accounts(venue, self.paper)
        self._listeners: dict[Listener, None] = {}
        self._number = self.paper.number_trades_from(start // 1_000_000)
        self._ranges: dict[
            InstrumentId, tuple[Decimal, Decimal]
        ] = {}  # lowest and highest trade not looked at yet
        self._is_firing = False
        self._stops_keep_number = stops_keep_number
        self.life: Life
        if replay is not None:
            listed = {symbol: one.instrument for symbol, one in recorded.items()}
            self.life = Playback(replay, listed, self.paper, self.settle, self.print_trade, clock, speed=speed)
        else:
            self.life = Pulse(listings, self.paper, self.settle, clock, seed=seed, rate=rate)
        self.paper.drain()

    async def run(self) -> None:
        """Lets the market live until cancelled."""
        await self.life.run()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hands the events of every action to `listener`, until the returned function is called."""
        self._listeners[listener] = None

        def stop() -> None:
            self._listeners.pop(listener, None)

        return stop

    def tell(self, *events: LocalEvent) -> None:
        """Hands events to all listeners."""
        for listener in list(self._listeners):
            listener(events)

    # Trading. Refusals are venues.errors.OrderError, with the paper exchange's codes.

    def take_number(self) -> int:
        """Takes the next number, for an order that is told to its client before it is placed."""
        self._number += 1
        return self._number

    def place(self, wish: OrderWish, *, number: int = 0) -> LocalOrder:
        """Enters an order and returns it as it stands after all that it caused; `number` was taken before.

        Raises:
            OrderRejected, InsufficientFunds: nothing has changed.
        """
        self._advance()
        instrument = self.instruments[wish.symbol]
        owner = self.accounts.owner(wish.account)
        quantity = wish.quantity
        if wish.is_quote:
            quantity = self.paper.quantity_for(owner, instrument.id, wish.side, quantity)
            if not quantity:
                raise OrderRejected(self.venue, "there is nothing in the book for this amount", "NO_LIQUIDITY")
        number = number or self._number + 1
        request = OrderRequest(
            instrument=instrument.id, client_order_id=str(number), side=wish.side, type=wish.type,
            quantity=quantity, price=wish.price, time_in_force=wish.time_in_force, post_only=wish.post_only,
            reduce_only=wish.reduce_only,
        )  # fmt: skip
        self.records.expect(number, wish)
        try:
            self.paper.submit(owner, request)
        except OrderError:
            self.records.forget(number)
            raise
        self._number = max(self._number, number)
        return self._settled(number)

    def place_stop(self, wish: OrderWish, trigger_price: Decimal, *, number: int = 0) -> LocalStop:
        """Keeps an order back until the last price reaches `trigger_price` from where it is now.

        Raises:
            OrderRejected: the trigger is the last price, or not on the tick.
        """
        self._advance()
        instrument = self.instruments[wish.symbol]
        self._check_trigger(instrument, trigger_price)
        last = self.last(wish.symbol)
        number = number or self.take_number()
        stop = self.stops.add(number, wish, instrument.id, trigger_price, last, self.paper.now)
        self.tell(StopChanged(Change.PUT, stop))
        return stop

    def _check_trigger(self, instrument: Instrument, trigger: Decimal) -> None:
        if trigger <= 0 or trigger % instrument.tick_size:
            words = f"trigger price must be a multiple of {instrument.tick_size:f}"
            raise OrderRejected(self.venue, words, "FILTER")
        if trigger == self.last(instrument.id.symbol):
            raise OrderRejected(self.venue, "the trigger price is the last price", "TRIGGER")

    def amend(self, order_id: int, *, price: Decimal | None = None, quantity: Decimal | None = None) -> LocalOrder:
        """Changes price or total quantity of an open order, which keeps its number.

        Raises:
            OrderNotFound, OrderRejected, InsufficientFunds: nothing has changed.
        """
        self._advance()
        order = self.open_order(order_id)
        request = AmendRequest(
            instrument=order.instrument, client_order_id=str(order_id), venue_order_id="", price=price,
            quantity=quantity,
        )  # fmt: skip
        self.paper.amend(self.accounts.owner(order.account), request)
        return self._settled(order_id)

    def amend_stop(
        self,
        stop_id: int,
        *,
        price: Decimal | None = None,
        quantity: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> LocalStop:
        """Raises OrderNotFound, OrderRejected: nothing has changed."""
        self._advance()
        stop = self.waiting_stop(stop_id)
        if trigger_price is not None:
            self._check_trigger(self.instruments[stop.wish.symbol], trigger_price)
        wish = msgspec.structs.replace(
            stop.wish,
            price=stop.wish.price if price is None else price,
            quantity=stop.wish.quantity if quantity is None else quantity,
        )
        trigger = stop.trigger_price if trigger_price is None else trigger_price
        changed = self.stops.amend(stop, wish, trigger, self.last(wish.symbol), self.paper.now)
        self.tell(StopChanged(Change.UPDATE, changed))
        return changed

    def cancel(self, order_id: int) -> LocalOrder:
        """Raises OrderNotFound where the order is not open."""
        self._advance()
        order = self.open_order(order_id)
        request = CancelRequest(instrument=order.instrument, client_order_id=str(order_id), venue_order_id="")
        self.paper.cancel(self.accounts.owner(order.account), request)
        return self._settled(order_id)

    def cancel_stop(self, stop_id: int) -> LocalStop:
        """Raises OrderNotFound where the stop order does not wait."""
        self._advance()
        ended = self.stops.end(self.waiting_stop(stop_id), StopStatus.CANCELED, self.paper.now)
        self.tell(StopChanged(Change.FINISH, ended))
        return ended

    def _settled(self, number: int) -> LocalOrder:
        self.settle()
        return self.records.open.get(number) or self.records.ended[number]

    # Accounts.

    def balance(self, account: int, currency: str) -> Balance:
        return self.accounts.balance(account, currency)

    def balances(self, account: int) -> tuple[Balance, ...]:
        return self.accounts.balances(account)

    # What follows an action.

    def settle(self) -> None:
        """Tells the listeners what has come of the newest action, and fires the stop orders that it reached."""
        told: list[LocalEvent] = []
        for event in self.paper.drain():
            if isinstance(event, BookDelta):
                told.append(event)
            elif isinstance(event, Trade):
                self._traded(event)
                told.append(event)
            elif isinstance(event, OrderUpdate):
                found = self.records.update(event.order, self.instruments[event.order.instrument.symbol])
                if found is not None:
                    told.append(OrderChanged(*found))
            elif isinstance(event, FillUpdate):
                fill, order = self.records.fill(event.fill)
                instrument = self.instruments[fill.instrument.symbol]
                self.accounts.note_fill(fill, instrument.base, instrument.quote)
                told.append(Filled(fill))
                if order.left > 0:
                    told.append(OrderChanged(Change.UPDATE, order))
            elif isinstance(event, (MarkPrice, PositionUpdate)):
                told.append(event)
        told += self.accounts.changes(self.paper.take_moved(), self.paper.now)
        if told:
            self.tell(*told)
        self._fire()

    def print_trade(self, name: InstrumentId, side: Side, price: Decimal, quantity: Decimal) -> None:
        """Publishes a trade that was made elsewhere (a recorded one)."""
        now = self.paper.now
        trade = Trade(name, str(self.paper.next_trade_number()), side, price, quantity, now, now)
        self._traded(trade)
        self.tell(trade)
        self._fire()

    def _traded(self, trade: Trade) -> None:
        self.tapes[trade.instrument.symbol].add(trade)
        low, high = self._ranges.get(trade.instrument, (trade.price, trade.price))
        self._ranges[trade.instrument] = min(low, trade.price), max(high, trade.price)

    def _fire(self) -> None:
        """Places the orders of all stops that were reached; what those trade may reach further ones."""
        if self._is_firing:
            return
        self._is_firing = True
        try:
            while self._ranges:
                ranges, self._ranges = self._ranges, {}
                for name, (low, high) in ranges.items():
                    for stop in self.stops.reached(name, low, high):
                        self._trigger(stop)
        finally:
            self._is_firing = False

    def _trigger(self, stop: LocalStop) -> None:
        # It is taken out first: an order that it places can not reach it again.
        self.stops.end(stop, StopStatus.TRIGGERED, self.paper.now)
        try:
            number = stop.id if self._stops_keep_number else 0
            order = self.place(msgspec.structs.replace(stop.wish, stop_id=stop.id), number=number)
        except OrderError as error:
            ended = self.stops.end(stop, StopStatus.FAILED, self.paper.now, reason=error.message)
        else:
            ended = self.stops.end(stop, StopStatus.TRIGGERED, self.paper.now, order_id=order.id)
        self.tell(StopChanged(Change.FINISH, ended))

    # Control.

    def state(self) -> dict[str, Any]:
        """Returns books, orders, fills and balances as plain values, numbers as text."""
        return state_of(self)

    def act(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Does what the control API asks for.

        Raises:
            ValueError: it makes no sense, or the exchange refuses it; the words say why.
        """
        return perform(self, wish)
