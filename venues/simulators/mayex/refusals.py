"""How Mayex refuses: a status in the body beside HTTP 200, or the HTTP status itself.

The codes are those of the platform that it is a white label of; their texts are ours.
"""

from __future__ import annotations

from typing import Any

from venues.errors import VenueError

UNAUTHENTICATED, FORBIDDEN, TOO_MANY, FAILED = 401, 403, 429, 500
TIMEOUT, NO_KEY = 100, 10500
_HTTP = {UNAUTHENTICATED: 401, FORBIDDEN: 403, TOO_MANY: 429, FAILED: 500, NO_KEY: 401}

_TEXTS = {
    TIMEOUT: "TIMEOUT", 201: "price below minimum", 202: "price above maximum", 203: "invalid price tick",
    204: "invalid quantity", 205: "quantity above maximum", 206: "quantity below minimum",
    207: "invalid quantity step", 208: "invalid trigger price", 210: "invalid trigger type",
    211: "order type not supported", 212: "clientOrderId too long", 214: "clientOrderId has illegal characters",
    216: "mandatory parameter missing", 217: "parameter not required", 218: "invalid side",
    219: "invalid combination of parameters", 250: "invalid currency", 300: "invalid symbol",
    408: "margin not enough", 1004: "leverage too small", 1005: "leverage too large", 1006: "leverage unchanged",
    1007: "margin not enough", 1009: "invalid amount", 1012: "cannot lower leverage with isolated position",
    4000: "order not found", 4001: "price missing", 4003: "invalid quantity", 4005: "unable to fill",
    4006: "order would trigger immediately", 4008: "position not enough", 4011: "too many open orders",
    4012: "too many conditional orders", 4013: "bad conditional order", 4014: "clientOrderId exists",
    4020: "cancel rejected", 4040: "request cannot be parsed", 4051: "price outside of range",
    4060: "trigger price missing", 4070: "no open orders", 5000: "invalid positionSide",
    5002: "no isolated position", 5003: "not enough balance to add margin", 5004: "not enough margin to remove",
    UNAUTHENTICATED: "Unauthorized", TOO_MANY: "Too many requests", FAILED: "Internal error",
    NO_KEY: "Api key not found",
}  # fmt: skip
_CODES = {"INSUFFICIENT_FUNDS": 408, "NO_LIQUIDITY": 4005, "TOO_MANY_ORDERS": 4011, "FILTER": 4003}


class Refusal(Exception):
    """The request is answered with an error. `retry_after` is in seconds, 0 where none is named."""

    def __init__(self, code: int, text: str = "", *, retry_after: int = 0) -> None:
        super().__init__(text or _TEXTS[code])
        self.code = code
        self.text = text or _TEXTS[code]
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status that it comes with."""
        return _HTTP.get(self.code, 200)

    def body(self) -> dict[str, Any]:
        return {"status": self.code, "error": self.text, "data": None}


def refusal_of(error: VenueError) -> Refusal:
    """Returns the answer to what the local exchange refuses."""
    return Refusal(_CODES.get(error.code or "", 219), error.message)
