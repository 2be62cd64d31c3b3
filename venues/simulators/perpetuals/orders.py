"""Orders for positions: what they freeze and close, and the bookings of their fills.

An order is for one side's position: one that opens freezes its margin and fee, one that closes freezes contracts
of the position that it names. What an order has to fulfil is each venue's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, TypeVar

from venues.errors import OrderError
from venues.model import ZERO, Liquidity, OrderStatus, OrderType, Side, TimeInForce
from venues.paper.ledger import money
from venues.simulators.orders import Change, Filled, LocalEvent, LocalFill, LocalOrder, OrderChanged, OrderWish
from venues.simulators.perpetuals.positions import HeldPosition
from venues.simulators.perpetuals.tickets import Ticket

if TYPE_CHECKING:
    from venues.simulators.perpetuals.venue import PerpetualVenue

TICKETS_KEPT = 12_000  # more than the exchange keeps orders
T = TypeVar("T", bound=Ticket)


class PositionOrders(Generic[T]):
    """The demo user's orders by number."""

    def __init__(self, venue: PerpetualVenue) -> None:
        self._perpetuals = venue
        self._market = venue.market
        self._tickets: dict[int, T] = {}

    # What there is.

    def ticket(self, number: int) -> T:
        return self._tickets[number]

    def shown(self, orders: Iterable[LocalOrder]) -> list[tuple[LocalOrder, T]]:
        """Returns those that can be asked for; the fault stale-orders hides young ones."""
        return [
            (order, self._tickets[order.id])
            for order in orders
            if order.id in self._tickets and not self._perpetuals.is_unseen(order.ts_created)
        ]

    def all_open(self) -> list[tuple[LocalOrder, T]]:
        """Returns every order in the books, whatever a fault hides of them."""
        found = self._market.records.open
        return [(order, self._tickets[number]) for number, order in found.items() if number in self._tickets]

    def has_open(self, symbol: str) -> bool:
        """Says whether an order of a symbol is in the book, whatever a fault hides."""
        return any(ticket.symbol == symbol for _, ticket in self.all_open())

    def frozen(self) -> Decimal:
        """Returns what all open orders freeze."""
        return sum((self.frozen_by(order, ticket) for order, ticket in self.all_open()), ZERO)

    def frozen_by(self, order: LocalOrder, ticket: T) -> Decimal:
        if ticket.is_closing or not order.is_open:
            return ZERO
        return self.margin_of(ticket, order.left * ticket.price)

    def margin_of(self, ticket: T, value: Decimal) -> Decimal:
        """Returns what an order of a value freezes: margin and fee."""
        taker = self._market.instruments[ticket.symbol].taker_fee
        return money(value / ticket.leverage + value * taker)

    def closing(self, position: HeldPosition) -> int:
        """Returns how many contracts of a position open orders are going to close."""
        return sum(
            int(order.left / position.contract_size)
            for order, ticket in self.all_open()
            if ticket.is_closing and ticket.position_id == position.id
        )

    def closable(self, position: HeldPosition) -> int:
        """Returns how many contracts of a position no order is going to close."""
        return position.size - self.closing(position)

    def expected_price(self, symbol: str, side: Side) -> Decimal:
        """Returns about what an order at the market is going to pay."""
        bids, asks = self._market.top(symbol)
        best = asks if side is Side.BUY else bids
        return Decimal(best[0][0]) if best else self._market.last(symbol)

    # What is done.

    def enter(self, ticket: T, wish: OrderWish) -> int:
        """Enters an order that was checked and returns its number; the ticket's where it has one.

        Raises:
            OrderError: nothing has changed.
        """
        is_new = not ticket.number
        number = ticket.number = ticket.number or self._market.take_number()
        self.keep(ticket)
        try:
            self._market.place(wish, number=number)
        except OrderError:
            if is_new:
                del self._tickets[number]
            raise
        return number

    def keep(self, ticket: T) -> None:
        self._tickets[ticket.number] = ticket
        if len(self._tickets) > TICKETS_KEPT:
            ended = [one for one in self._tickets if self.has_ended(one)]
            for number in ended[: TICKETS_KEPT // 4]:
                del self._tickets[number]

    def has_ended(self, number: int) -> bool:
        return number not in self._market.records.open

    def cancel_open(self, symbol: str = "") -> list[int]:
        """Cancels what is in the books, and returns the numbers."""
        found = [one.number for _, one in self.all_open() if symbol in ("", one.symbol)]
        for number in found:
            if number in self._market.records.open:
                self._market.cancel(number)
        return found

    def cancel_closing(self, position: HeldPosition) -> None:
        """Cancels the orders in the book that are to close a position."""
        for order, ticket in self.all_open():
            if ticket.is_closing and ticket.position_id == position.id:
                self._market.cancel(order.id)

    # What comes of it.

    def book(self, events: Sequence[LocalEvent]) -> None:
        """Books the fills among what has happened: positions first, then the money."""
        for event in events:
            if isinstance(event, Filled) and event.fill.order_id in self._tickets:
                ticket = self._tickets[event.fill.order_id]
                if not ticket.is_forced:
                    self._book(event.fill, ticket)

    def _book(self, fill: LocalFill, ticket: T) -> None:
        venue = self._perpetuals
        wallet, words = venue.wallet, venue.wallet.words
        position = self.position_for(fill, ticket)
        contracts = int(fill.quantity / position.contract_size)
        position.fees += fill.fee
        if ticket.is_closing:
            profit = position.close(fill.price, contracts, fill.ts_event)
            self.note_profit(fill, ticket, profit)
            wallet.move(words.close, profit, fill.ts_event, symbol=ticket.symbol)
        else:
            position.open(fill.price, contracts, fill.ts_event)
        wallet.move(words.fee, -fill.fee, fill.ts_event, symbol=ticket.symbol)
        self.was_filled(ticket, position, contracts)
        venue.positions.touch(position)

    def position_for(self, fill: LocalFill, ticket: T) -> HeldPosition:
        """Returns the position that a fill opens, adds to or closes."""
        raise NotImplementedError

    def was_filled(self, ticket: T, position: HeldPosition, contracts: int) -> None:
        """Does what follows from a fill that was booked."""

    def note_profit(self, _fill: LocalFill, ticket: T, profit: Decimal) -> None:
        """Keeps what a fill has closed with."""
        ticket.profit = (ticket.profit or ZERO) + profit

    def forced_ticket(self, position: HeldPosition, price: Decimal) -> T:
        """Returns the ticket of a liquidation's order, without its number."""
        raise NotImplementedError

    def take_over(self, position: HeldPosition, price: Decimal, fee: Decimal) -> tuple[LocalFill, T]:
        """Makes the filled order of a liquidation, which no book has seen; and tells of it."""
        market, now = self._market, self._market.now
        instrument = market.instruments[position.symbol]
        ticket = self.forced_ticket(position, price)
        ticket.number, ticket.is_forced = market.take_number(), True
        self.keep(ticket)
        side, quantity = position.side.closing, position.quantity
        fill = LocalFill(
            trade_id=market.paper.next_trade_number(), order_id=ticket.number, client_id="", account=0,
            instrument=instrument.id, side=side, price=price, quantity=quantity, fee=fee,
            fee_currency=instrument.settle, liquidity=Liquidity.TAKER, ts_event=now,
        )  # fmt: skip
        order = LocalOrder(
            id=ticket.number, account=0, instrument=instrument.id, client_id="", side=side,
            type=OrderType.MARKET, quantity=quantity, is_quote=False, price=None,
            time_in_force=TimeInForce.IOC, post_only=False, is_hidden=False, source="liquidation",
            stop_id=0, is_foreign=True, maker_rate=ZERO, taker_rate=ZERO, fee_currency=instrument.settle,
            status=OrderStatus.FILLED, filled=quantity, filled_value=price * quantity, fee=fee, last_fill=fill,
            reason="liquidation", ts_created=now, ts_event=now,
        )  # fmt: skip
        market.records.ended[order.id] = order
        market.records.fills.append(fill)
        market.tell(Filled(fill), OrderChanged(Change.FINISH, order))
        return fill, ticket
