"""What stands before a venue's REST: the gateway's pages, the bans, and the dates of the answers."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from typing import Protocol, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from venues.model import NANOSECONDS
from venues.simulators.faults import Faults
from venues.simulators.port import Clock

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


class Endpoint(Protocol):
    """What routing knows of a venue's endpoint."""

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...


E = TypeVar("E", bound=Endpoint)


def by_path(endpoints: Iterable[E]) -> dict[str, dict[str, E]]:
    """Returns the endpoints of each path by their method."""
    paths: dict[str, dict[str, E]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return paths


async def read_body(request: Request) -> bytes | None:
    """Returns what a request brings; None where its sender has gone: nobody reads an answer."""
    try:
        return await request.body()
    except ClientDisconnect:
        return None


def page(status: int, words: str, headers: Mapping[str, str]) -> Response:
    """Returns a gateway's own answer, which is no JSON."""
    html = f"<html><head><title>{status} {words}</title></head><body><h1>{status} {words}</h1></body></html>\n"
    return Response(html, status, headers, "text/html")


def http_date(ns: int) -> str:
    """Returns a moment as the header `Date` has it."""
    return formatdate(ns / NANOSECONDS, usegmt=True)


def fits(signature: str, given: str) -> bool:
    """Says whether a given signature is the right one; what is no ASCII never is."""
    return hmac.compare_digest(signature.encode(), given.encode("utf-8", "replace"))


class Ban:
    """The fault `ban` of requests: it lasts for its value in seconds, or until it is switched off."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults
        self._until = 0

    @property
    def ends_at(self) -> int:
        """When it ends, in whole Unix seconds."""
        return -(-self._until // NANOSECONDS)

    def strikes(self, kind: str) -> bool:
        """Whether a request of this kind (submit, cancel, query, read) is refused now."""
        faults, now = self._faults, self._clock.time_ns()
        if not faults.is_on("ban", kind):
            self._until = 0
        elif not self._until and faults.on("ban", kind):
            self._until = now + round(faults.number("ban", kind) * NANOSECONDS)
        return now < self._until
