"""Bills of Pumpkin: rows -> `venues.bills`. The side says what the sign of an amount is."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from venues.bills import Bill, BillKind
from venues.pumpkin.figures import instrument_id, ns_of_milliseconds
from venues.pumpkin.models import Bill as Row
from venues.pumpkin.models import BillType

KINDS: Mapping[str, BillKind] = {
    BillType.EXCHANGE: BillKind.TRANSFER,
    BillType.CLOSE_POSITION: BillKind.REALIZED,
    BillType.TAKE_OVER: BillKind.LIQUIDATION,
    BillType.QIANG_PING_MANAGER: BillKind.LIQUIDATION,
    BillType.FUND: BillKind.FUNDING,
    BillType.FEE: BillKind.FEE,
    BillType.ADL: BillKind.DELEVERAGED,
}
_SIGNS = {"ADD": 1, "SUB": -1}


def parse_bill(row: Row) -> Bill:
    """Returns a bill; a type that nobody knows is OTHER under the venue's own word."""
    return Bill(
        bill_id=row.id,
        kind=KINDS.get(row.type, BillKind.OTHER),
        currency=row.coin.upper(),
        amount=amount_of(row),
        ts_event=ns_of_milliseconds(row.created_time),
        instrument=instrument_id(row.symbol) if row.symbol else None,
        balance_after=row.after_amount,
        words=row.type[:40],
    )


def amount_of(row: Row) -> Decimal:
    """Returns what was received, below zero what was paid: samples sign the amount, and name the side as well."""
    sign = _SIGNS.get(row.side)
    return row.amount if sign is None else abs(row.amount) * sign
