"""Mayex's REST: which path is which endpoint, who may call it, at what weight, and how refusals are answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from venues.model import NANOSECONDS
from venues.simulators.gateway import fits
from venues.simulators.mayex import rest_account, rest_market, rest_orders
from venues.simulators.mayex.calls import Call
from venues.simulators.mayex.params import Params, read_values
from venues.simulators.mayex.refusals import FAILED, NO_KEY, TOO_MANY, UNAUTHENTICATED, Refusal
from venues.simulators.mayex.signing import BARE, signature
from venues.simulators.prefixed_rest import PrefixedRest

if TYPE_CHECKING:
    from venues.simulators.mayex.exchange import MayexSimulator

PREFIX = "/api"  # of the base URL; paths are answered without it as well
_MOST_DIGITS = 18  # of an expiry: a client of its kin sends microseconds
CALLS = (*rest_market.CALLS, *rest_orders.CALLS, *rest_account.CALLS)


class Rest(PrefixedRest[Call]):
    """Answers the requests of one simulator."""

    def __init__(self, venue: MayexSimulator) -> None:
        super().__init__(venue, CALLS, PREFIX)
        self._venue = venue

    def find(self, path: str) -> Mapping[str, Call]:
        """Returns the endpoints of a path by their method, without those that are switched off."""
        found = super().find(path)
        return {method: call for method, call in found.items() if not call.path.startswith(self._venue.missing)}

    def answer(self, call: Call, request: Request, body: bytes) -> Response:
        """Returns what a request is answered with, be it a refusal."""
        try:
            return self._answer(call, request, body)
        except Refusal as refusal:
            wait = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else {}
            return self._json(refusal.body(), refusal.status, wait)

    def _answer(self, call: Call, request: Request, body: bytes) -> Response:
        self._refuse_by_fault(call)
        venue = self._venue
        if call.is_signed:
            self._check_signature(call, request, body)
            if not venue.quota.take(venue.clock.time_ns(), call.weight):
                raise Refusal(TOO_MANY)
        values = read_values(request.url.query, body if call.method in ("POST", "PUT") else b"")
        data = call.handle(venue, Params(values, venue.market.instruments))
        return self._json({"status": 0, "error": call.error, "data": data})

    def _check_signature(self, call: Call, request: Request, body: bytes) -> None:
        """Checks who asks, over path, query and body as they came."""
        venue, rule = self._venue, self._venue.signing
        key, expiry, given = (
            request.headers.get(f"{rule.prefix}{name}", "")
            for name in ("access-key", "request-expiry", "request-signature")
        )
        if key != venue.api_key:
            raise Refusal(NO_KEY)
        path = request.scope["raw_path"].partition(b"?")[0].decode("ascii", "surrogateescape")
        query = request.scope["query_string"].decode("ascii", "surrogateescape")
        if rule.path == BARE:
            path = path.removeprefix(PREFIX)
        expected = signature(rule, venue.api_secret, path, query, expiry, body)
        if not fits(expected, given) or venue.faults.on("auth-refused", call.kind):
            raise Refusal(UNAUTHENTICATED, "Signature verification failed")
        if not expiry.isdecimal() or len(expiry) > _MOST_DIGITS:
            raise Refusal(UNAUTHENTICATED, "Invalid request expiry")
        if venue.enforces_expiry and int(expiry) < venue.server_time_ns() * 1_000 // NANOSECONDS:
            raise Refusal(UNAUTHENTICATED, "Request expired")

    def _refuse_by_fault(self, call: Call) -> None:
        faults = self._venue.faults
        if faults.is_quiet:
            return
        if faults.on("maintenance", call.kind):
            raise Refusal(FAILED, "System maintenance")
        if faults.on("rate-limit", call.kind):
            self.refused += 1
            wait = max(1, round(faults.number("rate-limit", call.kind)))
            raise Refusal(TOO_MANY, retry_after=wait if self.refused % 2 else 0)

    def _json(self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        return Response(
            msgspec.json.encode(content), status, self.headers() | dict(headers or {}), "application/json"
        )
