"""Which number proves what. A code that proves nothing must never look like a refusal."""

from __future__ import annotations

import msgspec
import pytest

from venues.errors import (
    AuthenticationError,
    BadRequest,
    ClockSkew,
    InsufficientFunds,
    NotSupported,
    OrderError,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    TransientError,
    VenueError,
    VenueUnavailable,
)
from venues.max import VENUE
from venues.max.codes import (
    NonceReused,
    judge_cancel,
    judge_cancel_one,
    judge_new,
    judge_read,
    judge_read_order,
    stream_error,
)
from venues.transport.exchange import Answer, Judge, Request
from venues.transport.verdicts import command_result, read_result

COMMAND = Request(what="place order", method="POST", path="/")
READ = Request(what="look up", method="GET", path="/")
JUDGES: tuple[Judge, ...] = (judge_new, judge_cancel, judge_cancel_one)
REFUSED = {1001: 400, 2007: 401, 2016: 400, 2018: 400}
PROVES_NOTHING = {2002: 400, 2003: 400, 2001: 400, 4002: 400, 9999: 400, 0: 400, -1: 409, 2012: 404}


def error(code: object, message: object = "words") -> dict[str, object]:
    return {"success": False, "error": {"code": code, "message": message}}


def answer(status: int, body: object) -> Answer:
    return Answer(status=status, headers={}, body=msgspec.json.encode(body))


@pytest.mark.parametrize(("code", "status"), REFUSED.items())
def test_listed_refusals(code: int, status: int) -> None:
    for judge in JUDGES:
        for said in (status, 200):  # an error may come with 200
            found = judge(said, error(code))
            assert isinstance(found, OrderRejected)
            assert (found.code, found.message) == (str(code), "words")
            with pytest.raises(OrderRejected):
                command_result(VENUE, COMMAND, answer(said, error(code)), object, judge)
    assert isinstance(judge_new(400, error(code)), InsufficientFunds) is (code == 2018)


@pytest.mark.parametrize(("code", "status"), PROVES_NOTHING.items())
def test_all_other_codes_leave_the_outcome_unknown(code: int, status: int) -> None:
    for judge in JUDGES:
        for said in (status, 200, 500, 503):
            with pytest.raises(OutcomeUnknown):
                command_result(VENUE, COMMAND, answer(said, error(code)), object, judge)


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_not_let_in_has_placed_nothing(status: int) -> None:
    for judge in JUDGES:
        for code in (2001, 2005, 2008, 2011, 4002, 77):
            with pytest.raises(OrderRejected):
                command_result(VENUE, COMMAND, answer(status, error(code)), object, judge)
        for body in (b"<html>no</html>", b"", b"{}", b'{"error": "no"}', b'{"success": false}', b"[]"):
            with pytest.raises(OutcomeUnknown):  # not the venue's own words
                command_result(VENUE, COMMAND, Answer(status=status, headers={}, body=body), object, judge)


@pytest.mark.parametrize(("code", "status"), [(2004, 404), (404, 404), (4000, 404)])
def test_no_such_order_is_a_proof_for_a_cancel_only(code: int, status: int) -> None:
    for judge in (judge_cancel, judge_cancel_one):
        assert type(judge(status, error(code))) is OrderNotFound
    assert not isinstance(judge_new(status, error(code)), OrderError)


def test_a_used_nonce_proves_a_refusal_of_what_no_proxy_repeats() -> None:
    assert type(judge_new(401, error(2006))) is OrderRejected
    for judge in (judge_cancel, judge_cancel_one):
        with pytest.raises(OutcomeUnknown):
            command_result(VENUE, COMMAND, answer(401, error(2006)), object, judge)
    found = judge_read(401, error(2006))
    assert type(found) is NonceReused
    assert isinstance(found, TransientError)
    assert isinstance(found, AuthenticationError)


def test_a_limit_proves_nothing_and_is_heeded_by_its_status() -> None:
    for judge in JUDGES:
        with pytest.raises(OutcomeUnknown):
            command_result(VENUE, COMMAND, answer(429, error(1001)), object, judge)
    with pytest.raises(RateLimited):
        read_result(VENUE, READ, answer(429, error(1001)), object, judge_read)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (404, 404, BadRequest), (1001, 400, BadRequest), (2001, 401, AuthenticationError),
        (2004, 404, OrderNotFound), (2005, 401, AuthenticationError), (2007, 401, ClockSkew),
        (2008, 401, AuthenticationError), (2009, 401, AuthenticationError), (2010, 401, AuthenticationError),
        (2011, 401, PermissionDenied), (2012, 404, BadRequest), (2013, 404, BadRequest), (4000, 404, BadRequest),
        (4002, 403, PermissionDenied), (4002, 400, PermissionDenied), (77, 401, AuthenticationError),
        (77, 403, PermissionDenied), (77, 400, BadRequest), (77, 200, BadRequest), (1001, 502, VenueUnavailable),
    ],
)  # fmt: skip
def test_reads(code: int, status: int, kind: type[VenueError]) -> None:
    with pytest.raises(VenueError) as caught:
        read_result(VENUE, READ, answer(status, error(code)), object, judge_read)
    assert type(caught.value) is kind


@pytest.mark.parametrize("code", [404, 2004, 4000])
def test_an_order_that_is_not_found(code: int) -> None:
    assert type(judge_read_order(404, error(code))) is OrderNotFound


@pytest.mark.parametrize(
    "body", [{"error": "no"}, {"error": {}}, {"error": {"code": "1001"}}, {"error": {"code": True}}]
)
def test_an_error_without_a_code_proves_nothing(body: object) -> None:
    for judge in (judge_read, *JUDGES):
        with pytest.raises(ValueError, match="without a code"):
            judge(400, body)


@pytest.mark.parametrize("body", [None, [], "no", 1, {}, {"success": False}, {"id": "87"}, {"id": True}])
def test_what_is_neither_a_success_nor_an_order_cancels_nothing(body: object) -> None:
    with pytest.raises(OutcomeUnknown):
        command_result(VENUE, COMMAND, answer(200, body), object, judge_cancel_one)
    for good in ({"success": True}, {"id": 87}):
        assert judge_cancel_one(200, good) is None


def test_words_are_cut() -> None:
    none = "the venue gave no reason"
    for words, shown in (
        (5, none),
        ("x" * 10_000, "x" * 200),
        ("", none),
    ):
        found = judge_read(400, error(1001, words))
        assert found is not None
        assert found.message == shown


@pytest.mark.parametrize(
    ("text", "kind", "code", "words"),
    [
        ("E-1004: invalid action", NotSupported, "1004", "invalid action"),
        ("E-1005: invalid json", BadRequest, "1005", "invalid json"),
        ("E-1006: invalid nonce", ClockSkew, "1006", "invalid nonce"),
        ("E-1007: authentication failed", AuthenticationError, "1007", "authentication failed"),
        ("E-1012: nonce has already been used", NonceReused, "1012", "nonce has already been used"),
        ("E-1", BadRequest, "1", "the venue gave no reason"),
        ("something else", BadRequest, None, "something else"),
        ("", BadRequest, None, "the venue gave no reason"),
    ],
)
def test_errors_of_the_stream(text: str, kind: type[VenueError], code: str | None, words: str) -> None:
    found = stream_error(text)
    assert (type(found), found.code, found.message) == (kind, code, words)
    assert isinstance(found, TransientError) is (kind is NonceReused)
