"""The words of MAX. Models keep what was sent as text, so that new words break nothing; these compare with it."""

from __future__ import annotations

from enum import StrEnum


class OrderSide(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @classmethod
    def of(cls, word: str) -> OrderSide:
        """Returns the side of either pair of words: buy and sell, bid and ask. Raises ValueError."""
        return cls({"bid": "buy", "ask": "sell"}.get(word, word))

    @property
    def opposite(self) -> OrderSide:
        return OrderSide.SELL if self is OrderSide.BUY else OrderSide.BUY


class OrderState(StrEnum):
    """`done` without anything executed is a cancel. A stop that fired is `convert`."""

    WAIT = "wait"
    DONE = "done"
    CANCEL = "cancel"
    CONVERT = "convert"
    FINALIZING = "finalizing"  # of the stream: fully matched, not settled
    FAILED = "failed"  # of the stream: rejected after it was accepted


class OrderType(StrEnum):
    """There is no time in force: a limit order rests until it is cancelled."""

    LIMIT = "limit"
    MARKET = "market"
    STOP_LIMIT = "stop_limit"
    STOP_MARKET = "stop_market"
    POST_ONLY = "post_only"
    IOC_LIMIT = "ioc_limit"
    RPI = "rpi"


SELF_TRADE = "self-trade"
