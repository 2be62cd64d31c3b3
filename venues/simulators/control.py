"""The control API of a simulator, under /practice/: look at it, act in its market, switch its faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from venues.simulators.port import Simulator

_PATHS = "GET /practice/state, GET PUT DELETE /practice/faults, POST /practice/act"


def control_routes(simulator: Simulator, state_of: Callable[[], dict[str, Any]]) -> list[BaseRoute]:
    """Returns the routes; `state_of` returns all that is true there."""

    async def state(_request: Request) -> Response:
        return _answer(state_of())

    async def faults(request: Request) -> Response:
        if request.method == "PUT":
            try:
                simulator.faults.switch(_spec(await request.body()))
            except ValueError as error:
                return _answer({"error": str(error)}, 400)
        elif request.method == "DELETE":
            simulator.faults.heal()
        return _answer(simulator.faults.report())

    async def act(request: Request) -> Response:
        try:
            return _answer(simulator.act(_object(await request.body())))
        except ValueError as error:
            return _answer({"error": str(error)}, 400)

    async def unknown(_request: Request) -> Response:
        return _answer({"error": f"there is only {_PATHS}"}, 404)

    return [
        Route("/practice/state", state, methods=["GET"]),
        Route("/practice/faults", faults, methods=["GET", "PUT", "DELETE"]),
        Route("/practice/act", act, methods=["POST"]),
        Route("/practice", unknown),
        Route("/practice/{rest:path}", unknown),
    ]


def _answer(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ValueError(f"the body must be a JSON object: {error}") from error


def _spec(body: bytes) -> str:
    wish = _object(body)
    spec = wish.get("faults")
    if not isinstance(spec, str) or len(wish) != 1:
        raise ValueError('the body must be {"faults": SPEC}, a text such as "lost-reply@submit,drop:0.1"')
    return spec
