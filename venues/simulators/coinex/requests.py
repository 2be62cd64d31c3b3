"""The frames of CoinEx's stream: a request is read, answered or refused, and its first pushes follow.

Document: WebSocket, "Notes". A request is {"method", "params", "id"}, an answer {"error", "result", "id"}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from venues.simulators.coinex.account_methods import ACCOUNT_METHODS, SIGN
from venues.simulators.coinex.asking import (
    INTERNAL_ERROR,
    INVALID_ARGUMENT,
    MESSAGES,
    METHOD_NOT_FOUND,
    REQUIRE_AUTH,
    SERVICE_UNAVAILABLE,
    TOO_QUICK,
    Answer,
    Desk,
    Method,
    Refused,
)
from venues.simulators.coinex.client import Client
from venues.simulators.coinex.market_methods import MARKET_METHODS
from venues.simulators.faults import Faults
from venues.simulators.held import HEARTBEATS_ONLY
from venues.simulators.outgoing import ACCOUNT, MARKET
from venues.simulators.sockets import read_object

METHODS: Mapping[str, Method] = {**MARKET_METHODS, **ACCOUNT_METHODS}
PING = "server.ping"
_WORKS_IN_MAINTENANCE = frozenset({PING, "server.time", SIGN, "notice.subscribe"})


def take(desk: Desk, client: Client, frame: str | bytes) -> None:
    """Answers one frame, unless a fault keeps the venue silent."""
    faults = desk.simulator.faults
    number: Any = None
    answer = Answer(None)
    code = 0
    try:
        request = read_object(frame)
        if request is None:
            raise Refused(INVALID_ARGUMENT)
        number = request.get("id")
        name, params = _read(request)
        if not faults.is_quiet and name != PING and faults.on(HEARTBEATS_ONLY, _call_of(name)):
            return
        answer = _run(desk, client, name, params)
    except Refused as refused:
        code = refused.code
    error = {"code": code, "message": MESSAGES[code]} if code else None
    data = msgspec.json.encode({"error": error, "result": answer.result, "id": number})
    client.outgoing.put(data, client.call, is_push=False)
    if answer.then is not None:
        answer.then()


def _read(request: dict[str, Any]) -> tuple[str, list[Any]]:
    """Returns method and params, none where they are missing. Raises Refused."""
    name, params = request.get("method"), request.get("params")
    if params is None:
        params = []
    if not isinstance(name, str) or not isinstance(params, list):
        raise Refused(INVALID_ARGUMENT)
    return name, params


def _run(desk: Desk, client: Client, name: str, params: list[Any]) -> Answer:
    method = METHODS.get(name)
    if method is None:
        raise Refused(METHOD_NOT_FOUND)
    if not desk.simulator.faults.is_quiet and name != PING:
        _refuse_by_fault(desk.simulator.faults, name, method)
    if method.is_private and not client.is_signed:
        raise Refused(REQUIRE_AUTH)
    return method.run(desk, client, params)


def _refuse_by_fault(faults: Faults, name: str, method: Method) -> None:
    call = _call_of(name)
    if faults.on("rate-limit", call):
        raise Refused(TOO_QUICK)
    if name not in _WORKS_IN_MAINTENANCE and faults.on("maintenance", call):
        raise Refused(SERVICE_UNAVAILABLE)
    if name == SIGN and faults.on("login-refused", call):
        raise Refused(REQUIRE_AUTH)
    if method.is_subscribe and faults.on("subscribe-refused", call):
        raise Refused(INTERNAL_ERROR)


def _call_of(name: str) -> str:
    """What a method is about, whoever asks."""
    return ACCOUNT if name in ACCOUNT_METHODS else MARKET
