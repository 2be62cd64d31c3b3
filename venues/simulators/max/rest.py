"""MAX's REST: which path is which endpoint, who may call it, how often, and how refusals are answered.

An answer is the bare object or list; a refusal is `{"success": false, "error": {...}}` with a status of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from venues.simulators.figures import milliseconds
from venues.simulators.gateway import METHODS, Ban, by_path, http_date, page, read_body
from venues.simulators.max import (
    rest_account,
    rest_funds,
    rest_market,
    rest_orders,
    rest_queries,
    rest_wallet,
)
from venues.simulators.max.calls import Call
from venues.simulators.max.figures import seconds
from venues.simulators.max.params import Params, body_params, query_params
from venues.simulators.max.refusals import (
    BAD_SIGNATURE,
    FORBIDDEN,
    NONCE_OFF,
    NONCE_USED,
    NOT_FOUND,
    UNAUTHORIZED,
    UNKNOWN_KEY,
    Refusal,
)
from venues.simulators.max.signing import NonceUsed, comparable, is_signature, parse_payload
from venues.simulators.quota import Quota

if TYPE_CHECKING:
    from venues.simulators.max.exchange import MaxSimulator

PREFIX = "/api/v3"
STATUS_PATH = "/api/status/max-api"  # of another host, which is this one here
_MOST, _WINDOW = 1_200, 60.0  # requests of the public, and of the account, in how many seconds
_M_WALLET = f"{PREFIX}/wallet/m/"
_WALLET = re.compile(r"/wallet/(spot|m)/")
_encode = msgspec.json.Encoder().encode

CALLS = (
    *rest_market.CALLS,
    *rest_account.CALLS,
    *rest_orders.CALLS,
    *rest_queries.CALLS,
    *rest_funds.CALLS,
    *rest_wallet.CALLS,
)


class Rest:
    """Answers the requests of one simulator."""

    def __init__(self, venue: MaxSimulator) -> None:
        self._venue = venue
        self._paths = by_path(CALLS)
        window = _WINDOW * venue.settings.time_scale
        self._quotas = {is_signed: Quota(_MOST, window) for is_signed in (True, False)}
        self._ban = Ban(venue.clock, venue.faults)
        self._refusals = 0  # how many requests the fault rate-limit has refused
        self._answers = 0
        self._started = venue.clock.time_ns()

    def routes(self) -> list[BaseRoute]:
        return [
            Route(STATUS_PATH, self._status, methods=["GET"]),
            Route("/{path:path}", self._serve, methods=list(METHODS)),
        ]

    def call_of(self, method: str, path: str) -> str:
        """Returns submit, cancel, query or read."""
        call = self._find(path)[0].get(method)
        return call.kind if call else "read"

    def _find(self, path: str) -> tuple[Mapping[str, Call], str]:
        """Returns the calls of a path by their method, and the wallet that the path names, if any."""
        if not path.startswith(f"{PREFIX}/"):
            return {}, ""
        below = path.removeprefix(PREFIX)
        if below in self._paths:
            return self._paths[below], ""
        match = _WALLET.match(below)
        if match is None:
            return {}, ""
        return self._paths.get(below.replace(match[0], "/wallet/{wallet}/", 1), {}), match[1]

    async def _serve(self, request: Request) -> Response:
        calls, wallet = self._find(request.url.path)
        call = calls.get(request.method)
        if call is None:
            return self._refused(Refusal(NOT_FOUND))
        body = await read_body(request)
        if body is None:
            return self._page(400, "Bad Request")
        return self._answer(call, request, body, wallet)

    def _answer(self, call: Call, request: Request, body: bytes, wallet: str) -> Response:
        refused = self._refused_by_fault(call)
        if refused is not None:
            return refused
        if not self._quotas[call.is_signed].take(self._venue.clock.time_ns()):
            return self._too_many({})
        try:
            if request.method == "GET":
                values = query_params(request.query_params.multi_items())
            else:
                values = body_params(body)
            if call.is_signed:
                self._check_signed(call, request, values)
            fields = values | {"wallet": wallet}
            answer = call.handle(self._venue, Params(fields, self._venue.market.instruments))
        except Refusal as refusal:
            return self._refused(refusal)
        status = 200 if isinstance(answer, dict) and "error" in answer else call.status
        return self._json(answer, status)

    def _check_signed(self, call: Call, request: Request, values: Mapping[str, Any]) -> None:
        """Raises Refusal where the key, the signature, what was signed or the nonce is wrong."""
        venue, headers = self._venue, request.headers
        key, payload = headers.get("x-max-accesskey", ""), headers.get("x-max-payload", "")
        given = headers.get("x-max-signature", "")
        if not (key and payload and given):
            raise Refusal(UNAUTHORIZED)
        if key != venue.api_key:
            raise Refusal(UNKNOWN_KEY)
        if not is_signature(payload, venue.api_secret, given) or venue.faults.on("auth-refused", call.kind):
            raise Refusal(BAD_SIGNATURE)
        try:
            signed = parse_payload(payload)
        except ValueError as error:
            raise Refusal(UNAUTHORIZED, str(error)) from None
        if signed.pop("path", None) != request.url.path:
            raise Refusal(BAD_SIGNATURE, "the path is not that of the payload")
        if comparable(signed) != comparable(values):
            raise Refusal(BAD_SIGNATURE, "the parameters are not those of the payload")
        if request.url.path.startswith(_M_WALLET) and not venue.wallet.is_enabled:
            raise Refusal(FORBIDDEN, "M-wallet is not enabled")
        if headers.get("x-sub-account"):
            raise Refusal(FORBIDDEN, "there is no such sub-account")
        try:
            venue.nonces.take(str(signed.get("nonce", "")), milliseconds(venue.server_time_ns()))
        except NonceUsed:
            raise Refusal(NONCE_USED) from None
        except ValueError:
            raise Refusal(NONCE_OFF) from None

    def _refused_by_fault(self, call: Call) -> Response | None:
        faults = self._venue.faults
        if self._ban.strikes(call.kind):
            return self._too_many({"Retry-After": str(self._ban.ends_at)})
        if faults.on("maintenance", call.kind):
            words = {"success": False, "error": {"code": 503, "message": "system is under maintenance"}}
            return self._json(words, 503)
        if faults.on("rate-limit", call.kind):
            return self._limited(call, faults.number("rate-limit", call.kind))
        return None

    def _limited(self, call: Call, wait: float) -> Response:
        """Says that it was too many: without a time, with a Unix time, or by a proxy's page with seconds."""
        self._refusals += 1
        form = 0 if call.kind in ("submit", "cancel") else self._refusals % 3
        if form == 0:
            return self._too_many({})
        whole = max(1, round(wait))
        if form == 1:
            return self._too_many({"Retry-After": str(seconds(self._venue.server_time_ns()) + whole)})
        return self._page(429, "Too Many Requests", {"Retry-After": str(whole)})

    def _too_many(self, headers: Mapping[str, str]) -> Response:
        words = {"success": False, "error": {"code": 429, "message": "Too Many Requests"}}
        return self._json(words, 429, headers)

    def _refused(self, refusal: Refusal) -> Response:
        return self._json(refusal.body(), refusal.status)

    async def _status(self, _request: Request) -> Response:
        is_down = self._venue.faults.is_on("maintenance", "read")
        words = {
            "service": "max-api",
            "status": "maintenance" if is_down else "online",
            "last_changed_at": milliseconds(self._started),
        }
        return self._json(words, 200)

    def _json(self, content: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
        return Response(_encode(content), status, self._headers(headers), "application/json")

    def _page(self, status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
        return page(status, words, self._headers(headers))

    def _headers(self, more: Mapping[str, str] | None) -> dict[str, str]:
        self._answers += 1
        return {
            "Date": http_date(self._venue.server_time_ns()),
            "X-Request-Id": self._venue.tag(f"request {self._answers}"),
            **(more or {}),
        }
