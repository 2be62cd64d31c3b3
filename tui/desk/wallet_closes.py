"""The closes of what margin wallets hold: one after the other, since no venue holds them to reducing.

A second one that is sent before the first is seen in what the wallet holds would open the other side, in whichever
market of the currency it is.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tui.desk.orders import Tracked
from venues.model import NANOSECONDS


class _Close(NamedTuple):
    tracked: Tracked
    quantity: Decimal  # what was held when it was sent
    ts: int  # when it was sent


class WalletCloses:
    """The newest close of each currency at each venue."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], _Close] = {}

    def note(self, venue: str, base: str, tracked: Tracked, quantity: Decimal, now: int) -> None:
        """Hears of a close that is about to be sent, of `quantity` held."""
        self._newest[venue, base] = _Close(tracked, quantity, now)

    def is_pending(self, venue: str, base: str, quantity: Decimal, settle: float, now: int) -> bool:
        """Says whether the `quantity` held may be what a close is about to take, or has taken unseen.

        `settle` is how many seconds the venue may take to show what it has taken.
        """
        close = self._newest.get((venue, base))
        if close is None:
            return False
        tracked = close.tracked
        if not tracked.status.is_terminal:
            return True
        done = tracked.order.filled_quantity
        # Not compared for being equal: interest is charged meanwhile.
        is_shown = abs(close.quantity - quantity) > done / 2
        return bool(done) and not is_shown and now - max(close.ts, tracked.ts_told) < settle * NANOSECONDS
