"""What can be done to positions and how they are margined, and what of them has changed."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from venues.model import ZERO, InstrumentId
from venues.paper.ledger import money
from venues.rounding import is_multiple
from venues.simulators.pumpkin.figures import MONEY_STEP
from venues.simulators.pumpkin.markets import LIQUIDATION_FEE, TERMS
from venues.simulators.pumpkin.positions import HeldPosition, MarginType, PositionModel
from venues.simulators.pumpkin.refusals import Refusal, invalid
from venues.simulators.pumpkin.tickets import Draft
from venues.simulators.pumpkin.wallet import CLOSE, LIQUIDATION, TAKE_OVER

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

_MOVES_KEPT = 1_000


class MarginMove(NamedTuple):
    """What was added to an isolated margin, below zero for what was taken off."""

    position_id: int
    amount: Decimal


class PositionDesk:
    """Leverage, margin, margin type, funding and liquidation of the demo user's positions."""

    def __init__(self, venue: PumpkinSimulator) -> None:
        self._venue = venue
        self._book = venue.book
        self._is_due = False
        self.changed: dict[int, HeldPosition] = {}  # not told yet, by id
        self.moved: deque[MarginMove] = deque(maxlen=_MOVES_KEPT)

    def touch(self, position: HeldPosition) -> None:
        """Notes that a position has changed; one with nothing left is taken out, and its exits end."""
        self.changed[position.id] = position
        self._is_due = True
        for closed in self._book.drop_closed():
            self._venue.entrusts.end_of(closed)

    def take_changed(self) -> list[HeldPosition]:
        changed, self.changed = self.changed, {}
        return list(changed.values())

    # What the user may change.

    def check_leverage(self, symbol: str, leverage: int) -> None:
        if not 1 <= leverage <= TERMS[symbol].max_leverage:
            raise invalid("leverage")

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Raises Refusal: out of range, or a position or an order is open."""
        self.check_leverage(symbol, leverage)
        if self._book.of(symbol):
            raise Refusal("exist_position_can_not_adjust_leverage")
        if self._venue.orders.has_open(symbol):
            raise Refusal("exist_open_order_can_not_adjust_leverage")
        self._book.settings(symbol).leverage = leverage

    def set_type(self, symbol: str, margin_type: MarginType, model: PositionModel) -> None:
        """Raises Refusal: it would change under an open position or order."""
        settings = self._book.settings(symbol)
        if (margin_type, model) == (settings.margin_type, settings.model):
            return
        if self._book.of(symbol) or self._venue.orders.has_open(symbol):
            raise Refusal("exist_position_or_order_can_not_change_type")
        settings.margin_type, settings.model = margin_type, model

    def adjust_margin(self, position: HeldPosition, amount: Decimal) -> None:
        """Adds to an isolated margin; a negative amount takes off what is beyond the initial margin.

        Raises:
            Refusal: it is a cross position, there is not so much, or it has more digits than the coin.
        """
        if not position.is_isolated:
            raise Refusal("not_isolated_position")
        if not is_multiple(amount, MONEY_STEP):
            raise invalid("margin")
        if amount > 0 and amount > self._venue.wallet.free():
            raise Refusal("insufficient_balance")
        loss = min(ZERO, position.pnl(self._venue.mark(position.symbol)))
        if amount < 0 and position.margin + amount + loss < money(position.cost / position.leverage):
            raise invalid("margin")
        position.margin += amount
        position.ts_event = self._venue.market.now
        self.moved.append(MarginMove(position.id, amount))
        self._venue.wallet.changed()
        self.touch(position)

    def close_all(self, symbol: str = "") -> None:
        """Cancels what closes, and closes every position at the market, whatever becomes of the others.

        Raises:
            Refusal: none of them could be closed.
        """
        refused: list[Refusal] = []
        found = self._book.of(symbol)
        for position in found:
            self._cancel_closing(position)
            if position.id not in self._book.open:
                continue
            try:
                self._venue.orders.place(closing_draft(position, position.size))
            except Refusal as refusal:
                refused.append(refusal)
        if refused and len(refused) == len(found):
            raise refused[0]

    def _cancel_closing(self, position: HeldPosition) -> None:
        for order, ticket in self._venue.orders.all_open():
            if ticket.is_closing and ticket.position_id == position.id:
                self._venue.orders.cancel(order.id)

    # What the market does to them.

    def fund(self, instrument: InstrumentId, rate: Decimal, mark: Decimal, now: int) -> None:
        """Settles a funding time of all positions of a symbol."""
        self._venue.past.note_funding(instrument.symbol, rate, now, self._venue.funding.seconds)
        for position in self._book.of(instrument.symbol):
            self._venue.wallet.fund(position, rate, mark, now)
            self.touch(position)

    def wake(self) -> None:
        """A mark has changed: margins are to be looked at."""
        self._is_due = True

    def review(self) -> None:
        """Liquidates what its margin no longer carries."""
        if not self._is_due:
            return
        self._is_due = False
        wallet, book = self._venue.wallet, self._book
        for position in list(book.isolated()):
            if position.id in book.open and wallet.is_due(position):
                self._liquidate(position)
        if not wallet.is_cross_due():
            return
        for order, ticket in self._venue.orders.all_open():
            if not ticket.is_closing:
                self._venue.orders.cancel(order.id)
        while wallet.is_cross_due():
            worst = min(book.crossed(), key=lambda one: one.pnl(self._venue.mark(one.symbol)))
            self._liquidate(worst)
        debt = -wallet.cross_equity()
        if debt > 0 and not list(book.crossed()):
            wallet.move(TAKE_OVER, debt, self._venue.market.now)

    def _liquidate(self, position: HeldPosition) -> None:
        """Closes a whole position at the mark, outside the book; the insurance pays what an isolated one lacks."""
        venue, now = self._venue, self._venue.market.now
        mark, wallet, symbol = venue.mark(position.symbol), venue.wallet, position.symbol
        self._cancel_closing(position)
        left = position.margin + position.pnl(mark) if position.is_isolated else wallet.cross_equity()
        fee = min(max(ZERO, left), money(position.quantity * mark * LIQUIDATION_FEE))
        ticket = venue.orders.take_over(position, mark, fee)
        profit = position.close(mark, position.size, now)
        ticket.profit = profit
        position.fees += fee
        wallet.move(CLOSE, profit, now, symbol=symbol)
        wallet.move(LIQUIDATION, -fee, now, symbol=symbol)
        if position.is_isolated:
            wallet.move(TAKE_OVER, max(ZERO, -left), now, symbol=symbol)
        self.touch(position)


def closing_draft(
    position: HeldPosition, contracts: int, *, price: Decimal | None = None, source_id: int = 0
) -> Draft:
    """Returns the order that closes contracts of a position, at the market where no price is given."""
    return Draft(
        symbol=position.symbol,
        side=position.side.closing,
        position_side=position.side,
        is_market=price is None,
        time_in_force="IOC" if price is None else "GTC",
        contracts=contracts,
        price=price,
        position_id=position.id,
        reduce_only=True,
        source_id=source_id,
        is_full=contracts == position.size,
    )
