"""The words of Mayex. Models keep what was sent as text, so that new words break nothing; these compare."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class PositionSide(StrEnum):
    """BUY opens a LONG and closes a SHORT; SELL opens a SHORT and closes a LONG."""

    LONG = "LONG"
    SHORT = "SHORT"


class OrderType(StrEnum):
    """Section "order type": the six with a trigger wait for it."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP_LOSS_MARKET = "STOP_LOSS_MARKET"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    CONDITIONAL_LIMIT = "CONDITIONAL_LIMIT"
    CONDITIONAL_MARKET = "CONDITIONAL_MARKET"

    @property
    def has_trigger(self) -> bool:
        return self not in (OrderType.LIMIT, OrderType.MARKET)

    @property
    def has_price(self) -> bool:
        return self.value.endswith("LIMIT")


class OrderStatus(StrEnum):
    """Section "order Status". REPLACED is the platform's, not in the venue's document."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"


class TimeInForce(StrEnum):
    GTC = "GTC"
    POST_ONLY = "POST_ONLY"
    IOC = "IOC"
    FOK = "FOK"


class TriggerType(StrEnum):
    """What sets a trigger off. TRIGGER_NONE is of answers: there is no trigger."""

    MARK_PRICE = "MARK_PRICE"
    LAST_PRICE = "LAST_PRICE"
    TRIGGER_NONE = "TRIGGER_NONE"


class ResponseType(StrEnum):
    """What placing an order answers: the order as it was taken, as it is after matching, or nothing."""

    ACK = "ACK"
    RESULT = "RESULT"
    NO_ACK = "NO_ACK"
