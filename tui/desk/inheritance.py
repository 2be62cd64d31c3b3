"""What a desk finds in the journal at its start: the orders of the run before, and what nobody has answered."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from tui.desk.journal import Journal
from tui.desk.orders import Tracked
from venues.model import ZERO

if TYPE_CHECKING:  # 25 ms of SQLite and its kin that the first paint does not wait for
    from tui.desk.journal_fold import Unresolved


class Inherited(msgspec.Struct, kw_only=True):
    """All of one desk (mode and account), but for `notices`, which are for the trader to read."""

    orders: Sequence[Tracked] = ()  # the open ones, what was on its way being UNKNOWN, and the last that are over
    unresolved: Sequence[Unresolved] = ()
    fills_seen: frozenset[tuple[str, str]] = frozenset()  # (venue, trade id) that the journal holds already
    receipts: frozenset[tuple[str, str]] = frozenset()  # (venue, its id) of loans and transfers known to be ours
    budget_used: Decimal = ZERO  # notional sent since midnight UTC
    locked_until: int = 0  # nanoseconds UTC
    lock_reason: str = ""
    day_open: Decimal | None = None  # the equity that today's P&L counts from
    ts_last: int = 0  # of the last row, nanoseconds UTC; 0: the journal is new
    notices: Sequence[str] = ()
    farewell: str = ""  # how the detach policy of the run before ended
    journal: Journal | None = None  # where the desk goes on writing


EDIT_BEGAN = "edit "  # topics of notes, before the key of the new order of an edit by cancel and new
EDIT_ENDED = "edited "


def day_topic(venues: str) -> str:
    """Names the notes of the equity that a day began with, for a desk over these venues ("coinex,max")."""
    return f"day {venues}"
