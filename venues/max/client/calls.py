"""How every call is made; the groups stand on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from venues.errors import BadRequest, MissingCredentials, NotSent
from venues.max import PREFIX, VENUE
from venues.max.auth import account_headers
from venues.max.codes import judge_new, judge_read
from venues.max.limits import PRIVATE, PUBLIC
from venues.max.parameters import Value, flat, limit_of, moment_of, one_of
from venues.transport.exchange import Dispatch, Judge, Request, Session
from venues.transport.parameters import compact, given
from venues.transport.session import InSession

T = TypeVar("T")

ORDERS = ("asc", "desc")
_is_path = re.compile(r"(?:/[A-Za-z0-9_-]+)+", re.ASCII).fullmatch

NOTHING: Mapping[str, Value] = MappingProxyType({})
NO_KEY = "there is no API key: this call needs one of MAX"


class Calls(InSession):
    """One account of MAX, or none: then only what is public can be asked."""

    def __init__(self, session: Session, *, has_key: bool, sub_account: str = "") -> None:
        self._session = session
        self._headers = account_headers(sub_account)
        self._has_key = has_key

    async def _ask(self, what: str, path: str, into: type[T], parameters: Mapping[str, Value] = NOTHING) -> T:
        """Reads what everybody may."""
        query = urlencode(flat(parameters))
        request = Request(what=what, method="GET", path=path_of(path), query=query, weight=PUBLIC)
        return await self._session.fetch(request, into, judge=judge_read)

    async def _read(
        self,
        what: str,
        path: str,
        into: type[T],
        parameters: Mapping[str, Value] = NOTHING,
        *,
        judge: Judge = judge_read,
        is_urgent: bool = False,
    ) -> T:
        """Reads what is ours; an urgent one may use what the limits keep for cancels."""
        if not self._has_key:
            raise MissingCredentials(VENUE, NO_KEY)
        request = self._signed(what, "GET", path, parameters, is_cancel=is_urgent)
        return await self._session.fetch(request, into, judge=judge)

    async def _command(
        self,
        what: str,
        method: str,
        path: str,
        into: type[T],
        parameters: Mapping[str, Value],
        *,
        judge: Judge = judge_new,
        dispatch: Dispatch | None = None,
    ) -> T:
        """Sends what changes something, at most once."""
        if not self._has_key:
            raise NotSent(VENUE, NO_KEY)
        request = self._signed(what, method, path, parameters, is_cancel=method == "DELETE")
        return await self._session.command(request, into, refusals=judge, dispatch=dispatch)

    def _signed(
        self, what: str, method: str, path: str, parameters: Mapping[str, Value], *, is_cancel: bool
    ) -> Request:
        return Request(
            what=what,
            method=method,
            path=path_of(path),
            headers=self._headers,
            body=msgspec.json.encode(dict(parameters)),  # where it goes is the signer's affair
            is_private=True,
            weight=PRIVATE,
            is_cancel=is_cancel,
        )


def path_of(path: str) -> str:
    """Returns the whole path of one below the venue's prefix, which it may have already.

    Raises:
        BadRequest: it is none, or holds a query, which the signature would not cover.
    """
    if not _is_path(path):
        raise BadRequest(VENUE, "a path that can not be asked for")
    return path if path.startswith(f"{PREFIX}/") else PREFIX + path


def paged(timestamp: int | None, order: str | None, limit: int | None, **more: Value | None) -> dict[str, Value]:
    """Returns the parameters that most lists take: a moment in milliseconds, "asc" or "desc", 1 to 1,000 rows."""
    return compact(
        **more,
        timestamp=given(timestamp, moment_of),
        order=given(order, one_of, ORDERS, "the order"),
        limit=given(limit, limit_of),
    )
