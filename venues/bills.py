"""What a venue writes down of an account: every change of a balance, with its cause."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from venues.model import InstrumentId


class BillKind(StrEnum):
    TRANSFER = "transfer"
    REALIZED = "realized"  # profit or loss of a position that was closed
    FUNDING = "funding"
    FEE = "fee"
    LIQUIDATION = "liquidation"  # its fee, and what the venue took over
    DELEVERAGED = "deleveraged"  # closed by the venue against a winner
    OTHER = "other"


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `amount` is in `currency`: positive was received, negative was paid."""

    bill_id: str
    kind: BillKind
    currency: str
    amount: Decimal
    ts_event: int
    instrument: InstrumentId | None = None
    balance_after: Decimal | None = None
    words: str = ""  # the venue's own word for it, untrusted
