"""What the number in an answer of CoinEx proves.

The venue answers with status 200 and a `code`; any other status comes from the gateway in front of it, which knows
nothing of an order. A command is refused only by a code below that is known to come before anything is executed;
1, 3, 35, 36, 3008 and every code that is not listed leave its outcome unknown.
"""

from __future__ import annotations

from collections.abc import Mapping

from venues.coinex import VENUE
from venues.errors import (
    AuthenticationError,
    BadRequest,
    ClockSkew,
    InsufficientFunds,
    NotSupported,
    OrderError,
    OrderNotFound,
    OrderRejected,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    RequestTimeout,
    VenueError,
    VenueUnavailable,
)
from venues.transport.verdicts import RefusedByLimit

_LONGEST_WORDS = 200
_BANNED_ADDRESS = "ip not allow visit"  # the venue has no code of its own for it

_REFUSED: Mapping[int, type[OrderError]] = {
    2: OrderRejected,  # invalid argument
    23: OrderRejected,  # address not allowed
    24: OrderRejected,  # no such access_id, or one younger than about ten minutes
    25: OrderRejected,  # signature
    34: OrderRejected,  # access_id expired
    40: OrderRejected,  # main and sub-account unpaired
    107: InsufficientFunds,
    115: OrderRejected,  # trading forbidden
    213: RefusedByLimit,
    227: OrderRejected,  # tonce
    602: OrderRejected,  # below the minimum amount
    606: OrderRejected,  # too far from the market
}
_REFUSED_CHANGE: Mapping[int, type[OrderError]] = {**_REFUSED, 600: OrderNotFound, 601: OrderNotFound}

_READ: Mapping[int, type[VenueError]] = {
    2: BadRequest,
    3: VenueUnavailable,
    23: PermissionDenied,
    24: AuthenticationError,
    25: AuthenticationError,
    34: AuthenticationError,
    35: VenueUnavailable,
    36: VenueUnavailable,
    40: PermissionDenied,
    115: PermissionDenied,
    213: RateLimited,
    227: ClockSkew,
    600: OrderNotFound,
    601: OrderNotFound,
    651: BadRequest,
    3008: VenueUnavailable,
    4213: RateLimited,
}

_STREAM: Mapping[int, type[VenueError]] = {
    1: BadRequest,
    2: VenueUnavailable,
    3: VenueUnavailable,
    4: NotSupported,
    5: RequestTimeout,
    6: AuthenticationError,
    7: RateLimited,
}


def judge_read(status: int, body: object) -> VenueError | None:
    """The judge of reads: what an answer says is wrong, None for a success or a gateway's answer."""
    if status != 200:
        return None
    code, words = _code_and_words(body)
    if code == 0:
        return None
    kind = _READ.get(code, BadRequest)
    if _BANNED_ADDRESS in words.lower():
        kind = PermissionDenied
    return kind(VENUE, words or "the venue gave no reason", str(code))


def judge_new_order(status: int, body: object) -> VenueError | None:
    """The judge of new orders: an OrderError for what proves the refusal, any other error proves nothing."""
    return _judge_command(status, body, _REFUSED)


def judge_change(status: int, body: object) -> VenueError | None:
    """The judge of amendments and cancels, which may also be told that there is no such order."""
    return _judge_command(status, body, _REFUSED_CHANGE)


def item_error(code: int, message: str, *, is_new: bool) -> VenueError | None:
    """Returns what the code of one order within a batch's answer proves: as the judges do, for a command."""
    return _command_error(code, message[:_LONGEST_WORDS], _REFUSED if is_new else _REFUSED_CHANGE)


def stream_error(code: int, message: str) -> VenueError:
    """Returns the error that a WebSocket answer tells of."""
    words = message[:_LONGEST_WORDS] or "the venue gave no reason"
    return _STREAM.get(code, BadRequest)(VENUE, words, str(code))


def _judge_command(status: int, body: object, refused: Mapping[int, type[OrderError]]) -> VenueError | None:
    if status != 200:
        return ProtocolError(VENUE, f"a gateway answered with status {status}")
    return _command_error(*_code_and_words(body), refused)


def _command_error(code: int, words: str, refused: Mapping[int, type[OrderError]]) -> VenueError | None:
    if code == 0:
        return None
    # 4213 is a limit of the second version, met on this one: it asks for silence and proves nothing.
    kind: type[VenueError] = RateLimited if code == 4213 else refused.get(code, ProtocolError)
    return kind(VENUE, words or "the venue gave no reason", str(code))


def _code_and_words(body: object) -> tuple[int, str]:
    if not isinstance(body, dict) or type(code := body.get("code")) is not int:
        # The transport makes of it what a body of an unforeseen shape proves: nothing.
        raise ValueError("an answer without a code")
    message = body.get("message")
    return code, message[:_LONGEST_WORDS] if isinstance(message, str) else ""
