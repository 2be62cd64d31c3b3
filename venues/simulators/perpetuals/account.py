"""What stands in the paper exchange for the demo user: trades, and leaves positions and money to the wallet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from venues.model import ZERO, InstrumentId, Liquidity, Side
from venues.paper.account import Account, Settlement
from venues.paper.ledger import money
from venues.paper.margin import Hold
from venues.rounding import floor_to
from venues.simulators.figures import MONEY_STEP

Funded = Callable[[InstrumentId, Decimal, Decimal, int], None]


class UnboundAccount(Account):
    """An account without limit: what an order needs was checked before it came here. It never has a position."""

    fee_step: Decimal | None = None  # to which fees are rounded down; as exact as the ledger where it is none
    funded: Funded | None = None  # told of every funding time: instrument, rate, mark, nanoseconds UTC

    def require(
        self,
        instrument: InstrumentId,
        side: Side,
        holds: Iterable[Hold],
        *,
        taken: Decimal = ZERO,
        value: Decimal = ZERO,
        peak: Decimal = ZERO,
    ) -> None:
        """Accepts everything."""

    def hold(self, instrument: InstrumentId, holds: Iterable[Hold]) -> None:
        """Holds nothing."""

    def apply_fill(
        self,
        instrument: InstrumentId,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        liquidity: Liquidity,
        now: int,
    ) -> Settlement:
        """Says what an execution costs."""
        del side, now
        listed = self._instruments[instrument]
        rate = listed.maker_fee if liquidity is Liquidity.MAKER else listed.taker_fee
        fee = price * quantity * rate
        return Settlement(
            money(fee) if self.fee_step is None else floor_to(fee, self.fee_step), listed.settle, ZERO
        )

    def apply_funding(self, instrument: InstrumentId, rate: Decimal, mark: Decimal, now: int) -> Decimal:
        """Passes a funding time on; nothing is paid here."""
        if self.funded is not None:
            self.funded(instrument, rate, mark, now)
        return ZERO


class ShownFeeAccount(UnboundAccount):
    """The same where fees have no more digits than venues tell."""

    fee_step = MONEY_STEP
