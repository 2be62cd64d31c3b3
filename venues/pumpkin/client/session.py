"""What the calls of Pumpkin go through: the HTTP client, and what becomes of a quota that is used up."""

from __future__ import annotations

import random
import re
import ssl
import time
from collections.abc import Callable
from typing import TypeVar

import msgspec

from venues.errors import NotSent, PermissionDenied, RateLimited, VenueError
from venues.port import Credentials
from venues.pumpkin import PREFIX, REST_ORIGIN, VENUE
from venues.pumpkin.auth import FORM, sign_with
from venues.pumpkin.codes import QuotaUsedUp
from venues.pumpkin.limits import pools, weight_of
from venues.pumpkin.readings import Readings
from venues.redaction import Redaction, redaction_of
from venues.transport.exchange import Answer, Dispatch, Judge, Request
from venues.transport.http import HttpClient
from venues.transport.ratelimit import RateLimiter
from venues.transport.timing import Timing

T = TypeVar("T")

TIME_PATH = "/v2/public/time"
QUOTA_USED_UP, _BLOCKED = "439", "403"
_THIRD_PARTIES = ("/cmc/v2/", "/cg/v2/")
# The third-party formats pad their figures with zeros beyond the 20 digits that we read.
_long_figures = re.compile(rb"(?<=[:,\[ ])(-?[0-9]+\.(?=[0-9]{21})[0-9]{1,20}?)0+(?=[ \r\n]*[,}\]])")


class PumpkinHttp(HttpClient):
    """An HTTP client that knows the venue's quotas and its firewall.

    After a 439 everything but cancels is held back until the quota begins anew: a cancel weighs less than what was
    refused, and may still fit. After a 403, whoever answered it, and a 429 nothing is sent for a while; after a
    418 all is: the address is not on the key's list, and no waiting changes that.

    Where the venue names no time it is `timing.ban`, a minute. Inferred: a 403 is documented as an hour's ban, but
    nothing says that asking prolongs it, and one that was none must not shut out a desk with positions so long.
    """

    _out_until = 0.0  # `_monotonic`'s seconds

    async def fetch(self, request: Request, into: type[T], *, judge: Judge | None = None) -> T:
        if (left := self._held_back(request)) > 0:
            raise _used_up(left)
        try:
            return await super().fetch(request, into, judge=self._timed(judge) if judge else None)
        except QuotaUsedUp:
            raise _used_up(self._held_back(request) or self.timing.pause) from None
        except PermissionDenied as error:
            if error.code != _BLOCKED:
                raise
            raise RateLimited(VENUE, error.message, _BLOCKED, self._penalty_left()) from None

    async def command(
        self, request: Request, into: type[T], *, refusals: Judge, dispatch: Dispatch | None = None
    ) -> T:
        if (left := self._held_back(request)) > 0:
            raise NotSent(VENUE, f"{request.what}: {_used_up(left).message}", QUOTA_USED_UP)
        return await super().command(request, into, refusals=self._timed(refusals), dispatch=dispatch)

    def _held_back(self, request: Request) -> float:
        return 0.0 if request.is_cancel else max(0.0, self._out_until - self._monotonic())

    def _timed(self, judge: Judge) -> Judge:
        """Returns a judge whose bans say for how long, and whose used-up quotas are kept in mind."""

        def timed(status: int, body: object) -> VenueError | None:
            found = judge(status, body)
            if isinstance(found, RateLimited) and found.retry_after is None:
                found.retry_after = self.timing.ban
            if isinstance(found, QuotaUsedUp):
                reset = self.timing.ban if found.reset is None else found.reset
                self._out_until = max(self._out_until, self._monotonic() + reset)
            return found

        return timed

    def _heed(self, answer: Answer) -> None:
        if answer.status == 403:
            self._stop(self.timing.ban)
        elif answer.status != 418:
            super()._heed(answer)

    def _read_result(self, request: Request, answer: Answer, into: type[T], judge: Judge | None) -> T:
        if any(each in request.path for each in _THIRD_PARTIES):
            answer = msgspec.structs.replace(answer, body=without_padding(answer.body))
        return super()._read_result(request, answer, into, judge)


def without_padding(body: bytes) -> bytes:
    """Returns JSON without the zeros that pad a figure beyond 20 decimals; nothing is rounded."""
    return _long_figures.sub(rb"\1", body)


def make_limiter(readings: Readings | None = None) -> RateLimiter:
    """Returns the quotas, which all sessions of one key in one process should share."""
    return RateLimiter(VENUE, pools(readings or Readings()))


def make_session(
    credentials: Credentials | None = None,
    *,
    base_url: str = REST_ORIGIN,
    prefix: str = PREFIX,
    readings: Readings | None = None,
    timing: Timing | None = None,
    limiter: RateLimiter | None = None,
    proxy: str | None = None,
    hide: Redaction | None = None,
    tls: ssl.SSLContext | None = None,
    rng: random.Random | None = None,
    wall: Callable[[], int] = time.time_ns,
    monotonic: Callable[[], float] = time.monotonic,
) -> PumpkinHttp:
    """Returns a session that is not connected; `base_url` is an origin, `prefix` what its paths begin with.

    Raises:
        ConfigurationError: the address or the proxy can not be used.
    """
    readings = readings or Readings()
    warm = Request(
        what="read time",
        method="GET",
        path=prefix + TIME_PATH,
        headers=FORM,
        is_private=credentials is not None and readings.signs_public,
        weight=weight_of(TIME_PATH, readings),
    )
    return PumpkinHttp(
        VENUE,
        base_url,
        sign=sign_with(credentials, signs_encoded=readings.signs_encoded) if credentials is not None else None,
        timing=timing,
        warm_with=warm,
        proxy=proxy,
        hide=hide or redaction_of(credentials),
        tls=tls,
        limiter=limiter or make_limiter(readings),
        rng=rng,
        wall=wall,
        monotonic=monotonic,
    )


def _used_up(seconds: float) -> RateLimited:
    words = f"the key's quota of weight is used up for {seconds:.1f} s more"
    return RateLimited(VENUE, words, QUOTA_USED_UP, retry_after=seconds)
