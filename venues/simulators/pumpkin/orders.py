"""Orders of Pumpkin: what the local exchange does not know of them, from their checks to the fills' bookings.

An order is for one side's position: one that opens freezes its margin and fee, one that closes freezes contracts
of the position that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from venues.errors import OrderError
from venues.model import ZERO, Liquidity, OrderStatus, OrderType, Side
from venues.paper.ledger import money
from venues.simulators.orders import Change, Filled, LocalEvent, LocalFill, LocalOrder, OrderChanged
from venues.simulators.pumpkin.checks import check_exits, check_limits, wish_of
from venues.simulators.pumpkin.margin import most_leverage
from venues.simulators.pumpkin.markets import TERMS
from venues.simulators.pumpkin.positions import HeldPosition, PositionSide
from venues.simulators.pumpkin.refusals import Refusal, invalid, refusal_of
from venues.simulators.pumpkin.tickets import Draft, Ticket
from venues.simulators.pumpkin.wallet import CLOSE, FEE

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

_TICKETS = 12_000  # kept; more than the exchange keeps orders


class Orders:
    """The demo user's orders by number."""

    def __init__(self, venue: PumpkinSimulator) -> None:
        self._venue = venue
        self._market = venue.market
        self._tickets: dict[int, Ticket] = {}
        self.filled: Callable[[Ticket, HeldPosition, int], None] = _nobody

    # What there is.

    def find(self, number: int) -> tuple[LocalOrder, Ticket] | None:
        """Returns an order that can still be asked for; the fault stale-orders hides young ones."""
        order, ticket = self._market.records.find(number), self._tickets.get(number)
        if order is None or ticket is None or self._venue.is_unseen(order.ts_created):
            return None
        return order, ticket

    def ticket(self, number: int) -> Ticket:
        return self._tickets[number]

    def open(self, symbol: str = "", side: Side | None = None) -> list[tuple[LocalOrder, Ticket]]:
        """Returns open orders, newest first."""
        return self._shown(self._market.open_orders(symbol=symbol, side=side))

    def ended(self, symbol: str = "") -> list[tuple[LocalOrder, Ticket]]:
        return self._shown(self._market.finished_orders(symbol=symbol))

    def _shown(self, orders: Iterable[LocalOrder]) -> list[tuple[LocalOrder, Ticket]]:
        return [
            (order, self._tickets[order.id])
            for order in orders
            if order.id in self._tickets and not self._venue.is_unseen(order.ts_created)
        ]

    def all_open(self) -> list[tuple[LocalOrder, Ticket]]:
        """Returns every open order, whatever a fault hides of them."""
        found = self._market.records.open
        return [(order, self._tickets[number]) for number, order in found.items() if number in self._tickets]

    def has_open(self, symbol: str) -> bool:
        """Says whether an order of a symbol is open, whatever a fault hides."""
        return any(ticket.symbol == symbol for _, ticket in self.all_open())

    def frozen(self) -> Decimal:
        """Returns what all open orders freeze."""
        return sum((self.frozen_by(order, ticket) for order, ticket in self.all_open()), ZERO)

    def frozen_by(self, order: LocalOrder, ticket: Ticket) -> Decimal:
        if ticket.is_closing or not order.is_open:
            return ZERO
        return self._margin(ticket, order.left * ticket.price)

    def _margin(self, ticket: Ticket, value: Decimal) -> Decimal:
        taker = self._market.instruments[ticket.symbol].taker_fee
        return money(value / ticket.leverage + value * taker)

    def closing(self, position: HeldPosition) -> int:
        """Returns how many contracts of a position open orders are going to close."""
        size = TERMS[position.symbol].contract_size
        return sum(
            int(order.left / size)
            for order, ticket in self.all_open()
            if ticket.is_closing and ticket.position_id == position.id
        )

    # What is done.

    def place(self, draft: Draft) -> int:
        """Enters an order and returns its number.

        Raises:
            Refusal: nothing has changed.
        """
        settings = self._venue.book.settings(draft.symbol)
        before = settings.leverage
        ticket = self._accepted(draft)
        wish = wish_of(draft, ticket, self._market.instruments[draft.symbol], self._market)
        number = ticket.number = self._market.take_number()
        self._keep(ticket)
        if not ticket.is_closing:
            settings.leverage = ticket.leverage
        try:
            self._market.place(wish, number=number)
        except OrderError as error:
            del self._tickets[number]
            settings.leverage = before
            raise refusal_of(error) from None
        return number

    def _keep(self, ticket: Ticket) -> None:
        self._tickets[ticket.number] = ticket
        if len(self._tickets) > _TICKETS:
            ended = [one for one in self._tickets if one not in self._market.records.open]
            for number in ended[: _TICKETS // 4]:
                del self._tickets[number]

    def _accepted(self, draft: Draft) -> Ticket:
        """Checks everything that can be checked before the book is looked at."""
        venue = self._venue
        mark = venue.mark(draft.symbol)
        there = sum(1 for _, ticket in self.all_open() if ticket.symbol == draft.symbol)
        check_limits(draft, self._market.instruments[draft.symbol], mark, there)
        check_exits(draft, self._market.instruments[draft.symbol], mark)
        if draft.is_closing:
            position = self._closable(draft)
            if draft.leverage not in (0, position.leverage):
                raise Refusal("order_leverage_not_match_position_leverage", biz_code="1000")
            return Ticket.of(draft, position.leverage, self._price(draft))
        settings = venue.book.settings(draft.symbol)
        leverage = draft.leverage or settings.leverage
        if leverage != settings.leverage:
            if venue.book.of(draft.symbol) or self.has_open(draft.symbol):
                raise Refusal("order_leverage_not_match_position_leverage", biz_code="1000")
            venue.positions.check_leverage(draft.symbol, leverage)
        held = sum(one.size for one in venue.book.of(draft.symbol) if one.side is draft.position_side)
        if leverage > most_leverage(TERMS[draft.symbol].brackets, Decimal(held + draft.contracts)):
            raise Refusal("quantity_more_than_max_position")
        ticket = Ticket.of(draft, leverage, self._price(draft))
        ticket.frozen = self._margin(ticket, ticket.price * draft.contracts * TERMS[draft.symbol].contract_size)
        if ticket.frozen > venue.wallet.free():
            raise Refusal("insufficient_balance")
        return ticket

    def _price(self, draft: Draft) -> Decimal:
        """Returns the limit price, or about what a market order is going to pay."""
        if draft.price is not None and not draft.is_market:
            return draft.price
        bids, asks = self._market.top(draft.symbol)
        best = asks if draft.side is Side.BUY else bids
        return Decimal(best[0][0]) if best else self._market.last(draft.symbol)

    def _closable(self, draft: Draft) -> HeldPosition:
        if not draft.position_id:
            raise invalid("position_id")
        position = self._venue.book.open.get(draft.position_id)
        if position is None or position.symbol != draft.symbol or position.side is not draft.position_side:
            raise invalid("position_id")
        if not draft.reduce_only:
            raise invalid("reduce_only")
        if draft.contracts > position.size - self.closing(position):
            raise Refusal("quantity_more_than_available_close")
        return position

    def cancel(self, number: int) -> None:
        """Raises Refusal: there is no such order, or it has ended."""
        if number not in self._market.records.open:
            raise Refusal("invalid_order" if number not in self._tickets else "invalid_state")
        self._market.cancel(number)

    def cancel_all(self, symbol: str = "") -> int:
        """Cancels what is open, and returns how many that were."""
        found = [one.number for _, one in self.all_open() if symbol in ("", one.symbol)]
        for number in found:
            if number in self._market.records.open:
                self._market.cancel(number)
        return len(found)

    # What comes of it.

    def book(self, events: Sequence[LocalEvent]) -> None:
        """Books the fills among what has happened: positions first, then the money."""
        for event in events:
            if isinstance(event, Filled) and event.fill.order_id in self._tickets:
                ticket = self._tickets[event.fill.order_id]
                if not ticket.is_forced:
                    self._book(event.fill, ticket)

    def _book(self, fill: LocalFill, ticket: Ticket) -> None:
        venue = self._venue
        contracts = int(fill.quantity / TERMS[ticket.symbol].contract_size)
        position = self._position(fill, ticket)
        position.fees += fill.fee
        if ticket.is_closing:
            profit = position.close(fill.price, contracts, fill.ts_event)
            ticket.profit = (ticket.profit or ZERO) + profit
            venue.wallet.move(CLOSE, profit, fill.ts_event, symbol=ticket.symbol)
        else:
            position.open(fill.price, contracts, fill.ts_event)
        venue.wallet.move(FEE, -fill.fee, fill.ts_event, symbol=ticket.symbol)
        self.filled(ticket, position, contracts)
        venue.positions.touch(position)

    def _position(self, fill: LocalFill, ticket: Ticket) -> HeldPosition:
        book = self._venue.book
        if ticket.position_id in book.open:
            return book.open[ticket.position_id]
        found = book.joined(ticket.symbol, ticket.position_side)
        if found is None:
            number = self._market.take_number()
            found = book.begin(number, ticket.symbol, ticket.position_side, fill.ts_event)
        if not ticket.is_closing:
            ticket.position_id = found.id
        return found

    def take_over(self, position: HeldPosition, price: Decimal, fee: Decimal) -> Ticket:
        """Makes the filled order of a liquidation, which no book has seen, and tells of it."""
        market, now = self._market, self._market.now
        instrument = market.instruments[position.symbol]
        side, quantity = position.side.closing, position.quantity
        draft = Draft(
            position.symbol, side, position.side, True, "IOC", position.size, None, position.id, reduce_only=True
        )
        ticket = Ticket.of(draft, position.leverage, price)
        ticket.number, ticket.is_forced = market.take_number(), True
        self._keep(ticket)
        fill = LocalFill(
            trade_id=market.paper.next_trade_number(), order_id=ticket.number, client_id="", account=0,
            instrument=instrument.id, side=side, price=price, quantity=quantity, fee=fee,
            fee_currency=instrument.settle, liquidity=Liquidity.TAKER, ts_event=now,
        )  # fmt: skip
        order = LocalOrder(
            id=ticket.number, account=0, instrument=instrument.id, client_id="", side=side,
            type=OrderType.MARKET, quantity=quantity, is_quote=False, price=None,
            time_in_force=draft.local_time_in_force, post_only=False, is_hidden=False, source="liquidation",
            stop_id=0, is_foreign=True, maker_rate=ZERO, taker_rate=ZERO, fee_currency=instrument.settle,
            status=OrderStatus.FILLED, filled=quantity, filled_value=price * quantity, fee=fee, last_fill=fill,
            reason="liquidation", ts_created=now, ts_event=now,
        )  # fmt: skip
        market.records.ended[order.id] = order
        market.records.fills.append(fill)
        market.tell(Filled(fill), OrderChanged(Change.FINISH, order))
        return ticket


def position_side_of(side: Side) -> PositionSide:
    """Returns the side whose position an order of `side` opens."""
    return PositionSide.LONG if side is Side.BUY else PositionSide.SHORT


def _nobody(_ticket: Ticket, _position: HeldPosition, _contracts: int) -> None:
    """Is told while nobody listens."""
