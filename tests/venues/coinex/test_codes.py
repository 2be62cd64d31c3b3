"""Which number proves what. A code that proves nothing must never look like a refusal."""

from __future__ import annotations

import pytest

from venues.coinex.codes import (
    item_error,
    judge_change,
    judge_new_order,
    judge_read,
    stream_error,
)
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
    RequestTimeout,
    VenueError,
    VenueUnavailable,
)
from venues.transport.exchange import Answer, Request
from venues.transport.verdicts import RefusedByLimit, command_result

REFUSED = {2, 23, 24, 25, 34, 40, 107, 115, 213, 227, 602, 606}
PROVES_NOTHING = {1, 3, 35, 36, 49, 651, 3008, 4213, 9999, -1, 4001}
COMMAND = Request(what="place order", method="POST", path="/")


def body_of(code: object, message: str = "words") -> dict[str, object]:
    return {"code": code, "data": {}, "message": message}


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_listed_refusals(code: int) -> None:
    for judge in (judge_new_order, judge_change):
        found = judge(200, body_of(code))
        assert isinstance(found, OrderRejected)
        assert (found.code, found.message) == (str(code), "words")
    assert isinstance(judge_new_order(200, body_of(code)), InsufficientFunds) is (code == 107)


@pytest.mark.parametrize("code", sorted(PROVES_NOTHING))
def test_all_other_codes_leave_the_outcome_unknown(code: int) -> None:
    for judge in (judge_new_order, judge_change):
        found = judge(200, body_of(code))
        assert found is not None
        assert not isinstance(found, OrderError)
        raw = Answer(status=200, headers={}, body=b'{"code": %d, "data": {}, "message": ""}' % code)
        with pytest.raises(OutcomeUnknown):
            command_result("coinex", COMMAND, raw, object, judge)


@pytest.mark.parametrize("code", [600, 601])
def test_no_such_order_is_a_proof_for_a_change_only(code: int) -> None:
    assert isinstance(judge_change(200, body_of(code)), OrderNotFound)
    assert not isinstance(judge_new_order(200, body_of(code)), OrderError)
    assert isinstance(item_error(code, "", is_new=False), OrderNotFound)
    assert not isinstance(item_error(code, "", is_new=True), OrderError)
    assert item_error(0, "", is_new=True) is None


@pytest.mark.parametrize("status", [201, 400, 401, 403, 404, 418, 429])
def test_another_status_is_the_gateway_s(status: int) -> None:
    """It may well carry a body like the venue's: a proxy in front of another service."""
    for code in (0, 107, 2):
        for judge in (judge_new_order, judge_change):
            raw = Answer(status=status, headers={}, body=b'{"code": %d, "data": {}, "message": ""}' % code)
            with pytest.raises(OutcomeUnknown):
                command_result("coinex", COMMAND, raw, object, judge)
    assert judge_read(status, body_of(25)) is None


@pytest.mark.parametrize(
    "body", [None, [], "no", {}, body_of("107"), body_of(True), body_of(107.0), body_of(None)]
)
def test_an_answer_without_a_code_proves_nothing(body: object) -> None:
    for judge in (judge_read, judge_new_order, judge_change):
        with pytest.raises(ValueError, match="without a code"):
            judge(200, body)


def test_a_refusal_by_the_limit_is_both() -> None:
    """So the order is settled, and the transport is silent for a while."""
    found = judge_new_order(200, body_of(213))
    assert isinstance(found, RefusedByLimit)
    assert isinstance(found, RateLimited)
    assert (found.retry_after, found.code) == (None, "213")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (2, BadRequest), (3, VenueUnavailable), (23, PermissionDenied), (24, AuthenticationError),
        (25, AuthenticationError), (34, AuthenticationError), (35, VenueUnavailable), (36, VenueUnavailable),
        (213, RateLimited), (4213, RateLimited), (227, ClockSkew), (600, OrderNotFound), (3008, VenueUnavailable),
        (651, BadRequest), (1, BadRequest), (77777, BadRequest),
    ],
)  # fmt: skip
def test_reads(code: int, kind: type[VenueError]) -> None:
    assert type(judge_read(200, body_of(code))) is kind


def test_words_are_cut_and_a_banned_address_known_by_them() -> None:
    found = judge_read(200, body_of(1, "IP not allow visit"))
    assert type(found) is PermissionDenied
    long = judge_read(200, body_of(2, "x" * 10_000))
    assert long is not None
    assert len(long.message) == 200


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1, BadRequest), (2, VenueUnavailable), (3, VenueUnavailable), (4, NotSupported), (5, RequestTimeout),
        (6, AuthenticationError), (7, RateLimited), (99, BadRequest),
    ],
)  # fmt: skip
def test_the_stream_s_errors(code: int, kind: type[VenueError]) -> None:
    assert type(stream_error(code, "")) is kind
