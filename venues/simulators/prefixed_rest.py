"""The REST of a venue whose paths are answered with and without the prefix of its base URL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from venues.simulators.gateway import METHODS, Ban, Endpoint, by_path, http_date, page, read_body
from venues.simulators.local_venue import LocalVenue


class KindOfCall(Endpoint, Protocol):
    """An endpoint that knows what it counts as for faults."""

    @property
    def kind(self) -> str: ...


C = TypeVar("C", bound=KindOfCall)


class PrefixedRest(Generic[C]):
    """Finds the endpoint of a request; what the venue answers is its own `answer`."""

    def __init__(self, venue: LocalVenue, calls: Iterable[C], prefix: str) -> None:
        self._local = venue
        self._paths = by_path(calls)
        self._prefix = prefix
        self._ban = Ban(venue.clock, venue.faults)
        self.refused = 0  # how many requests the fault rate-limit has refused

    def routes(self) -> list[BaseRoute]:
        return [Route("/{path:path}", self._serve, methods=list(METHODS))]

    def call_of(self, method: str, path: str) -> str:
        """Returns submit, cancel, query or read, or what a command is that is no order."""
        call = self.find(path).get(method)
        return call.kind if call else "read"

    def find(self, path: str) -> Mapping[str, C]:
        """Returns the endpoints of a path by their method."""
        return self._paths.get(path.removeprefix(self._prefix), {})

    async def _serve(self, request: Request) -> Response:
        calls = self.find(request.url.path)
        call = calls.get(request.method)
        if call is None:
            return self.page(405, "Method Not Allowed") if calls else self.page(404, "Not Found")
        body = await read_body(request)
        if body is None:
            return self.page(400, "Bad Request")
        if self._ban.strikes(call.kind):
            return self.page(403, "Forbidden")
        return self.answer(call, request, body)

    def answer(self, call: C, request: Request, body: bytes) -> Response:
        """Returns what a request is answered with."""
        raise NotImplementedError

    def page(self, status: int, words: str) -> Response:
        """Returns the gateway's own answer, which is no JSON."""
        return page(status, words, self.headers())

    def headers(self) -> dict[str, str]:
        return {"Date": http_date(self._local.server_time_ns())}
