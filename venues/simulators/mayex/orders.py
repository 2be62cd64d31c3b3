"""Orders of Mayex: in the book or waiting for their trigger, under one number from beginning to end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from venues.errors import OrderError
from venues.events import MarkPrice, Trade
from venues.model import ZERO, Side
from venues.simulators.mayex.checks import check_draft, rises, wish_of
from venues.simulators.mayex.markets import MAX_ORDERS, MAX_WAITING
from venues.simulators.mayex.refusals import Refusal, refusal_of
from venues.simulators.mayex.tickets import (
    TRIGGER_KINDS,
    Draft,
    Execution,
    OrderKind,
    OrderTold,
    Shown,
    Status,
    Ticket,
    Trigger,
    shown_of,
)
from venues.simulators.orders import Change, Filled, LocalEvent, LocalFill, LocalOrder, OrderChanged
from venues.simulators.perpetuals.orders import PositionOrders
from venues.simulators.perpetuals.positions import HeldPosition
from venues.simulators.perpetuals.ranges import PriceKind, PriceRanges
from venues.simulators.records import ENDED_KEPT

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator


class Orders(PositionOrders[Ticket]):
    """The demo user's orders by number. `told` hears of everything that happens to them, in its order."""

    def __init__(self, venue: MayexSimulator) -> None:
        super().__init__(venue)
        self._venue = venue
        self._waiting: dict[int, Ticket] = {}
        self._names: set[str] = set()
        self._ended: deque[int] = deque(maxlen=ENDED_KEPT)
        self._ranges = PriceRanges()
        self._is_booking = False
        self._later: list[tuple[Execution, Ticket]] = []  # to be told once the fills are
        self.profits: dict[int, Decimal] = {}  # of fills that have closed something, by trade
        self.told: Callable[[OrderTold], None] = _nobody

    # What there is.

    def shown_now(self, number: int) -> Shown:
        """Returns an order as it stands. Raises KeyError: there is none."""
        ticket, records = self._tickets[number], self._market.records
        order = records.open.get(number) or records.ended.get(number)
        return shown_of(ticket, order, self._lot(ticket))

    def every(self) -> list[Shown]:
        """Returns every order that is known, whatever a fault hides, oldest first."""
        return [self.shown_now(number) for number in sorted(self._tickets) if self._is_known(number)]

    def _is_known(self, number: int) -> bool:
        records = self._market.records
        has_book = number in records.open or number in records.ended
        return has_book or self._tickets[number].own_status is not None

    def listed(self, symbol: str = "", *, is_open: bool) -> list[int]:
        """Returns open orders, or those that have ended, newest first, of the symbols that begin like this.

        The fault stale-orders hides young ones.
        """
        numbers = sorted([*self._waiting, *self._market.records.open]) if is_open else self._ended
        return [
            number
            for number in reversed(numbers)
            if number in self._tickets
            and self._tickets[number].symbol.startswith(symbol)
            and not self._venue.is_unseen(self._tickets[number].ts_created)
        ]

    def knows(self, number: int) -> bool:
        """Says whether there is an order of this number."""
        return number in self._tickets

    def symbol_of(self, number: int) -> str:
        """Returns the symbol of an order. Raises Refusal: there is none."""
        if number not in self._tickets:
            raise Refusal(4000)
        return self._tickets[number].symbol

    def waiting(self, symbol: str = "") -> list[Ticket]:
        return [one for one in self._waiting.values() if symbol in ("", one.symbol)]

    def has_ended(self, number: int) -> bool:
        """Says whether an order neither waits nor is in the book."""
        return number not in self._waiting and super().has_ended(number)

    def _lot(self, ticket: Ticket) -> Decimal:
        return self._market.instruments[ticket.symbol].lot_size

    # What is done.

    def place(self, draft: Draft) -> int:
        """Enters an order and returns its number.

        Raises:
            Refusal: nothing has changed.
        """
        if draft.client_id in self._names:
            raise Refusal(4014)
        check_draft(draft, self._market.instruments[draft.symbol], self._venue.mark(draft.symbol))
        ticket = self._new(draft)
        if draft.kind.waits:
            self._wait(ticket)
        else:
            self._enter(ticket)
        if draft.client_id:
            self._names.add(draft.client_id)
        return ticket.number

    def _new(self, draft: Draft) -> Ticket:
        venue, now = self._venue, self._market.now
        return Ticket(
            symbol=draft.symbol, position_side=draft.position_side, is_closing=draft.is_closing, position_id=0,
            price=draft.price or ZERO, leverage=venue.book.leverage(draft.symbol, draft.margin_type), draft=draft,
            kind=draft.kind, lots=draft.lots, mark_at_place=venue.mark(draft.symbol),
            last_at_place=self._market.last(draft.symbol), ts_created=now, ts_event=now,
        )  # fmt: skip

    def _enter(self, ticket: Ticket) -> None:
        """Sends an order into the book. Raises Refusal: nothing has changed."""
        draft = ticket.draft
        instrument = self._market.instruments[draft.symbol]
        if sum(1 for _, one in self.all_open() if one.symbol == draft.symbol) >= MAX_ORDERS:
            raise Refusal(4011)
        if draft.is_closing:
            position = self._position(draft)
            there = 0 if position is None else self.closable(position)
            if draft.close_position:
                ticket.lots = there
            if position is None or not 0 < ticket.lots <= there:
                raise Refusal(4008)
            ticket.position_id = position.id
        if draft.kind.is_market:
            ticket.price = self.expected_price(draft.symbol, draft.side)
        ticket.leverage = self._venue.book.leverage(draft.symbol, draft.margin_type)
        value = ticket.lots * instrument.lot_size * ticket.price
        if not draft.is_closing and self.margin_of(ticket, value) > self._venue.wallet.free():
            raise Refusal(408)
        if draft.kind.is_market and not self._market.top(draft.symbol)[1 if draft.side is Side.BUY else 0]:
            raise Refusal(4005)
        try:
            self.enter(ticket, wish_of(ticket, instrument))
        except OrderError as error:
            if error.code != "POST_ONLY":
                raise refusal_of(error) from None
            self._end(ticket, Status.EXPIRED)

    def _position(self, draft: Draft) -> HeldPosition | None:
        return self._venue.book.find(draft.symbol, draft.position_side, draft.margin_type)

    def cancel(self, symbol: str, number: int) -> Shown:
        """Cancels an order and returns it as it was before. Raises Refusal: there is none, or it has ended."""
        if number not in self._tickets or self._tickets[number].symbol != symbol:
            raise Refusal(4000)
        if self.has_ended(number):
            raise Refusal(4020)
        before = self.shown_now(number)
        self._cancel(number)
        return before

    def _cancel(self, number: int) -> None:
        if number in self._waiting:
            self._end(self._waiting[number], Status.CANCELED)
        elif number in self._market.records.open:
            self._market.cancel(number)

    def cancel_all(self, symbol: str = "") -> list[Shown]:
        """Cancels what is open and what waits. Raises Refusal: there is nothing."""
        found = [one.number for one in (*self.waiting(symbol), *(ticket for _, ticket in self.all_open()))]
        chosen = [number for number in found if symbol in ("", self._tickets[number].symbol)]
        if not chosen:
            raise Refusal(4070)
        before = [self.shown_now(number) for number in chosen]
        for number in chosen:
            self._cancel(number)
        return before

    # What waits.

    def _wait(self, ticket: Ticket) -> None:
        draft = ticket.draft
        if len(self.waiting(draft.symbol)) >= MAX_WAITING:
            raise Refusal(4012)
        if draft.is_closing:
            position = self._position(draft)
            if position is None or draft.lots > position.size:
                raise Refusal(4008)
        ticket.rises = rises(draft, self._price(draft))
        self._add(ticket)

    def _add(self, ticket: Ticket) -> None:
        ticket.number = ticket.number or self._market.take_number()
        ticket.own_status = Status.NEW
        self._waiting[ticket.number] = ticket
        self.keep(ticket)
        self._tell(Execution.NEW, ticket)

    def _price(self, draft: Draft) -> Decimal:
        """Returns the price that an order's trigger watches."""
        is_mark = draft.trigger is not None and TRIGGER_KINDS[draft.trigger.type] is PriceKind.MARK
        return self._venue.mark(draft.symbol) if is_mark else self._market.last(draft.symbol)

    def note(self, event: Trade | MarkPrice) -> None:
        """Takes a price; what it reaches is done by `review`."""
        if self._waiting:
            self._ranges.note(event)

    def review(self) -> None:
        """Sends the orders of all that was reached into the book."""
        while self._ranges:
            for seen in self._ranges.take():
                for one in self.waiting(seen.symbol):
                    trigger = one.draft.trigger
                    is_watched = trigger is not None and TRIGGER_KINDS[trigger.type] is seen.kind
                    if is_watched and one.number in self._waiting and one.is_reached(seen.low, seen.high):
                        self._trigger(one)

    def _trigger(self, ticket: Ticket) -> None:
        del self._waiting[ticket.number]
        draft = ticket.draft
        if draft.is_closing:
            position = self._position(draft)
            there = 0 if position is None else self.closable(position)
            ticket.lots = min(ticket.lots, there) if ticket.lots else there
        ticket.own_status, ticket.kind = None, draft.kind.triggered
        for sibling in self._siblings(ticket):
            self._end(sibling, Status.CANCELED)
        try:
            self._enter(ticket)
        except Refusal:
            self._end(ticket, Status.EXPIRED)

    def _siblings(self, ticket: Ticket) -> list[Ticket]:
        parent = self._tickets.get(ticket.draft.parent)
        return [] if parent is None else [self._waiting[one] for one in parent.children if one in self._waiting]

    def _end(self, ticket: Ticket, status: Status) -> None:
        """Ends an order that is in no book."""
        self._waiting.pop(ticket.number, None)
        ticket.own_status, ticket.ts_event = status, self._market.now
        self.keep(ticket)
        self._tell(Execution.EXPIRED if status is Status.EXPIRED else Execution.CANCELED, ticket)

    def cancel_waiting(self, position: HeldPosition) -> None:
        """Cancels what was to close a position that is gone."""
        for one in self.waiting(position.symbol):
            kind = one.position_side, one.draft.margin_type
            if one.is_closing and kind == (position.side, position.margin_type):
                self._end(one, Status.CANCELED)

    # What comes of it.

    def book(self, events: Sequence[LocalEvent]) -> None:
        """Books the fills among what has happened; what follows from them is told after them, by `tell`."""
        self._is_booking = True
        super().book(events)
        self._is_booking = False

    def tell(self, events: Sequence[LocalEvent]) -> None:
        """Tells of the orders among what has happened in the book, and of those that it has brought or ended."""
        for index, event in enumerate(events):
            if isinstance(event, Filled) and event.fill.order_id in self._tickets:
                order = _next_of(event.fill.order_id, events[index:])
                self._tell(Execution.TRADE, self._tickets[event.fill.order_id], order, event.fill)
            elif isinstance(event, OrderChanged) and event.order.id in self._tickets:
                self._tell_change(event.change, event.order, self._tickets[event.order.id])
        later, self._later = self._later, []
        for kind, ticket in later:
            self._tell(kind, ticket)

    def _tell_change(self, change: Change, order: LocalOrder, ticket: Ticket) -> None:
        status = shown_of(ticket, order, self._lot(ticket)).status
        if change is Change.PUT:
            self._tell(Execution.NEW, ticket, order)
        elif change is Change.FINISH and status is not Status.FILLED:
            is_canceled = status is Status.CANCELED
            self._tell(Execution.CANCELED if is_canceled else Execution.EXPIRED, ticket, order)

    def _tell(
        self, kind: Execution, ticket: Ticket, order: LocalOrder | None = None, fill: LocalFill | None = None
    ) -> None:
        if self._is_booking:
            self._later.append((kind, ticket))
            return
        shown = shown_of(ticket, order, self._lot(ticket))
        if not shown.status.is_open:
            self._ended.append(ticket.number)
        self.told(OrderTold(kind, shown, fill))

    def position_for(self, fill: LocalFill, ticket: Ticket) -> HeldPosition:
        """Returns the position that a fill opens, adds to or closes."""
        draft, book = ticket.draft, self._venue.book
        found = self._position(draft)
        if found is None:
            found = book.begin(
                self._market.take_number(), draft.symbol, draft.position_side, draft.margin_type,
                self._lot(ticket), fill.ts_event,
            )  # fmt: skip
        return found

    def was_filled(self, ticket: Ticket, _position: HeldPosition, contracts: int) -> None:
        """Adds what protects the position that an order has opened, or lets it protect more."""
        if ticket.is_closing:
            return
        if ticket.children:
            for number in ticket.children:
                if number in self._waiting:
                    self._waiting[number].lots += contracts
            return
        draft = ticket.draft
        for name, kind, found in (
            ("TP", OrderKind.TAKE_PROFIT_MARKET, draft.profit),
            ("SL", OrderKind.STOP_LOSS_MARKET, draft.stop),
        ):
            if found is not None:
                self._protect(ticket, contracts, name, kind, found)

    def _protect(self, parent: Ticket, lots: int, name: str, kind: OrderKind, trigger: Trigger) -> None:
        draft = Draft(
            symbol=parent.symbol,
            client_id=f"{name}{parent.number}",
            side=parent.position_side.closing,
            position_side=parent.position_side,
            is_isolated=parent.draft.is_isolated,
            kind=kind,
            time_in_force="GTC",
            lots=lots,
            trigger=trigger,
            parent=parent.number,
            is_foreign=parent.draft.is_foreign,
        )
        child = self._new(draft)
        child.rises = (kind is OrderKind.STOP_LOSS_MARKET) is (draft.side is Side.BUY)
        self._add(child)
        parent.children += (child.number,)

    def note_profit(self, fill: LocalFill, ticket: Ticket, profit: Decimal) -> None:
        """Keeps what a fill has closed with."""
        super().note_profit(fill, ticket, profit)
        self.profits[fill.trade_id] = profit
        if len(self.profits) > ENDED_KEPT:
            del self.profits[next(iter(self.profits))]

    def forced_ticket(self, position: HeldPosition, price: Decimal) -> Ticket:
        """Returns the ticket of a liquidation's order, without its number."""
        ticket = self._new(
            Draft(
                symbol=position.symbol,
                client_id="",
                side=position.side.closing,
                position_side=position.side,
                is_isolated=position.is_isolated,
                kind=OrderKind.MARKET,
                time_in_force="IOC",
                lots=position.size,
                is_foreign=True,
            )
        )
        ticket.price = price
        return ticket


def _next_of(number: int, events: Iterable[LocalEvent]) -> LocalOrder | None:
    """Returns an order as it is after the first of the events that shows it."""
    return next((one.order for one in events if isinstance(one, OrderChanged) and one.order.id == number), None)


def _nobody(_told: OrderTold) -> None:
    """Is told while nobody listens."""
