"""How Mayex is reached: its limits, its REST client, and its streams, of which the contracts' is the first.

The document names no limits of the streams. Inferred, as of common gateways: 600 connections an hour and 10
messages a second on each.
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable

import msgspec

from venues.mayex import VENUE
from venues.mayex.auth import LIFE
from venues.mayex.calls import heartbeat
from venues.mayex.client import Client, MayexHttp, make_session
from venues.mayex.limits import pools
from venues.mayex.settings import Settings
from venues.redaction import Redaction, redaction_of
from venues.transport.conversation import Expects
from venues.transport.ratelimit import Pool, RateLimiter
from venues.transport.streams import Streams
from venues.transport.timing import Timing

CONNECTS = Pool(name="connections", units=600, period=3_600.0, has_reserve=False)
MESSAGES = (Pool(name="second", units=10),)


def make_limiter(settings: Settings) -> RateLimiter:
    """Returns the limits that REST and the streams share: a ban of one is a ban of all.

    Raises:
        ConfigurationError: a quota is stated that no history fits in.
    """
    return RateLimiter(VENUE, (*pools(settings.facts), CONNECTS))


def make_client(
    settings: Settings,
    limiter: RateLimiter,
    *,
    now: Callable[[], int],
    rng: random.Random,
    hide: Redaction,
    tls: ssl.SSLContext | None = None,
    wall: Callable[[], int] = time.time_ns,
    monotonic: Callable[[], float] = time.monotonic,
) -> tuple[Client, MayexHttp]:
    """Returns the REST client and its session; `now` is the venue's time, in nanoseconds.

    Raises:
        ConfigurationError: the address, the proxy or the secret can not be used.
    """
    profile = settings.facts
    session = make_session(
        settings.credentials,
        base_url=settings.base_url,
        profile=profile,
        now=now,
        life=LIFE * settings.time_scale,
        timing=Timing().scaled(settings.time_scale),
        limiter=limiter,
        proxy=settings.proxy,
        hide=hide,
        tls=tls,
        rng=rng,
        wall=wall,
        monotonic=monotonic,
    )
    has_key = settings.credentials is not None
    client = Client(
        session=session,
        has_key=has_key,
        base_url=settings.base_url,
        profile=profile,
        secrets=redaction_of(settings.credentials),
    )
    return client, session


def make_streams(
    settings: Settings,
    limiter: RateLimiter,
    *,
    rng: random.Random,
    hide: Redaction | None = None,
    tls: ssl.SSLContext | None = None,
    wall: Callable[[], int] = time.time_ns,
) -> Streams:
    """Returns what makes the streams, the contracts' by itself. Raises ConfigurationError."""
    return Streams(
        VENUE,
        msgspec.structs.replace(settings, ws_url=settings.contract_address),
        limiter,
        heartbeat=heartbeat(is_text=settings.text_ping, time_scale=settings.time_scale),
        weight=((CONNECTS.name, 1),),
        pools=MESSAGES,
        expects=Expects.TEXT,
        rng=rng,
        hide=hide,
        tls=tls,
        wall=wall,
    )
