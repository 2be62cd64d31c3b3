"""MAX's error codes with their HTTP status, and what the matching's refusals become."""

from __future__ import annotations

from typing import Any

from venues.errors import VenueError

NOT_FOUND, INVALID = 404, 1001
UNAUTHORIZED, CREATE_FAILED, CANCEL_FAILED, NO_ORDER, BAD_SIGNATURE = 2001, 2002, 2003, 2004, 2005
NONCE_USED, NONCE_OFF, UNKNOWN_KEY = 2006, 2007, 2008
NO_DEPOSIT_TXID, NO_DEPOSIT_UUID, TOO_SMALL, NO_FUNDS = 2012, 2013, 2016, 2018
NO_RESOURCE, FORBIDDEN = 4000, 4002

_TABLE = {
    NOT_FOUND: (404, "找不到該資源"),  # in the venue's own language, and without `info`
    INVALID: (400, "a parameter is missing or invalid"),
    UNAUTHORIZED: (401, "Authorization failed"),
    CREATE_FAILED: (400, "Failed to create order"),
    CANCEL_FAILED: (400, "Failed to cancel order"),
    NO_ORDER: (404, "Order does not exist"),
    BAD_SIGNATURE: (401, "Signature is incorrect"),
    NONCE_USED: (401, "The nonce has already been used by access key"),
    NONCE_OFF: (401, "The nonce is invalid"),
    UNKNOWN_KEY: (401, "The access key does not exist"),
    NO_DEPOSIT_TXID: (404, "Deposit by txid does not exist"),
    NO_DEPOSIT_UUID: (404, "Deposit by uuid does not exist"),
    TOO_SMALL: (400, "Amount is too small"),
    NO_FUNDS: (400, "Cannot lock funds"),
    NO_RESOURCE: (404, "Resource not found"),
    FORBIDDEN: (400, "You don't have permission to perform this operation"),
}


class Refusal(Exception):
    """The request is answered with an error. Without words they are the table's, and so is the status."""

    def __init__(self, code: int, words: str = "", *, status: int = 0) -> None:
        known = _TABLE[code]
        super().__init__(words or known[1])
        self.code = code
        self.status = status or known[0]
        self.words = words or known[1]

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"code": self.code, "message": self.words}
        return {"success": False, "error": error if self.code == NOT_FOUND else {**error, "info": {}}}

    def short_body(self) -> dict[str, Any]:
        """Returns the error as it comes within an answer of status 200."""
        return {"error": {"code": self.code, "message": self.words}}


def refusal_of(error: VenueError) -> Refusal:
    """Returns the answer to what the local exchange refuses."""
    if error.code == "INSUFFICIENT_FUNDS":
        return Refusal(NO_FUNDS)
    if error.code == "ORDER_NOT_FOUND":
        return Refusal(NO_ORDER)
    return Refusal(CREATE_FAILED, f"Failed to create order. Reason: {error.message}")
