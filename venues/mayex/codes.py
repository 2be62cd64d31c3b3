"""What an answer of Mayex proves.

An answer is `{"status": ..., "error": ..., "data": ...}`, zero for a success. The document lists no code; these
are the platform's. A command is refused by a listed code in that envelope, and by the status 401, 403 and 429 (the
document has them as reasons not to serve a call) or 404 and 405 (there is no such call). Nothing else proves
anything: no 5xx ("the execution status is UNKNOWN and could be Succeeded"), not the code 100 (a timeout within the
venue), no code that is not listed, and no body that is not an envelope.

A code and a status may be the same figure and mean different things: 401 is a key that is not taken as a status,
and an account that may not trade as a code. What the status proves has the code "HTTP 401".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from venues.errors import (
    AuthenticationError,
    BadRequest,
    DuplicateClientOrderId,
    InsufficientFunds,
    NotSupported,
    OrderNotFound,
    OrderRejected,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    UnknownInstrument,
    VenueError,
    VenueUnavailable,
)
from venues.mayex import VENUE
from venues.transport.verdicts import RefusedByLimit

_LONGEST_WORDS = 200
TIMEOUT, UNKNOWN_KEY = 100, 10500

REFUSALS: Mapping[int, str] = {
    200: "the price is below zero",
    201: "the price is below the least that the contract takes",
    202: "the price is above the most that the contract takes",
    203: "the price is not a multiple of the tick",
    204: "the quantity is below zero",
    205: "the quantity is above the most of one order",
    206: "the quantity is below the least of one order",
    207: "the quantity is not a multiple of the step",
    208: "the trigger price can not be used",
    209: "the trigger price can not be used",
    210: "the trigger type can not be used",
    211: "this order type is not supported",
    212: "the client order id is too long",
    213: "the client order id can not be used",
    214: "the client order id holds a character that is not allowed",
    216: "a parameter is missing",
    217: "a parameter is not taken here",
    218: "the side can not be used",
    219: "these parameters do not go together",
    220: "the price is outside the range that is allowed now",
    221: "the quantity is too large",
    250: "there is no such currency",
    300: "there is no such contract",
    301: "the contract is not traded now",
    302: "the order can not be cancelled now",
    400: "there is no such account",
    401: "the account may not trade",
    402: "the leverage can not be used",
    403: "there is no such user",
    405: "the balance that can be withdrawn is not enough",
    408: "the margin is not enough",
    501: "the wallet's balance is not enough",
    1000: "there is no such account",
    1001: "it is there already",
    1002: "the currency does not match",
    1003: "the account is being liquidated",
    1004: "the leverage is too small",
    1005: "the leverage is too large",
    1006: "the leverage is that already",
    1007: "the margin is not enough",
    1008: "the balance is not enough",
    1009: "the amount can not be used",
    1010: "the amount can not be used",
    1011: "the amount can not be used",
    1012: "the leverage can not be lowered over an isolated position",
    1014: "the account may not withdraw",
    1015: "the account may not trade",
    1016: "the account may only reduce positions",
    1017: "the fee rate can not be used",
    1018: "the fee rate can not be used",
    1019: "the fee rate can not be used",
    1020: "the position mode can not be changed now",
    **dict.fromkeys(range(2000, 2008), "there is no such contract or currency"),
    4000: "there is no such order",
    4001: "the price is missing",
    4002: "the quantity is missing",
    4003: "the quantity can not be used",
    4004: "there is no such currency",
    4005: "the order can not be filled",
    4006: "the order would be triggered at once",
    4007: "an order that only reduces has nothing to reduce",
    4008: "the position is smaller, less what resting orders close of it",
    4009: "an order that only reduces has nothing to reduce",
    4010: "an order that only reduces has nothing to reduce",
    4011: "there are as many open orders as there may be",
    4012: "there are as many orders with a trigger as there may be",
    4013: "the order with a trigger can not be used",
    4014: "there is an order with this client order id already",
    4015: "an order that only reduces has nothing to reduce",
    4020: "there is no such order to cancel",
    4021: "this kind of change is not known",
    4030: "an order that only reduces has nothing to reduce",
    4040: "the order can not be read",
    4050: "a market order would reach beyond the range that is allowed now",
    4051: "the price is outside the range that is allowed now",
    4060: "the trigger is missing",
    4070: "there are no open orders",
    4071: "there is an order with this number already",
    4072: "the account is locked for a while",
    5000: "the position side can not be used",
    5001: "the position side can not be used",
    5002: "the margin can not be changed so",
    5003: "the margin can not be changed so",
    5004: "the margin can not be changed so",
    5008: "the margin mode can not be used",
    UNKNOWN_KEY: "the API key is not known",
}
"""The codes by which the venue refuses, and what each says in words, where the venue gives none.

