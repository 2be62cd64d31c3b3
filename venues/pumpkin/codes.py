"""What an answer of Pumpkin proves (section "API Error Codes & Handling Guidance").

An error is `{"code": ..., "msg": ..., "data": ..., "bizCode": ...}`, with a status of 200 or with the code as its
status; `msg` may be called `message`. A command is refused by a code below in the venue's own envelope, which are
all told before anything is executed: 1 and -1 (what was asked for, or who asked), 403 and 429 (bans of the
address), 418 (an address that is not on the list), 439 (quota), 467 (a symbol that the key may not trade).

1 and -1 hold every reason that there is, and `msg` names it. Words by which a server says that it failed, or none,
prove nothing, and neither does any code that is not listed, 503 ("reached the backend, no response") above all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from venues.errors import (
    AuthenticationError,
    BadRequest,
    DuplicateClientOrderId,
    InsufficientFunds,
    OrderNotFound,
    OrderRejected,
    PermissionDenied,
    ProtocolError,
    RateLimited,
    UnknownInstrument,
    VenueError,
    VenueUnavailable,
)
from venues.pumpkin import VENUE
from venues.transport.verdicts import RefusedByLimit

_LONGEST_RESET = 86_400.0
_LONGEST_WORDS = 200
# No gateway answers with these: they prove the same without a code in the body.
_OWN_STATUS = frozenset({439, 467})


class QuotaUsedUp(OrderRejected):
    """439: refused before it was processed. `reset` is in seconds from now, None where the venue did not say.

    The session makes of it a RateLimited for reads, and holds back all but cancels for so long.
    """

    def __init__(self, venue: str, message: str, code: str | None = None, reset: float | None = None) -> None:
        super().__init__(venue, message, code)
        self.reset = reset


class Said(NamedTuple):
    code: int
    words: str
    reset: float | None  # seconds


# Inferred: the document shows one `msg`; these are of the venue's sibling and of their common ancestor.
_of_doubt = re.compile(
    r"system|server|internal|time.?out|busy|unknown|unavailable|exception|retry|try.again|fail(?:ed|ure)?$|^error$",
    re.IGNORECASE,
)
_of_sign_in = re.compile(
    r"sign-error|code-sign-not-match|not-find-user-api|user-api-is-|open-auth-version|invalid.?api", re.IGNORECASE
)
_of_permission = re.compile(r"forbidden|not-at-white-list|not-open-contract|permission", re.IGNORECASE)
_of_funds = re.compile(r"insufficient|not.enough|balance_not", re.IGNORECASE)
_of_duplicates = re.compile(r"duplicat", re.IGNORECASE)
_of_missing = re.compile(r"invalid_order$|invalid_state|order_?not_?(?:exist|found)", re.IGNORECASE)
_of_symbols = re.compile(r"invalid_symbol|contract-not-support", re.IGNORECASE)


def judge_read(status: int, body: object) -> VenueError | None:
    """The judge of reads: what an answer says is wrong, None for a success and for what the status alone says."""
    said = _heard(status, body)
    return None if said is None else _read_error(said)


def judge_read_order(status: int, body: object) -> VenueError | None:
    """The judge of what looks for one order, which may not be there."""
    said = _heard(status, body)
    if said is not None and said.code in (1, -1) and _of_missing.search(said.words):
        return OrderNotFound(VENUE, said.words, str(said.code))
    return None if said is None else _read_error(said)


def judge_new(status: int, body: object) -> VenueError | None:
    """The judge of commands: an OrderError for what proves the refusal, any other error proves nothing."""
    return _judge_command(status, body)


def judge_cancel(status: int, body: object) -> VenueError | None:
    """The judge of cancels and changes of an order, which may also be told that it is not there or is done."""
    found = _judge_command(status, body)
    if type(found) is OrderRejected and _of_missing.search(found.message):
        return OrderNotFound(VENUE, found.message, found.code)
    return found


def _judge_command(status: int, body: object) -> VenueError | None:
    said = _heard(status, body)
    if said is None:
        if not isinstance(body, dict) or "code" not in body:
            raise ValueError("an acknowledgement without a code")
        return None
    code, words, reset = said
    if code in (1, -1):
        return _refusal(code, words)
    match code:
        case 403:
            return RefusedByLimit(VENUE, words, "403")
        case 418 | 467:
            return OrderRejected(VENUE, words, str(code))
        case 429:
            return RefusedByLimit(VENUE, words, "429", reset)
        case 439:
            return QuotaUsedUp(VENUE, words, "439", reset)
        case _:
            return ProtocolError(VENUE, words, str(code))


def _refusal(code: int, words: str) -> VenueError:
    kind: type[VenueError] = OrderRejected
    if _is_doubtful(words):
        kind = ProtocolError
    elif _of_funds.search(words):
        kind = InsufficientFunds
    elif _of_duplicates.search(words):
        kind = DuplicateClientOrderId
    return kind(VENUE, words or _NO_REASON, str(code))


_NO_REASON = "the venue gave no reason"
_BY_CODE: Mapping[int, type[VenueError]] = {
    1: AuthenticationError,
    -1: BadRequest,
    418: PermissionDenied,
    467: PermissionDenied,
}
_BY_WORDS: tuple[tuple[re.Pattern[str], type[VenueError]], ...] = (
    (_of_sign_in, AuthenticationError),
    (_of_permission, PermissionDenied),
    (_of_symbols, UnknownInstrument),
    (re.compile(r"invalid_|can_not", re.IGNORECASE), BadRequest),
)


def _read_error(said: Said) -> VenueError:
    code, words, reset = said
    shown = words or _NO_REASON
    match code:
        case 403:
            return RateLimited(VENUE, shown, "403")
        case 429:
            return RateLimited(VENUE, shown, "429", reset)
        case 439:
            return QuotaUsedUp(VENUE, shown, "439", reset)
    kind = _BY_CODE.get(code, BadRequest)
    if code >= 500 or (code in (1, -1) and words and _is_doubtful(words)):
        kind = VenueUnavailable
    elif code in (1, -1):
        kind = next((found for pattern, found in _BY_WORDS if pattern.search(words)), kind)
    return kind(VENUE, shown, str(code))


def _is_doubtful(words: str) -> bool:
    return not words or (_of_doubt.search(words) is not None and _of_sign_in.search(words) is None)


def _heard(status: int, body: object) -> Said | None:
    """Returns what an error says; None for a success, and for what has no code and is not the venue's own status.

    Raises:
        ValueError: a code that is none, which proves nothing.
    """
    if not isinstance(body, dict):
        return None
    code = body.get("code", status if status in _OWN_STATUS else None)
    if code is None and "code" not in body:
        return None
    if type(code) is not int:
        raise ValueError("an error without a code")
    if code == 0:
        return None
    words = next((each for name in ("msg", "message") if isinstance(each := body.get(name), str)), "")
    return Said(code, words[:_LONGEST_WORDS].strip(), _reset_of(body.get("data")))


def _reset_of(data: object) -> float | None:
    reset = data.get("reset") if isinstance(data, dict) else None
    if isinstance(reset, bool) or not isinstance(reset, int | Decimal) or not 0 <= reset <= _LONGEST_RESET:
        return None
    return float(reset)
