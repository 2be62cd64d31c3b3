"""What an answer proves: which codes refuse a command, and which leave its outcome unknown."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.venues.pumpkin.client_rig import client_at, new_order
from tests.venues.pumpkin.documented import examples
from venues.errors import (
    AuthenticationError,
    BadRequest,
    DecodeError,
    DuplicateClientOrderId,
    InsufficientFunds,
    NotSent,
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
from venues.pumpkin import VENUE, Client
from venues.pumpkin.codes import (
    QuotaUsedUp,
    judge_cancel,
    judge_new,
    judge_read,
    judge_read_order,
)
from venues.pumpkin.models import Accepted
from venues.transport.exchange import Answer, Judge, Request
from venues.transport.verdicts import RefusedByLimit, command_result, read_result

COMMAND = Request(what="place order", method="POST", path="/")
READ = Request(what="read", method="GET", path="/")
JUDGES = (judge_new, judge_cancel)
BOTH = pytest.mark.parametrize("judge", JUDGES, ids=["new", "cancel"])


def error(code: object, msg: object = "invalid_price", **more: Any) -> dict[str, Any]:
    return {"code": code, "msg": msg, "data": None, "bizCode": None} | more


def answer(status: int, body: object) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers={}, body=raw)


def outcome(judge: Judge, status: int, body: object) -> Any:
    return command_result(VENUE, COMMAND, answer(status, body), Accepted, judge)


@BOTH
def test_every_documented_error_refuses(judge: Judge) -> None:
    shown = [each for each in examples() if each.kind == "error"]
    assert len(shown) == 3
    for each in shown:
        with pytest.raises(OrderRejected) as caught:
            outcome(judge, each.status, each.raw)
        assert (caught.value.code, caught.value.message) == (str(each.value["code"]), each.value["msg"])


@BOTH
@pytest.mark.parametrize("code", [1, -1, 403, 418, 429, 439, 467])
@pytest.mark.parametrize("word", ["msg", "message"])
def test_the_documents_codes_refuse_whatever_the_status(judge: Judge, code: int, word: str) -> None:
    body = {"code": code, word: "symbol-not-in-allowed", "data": None}
    for status in (200, 400, 401, 403, 418, 429, 439, 467):
        with pytest.raises(OrderRejected, match="symbol-not-in-allowed"):
            outcome(judge, status, body)


@BOTH
@pytest.mark.parametrize("status", [500, 502, 503, 504, 302])
def test_a_servers_failure_proves_nothing_whatever_its_body_says(judge: Judge, status: int) -> None:
    for body in (error(-1), error(439), error(0), b"<html>", b""):
        with pytest.raises(OutcomeUnknown):
            outcome(judge, status, body)


@BOTH
@pytest.mark.parametrize("code", [500, 503, 502, 2, 99, -2, 1000])
def test_no_other_code_proves_anything(judge: Judge, code: int) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        outcome(judge, 200, error(code))
    assert caught.value.code == str(code)


@BOTH
@pytest.mark.parametrize(
    "words",
    ["", "  ", "system-error", "system_busy", "fail", "order_create_fail", "error", "Internal Server Error",
     "request time out", "timeout", "unknown", "service unavailable", "please try again", None, 7],
)  # fmt: skip
def test_a_server_that_says_it_failed_proves_nothing(judge: Judge, words: object) -> None:
    for code in (1, -1):
        with pytest.raises(OutcomeUnknown):
            outcome(judge, 200, error(code, words))
    assert type(judge_read(200, error(-1, "system-error"))) is VenueUnavailable


@BOTH
@pytest.mark.parametrize(
    "body",
    [b"<html>no</html>", b"", b"[]", b"null", b"true", b"{}", {"data": True}, error(None), error("0"),
     error(True), error(1.5), {"msg": "ok"}, b'{"code": 0, "code": 0}', b'{"code": 0, "data": false}'],
)  # fmt: skip
def test_what_is_not_the_venues_envelope_proves_nothing(judge: Judge, body: object) -> None:
    for status in (200, 400, 403, 404, 418, 429):
        with pytest.raises(OutcomeUnknown):
            outcome(judge, status, body)


@BOTH
def test_a_success_with_a_bad_status_proves_nothing(judge: Judge) -> None:
    assert outcome(judge, 200, error(0)).code == 0
    with pytest.raises(OutcomeUnknown):
        outcome(judge, 400, error(0))


@BOTH
def test_the_venues_own_status_proves_as_much_as_its_code(judge: Judge) -> None:
    for status in (439, 467):
        with pytest.raises(OrderRejected) as caught:
            outcome(judge, status, {"message": "no"})
        assert caught.value.code == str(status)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("order_leverage_not_match_position_leverage", OrderRejected), ("insufficient_balance", InsufficientFunds),
        ("duplicate_client_order_id", DuplicateClientOrderId), ("invalid_time_in_force", OrderRejected),
        ("quantity_can_not_less_than", OrderRejected), ("open_order_min_nominal_value_limit", OrderRejected),
    ],
)  # fmt: skip
def test_what_the_words_of_a_refusal_mean(words: str, kind: type[VenueError]) -> None:
    assert type(judge_new(200, error(-1, words))) is kind


@pytest.mark.parametrize("words", ["invalid_order", "invalid_state", "order_not_exist", "order not found"])
def test_no_such_order_is_a_proof_for_a_cancel_only(words: str) -> None:
    body = error(-1, words.replace(" ", "_"))
    assert type(judge_cancel(200, body)) is OrderNotFound
    assert type(judge_new(200, body)) is OrderRejected
    assert type(judge_read_order(200, body)) is OrderNotFound
    assert not isinstance(judge_read(200, body), OrderError)


def test_bans_and_quotas_say_for_how_long() -> None:
    told = error(429, "ip_high_frequency", data={"type": "ip", "current": 120, "limit": 100, "reset": 3600})
    for judge in JUDGES:
        found = judge(429, told)
        assert isinstance(found, RefusedByLimit)
        assert found.retry_after == 3600
        found = judge(200, error(403, "waf"))
        assert isinstance(found, RefusedByLimit)
        assert found.retry_after is None
        found = judge(200, error(439, "weight", data={"reset": 12}))
        assert isinstance(found, QuotaUsedUp)
        assert not isinstance(found, RateLimited)  # cancels may go on
        assert found.reset == 12
    read = judge_read(429, told)
    assert isinstance(read, RateLimited)
    assert (read.retry_after, read.code) == (3600, "429")


@pytest.mark.parametrize("reset", [None, True, "12", -1, 10**9, [], {}])
def test_a_reset_that_is_none_is_not_believed(reset: object) -> None:
    for body in (error(429, "x", data={"reset": reset}), error(429, "x", data=[reset]), error(429)):
        found = judge_read(200, body)
        assert isinstance(found, RateLimited)
        assert found.retry_after is None
    quota = judge_read(200, error(439, "x", data={"reset": reset}))
    assert isinstance(quota, QuotaUsedUp)
    assert quota.reset is None


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (1, "sign-error", AuthenticationError), (-1, "code-sign-not-match", AuthenticationError),
        (-1, "not-find-user-api", AuthenticationError), (1, "user-api-is-past-due", AuthenticationError),
        (1, "Forbidden", PermissionDenied), (1, "not-at-white-list", PermissionDenied),
        (-1, "invalid_symbol", UnknownInstrument), (1, "invalid_limit", BadRequest), (-1, "whatever", BadRequest),
        (1, "whatever", AuthenticationError), (-1, "", BadRequest), (418, "x", PermissionDenied),
        (467, "symbol-not-in-allowed", PermissionDenied), (500, "x", VenueUnavailable), (77, "x", BadRequest),
    ],
)  # fmt: skip
def test_reads(code: int, words: str, kind: type[VenueError]) -> None:
    for judge in (judge_read, judge_read_order):
        found = judge(200, error(code, words))
        assert type(found) is kind
        assert found.code == str(code)


def test_reads_of_what_is_no_envelope() -> None:
    assert judge_read(200, [{"code": 1}]) is None  # the formats of third parties
    assert judge_read(200, {"ticker_id": "BTC_USDT"}) is None
    with pytest.raises(DecodeError):
        read_result(VENUE, READ, answer(200, error("x")), Accepted, judge_read)
    with pytest.raises(VenueUnavailable):
        read_result(VENUE, READ, answer(503, error(-1)), Accepted, judge_read)


async def test_a_ban_stops_everything_and_a_used_up_quota_all_but_cancels() -> None:
    async with client_at() as (client, venue):
        venue.error(439, "weight_exceeded", 439, {"type": "minute", "current": 600, "limit": 600, "reset": 50})
        venue.data(True)
        with pytest.raises(QuotaUsedUp):
            await client.create_order(new_order())
        with pytest.raises(NotSent, match="quota") as denied:
            await client.create_order(new_order())
        assert denied.value.code == "439"
        with pytest.raises(RateLimited) as caught:
            await client.balances()
        assert caught.value.retry_after == pytest.approx(50, abs=5)
        assert len(venue.calls) == 1
        await client.cancel_order(7)
        await client.close_all_positions()
        venue.error(429, "ip_high_frequency", 429, {"reset": 3600})
        venue.answers.popleft()
        with pytest.raises(RefusedByLimit):
            await client.cancel_order(8)
        with pytest.raises(NotSent):
            await client.cancel_order(8)
        assert len(venue.calls) == 4


async def test_a_read_that_finds_the_quota_used_up_is_not_tried_again() -> None:
    async with client_at() as (client, venue):
        venue.error(439, "weight_exceeded", 200, {"reset": 50})
        with pytest.raises(RateLimited) as caught:
            await client.balances()
        assert caught.value.code == "439"
        assert caught.value.retry_after == pytest.approx(50, abs=5)
        with pytest.raises(RateLimited):
            await client.orders_by_ids(["7"])
        assert len(venue.calls) == 1  # the second is held back


async def test_the_firewall_is_heeded_whatever_it_says() -> None:
    page = b"<html>blocked</html>"
    async with client_at() as (client, venue):
        venue.answer(page, 403)
        with pytest.raises(OutcomeUnknown):  # not the venue's own words
            await client.create_order(new_order())
        with pytest.raises(NotSent, match="silent"):
            await client.cancel_order(7)
        with pytest.raises(RateLimited):
            await client.balances()
        assert len(venue.calls) == 1
    async with client_at() as (client, venue):
        venue.answer(page, 403)
        with pytest.raises(RateLimited) as caught:
            await client.balances()
        assert caught.value.code == "403"
        assert caught.value.retry_after == pytest.approx(60, abs=5)
        with pytest.raises(NotSent, match="silent"):
            await client.create_order(new_order())
        assert len(venue.calls) == 1


async def test_an_address_that_is_not_on_the_list_stops_nothing() -> None:
    async with client_at() as (client, venue):
        venue.error(418, "ip-restricted", 418)
        with pytest.raises(OrderRejected):
            await client.create_order(new_order())
        with pytest.raises(PermissionDenied):
            await client.balances()
        assert len(venue.calls) == 2


@pytest.mark.parametrize(("code", "status"), [(403, 200), (403, 403), (429, 200), (429, 429), (439, 200)])
async def test_where_the_venue_names_no_time_it_is_a_minute(code: int, status: int) -> None:
    calls: list[Callable[[Client], Coroutine[Any, Any, Any]]] = [
        lambda c: c.balances(), lambda c: c.create_order(new_order()), lambda c: c.orders_by_ids([7]),
    ]  # fmt: skip
    for make in calls:
        async with client_at() as (client, venue):
            venue.error(code, "no", status)
            with pytest.raises(VenueError) as caught:
                await make(client)
            assert caught.value.code == str(code)
            with pytest.raises(RateLimited) as held:
                await client.balances()
            assert held.value.retry_after == pytest.approx(60, abs=5)
            assert len(venue.calls) == 1
