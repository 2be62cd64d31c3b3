"""How Pumpkin refuses: a code in the body, some of them as the HTTP status as well, and a stable text.

The document names the codes and three texts; the other texts are those of its kin.
"""

from __future__ import annotations

from typing import Any

from venues.errors import VenueError

BUSINESS, SIGNATURE = -1, 1
NOT_LISTED_IP, BANNED, TOO_HEAVY, NOT_WHITELISTED, FAILED = 418, 429, 439, 467, 500
_STATUSES = {NOT_LISTED_IP: 418, BANNED: 429, FAILED: 500}

_TEXTS = {
    "INSUFFICIENT_FUNDS": "insufficient_balance",
    "ORDER_NOT_FOUND": "invalid_order",
    "POST_ONLY": "gtx_order_would_take",
    "NO_LIQUIDITY": "no_counterparty",
    "TOO_MANY_ORDERS": "open_order_max_limit",
    "FILTER": "invalid_quantity",
}


class Refusal(Exception):
    """The request is answered with an error. `biz_code` comes beside the text where it is given."""

    def __init__(
        self, msg: str, code: int = BUSINESS, *, data: dict[str, Any] | None = None, biz_code: str | None = None
    ) -> None:
        super().__init__(msg)
        self.msg = msg
        self.code = code
        self.data = data
        self.biz_code = biz_code

    @property
    def status(self) -> int:
        """The HTTP status that it comes with."""
        return _STATUSES.get(self.code, 200)

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "msg": self.msg, "data": self.data, "bizCode": self.biz_code}


def invalid(name: str) -> Refusal:
    return Refusal(f"invalid_{name}")


def refusal_of(error: VenueError) -> Refusal:
    """Returns the answer to what the local exchange refuses."""
    return Refusal(_TEXTS.get(error.code or "", "fail"))


def not_whitelisted() -> Refusal:
    """Returns how a symbol is refused that the key may not trade."""
    return Refusal("symbol-not-in-allowed", NOT_WHITELISTED)
