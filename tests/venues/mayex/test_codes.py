"""What an answer proves: only what is listed is a refusal of a command."""

from __future__ import annotations

import msgspec
import pytest

from venues.errors import (
    AuthenticationError,
    BadRequest,
    DecodeError,
    DuplicateClientOrderId,
    InsufficientFunds,
    NotSupported,
    OrderError,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    UnknownInstrument,
    VenueError,
    VenueUnavailable,
)
from venues.mayex import VENUE
from venues.mayex.codes import REFUSALS, judge_cancel, judge_new, judge_read
from venues.mayex.models import Accepted
from venues.mayex.remedies import REMEDIES
from venues.transport.exchange import Answer, Judge, Request
from venues.transport.verdicts import RefusedByLimit, command_result, read_result

COMMAND = Request(what="place order", method="POST", path="/")
READ = Request(what="read", method="GET", path="/")
OF_STATUS = (401, 403, 404, 405, 429)


def body(code: int, words: str | None = "the venue's words") -> bytes:
    return msgspec.json.encode({"status": code, "error": words, "data": None})


def refused(raw: bytes, status: int = 200, judge: Judge = judge_new) -> VenueError:
    with pytest.raises(VenueError) as caught:
        command_result(VENUE, COMMAND, Answer(status=status, headers={}, body=raw), Accepted, judge)
    return caught.value


def unread(raw: bytes, status: int = 200) -> VenueError:
    with pytest.raises(VenueError) as caught:
        read_result(VENUE, READ, Answer(status=status, headers={}, body=raw), Accepted, judge_read)
    return caught.value


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_a_listed_code_proves_the_refusal_of_a_command(code: int) -> None:
    error = refused(body(code))
    assert isinstance(error, OrderRejected)
    assert (error.code, error.message) == (str(code), "the venue's words")
    assert refused(body(code, None)).message == REFUSALS[code], "ours where the venue has none"
    assert isinstance(refused(body(code), 400), OrderRejected), "whatever the status below 500"


@pytest.mark.parametrize("judge", [judge_new, judge_cancel])
@pytest.mark.parametrize("code", [-1, 1, 100, 150, 207_000, 999, 1013, 4999, 5005, 5006, 9999, 10501])
def test_any_other_code_proves_nothing_of_a_command(code: int, judge: Judge) -> None:
    error = refused(body(code), judge=judge)
    assert type(error) is OutcomeUnknown
    assert error.code == str(code)


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        *[(status, body(4001)) for status in (300, 307, 500, 502, 503, 504, 599)],
        *[(status, b"<html>no</html>") for status in (200, 400, 401, 403, 404, 405, 429)],
        *[(status, b"{}") for status in (200, 400, 401, 403, 429)],
        *[(status, b"[]") for status in (200, 401, 429)],
        (400, body(0)), (401, body(0)), (429, body(0)),
        (200, b'{"status": "4001"}'), (200, b'{"status": true}'), (200, b'{"status": null}'),
        (200, b'{"code": 4001}'), (200, b""), (200, b'{"status": 40'),
        (400, body(999)), (418, body(999)), (409, body(100)),
    ],
)  # fmt: skip
def test_what_is_not_an_envelope_or_contradicts_itself_proves_nothing(status: int, raw: bytes) -> None:
    assert type(refused(raw, status)) is OutcomeUnknown


@pytest.mark.parametrize("status", OF_STATUS)
def test_a_status_that_serves_nothing_proves_the_refusal(status: int) -> None:
    for code in (status, 1, 9999):
        error = refused(body(code), status)
        assert isinstance(error, RefusedByLimit if status == 429 else OrderRejected)
        assert error.code == f"HTTP {status}"
    assert refused(body(status, None), status).message, "in our words where the venue has none"
    assert refused(body(10500, "Api key not found"), status).code == "10500"


