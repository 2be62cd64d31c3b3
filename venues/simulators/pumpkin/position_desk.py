"""What the user may do to positions and how they are margined at Pumpkin."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from venues.model import InstrumentId
from venues.rounding import is_multiple
from venues.simulators.figures import MONEY_STEP
from venues.simulators.perpetuals.position_desk import PositionCare
from venues.simulators.perpetuals.positions import HeldPosition, MarginType
from venues.simulators.pumpkin.markets import LIQUIDATION_FEE, TERMS
from venues.simulators.pumpkin.positions import PositionModel
from venues.simulators.pumpkin.refusals import Refusal, invalid
from venues.simulators.pumpkin.tickets import Draft

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator


class PositionDesk(PositionCare):
    """Leverage, margin, margin type, funding and liquidation of the demo user's positions."""

    def __init__(self, venue: PumpkinSimulator) -> None:
        super().__init__(venue, LIQUIDATION_FEE)
        self._venue = venue
        self._book = venue.book

    def was_closed(self, position: HeldPosition) -> None:
        """Ends what was to close it."""
        self._venue.entrusts.end_of(position)

    def fund(self, instrument: InstrumentId, rate: Decimal, mark: Decimal, now: int) -> None:
        """Settles a funding time of all positions of a symbol, and keeps its rate."""
        self._venue.past.note_funding(instrument.symbol, rate, now, self._venue.funding.seconds)
        super().fund(instrument, rate, mark, now)

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
        if amount < 0 and -amount > self.spare_margin(position):
            raise invalid("margin")
        self.move_margin(position, amount)

    def close_all(self, symbol: str = "") -> None:
        """Cancels what closes, and closes every position at the market, whatever becomes of the others.

        Raises:
            Refusal: none of them could be closed.
        """
        refused: list[Refusal] = []
        found = self._book.of(symbol)
        for position in found:
            self._venue.orders.cancel_closing(position)
            if position.id not in self._book.open:
                continue
            try:
                self._venue.orders.place(closing_draft(position, position.size))
            except Refusal as refusal:
                refused.append(refusal)
        if refused and len(refused) == len(found):
            raise refused[0]


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
