"""Pumpkin's REST: which path is which endpoint, who may call it, at what weight, and how refusals are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from venues.simulators.prefixed_rest import PrefixedRest
from venues.simulators.pumpkin import (
    rest_account,
    rest_entrusts,
    rest_formats,
    rest_market,
    rest_orders,
    rest_rates,
)
from venues.simulators.pumpkin.calls import Call
from venues.simulators.pumpkin.params import Params
from venues.simulators.pumpkin.refusals import (
    BANNED,
    FAILED,
    NOT_LISTED_IP,
    SIGNATURE,
    TOO_HEAVY,
    Refusal,
)
from venues.simulators.pumpkin.signing import is_signature, signed_text

if TYPE_CHECKING:
    from venues.simulators.pumpkin.exchange import PumpkinSimulator

PREFIX = "/futures"  # of the base URL; paths are answered without it as well
_encode = msgspec.json.Encoder(decimal_format="number").encode  # what is a text is one already

CALLS = (
    *rest_market.CALLS,
    *rest_rates.CALLS,
    *rest_formats.CALLS,
    *rest_orders.CALLS,
    *rest_entrusts.CALLS,
    *rest_account.CALLS,
)


class Rest(PrefixedRest[Call]):
    """Answers the requests of one simulator."""

    def __init__(self, venue: PumpkinSimulator) -> None:
        super().__init__(venue, CALLS, PREFIX)
        self._venue = venue

    def answer(self, call: Call, request: Request, body: bytes) -> Response:
        """Returns what a request is answered with, be it a refusal."""
        try:
            return self._answer(call, request, body.decode("utf-8", "replace"))
        except Refusal as refusal:
            return self._json(refusal.body(), refusal.status)

    def _answer(self, call: Call, request: Request, body: str) -> Response:
        self._refuse_by_fault(call)
        venue, query = self._venue, request.url.query
        if call.method == "GET":
            body = ""
        if not venue.is_ip_allowed:
            raise Refusal("ip_not_allowed", NOT_LISTED_IP)
        if call.is_signed or venue.requires_key:
            self._check_signature(call, request, query, body)
        if call.is_signed or "x_access_key" in request.headers:
            self._take_weight(call)
        values = dict(parse_qsl(body, keep_blank_values=True)) | dict(parse_qsl(query, keep_blank_values=True))
        if call.has_whitelist:
            venue.check_whitelist(values.get("symbol", ""))
        data = call.handle(venue, Params(values, venue.market.instruments))
        if call.is_bare:
            return self._json(data)
        tail = {"bizCode": None} if call.label == "msg" else {}
        return self._json({"code": 0, call.label: "success", "data": data} | tail)

    def _check_signature(self, call: Call, request: Request, query: str, body: str) -> None:
        venue, headers = self._venue, request.headers
        key, given = headers.get("x_access_key", ""), headers.get("x_signature", "")
        if key != venue.api_key:
            raise Refusal("not-find-user-api")
        text = signed_text(query, body, is_raw=venue.signs_raw)
        if not is_signature(venue.api_secret, text, given) or venue.faults.on("auth-refused", call.kind):
            raise Refusal("sign-error", SIGNATURE)

    def _take_weight(self, call: Call) -> None:
        heavy = self._venue.weights.take(call.weight, self._venue.clock.time_ns())
        if heavy is not None:
            data = {
                "type": heavy.kind, "current": heavy.current, "limit": heavy.limit, "reset": heavy.reset
            }  # fmt: skip
            raise Refusal("weight_exceeded", TOO_HEAVY, data=data)

    def _refuse_by_fault(self, call: Call) -> None:
        faults = self._venue.faults
        if faults.is_quiet:
            return
        if faults.on("maintenance", call.kind):
            raise Refusal("system-error", FAILED)
        if faults.on("rate-limit", call.kind):
            self.refused += 1
            reset = max(1, round(faults.number("rate-limit", call.kind)))
            if self.refused % 2:
                data = {"type": "minute", "current": 1_200, "limit": 1_200, "reset": reset}
                raise Refusal("weight_exceeded", TOO_HEAVY, data=data)
            data = {"type": "ip", "current": 120, "limit": 100, "reset": reset}
            raise Refusal("ip_high_frequency", BANNED, data=data)

    def _json(self, content: Any, status: int = 200) -> Response:
        return Response(_encode(content), status, self.headers(), "application/json")
