"""What a desk finds in the journal at its start: the orders of the run before, and what nobody has answered."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from tui.desk.journal_fold import Unresolved
from tui.desk.orders import Tracked
from venues.model import ZERO


class Inherited(msgspec.Struct, kw_only=True):
    """All of one desk (mode and account), but for `notices`, which are for the trader to read."""

    orders: Sequence[Tracked] = ()  # those that are not over; what was on its way is UNKNOWN
    unresolved: Sequence[Unresolved] = ()
    fills_seen: frozenset[tuple[str, str]] = frozenset()  # (venue, trade id) that the journal holds already
    budget_used: Decimal = ZERO  # notional sent since midnight UTC
    locked_until: int = 0  # nanoseconds UTC
    lock_reason: str = ""
    ts_last: int = 0  # of the last row, nanoseconds UTC; 0: the journal is new
    notices: Sequence[str] = ()
