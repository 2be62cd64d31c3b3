"""What the calls of Mayex go through: the HTTP client, which notes what was proven."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable
from typing import TypeVar

from venues.mayex import BASE_URL, VENUE
from venues.mayex.auth import LIFE, sign_with
from venues.mayex.endpoints import PAIRS
from venues.mayex.limits import pools
from venues.mayex.models.figures import without_blanks
from venues.mayex.profile import FAIRDESK, Profile
from venues.port import Credentials
from venues.redaction import Redaction, redaction_of
from venues.transport.address import split_url
from venues.transport.exchange import Dispatch, Judge, Request
from venues.transport.http import HttpClient
from venues.transport.ratelimit import RateLimiter
from venues.transport.timing import Timing

T = TypeVar("T")

_MILLISECOND = 1_000_000  # nanoseconds


class MayexHttp(HttpClient):
    """An HTTP client that notes the first signed call that succeeds: how the venue signs is inferred until then.

    Empty texts of an answer are read as null, since the venue writes figures so that it does not know.
    """

    is_verified = False

    async def fetch(self, request: Request, into: type[T], *, judge: Judge | None = None) -> T:
        found = await super().fetch(request, into, judge=judge)
        self.is_verified = self.is_verified or request.is_private
        return found

    async def command(
        self, request: Request, into: type[T], *, refusals: Judge, dispatch: Dispatch | None = None
    ) -> T:
        found = await super().command(request, into, refusals=refusals, dispatch=dispatch)
        self.is_verified = self.is_verified or request.is_private
        return found

    def _readable(self, body: bytes) -> bytes:
        return without_blanks(body)


def make_limiter(profile: Profile = FAIRDESK) -> RateLimiter:
    """Returns the quota, which all sessions of one key in one process should share. Raises ConfigurationError."""
    return RateLimiter(VENUE, pools(profile))


def make_session(
    credentials: Credentials | None = None,
    *,
    base_url: str = BASE_URL,
    profile: Profile = FAIRDESK,
    now: Callable[[], int] = time.time_ns,
    life: float = LIFE,
    timing: Timing | None = None,
    limiter: RateLimiter | None = None,
    proxy: str | None = None,
    hide: Redaction | None = None,
    tls: ssl.SSLContext | None = None,
    rng: random.Random | None = None,
    wall: Callable[[], int] = time.time_ns,
    monotonic: Callable[[], float] = time.monotonic,
) -> MayexHttp:
    """Returns a session that is not connected; `now` is the venue's time as far as it is known, in nanoseconds.

    What it signs expires after `life` seconds.

    Raises:
        ConfigurationError: the address, the proxy, the quota or the secret can not be used.
    """
    origin, prefix = split_url(VENUE, base_url)
    return MayexHttp(
        VENUE,
        origin,
        sign=sign_with(credentials, profile, prefix=prefix, life=life) if credentials is not None else None,
        nonce=lambda: now() // _MILLISECOND + round(life * 1_000),
        timing=timing,
        warm_with=Request(what="read time", method="GET", path=prefix + PAIRS),
        proxy=proxy,
        hide=hide or redaction_of(credentials),
        tls=tls,
        limiter=limiter or make_limiter(profile),
        rng=rng,
        wall=wall,
        monotonic=monotonic,
    )
