"""The twenty kinds of HTTP fault, each on a create, a cancel and a query, in clear and over TLS.

For commands the verdict must equal the venue's truth or be UNKNOWN: a wrong certainty makes a trader enter an
order twice, or believe in one that is not there. For each fault the exact verdict is asserted besides.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import msgspec
import pytest

from tests.venues.transport.desk import PATIENT, QUICK, Ack, Call, client, outcome_of
from tests.venues.transport.scripted import Fault, ScriptedVenue
from venues.errors import (
    BadRequest,
    ConnectionLost,
    DecodeError,
    NotSent,
    OrderError,
    OutcomeUnknown,
    ProtocolError,
    RequestTimeout,
    VenueError,
    VenueUnavailable,
)
from venues.transport.exchange import Dispatch
from venues.transport.http import HttpClient

COMMANDS = [Call.CREATE, Call.CANCEL]

# fault: what a read raises, and whether it is tried again
READS: dict[Fault, tuple[type[VenueError], bool]] = {
    Fault.RESET_UNREAD: (ConnectionLost, True),
    Fault.CLOSED_UNREAD: (ConnectionLost, True),
    Fault.RESET: (ConnectionLost, True),
    Fault.CLOSED: (ConnectionLost, True),
    Fault.KEEP_ALIVE_RESET: (ConnectionLost, True),
    Fault.HALF_HEADERS: (ConnectionLost, True),
    Fault.HALF_BODY: (ConnectionLost, True),
    Fault.GARBAGE: (ConnectionLost, True),
    Fault.SILENT: (RequestTimeout, True),
    Fault.SILENT_UNDONE: (RequestTimeout, True),
    Fault.DRIP: (RequestTimeout, True),
    Fault.BAD_GATEWAY: (VenueUnavailable, True),
    Fault.UNAVAILABLE: (VenueUnavailable, True),
    Fault.GATEWAY_TIMEOUT: (VenueUnavailable, True),
    Fault.HTML: (DecodeError, False),
    Fault.REDIRECT: (ProtocolError, False),
    Fault.LATE: (BadRequest, False),
    Fault.HUGE: (DecodeError, False),
    Fault.HUGE_CHUNKED: (DecodeError, False),
    Fault.GZIP: (DecodeError, False),
}

BUSY = msgspec.structs.replace(PATIENT, pool=0.1)
NEVER_ENDING = {Fault.SILENT, Fault.SILENT_UNDONE, Fault.DRIP}


@pytest.fixture(params=["clear", "tls"])
def tls(
    request: pytest.FixtureRequest, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    return (server_tls, client_tls) if request.param == "tls" else (None, client_tls)


def judge_against_truth(outcome: Ack | VenueError, executed: bool) -> None:
    if isinstance(outcome, Ack):
        assert executed
    elif isinstance(outcome, NotSent | OrderError):
        assert not executed
    else:
        assert isinstance(outcome, OutcomeUnknown)


@pytest.mark.parametrize("call", COMMANDS)
@pytest.mark.parametrize("fault", READS)
async def test_a_command_that_reached_the_wire_is_unknown(
    fault: Fault, call: Call, tls: tuple[ssl.SSLContext | None, ssl.SSLContext | None]
) -> None:
    timing = QUICK if fault in NEVER_ENDING else PATIENT
    async with ScriptedVenue(fault, tls[0]) as venue, client(venue.origin, timing=timing, tls=tls[1]) as http:
        if fault is Fault.KEEP_ALIVE_RESET:
            await http.warm()
        warmed = len(venue.received)
        dispatch = Dispatch()
        outcome = await outcome_of(http, call, dispatch)
        venue.settle()
        judge_against_truth(outcome, bool(venue.executed))
        assert isinstance(outcome, OutcomeUnknown), outcome
        assert dispatch.has_begun
        commands = venue.received[warmed:]
        assert len(commands) <= 1  # never sent again
        assert len(venue.executed) <= 1
        if fault is Fault.KEEP_ALIVE_RESET:
            assert commands[0].connection <= warmed  # it did go by a connection that was warm


@pytest.mark.parametrize("fault", READS)
async def test_a_query_raises_what_it_was_and_is_tried_again_only_where_that_may_help(
    fault: Fault, tls: tuple[ssl.SSLContext | None, ssl.SSLContext | None]
) -> None:
    expected, is_tried_again = READS[fault]
    timing = QUICK if fault in NEVER_ENDING else PATIENT
    async with ScriptedVenue(fault, tls[0]) as venue, client(venue.origin, timing=timing, tls=tls[1]) as http:
        outcome = await outcome_of(http, Call.QUERY)
        assert type(outcome) is expected, outcome
        attempts = max(venue.connections, len(venue.received))
        assert (attempts > 1) is is_tried_again
        assert all(received.target.startswith("/order") for received in venue.received)  # no redirect was followed


@contextmanager
def closed_port() -> Iterator[int]:
    """Gives a port that refuses: taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def full_backlog() -> Iterator[int]:
    """Gives a port whose queue of connections is full: the kernel leaves further ones without an answer."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = []
        try:
            for _ in range(4):
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(listening.getsockname())
                waiting.append(one)
            yield listening.getsockname()[1]
        finally:
            for one in waiting:
                one.close()


@pytest.mark.parametrize("call", Call)
async def test_refused(call: Call) -> None:
    with closed_port() as port:
        async with client(f"http://127.0.0.1:{port}") as http:
            await expect_not_sent(http, call, ConnectionLost)


@pytest.mark.parametrize("call", Call)
async def test_a_name_that_is_not_resolved(call: Call) -> None:
    async with client("https://exchange.invalid") as http:
        await expect_not_sent(http, call, ConnectionLost)


@pytest.mark.parametrize("call", Call)
async def test_connect_timeout(call: Call) -> None:
    with full_backlog() as port:
        async with client(f"http://127.0.0.1:{port}", timing=QUICK) as http:
            await expect_not_sent(http, call, RequestTimeout)


@pytest.mark.parametrize("call", Call)
async def test_pool_exhausted(call: Call) -> None:
    async with occupied_pool(call) as (venue, http):
        await expect_not_sent(http, call, RequestTimeout)
        assert len(venue.received) == 1


@asynccontextmanager
async def occupied_pool(call: Call) -> AsyncIterator[tuple[ScriptedVenue, HttpClient]]:
    """Gives a client of one connection, which a command or read of the same kind keeps busy."""
    async with ScriptedVenue(Fault.SILENT) as venue, client(venue.origin, timing=BUSY, connections=1) as http:
        long = asyncio.create_task(outcome_of(http, call))
        await venue.arrived.wait()
        try:
            yield venue, http
        finally:
            long.cancel()
            await asyncio.gather(long, return_exceptions=True)


@pytest.mark.parametrize("call", Call)
async def test_a_tls_handshake_that_fails(call: Call, server_tls: ssl.SSLContext) -> None:
    """The venue's certificate is signed by nobody we trust."""
    async with ScriptedVenue(Fault.NONE, server_tls) as venue, client(venue.origin) as http:
        await expect_not_sent(http, call, ConnectionLost)
        assert venue.received == []


@pytest.mark.parametrize("call", Call)
async def test_a_tls_handshake_that_is_never_answered(call: Call) -> None:
    """A server that reads the handshake as a request, and waits for its end."""
    async with ScriptedVenue(Fault.SILENT) as venue:
        secure = venue.origin.replace("http:", "https:")
        async with client(secure, timing=QUICK) as http:
            await expect_not_sent(http, call, RequestTimeout)
        assert venue.received == []


async def expect_not_sent(http: HttpClient, call: Call, read_error: type[VenueError]) -> None:
    dispatch = Dispatch()
    outcome = await outcome_of(http, call, dispatch)
    assert type(outcome) is (read_error if call is Call.QUERY else NotSent), outcome
    assert not dispatch.has_begun


@pytest.mark.parametrize("call", Call)
async def test_without_a_fault_it_is_done_once_and_acknowledged(
    call: Call, tls: tuple[ssl.SSLContext | None, ssl.SSLContext | None]
) -> None:
    async with ScriptedVenue(Fault.NONE, tls[0]) as venue, client(venue.origin, tls=tls[1]) as http:
        assert await outcome_of(http, call) == Ack("o-1")
        assert len(venue.executed) == 1
