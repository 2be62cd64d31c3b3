"""What the account holds of each currency: `accountBalance` is all of it, unrealised profits left out.

`unRealizedPnL` is stale by design and is not read. A push tells the whole alone: what is locked of it is as it was
until the next read, which it asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from venues.errors import DecodeError
from venues.events import BalanceUpdate, Event
from venues.mayex import VENUE
from venues.mayex.models import CurrencyAccount as Row
from venues.mayex.pushes import PushedBalance
from venues.model import ZERO, Balance
from venues.transport.freshness import BEHIND, Newest


class Balances:
    """The newest balances by currency. `now` is the venue's clock, nanoseconds."""

    def __init__(self, now: Callable[[], int], monotonic: Callable[[], float], *, time_scale: float = 1.0) -> None:
        self._now = now
        self._versions: dict[str, int] = {}
        self.newest: Newest[str, Balance] = Newest(monotonic, BEHIND * time_scale)

    def take_read(self, rows: Iterable[Row], began: float) -> list[Event]:
        """Takes a read of all currencies; returns what it changes. Raises DecodeError."""
        parsed = [parse_balance(row) for row in rows]
        changed, gone = self.newest.read({one.currency: one for one in parsed}, began)
        told = [self.newest.values[key] for key in changed]
        told += [Balance(currency=key, total=ZERO, available=ZERO, locked=ZERO) for key in gone]
        return [BalanceUpdate(VENUE, tuple(told), self._now())] if told else []

    def take_push(self, row: PushedBalance) -> list[Event]:
        """Takes a row of ACCOUNT_UPDATE. An older version than was told is none; spot is no part of it."""
        if row.account == "SPOT" or row.total is None:
            if row.account != "SPOT":
                self.newest.want_read()
            return []
        currency = row.currency.upper()
        if row.version is not None:
            if row.version <= self._versions.get(currency, -1):
                return []
            self._versions[currency] = row.version
        before = self.newest.values.get(currency)
        if before is not None and before.total == row.total:
            return []
        locked = before.locked if before is not None else ZERO
        self.newest.want_read()
        told = Balance(currency=currency, total=row.total, available=row.total - locked, locked=locked)
        return [BalanceUpdate(VENUE, (told,), self._now())] if self.newest.push(currency, told) else []

    def forget_stream(self) -> None:
        """Is told that the stream is lost: another one may number anew."""
        self.newest.forget_stream()
        self._versions.clear()

    def totals(self) -> dict[str, Decimal]:
        """Returns the whole of each currency."""
        return {key: one.total for key, one in self.newest.values.items()}

    def held(self) -> list[Balance]:
        """Returns what there is, without currencies of which there is nothing."""
        return [one for one in self.newest.values.values() if one.total or one.locked]


def parse_balance(row: Row) -> Balance:
    """Returns a row of the assets; what is not available of it is locked. Raises DecodeError."""
    if not row.currency:
        raise DecodeError(VENUE, "a balance of no currency")
    total = row.account_balance
    available = total - (row.position_margin or ZERO) if row.avail_balance is None else row.avail_balance
    available = min(available, total)  # a profit of cross positions may be offered as margin, but is nobody's yet
    return Balance(currency=row.currency.upper(), total=total, available=available, locked=total - available)
