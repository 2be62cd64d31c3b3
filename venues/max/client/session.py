"""What the calls of MAX go through: the HTTP client, signing with nonces that no other process draws."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable
from typing import TypeVar

from venues.errors import ConfigurationError
from venues.max import PREFIX, REST_ORIGIN, VENUE
from venues.max.auth import sign_with
from venues.max.limits import POOLS, PUBLIC
from venues.port import Credentials
from venues.redaction import Redaction, redaction_of
from venues.transport.exchange import Request
from venues.transport.http import HttpClient
from venues.transport.ratelimit import RateLimiter
from venues.transport.timing import Timing

T = TypeVar("T")

TIMESTAMP = Request(what="read time", method="GET", path=f"{PREFIX}/timestamp", weight=PUBLIC)


def make_limiter() -> RateLimiter:
    """Returns the request limits, which all sessions of one account in one process should share."""
    return RateLimiter(VENUE, POOLS)


def make_session(
    credentials: Credentials | None = None,
    *,
    nonces: Callable[[], int] | None = None,
    base_url: str = REST_ORIGIN,
    timing: Timing | None = None,
    limiter: RateLimiter | None = None,
    proxy: str | None = None,
    hide: Redaction | None = None,
    tls: ssl.SSLContext | None = None,
    rng: random.Random | None = None,
    wall: Callable[[], int] = time.time_ns,
    monotonic: Callable[[], float] = time.monotonic,
) -> HttpClient:
    """Returns a session that is not connected; `nonces` returns milliseconds, each time other ones.

    Raises:
        ConfigurationError: the address or the proxy can not be used, or there is a key without nonces.
    """
    if credentials is not None and nonces is None:
        raise ConfigurationError(VENUE, "a key needs nonces, such as venues.transport.nonces.KeyNonces")
    return HttpClient(
        VENUE,
        base_url,
        sign=sign_with(credentials) if credentials is not None else None,
        nonce=nonces,
        timing=timing,
        warm_with=TIMESTAMP,
        proxy=proxy,
        hide=hide or redaction_of(credentials),
        tls=tls,
        limiter=limiter or make_limiter(),
        rng=rng,
        wall=wall,
        monotonic=monotonic,
    )
