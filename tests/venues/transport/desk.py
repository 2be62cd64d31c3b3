"""The trader's side of these tests: a client with short times, three calls, and keys that must never be seen."""

from __future__ import annotations

import hashlib
import hmac
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum

import msgspec

from venues.errors import OrderRejected, VenueError
from venues.transport.exchange import Dispatch, Request, Signed, Signer
from venues.transport.http import HttpClient
from venues.transport.ratelimit import RateLimiter
from venues.transport.timing import Timing

KEY = "canary-key-5b1d"
SECRET = "canary-secret-9f3e"
PATIENT = Timing(
    command=9.0, read=20.0, attempt=9.0, connect=9.0, pool=9.0, attempts=3, pause=0.01, longest_pause=0.02
)
# For what never answers: the shorter the test.
QUICK = Timing(
    command=0.3, read=0.8, attempt=0.2, connect=0.15, pool=0.1, attempts=3, pause=0.01, longest_pause=0.02
)
REFUSED = 107  # the one code whose meaning the venue documents


class Ack(msgspec.Struct):
    id: str


class Call(StrEnum):
    CREATE = "create"
    CANCEL = "cancel"
    QUERY = "query"


def request_for(call: Call) -> Request:
    match call:
        case Call.CREATE:
            return Request(
                what="place order", method="POST", path="/order", body=b'{"client_id":"p1"}', is_private=True
            )
        case Call.CANCEL:
            return Request(what="cancel order", method="DELETE", path="/order", query="id=p1", is_private=True)
        case Call.QUERY:
            return Request(what="look up order", method="GET", path="/order", query="id=p1", is_private=True)


TIME = Request(what="server time", method="GET", path="/time")


def sign(request: Request, nonce: int) -> Signed:
    """Signs as two kinds of venue do at once: in a header, and in the query."""
    signature = hmac.new(SECRET.encode(), request.query.encode() + request.body, hashlib.sha256).hexdigest()
    query = "&".join(part for part in (request.query, f"apiKey={KEY}&signature={signature}") if part)
    return Signed(query=query, body=request.body, headers=(("X-Key", KEY), ("X-Signature", signature)))


def refusals(status: int, body: object) -> VenueError | None:
    if isinstance(body, dict) and body.get("code") == REFUSED:
        return OrderRejected("testing", "balance not enough", str(REFUSED))
    return None


@asynccontextmanager
async def client(
    origin: str,
    *,
    timing: Timing = PATIENT,
    tls: ssl.SSLContext | None = None,
    connections: int = 4,
    largest: int = 100_000,
    nonce: Callable[[], int] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    signer: Signer | None = None,
    limiter: RateLimiter | None = None,
) -> AsyncIterator[HttpClient]:
    http = HttpClient(
        "testing",
        origin,
        sign=signer or sign,
        nonce=nonce,
        timing=timing,
        tls=tls,
        limiter=limiter,
        connections=connections,
        largest=largest,
        warm_with=TIME,
        rng=random.Random(7),
        monotonic=monotonic,
    )
    try:
        yield http
    finally:
        await http.aclose()


async def perform(http: HttpClient, call: Call, dispatch: Dispatch | None = None) -> Ack:
    request = request_for(call)
    if call is Call.QUERY:
        return await http.fetch(request, Ack, judge=refusals)
    return await http.command(request, Ack, refusals=refusals, dispatch=dispatch)


async def outcome_of(http: HttpClient, call: Call, dispatch: Dispatch | None = None) -> Ack | VenueError:
    try:
        return await perform(http, call, dispatch)
    except VenueError as error:
        return error
