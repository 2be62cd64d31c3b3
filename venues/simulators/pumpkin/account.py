"""What stands in the paper exchange for the demo user: trades, and leaves positions and money to the wallet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from venues.model import ZERO, InstrumentId, Liquidity, Side
from venues.paper.account import Account, Settlement
from venues.paper.ledger import money
from venues.paper.margin import Hold

Funded = Callable[[InstrumentId, Decimal, Decimal, int], None]


class UnboundAccount(Account):
    """An account without limit: what an order needs was checked before it came here. It never has a position."""

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
        return Settlement(money(price * quantity * rate), listed.settle, ZERO)

    def apply_funding(self, instrument: InstrumentId, rate: Decimal, mark: Decimal, now: int) -> Decimal:
        """Passes a funding time on; nothing is paid here."""
        if self.funded is not None:
            self.funded(instrument, rate, mark, now)
        return ZERO
