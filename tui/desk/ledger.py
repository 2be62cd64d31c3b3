"""What the store knows of the accounts: balances, positions, executions, and what the day has brought.

The day is the UTC day. Fees and realised amounts are summed over the day's executions, which are read back from
the venue at the start. The day's P&L is the change of the equity since midnight, or, on a desk that was started
later, since the first moment at which everything held could be valued: deposits and withdrawals count into it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from tui.desk.day_basis import DayBasis
from venues.model import NANOSECONDS, ZERO, Balance, Fill, InstrumentId, Position

FILLS = 500


def midnight(ts: int) -> int:
    """Returns the start of the UTC day of `ts`, both in nanoseconds."""
    day = datetime.fromtimestamp(ts // NANOSECONDS, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(day.timestamp()) * NANOSECONDS


class Ledger:
    """Balances, positions and fills of all venues. `since` arguments are on the engine's clock, nanoseconds."""

    def __init__(self, now: int) -> None:
        self.balances: dict[str, dict[str, Balance]] = {}  # venue -> currency
        self.positions: dict[tuple[InstrumentId, str], Position] = {}
        self.fills: deque[Fill] = deque(maxlen=FILLS)  # newest first
        self.mine: dict[InstrumentId, dict[str, None]] = {}  # trade ids of the newest
        self.day = midnight(now)
        self.day_open: Decimal | None = None  # the equity from which the day's P&L counts
        self.basis = DayBasis()
        self.day_fees: dict[tuple[str, str], Decimal] = {}  # (venue, currency) -> paid
        self.day_funding: dict[tuple[str, str], Decimal] = {}  # (venue, instrument's symbol) -> received
        self._balance_times: dict[tuple[str, str, str], int] = {}  # of the newest update, the venue's time
        self._touched: dict[tuple[str, str, str], int] = {}  # when a stream last told of it
        self._told: dict[tuple[InstrumentId, str], Position] = {}  # as last told, closed ones too

    def is_over(self, now: int) -> bool:
        """Says whether midnight UTC has passed since the day began."""
        return now >= self.day + 86_400 * NANOSECONDS

    def begin_day(self, now: int, equity: Decimal | None) -> None:
        """Begins a new day, whose P&L counts from `equity`."""
        self.day = midnight(now)
        self.day_open = equity
        self.basis.begin()
        self.day_fees.clear()
        self.day_funding.clear()

    def take_balances(self, venue: str, balances: Sequence[Balance], now: int, ts_event: int = 0) -> None:
        """Takes what a stream told: the named currencies only, and nothing older than before."""
        held = self.balances.setdefault(venue, {})
        for balance in balances:
            key = (venue, "balance", balance.currency)
            if ts_event and ts_event < self._balance_times.get(key, 0):
                continue
            self._balance_times[key] = ts_event
            held[balance.currency] = balance
            self._touched[key] = now

    def replace_balances(self, venue: str, balances: Sequence[Balance], since: int) -> None:
        """Takes what the venue answered, all that there is; what a stream told after `since` is newer."""
        newer = {
            currency: balance
            for currency, balance in self.balances.get(venue, {}).items()
            if self._touched.get((venue, "balance", currency), -1) > since
        }
        self.balances[venue] = {balance.currency: balance for balance in balances} | newer

    def take_position(self, position: Position, now: int) -> None:
        """Takes a position's newest state; zero quantity removes it."""
        key = (position.instrument, position.position_id)
        venue, symbol = position.instrument
        before = self._told.get(key)
        if before is not None and position.ts_event < before.ts_event:
            return
        self._told[key] = position
        # A closed one may be told again, when its leverage is set: what it received is counted already.
        if before is not None and before.ts_opened == position.ts_opened:
            received = position.funding - before.funding
        else:
            received = position.funding if position.ts_opened >= self.day else ZERO
        if received:
            self.day_funding[venue, symbol] = self.day_funding.get((venue, symbol), ZERO) + received
        if position.quantity:
            self.positions[key] = position
        else:
            self.positions.pop(key, None)
        self._touched[venue, symbol, position.position_id] = now

    def replace_positions(self, venue: str, positions: Sequence[Position], since: int) -> None:
        """Takes what the venue answered, all that there is; what a stream told after `since` is newer."""

        def is_newer(instrument: InstrumentId, position_id: str) -> bool:
            return self._touched.get((*instrument, position_id), -1) > since

        listed = {(p.instrument, p.position_id): p for p in positions}
        for key in [key for key in self.positions if key[0].venue == venue]:
            if key not in listed and not is_newer(*key):
                del self.positions[key]
        for key, position in listed.items():
            if not is_newer(*key):
                self.take_position(position, since)

    def held_in(self, instrument: InstrumentId) -> tuple[Position, ...]:
        """Returns the open positions of an instrument, a margin wallet's holding not among them."""
        return tuple(
            one for (of, _), one in self.positions.items() if of == instrument and not one.in_margin_wallet
        )

    def in_margin_wallet(self, instrument: InstrumentId) -> Decimal:
        """Returns what a margin wallet has of an instrument's base currency, less what it owes."""
        held = [one for (of, _), one in self.positions.items() if of == instrument and one.in_margin_wallet]
        return sum((one.quantity for one in held), ZERO)

    def take_fill(self, fill: Fill) -> None:
        """Takes an execution that is known to be new."""
        mine = self.mine.setdefault(fill.instrument, {})
        mine[fill.trade_id] = None
        if len(mine) > FILLS:
            del mine[next(iter(mine))]
        if self.fills and fill.ts_event < self.fills[0].ts_event:
            ordered = sorted((*self.fills, fill), key=lambda one: one.ts_event, reverse=True)
            self.fills = deque(ordered[:FILLS], maxlen=FILLS)
        else:
            self.fills.appendleft(fill)
        if fill.ts_event >= self.day:
            key = (fill.instrument.venue, fill.fee_currency)
            self.day_fees[key] = self.day_fees.get(key, ZERO) + fill.fee