Left out are those after which a command may still be under way: 100 (timeout), 1013 (version), 5005 and 5006
(snapshot).
"""

_STATUS: Mapping[int, str] = {
    401: "the venue does not take the key or the signature",
    403: "the key may not do that",
    404: "the venue has no such call",
    405: "the venue has no such call",
    429: "the request limit is used up",
}
_KINDS: Mapping[int, type[OrderRejected]] = {
    408: InsufficientFunds,
    501: InsufficientFunds,
    1007: InsufficientFunds,
    1008: InsufficientFunds,
    4014: DuplicateClientOrderId,
    4071: DuplicateClientOrderId,
}
_MISSING = frozenset({4000, 4020, 4070})
_READ_KINDS: Mapping[int, type[VenueError]] = {
    250: UnknownInstrument,
    300: UnknownInstrument,
    301: UnknownInstrument,
    400: PermissionDenied,
    401: PermissionDenied,
    403: PermissionDenied,
    1000: PermissionDenied,
    1015: PermissionDenied,
    UNKNOWN_KEY: AuthenticationError,
    **dict.fromkeys(range(2000, 2008), UnknownInstrument),
    **dict.fromkeys(_MISSING, OrderNotFound),
}
_READ_STATUS: Mapping[int, type[VenueError]] = {
    401: AuthenticationError,
    403: PermissionDenied,
    404: NotSupported,
    405: NotSupported,
    429: RateLimited,
}
# Inferred: a key that is refused by a code of its own is named in words.
_of_sign_in = re.compile(r"signature|api.?key|unauthori[sz]ed|request.?expir", re.IGNORECASE)


class Said(NamedTuple):
    code: int
    words: str


def judge_read(status: int, body: object) -> VenueError | None:
    """The judge of reads: what an answer says is wrong, None for a success and for what the status alone says."""
    if not 200 <= status < 300 and not _is_envelope(body):
        return None
    said = _heard(status, body)
    if status in _READ_STATUS:
        code, words = _of_status(status, said)
        return (AuthenticationError if said.code == UNKNOWN_KEY else _READ_STATUS[status])(VENUE, words, code)
    if said.code == 0:
        return None
    kind = _READ_KINDS.get(said.code)
    if kind is None and said.code in REFUSALS:
        kind = BadRequest
    if kind is None:  # nobody has said what it means: it may pass
        kind = AuthenticationError if _of_sign_in.search(said.words) else VenueUnavailable
    return kind(VENUE, _words_of(said), str(said.code))


def judge_new(status: int, body: object) -> VenueError | None:
    """The judge of commands: an OrderError for what proves the refusal, any other error proves nothing."""
    said = _heard(status, body)
    if status in _STATUS:
        code, words = _of_status(status, said)
        return (RefusedByLimit if status == 429 else OrderRejected)(VENUE, words, code)
    if said.code == 0:
        return None
    if said.code not in REFUSALS:
        return ProtocolError(VENUE, _words_of(said), str(said.code))
    return _KINDS.get(said.code, OrderRejected)(VENUE, _words_of(said), str(said.code))


def judge_cancel(status: int, body: object) -> VenueError | None:
    """The judge of cancels, which may also be told that there is nothing to cancel."""
    found = judge_new(status, body)
    if type(found) is OrderRejected and (found.code or "").isdecimal() and int(found.code or 0) in _MISSING:
        return OrderNotFound(VENUE, found.message, found.code)
    return found


def _heard(status: int, body: object) -> Said:
    """Returns what an answer says.

    Raises:
        ValueError: it is not an envelope, or contradicts its own status. It proves nothing.
    """
    if not isinstance(body, dict) or not _is_envelope(body):
        raise ValueError("not an envelope")
    code = body["status"]
    if code == 0 and not 200 <= status < 300:
        raise ValueError("a success that is none")
    words = next((each for name in ("error", "message") if isinstance(each := body.get(name), str)), "")
    return Said(code, words[:_LONGEST_WORDS].strip())


def _is_envelope(body: object) -> bool:
    return isinstance(body, dict) and type(body.get("status")) is int


def _of_status(status: int, said: Said) -> tuple[str, str]:
    """Returns the code and the words of an answer whose status says what it is."""
    own = said.code if said.code in REFUSALS and said.code != status else None
    code = f"HTTP {status}" if own is None else str(own)
    return code, said.words or (_STATUS[status] if own is None else REFUSALS[own])


def _words_of(said: Said) -> str:
    return said.words or REFUSALS.get(said.code, "the venue gave no reason")