def test_401_is_a_key_as_a_status_and_an_account_as_a_code() -> None:
    assert REFUSALS[401] == refused(body(401, None)).message == "the account may not trade"
    assert refused(body(401, None)).code == "401"
    assert refused(body(401, None), 401).code == "HTTP 401"
    assert type(unread(body(401))) is PermissionDenied
    assert type(unread(body(401), 401)) is AuthenticationError


@pytest.mark.parametrize("code", [408, 501, 1007, 1008])
def test_a_lack_of_money_is_told_from_other_refusals(code: int) -> None:
    assert type(refused(body(code))) is InsufficientFunds


@pytest.mark.parametrize("code", [4014, 4071])
def test_an_id_that_is_there_already_is_told(code: int) -> None:
    assert type(refused(body(code))) is DuplicateClientOrderId


@pytest.mark.parametrize("code", [4000, 4020, 4070])
def test_only_a_cancel_is_told_that_there_is_nothing_to_cancel(code: int) -> None:
    assert type(refused(body(code), judge=judge_cancel)) is OrderNotFound
    assert type(refused(body(code))) is OrderRejected
    assert type(refused(body(302), judge=judge_cancel)) is OrderRejected
    assert type(refused(body(4000), 404, judge_cancel)) is OrderNotFound


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (100, "TIMEOUT", VenueUnavailable),
        (9999, "system is busy", VenueUnavailable),
        (9999, None, VenueUnavailable),
        (10501, "Signature mismatch", AuthenticationError),
        (9998, "request expired: request-expiry", AuthenticationError),
        (10500, "Api key not found", AuthenticationError),
        (400, "x", PermissionDenied),
        (1015, "x", PermissionDenied),
        (300, "x", UnknownInstrument),
        (2003, "x", UnknownInstrument),
        (4000, "x", OrderNotFound),
        (216, "x", BadRequest),
    ],
)
def test_reads_fail_by_what_is_said(code: int, words: str | None, kind: type[VenueError]) -> None:
    error = unread(body(code, words))
    assert type(error) is kind
    assert error.code == str(code)
    assert error.message


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationError), (403, PermissionDenied), (404, NotSupported), (405, NotSupported),
        (429, RateLimited), (500, VenueUnavailable), (503, VenueUnavailable),
    ],
)  # fmt: skip
def test_reads_fail_by_the_status(status: int, kind: type[VenueError]) -> None:
    assert type(unread(body(status), status)) is kind
    if status < 500:
        assert unread(body(status), status).code == f"HTTP {status}"
    if status not in (404, 405):
        assert type(unread(b"<html>", status)) is kind, "a gateway's page as well"
        assert type(unread(b'{"message": "no"}', status)) is kind


@pytest.mark.parametrize("raw", [b"[]", b"{}", b'{"status": "0"}', b'{"status": 0', b"<html>"])
def test_reads_of_another_shape_can_not_be_read(raw: bytes) -> None:
    assert type(unread(raw)) is DecodeError


def test_words_are_cut_and_an_unknown_key_is_an_authentication_error_whatever_its_status() -> None:
    assert len(refused(body(4001, "x" * 5_000)).message) == 200
    for status in (200, 401, 403):
        assert type(unread(body(10500, "Api key not found"), status)) is AuthenticationError


@pytest.mark.parametrize(
    "code", ["HTTP 401", "HTTP 403", "HTTP 404", "10500", "1012", "4006", "4008", "1004", "5003"]
)
def test_a_trader_is_told_what_to_do(code: str) -> None:
    error = REMEDIES.add(OrderRejected(VENUE, "the venue's words", code))
    assert isinstance(error, OrderError)
    assert error.message.endswith(" (the venue's words)")
    assert (error.message, error.code) == (REMEDIES.add(error).message, code), "once"


def test_what_passes_by_itself_needs_no_remedy() -> None:
    error = RefusedByLimit(VENUE, "slow down", "HTTP 429")
    assert REMEDIES.add(error) is error
