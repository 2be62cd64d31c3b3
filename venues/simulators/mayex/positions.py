"""Positions by symbol, side and margin: their leverage, and what the user may do to them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from venues.model import ZERO
from venues.rounding import is_multiple
from venues.simulators.figures import MONEY_STEP
from venues.simulators.mayex.markets import BRACKETS, FIRST_LEVERAGE, LIQUIDATION_FEE, MAX_LEVERAGE
from venues.simulators.mayex.refusals import Refusal
from venues.simulators.perpetuals.position_desk import PositionCare
from venues.simulators.perpetuals.positions import HeldPosition, MarginType, OpenPositions, PositionSide

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator


class PositionBook(OpenPositions):
    """All open positions by their id, and the leverage of every symbol, isolated and cross."""

    def __init__(self) -> None:
        super().__init__()
        self._leverage: dict[tuple[str, MarginType], int] = {}

    def leverage(self, symbol: str, margin_type: MarginType) -> int:
        return self._leverage.get((symbol, margin_type), FIRST_LEVERAGE)

    def set_leverage(self, symbol: str, margin_type: MarginType, leverage: int) -> None:
        self._leverage[symbol, margin_type] = leverage

    def find(self, symbol: str, side: PositionSide, margin_type: MarginType) -> HeldPosition | None:
        named = (symbol, side, margin_type)
        return next((one for one in self.of(symbol) if (one.symbol, one.side, one.margin_type) == named), None)

    def begin(
        self, number: int, symbol: str, side: PositionSide, margin_type: MarginType, lot: Decimal, now: int
    ) -> HeldPosition:
        position = HeldPosition(
            number, symbol, side, margin_type, self.leverage(symbol, margin_type), lot, BRACKETS,
            ts_opened=now, ts_event=now,
        )  # fmt: skip
        self.open[number] = position
        return position


class PositionDesk(PositionCare):
    """Leverage, margin, funding and liquidation of the demo user's positions."""

    def __init__(self, venue: MayexSimulator) -> None:
        super().__init__(venue, LIQUIDATION_FEE)
        self._venue = venue
        self._book = venue.book

    def was_closed(self, position: HeldPosition) -> None:
        """Cancels what was to close it."""
        self._venue.orders.cancel_waiting(position)

    def set_leverage(self, symbol: str, margin_type: MarginType, leverage: int) -> None:
        """Margins the positions of a symbol anew. Raises Refusal: nothing has changed."""
        book, wallet = self._book, self._venue.wallet
        before = book.leverage(symbol, margin_type)
        if leverage < 1:
            raise Refusal(1004)
        if leverage > MAX_LEVERAGE:
            raise Refusal(1005)
        if leverage == before:
            raise Refusal(1006)
        held = [one for one in book.of(symbol) if one.margin_type is margin_type]
        if leverage < before and margin_type is MarginType.ISOLATED and held:
            raise Refusal(1012)
        self._set(symbol, margin_type, held, leverage)
        is_short = any(wallet.is_due(one) for one in held if one.is_isolated)
        if is_short or (leverage < before and wallet.free() < 0):
            self._set(symbol, margin_type, held, before)
            raise Refusal(1007)
        for position in held:
            self.touch(position)
        wallet.changed()

    def _set(self, symbol: str, margin_type: MarginType, held: list[HeldPosition], leverage: int) -> None:
        self._book.set_leverage(symbol, margin_type, leverage)
        for position in held:
            position.set_leverage(leverage)
        for _, ticket in self._venue.orders.all_open():
            if (ticket.symbol, ticket.draft.margin_type) == (symbol, margin_type):
                ticket.leverage = leverage

    def adjust_margin(self, symbol: str, side: PositionSide, amount: Decimal) -> None:
        """Adds to an isolated margin; a negative amount takes off what is beyond the initial margin.

        Raises:
            Refusal: there is no isolated position, there is not so much, or it has more digits than the coin.
        """
        position = self._book.find(symbol, side, MarginType.ISOLATED)
        if position is None:
            raise Refusal(5002)
        if amount == ZERO or not is_multiple(amount, MONEY_STEP):
            raise Refusal(1009)
        if amount > 0 and amount > self._venue.wallet.free():
            raise Refusal(5003)
        if amount < 0 and -amount > self.spare_margin(position):
            raise Refusal(5004)
        self.move_margin(position, amount)
