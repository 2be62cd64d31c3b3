"""CoinEx's error codes, and what the matching's refusals become."""

from __future__ import annotations

from venues.errors import VenueError

MESSAGES = {
    1: "error",
    2: "invalid argument",
    3: "internal error",
    23: "IP not allow visit",
    24: "access_id does not exist",
    25: "signature error",
    34: "access_id expired",
    35: "service unavailable",
    36: "service timeout",
    107: "insufficient balance",
    115: "trading forbidden",
    213: "too many requests",
    227: "tonce check error, correct tonce should be within one minute of the current time",
    600: "order does not exist",
    602: "below minimum amount",
    606: "the price deviates too much from the market",
    651: "invalid merge depth",
}

_CODES = {
    "INSUFFICIENT_FUNDS": 107,
    "ORDER_NOT_FOUND": 600,
    "NOT_TRADABLE": 115,
    "LOAN_OPEN": 107,
}


class Refusal(Exception):
    """The request is answered with a code of the document. Without words they are the document's."""

    def __init__(self, code: int, words: str = "") -> None:
        super().__init__(words or MESSAGES[code])
        self.code = code
        self.words = words or MESSAGES[code]


def refusal_of(error: VenueError) -> Refusal:
    """Returns the answer to what the local exchange refuses: invalid argument where there is no better code."""
    code = _CODES.get(error.code or "", 2)
    return Refusal(code, error.message if code == 2 else "")
