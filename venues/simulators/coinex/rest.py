"""CoinEx's REST: which path is which endpoint, who may call it, and the envelope of the answers.

A request that the venue does not know is answered by the gateway in front of it, with a page and a status;
whatever reaches the venue is answered with status 200 and a code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from venues.model import NANOSECONDS
from venues.simulators.coinex import (
    rest_account,
    rest_margin,
    rest_market,
    rest_orders,
    rest_queries,
    rest_stops,
)
from venues.simulators.coinex.calls import Call
from venues.simulators.coinex.params import Params, body_params
from venues.simulators.coinex.refusals import MESSAGES, Refusal
from venues.simulators.gateway import METHODS, Ban, by_path, http_date, page, read_body
from venues.simulators.quota import Quota

if TYPE_CHECKING:
    from venues.simulators.coinex.exchange import CoinexSimulator

PREFIX = "/v1"
_TONCE_TOLERANCE = 60 * NANOSECONDS
_TONCE = re.compile(r"[0-9]{1,16}")
_LIMITS: Mapping[str, tuple[int, float]] = {"order": (200, 10.0), "cancel": (200, 10.0), "loan": (5, 5.0)}
_encode = msgspec.json.Encoder().encode


def _settings(_venue: CoinexSimulator, _params: Params) -> Any:
    return {}


CALLS = (
    *rest_market.CALLS,
    *rest_account.CALLS,
    *rest_margin.CALLS,
    *rest_orders.CALLS,
    *rest_queries.CALLS,
    *rest_stops.CALLS,
    # The document writes this path with its own version, which then stands twice.
    Call("PUT", "/account/settings", _settings, is_signed=True),
    Call("PUT", "/v1/account/settings", _settings, is_signed=True),
)


class Rest:
    """Answers the requests of one simulator."""

    def __init__(self, venue: CoinexSimulator) -> None:
        self._venue = venue
        self._paths = by_path(CALLS)
        scale = venue.settings.time_scale
        self._quotas = {name: Quota(most, seconds * scale) for name, (most, seconds) in _LIMITS.items()}
        self._ban = Ban(venue.clock, venue.faults)
        self._refusals = 0  # how many requests the fault rate-limit has refused

    def routes(self) -> list[BaseRoute]:
        found = [self._route(path, calls) for path, calls in self._paths.items()]
        # Longest first: a path with a parameter would take the ones beside it.
        found.sort(key=lambda route: ("{" in route.path, route.path))
        return [*found, Route("/{path:path}", self._unknown, methods=list(METHODS))]

    def _route(self, path: str, calls: Mapping[str, Call]) -> Route:
        async def answer(request: Request) -> Response:
            call = calls.get(request.method)
            if call is None:
                return self._page(405, "Not Allowed", {"Allow": ", ".join(calls)})
            body = await read_body(request)
            if body is None:
                return self._page(400, "Bad Request")
            return self._answer(call, request, body)

        return Route(f"{PREFIX}{path}", answer, methods=list(METHODS))

    async def _unknown(self, _request: Request) -> Response:
        return self._page(404, "Not Found")

    def call_of(self, method: str, path: str) -> str:
        """Returns submit, cancel, query or read."""
        below = path.removeprefix(PREFIX)
        calls = self._paths.get(below)
        if calls is None and re.fullmatch(r"/order/stop/pending/\d+", below):
            calls = self._paths["/order/stop/pending/{order_id:int}"]
        call = (calls or {}).get(method)
        return call.kind if call else "read"

    def _answer(self, call: Call, request: Request, body: bytes) -> Response:
        if not request.headers.get("user-agent"):
            return self._page(403, "Forbidden")
        refused = self._refused_by_fault(call)
        if refused is not None:
            return refused
        headers: dict[str, str] = {}
        try:
            values = dict(request.query_params)
            if request.method in ("POST", "PUT") and not values:
                values = body_params(body)
            if call.is_signed:
                self._check_signed(call, values, request.headers.get("authorization", ""))
            if call.quota:
                self._count(call, headers)
            fields = values | {name: str(value) for name, value in request.path_params.items()}
            data = call.handle(self._venue, Params(fields, self._venue.market.instruments))
        except Refusal as refusal:
            return self._envelope(refusal.code, {}, refusal.words, headers)
        return self._envelope(0, data, call.message, headers)

    def _check_signed(self, call: Call, values: Mapping[str, str], signature: str) -> None:
        if values.get("access_id") != self._venue.api_key:
            raise Refusal(24)
        tonce = values.get("tonce", "")
        if not _TONCE.fullmatch(tonce):
            raise Refusal(227)
        if abs(int(tonce) * 1_000_000 - self._venue.server_time_ns()) > _TONCE_TOLERANCE:
            raise Refusal(227)
        if not self._venue.is_signed(values, signature) or self._venue.faults.on("auth-refused", call.kind):
            raise Refusal(25)

    def _count(self, call: Call, headers: dict[str, str]) -> None:
        quota, now = self._quotas[call.quota], self._venue.clock.time_ns()
        is_within = quota.take(now)
        headers["X-Ratelimit-Limit"] = str(quota.most)
        headers["X-Ratelimit-Remaining"] = str(quota.left(now))
        if not is_within:
            raise Refusal(213)

    def _refused_by_fault(self, call: Call) -> Response | None:
        faults = self._venue.faults
        if self._ban.strikes(call.kind):
            return self._envelope(23, {}, MESSAGES[23], {})
        if faults.on("maintenance", call.kind):
            return self._envelope(35, {}, MESSAGES[35], {})
        if faults.on("rate-limit", call.kind):
            return self._too_many(call, faults.number("rate-limit", call.kind))
        return None

    def _too_many(self, call: Call, seconds: float) -> Response:
        """Commands get code 213. Other calls that, and the gateway's 429 with its three ways to say when."""
        self._refusals += 1
        form = 0 if call.kind in ("submit", "cancel") else self._refusals % 4
        if form == 0:
            return self._envelope(213, {}, MESSAGES[213], {"X-Ratelimit-Remaining": "0"})
        wait = max(1, round(seconds))
        at = self._venue.server_time_ns() // NANOSECONDS + wait
        retry_after = {1: str(wait), 2: formatdate(at, usegmt=True), 3: str(at)}[form]
        return self._page(429, "Too Many Requests", {"Retry-After": retry_after})

    def _envelope(self, code: int, data: Any, message: str, headers: Mapping[str, str]) -> Response:
        content = _encode({"code": code, "data": data, "message": message})
        return Response(content, 200, {**self._date(), **headers}, "application/json")

    def _page(self, status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
        return page(status, words, {**self._date(), **(headers or {})})

    def _date(self) -> dict[str, str]:
        return {"Date": http_date(self._venue.server_time_ns())}
