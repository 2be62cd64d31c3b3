"""How far the market has gone since a ticket was opened, and when that is worth a word."""

from __future__ import annotations

from decimal import Decimal


class Drift:
    """Watches a price from where it began; a move of `threshold` (a fraction) since the last word is material."""

    def __init__(self, threshold: Decimal, start: Decimal | None = None) -> None:
        self._threshold = threshold
        self._start = self._said_at = self._now = start

    def saw(self, price: Decimal | None) -> bool:
        """Takes the price as it is now; says whether it has moved materially since that was last said."""
        if price is None or price <= 0:
            return False
        self._now = price
        if self._start is None or self._said_at is None:
            self._start = self._said_at = price
            return False
        if abs(price / self._said_at - 1) <= self._threshold:
            return False
        self._said_at = price
        return True

    @property
    def told(self) -> Decimal | None:
        """The whole move since the start as a fraction; None as long as none of it was material."""
        if self._start is None or self._now is None or self._said_at == self._start:
            return None
        return self._now / self._start - 1
