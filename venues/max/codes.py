"""What an answer of MAX proves.

An error is `{"success": false, "error": {"code": ..., "message": ...}}`, mostly with a status of 400 or above, now
and then with 200. Orders are queued: a command is refused only by a code below that is known to come before the
queue, or by a 401 or 403 of the venue itself; each other answer of 400 or above leaves its outcome unknown, and so
do 2002 and 2003 ("could not be placed", "could not be cancelled"), which no document explains.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from venues.errors import (
    AuthenticationError,
    BadRequest,
    ClockSkew,
    InsufficientFunds,
    NotSupported,
    OrderNotFound,
    OrderRejected,
    PermissionDenied,
    ProtocolError,
    TransientError,
    VenueError,
)
from venues.max import VENUE

_LONGEST_WORDS = 200
_RATE_LIMITED = 429
_BY_STATUS: Mapping[int, type[VenueError]] = {401: AuthenticationError, 403: PermissionDenied}


class NonceReused(AuthenticationError, TransientError):
    """Somebody else with this key drew the same nonce: the next attempt draws another."""


_REFUSED: Mapping[int, type[VenueError]] = {
    1001: OrderRejected,  # a parameter is missing or invalid
    2007: OrderRejected,  # a nonce more than 30 s away
    2016: OrderRejected,  # below the minimum amount
    2018: InsufficientFunds,
}
_REFUSED_NEW: Mapping[int, type[VenueError]] = {**_REFUSED, 2006: OrderRejected}
# Documented of what creates something: the account or the key may not do this.
_REFUSED_FUNDS: Mapping[int, type[VenueError]] = {**_REFUSED_NEW, 4002: OrderRejected}
_REFUSED_CANCEL: Mapping[int, type[VenueError]] = {
    **_REFUSED,
    404: OrderNotFound,
    2004: OrderNotFound,
    # A DELETE that a proxy sends twice is told of a used nonce, though the first of the two did its work.
    2006: ProtocolError,
    4000: OrderNotFound,
}

_READ: Mapping[int, type[VenueError]] = {
    404: BadRequest,
    1001: BadRequest,
    2001: AuthenticationError,
    2004: OrderNotFound,
    2005: AuthenticationError,  # signature
    2006: NonceReused,
    2007: ClockSkew,
    2008: AuthenticationError,  # no such key
    2009: AuthenticationError,  # key disabled
    2010: AuthenticationError,  # key expired
    2011: PermissionDenied,  # the key's permissions
    2012: BadRequest,  # no such deposit
    2013: BadRequest,
    4000: BadRequest,  # no such thing
    4002: PermissionDenied,  # the account's level
}
_READ_ORDER: Mapping[int, type[VenueError]] = {**_READ, 404: OrderNotFound, 4000: OrderNotFound}

_is_stream_error = re.compile(r"\s*E-([0-9]{1,6})\s*:?(.*)", re.ASCII | re.DOTALL).fullmatch
_STREAM: Mapping[str, type[VenueError]] = {
    "1004": NotSupported,  # an action that is none
    "1006": ClockSkew,
    "1007": AuthenticationError,
    "1012": NonceReused,
}


def judge_read(status: int, body: object) -> VenueError | None:
    """The judge of reads: what an answer says is wrong, None for a success and for what the status alone says."""
    return _judge_read(status, body, _READ)


def judge_read_order(status: int, body: object) -> VenueError | None:
    """The judge of what looks for one order, which may not be there."""
    return _judge_read(status, body, _READ_ORDER)


def judge_new(status: int, body: object) -> VenueError | None:
    """The judge of commands: an OrderError for what proves the refusal, any other error proves nothing."""
    return _judge_command(status, body, _REFUSED_NEW)


def judge_funds(status: int, body: object) -> VenueError | None:
    """The judge of loans, repayments and transfers."""
    return _judge_command(status, body, _REFUSED_FUNDS)


def judge_cancel(status: int, body: object) -> VenueError | None:
    """The judge of cancels, which may also be told that there is no such order."""
    return _judge_command(status, body, _REFUSED_CANCEL)


def judge_cancel_one(status: int, body: object) -> VenueError | None:
    """The judge of one cancel, whose answer is `{"success": true}` by the document and an order by other accounts.

    Raises:
        ValueError: it is neither.
    """
    found = judge_cancel(status, body)
    if found is None and status < 300:
        is_known = isinstance(body, dict) and (body.get("success") is True or type(body.get("id")) is int)
        if not is_known:
            raise ValueError("neither a success nor an order")
    return found


def stream_error(text: str) -> VenueError:
    """Returns the error that the stream tells of, such as "E-1004: invalid action"."""
    found = _is_stream_error(text)
    code, words = (found[1], found[2]) if found else ("", text)
    kind = _STREAM.get(code, BadRequest)
    return kind(VENUE, words[:_LONGEST_WORDS].strip() or "the venue gave no reason", code or None)


def _judge_read(status: int, body: object, kinds: Mapping[int, type[VenueError]]) -> VenueError | None:
    found = _code_and_words(status, body)
    if found is None:
        return None
    code, words = found
    kind = kinds.get(code) or _BY_STATUS.get(status, BadRequest)
    return kind(VENUE, words, str(code))


def _judge_command(status: int, body: object, refused: Mapping[int, type[VenueError]]) -> VenueError | None:
    found = _code_and_words(status, body)
    if found is None:
        return None
    code, words = found
    kind = refused.get(code) or (OrderRejected if status in _BY_STATUS else ProtocolError)
    return kind(VENUE, words, str(code))


def _code_and_words(status: int, body: object) -> tuple[int, str] | None:
    """Returns what an error says; None for what is no error, and for a 429, which says it by its status alone.

    Raises:
        ValueError: an error of an unforeseen shape, which proves nothing.
    """
    if not isinstance(body, dict) or status == _RATE_LIMITED:
        return None
    error = body.get("error")
    if error is None:
        if body.get("success") is False:
            raise ValueError("a failure without an error")
        return None
    if not isinstance(error, dict) or type(code := error.get("code")) is not int:
        raise ValueError("an error without a code")
    words = error.get("message")
    return code, (words[:_LONGEST_WORDS] if isinstance(words, str) else "") or "the venue gave no reason"
