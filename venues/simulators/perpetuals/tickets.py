"""What the local exchange does not keep of an order: the position that it is for, and who made it."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from venues.simulators.perpetuals.positions import PositionSide


class Ticket(msgspec.Struct, kw_only=True):
    """`price` is the limit, or about what was expected to be paid. `position_id` 0: of none yet."""

    number: int = 0
    symbol: str
    position_side: PositionSide
    is_closing: bool
    position_id: int
    price: Decimal
    leverage: int
    is_forced: bool = False  # a liquidation
    profit: Decimal | None = None  # of what it has closed
