"""Reads, warm connections, and what is never taken from the environment."""

from __future__ import annotations

import itertools
import ssl
from pathlib import Path

import msgspec
import pytest

from tests.venues.transport.desk import PATIENT, TIME, Ack, Call, client, outcome_of, perform, request_for, sign
from tests.venues.transport.scripted import Fault, ScriptedVenue
from venues.errors import (
    AuthenticationError,
    BadRequest,
    ConfigurationError,
    DecodeError,
    NotSupported,
    PermissionDenied,
    RateLimited,
    RequestTimeout,
    VenueError,
    VenueUnavailable,
)
from venues.transport.exchange import Request, Signed
from venues.transport.http import HttpClient


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, BadRequest),
        (401, AuthenticationError),
        (403, PermissionDenied),
        (404, BadRequest),
        (408, RequestTimeout),
        (503, VenueUnavailable),
    ],
)
async def test_a_status_without_a_judgement(status: int, expected: type[VenueError]) -> None:
    async with ScriptedVenue(Fault.FIXED) as venue, client(venue.origin) as http:
        venue.answer = (status, {}, b"{}")
        assert type(await outcome_of(http, Call.QUERY)) is expected


async def test_a_read_that_fails_twice_succeeds_with_a_new_nonce_each_time() -> None:
    signed_at: list[int] = []

    def watching(request: Request, nonce: int) -> Signed:
        signed_at.append(nonce)
        if nonce == 3:
            venue.fault = Fault.NONE
        return sign(request, nonce)

    async with (
        ScriptedVenue(Fault.UNAVAILABLE) as venue,
        client(venue.origin, nonce=itertools.count(1).__next__, signer=watching) as http,
    ):
        assert await perform(http, Call.QUERY) == Ack("o-1")
        assert signed_at == [1, 2, 3]
        assert len(venue.received) == 3


async def test_retry_after_is_waited_for_where_the_time_allows() -> None:
    async with ScriptedVenue(Fault.FIXED) as venue, client(venue.origin) as http:
        venue.answer = (429, {"Retry-After": "0.05"}, b"{}")
        outcome = await outcome_of(http, Call.QUERY)
        assert isinstance(outcome, RateLimited)
        assert len(venue.received) == PATIENT.attempts


async def test_a_wait_beyond_the_deadline_is_told_at_once() -> None:
    async with ScriptedVenue(Fault.FIXED) as venue, client(venue.origin) as http:
        venue.answer = (429, {"Retry-After": "3600"}, b"{}")
        outcome = await outcome_of(http, Call.QUERY)
        assert isinstance(outcome, RateLimited)
        assert outcome.retry_after == pytest.approx(3600, abs=5)
        assert len(venue.received) == 1


async def test_only_a_get_is_a_read() -> None:
    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin) as http:
        with pytest.raises(NotSupported):
            await http.fetch(request_for(Call.CREATE), Ack)
        assert venue.connections == 0


async def test_what_is_sent() -> None:
    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin) as http:
        await http.fetch(msgspec.structs.replace(TIME, path="/v1/a", query="b=%20c&d=%2F"), object)
        received = venue.received[0]
        assert received.target == "/v1/a?b=%20c&d=%2F"
        assert received.headers["accept-encoding"] == "identity"
        assert "cookie" not in received.headers
        assert "x-key" not in received.headers  # a public read is not signed


async def test_cookies_are_not_kept() -> None:
    async with ScriptedVenue(Fault.FIXED) as venue, client(venue.origin) as http:
        venue.answer = (200, {"Set-Cookie": "a=b; Path=/"}, b'{"id": "o-1"}')
        for _ in range(2):
            await perform(http, Call.QUERY)
        assert "cookie" not in venue.received[1].headers


async def test_an_order_goes_by_a_connection_that_was_opened_before(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with ScriptedVenue(Fault.NONE, server_tls) as venue, client(venue.origin, tls=client_tls) as http:
        await http.warm()
        assert venue.connections == 2
        await perform(http, Call.CREATE)
        await perform(http, Call.CANCEL)
        assert venue.connections == 2
        await perform(http, Call.QUERY)
        assert venue.connections == 3  # reads have connections of their own


async def test_keeping_warm_goes_on_after_a_failure() -> None:
    class Enough(Exception):
        pass

    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        venue.fault = Fault.NONE
        if len(pauses) == 3:
            raise Enough

    async with ScriptedVenue(Fault.RESET_UNREAD) as venue:
        http = HttpClient("testing", venue.origin, warm_with=TIME, sleep=pause)
        with pytest.raises(Enough):
            await http.keep_warm()
        await http.aclose()
        assert pauses == [http.timing.warm_every] * 3
        assert len(venue.received) == 4


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"])
async def test_a_proxy_of_the_environment_is_not_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with ScriptedVenue(Fault.NONE) as venue, client(venue.origin) as http:
        assert await perform(http, Call.QUERY) == Ack("o-1")


async def test_no_session_key_is_written_for_whoever_set_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server_tls: ssl.SSLContext
) -> None:
    log = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    async with ScriptedVenue(Fault.NONE, server_tls) as venue, client(venue.origin) as http:
        await outcome_of(http, Call.QUERY)
    assert not log.exists()


@pytest.mark.parametrize(
    "origin", ["http://api.example.com", "ftp://a", "https://", "https://u:p@a", "https://a/path", "https://a?b=c"]
)
def test_an_origin_that_is_not_safe(origin: str) -> None:
    with pytest.raises(ConfigurationError):
        HttpClient("testing", origin)


def test_a_proxy_that_is_none() -> None:
    with pytest.raises(ConfigurationError) as caught:
        HttpClient("testing", "https://a", proxy="carrier-pigeon://user:hunter2@loft")
    assert "hunter2" not in str(caught.value)


async def test_an_answer_of_the_wrong_shape() -> None:
    async with ScriptedVenue(Fault.FIXED) as venue, client(venue.origin) as http:
        venue.answer = (200, {}, b'{"id": 7}')
        assert isinstance(await outcome_of(http, Call.QUERY), DecodeError)
        assert len(venue.received) == 1
