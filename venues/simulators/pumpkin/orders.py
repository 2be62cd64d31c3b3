"""Orders of Pumpkin: what the local exchange does not know of them, from their checks to the fills' bookings.

An order is for one side's position: one that opens freezes its margin and fee, one that closes freezes contracts
of the position that it names.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from venues.errors import OrderError
from venues.model import Side
from venues.simulators.orders import LocalFill, LocalOrder
from venues.simulators.perpetuals.margin import most_leverage
from venues.simulators.perpetuals.orders import PositionOrders
from venues.simulators.perpetuals.positions import HeldPosition
from venues.simulators.pumpkin.checks import check_exits, check_limits, wish_of
from venues.simulators.pumpkin.markets import TERMS
from venues.simulators.pumpkin.position_desk import closing_draft
from venues.simulators.pumpkin.refusals import Refusal, invalid, refusal_of
from venues.simulators.pumpkin.tickets import Draft, Ticket

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator


class Orders(PositionOrders[Ticket]):
    """The demo user's orders by number."""

    def __init__(self, venue: PumpkinSimulator) -> None:
        super().__init__(venue)
        self._venue = venue

    # What there is.

    def find(self, number: int) -> tuple[LocalOrder, Ticket] | None:
        """Returns an order that can still be asked for; the fault stale-orders hides young ones."""
        order, ticket = self._market.records.find(number), self._tickets.get(number)
        if order is None or ticket is None or self._venue.is_unseen(order.ts_created):
            return None
        return order, ticket

    def open(self, symbol: str = "", side: Side | None = None) -> list[tuple[LocalOrder, Ticket]]:
        """Returns open orders, newest first."""
        return self.shown(self._market.open_orders(symbol=symbol, side=side))

    def ended(self, symbol: str = "") -> list[tuple[LocalOrder, Ticket]]:
        return self.shown(self._market.finished_orders(symbol=symbol))

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
        if not ticket.is_closing:
            settings.leverage = ticket.leverage
        try:
            return self.enter(ticket, wish)
        except OrderError as error:
            settings.leverage = before
            raise refusal_of(error) from None

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
        ticket.frozen = self.margin_of(ticket, ticket.price * draft.contracts * TERMS[draft.symbol].contract_size)
        if ticket.frozen > venue.wallet.free():
            raise Refusal("insufficient_balance")
        return ticket

    def _price(self, draft: Draft) -> Decimal:
        """Returns the limit price, or about what a market order is going to pay."""
        if draft.price is not None and not draft.is_market:
            return draft.price
        return self.expected_price(draft.symbol, draft.side)

    def _closable(self, draft: Draft) -> HeldPosition:
        if not draft.position_id:
            raise invalid("position_id")
        position = self._venue.book.open.get(draft.position_id)
        if position is None or position.symbol != draft.symbol or position.side is not draft.position_side:
            raise invalid("position_id")
        if not draft.reduce_only:
            raise invalid("reduce_only")
        if draft.contracts > self.closable(position):
            raise Refusal("quantity_more_than_available_close")
        return position

    def cancel(self, number: int) -> None:
        """Raises Refusal: there is no such order, or it has ended."""
        if number not in self._market.records.open:
            raise Refusal("invalid_order" if number not in self._tickets else "invalid_state")
        self._market.cancel(number)

    def cancel_all(self, symbol: str = "") -> int:
        """Cancels what is open, and returns how many that were."""
        return len(self.cancel_open(symbol))

    # What comes of it.

    def position_for(self, fill: LocalFill, ticket: Ticket) -> HeldPosition:
        """Returns the position that a fill opens, adds to or closes."""
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

    def was_filled(self, ticket: Ticket, position: HeldPosition, contracts: int) -> None:
        """Adds the exits of an order to what its fill has opened."""
        self._venue.entrusts.attach(ticket, position, contracts)

    def forced_ticket(self, position: HeldPosition, price: Decimal) -> Ticket:
        """Returns the ticket of a liquidation's order, without its number."""
        return Ticket.of(closing_draft(position, position.size), position.leverage, price)
