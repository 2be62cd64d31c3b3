"""What a venue's answer proves.

A command is refused only where the adapter's judge finds a listed code that proves it; it is acknowledged only by
an answer that reads as documented; everything else leaves its outcome unknown.
"""

from __future__ import annotations

from typing import TypeVar

from venues.errors import (
    AuthenticationError,
    BadRequest,
    DecodeError,
    OrderError,
    OrderRejected,
    OutcomeUnknown,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    RequestTimeout,
    VenueError,
    VenueUnavailable,
)
from venues.transport.exchange import Answer, Judge, Request
from venues.transport.strict_json import BadJson, decode_json, parse_json

T = TypeVar("T")

BANNED = frozenset({418, 429})
# What a judge does with a body of an unforeseen shape. A judge is never trusted to be total.
_STUMBLED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


class RefusedByLimit(OrderRejected, RateLimited):
    """Refused before it was processed, by a limit or a ban: nothing may be sent for a while, cancels neither."""


def command_result(venue: str, request: Request, answer: Answer, into: type[T], refusals: Judge) -> T:
    """Returns the acknowledgement.

    Raises:
        OrderError: the judge found the refusal proven.
        OutcomeUnknown: anything else.
    """
    # A gateway that answers 5xx or redirects knows nothing of the order, whatever its body says.
    if not (answer.is_success or 400 <= answer.status < 500):
        raise _unknown(venue, request, f"the venue answered with status {answer.status}")
    try:
        body = parse_json(answer.body)
    except BadJson as error:
        raise _unknown(venue, request, f"the answer can not be read ({error})") from None
    try:
        found = refusals(answer.status, body)
    except _STUMBLED:
        raise _unknown(venue, request, "the answer is not of the documented shape") from None
    if isinstance(found, OrderError):
        raise found
    if found is not None:
        raise _unknown(venue, request, found.message, found.code)
    if not answer.is_success:
        raise _unknown(venue, request, f"the venue answered with status {answer.status} and no listed code")
    try:
        return decode_json(answer.body, into)
    except BadJson as error:
        raise _unknown(venue, request, f"the answer is {error}") from None


def read_result(venue: str, request: Request, answer: Answer, into: type[T], judge: Judge | None) -> T:
    """Returns what was asked for.

    Raises:
        VenueError: what the judge found, else what the status says.
    """
    what = request.what
    if answer.status >= 500:
        raise VenueUnavailable(venue, f"{what}: the venue answered with status {answer.status}")
    if not answer.is_success and answer.status < 400:
        raise ProtocolError(venue, f"{what}: the venue sent us elsewhere (status {answer.status})")
    try:
        body = parse_json(answer.body)
    except BadJson as error:
        if not answer.is_success:
            raise _by_status(venue, what, answer.status) from None
        raise DecodeError(venue, f"{what}: the answer is {error}") from None
    found = None
    try:
        if judge is not None:
            found = judge(answer.status, body)
    except _STUMBLED:
        raise DecodeError(venue, f"{what}: the answer is not of the documented shape") from None
    if found is not None:
        raise found
    if not answer.is_success:
        raise _by_status(venue, what, answer.status)
    try:
        return decode_json(answer.body, into)
    except BadJson as error:
        raise DecodeError(venue, f"{what}: the answer is {error}") from None


def _by_status(venue: str, what: str, status: int) -> VenueError:
    kind: type[VenueError]
    match status:
        case 401:
            kind = AuthenticationError
        case 403:
            kind = PermissionDenied
        case 408:
            kind = RequestTimeout
        case 418 | 429:
            kind = RateLimited
        case _:
            kind = BadRequest
    return kind(venue, f"{what}: the venue answered with status {status}", str(status))


def _unknown(venue: str, request: Request, why: str, code: str | None = None) -> OutcomeUnknown:
    return OutcomeUnknown(venue, f"{request.what}: {why}", code)
