"""The answers of Mayex's REST half; each says which call it belongs to.

Money and quantities are Decimal, quantities in the base coin, moments in milliseconds, ids numbers. A figure that
the venue leaves blank is None. Words (statuses, sides, types) stay text: compare them with the enumerations below.
"""

from __future__ import annotations

from venues.mayex.models.figures import Accepted, Envelope, Rows
from venues.mayex.models.market import Pair, Product
from venues.mayex.models.trading import (
    Assets,
    CurrencyAccount,
    Fill,
    LeverageChange,
    OpenOrder,
    Order,
    PastOrder,
    Position,
    StreamToken,
)
from venues.mayex.models.words import (
    OrderStatus,
    OrderType,
    PositionSide,
    ResponseType,
    Side,
    TimeInForce,
    TriggerType,
)

__all__ = [
    "Accepted",
    "Assets",
    "CurrencyAccount",
    "Envelope",
    "Fill",
    "LeverageChange",
    "OpenOrder",
    "Order",
    "OrderStatus",
    "OrderType",
    "Pair",
    "PastOrder",
    "Position",
    "PositionSide",
    "Product",
    "ResponseType",
    "Rows",
    "Side",
    "StreamToken",
    "TimeInForce",
    "TriggerType",
]
