"""What becomes of positions: funding and liquidation, and what of them has changed."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from venues.model import ZERO, InstrumentId
from venues.paper.ledger import money
from venues.simulators.perpetuals.positions import HeldPosition

if TYPE_CHECKING:
    from venues.simulators.perpetuals.venue import PerpetualVenue

_MOVES_KEPT = 1_000


class MarginMove(NamedTuple):
    """What was added to an isolated margin, below zero for what was taken off."""

    position_id: int
    amount: Decimal


class PositionCare:
    """Funding and liquidation of the demo user's positions. `liquidation_fee` is a fraction of the value."""

    def __init__(self, venue: PerpetualVenue, liquidation_fee: Decimal) -> None:
        self._perpetuals = venue
        self._liquidation_fee = liquidation_fee
        self._is_due = False
        self.changed: dict[int, HeldPosition] = {}  # not told yet, by id
        self.moved: deque[MarginMove] = deque(maxlen=_MOVES_KEPT)

    def touch(self, position: HeldPosition) -> None:
        """Notes that a position has changed; one with nothing left is taken out, and what was to close it ends."""
        self.changed[position.id] = position
        self._is_due = True
        for closed in self._perpetuals.book.drop_closed():
            self.was_closed(closed)

    def was_closed(self, position: HeldPosition) -> None:
        """Does what follows once nothing of a position is left."""

    def take_changed(self) -> list[HeldPosition]:
        changed, self.changed = self.changed, {}
        return list(changed.values())

    def move_margin(self, position: HeldPosition, amount: Decimal) -> None:
        """Adds to what stands behind an isolated position; what allows it was checked."""
        position.margin += amount
        position.ts_event = self._perpetuals.market.now
        self.moved.append(MarginMove(position.id, amount))
        self._perpetuals.wallet.changed()
        self.touch(position)

    def spare_margin(self, position: HeldPosition) -> Decimal:
        """Returns what can be taken off an isolated margin: what is beyond the initial margin and the loss."""
        loss = min(ZERO, position.pnl(self._perpetuals.mark(position.symbol)))
        return position.margin + loss - money(position.cost / position.leverage)

    def fund(self, instrument: InstrumentId, rate: Decimal, mark: Decimal, now: int) -> None:
        """Settles a funding time of all positions of a symbol."""
        for position in self._perpetuals.book.of(instrument.symbol):
            self._perpetuals.wallet.fund(position, rate, mark, now)
            self.touch(position)

    def wake(self) -> None:
        """A mark has changed: margins are to be looked at."""
        self._is_due = True

    def review(self) -> None:
        """Liquidates what its margin no longer carries."""
        if not self._is_due:
            return
        self._is_due = False
        venue = self._perpetuals
        wallet, book, orders = venue.wallet, venue.book, venue.orders
        for position in list(book.isolated()):
            if position.id in book.open and wallet.is_due(position):
                self._liquidate(position)
        if not wallet.is_cross_due():
            return
        for order, ticket in orders.all_open():
            if not ticket.is_closing:
                venue.market.cancel(order.id)
        while wallet.is_cross_due():
            worst = min(book.crossed(), key=lambda one: one.pnl(venue.mark(one.symbol)))
            self._liquidate(worst)
        debt = -wallet.cross_equity()
        if debt > 0 and not list(book.crossed()):
            wallet.move(wallet.words.take_over, debt, venue.market.now)

    def _liquidate(self, position: HeldPosition) -> None:
        """Closes a whole position at the mark, outside the book; the insurance pays what an isolated one lacks."""
        venue, now = self._perpetuals, self._perpetuals.market.now
        mark, wallet, symbol = venue.mark(position.symbol), venue.wallet, position.symbol
        words = wallet.words
        venue.orders.cancel_closing(position)
        left = position.margin + position.pnl(mark) if position.is_isolated else wallet.cross_equity()
        fee = min(max(ZERO, left), money(position.quantity * mark * self._liquidation_fee))
        fill, ticket = venue.orders.take_over(position, mark, fee)
        profit = position.close(mark, position.size, now)
        venue.orders.note_profit(fill, ticket, profit)
        position.fees += fee
        wallet.move(words.close, profit, now, symbol=symbol)
        wallet.move(words.liquidation, -fee, now, symbol=symbol)
        if position.is_isolated:
            wallet.move(words.take_over, max(ZERO, -left), now, symbol=symbol)
        self.touch(position)
