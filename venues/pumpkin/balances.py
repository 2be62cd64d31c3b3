"""What the account holds of each coin: `walletBalance` is all of it, profits that are not realised left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from venues.errors import DecodeError
from venues.events import BalanceUpdate, Event
from venues.model import ZERO, Balance
from venues.pumpkin import VENUE
from venues.pumpkin.models import Balance as Row
from venues.transport.freshness import BEHIND, Newest


class Balances:
    """The newest balances by currency. `now` is the venue's clock, nanoseconds."""

    def __init__(self, now: Callable[[], int], monotonic: Callable[[], float], *, time_scale: float = 1.0) -> None:
        self._now = now
        self.newest: Newest[str, Balance] = Newest(monotonic, BEHIND * time_scale)

    def take_read(self, rows: Iterable[Row], began: float) -> list[Event]:
        """Takes a read of all coins; returns what it changes. Raises DecodeError."""
        parsed = [parse_balance(row) for row in rows]
        changed, gone = self.newest.read({one.currency: one for one in parsed}, began)
        told = [self.newest.values[key] for key in changed]
        told += [Balance(currency=key, total=ZERO, available=ZERO, locked=ZERO) for key in gone]
        return [BalanceUpdate(VENUE, tuple(told), self._now())] if told else []

    def take_push(self, row: Row) -> list[Event]:
        """Takes what the stream tells of a coin. Raises DecodeError."""
        balance = parse_balance(row)
        if not self.newest.push(balance.currency, balance):
            return []
        return [BalanceUpdate(VENUE, (balance,), self._now())]

    def forget_stream(self) -> None:
        """Is told that the stream is lost: what it told last says nothing of the next."""
        self.newest.forget_stream()

    def held(self) -> list[Balance]:
        """Returns what there is, without coins of which there is nothing."""
        return [one for one in self.newest.values.values() if one.total or one.locked]


def parse_balance(row: Row) -> Balance:
    """Returns a coin as a currency; what positions and open orders hold of it is locked. Raises DecodeError."""
    locked = row.isolated_margin + row.crossed_margin + row.open_order_margin_frozen
    if not row.coin or locked < 0:
        raise DecodeError(VENUE, "a balance that can not be")
    total = row.wallet_balance
    return Balance(currency=row.coin.upper(), total=total, available=total - locked, locked=locked)
