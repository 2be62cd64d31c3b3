"""The words of Pumpkin. Models keep what was sent as text, so that new words break nothing; these compare."""

from __future__ import annotations

from enum import StrEnum


class OrderSide(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class PositionSide(StrEnum):
    """BUY opens a LONG and closes a SHORT; SELL opens a SHORT and closes a LONG."""

    LONG = "LONG"
    SHORT = "SHORT"
    BOTH = "BOTH"


class OrderType(StrEnum):
    LIMIT = "LIMIT"
    MARKET = "MARKET"


class TimeInForce(StrEnum):
    """GTX is post-only."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"


class OrderState(StrEnum):
    """UNFINISHED is of queries only, NEW and PARTIALLY_FILLED together."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    PARTIALLY_CANCELED = "PARTIALLY_CANCELED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    UNFINISHED = "UNFINISHED"


class EntrustType(StrEnum):
    """Plan orders; of a TRAILING_STOP_MARKET, which contracts may list, no parameters are documented."""

    STOP = "STOP"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"


class EntrustState(StrEnum):
    NOT_TRIGGERED = "NOT_TRIGGERED"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    USER_REVOCATION = "USER_REVOCATION"
    PLATFORM_REVOCATION = "PLATFORM_REVOCATION"
    EXPIRED = "EXPIRED"


class TriggerPriceType(StrEnum):
    MARK_PRICE = "MARK_PRICE"
    LATEST_PRICE = "LATEST_PRICE"


class PositionType(StrEnum):
    CROSSED = "CROSSED"
    ISOLATED = "ISOLATED"


class PositionModel(StrEnum):
    """DISAGGREGATION has several positions of one side, each with its id."""

    AGGREGATION = "AGGREGATION"
    DISAGGREGATION = "DISAGGREGATION"


class MarginChange(StrEnum):
    ADD = "ADD"
    SUB = "SUB"


class EntrustKind(StrEnum):
    """Of the mixed list: ORDER rests in the book, ENTRUST waits for its trigger."""

    ORDER = "ORDER"
    ENTRUST = "ENTRUST"


class BillType(StrEnum):
    EXCHANGE = "EXCHANGE"  # a transfer
    CLOSE_POSITION = "CLOSE_POSITION"
    TAKE_OVER = "TAKE_OVER"
    QIANG_PING_MANAGER = "QIANG_PING_MANAGER"  # the fee of a forced liquidation
    FUND = "FUND"  # funding
    FEE = "FEE"
    ADL = "ADL"
    MERGE = "MERGE"


class Direction(StrEnum):
    """Of a cursor. NEXT goes to older rows: every list shown has the newest first."""

    NEXT = "NEXT"
    PREV = "PREV"


class Interval(StrEnum):
    """The lengths of candles."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"
    W1 = "1w"
    MONTH = "1M"
    QUARTER = "3M"
    HALF_YEAR = "6M"


ROLLING_DAY = "H24"
TIME_RANGES = (
    ROLLING_DAY,
    *(f"UTC_P_{hours}" for hours in range(12, -1, -1)),
    *(f"UTC_N_{hours}" for hours in range(1, 13)),
)
"""Of tickers: the last 24 h, or the trading day of a zone, UTC+12 to UTC-12."""
